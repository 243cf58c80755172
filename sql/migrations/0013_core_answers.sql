-- What the core answers to a merge that was agreed here: it carried it out, or it will not. And contributions that it takes
-- back. Decision 6 says why a refusal may bring a card back, and nothing else.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('merge_acknowledged', 'inbox', 'card', 'info', 'change', '2026-11'),
    ('merge_refused_by_core', 'ladder', 'card', 'warning', 'change', '2026-11'),
    ('merge_reversed', 'ladder', 'card', 'critical', 'change', '2026-11'),
    ('merge_refusal_disputed', 'ladder', 'card', 'critical', 'change', '2026-11'),
    ('undo_refused_by_core', 'ladder', 'card', 'critical', 'change', '2026-11'),
    ('merge_refusal_decided', 'ladder', 'card', 'warning', 'change', '2026-11'),
    ('card_reversed', 'push', 'card', 'warning', 'change', '2026-11'),
    ('card_gave_back_reversed', 'push', 'card', 'warning', 'change', '2026-11');

-- The core knows a merge by its id alone.
CREATE TABLE merge_owners (
    merge_id uuid PRIMARY KEY,
    participant_id uuid NOT NULL
);
INSERT INTO merge_owners (merge_id, participant_id) SELECT merge_id, participant_id FROM merges;

