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
