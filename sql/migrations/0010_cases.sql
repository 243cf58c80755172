-- Cases: what a participant disputes, and what the agency decides within 3×24 hours. And the merge that the core did on
-- its own: disputed with one tap, restored by four eyes, agreed to by nobody but the participant.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('merge_disputed', 'push', 'security', 'warning', 'change', '2026-11'),
    ('merge_upheld', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('merge_restored', 'ladder', 'card', 'warning', 'change', '2026-11'),
    ('merge_accept_confirmed', 'push', 'security', 'warning', 'change', '2026-11'),
    ('merge_accept_refused', 'push', 'card', 'warning', 'change', '2026-11'),
    ('merge_accepted', 'ladder', 'card', 'warning', 'change', '2026-11'),
    ('card_frozen_in_dispute', 'push', 'security', 'warning', 'change', '2026-11'),
    ('card_released_from_dispute', 'push', 'card', 'info', 'change', '2026-11'),
    ('card_restored', 'push', 'card', 'info', 'change', '2026-11');
INSERT INTO merge_transitions (from_state, to_state, kind) VALUES
    ('reported', 'disputed', 'merge_disputed'),
    ('reported', 'accepted', 'merge_accepted'),
    ('disputed', 'accepted', 'merge_accepted'),
    ('disputed', 'restored', 'merge_restored'),
    ('disputed', 'reported', 'merge_upheld');

CREATE TABLE cases (
    participant_id uuid NOT NULL REFERENCES participants,
    case_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT case_kind_is_known CHECK (kind IN ('dispute', 'match')),
    merge_id uuid,
    match_id uuid,
    statement text,
    opened_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL CONSTRAINT case_is_due_in_three_days CHECK (due_at = opened_at + interval '72 hours'),
    state text NOT NULL CONSTRAINT case_state_is_known CHECK (state IN ('open', 'decided')),
    decision text CONSTRAINT case_decision_is_known CHECK (decision IN ('restored', 'accepted', 'withdrawn', 'linked', 'refused')),
    reason text,
    staff text,
    second_staff text,
    decided_at timestamptz,
    cause_id uuid NOT NULL,
    xact xid8 NOT NULL,
    PRIMARY KEY (participant_id, case_id),
    FOREIGN KEY (participant_id, merge_id) REFERENCES merges,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT dispute_names_its_merge CHECK (kind <> 'dispute' OR merge_id IS NOT NULL),
    CONSTRAINT match_case_names_its_match CHECK ((kind = 'match') = (match_id IS NOT NULL)),
    CONSTRAINT decided_case_has_its_decision CHECK (num_nulls(decision, decided_at) = CASE state WHEN 'decided' THEN 0 ELSE 2 END),
    CONSTRAINT case_is_decided_by_staff CHECK ((decision IN ('restored', 'accepted', 'linked', 'refused')) = (staff IS NOT NULL)),
    CONSTRAINT case_is_restored_by_four_eyes CHECK (decision NOT IN ('restored', 'linked') OR second_staff IS NOT NULL),
    CONSTRAINT four_eyes_are_two_people CHECK (lower(staff) <> lower(second_staff))
);
COMMENT ON COLUMN cases.decision IS 'Of a dispute: restored or accepted by the agency; withdrawn when the participant accepted the merge instead.
Of a possible match: linked or refused.';
COMMENT ON COLUMN cases.xact IS 'The transaction that opened or decided it: a step of its merge is taken in no other.';
CREATE UNIQUE INDEX one_open_case_per_merge ON cases (participant_id, merge_id) WHERE state = 'open';
CREATE INDEX cases_open_until ON cases (due_at) WHERE state = 'open';
CREATE INDEX merges_to_accept ON merges (executes_at) WHERE state IN ('reported', 'disputed') AND confirmation_id IS NOT NULL;

-- The feed knows a case by its id alone.
CREATE TABLE case_owners (
    case_id uuid PRIMARY KEY,
    participant_id uuid NOT NULL
);

GRANT SELECT ON cases TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT SELECT ON case_owners TO sepakat_feed;
GRANT SELECT, INSERT, UPDATE ON cases TO sepakat_writer;
GRANT SELECT, INSERT ON case_owners TO sepakat_writer;

CREATE TRIGGER cases_by_function_only BEFORE INSERT OR UPDATE ON cases
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('cases_by_function_only');
CREATE TRIGGER cases_are_decided_once BEFORE UPDATE ON cases
    FOR EACH ROW WHEN (old.state <> 'open' OR new.state <> 'decided' OR
        (old.participant_id, old.case_id, old.kind, old.merge_id, old.match_id, old.statement, old.opened_at, old.due_at) IS DISTINCT FROM
        (new.participant_id, new.case_id, new.kind, new.merge_id, new.match_id, new.statement, new.opened_at, new.due_at))
    EXECUTE FUNCTION refuse_statement('cases_are_decided_once');
CREATE TRIGGER cases_are_kept BEFORE DELETE ON cases FOR EACH ROW EXECUTE FUNCTION refuse_statement('cases_are_kept');
CREATE TRIGGER cases_are_not_truncated BEFORE TRUNCATE ON cases EXECUTE FUNCTION refuse_statement('cases_are_kept');
CREATE TRIGGER case_owners_are_kept BEFORE UPDATE OR DELETE ON case_owners
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('case_owners_are_kept');
CREATE TRIGGER case_owners_are_not_truncated BEFORE TRUNCATE ON case_owners EXECUTE FUNCTION refuse_statement('case_owners_are_kept');
ALTER TABLE cases ENABLE ALWAYS TRIGGER cases_by_function_only;
ALTER TABLE cases ENABLE ALWAYS TRIGGER cases_are_decided_once;
ALTER TABLE cases ENABLE ALWAYS TRIGGER cases_are_kept;
ALTER TABLE cases ENABLE ALWAYS TRIGGER cases_are_not_truncated;
ALTER TABLE case_owners ENABLE ALWAYS TRIGGER case_owners_are_kept;
ALTER TABLE case_owners ENABLE ALWAYS TRIGGER case_owners_are_not_truncated;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- A merge is disputed exactly while a case about it is open; it is restored, or back to reported, only by the decision
-- of that case; and it is accepted only inside the execution of the participant's own confirmation.
CREATE FUNCTION guard_dispute_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF new.state = 'accepted' THEN
        IF NOT EXISTS (
            SELECT FROM public.merge_executions AS e
            WHERE e.participant_id = new.participant_id AND e.merge_id = new.merge_id AND e.action = 'accept'
                AND e.confirmation_id = new.confirmation_id AND e.xact = pg_current_xact_id())
        THEN
            PERFORM public.refuse('merge_is_accepted_by_its_participant', 'only the proof of the participant makes a merge agreed');
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM public.cases AS c
        WHERE c.participant_id = new.participant_id AND c.merge_id = new.merge_id AND c.xact = pg_current_xact_id()
            AND CASE new.state WHEN 'disputed' THEN c.state = 'open'
                WHEN 'restored' THEN c.decision = 'restored' ELSE c.decision = 'accepted' END)
    THEN
        PERFORM public.refuse('dispute_goes_with_its_case', format('a merge is %s only together with its case', new.state));
    END IF;
    RETURN NULL;