-- Which contribution was taken back by which entry: once, and on the card that held its money.
CREATE TABLE reversed_contributions (
    participant_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    reversal_entry_id uuid NOT NULL,
    card_id uuid NOT NULL,
    effective_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    cause_id uuid NOT NULL,
    CONSTRAINT contribution_is_reversed_once PRIMARY KEY (participant_id, entry_id),
    FOREIGN KEY (participant_id, card_id) REFERENCES cards,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
COMMENT ON COLUMN reversed_contributions.card_id IS 'The card that held the money then, and gave it.';

-- squawk-ignore ban-drop-constraint
ALTER TABLE merges DROP CONSTRAINT closing_reason_is_known, ADD CONSTRAINT closing_reason_is_known
    CHECK (closed_because IN ('card_locked', 'stopped', 'participant_deceased', 'core_refused')) NOT VALID;
-- squawk-ignore ban-drop-constraint
ALTER TABLE merge_plans DROP CONSTRAINT plan_action_is_known, ADD CONSTRAINT plan_action_is_known
    CHECK (action IN ('merge', 'undo', 'accept', 'reverse')) NOT VALID;

-- A reversal is the one execution that nobody confirmed; its plan is kept all the same, and looked at as any other.
-- squawk-ignore ban-drop-not-null
ALTER TABLE merge_executions ALTER COLUMN confirmation_id DROP NOT NULL;
ALTER TABLE merge_executions ADD CONSTRAINT only_a_reversal_is_not_confirmed
    CHECK ((confirmation_id IS NULL) = (action = 'reverse')) NOT VALID;
ALTER TABLE merge_executions ADD CONSTRAINT execution_has_its_plan
    FOREIGN KEY (participant_id, merge_id, plan_digest) REFERENCES merge_plans NOT VALID;

ALTER TABLE cases ADD COLUMN card_id uuid, ADD COLUMN figures jsonb;
COMMENT ON COLUMN cases.card_id IS 'Of a balance: the card that it is about.';
COMMENT ON COLUMN cases.figures IS 'What was told when the case opened: of a refusal what stands in the way, of a balance both figures.';
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_kind_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_decision_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_is_decided_by_staff;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_is_restored_by_four_eyes;
ALTER TABLE cases
    ADD CONSTRAINT case_kind_is_known CHECK (kind IN ('dispute', 'match', 'core_refusal', 'balance')) NOT VALID,
    ADD CONSTRAINT case_decision_is_known CHECK (decision IN ('restored', 'accepted', 'withdrawn', 'linked', 'refused',
        'acknowledged', 'reversed', 'settled', 'ours', 'theirs_corrected', 'agreed')) NOT VALID,
    ADD CONSTRAINT case_is_decided_by_staff CHECK ((decision NOT IN ('withdrawn', 'agreed')) = (staff IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT case_is_restored_by_four_eyes CHECK (second_staff IS NOT NULL
        OR decision NOT IN ('restored', 'linked', 'reversed', 'settled', 'theirs_corrected')) NOT VALID,
    ADD CONSTRAINT refusal_case_names_its_merge CHECK (kind <> 'core_refusal' OR merge_id IS NOT NULL) NOT VALID,
    ADD CONSTRAINT balance_case_names_its_card CHECK ((kind = 'balance') = (card_id IS NOT NULL)) NOT VALID,
    ADD CONSTRAINT case_is_about_a_card_of_its_owner FOREIGN KEY (participant_id, card_id) REFERENCES cards NOT VALID;
COMMENT ON COLUMN cases.decision IS 'Of a dispute: restored or accepted by the agency; withdrawn when the participant accepted the merge instead.
Of a possible match: linked or refused. Of a refusal by the core: acknowledged (it did carry it out), reversed, or settled outside.
Of a balance: ours (the core was wrong), theirs_corrected (the missing events came), agreed (a later report said the same).';

GRANT SELECT, INSERT ON merge_owners TO sepakat_api, sepakat_feed;
GRANT SELECT, INSERT ON merge_owners, reversed_contributions TO sepakat_writer;
GRANT SELECT ON undo_splits TO sepakat_writer;
GRANT SELECT ON reversed_contributions TO sepakat_api, sepakat_worker, sepakat_feed;
REVOKE UPDATE (core) ON merges FROM sepakat_feed;

CREATE TRIGGER merge_owners_are_kept BEFORE UPDATE OR DELETE ON merge_owners
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('merge_owners_are_kept');
CREATE TRIGGER merge_owners_are_not_truncated BEFORE TRUNCATE ON merge_owners EXECUTE FUNCTION refuse_statement('merge_owners_are_kept');
CREATE TRIGGER reversed_contributions_are_append_only BEFORE UPDATE OR DELETE ON reversed_contributions
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('reversed_contributions_are_append_only');
CREATE TRIGGER reversed_contributions_are_not_truncated BEFORE TRUNCATE ON reversed_contributions
    EXECUTE FUNCTION refuse_statement('reversed_contributions_are_append_only');
CREATE TRIGGER reversed_contributions_by_function_only BEFORE INSERT ON reversed_contributions
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('reversed_contributions_by_function_only');
-- What the core has answered stands. Whoever could set it back to pending could reverse what was acknowledged.
CREATE TRIGGER core_answers_by_function_only BEFORE UPDATE ON merges
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer' AND old.core IS DISTINCT FROM new.core)
    EXECUTE FUNCTION refuse_statement('core_answers_by_function_only');
CREATE TRIGGER case_keeps_what_it_is_about BEFORE UPDATE ON cases
    FOR EACH ROW WHEN ((old.card_id, old.figures) IS DISTINCT FROM (new.card_id, new.figures))
    EXECUTE FUNCTION refuse_statement('cases_are_decided_once');
ALTER TABLE merge_owners ENABLE ALWAYS TRIGGER merge_owners_are_kept;
ALTER TABLE merge_owners ENABLE ALWAYS TRIGGER merge_owners_are_not_truncated;
ALTER TABLE reversed_contributions ENABLE ALWAYS TRIGGER reversed_contributions_are_append_only;
ALTER TABLE reversed_contributions ENABLE ALWAYS TRIGGER reversed_contributions_are_not_truncated;
ALTER TABLE reversed_contributions ENABLE ALWAYS TRIGGER reversed_contributions_by_function_only;
ALTER TABLE merges ENABLE ALWAYS TRIGGER core_answers_by_function_only;
ALTER TABLE cases ENABLE ALWAYS TRIGGER case_keeps_what_it_is_about;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- ── Guards: as they were, and with the one step more ──────────────────────────────────────────────────────────────
-- A merge moves along merge_transitions only; `executed` only beside its execution, `undone` only beside that of its undo
-- or of its reversal, `reported` only by the writer; what it is about never changes, and its survivor only while it is a
-- proposal.
CREATE OR REPLACE FUNCTION guard_merge_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_from text := CASE WHEN tg_op = 'INSERT' THEN '-' ELSE old.state END;
BEGIN
    IF (v_from <> new.state AND NOT EXISTS (
            SELECT FROM public.merge_transitions AS t WHERE t.from_state = v_from AND t.to_state = new.state))
        -- The core may end an open merge, by telling of one that it did itself, and refuse one that was agreed to; neither
        -- last_refusal nor closed_because is the feed's to write, so that both refusals come by their functions. It takes
        -- no other step. What ends a dispute is guarded where the cases are.
        OR (tg_op = 'UPDATE' AND session_user = 'sepakat_feed' AND new.state NOT IN (old.state, 'cancelled')
            AND old.state <> 'disputed'
            AND ((old.state, new.state, new.last_refusal ->> 'code') = ('confirmed', 'proposed', 'core_refused')
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

-- Every step is an entry, and keeps the register of cards in open merges.
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
        'closed_because', new.closed_because
    ) || coalesce((
        SELECT jsonb_build_object('case_id', c.case_id, 'due_at', c.due_at, 'decision', c.decision) FROM public.cases AS c
        WHERE c.participant_id = new.participant_id AND c.merge_id = new.merge_id AND c.xact = pg_current_xact_id()
    ), '{}'))::public.history_entry]);
    RETURN NULL;
END
$$;

-- A card becomes merged, stops being merged, or is forwarded to another living card only inside an execution whose
-- plan names it: checked for every writer, the owner's functions included. A reversal brings back, as an undo does; nothing
-- becomes merged by it.
CREATE OR REPLACE FUNCTION guard_card_merge() RETURNS trigger
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
                -- it comes back by the undo or the reversal of the very merge that took it, as the plan of that says
                WHEN v_was_merged AND new.merge_mark IS NULL
                THEN e.action IN ('undo', 'reverse') AND old.merge_id = e.merge_id AND old.merged_via = ARRAY[e.merge_id]
                    AND c ->> 'kpj' = new.kpj AND c ->> 'role' = 'absorbed' AND c ->> 'status_before' = old.status
                    AND c ->> 'status_after' = new.status
                -- it is forwarded to the survivor of the merge that absorbs its living card, and back when that one is taken back
                WHEN v_was_merged
                THEN new.merge_mark = 'merged' AND new.merge_id = old.merge_id AND c ->> 'kpj' = (
                        SELECT living.kpj FROM public.cards AS living
                        WHERE living.participant_id = new.participant_id AND living.card_id = new.merged_into)
                    AND CASE WHEN e.action IN ('undo', 'reverse')
                        THEN old.merged_via = new.merged_via || e.merge_id AND c ->> 'role' = 'absorbed'
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

-- Looked at once more when the transaction commits: the cards stand exactly as the plan said they would.
CREATE OR REPLACE FUNCTION check_execution() RETURNS trigger
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
            AND m.state = CASE new.action WHEN 'accept' THEN 'accepted' WHEN 'merge' THEN 'executed' ELSE 'undone' END
            -- a merge that was taken back keeps the confirmation that it was executed by
            AND CASE new.action
                WHEN 'undo' THEN m.closed_because IS NULL
                WHEN 'reverse' THEN m.closed_because = 'core_refused' AND m.core = 'refused'
                ELSE m.confirmation_id = new.confirmation_id AND m.plan_digest = new.plan_digest END
    ) THEN
        PERFORM public.refuse('execution_equals_the_confirmed_plan', format('merge %s did not end as its plan says', new.merge_id));
    END IF;
    RETURN NULL;
