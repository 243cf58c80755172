-- now: what time it is for participants
SELECT current_instant();

-- is_in_bulk: whether a bulk run holds this event id
SELECT EXISTS(SELECT FROM bulk_rows WHERE event_id = $1);

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

-- consume: nothing; a stream moves on by one, and only to the number that is next
UPDATE feed_streams AS f
SET position = s.number
FROM unnest($1::text[], $2::bigint[]) AS s (stream, number)
WHERE f.stream = s.stream AND f.position = s.number - 1;

-- finish: nothing
UPDATE feed_events
SET outcome = $2, code = $3, detail_sealed = $4, settled_at = current_instant()
WHERE event_id = $1;

-- forget_held: nothing
DELETE FROM feed_held
WHERE event_id = $1;

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