END
$$;

-- An acceptance that was sent back is not taken up again: it stands on a confirmation of this very moment.
CREATE FUNCTION guard_acceptance() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.confirmations AS c
        WHERE c.participant_id = new.participant_id AND c.confirmation_id = new.confirmation_id AND c.action = 'accept'
            AND c.confirmed_at = new.confirmed_at AND c.confirmed_at = public.current_instant())
    THEN
        PERFORM public.refuse('merge_keeps_its_confirmation', 'a merge is accepted by a confirmation of this very moment');
    END IF;
    RETURN NULL;
END
$$;

-- What thaws when the dispute of a merge ends: its cards, unless STOP or another dispute still holds them.
CREATE FUNCTION frozen_by_dispute(p_participant_id uuid, p_merge_id uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT k.card_id
    FROM public.merges AS m
    JOIN public.cards AS k ON k.participant_id = m.participant_id AND k.card_id = ANY (m.absorb || m.into_card)
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id AND m.state = 'disputed' AND k.frozen_at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM public.stopped_cards AS s WHERE s.participant_id = k.participant_id AND s.card_id = k.card_id)
        AND NOT EXISTS (
            SELECT FROM public.merges AS o
            WHERE o.participant_id = k.participant_id AND o.state = 'disputed' AND o.merge_id <> m.merge_id
                AND k.card_id = ANY (o.absorb || o.into_card))