END
$$;

-- ── Contributions: whose they are now, and taking one back ────────────────────────────────────────────────────────
-- Contributions that stand, each with the card whose own it is: where it was posted, or where an undo or a reversal gave it
-- back to. A merge does not move it: the number that it was paid for stays its own. As of a day, and as known at an instant.
CREATE FUNCTION standing_contributions(p_participant_id uuid, p_day date, p_known_at timestamptz)
RETURNS TABLE (entry_id uuid, card_id uuid, month date, amount bigint, recorded_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH moved AS (
        SELECT s.entry_id, s.from_card, s.to_card
        FROM public.undo_splits AS s
        JOIN public.merge_executions AS e
            ON e.participant_id = s.participant_id AND e.merge_id = s.merge_id AND e.action IN ('undo', 'reverse')
        WHERE s.participant_id = p_participant_id
            AND (p_day IS NULL OR public.jakarta_day(e.executed_at) <= p_day)
            AND (p_known_at IS NULL OR e.executed_at <= p_known_at)
    )
    SELECT l.entry_id, coalesce(last.to_card, l.card_id), l.month, l.amount, l.recorded_at
    FROM public.ledger_entries AS l
    LEFT JOIN LATERAL (
        -- it may have gone from card to card by several undos: the last one is where it never left from
        SELECT m.to_card FROM moved AS m
        WHERE m.entry_id = l.entry_id
            AND NOT EXISTS (SELECT FROM moved AS o WHERE o.entry_id = m.entry_id AND o.from_card = m.to_card)
        LIMIT 1
    ) AS last ON true
    WHERE l.participant_id = p_participant_id AND l.kind = 'contribution'
        AND (p_day IS NULL OR l.effective_on <= p_day)
        AND (p_known_at IS NULL OR l.recorded_at <= p_known_at)
        AND NOT EXISTS (
            SELECT FROM public.reversed_contributions AS r
            WHERE r.participant_id = l.participant_id AND r.entry_id = l.entry_id
                AND (p_day IS NULL OR r.effective_on <= p_day)
                AND (p_known_at IS NULL OR r.recorded_at <= p_known_at))
$$;

-- What a card shows as its last contribution, after one went back to its own card or was taken back. A card that was
-- transferred here keeps what it came with unless a later one is known: its ledger began with the transfer.
CREATE FUNCTION recount_last_contributions(p_participant_id uuid, p_card_ids uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE public.cards AS k SET last_contribution_month = last.month, last_contribution_amount = last.amount
    FROM unnest(p_card_ids) AS named (card_id)
    LEFT JOIN LATERAL (
        SELECT c.month, c.amount
        FROM public.standing_contributions(p_participant_id, NULL, NULL) AS c
        WHERE c.card_id = named.card_id
        ORDER BY c.month DESC, c.recorded_at DESC, c.entry_id DESC
        LIMIT 1
    ) AS last ON true
    WHERE k.participant_id = p_participant_id AND k.card_id = named.card_id
        AND (k.last_contribution_month, k.last_contribution_amount) IS DISTINCT FROM (last.month, last.amount)
        AND (last.month >= k.last_contribution_month OR NOT EXISTS (
            SELECT FROM public.card_transfers AS t
            WHERE t.participant_id = k.participant_id AND t.card_id = k.card_id AND t.direction = 'in'))
$$;

-- Takes back one contribution, by the event that it came by: from the card that holds its money now. Raises
-- contribution_is_known, contribution_is_of_this_card, contribution_is_reversed_once or balance_is_not_negative.
CREATE FUNCTION reverse_contribution(
    p_participant_id uuid, p_kpj text, p_reversed_event text, p_event_id text, p_day date, p_reason text, p_cause_id uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_entry public.ledger_entries;
    v_paid_for text;
    v_holder public.cards;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_entry FROM public.ledger_entries AS l
    WHERE l.participant_id = p_participant_id AND l.source_event = p_reversed_event AND l.kind = 'contribution';
    IF v_entry.entry_id IS NULL THEN
        PERFORM public.refuse('contribution_is_known', format('no contribution came by event %s', p_reversed_event));
    END IF;
    SELECT coalesce(v_entry.received_for_kpj, k.kpj) INTO v_paid_for FROM public.cards AS k
    WHERE k.participant_id = p_participant_id AND k.card_id = v_entry.card_id;
    IF v_paid_for <> p_kpj THEN
        PERFORM public.refuse('contribution_is_of_this_card', format('the contribution was paid for %s', v_paid_for));
    END IF;
    SELECT holder.* INTO v_holder
    FROM public.standing_contributions(p_participant_id, NULL, NULL) AS c
    JOIN public.cards AS own ON own.participant_id = p_participant_id AND own.card_id = c.card_id
    JOIN public.cards AS holder ON holder.participant_id = own.participant_id
        AND holder.card_id = CASE WHEN own.merge_mark = 'merged' THEN own.merged_into ELSE own.card_id END
    WHERE c.entry_id = v_entry.entry_id;
    IF v_holder.card_id IS NULL THEN
        PERFORM public.refuse('contribution_is_reversed_once', 'this contribution was taken back already');
    END IF;

    PERFORM public.change_cards(ARRAY[ROW(p_participant_id, v_holder.card_id, p_cause_id, 'contribution_reversed',
        'contribution_reversal', -v_entry.amount, p_day, v_entry.employer_id, v_entry.month, NULL,
        CASE WHEN v_holder.kpj <> v_paid_for THEN v_paid_for END, NULL, p_event_id, NULL,
        jsonb_build_object('amount', -v_entry.amount, 'month', to_char(v_entry.month, 'YYYY-MM'), 'reason', p_reason,
            'effective_on', p_day, 'event_id', p_reversed_event,
            'received_for_kpj', CASE WHEN v_holder.kpj <> v_paid_for THEN v_paid_for END,
            'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = v_entry.employer_id))
    )::public.card_change]);
    INSERT INTO public.reversed_contributions
        (participant_id, entry_id, reversal_entry_id, card_id, effective_on, recorded_at, cause_id)
    SELECT p_participant_id, v_entry.entry_id, l.entry_id, l.card_id, l.effective_on, l.recorded_at, p_cause_id
    FROM public.ledger_entries AS l
    WHERE l.participant_id = p_participant_id AND l.source_event = p_event_id AND l.card_id = v_holder.card_id;
    PERFORM public.recount_last_contributions(p_participant_id,
        (SELECT array_agg(k.card_id) FROM public.cards AS k WHERE k.participant_id = p_participant_id));
END
$$;

-- ── What an undo and a reversal share: everything goes back along its lineage ─────────────────────────────────────
-- squawk-ignore ban-drop-function
DROP FUNCTION list_undo_changes(merges, uuid, uuid, jsonb, date);

-- The absorbed cards come back with their money, the survivor gives it, and cards that this merge had forwarded lead to
-- their former card again. `p_action` is undo or reverse: the entries say which.
CREATE FUNCTION list_changes_back(p_merge merges, p_action text, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb, p_day date)
RETURNS card_change[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH given AS (
        SELECT k.kpj, k.card_id, (SELECT nullif(sum(s.amount), 0) FROM jsonb_to_recordset(p_splits) AS s (to_card uuid, amount bigint)
            WHERE s.to_card = k.card_id)::bigint AS amount
        FROM public.cards AS k WHERE k.participant_id = p_merge.participant_id AND k.card_id = ANY (p_merge.absorb)
    ), change AS (
        SELECT given.kpj, given.card_id, CASE p_action WHEN 'undo' THEN 'card_undone' ELSE 'card_reversed' END AS kind,
            'undo_in' AS ledger_kind, given.amount, NULL AS for_kpj,
            '{"merge_mark": null, "merged_into": null, "merged_via": null}'::jsonb AS patch,
            jsonb_build_object('from', survivor.kpj) AS data
        FROM given JOIN public.cards AS survivor
            ON survivor.participant_id = p_merge.participant_id AND survivor.card_id = p_merge.into_card
        UNION ALL
        SELECT given.kpj, p_merge.into_card, CASE p_action WHEN 'undo' THEN 'card_gave_back' ELSE 'card_gave_back_reversed' END,
            'undo_out', -given.amount, given.kpj, NULL,
            jsonb_build_object('to', (SELECT jsonb_agg(g.kpj ORDER BY g.kpj) FROM given AS g))
        FROM given
        UNION ALL
        SELECT k.kpj, k.card_id, 'card_forwarded_back', NULL, NULL, NULL,
            jsonb_build_object('merged_into', former.into_card, 'merged_via', to_jsonb(trim_array(k.merged_via, 1))),
            jsonb_build_object('into', (SELECT f.kpj FROM given AS f WHERE f.card_id = former.into_card))
        FROM public.cards AS k JOIN public.merges AS former
            ON former.participant_id = k.participant_id AND former.merge_id = k.merged_via[cardinality(k.merged_via) - 1]
        WHERE k.participant_id = p_merge.participant_id AND k.merge_mark = 'merged'
            AND k.merged_via[cardinality(k.merged_via)] = p_merge.merge_id
    )
    SELECT array_agg(ROW(p_merge.participant_id, change.card_id, p_cause_id, change.kind,
        CASE WHEN change.amount IS NOT NULL THEN change.ledger_kind END, change.amount, p_day, NULL, NULL, NULL, change.for_kpj,
        CASE WHEN change.amount IS NOT NULL THEN p_transfer_id END, NULL, change.patch, change.data)::public.card_change
        ORDER BY change.kpj)
    FROM change
$$;

-- Every entry on the survivor since the execution with what is left of it, its sum being what the balance has gained.
-- Legs of later merges that were taken back are left out: what they moved is told by their splits, entry by entry.
CREATE OR REPLACE FUNCTION entries_since_merge(p_participant_id uuid, p_merge_id uuid)
RETURNS TABLE (entry_id uuid, kind text, amount bigint, effective_on date, employer_id text, month date, received_for_kpj text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH execution AS (
        SELECT m.into_card, told.seq
        FROM public.merges AS m
        JOIN public.history AS told
            ON told.participant_id = m.participant_id AND told.merge_id = m.merge_id AND told.kind = 'merge_executed'
        WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
    ), posted AS (
        SELECT l.entry_id, l.amount
        FROM execution
        JOIN public.ledger_entries AS l ON l.participant_id = p_participant_id AND l.card_id = execution.into_card
        JOIN public.history AS told
            ON told.participant_id = l.participant_id AND told.cause_id = l.cause_id AND told.card_id = l.card_id
        WHERE l.transfer_id = p_merge_id OR (told.seq > execution.seq AND l.kind NOT IN ('merge_out', 'undo_in', 'undo_out'))
    ), moved AS (
        SELECT s.entry_id, CASE WHEN s.to_card = execution.into_card THEN s.amount ELSE -s.amount END AS amount
        FROM execution
        JOIN public.undo_splits AS s ON s.participant_id = p_participant_id
            AND (s.from_card = execution.into_card OR (s.to_card = execution.into_card AND s.rule <> 'brought'))
        JOIN public.history AS told
            ON told.participant_id = s.participant_id AND told.merge_id = s.merge_id AND told.kind IN ('merge_undone', 'merge_reversed')
        WHERE told.seq > execution.seq
    ), held AS (
        SELECT part.entry_id, sum(part.amount)::bigint AS amount
        FROM (SELECT * FROM posted UNION ALL SELECT * FROM moved) AS part
        GROUP BY part.entry_id HAVING sum(part.amount) <> 0
    )
    SELECT l.entry_id, l.kind, held.amount, l.effective_on, l.employer_id, l.month, l.received_for_kpj
    FROM held JOIN public.ledger_entries AS l ON l.participant_id = p_participant_id AND l.entry_id = held.entry_id
    ORDER BY l.effective_on, l.entry_id
$$;

-- Keeps which part of which entry goes where, and moves it. Its execution must be recorded, its splits looked at.
CREATE FUNCTION take_merge_back(p_merge merges, p_action text, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO public.undo_splits (participant_id, merge_id, entry_id, from_card, to_card, amount, rule)
    SELECT p_merge.participant_id, p_merge.merge_id, s.entry_id, p_merge.into_card, s.to_card, s.amount, s.rule
    FROM jsonb_to_recordset(p_splits) AS s (entry_id uuid, to_card uuid, amount bigint, rule text);
    PERFORM public.change_cards(public.list_changes_back(
        p_merge, p_action, p_cause_id, p_transfer_id, p_splits, public.jakarta_day(public.current_instant())));
    PERFORM public.recount_last_contributions(p_merge.participant_id, p_merge.absorb || p_merge.into_card);
END
$$;

-- Undoes an executed merge exactly as the confirmed plan says, or raises and changes nothing: merges_are_paused,
-- merge_can_be_undone, undo_is_sealed, plan_equals_the_cards or undo_follows_the_lineage. The confirmation's id is that of the transfer.
CREATE OR REPLACE FUNCTION undo_merge(
    p_participant_id uuid, p_merge_id uuid, p_confirmation_id uuid, p_seal bytea, p_splits jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
    v_confirmation public.confirmations;
    v_plan jsonb;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM public.refuse_while_paused();
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF v_merge.state IS DISTINCT FROM 'executed' OR v_merge.undo_until <= v_now
        OR public.find_later_merge(p_participant_id, p_merge_id) IS NOT NULL
        OR EXISTS (
            SELECT FROM public.cards AS k WHERE k.participant_id = p_participant_id
                AND ((k.card_id = ANY (v_merge.absorb) AND k.status <> 'merged')
                    OR (k.card_id = v_merge.into_card AND k.status <> k.lifecycle)))
        OR EXISTS (
            SELECT FROM public.cards AS k
            LEFT JOIN public.open_merge_cards AS o ON o.participant_id = k.participant_id AND o.card_id = k.card_id
            WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card)
                AND num_nonnulls(k.claim_id, k.frozen_at, o.merge_id) > 0)
        -- what the core refused, and could not be reversed, is with staff
        OR EXISTS (
            SELECT FROM public.cases AS c WHERE c.participant_id = p_participant_id AND c.merge_id = p_merge_id
                AND c.kind = 'core_refusal' AND c.state = 'open')
    THEN
        PERFORM public.refuse('merge_can_be_undone', 'only an executed merge is undone, in its time, with nothing standing on it');
    END IF;

    SELECT * INTO v_confirmation FROM public.confirmations AS c
    WHERE c.participant_id = p_participant_id AND c.confirmation_id = p_confirmation_id AND c.merge_id = p_merge_id;
    IF NOT coalesce(public.is_sealed_undo(v_confirmation, p_seal), false) THEN
        PERFORM public.refuse('undo_is_sealed', 'an undo needs a confirmation with the seal of the process that verified it');
    END IF;
    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = v_confirmation.plan_digest
        AND p.action = 'undo';
    IF NOT coalesce(public.undo_plan_fits(v_merge, v_plan, p_splits), false)
        OR to_jsonb(v_confirmation.acknowledged) IS DISTINCT FROM v_plan -> 'to_acknowledge'
    THEN
        PERFORM public.refuse('plan_equals_the_cards', 'the confirmed plan differs from the cards as they are now');
    END IF;
    IF NOT coalesce(public.undo_follows_lineage(v_merge, p_splits), false) THEN
        PERFORM public.refuse('undo_follows_the_lineage', 'an undo moves back what came since the merge, and no other rupiah');
    END IF;

    INSERT INTO public.merge_executions (participant_id, merge_id, action, plan_digest, confirmation_id, executed_at, xact)
    VALUES (p_participant_id, p_merge_id, 'undo', v_confirmation.plan_digest, p_confirmation_id, v_now, pg_current_xact_id());
    v_cause_id := public.record_cause(p_participant_id, 'participant', v_confirmation.device_id::text, NULL, p_merge_id);
    PERFORM public.take_merge_back(v_merge, 'undo', v_cause_id, p_confirmation_id, p_splits);
    UPDATE public.merges AS m SET state = 'undone', closed_at = v_now, core = 'pending', cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

-- ── What the core answers ─────────────────────────────────────────────────────────────────────────────────────────
-- An entry about a merge whose state stays as it is.
CREATE FUNCTION tell_of_core_answer(p_merge merges, p_kind text, p_cause_id uuid, p_data jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT public.append_history(ARRAY[ROW(p_merge.participant_id, p_kind, NULL, p_merge.merge_id, p_cause_id, jsonb_build_object(
        'absorb', (SELECT jsonb_agg(k.kpj ORDER BY k.kpj) FROM public.cards AS k
            WHERE k.participant_id = p_merge.participant_id AND k.card_id = ANY (p_merge.absorb)),
        'into', (SELECT k.kpj FROM public.cards AS k
            WHERE k.participant_id = p_merge.participant_id AND k.card_id = p_merge.into_card)
    ) || p_data)::public.history_entry])
$$;

-- The core carried out what was agreed, or took it back with the participant: core_answers_once when it has answered already.
CREATE FUNCTION acknowledge_merge(p_participant_id uuid, p_merge_id uuid, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.merges AS m SET core = 'acknowledged', cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
        AND m.state IN ('executed', 'undone') AND m.core = 'pending'
    RETURNING * INTO v_merge;
    IF v_merge.merge_id IS NULL THEN
        PERFORM public.refuse('core_answers_once', 'only what the core has not answered yet is acknowledged');
    END IF;
    PERFORM public.tell_of_core_answer(v_merge, 'merge_acknowledged', p_cause_id, jsonb_build_object('state', v_merge.state));
END
$$;

-- The core will not do what was confirmed and is not executed yet: a proposal again, with a fresh plan that must be kept
-- already. Raises merge_is_confirmed.
CREATE FUNCTION send_refused_merge_back(
    p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_reason text, p_cause_id uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.merges AS m SET state = 'proposed', confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL,
        plan_digest = p_plan_digest, plan_expires_at = v_now, expires_at = greatest(m.expires_at, v_now),
        last_refusal = jsonb_build_object('code', 'core_refused', 'diff', '[]'::jsonb, 'at', v_now, 'reason', p_reason),
        cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id AND m.state = 'confirmed';
    IF NOT FOUND THEN
        PERFORM public.refuse('merge_is_confirmed', 'only a confirmed merge is refused before its execution');
    END IF;
END
$$;

-- The core will not do what was executed here: all of it goes back along its lineage, as its kept plan says, or nothing does.
-- Raises merges_are_paused, merge_can_be_reversed, plan_equals_the_cards or undo_follows_the_lineage. The cause's id is that
-- of the transfer. Only while the core has not answered; afterwards only what staff have an open case about.
CREATE FUNCTION reverse_merge(
    p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_splits jsonb, p_cause_id uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
    v_plan jsonb;
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM public.refuse_while_paused();
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF v_merge.state IS DISTINCT FROM 'executed'
        OR NOT (v_merge.core = 'pending' OR v_merge.core = 'refused' AND EXISTS (
            SELECT FROM public.cases AS c WHERE c.participant_id = p_participant_id AND c.merge_id = p_merge_id
                AND c.kind = 'core_refusal' AND c.state = 'open'))
        OR public.find_later_merge(p_participant_id, p_merge_id) IS NOT NULL
        OR EXISTS (
            SELECT FROM public.cards AS k WHERE k.participant_id = p_participant_id
                AND ((k.card_id = ANY (v_merge.absorb) AND k.status <> 'merged')
                    OR (k.card_id = v_merge.into_card AND k.status <> k.lifecycle)))
        OR EXISTS (
            SELECT FROM public.cards AS k WHERE k.participant_id = p_participant_id
                AND k.card_id = ANY (v_merge.absorb || v_merge.into_card) AND num_nonnulls(k.claim_id, k.frozen_at) > 0)
        -- a merge that the core did on its own holds a card: whose money is whose there is to be settled first
        OR EXISTS (
            SELECT FROM public.merges AS o WHERE o.participant_id = p_participant_id AND o.state IN ('reported', 'disputed')
                AND (o.absorb || o.into_card) && (v_merge.absorb || v_merge.into_card))
    THEN
        PERFORM public.refuse('merge_can_be_reversed',
            'only an executed merge that the core has not acknowledged is reversed, with nothing standing on it');
    END IF;

    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = p_plan_digest
        AND p.action = 'reverse';
    -- it must say of every card what the plan of an undo would
    IF v_plan ->> 'action' IS DISTINCT FROM 'reverse'
        OR NOT coalesce(public.undo_plan_fits(v_merge, v_plan || '{"action": "undo"}', p_splits), false)
    THEN
        PERFORM public.refuse('plan_equals_the_cards', 'the plan of the reversal differs from the cards as they are now');
    END IF;
    -- Nobody signed these splits: what names its card goes to it, whole.
    IF NOT coalesce(public.undo_follows_lineage(v_merge, p_splits), false) OR EXISTS (
        SELECT FROM public.entries_since_merge(p_participant_id, p_merge_id) AS held
        JOIN public.cards AS k ON k.participant_id = p_participant_id AND k.kpj = held.received_for_kpj
            AND k.card_id = ANY (v_merge.absorb)
        LEFT JOIN jsonb_to_recordset(p_splits) AS s (entry_id uuid, to_card uuid, amount bigint)
            ON s.entry_id = held.entry_id AND s.to_card = k.card_id
        WHERE s.amount IS DISTINCT FROM held.amount)
    THEN
        PERFORM public.refuse('undo_follows_the_lineage', 'a reversal moves back what came since the merge, and no other rupiah');
    END IF;

    INSERT INTO public.merge_executions (participant_id, merge_id, action, plan_digest, executed_at, xact)
    VALUES (p_participant_id, p_merge_id, 'reverse', p_plan_digest, v_now, pg_current_xact_id());
    PERFORM public.take_merge_back(v_merge, 'reverse', p_cause_id, p_cause_id, p_splits);
    UPDATE public.merges AS m SET state = 'undone', closed_at = v_now, closed_because = 'core_refused', core = 'refused',
        cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

-- The core refuses what cannot simply be taken back: staff have to answer, and the participant merges nothing meanwhile.
-- `p_figures` say what stands in the way. Raises core_answers_once.
CREATE FUNCTION open_refusal_case(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_merge public.merges;
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.merges AS m SET core = 'refused', cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
        AND m.state IN ('executed', 'undone') AND m.core = 'pending'
    RETURNING * INTO v_merge;
    IF v_merge.merge_id IS NULL THEN
        PERFORM public.refuse('core_answers_once', 'only what the core has not answered yet is refused');
    END IF;
    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases
        (participant_id, case_id, kind, merge_id, figures, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'core_refusal', p_merge_id, p_figures, v_now, v_now + interval '72 hours', 'open',
        p_cause_id, pg_current_xact_id());
    PERFORM public.tell_of_core_answer(v_merge,
        CASE v_merge.state WHEN 'undone' THEN 'undo_refused_by_core' ELSE 'merge_refusal_disputed' END, p_cause_id,
        jsonb_build_object('case_id', p_case_id, 'due_at', v_now + interval '72 hours', 'obstacle', p_figures -> 'obstacle',
            'figures', p_figures));
END
$$;

-- What staff decided about a refusal: `acknowledged`, the core did carry it out after all; `settled`, outside, by two;
-- `reversed`, by two, only together with the reversal itself. Raises case_is_open.
CREATE FUNCTION decide_refusal(
    p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases;
    v_merge public.merges;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id FOR UPDATE;
    IF v_case.state IS DISTINCT FROM 'open' OR v_case.kind <> 'core_refusal' OR p_decision IS NULL
        OR p_decision NOT IN ('acknowledged', 'reversed', 'settled')
    THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    IF p_decision = 'reversed' AND NOT EXISTS (
        SELECT FROM public.merge_executions AS e WHERE e.participant_id = p_participant_id AND e.merge_id = v_case.merge_id
            AND e.action = 'reverse' AND e.xact = pg_current_xact_id())
    THEN
        PERFORM public.refuse('merge_can_be_reversed', 'decided as reversed is only what is reversed in the same transaction');
    END IF;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id;
    UPDATE public.merges AS m
    SET core = CASE p_decision WHEN 'acknowledged' THEN 'acknowledged' ELSE m.core END, cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = v_case.merge_id
    RETURNING * INTO v_merge;
    -- what was reversed is told by the step of the merge
    IF p_decision <> 'reversed' THEN
        PERFORM public.tell_of_core_answer(v_merge, 'merge_refusal_decided', p_cause_id,
            jsonb_build_object('case_id', p_case_id, 'decision', p_decision, 'state', v_merge.state));
    END IF;
END
$$;

-- A merge that the core did on its own: nothing moves here. The absorbed card shows it, and both balances stay as they were.
CREATE OR REPLACE FUNCTION report_merge(
    p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamptz, p_reported jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    INSERT INTO public.merge_owners (merge_id, participant_id) VALUES (p_merge_id, p_participant_id);
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

GRANT EXECUTE ON FUNCTION reverse_contribution(uuid, text, text, text, date, text, uuid), acknowledge_merge(uuid, uuid, uuid),
    send_refused_merge_back(uuid, uuid, text, text, uuid), reverse_merge(uuid, uuid, text, jsonb, uuid),
    open_refusal_case(uuid, uuid, uuid, jsonb, uuid), decide_refusal(uuid, uuid, uuid, text, text, text, text),
    find_later_merge(uuid, uuid), entries_since_merge(uuid, uuid) TO sepakat_feed;
GRANT EXECUTE ON FUNCTION standing_contributions(uuid, date, timestamptz) TO sepakat_api;
RESET ROLE;
