-- Merges: proposed, confirmed over an exact plan, executed once. What executes is checked here against what was confirmed.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE merge_transitions (
    from_state text NOT NULL,
    to_state text NOT NULL,
    kind text NOT NULL REFERENCES entry_kinds,
    PRIMARY KEY (from_state, to_state)
);
COMMENT ON TABLE merge_transitions IS 'Which state may follow which (`-` is a new merge), and the kind of the history entry that tells of the step.';

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('baseline', 'silent', 'notice', 'info', 'change', '2026-11'),
    ('participant_registered', 'inbox', 'notice', 'info', 'change', '2026-11'),
    ('card_opened', 'push', 'card', 'info', 'change', '2026-11'),
    ('card_status_changed', 'push', 'card', 'info', 'change', '2026-11'),
    ('contribution_posted', 'push', 'card', 'info', 'change', '2026-11'),
    ('late_contribution_posted', 'push', 'card', 'info', 'change', '2026-11'),
    ('contribution_reversed', 'push', 'card', 'warning', 'change', '2026-11'),
    ('growth_credited', 'push', 'card', 'info', 'change', '2026-11'),
    ('claim_opened', 'push', 'card', 'info', 'change', '2026-11'),
    ('claim_paid', 'push', 'card', 'info', 'change', '2026-11'),
    ('claim_withdrawn', 'push', 'card', 'info', 'change', '2026-11'),
    ('unexplained_change', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('key_added', 'ladder', 'security', 'warning', 'change', '2026-11'),
    ('key_removed', 'push', 'security', 'warning', 'change', '2026-11'),
    ('session_ended_for_reuse', 'push', 'security', 'critical', 'note', '2026-11'),
    ('merge_drafted', 'inbox', 'card', 'info', 'change', '2026-11'),
    ('merge_proposed', 'ladder', 'card', 'warning', 'change', '2026-11'),
    ('merge_survivor_chosen', 'inbox', 'card', 'info', 'change', '2026-11'),
    ('merge_confirmed', 'push', 'security', 'warning', 'change', '2026-11'),
    ('merge_declined', 'inbox', 'card', 'info', 'change', '2026-11'),
    ('merge_cancelled', 'push', 'card', 'info', 'change', '2026-11'),
    ('merge_expired', 'push', 'card', 'info', 'change', '2026-11'),
    ('merge_refused', 'push', 'card', 'warning', 'change', '2026-11'),
    ('merge_executed', 'ladder', 'card', 'warning', 'change', '2026-11'),
    ('merge_reported', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('card_merged', 'push', 'card', 'warning', 'change', '2026-11'),
    ('card_received_merge', 'push', 'card', 'info', 'change', '2026-11'),
    ('card_forwarded', 'push', 'card', 'info', 'change', '2026-11'),
    ('card_merged_without_consent', 'push', 'security', 'critical', 'change', '2026-11');
INSERT INTO merge_transitions (from_state, to_state, kind) VALUES
    ('-', 'proposed', 'merge_proposed'),
    ('-', 'reported', 'merge_reported'),
    ('proposed', 'confirmed', 'merge_confirmed'),
    ('proposed', 'declined', 'merge_declined'),
    ('proposed', 'expired', 'merge_expired'),
    ('proposed', 'cancelled', 'merge_cancelled'),
    ('confirmed', 'executed', 'merge_executed'),
    ('confirmed', 'cancelled', 'merge_cancelled'),
    ('confirmed', 'proposed', 'merge_refused');

CREATE TABLE merges (
    participant_id uuid NOT NULL REFERENCES participants,
    merge_id uuid NOT NULL,
    state text NOT NULL,
    proposed_by text NOT NULL CONSTRAINT proposer_is_known CHECK (proposed_by IN ('participant', 'agency', 'core')),
    reason text,
    absorb uuid[] NOT NULL CONSTRAINT merge_absorbs_something CHECK (cardinality(absorb) BETWEEN 1 AND 20),
    into_card uuid NOT NULL CONSTRAINT merge_does_not_absorb_its_survivor CHECK (into_card <> ALL (absorb)),
    plan_digest text,
    plan_expires_at timestamptz,
    proposed_at timestamptz NOT NULL,
    expires_at timestamptz,
    confirmation_id uuid,
    confirmed_at timestamptz,
    executes_at timestamptz,
    executed_at timestamptz,
    undo_until timestamptz,
    closed_at timestamptz,
    closed_because text CONSTRAINT closing_reason_is_known
        CHECK (closed_because IN ('card_locked', 'stopped', 'participant_deceased')),
    core text CONSTRAINT core_answer_is_known CHECK (core IN ('pending', 'acknowledged', 'refused')),
    last_refusal jsonb,
    reported jsonb,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, merge_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    FOREIGN KEY (participant_id, into_card) REFERENCES cards,
    CONSTRAINT confirmed_merge_has_its_confirmation CHECK (
        (state IN ('confirmed', 'executed', 'undone')) <= (num_nulls(confirmation_id, confirmed_at, plan_digest, executes_at) = 0)),
    CONSTRAINT executed_merge_has_its_instant CHECK ((state IN ('executed', 'undone')) <= (executed_at IS NOT NULL AND undo_until IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX merges_due ON merges (executes_at) WHERE state = 'confirmed';
CREATE INDEX merges_open_until ON merges (expires_at) WHERE state = 'proposed';

-- The exact bytes of every plan that was ever shown. A plan is one row: there is no line that could be added to it.
CREATE TABLE merge_plans (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    plan_digest text NOT NULL,
    action text NOT NULL CONSTRAINT plan_action_is_known CHECK (action IN ('merge', 'undo', 'accept')),
    canonical bytea NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (participant_id, merge_id, plan_digest),
    FOREIGN KEY (participant_id, merge_id) REFERENCES merges,
    CONSTRAINT digest_is_of_the_canonical_plan CHECK (plan_digest = encode(sha256(canonical), 'hex'))
);

CREATE TABLE confirmations (
    participant_id uuid NOT NULL,
    confirmation_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    action text NOT NULL,
    plan_digest text NOT NULL,
    acknowledged text[] NOT NULL,
    device_id uuid NOT NULL,
    nonce bytea NOT NULL,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    seal bytea NOT NULL CONSTRAINT seal_has_32_bytes CHECK (length(seal) = 32),
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (participant_id, confirmation_id),
    FOREIGN KEY (participant_id, merge_id, plan_digest) REFERENCES merge_plans,
    FOREIGN KEY (participant_id, device_id) REFERENCES devices,
    CONSTRAINT confirmation_is_of_one_plan UNIQUE (participant_id, merge_id, plan_digest, confirmation_id),
    CONSTRAINT nonce_confirms_once UNIQUE (participant_id, nonce)
);
ALTER TABLE merges ADD CONSTRAINT confirmation_is_of_this_plan
    FOREIGN KEY (participant_id, merge_id, plan_digest, confirmation_id)
    REFERENCES confirmations (participant_id, merge_id, plan_digest, confirmation_id);

-- The execution itself, stamped with its transaction. One confirmation, one merge, once.
CREATE TABLE merge_executions (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    action text NOT NULL,
    plan_digest text NOT NULL,
    confirmation_id uuid NOT NULL,
    executed_at timestamptz NOT NULL,
    xact xid8 NOT NULL,
    CONSTRAINT merge_is_executed_once PRIMARY KEY (participant_id, merge_id, action),
    CONSTRAINT confirmation_is_used_once UNIQUE (participant_id, confirmation_id),
    CONSTRAINT execution_has_its_confirmation FOREIGN KEY (participant_id, merge_id, plan_digest, confirmation_id)
        REFERENCES confirmations (participant_id, merge_id, plan_digest, confirmation_id)
);

-- A card that stands in an open merge has a row here, and so can stand in one only.
CREATE TABLE open_merge_cards (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    CONSTRAINT one_open_merge_per_card PRIMARY KEY (participant_id, card_id),
    FOREIGN KEY (participant_id, card_id) REFERENCES cards,
    FOREIGN KEY (participant_id, merge_id) REFERENCES merges
);

GRANT SELECT ON merges, merge_plans, confirmations, merge_executions, open_merge_cards TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT INSERT, UPDATE (state, absorb, into_card, plan_digest, plan_expires_at, confirmation_id, confirmed_at, executes_at,
    closed_at, last_refusal, cause_id) ON merges TO sepakat_api;
GRANT UPDATE (state, plan_digest, plan_expires_at, expires_at, confirmation_id, confirmed_at, executes_at, closed_at,
    last_refusal, cause_id) ON merges TO sepakat_worker;
GRANT INSERT ON merges TO sepakat_feed;
GRANT UPDATE (core, state, closed_at, cause_id) ON merges TO sepakat_feed;
GRANT INSERT ON merge_plans TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT INSERT ON confirmations TO sepakat_api;
GRANT SELECT, INSERT, UPDATE ON merges TO sepakat_writer;
GRANT SELECT, INSERT ON merge_executions TO sepakat_writer;
GRANT SELECT ON merge_plans, confirmations, merge_transitions TO sepakat_writer;
GRANT SELECT, INSERT, DELETE ON open_merge_cards TO sepakat_writer;

CREATE TRIGGER plans_are_append_only BEFORE UPDATE OR DELETE ON merge_plans
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('plans_are_append_only');
CREATE TRIGGER plans_are_not_truncated BEFORE TRUNCATE ON merge_plans EXECUTE FUNCTION refuse_statement('plans_are_append_only');
CREATE TRIGGER confirmations_are_append_only BEFORE UPDATE OR DELETE ON confirmations
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('confirmations_are_append_only');
CREATE TRIGGER confirmations_are_not_truncated BEFORE TRUNCATE ON confirmations EXECUTE FUNCTION refuse_statement('confirmations_are_append_only');
CREATE TRIGGER executions_are_append_only BEFORE UPDATE OR DELETE ON merge_executions
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('executions_are_append_only');
CREATE TRIGGER executions_are_not_truncated BEFORE TRUNCATE ON merge_executions EXECUTE FUNCTION refuse_statement('executions_are_append_only');
CREATE TRIGGER executions_by_function_only BEFORE INSERT ON merge_executions
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('executions_by_function_only');
CREATE TRIGGER merges_are_kept BEFORE DELETE ON merges FOR EACH ROW EXECUTE FUNCTION refuse_statement('merges_are_kept');
CREATE TRIGGER merges_are_not_truncated BEFORE TRUNCATE ON merges EXECUTE FUNCTION refuse_statement('merges_are_kept');
CREATE TRIGGER open_merge_cards_by_trigger_only BEFORE INSERT OR UPDATE OR DELETE ON open_merge_cards
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('open_merge_cards_by_trigger_only');
ALTER TABLE merge_plans ENABLE ALWAYS TRIGGER plans_are_append_only;
ALTER TABLE merge_plans ENABLE ALWAYS TRIGGER plans_are_not_truncated;
ALTER TABLE confirmations ENABLE ALWAYS TRIGGER confirmations_are_append_only;
ALTER TABLE confirmations ENABLE ALWAYS TRIGGER confirmations_are_not_truncated;
ALTER TABLE merge_executions ENABLE ALWAYS TRIGGER executions_are_append_only;
ALTER TABLE merge_executions ENABLE ALWAYS TRIGGER executions_are_not_truncated;
ALTER TABLE merge_executions ENABLE ALWAYS TRIGGER executions_by_function_only;
ALTER TABLE merges ENABLE ALWAYS TRIGGER merges_are_kept;
ALTER TABLE merges ENABLE ALWAYS TRIGGER merges_are_not_truncated;
ALTER TABLE open_merge_cards ENABLE ALWAYS TRIGGER open_merge_cards_by_trigger_only;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- A merge moves along merge_transitions only; `executed` only beside its execution, `reported` only by the writer; what it
-- is about never changes, and its survivor only while it is a proposal.
CREATE FUNCTION guard_merge_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_from text := CASE WHEN tg_op = 'INSERT' THEN '-' ELSE old.state END;
BEGIN
    IF (v_from <> new.state AND NOT EXISTS (
            SELECT FROM public.merge_transitions AS t WHERE t.from_state = v_from AND t.to_state = new.state))
        -- the core may end an open merge, by telling of one that it did itself; it takes no other step of an open one.
        -- What ends a dispute is guarded where the cases are.
        OR (tg_op = 'UPDATE' AND session_user = 'sepakat_feed' AND new.state NOT IN (old.state, 'cancelled')
            AND old.state <> 'disputed')
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
        WHERE e.participant_id = new.participant_id AND e.merge_id = new.merge_id AND e.action = 'undo'
            AND e.xact = pg_current_xact_id())
    THEN
        PERFORM public.refuse('merge_executes_with_its_confirmation', 'a merge is undone only inside the execution of its undo');
    END IF;
    RETURN NULL;
END
$$;

-- Every step is an entry, and keeps the register of cards in open merges.
CREATE FUNCTION tell_of_merge_step() RETURNS trigger
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
        'closed_because', new.closed_because
    ) || coalesce((
        SELECT jsonb_build_object('case_id', c.case_id, 'due_at', c.due_at, 'decision', c.decision) FROM public.cases AS c
        WHERE c.participant_id = new.participant_id AND c.merge_id = new.merge_id AND c.xact = pg_current_xact_id()
    ), '{}'))::public.history_entry]);
    RETURN NULL;