$$;

-- When a reported merge ends, the cards that another reported merge stands on stay held by that one.
CREATE FUNCTION hold_reported_cards(p_participant_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    INSERT INTO public.open_merge_cards (participant_id, card_id, merge_id)
    SELECT DISTINCT ON (held.card_id) m.participant_id, held.card_id, m.merge_id
    FROM public.merges AS m CROSS JOIN LATERAL unnest(m.absorb || m.into_card) AS held (card_id)
    WHERE m.participant_id = p_participant_id AND m.state IN ('reported', 'disputed')
    ORDER BY held.card_id, m.proposed_at, m.merge_id
    ON CONFLICT (participant_id, card_id) DO NOTHING
$$;

-- One tap on a reported merge: its cards are frozen, and a case opens whose clock runs for 3×24 hours.
CREATE FUNCTION dispute_merge(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_actor text, p_statement text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_changes public.card_change[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF v_merge.state IS DISTINCT FROM 'reported' THEN
        PERFORM public.refuse('merge_is_reported', 'only a merge that the core reported can be disputed');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor, p_statement, p_merge_id);

    SELECT array_agg(ROW(p_participant_id, k.card_id, v_cause_id, 'card_frozen_in_dispute', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, jsonb_build_object('frozen_at', v_now), NULL)::public.card_change ORDER BY k.kpj) INTO v_changes
    FROM public.cards AS k
    WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card) AND k.frozen_at IS NULL;
    PERFORM public.change_cards(coalesce(v_changes, '{}'));

    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases
        (participant_id, case_id, kind, merge_id, statement, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'dispute', p_merge_id, p_statement, v_now, v_now + interval '72 hours', 'open',
        v_cause_id, pg_current_xact_id());
    UPDATE public.merges AS m SET state = 'disputed', confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL,
        last_refusal = NULL, cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

-- The agency's decision. `restored`: the cards are as they were and the absorbed one lives again. `accepted`: the agency
-- stands by the merge; the case is over and the freeze with it, but the merge is reported as before, for no decision of
-- somebody else's makes it agreed. The cause is the caller's.
CREATE FUNCTION decide_case(
    p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases;
    v_merge public.merges;
    v_changes public.card_change[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id FOR UPDATE;
    IF v_case.state IS DISTINCT FROM 'open' OR v_case.kind <> 'dispute' OR p_decision IS NULL
        OR p_decision NOT IN ('restored', 'accepted')
    THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = v_case.merge_id FOR UPDATE;

    SELECT array_agg(ROW(p_participant_id, k.card_id, p_cause_id,
        CASE WHEN p_decision = 'restored' THEN 'card_restored' ELSE 'card_released_from_dispute' END,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        CASE WHEN k.card_id IN (SELECT public.frozen_by_dispute(p_participant_id, v_case.merge_id))
            THEN '{"frozen_at": null}'::jsonb ELSE '{}' END
        || CASE WHEN p_decision = 'restored' AND k.merge_id = v_case.merge_id
            THEN '{"merge_mark": null, "merge_id": null, "merged_into": null, "merged_at": null, "merged_via": null}'::jsonb
            ELSE '{}' END,
        jsonb_build_object('into', survivor.kpj))::public.card_change ORDER BY k.kpj) INTO v_changes
    FROM public.cards AS k
    JOIN public.cards AS survivor ON survivor.participant_id = k.participant_id AND survivor.card_id = v_merge.into_card
    WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card)
        AND (k.card_id IN (SELECT public.frozen_by_dispute(p_participant_id, v_case.merge_id))
            OR (p_decision = 'restored' AND k.merge_id = v_case.merge_id));
    -- what the core merged into the absorbed card, and this merge led on, leads to that card again
    SELECT coalesce(v_changes, '{}') || array_agg(ROW(p_participant_id, k.card_id, p_cause_id, 'card_forwarded_back',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        jsonb_build_object('merged_into', former.into_card, 'merged_via', to_jsonb(trim_array(k.merged_via, 1))),
        jsonb_build_object('into', f.kpj))::public.card_change ORDER BY k.kpj) INTO v_changes
    FROM public.cards AS k
    JOIN public.merges AS former
        ON former.participant_id = k.participant_id AND former.merge_id = k.merged_via[cardinality(k.merged_via) - 1]
    JOIN public.cards AS f ON f.participant_id = k.participant_id AND f.card_id = former.into_card
    WHERE k.participant_id = p_participant_id AND p_decision = 'restored' AND k.merge_mark = 'merged_without_consent'
        AND k.merge_id <> v_case.merge_id AND k.merged_via[cardinality(k.merged_via)] = v_case.merge_id;
    PERFORM public.change_cards(coalesce(v_changes, '{}'));

    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id;
    UPDATE public.merges AS m SET state = CASE WHEN p_decision = 'restored' THEN 'restored' ELSE 'reported' END,
        closed_at = CASE WHEN p_decision = 'restored' THEN public.current_instant() END,
        confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL, last_refusal = NULL, cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = v_case.merge_id;
    PERFORM public.hold_reported_cards(p_participant_id);
END
$$;

-- Carries out an acceptance that the participant confirmed, exactly as its plan says, or raises and changes nothing:
-- accept_is_confirmed, or plan_equals_the_cards when a role, status, balance or total differs from the locked rows.
CREATE FUNCTION accept_merge(p_participant_id uuid, p_merge_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
    v_plan jsonb;
    v_actor text;
    v_frozen uuid[];
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_changes public.card_change[];
BEGIN
    PERFORM public.refuse_while_paused();
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    SELECT c.device_id::text INTO v_actor FROM public.confirmations AS c
    WHERE c.participant_id = p_participant_id AND c.confirmation_id = v_merge.confirmation_id AND c.action = 'accept';
    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = v_merge.plan_digest;
    IF v_merge.state IS NULL OR v_merge.state NOT IN ('reported', 'disputed') OR v_actor IS NULL
        OR v_merge.executes_at <= v_now IS NOT TRUE
    THEN
        PERFORM public.refuse('accept_is_confirmed', 'only a reported merge whose acceptance was confirmed is accepted');
    END IF;
    SELECT coalesce(array_agg(card_id), '{}') INTO v_frozen FROM public.frozen_by_dispute(p_participant_id, p_merge_id) AS card_id;

    IF v_plan ->> 'action' IS DISTINCT FROM 'accept' OR (v_plan ->> 'merge_id')::uuid IS DISTINCT FROM p_merge_id OR EXISTS (
        SELECT FROM (SELECT * FROM public.cards WHERE participant_id = p_participant_id) AS k
        FULL JOIN jsonb_to_recordset(v_plan -> 'cards')
            AS c (kpj text, role text, status_before text, status_after text, balance_before bigint, balance_after bigint)
            ON c.kpj = k.kpj
        WHERE (c.kpj IS NOT NULL OR k.card_id = ANY (v_merge.absorb || v_merge.into_card))
            AND (c.role, c.status_before, c.balance_before, c.status_after, c.balance_after) IS DISTINCT FROM (
                CASE WHEN k.card_id = v_merge.into_card THEN 'survivor' WHEN k.card_id = ANY (v_merge.absorb) THEN 'absorbed' END,
                k.status, k.balance,
                -- the survivor thaws when the dispute ends; a reported merge of its own stays to be seen
                CASE WHEN k.card_id <> v_merge.into_card THEN 'merged'
                    WHEN k.merge_mark IS NULL AND k.card_id = ANY (v_frozen) THEN k.lifecycle ELSE k.status END,
                CASE WHEN k.card_id = v_merge.into_card THEN (v_plan ->> 'total_after')::bigint ELSE 0 END)
    ) OR (SELECT (sum(k.balance), sum(k.balance)) FROM public.cards AS k
        WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card))
        IS DISTINCT FROM ((v_plan ->> 'total_before')::numeric, (v_plan ->> 'total_after')::numeric)
    THEN
        PERFORM public.refuse('plan_equals_the_cards', 'the confirmed plan differs from the cards as they are now');
    END IF;

    INSERT INTO public.merge_executions (participant_id, merge_id, action, plan_digest, confirmation_id, executed_at, xact)
    VALUES (p_participant_id, p_merge_id, 'accept', v_merge.plan_digest, v_merge.confirmation_id, v_now, pg_current_xact_id());
    v_cause_id := public.record_cause(p_participant_id, 'participant', v_actor, v_merge.reason, p_merge_id);

    SELECT array_agg(ROW(p_participant_id, change.card_id, v_cause_id, change.kind, change.ledger_kind, change.amount,
        public.jakarta_day(v_now), NULL, NULL, NULL, change.from_kpj, CASE WHEN change.amount IS NOT NULL THEN p_merge_id END, NULL,
        change.patch || CASE WHEN change.card_id = ANY (v_frozen) THEN '{"frozen_at": null}'::jsonb ELSE '{}' END,
        jsonb_build_object('into', survivor.kpj))::public.card_change ORDER BY change.kpj) INTO v_changes
    FROM public.cards AS survivor CROSS JOIN LATERAL (
        SELECT k.kpj, k.card_id, 'card_merged' AS kind, CASE WHEN k.balance > 0 THEN 'merge_out' END AS ledger_kind,
            CASE WHEN k.balance > 0 THEN -k.balance END AS amount, NULL AS from_kpj,
            jsonb_build_object('merge_mark', 'merged', 'merge_id', p_merge_id, 'merged_into', survivor.card_id,
                'merged_at', v_now, 'merged_via', jsonb_build_array(p_merge_id)) AS patch
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)
        UNION ALL
        SELECT k.kpj, survivor.card_id, 'card_received_merge', CASE WHEN k.balance > 0 THEN 'merge_in' END,
            CASE WHEN k.balance > 0 THEN k.balance END, k.kpj, '{}'
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)
        UNION ALL
        -- what was merged by consent into the absorbed card resolves to the survivor in one hop
        SELECT k.kpj, k.card_id, 'card_forwarded', NULL, NULL, NULL, jsonb_build_object(
            'merged_into', survivor.card_id, 'merged_via', to_jsonb(k.merged_via || p_merge_id))
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.merge_mark = 'merged'
            AND k.merged_into = ANY (v_merge.absorb)
    ) AS change
    WHERE survivor.participant_id = p_participant_id AND survivor.card_id = v_merge.into_card;
    PERFORM public.change_cards(v_changes);

    UPDATE public.cases AS c SET state = 'decided', decision = 'withdrawn', decided_at = v_now, cause_id = v_cause_id,
        xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.merge_id = p_merge_id AND c.state = 'open';
    -- the core did it long ago: what was missing is the consent, not its acknowledgement
    UPDATE public.merges AS m SET state = 'accepted', executed_at = v_now, core = 'acknowledged', last_refusal = NULL,
        cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
    PERFORM public.hold_reported_cards(p_participant_id);
