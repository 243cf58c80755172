-- Two ways to carry out what was agreed: here, and the core follows; or by the core, and its report is followed here. In the
-- second, a confirmed merge whose time has come is handed to the core (`core` is pending), and nothing but a report that says the
-- very plan that was confirmed executes it. And who waits for the core's answer for long is told so.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('merge_due', 'inbox', 'card', 'info', 'change', '2026-11'),
    ('merge_not_reported', 'push', 'card', 'warning', 'change', '2026-11'),
    ('merge_unanswered', 'push', 'card', 'warning', 'change', '2026-11');

-- Since when the core's answer to a merge is awaited; NULL when it is not.
CREATE FUNCTION waits_for_core_since(p_merge merges) RETURNS timestamptz
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp
RETURN CASE WHEN (p_merge).core = 'pending' THEN
    CASE (p_merge).state
        WHEN 'confirmed' THEN (p_merge).executes_at
        WHEN 'executed' THEN (p_merge).executed_at
        WHEN 'undone' THEN (p_merge).closed_at
    END
END;
REVOKE ALL ON FUNCTION waits_for_core_since(merges) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION waits_for_core_since(merges)
TO sepakat_api, sepakat_worker, sepakat_feed, sepakat_operator, sepakat_writer;

CREATE TABLE unanswered_merges (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    since timestamptz NOT NULL,
    told_at timestamptz NOT NULL,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, merge_id, since),
    FOREIGN KEY (participant_id, merge_id) REFERENCES merges,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
COMMENT ON TABLE unanswered_merges IS 'The waits for the core''s answer whose participant was told that they are long: one row each, for ever.';

GRANT SELECT ON unanswered_merges TO sepakat_api, sepakat_worker, sepakat_feed, sepakat_operator;
GRANT SELECT, INSERT ON unanswered_merges TO sepakat_writer;

CREATE TRIGGER unanswered_merges_by_function_only BEFORE INSERT ON unanswered_merges
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('unanswered_merges_by_function_only');
CREATE TRIGGER unanswered_merges_are_append_only BEFORE UPDATE OR DELETE ON unanswered_merges
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('unanswered_merges_are_append_only');
CREATE TRIGGER unanswered_merges_are_not_truncated BEFORE TRUNCATE ON unanswered_merges
    EXECUTE FUNCTION refuse_statement('unanswered_merges_are_append_only');
ALTER TABLE unanswered_merges ENABLE ALWAYS TRIGGER unanswered_merges_by_function_only;
ALTER TABLE unanswered_merges ENABLE ALWAYS TRIGGER unanswered_merges_are_append_only;
ALTER TABLE unanswered_merges ENABLE ALWAYS TRIGGER unanswered_merges_are_not_truncated;

SELECT isolate_table('unanswered_merges');

CREATE INDEX merges_due_here ON merges (executes_at) WHERE state = 'confirmed' AND core IS NULL;
CREATE INDEX merges_unanswered ON merges (state, merge_id) WHERE core = 'pending';

DROP TRIGGER core_is_told ON history;
CREATE TRIGGER core_is_told AFTER INSERT ON history FOR EACH ROW WHEN (new.kind IN (
    'merge_confirmed', 'merge_due', 'merge_delayed', 'merge_cancelled', 'merge_refused', 'merge_not_reported', 'merge_executed',
    'merge_undone', 'merge_disputed', 'merge_accepted', 'contact_changed')) EXECUTE FUNCTION tell_core();
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

