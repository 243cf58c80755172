-- A number that never came in a stream of the feed holds up all that came after it. Staff may skip it, after a day, by name.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE feed_skips (
    stream text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    waited_since timestamptz NOT NULL,
    skipped_at timestamptz NOT NULL,
    staff text NOT NULL CONSTRAINT staff_of_skip_is_named CHECK (staff <> ''),
    reason text NOT NULL CONSTRAINT skip_has_its_reason CHECK (reason <> ''),
    database_role text NOT NULL,
    PRIMARY KEY (stream, first),
    CONSTRAINT skip_goes_forward CHECK (first <= last),
    CONSTRAINT gap_is_a_day_old CHECK (skipped_at >= waited_since + interval '24 hours')
);
COMMENT ON TABLE feed_skips IS 'The numbers of streams, from first to last, that never came and are no longer waited for; who said so, and why.';
GRANT SELECT ON feed_skips TO sepakat_feed, sepakat_operator, sepakat_worker;
GRANT SELECT, INSERT ON feed_skips TO sepakat_writer;
GRANT SELECT, UPDATE ON feed_streams TO sepakat_writer;
GRANT SELECT ON feed_held, feed_events TO sepakat_writer;

CREATE TRIGGER feed_skips_by_function_only BEFORE INSERT ON feed_skips
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('feed_skips_by_function_only');
CREATE TRIGGER feed_skips_are_append_only BEFORE UPDATE OR DELETE ON feed_skips
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('feed_skips_are_append_only');
CREATE TRIGGER feed_skips_are_not_truncated BEFORE TRUNCATE ON feed_skips
    EXECUTE FUNCTION refuse_statement('feed_skips_are_append_only');
ALTER TABLE feed_skips ENABLE ALWAYS TRIGGER feed_skips_by_function_only;
ALTER TABLE feed_skips ENABLE ALWAYS TRIGGER feed_skips_are_append_only;
ALTER TABLE feed_skips ENABLE ALWAYS TRIGGER feed_skips_are_not_truncated;

-- One row for each stream in which a number is missing: where it stands, the lowest number that is held, how many are, and since when.
CREATE VIEW feed_gaps WITH (security_invoker = true) AS
SELECT
    f.stream,
    f.position + 1 AS first,
    min(h.position) - 1 AS last,
    count(*) AS held,
    min(e.received_at) AS since,
    (array_agg(h.event_id ORDER BY h.position, h.event_id))[1] AS event_id
