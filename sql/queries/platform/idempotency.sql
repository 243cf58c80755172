-- take: one row when this request is new; none when it was made before, after waiting for one that still runs
INSERT INTO idempotency_keys (participant_id, request, body_hash)
VALUES ($1, $2, $3)
ON CONFLICT (participant_id, request) DO NOTHING
RETURNING request;

-- kept: the answer that was given to this request, and the hash of its body
SELECT
    body_hash,
    status,
    headers,
    answer
FROM idempotency_keys
WHERE participant_id = $1 AND request = $2;

-- keep: nothing
UPDATE idempotency_keys
SET status = $3, headers = $4, answer = $5
WHERE participant_id = $1 AND request = $2;