CREATE OR REPLACE FUNCTION tell_core() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO public.core_events (participant_id, seq, type)
    SELECT new.participant_id, new.seq, CASE new.kind
        WHEN 'merge_refused' THEN 'merge.unconfirmed'
        WHEN 'merge_not_reported' THEN 'merge.unconfirmed'
        WHEN 'merge_disputed' THEN 'dispute.opened'
        ELSE replace(new.kind, '_', '.') END
    FROM public.causes AS c
    WHERE c.participant_id = new.participant_id AND c.cause_id = new.cause_id
        AND (new.kind <> 'contact_changed' OR c.origin = 'participant');
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION guard_merge_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_from text := CASE WHEN tg_op = 'INSERT' THEN '-' ELSE old.state END;
BEGIN
    IF (v_from <> new.state AND NOT EXISTS (
            SELECT FROM public.merge_transitions AS t WHERE t.from_state = v_from AND t.to_state = new.state))
        -- The core may end an open merge, by telling of one that it did itself, and refuse one that was agreed to; neither
        -- last_refusal nor closed_because is the feed's to write, so that both refusals come by their functions. What the worker
        -- handed to the core is executed by the core's report. It takes no other step. What ends a dispute is guarded where the
        -- cases are.
        OR (tg_op = 'UPDATE' AND session_user = 'sepakat_feed' AND new.state NOT IN (old.state, 'cancelled')
            AND old.state <> 'disputed'
            AND ((old.state, new.state, new.last_refusal ->> 'code') = ('confirmed', 'proposed', 'core_refused')
                OR (old.state, new.state, old.core) = ('confirmed', 'executed', 'pending')
                OR (old.state, new.state, new.closed_because) = ('executed', 'undone', 'core_refused')) IS NOT TRUE)
    THEN
        PERFORM public.refuse('merge_step_is_known', format('a merge cannot go from %s to %s', v_from, new.state));
    END IF;
    IF tg_op = 'INSERT' AND (
        (new.proposed_by <> 'participant' AND NOT pg_has_role(session_user, 'sepakat_feed', 'MEMBER'))
        OR (new.proposed_by = 'participant' AND NOT pg_has_role(session_user, 'sepakat_api', 'MEMBER'))
        OR (new.state = 'reported') <> (new.proposed_by = 'core' AND new.reported IS NOT NULL))
    THEN
        PERFORM public.refuse('merge_is_proposed_by_its_proposer', 'the proposer of a merge is the one who proposes it');
    END IF;
    IF tg_op = 'UPDATE' AND (
        (old.participant_id, old.merge_id, old.proposed_by, old.proposed_at, old.reported)
            IS DISTINCT FROM (new.participant_id, new.merge_id, new.proposed_by, new.proposed_at, new.reported)
        OR ((old.absorb, old.into_card) IS DISTINCT FROM (new.absorb, new.into_card) AND (
            old.state <> 'proposed' OR new.state <> 'proposed'
            OR NOT ((old.absorb || old.into_card) @> (new.absorb || new.into_card)
                AND (old.absorb || old.into_card) <@ (new.absorb || new.into_card)
                AND cardinality(old.absorb) = cardinality(new.absorb)))))
    THEN
        PERFORM public.refuse('merge_keeps_its_cards', 'a merge keeps its cards; only the survivor of a proposal can be chosen');
    END IF;
    IF (new.state = 'confirmed' AND v_from <> 'confirmed' AND NOT EXISTS (
            SELECT FROM public.confirmations AS c
            WHERE c.participant_id = new.participant_id AND c.confirmation_id = new.confirmation_id AND c.action = 'merge'
                AND c.confirmed_at = new.confirmed_at AND c.confirmed_at = public.current_instant()))
        OR (v_from = 'confirmed' AND new.state IN ('confirmed', 'executed') OR v_from = 'executed')
            AND (old.confirmation_id, old.confirmed_at, old.plan_digest)
                IS DISTINCT FROM (new.confirmation_id, new.confirmed_at, new.plan_digest)
        OR v_from = 'executed' AND (old.executed_at, old.undo_until) IS DISTINCT FROM (new.executed_at, new.undo_until)
    THEN
        PERFORM public.refuse('merge_keeps_its_confirmation', 'a merge is confirmed by a confirmation of this very moment, and keeps it');
    END IF;
    IF new.state = 'executed' AND v_from <> 'executed' AND NOT EXISTS (
        SELECT FROM public.merge_executions AS e
        WHERE e.participant_id = new.participant_id AND e.merge_id = new.merge_id AND e.action = 'merge'
            AND e.confirmation_id = new.confirmation_id AND e.xact = pg_current_xact_id())
    THEN
        PERFORM public.refuse('merge_executes_with_its_confirmation', 'a merge is executed only inside its execution');
    END IF;
    IF new.state = 'undone' AND v_from <> 'undone' AND NOT EXISTS (
        SELECT FROM public.merge_executions AS e
        WHERE e.participant_id = new.participant_id AND e.merge_id = new.merge_id AND e.xact = pg_current_xact_id()
            AND CASE WHEN new.closed_because IS NULL THEN e.action = 'undo'
                ELSE e.action = 'reverse' AND (new.closed_because, new.core) = ('core_refused', 'refused') END)
    THEN
        PERFORM public.refuse('merge_executes_with_its_confirmation', 'a merge is undone only inside the execution of its undo');
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION tell_of_merge_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_from text := CASE WHEN tg_op = 'INSERT' THEN '-' ELSE old.state END;
    v_kind text;
    v_open boolean := new.state IN ('proposed', 'confirmed', 'reported', 'disputed');