FROM feed_held AS h
INNER JOIN feed_streams AS f ON h.stream = f.stream
INNER JOIN feed_events AS e ON h.event_id = e.event_id
GROUP BY f.stream, f.position
HAVING min(h.position) > f.position + 1;
COMMENT ON VIEW feed_gaps IS 'Streams that wait for the numbers first to last; event_id is the held event that comes next.';
GRANT SELECT ON feed_gaps TO sepakat_feed, sepakat_worker, sepakat_operator, sepakat_writer;
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Goes past the numbers that are missing now. NULLs where none is; refused before the first of those held has waited for a day.
CREATE FUNCTION skip_feed_gap(p_stream text, p_staff text, p_reason text, OUT first bigint, OUT last bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_gap record;
BEGIN
    PERFORM FROM public.feed_streams AS f WHERE f.stream = p_stream FOR UPDATE;
    SELECT g.first, g.last, g.since INTO v_gap FROM public.feed_gaps AS g WHERE g.stream = p_stream;
    IF v_gap.first IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO public.feed_skips (stream, first, last, waited_since, skipped_at, staff, reason, database_role)
    VALUES (p_stream, v_gap.first, v_gap.last, v_gap.since, public.current_instant(), p_staff, p_reason, session_user);
    UPDATE public.feed_streams AS f SET position = v_gap.last WHERE f.stream = p_stream;
    first := v_gap.first;
    last := v_gap.last;
END
$$;
GRANT EXECUTE ON FUNCTION skip_feed_gap(text, text, text) TO sepakat_feed;
RESET ROLE;
-- Whom nothing has reached is a case for staff: they find the person, and say what came of it.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('unreached_case_opened', 'inbox', 'notice', 'info', 'change', '2026-11'),
    ('unreached_case_decided', 'inbox', 'notice', 'info', 'change', '2026-11');

-- NOT VALID: every row that is there satisfies what was narrower before.
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_kind_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_decision_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_is_decided_by_staff;
-- squawk-ignore ban-drop-constraint
ALTER TABLE case_proposals DROP CONSTRAINT proposed_decision_is_known;
ALTER TABLE cases ADD CONSTRAINT case_kind_is_known
CHECK (kind IN ('dispute', 'match', 'core_refusal', 'balance', 'heir', 'correction', 'unreached')) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT case_decision_is_known CHECK (decision IN (
    'restored', 'accepted', 'withdrawn', 'linked', 'refused', 'acknowledged', 'reversed', 'settled', 'ours', 'theirs_corrected',
    'agreed', 'heir_recognised', 'heir_refused', 'corrected', 'reached', 'not_reached', 'read')) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT case_is_decided_by_staff
CHECK ((decision NOT IN ('withdrawn', 'agreed', 'read')) = (staff IS NOT NULL)) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT unreached_case_is_decided_as_one
CHECK ((kind = 'unreached') = (decision IN ('reached', 'not_reached', 'read'))) NOT VALID;
ALTER TABLE case_proposals ADD CONSTRAINT proposed_decision_is_known CHECK (decision IN (
    'restored', 'accepted', 'linked', 'refused', 'acknowledged', 'settled', 'ours', 'theirs_corrected', 'corrected', 'reached',
    'not_reached')) NOT VALID;

CREATE UNIQUE INDEX one_open_unreached_case ON cases (participant_id) WHERE kind = 'unreached' AND state = 'open';
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Opens a case for at most p_limit people whom something has not reached that no case was about yet, those waiting longest first; and
-- ends the cases of those who have acknowledged all of it meanwhile. Returns who has new history; nobody when nothing is left to do.
CREATE FUNCTION keep_unreached_cases(p_limit integer) RETURNS TABLE (participant_id uuid, lane smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_who uuid;
    v_case public.cases;
    v_cause_id uuid;
BEGIN
    FOR v_who IN SELECT due.participant_id FROM (
            (SELECT c.participant_id FROM public.climbs AS c
            WHERE c.state = 'unreached' AND NOT EXISTS (SELECT FROM public.cases AS k
                WHERE k.participant_id = c.participant_id AND k.kind = 'unreached'
                    AND (k.state = 'open' OR k.decided_at >= c.ended_at))
            GROUP BY c.participant_id ORDER BY min(c.ended_at), c.participant_id LIMIT p_limit)
            UNION
            (SELECT k.participant_id FROM public.cases AS k
            WHERE k.kind = 'unreached' AND k.state = 'open' AND NOT EXISTS (SELECT FROM public.climbs AS c
                WHERE c.participant_id = k.participant_id AND c.state = 'unreached')
            LIMIT p_limit)
        ) AS due ORDER BY due.participant_id
    LOOP
        PERFORM FROM public.participant_heads AS h WHERE h.participant_id = v_who FOR UPDATE;
        SELECT * INTO v_case FROM public.cases AS k WHERE k.participant_id = v_who AND k.kind = 'unreached' AND k.state = 'open';
        -- Looked at again under the lock: another worker may have been here, or the person have read it.
        CONTINUE WHEN (v_case.case_id IS NULL) <> EXISTS (SELECT FROM public.climbs AS c
            WHERE c.participant_id = v_who AND c.state = 'unreached' AND NOT EXISTS (SELECT FROM public.cases AS k
                WHERE k.participant_id = v_who AND k.kind = 'unreached' AND k.decided_at >= c.ended_at));
        v_cause_id := public.record_cause(v_who, 'system', 'clock', NULL);
        IF v_case.case_id IS NULL THEN
            v_case.case_id := gen_random_uuid();
            INSERT INTO public.case_owners (case_id, participant_id) VALUES (v_case.case_id, v_who);
            INSERT INTO public.cases (participant_id, case_id, kind, figures, opened_at, due_at, state, cause_id, xact)
            SELECT v_who, v_case.case_id, 'unreached',
                jsonb_build_object('since', min(c.ended_at), 'entries', sum(cardinality(c.seqs)), 'kinds', (
                    SELECT jsonb_agg(DISTINCT h.kind) FROM public.history AS h
                    JOIN public.climbs AS of_one ON of_one.participant_id = h.participant_id AND h.seq = ANY (of_one.seqs)
                    WHERE h.participant_id = v_who AND of_one.state = 'unreached')),
                v_now, v_now + interval '72 hours', 'open', v_cause_id, pg_current_xact_id()
            FROM public.climbs AS c WHERE c.participant_id = v_who AND c.state = 'unreached';
            PERFORM public.append_history(ARRAY[ROW(v_who, 'unreached_case_opened', NULL, NULL, v_cause_id,
                jsonb_build_object('case_id', v_case.case_id, 'due_at', v_now + interval '72 hours'))::public.history_entry]);
        ELSE
            UPDATE public.cases AS k SET state = 'decided', decision = 'read', decided_at = v_now, cause_id = v_cause_id,
                xact = pg_current_xact_id()
            WHERE k.participant_id = v_who AND k.case_id = v_case.case_id;
            PERFORM public.append_history(ARRAY[ROW(v_who, 'unreached_case_decided', NULL, NULL, v_cause_id,
                jsonb_build_object('case_id', v_case.case_id, 'decision', 'read'))::public.history_entry]);
        END IF;
        participant_id := v_who;
        lane := public.lane_of(v_who);
        RETURN NEXT;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION keep_unreached_cases(integer) TO sepakat_worker;

-- Staff say whether they reached the person. Nothing follows; what comes to nobody's knowledge after it is a case of its own.
CREATE FUNCTION decide_unreached(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text,
    p_second_staff text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id AND c.kind = 'unreached' AND c.state = 'open'
        AND p_decision IN ('reached', 'not_reached');
    IF NOT FOUND THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'unreached_case_decided', NULL, NULL, p_cause_id, jsonb_build_object(
        'case_id', p_case_id, 'decision', p_decision, 'reason', p_reason))::public.history_entry]);