END
$$;

-- A card becomes merged, stops being merged, or is forwarded to another living card only inside an execution whose
-- plan names it: checked for every writer, the owner's functions included.
CREATE FUNCTION guard_card_merge() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_was_merged boolean := tg_op = 'UPDATE' AND old.merge_mark IS NOT DISTINCT FROM 'merged';
    -- what the core merged on its own becomes an agreed merge by its participant's acceptance, and in no other way
    v_action text := CASE WHEN tg_op = 'UPDATE' AND old.merge_mark IS NOT DISTINCT FROM 'merged_without_consent'
        THEN 'accept' ELSE 'merge' END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.merge_executions AS e
        JOIN public.merge_plans AS p ON p.participant_id = e.participant_id AND p.merge_id = e.merge_id
            AND p.plan_digest = e.plan_digest
        CROSS JOIN LATERAL jsonb_array_elements(convert_from(p.canonical, 'UTF8')::jsonb -> 'cards') AS c
        WHERE e.participant_id = new.participant_id AND e.xact = pg_current_xact_id()
            AND CASE
                -- it comes back by the undo of the very merge that took it, as the plan of the undo says
                WHEN v_was_merged AND new.merge_mark IS NULL
                THEN e.action = 'undo' AND old.merge_id = e.merge_id AND old.merged_via = ARRAY[e.merge_id]
                    AND c ->> 'kpj' = new.kpj AND c ->> 'role' = 'absorbed' AND c ->> 'status_before' = old.status
                    AND c ->> 'status_after' = new.status
                -- it is forwarded to the survivor of the merge that absorbs its living card, and back by that one's undo
                WHEN v_was_merged
                THEN new.merge_mark = 'merged' AND new.merge_id = old.merge_id AND c ->> 'kpj' = (
                        SELECT living.kpj FROM public.cards AS living
                        WHERE living.participant_id = new.participant_id AND living.card_id = new.merged_into)
                    AND CASE e.action
                        WHEN 'undo' THEN old.merged_via = new.merged_via || e.merge_id AND c ->> 'role' = 'absorbed'
                        ELSE new.merged_via = old.merged_via || e.merge_id AND c ->> 'role' = 'survivor' END
                ELSE c ->> 'kpj' = new.kpj AND c ->> 'role' = 'absorbed' AND c ->> 'status_after' = 'merged'
                    AND e.merge_id = new.merge_id AND e.action = v_action END
    ) THEN
        PERFORM public.refuse('card_merges_only_by_its_confirmed_plan',
            format('card %s is not part of a confirmed merge that is being executed', new.card_id));
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION stamp_execution() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    new.xact := pg_current_xact_id();
    RETURN new;