BEGIN
    IF tg_op = 'INSERT' AND v_open THEN
        INSERT INTO public.open_merge_cards (participant_id, card_id, merge_id)
        SELECT new.participant_id, held.card_id, new.merge_id FROM unnest(new.absorb || new.into_card) AS held (card_id)
        -- the core may have merged several cards into one: what a reported merge holds, another one need not hold again
        WHERE new.state <> 'reported' OR NOT EXISTS (
            SELECT FROM public.open_merge_cards AS o
            JOIN public.merges AS m ON m.participant_id = o.participant_id AND m.merge_id = o.merge_id
            WHERE o.participant_id = new.participant_id AND o.card_id = held.card_id AND m.state IN ('reported', 'disputed'));
    ELSIF NOT v_open THEN
        DELETE FROM public.open_merge_cards WHERE participant_id = new.participant_id AND merge_id = new.merge_id;
    END IF;

    SELECT CASE WHEN v_from = new.state AND new.state IN ('reported', 'disputed')
            THEN CASE WHEN new.confirmation_id IS NULL THEN 'merge_accept_refused' ELSE 'merge_accept_confirmed' END
        WHEN v_from = new.state THEN 'merge_survivor_chosen'
        -- what the core refused is not told as if the cards had changed, nor as if the participant had undone it
        WHEN t.kind = 'merge_refused' AND new.last_refusal ->> 'code' = 'core_refused' THEN 'merge_refused_by_core'
        WHEN t.kind = 'merge_refused' AND new.last_refusal ->> 'code' = 'core_silent' THEN 'merge_not_reported'
        WHEN t.kind = 'merge_undone' AND new.closed_because = 'core_refused' THEN 'merge_reversed'
        WHEN t.kind = 'merge_proposed' AND new.proposed_by = 'participant' THEN 'merge_drafted' ELSE t.kind END
    INTO v_kind
    FROM (SELECT 1) AS always
    LEFT JOIN public.merge_transitions AS t ON t.from_state = v_from AND t.to_state = new.state;

    PERFORM public.append_history(ARRAY[ROW(new.participant_id, v_kind, NULL, new.merge_id, new.cause_id, jsonb_build_object(
        'absorb', (SELECT jsonb_agg(k.kpj ORDER BY k.kpj) FROM public.cards AS k
            WHERE k.participant_id = new.participant_id AND k.card_id = ANY (new.absorb)),
        'into', (SELECT k.kpj FROM public.cards AS k WHERE k.participant_id = new.participant_id AND k.card_id = new.into_card),
        'total', (SELECT sum(k.balance) FROM public.cards AS k
            WHERE k.participant_id = new.participant_id AND k.card_id = ANY (new.absorb || new.into_card)),
        'proposed_by', new.proposed_by, 'plan_digest', new.plan_digest,
        'executes_at', new.executes_at, 'undo_until', new.undo_until, 'last_refusal', new.last_refusal, 'reported', new.reported,
        'closed_because', new.closed_because,
        -- what the core has done with it: as this step leaves it, or, where it is not executed, as the step found it
        'core', CASE WHEN tg_op = 'INSERT' OR new.state IN ('executed', 'undone', 'accepted') THEN new.core ELSE old.core END
    ) || coalesce((
        SELECT jsonb_build_object('case_id', c.case_id, 'due_at', c.due_at, 'decision', c.decision) FROM public.cases AS c
        WHERE c.participant_id = new.participant_id AND c.merge_id = new.merge_id AND c.xact = pg_current_xact_id()
    ), '{}'))::public.history_entry]);
    RETURN NULL;
END
$$;

