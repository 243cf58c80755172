-- Two books: the core tells its balance of a card, it is compared with ours, and a difference is a case that staff must
-- answer. As long as one is open, or a refusal by the core is, nothing of that participant is merged.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('balance_differs', 'ladder', 'card', 'critical', 'change', '2026-11'),
    ('balance_agrees_again', 'push', 'card', 'info', 'change', '2026-11'),
    ('balance_case_decided', 'ladder', 'card', 'warning', 'change', '2026-11');

-- The last comparison of each card; what was compared before stands in the events.
CREATE TABLE balance_comparisons (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    as_of date NOT NULL,
    theirs bigint NOT NULL,
    ours bigint NOT NULL,
    status text NOT NULL,
    outcome text NOT NULL CONSTRAINT comparison_outcome_is_known CHECK (outcome IN ('agrees', 'explained', 'differs')),
    compared_at timestamptz NOT NULL,
    PRIMARY KEY (participant_id, card_id),
    FOREIGN KEY (participant_id, card_id) REFERENCES cards
) WITH (fillfactor = 70);
COMMENT ON COLUMN balance_comparisons.outcome IS 'explained: the figure is another, but that of a merge that one side has done and the other not.';

-- What the file before left to be validated in a transaction of its own.
ALTER TABLE merges VALIDATE CONSTRAINT closing_reason_is_known;
ALTER TABLE merge_plans VALIDATE CONSTRAINT plan_action_is_known;
ALTER TABLE merge_executions VALIDATE CONSTRAINT only_a_reversal_is_not_confirmed;
ALTER TABLE merge_executions VALIDATE CONSTRAINT execution_has_its_plan;
ALTER TABLE cases VALIDATE CONSTRAINT case_kind_is_known;
ALTER TABLE cases VALIDATE CONSTRAINT case_decision_is_known;
ALTER TABLE cases VALIDATE CONSTRAINT case_is_decided_by_staff;
ALTER TABLE cases VALIDATE CONSTRAINT case_is_restored_by_four_eyes;
ALTER TABLE cases VALIDATE CONSTRAINT refusal_case_names_its_merge;
ALTER TABLE cases VALIDATE CONSTRAINT balance_case_names_its_card;
ALTER TABLE cases VALIDATE CONSTRAINT case_is_about_a_card_of_its_owner;

CREATE UNIQUE INDEX one_open_balance_case_per_card ON cases (participant_id, card_id) WHERE state = 'open';

GRANT SELECT ON balance_comparisons TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT SELECT, INSERT, UPDATE ON balance_comparisons TO sepakat_writer;

CREATE TRIGGER comparisons_by_function_only BEFORE INSERT OR UPDATE OR DELETE ON balance_comparisons
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('comparisons_by_function_only');
CREATE TRIGGER comparisons_are_not_truncated BEFORE TRUNCATE ON balance_comparisons
    EXECUTE FUNCTION refuse_statement('comparisons_by_function_only');
ALTER TABLE balance_comparisons ENABLE ALWAYS TRIGGER comparisons_by_function_only;
ALTER TABLE balance_comparisons ENABLE ALWAYS TRIGGER comparisons_are_not_truncated;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- No proposal begins, and none goes on, while the books of its participant differ or the core has refused something.
CREATE FUNCTION guard_held_participant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.cases AS c
        WHERE c.participant_id = new.participant_id AND c.state = 'open' AND c.kind IN ('balance', 'core_refusal')
    ) THEN
        PERFORM public.refuse('held_participant_merges_nothing', 'a case about a balance or a refusal by the core is open');
    END IF;
    RETURN NULL;
END
$$;