END
$$;
GRANT EXECUTE ON FUNCTION decide_unreached(uuid, uuid, uuid, text, text, text, text) TO sepakat_feed;

CREATE OR REPLACE FUNCTION propose_decision(p_case_id uuid, p_decision text, p_reason text, p_staff staff_member) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases := public.lock_case(p_case_id);
BEGIN
    IF v_case.state IS DISTINCT FROM 'open' THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    IF (v_case.kind, p_decision) NOT IN (
        ('dispute', 'restored'), ('dispute', 'accepted'), ('match', 'linked'), ('match', 'refused'),
        ('core_refusal', 'acknowledged'), ('core_refusal', 'settled'), ('balance', 'ours'), ('balance', 'theirs_corrected'),
        ('correction', 'corrected'), ('correction', 'refused'), ('unreached', 'reached'), ('unreached', 'not_reached'))
    THEN
        PERFORM public.refuse('decision_fits_the_case', format('a case of kind %s is not decided like that', v_case.kind));
    END IF;
    UPDATE public.case_proposals AS p SET state = 'replaced', closed_at = public.current_instant()
    WHERE p.participant_id = v_case.participant_id AND p.case_id = p_case_id AND p.state = 'open'
        AND (p_staff.role = 'supervisor' OR (lower(p.staff), p.issuer) = (lower(p_staff.subject), p_staff.issuer));
    INSERT INTO public.case_proposals
        (participant_id, case_id, decision, reason, issuer, staff, staff_role, shown_as, proposed_at, state)
    VALUES (v_case.participant_id, p_case_id, p_decision, p_reason, p_staff.issuer, p_staff.subject, p_staff.role,
        p_staff.shown_as, public.current_instant(), 'open');
    RETURN public.log_case_look(v_case, p_staff, v_case.kind, 'decision');
END
$$;

CREATE OR REPLACE FUNCTION carry_out_proposal(p_case_id uuid, p_decision text, p_second staff_member) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases := public.lock_case(p_case_id);
    v_proposal public.case_proposals;
    v_told jsonb;
    v_cause_id uuid;