END
$$;

-- Looked at once more when the transaction commits: the cards stand exactly as the confirmed plan said they would.
CREATE FUNCTION check_execution() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.merge_plans AS p
        CROSS JOIN LATERAL jsonb_to_recordset(convert_from(p.canonical, 'UTF8')::jsonb -> 'cards')
            AS c (kpj text, status_after text, balance_after bigint)
        LEFT JOIN public.cards AS k ON k.participant_id = p.participant_id AND k.kpj = c.kpj
        WHERE p.participant_id = new.participant_id AND p.merge_id = new.merge_id AND p.plan_digest = new.plan_digest
            AND (k.status, k.balance) IS DISTINCT FROM (c.status_after, c.balance_after)
    ) OR NOT EXISTS (
        SELECT FROM public.merges AS m WHERE m.participant_id = new.participant_id AND m.merge_id = new.merge_id
            AND m.state = CASE new.action WHEN 'accept' THEN 'accepted' WHEN 'undo' THEN 'undone' ELSE 'executed' END
            -- an undone merge keeps the confirmation that it was executed by; the undo has its own
            AND (new.action = 'undo' OR (m.confirmation_id = new.confirmation_id AND m.plan_digest = new.plan_digest))
    ) THEN
        PERFORM public.refuse('execution_equals_the_confirmed_plan', format('merge %s did not end as its plan says', new.merge_id));
    END IF;
    RETURN NULL;
