-- instant: now, on the one clock
SELECT current_instant();

-- page: dead letters, those that died first first: after the place ($1, $2, $3, $4), at most $5; that died until $6 and since $7,
-- whose code begins with $8, of class $9, with one of the ids $10 (NULL: whichever)
SELECT
    d.delivery_id,
    d.participant_id,
    d.cause_id,
    d.device_id,
    d.entry_class,
    d.state,
    d.code,
    d.attempts,
    d.first_tried_at,
    d.last_tried_at AS died_at,
    extract(EPOCH FROM current_instant() - d.last_tried_at)::float8 AS age_s
FROM deliveries AS d
WHERE
    d.state IN ('unregistered', 'rejected')
    AND (d.last_tried_at, d.participant_id, d.cause_id, d.device_id) > ($1, $2, $3, $4)
    AND d.last_tried_at <= $6
    AND ($7::timestamptz IS NULL OR d.last_tried_at >= $7)
    AND ($8::text IS NULL OR starts_with(d.code, $8))
    AND ($9::text IS NULL OR d.entry_class = $9)
    AND ($10::uuid[] IS NULL OR d.delivery_id = any($10))
ORDER BY d.last_tried_at, d.participant_id, d.cause_id, d.device_id
LIMIT $5;

-- totals: how many dead letters of each code and class died until $1, and how long ago the first and the last; filters as above
SELECT
    d.code,
    d.entry_class,
    count(*) AS pushes,
    extract(EPOCH FROM current_instant() - min(d.last_tried_at))::float8 AS oldest_s,
    extract(EPOCH FROM current_instant() - max(d.last_tried_at))::float8 AS newest_s
FROM deliveries AS d
WHERE
    d.state IN ('unregistered', 'rejected')
    AND d.last_tried_at <= $1
    AND ($2::timestamptz IS NULL OR d.last_tried_at >= $2)
    AND ($3::text IS NULL OR starts_with(d.code, $3))
    AND ($4::text IS NULL OR d.entry_class = $4)
    AND ($5::uuid[] IS NULL OR d.delivery_id = any($5))
GROUP BY d.code, d.entry_class
ORDER BY pushes DESC, d.code, d.entry_class;

-- replay: what became of each dead letter (participants $1, causes $2, devices $3) that was to be sent again
SELECT outcome
FROM replay_deliveries($1, $2, $3);
