-- now: what time it is for participants
SELECT current_instant();

-- find_bulk: the bulk run that holds this event id, and whether it has posted it; nothing when none does
SELECT
    r.name,
    EXISTS(
        SELECT FROM ledger_entries AS l
        WHERE l.participant_id = b.participant_id AND l.source_event = b.event_id
    ) AS posted
FROM bulk_rows AS b
INNER JOIN bulk_runs AS r ON b.run_id = r.run_id
WHERE b.event_id = $1
ORDER BY posted DESC
LIMIT 1;

-- find_event: what became of an event with this id; nothing when it never came
SELECT
    content_hash,
    outcome,
    code,
    detail_sealed
FROM feed_events
WHERE event_id = $1;

-- take_event: the event id when it is new, after waiting for a transaction that takes it at the same time
INSERT INTO feed_events (event_id, content_hash, type, occurred_at, content_sealed, outcome, received_at)
VALUES ($1, $2, $3, $4, $5, 'held', current_instant())
ON CONFLICT (event_id) DO NOTHING
RETURNING event_id;

-- quarantine: nothing; kept once for each content
INSERT INTO feed_quarantine (event_id, content_hash, content_sealed, received_at)
VALUES ($1, $2, $3, current_instant())
ON CONFLICT (event_id, content_hash) DO NOTHING;

-- lock_streams: each stream with the number it stands at, locked in order of their names
INSERT INTO feed_streams (stream, position)
SELECT
    stream,
    0 AS position
FROM unnest($1::text[]) AS stream
ORDER BY stream
ON CONFLICT (stream) DO UPDATE SET position = feed_streams.position
RETURNING stream, position;

-- hold: nothing
INSERT INTO feed_held (stream, position, event_id)
SELECT
    s.stream,
    s.number AS position,
    $1 AS event_id
FROM unnest($2::text[], $3::bigint[]) AS s (stream, number)
ON CONFLICT (stream, position, event_id) DO NOTHING;

-- finish: whether events are held for these streams, each of which moves on by one, and only to the number that is next
WITH finished AS (
    UPDATE feed_events
    SET outcome = $2, code = $3, detail_sealed = $4, settled_at = current_instant()
    WHERE event_id = $1
),

moved AS (
    UPDATE feed_streams AS f
    SET position = s.number
    FROM unnest($5::text[], $6::bigint[]) AS s (stream, number)
    WHERE f.stream = s.stream AND f.position = s.number - 1
),

forgotten AS (
    DELETE FROM feed_held
    WHERE event_id = $1
)

SELECT exists(SELECT FROM feed_held AS h WHERE h.stream = any($5::text[]) AND h.event_id <> $1);

-- find_released: held events of these streams whose every stream has come far enough, first received first
SELECT
    e.event_id,
    e.content_sealed,
    e.content_hash
FROM feed_events AS e
WHERE
    e.event_id IN (
        SELECT h.event_id
        FROM feed_held AS h
        INNER JOIN feed_streams AS f ON h.stream = f.stream
        WHERE h.stream = any($1::text[]) AND h.position <= f.position + 1
    ) AND NOT EXISTS (
        SELECT
        FROM feed_held AS h
        INNER JOIN feed_streams AS f ON h.stream = f.stream
        WHERE h.event_id = e.event_id AND h.position > f.position + 1
    )
ORDER BY e.received_at, e.event_id;
