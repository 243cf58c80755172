-- lock: whether this transaction is now the only one that makes a root
SELECT pg_try_advisory_xact_lock(hashtext('sepakat roots'));

-- allow_time: nothing; this transaction may take ten minutes, more than its role gives
SELECT
    set_config('transaction_timeout', '10min', true),
    set_config('statement_timeout', '10min', true);

-- newest: the newest root, and whether another is due
SELECT
    number,
    signed,
    made_at <= current_instant() - make_interval(secs => $1::integer) AS due
FROM history_roots
ORDER BY number DESC
LIMIT 1;

-- now: what time it is for participants
SELECT current_instant();

-- refresh: the buckets in which a head has moved on; each such head is now covered as it stands
WITH moved AS (
    INSERT INTO rooted_heads (bucket, participant_id, seq, leaf)
    SELECT
        bucket_of(h.participant_id),
        h.participant_id,
        h.seq,
        head_leaf(h.participant_id, h.seq, h.hash)
    FROM participant_heads AS h
    LEFT JOIN rooted_heads AS r ON r.bucket = bucket_of(h.participant_id) AND h.participant_id = r.participant_id
    WHERE h.seq > coalesce(r.seq, 0)
    ORDER BY bucket_of(h.participant_id), h.participant_id
    ON CONFLICT (bucket, participant_id) DO UPDATE SET seq = excluded.seq, leaf = excluded.leaf
    RETURNING bucket
)

SELECT DISTINCT bucket FROM moved;

-- leaves: the leaves of these buckets, in order
SELECT
    bucket,
    leaf
FROM rooted_heads
WHERE bucket = any($1::smallint[])
ORDER BY bucket, participant_id;

-- keep_buckets: nothing
INSERT INTO root_buckets (bucket, heads, root)
SELECT
    bucket,
    heads,
    root
FROM unnest($1::smallint[], $2::integer[], $3::bytea[]) AS b (bucket, heads, root)
ON CONFLICT (bucket) DO UPDATE SET heads = excluded.heads, root = excluded.root;

-- buckets: every bucket that holds a head
SELECT
    bucket,
    heads,
    root
FROM root_buckets
ORDER BY bucket;

-- keep: nothing
INSERT INTO history_roots (number, made_at, heads, root, previous, signed)
VALUES ($1, $2, $3, $4, $5, $6);

-- page: a page of roots, newest first, before a number
SELECT
    number,
    made_at,
    heads,
    root,
    previous,
    signed
FROM history_roots
WHERE $1::bigint IS NULL OR number < $1
ORDER BY number DESC
LIMIT $2;

-- inclusion: the newest root and, of the one who entered, where their head stands among the leaves
SELECT
    signed,
    bucket,
    seq,
    place,
    leaves,
    buckets,
    bucket_roots
FROM prove_inclusion($1);