END
$$;

-- Executes a confirmed merge that is due, exactly as its confirmed plan says, or raises and changes nothing:
-- merge_is_due, or plan_equals_the_cards when a role, status, balance or total differs from the locked rows.
CREATE FUNCTION execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) RETURNS void
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
    v_cause_id := public.record_cause(p_participant_id, 'participant',
        (SELECT c.device_id::text FROM public.confirmations AS c
            WHERE c.participant_id = p_participant_id AND c.confirmation_id = v_merge.confirmation_id),
        v_merge.reason, p_merge_id);

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
        core = 'pending', cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

-- A merge that the core did on its own: nothing moves here. The absorbed card shows it, and both balances stay as they were.
CREATE FUNCTION report_merge(
    p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamptz, p_reported jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM public.change_cards(ARRAY[ROW(p_participant_id, p_absorbed, p_cause_id, 'card_merged_without_consent',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        jsonb_build_object('merge_mark', 'merged_without_consent', 'merge_id', p_merge_id, 'merged_into', p_into,
            'merged_at', p_merged_at, 'merged_via', jsonb_build_array(p_merge_id)),
        jsonb_build_object('into', (SELECT kpj FROM public.cards WHERE participant_id = p_participant_id AND card_id = p_into))
    )::public.card_change] || array(
        SELECT ROW(p_participant_id, k.card_id, p_cause_id, 'card_forwarded', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            jsonb_build_object('merged_into', p_into, 'merged_via', to_jsonb(k.merged_via || p_merge_id)),
            jsonb_build_object('into', (SELECT kpj FROM public.cards WHERE participant_id = p_participant_id AND card_id = p_into))
        )::public.card_change
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.merged_into = p_absorbed
            AND k.merge_mark = 'merged_without_consent'));
    INSERT INTO public.merges (participant_id, merge_id, state, proposed_by, absorb, into_card, proposed_at, reported, cause_id)
    VALUES (p_participant_id, p_merge_id, 'reported', 'core', ARRAY[p_absorbed], p_into, p_merged_at, p_reported, p_cause_id);
END
$$;

GRANT EXECUTE ON FUNCTION execute_merge(uuid, uuid, interval) TO sepakat_worker;
GRANT EXECUTE ON FUNCTION report_merge(uuid, uuid, uuid, uuid, uuid, timestamptz, jsonb) TO sepakat_feed;
GRANT EXECUTE ON FUNCTION guard_merge_step(), tell_of_merge_step(), guard_card_merge(), stamp_execution(), check_execution()
    TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER a_merge_step_is_guarded AFTER INSERT OR UPDATE ON merges FOR EACH ROW EXECUTE FUNCTION guard_merge_step();
CREATE TRIGGER reported_by_function_only BEFORE INSERT ON merges
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer' AND new.state = 'reported')
    EXECUTE FUNCTION refuse_statement('reported_by_function_only');
ALTER TABLE merges ENABLE ALWAYS TRIGGER reported_by_function_only;
CREATE TRIGGER new_merge_is_told AFTER INSERT ON merges FOR EACH ROW EXECUTE FUNCTION tell_of_merge_step();
CREATE TRIGGER merge_step_is_told AFTER UPDATE ON merges
    FOR EACH ROW WHEN ((old.state, old.into_card) IS DISTINCT FROM (new.state, new.into_card)) EXECUTE FUNCTION tell_of_merge_step();
CREATE TRIGGER execution_is_stamped BEFORE INSERT ON merge_executions FOR EACH ROW EXECUTE FUNCTION stamp_execution();
CREATE CONSTRAINT TRIGGER execution_equals_the_confirmed_plan AFTER INSERT ON merge_executions DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_execution();
CREATE TRIGGER opened_card_is_not_merged AFTER INSERT ON cards
    FOR EACH ROW WHEN (new.merge_mark = 'merged') EXECUTE FUNCTION guard_card_merge();
CREATE TRIGGER card_merges_only_by_its_confirmed_plan AFTER UPDATE ON cards
    FOR EACH ROW WHEN ('merged' IN (old.merge_mark, new.merge_mark) AND
        (old.merge_mark, old.merge_id, old.merged_into, old.merged_via) IS DISTINCT FROM
        (new.merge_mark, new.merge_id, new.merged_into, new.merged_via))
    EXECUTE FUNCTION guard_card_merge();
ALTER TABLE merges ENABLE ALWAYS TRIGGER a_merge_step_is_guarded;
ALTER TABLE merge_executions ENABLE ALWAYS TRIGGER execution_is_stamped;
ALTER TABLE merge_executions ENABLE ALWAYS TRIGGER execution_equals_the_confirmed_plan;
ALTER TABLE cards ENABLE ALWAYS TRIGGER opened_card_is_not_merged;
ALTER TABLE cards ENABLE ALWAYS TRIGGER card_merges_only_by_its_confirmed_plan;
RESET ROLE;