-- What a confirmed merge does to the cards, once it is settled that it is to be done: as the confirmed plan says, or not at all.
-- p_cause_id is the core's report where that is what executes it, else NULL.
CREATE FUNCTION carry_out_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
    v_plan jsonb;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_changes public.card_change[];
BEGIN
    PERFORM public.refuse_while_paused();
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF v_merge.state IS DISTINCT FROM 'confirmed' OR v_merge.executes_at > v_now THEN
        PERFORM public.refuse('merge_is_due', 'only a confirmed merge whose cooling-off is over is executed');
    END IF;

    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = v_merge.plan_digest;

    IF v_merge.confirmed_at + make_interval(secs => (v_plan ->> 'cooling_off_s')::integer) <= v_now IS NOT TRUE
        OR p_undo_window IS DISTINCT FROM make_interval(secs => (v_plan ->> 'undo_window_s')::integer)
    THEN
        PERFORM public.refuse('merge_is_due', 'the cooling-off and the undo window are those of the confirmed plan');
    END IF;
    IF v_plan ->> 'action' IS DISTINCT FROM 'merge' OR (v_plan ->> 'merge_id')::uuid IS DISTINCT FROM p_merge_id OR EXISTS (
        SELECT FROM public.cards AS k
        FULL JOIN jsonb_to_recordset(v_plan -> 'cards')
            AS c (kpj text, role text, status_before text, status_after text, balance_before bigint, balance_after bigint)
            ON c.kpj = k.kpj AND k.participant_id = p_participant_id
        WHERE (c.kpj IS NOT NULL OR (k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card)))
            AND (c.role, c.status_before, c.balance_before, c.status_after, c.balance_after) IS DISTINCT FROM (
                CASE WHEN k.card_id = v_merge.into_card THEN 'survivor' WHEN k.card_id = ANY (v_merge.absorb) THEN 'absorbed' END,
                k.status, k.balance,
                CASE WHEN k.card_id = v_merge.into_card THEN k.status ELSE 'merged' END,
                CASE WHEN k.card_id = v_merge.into_card THEN (v_plan ->> 'total_after')::bigint ELSE 0 END)
    ) OR (SELECT (sum(k.balance), sum(k.balance)) FROM public.cards AS k
        WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card))
        IS DISTINCT FROM ((v_plan ->> 'total_before')::numeric, (v_plan ->> 'total_after')::numeric)
    THEN
        PERFORM public.refuse('plan_equals_the_cards', 'the confirmed plan differs from the cards as they are now');
    END IF;

    INSERT INTO public.merge_executions (participant_id, merge_id, action, plan_digest, confirmation_id, executed_at, xact)
    VALUES (p_participant_id, p_merge_id, 'merge', v_merge.plan_digest, v_merge.confirmation_id, v_now, pg_current_xact_id());
    v_cause_id := coalesce(p_cause_id, public.record_cause(p_participant_id, 'participant',
        (SELECT coalesce(c.device_id, c.passkey_id)::text FROM public.confirmations AS c
            WHERE c.participant_id = p_participant_id AND c.confirmation_id = v_merge.confirmation_id),
        v_merge.reason, p_merge_id));

    SELECT array_agg(ROW(p_participant_id, change.card_id, v_cause_id, change.kind, change.ledger_kind, change.amount,
        public.jakarta_day(v_now), NULL, NULL, NULL, change.from_kpj, CASE WHEN change.amount IS NOT NULL THEN p_merge_id END, NULL,
        change.patch, jsonb_build_object('into', survivor.kpj))::public.card_change ORDER BY change.kpj) INTO v_changes
    FROM public.cards AS survivor CROSS JOIN LATERAL (
        -- the absorbed cards give all they have; a card without savings gives no entry
        SELECT k.kpj, k.card_id, 'card_merged' AS kind, CASE WHEN k.balance > 0 THEN 'merge_out' END AS ledger_kind,
            CASE WHEN k.balance > 0 THEN -k.balance END AS amount, NULL AS from_kpj,
            jsonb_build_object('merge_mark', 'merged', 'merge_id', p_merge_id, 'merged_into', survivor.card_id,
                'merged_at', v_now, 'merged_via', jsonb_build_array(p_merge_id)) AS patch
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)
        UNION ALL
        SELECT k.kpj, survivor.card_id, 'card_received_merge', CASE WHEN k.balance > 0 THEN 'merge_in' END,
            CASE WHEN k.balance > 0 THEN k.balance END, k.kpj, NULL
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)
        UNION ALL
        -- what was merged earlier into a card that is absorbed now resolves to the survivor in one hop
        SELECT k.kpj, k.card_id, 'card_forwarded', NULL, NULL, NULL, jsonb_build_object(
            'merged_into', survivor.card_id, 'merged_via', to_jsonb(k.merged_via || p_merge_id))
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.merge_mark = 'merged'
            AND k.merged_into = ANY (v_merge.absorb)
    ) AS change
    WHERE survivor.participant_id = p_participant_id AND survivor.card_id = v_merge.into_card;
    PERFORM public.change_cards(v_changes);

    UPDATE public.merges AS m SET state = 'executed', executed_at = v_now, undo_until = v_now + p_undo_window,
        core = CASE WHEN v_merge.core = 'pending' THEN 'acknowledged' ELSE 'pending' END, cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