-- Remembers what the core told of a balance, and how it compared with ours. Nobody is told of that.
CREATE FUNCTION keep_comparison(
    p_participant_id uuid, p_card_id uuid, p_as_of date, p_theirs bigint, p_ours bigint, p_status text, p_outcome text
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    INSERT INTO public.balance_comparisons AS b (participant_id, card_id, as_of, theirs, ours, status, outcome, compared_at)
    VALUES (p_participant_id, p_card_id, p_as_of, p_theirs, p_ours, p_status, p_outcome, public.current_instant())
    ON CONFLICT (participant_id, card_id) DO UPDATE SET as_of = excluded.as_of, theirs = excluded.theirs,
        ours = excluded.ours, status = excluded.status, outcome = excluded.outcome, compared_at = excluded.compared_at
$$;

-- An entry of one card about its balance case: no status and no balance changes.
CREATE FUNCTION tell_of_balance(p_case cases, p_kind text, p_cause_id uuid, p_data jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT public.change_cards(ARRAY[ROW(p_case.participant_id, p_case.card_id, p_cause_id, p_kind, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, '{}', jsonb_build_object('case_id', p_case.case_id, 'due_at', p_case.due_at) || p_data
    )::public.card_change])
$$;

-- Both figures differ: a case opens, one for each card, and the participant is told; of other figures in an open case too.
-- Only what was compared and differs: comparison_differs.
CREATE FUNCTION dispute_balance(p_participant_id uuid, p_card_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases;
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (
        SELECT FROM public.balance_comparisons AS b
        WHERE b.participant_id = p_participant_id AND b.card_id = p_card_id AND b.outcome = 'differs')
    THEN
        PERFORM public.refuse('comparison_differs', 'a case is about a balance that was compared and differs');
    END IF;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.card_id = p_card_id AND c.state = 'open';
    IF v_case.case_id IS NULL THEN
        INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
        INSERT INTO public.cases
            (participant_id, case_id, kind, card_id, figures, opened_at, due_at, state, cause_id, xact)
        VALUES (p_participant_id, p_case_id, 'balance', p_card_id, p_figures, v_now, v_now + interval '72 hours', 'open',
            p_cause_id, pg_current_xact_id())
        RETURNING * INTO v_case;
    END IF;
    PERFORM public.tell_of_balance(v_case, 'balance_differs', p_cause_id, p_figures || jsonb_build_object(
        'suspected_absorbed', p_figures #> '{suspected_merge,absorbed}', 'suspected_into', p_figures #> '{suspected_merge,into}'));
END
$$;

-- The core's figure agrees again: the case ends by itself. Raises comparison_agrees when the last comparison does not say so.
CREATE FUNCTION agree_on_balance(p_participant_id uuid, p_card_id uuid, p_figures jsonb, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (
        SELECT FROM public.balance_comparisons AS b
        WHERE b.participant_id = p_participant_id AND b.card_id = p_card_id AND b.outcome IN ('agrees', 'explained'))
    THEN
        PERFORM public.refuse('comparison_agrees', 'a balance agrees when the last comparison says so');
    END IF;
    UPDATE public.cases AS c SET state = 'decided', decision = 'agreed', decided_at = public.current_instant(),
        cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.card_id = p_card_id AND c.kind = 'balance' AND c.state = 'open'
    RETURNING * INTO v_case;
    IF v_case.case_id IS NULL THEN
        PERFORM public.refuse('case_is_open', 'no case about the balance of this card is open');
    END IF;
    PERFORM public.tell_of_balance(v_case, 'balance_agrees_again', p_cause_id, p_figures);
END
$$;

-- What staff decided about a balance. `ours`: the core was wrong; nothing changes here. `theirs_corrected`, by two: what was
-- missing here has come by events of its own, and the books agree: comparison_agrees when they do not. Nothing is posted here.
CREATE FUNCTION decide_balance(
    p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases;
    v_told public.balance_comparisons;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id FOR UPDATE;
    IF v_case.state IS DISTINCT FROM 'open' OR v_case.kind <> 'balance' OR p_decision IS NULL
        OR p_decision NOT IN ('ours', 'theirs_corrected')
    THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    SELECT * INTO v_told FROM public.balance_comparisons AS b
    WHERE b.participant_id = p_participant_id AND b.card_id = v_case.card_id;
    IF p_decision = 'theirs_corrected' AND v_told.theirs IS DISTINCT FROM (
        SELECT coalesce(sum(l.amount), 0) FROM public.ledger_entries AS l
        WHERE l.participant_id = p_participant_id AND l.card_id = v_case.card_id AND l.effective_on <= v_told.as_of)
    THEN
        PERFORM public.refuse('comparison_agrees', 'the core''s figure is not ours yet: the events that make it so are missing');
    END IF;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id
    RETURNING * INTO v_case;
    PERFORM public.tell_of_balance(v_case, 'balance_case_decided', p_cause_id, jsonb_build_object(
        'decision', p_decision, 'reason', p_reason, 'theirs', v_told.theirs, 'as_of', v_told.as_of));
END
$$;

GRANT EXECUTE ON FUNCTION keep_comparison(uuid, uuid, date, bigint, bigint, text, text),
    dispute_balance(uuid, uuid, uuid, jsonb, uuid), agree_on_balance(uuid, uuid, jsonb, uuid),
    decide_balance(uuid, uuid, uuid, text, text, text, text) TO sepakat_feed;
GRANT EXECUTE ON FUNCTION guard_held_participant() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER held_participant_begins_no_merge AFTER INSERT ON merges
    FOR EACH ROW WHEN (new.state = 'proposed') EXECUTE FUNCTION guard_held_participant();
CREATE TRIGGER held_participant_goes_on_in_no_merge AFTER UPDATE ON merges
    FOR EACH ROW WHEN (old.state <> new.state AND new.state IN ('confirmed', 'executed', 'accepted'))
    EXECUTE FUNCTION guard_held_participant();
ALTER TABLE merges ENABLE ALWAYS TRIGGER held_participant_begins_no_merge;
ALTER TABLE merges ENABLE ALWAYS TRIGGER held_participant_goes_on_in_no_merge;
RESET ROLE;