BEGIN
    UPDATE public.case_proposals AS p SET state = 'confirmed', closed_at = public.current_instant(),
        second_issuer = p_second.issuer, second_staff = p_second.subject, second_role = p_second.role,
        second_shown_as = p_second.shown_as
    WHERE p.participant_id = v_case.participant_id AND p.case_id = p_case_id AND p.state = 'open' AND p.decision = p_decision
    RETURNING * INTO v_proposal;
    IF v_proposal.proposal_id IS NULL THEN
        PERFORM public.refuse('decision_was_proposed', 'a second person confirms exactly what the first one proposed');
    END IF;
    -- alone, the proposal of this very transaction has logged it; without one the cause below is refused
    v_told := CASE WHEN p_second.subject IS NULL THEN '[]'
        ELSE public.log_case_look(v_case, p_second, v_case.kind, 'decision') END;
    IF v_case.kind = 'match' THEN
        PERFORM public.decide_match(v_case.participant_id, p_case_id, gen_random_uuid(), p_decision, v_proposal.reason,
            v_proposal.staff, p_second.subject, NULL, NULL);
    ELSE
        v_cause_id := public.record_cause(v_case.participant_id, 'agency', v_proposal.staff, v_proposal.reason, v_case.merge_id);
        CASE v_case.kind
            WHEN 'dispute' THEN
                PERFORM public.decide_case(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
            WHEN 'core_refusal' THEN
                PERFORM public.decide_refusal(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
            WHEN 'balance' THEN
                PERFORM public.decide_balance(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
            WHEN 'unreached' THEN
                PERFORM public.decide_unreached(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
            WHEN 'correction' THEN
                PERFORM public.decide_correction(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
        END CASE;
    END IF;
    RETURN v_told;
END
$$;

-- Not of the cases that staff have about whom nobody reaches: that person asked for nothing.
CREATE OR REPLACE FUNCTION tell_overdue_cases(p_limit integer) RETURNS TABLE (participant_id uuid, lane smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_late uuid[] := array(
        SELECT c.case_id FROM public.cases AS c
        WHERE c.state = 'open' AND c.kind <> 'unreached' AND c.due_at <= public.current_instant() AND NOT EXISTS (
            SELECT FROM public.overdue_cases AS o WHERE o.participant_id = c.participant_id AND o.case_id = c.case_id)
        ORDER BY c.due_at, c.case_id LIMIT p_limit);
    v_entries public.history_entry[];
BEGIN
    PERFORM FROM public.participant_heads AS h
    WHERE h.participant_id IN (SELECT c.participant_id FROM public.cases AS c WHERE c.case_id = ANY (v_late))
    ORDER BY h.participant_id FOR UPDATE;
    -- Looked at again under the lock: a case may have been decided, or told of by another worker, meanwhile.
    WITH told AS (
        INSERT INTO public.overdue_cases (participant_id, case_id, told_at, cause_id)
        SELECT c.participant_id, c.case_id, public.current_instant(),
            public.record_cause(c.participant_id, 'system', 'clock', 'the case was not decided in time', c.merge_id)
        FROM public.cases AS c
        WHERE c.case_id = ANY (v_late) AND c.state = 'open' AND NOT EXISTS (
            SELECT FROM public.overdue_cases AS o WHERE o.participant_id = c.participant_id AND o.case_id = c.case_id)
        RETURNING *
    )
    SELECT array_agg(ROW(c.participant_id, 'case_overdue', NULL, c.merge_id, t.cause_id, jsonb_strip_nulls(jsonb_build_object(
            'case_id', c.case_id, 'case_kind', c.kind, 'opened_at', c.opened_at, 'due_at', c.due_at,
            'absorb', (SELECT jsonb_agg(k.kpj ORDER BY k.kpj) FROM public.cards AS k
                WHERE k.participant_id = c.participant_id AND k.card_id = ANY (m.absorb)),
            'into', (SELECT k.kpj FROM public.cards AS k
                WHERE k.participant_id = c.participant_id AND k.card_id = m.into_card),
            'employer', (SELECT e.name FROM public.possible_matches AS p
                JOIN public.employers AS e ON e.employer_id = p.employer_id
                WHERE p.participant_id = c.participant_id AND p.match_id = c.match_id)
        )))::public.history_entry ORDER BY c.participant_id, c.due_at, c.case_id) INTO v_entries
    FROM told AS t
    JOIN public.cases AS c ON c.participant_id = t.participant_id AND c.case_id = t.case_id
    LEFT JOIN public.merges AS m ON m.participant_id = c.participant_id AND m.merge_id = c.merge_id;
    PERFORM public.append_history(coalesce(v_entries, '{}'));
    RETURN QUERY SELECT e.participant_id, public.lane_of(e.participant_id) FROM unnest(v_entries) AS e GROUP BY e.participant_id;
END
$$;
RESET ROLE;
