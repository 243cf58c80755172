-- show_runs: every run, or the one of a name, newest first
SELECT
    run_id,
    name,
    kind,
    state,
    rows,
    amount::text AS amount,
    posted,
    posted_amount::text AS posted_amount,
    refused,
    refused_amount::text AS refused_amount,
    rows_per_s AS pace,
    loaded_at,
    resumed_at,
    ended_at,
    CASE
        WHEN state = 'running'
            THEN (posted + refused - resumed_from) / greatest(extract(EPOCH FROM now() - resumed_at), 0.001)
    END::float8 AS rate
FROM bulk_runs
WHERE name = coalesce($1, name)
ORDER BY run_id DESC
LIMIT 100;

-- resume: the state it had; posting begins, or goes on
UPDATE bulk_runs AS r
SET state = 'running', rows_per_s = $2, not_before = NULL, resumed_at = now(), resumed_from = r.posted + r.refused
FROM (SELECT run_id, state FROM bulk_runs WHERE name = $1 FOR UPDATE) AS before
WHERE r.run_id = before.run_id AND before.state IN ('staged', 'paused', 'running')
RETURNING r.run_id;

-- pause: the run; its chunk under way has ended
UPDATE bulk_runs
SET state = 'paused'
WHERE name = $1 AND state = 'running'
RETURNING run_id;

-- running: the runs to be posted, the oldest first
SELECT run_id
FROM bulk_runs
WHERE state = 'running'
ORDER BY run_id;

-- settle_chunk: how many rows were settled, how many seconds to wait, and the state of the run: none while another session has it
SELECT
    settled,
    rest_s,
    state
FROM settle_bulk_chunk($1, $2);