END
$$;

GRANT EXECUTE ON FUNCTION dispute_merge(uuid, uuid, uuid, text, text) TO sepakat_api;
GRANT EXECUTE ON FUNCTION decide_case(uuid, uuid, uuid, text, text, text, text) TO sepakat_feed;
GRANT EXECUTE ON FUNCTION accept_merge(uuid, uuid) TO sepakat_worker;
GRANT EXECUTE ON FUNCTION frozen_by_dispute(uuid, uuid) TO sepakat_api, sepakat_worker;
GRANT EXECUTE ON FUNCTION guard_dispute_step(), guard_acceptance() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER a_dispute_step_is_guarded AFTER UPDATE ON merges
    FOR EACH ROW WHEN (old.state <> new.state AND
        ('disputed' IN (old.state, new.state) OR new.state IN ('reported', 'restored', 'accepted')))
    EXECUTE FUNCTION guard_dispute_step();
CREATE TRIGGER an_acceptance_is_guarded AFTER UPDATE ON merges
    FOR EACH ROW WHEN (new.state IN ('reported', 'disputed') AND new.confirmation_id IS NOT NULL AND
        (old.confirmation_id, old.confirmed_at) IS DISTINCT FROM (new.confirmation_id, new.confirmed_at))
    EXECUTE FUNCTION guard_acceptance();
ALTER TABLE merges ENABLE ALWAYS TRIGGER a_dispute_step_is_guarded;
ALTER TABLE merges ENABLE ALWAYS TRIGGER an_acceptance_is_guarded;
-- Agreeing afterwards takes no step by itself: that it was confirmed, and that it could not be carried out, is told all the same.
CREATE TRIGGER acceptance_is_told AFTER UPDATE ON merges
    FOR EACH ROW WHEN (old.state = new.state AND new.state IN ('reported', 'disputed')
        AND old.confirmation_id IS DISTINCT FROM new.confirmation_id)
    EXECUTE FUNCTION tell_of_merge_step();
RESET ROLE;
