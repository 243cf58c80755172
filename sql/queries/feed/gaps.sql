-- gaps: streams in which a number is missing, those that wait longest first: since at least $1, up to $2 of them
SELECT
    stream,
    first,
    last,
    held,
    since,
    event_id,
    extract(EPOCH FROM current_instant() - since)::bigint AS age_s
FROM feed_gaps
WHERE since <= current_instant() - $1::interval
ORDER BY since, stream
LIMIT $2;

-- count: how many streams wait for a number, how many of those for more than a day, how many events are held, and for how long at most
SELECT
    count(*) AS streams,
    count(*) FILTER (WHERE since <= current_instant() - interval '24 hours') AS alarming,
    coalesce(sum(held), 0)::bigint AS held,
    coalesce(extract(EPOCH FROM current_instant() - min(since))::bigint, 0) AS oldest_s
FROM feed_gaps;

-- content: the sealed content of a held event
SELECT content_sealed
FROM feed_events
WHERE event_id = $1;

-- skip: the numbers that are no longer waited for; NULLs where none is missing; raises gap_is_a_day_old
SELECT
    first,
    last
FROM skip_feed_gap($1, $2, $3);

-- skipped: whether staff skipped this number of a stream
SELECT EXISTS(SELECT FROM feed_skips WHERE stream = $1 AND $2 BETWEEN first AND last);
