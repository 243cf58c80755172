-- A case past its 3×24 hours is told to its participant, once. Growth is credited once for a card and year. And an entry as
-- it is shown, in one place.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('case_overdue', 'ladder', 'card', 'warning', 'change', '2026-11');

CREATE TABLE overdue_cases (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    told_at timestamptz NOT NULL,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, case_id),
    FOREIGN KEY (participant_id, case_id) REFERENCES cases,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
COMMENT ON TABLE overdue_cases IS 'The cases whose participant was told that the agency did not answer in time: one row each, for ever.';

GRANT SELECT ON overdue_cases TO sepakat_api, sepakat_worker, sepakat_feed, sepakat_operator;
GRANT SELECT, INSERT ON overdue_cases TO sepakat_writer;

CREATE TRIGGER overdue_cases_by_function_only BEFORE INSERT ON overdue_cases
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('overdue_cases_by_function_only');
CREATE TRIGGER overdue_cases_are_append_only BEFORE UPDATE OR DELETE ON overdue_cases
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('overdue_cases_are_append_only');
CREATE TRIGGER overdue_cases_are_not_truncated BEFORE TRUNCATE ON overdue_cases
    EXECUTE FUNCTION refuse_statement('overdue_cases_are_append_only');
ALTER TABLE overdue_cases ENABLE ALWAYS TRIGGER overdue_cases_by_function_only;
ALTER TABLE overdue_cases ENABLE ALWAYS TRIGGER overdue_cases_are_append_only;
ALTER TABLE overdue_cases ENABLE ALWAYS TRIGGER overdue_cases_are_not_truncated;

CREATE INDEX growth_of_a_year ON ledger_entries (participant_id, year, card_id) WHERE kind = 'growth';

-- With the rights of whoever asks, so that it shows nobody more than the tables would.
CREATE VIEW shown_entries WITH (security_invoker = true) AS
SELECT
    h.participant_id,
    h.seq,
    h.card_id,
    h.kind,
    k.reach,
    k.severity,
    h.wording,
    d.data,
    h.merge_id,
    h.cause_id,
    h.occurred_at,
    h.hash,
    c.origin,
    c.actor,
    c.reason,
    k.reach = 'silent' OR h.seq <= coalesce(p.read_up_to, 0) AS read,
    a.seq IS NOT NULL AS acknowledged
FROM history AS h
JOIN entry_kinds AS k ON k.kind = h.kind
JOIN causes AS c ON c.participant_id = h.participant_id AND c.cause_id = h.cause_id
LEFT JOIN history_data AS d ON d.participant_id = h.participant_id AND d.seq = h.seq
LEFT JOIN inbox_pointers AS p ON p.participant_id = h.participant_id
LEFT JOIN acknowledgements AS a ON a.participant_id = h.participant_id AND a.seq = h.seq;
COMMENT ON VIEW shown_entries IS 'An entry with all that it is rendered from, for the inbox, the stream and the history of a card. Silent ones count as read.';
GRANT SELECT ON shown_entries TO sepakat_api, sepakat_worker;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Tells up to p_limit participants whose case is open past its time, those due first first. Returns who has new history;
-- nobody when nobody is left to be told.
CREATE FUNCTION tell_overdue_cases(p_limit integer) RETURNS TABLE (participant_id uuid, lane smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_late uuid[] := array(
        SELECT c.case_id FROM public.cases AS c
        WHERE c.state = 'open' AND c.due_at <= public.current_instant() AND NOT EXISTS (
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
GRANT EXECUTE ON FUNCTION tell_overdue_cases(integer) TO sepakat_worker;
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- One event credits a year on the number it names, wherever the money of that number lies: on the card itself, on the card that
-- the participant merged it into, or split over cards that the core joined. Another event for the same number and year is a
-- mistake, a merge in between or not. Whoever posts holds the head, so that nobody else posts meanwhile.
CREATE FUNCTION guard_growth() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.ledger_entries AS l
        JOIN public.cards AS k ON k.participant_id = l.participant_id AND k.card_id = l.card_id
        JOIN public.cards AS own ON own.participant_id = new.participant_id AND own.card_id = new.card_id
        WHERE l.participant_id = new.participant_id AND l.kind = 'growth' AND l.year = new.year AND l.entry_id <> new.entry_id
            AND coalesce(l.received_for_kpj, k.kpj) = coalesce(new.received_for_kpj, own.kpj)
            AND l.source_event IS DISTINCT FROM new.source_event)
    THEN
        PERFORM public.refuse('growth_is_credited_once', format('growth of %s is credited on this number already', new.year));
    END IF;
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION guard_growth() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER growth_is_credited_once AFTER INSERT ON ledger_entries
    FOR EACH ROW WHEN (new.kind = 'growth' AND new.year IS NOT NULL) EXECUTE FUNCTION guard_growth();
ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER growth_is_credited_once;
RESET ROLE;