CREATE OR REPLACE FUNCTION execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF EXISTS (SELECT FROM public.merges AS m
        WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id AND m.core IS NOT NULL)
    THEN
        PERFORM public.refuse('core_executes_what_it_was_handed', 'this merge was handed to the core: its report executes it');
    END IF;
    PERFORM public.carry_out_merge(p_participant_id, p_merge_id, p_undo_window, NULL);
END
$$;

-- The cooling-off is over: from here on the core may carry it out, and only its report executes it here. Whoever calls has looked at
-- the confirmation again; it cannot change any more.
CREATE FUNCTION hand_merge_to_core(p_participant_id uuid, p_merge_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
    v_cause_id uuid := public.record_cause(p_participant_id, 'system', 'worker', NULL, p_merge_id);
BEGIN
    PERFORM public.refuse_while_paused();
    UPDATE public.merges AS m SET core = 'pending', cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
        AND m.state = 'confirmed' AND m.core IS NULL AND m.executes_at <= public.current_instant()
    RETURNING * INTO v_merge;
    IF v_merge.merge_id IS NULL THEN
        PERFORM public.refuse('merge_is_due', 'only a confirmed merge whose cooling-off is over is handed to the core, once');
    END IF;
    PERFORM public.tell_of_core_answer(v_merge, 'merge_due', v_cause_id, jsonb_build_object('since', v_merge.executes_at));
END
$$;
GRANT EXECUTE ON FUNCTION hand_merge_to_core(uuid, uuid) TO sepakat_worker;

-- The core says that it did what it was handed. p_reported is the data of its event, `absorbed` a list; the cause is that event.
CREATE FUNCTION execute_reported_merge(p_participant_id uuid, p_merge_id uuid, p_reported jsonb, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
    v_plan jsonb;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF (v_merge.state, v_merge.core) IS DISTINCT FROM ('confirmed', 'pending') THEN
        PERFORM public.refuse('core_executes_what_it_was_handed', 'only what was handed to the core is executed by its report');
    END IF;
    IF NOT EXISTS (SELECT FROM public.causes AS c
        WHERE c.participant_id = p_participant_id AND c.cause_id = p_cause_id AND c.origin = 'core' AND c.merge_id = p_merge_id)
        OR NOT EXISTS (
            SELECT FROM public.confirmations AS c
            JOIN public.keys AS k ON k.participant_id = c.participant_id AND k.key_id = coalesce(c.device_id, c.passkey_id)
            WHERE c.participant_id = p_participant_id AND c.confirmation_id = v_merge.confirmation_id AND k.removed_at IS NULL)
    THEN
        PERFORM public.refuse('core_executes_what_it_was_handed', 'an event of the core is the cause, and the key that agreed is there still');
    END IF;
    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = v_merge.plan_digest;
    IF (SELECT (jsonb_agg(c ->> 'kpj' ORDER BY c ->> 'kpj') FILTER (WHERE c ->> 'role' = 'absorbed'),
                min(c ->> 'kpj') FILTER (WHERE c ->> 'role' = 'survivor'),
                jsonb_object_agg(c ->> 'kpj', c -> 'balance_before'))
            FROM jsonb_array_elements(v_plan -> 'cards') AS c)
        IS DISTINCT FROM (
            (SELECT jsonb_agg(a ORDER BY a) FROM jsonb_array_elements_text(p_reported -> 'absorbed') AS a),
            p_reported ->> 'into', p_reported -> 'balances')
        OR ((p_reported ->> 'merged_on')::date >= public.jakarta_day(v_merge.executes_at)) IS NOT TRUE
    THEN
        PERFORM public.refuse('report_equals_the_confirmed_plan', 'what the core reports is not what its participant confirmed');
    END IF;
    PERFORM public.carry_out_merge(p_participant_id, p_merge_id,
        make_interval(secs => (v_plan ->> 'undo_window_s')::integer), p_cause_id);
END
$$;
GRANT EXECUTE ON FUNCTION execute_reported_merge(uuid, uuid, jsonb, uuid) TO sepakat_feed;

-- What is a proposal again, over, or on hold, is no longer the core's to carry out.
CREATE FUNCTION take_merge_from_core() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    new.core := NULL;
    RETURN new;
END
$$;
GRANT EXECUTE ON FUNCTION take_merge_from_core() TO sepakat_owner;

-- Tells participants of at most p_limit merges, those waiting longest first, that the core has not answered for p_after. Returns
-- who has new history; nobody when nobody is left to be told.
CREATE FUNCTION tell_unanswered_merges(p_after interval, p_limit integer) RETURNS TABLE (participant_id uuid, lane smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_late public.merges;
    v_merge public.merges;
    v_cause_id uuid;
BEGIN
    FOR v_late IN SELECT late.* FROM (
            SELECT m.* FROM public.merges AS m
            WHERE m.core = 'pending' AND public.waits_for_core_since(m) <= public.current_instant() - p_after
                AND NOT EXISTS (SELECT FROM public.unanswered_merges AS u
                    WHERE u.participant_id = m.participant_id AND u.merge_id = m.merge_id
                        AND u.since = public.waits_for_core_since(m))
            ORDER BY public.waits_for_core_since(m), m.merge_id LIMIT p_limit
        ) AS late ORDER BY late.participant_id, late.merge_id
    LOOP
        PERFORM FROM public.participant_heads AS h WHERE h.participant_id = v_late.participant_id FOR UPDATE;
        -- Looked at again under the lock: the core may have answered, or another worker told, meanwhile.
        SELECT * INTO v_merge FROM public.merges AS m
        WHERE m.participant_id = v_late.participant_id AND m.merge_id = v_late.merge_id
            AND public.waits_for_core_since(m) = public.waits_for_core_since(v_late)
            AND NOT EXISTS (SELECT FROM public.unanswered_merges AS u
                WHERE u.participant_id = m.participant_id AND u.merge_id = m.merge_id
                    AND u.since = public.waits_for_core_since(m));
        CONTINUE WHEN v_merge.merge_id IS NULL;
        v_cause_id := public.record_cause(v_merge.participant_id, 'system', 'clock', 'the core did not answer in time', v_merge.merge_id);
        INSERT INTO public.unanswered_merges (participant_id, merge_id, since, told_at, cause_id)
        VALUES (v_merge.participant_id, v_merge.merge_id, public.waits_for_core_since(v_merge), public.current_instant(), v_cause_id);
        PERFORM public.tell_of_core_answer(v_merge, 'merge_unanswered', v_cause_id, jsonb_build_object(
            'state', v_merge.state, 'since', public.waits_for_core_since(v_merge)));
        participant_id := v_merge.participant_id;
        lane := public.lane_of(v_merge.participant_id);
        RETURN NEXT;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION tell_unanswered_merges(interval, integer) TO sepakat_worker;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER core_waits_for_what_is_confirmed BEFORE UPDATE ON merges
    FOR EACH ROW WHEN (old.state = 'confirmed' AND old.core IS NOT NULL
        AND (new.state IN ('proposed', 'cancelled') OR (new.state = 'confirmed' AND new.executes_at > old.executes_at)))
    EXECUTE FUNCTION take_merge_from_core();
ALTER TABLE merges ENABLE ALWAYS TRIGGER core_waits_for_what_is_confirmed;
RESET ROLE;
