-- lock_loads: whether this session is now the only one that loads
SELECT pg_try_advisory_lock(hashtext('sepakat bulk load'));

-- unlock_loads: nothing; another session may load
SELECT pg_advisory_unlock(hashtext('sepakat bulk load'));

-- now: what time it is for participants
SELECT current_instant();

-- begin_run: nothing; a run of this name that is there stays as it is
INSERT INTO bulk_runs (name, kind)
VALUES ($1, $2)
ON CONFLICT (name) DO NOTHING;

-- find_run: the run of this name
SELECT
    run_id,
    kind,
    state,
    lines,
    content_hash
FROM bulk_runs
WHERE name = $1;

-- empty_lines: nothing; COPY begins with an empty table
TRUNCATE bulk_lines;

-- take_lines: nothing; the rows in bulk_lines are staged with the cards of their numbers, or refused
WITH judged AS MATERIALIZED (
    SELECT
        l.*,
        n.participant_id,
        n.card_id,
        CASE
            WHEN n.kpj IS NULL THEN 'card_unknown'
            WHEN row_number() OVER (PARTITION BY l.event_id ORDER BY l.line) > 1 THEN 'event_known'
            WHEN EXISTS (SELECT FROM feed_events AS e WHERE e.event_id = l.event_id) THEN 'event_known'
            WHEN EXISTS (SELECT FROM bulk_rows AS b WHERE b.event_id = l.event_id) THEN 'event_known'
        END AS code
    FROM bulk_lines AS l
    LEFT JOIN card_numbers AS n ON l.kpj = n.kpj
),

staged AS (
    INSERT INTO bulk_rows
    (participant_id, run_id, line, card_id, event_id, amount, effective_on, year, month, employer_id)
    SELECT
        participant_id,
        $1 AS run_id,
        line,
        card_id,
        event_id,
        amount,
        effective_on,
        year,
        month,
        employer_id
    FROM judged
    WHERE code IS NULL
    ORDER BY participant_id, line
),

refused AS (
    INSERT INTO bulk_refusals (run_id, line, code, amount, effective_on, content)
    SELECT
        $1 AS run_id,
        line,
        code,
        amount,
        effective_on,
        bulk_row_as_json(event_id, kpj, amount, effective_on, year, month, employer_id) AS content
    FROM judged
    WHERE code IS NOT NULL
)

UPDATE bulk_runs AS r
SET
    rows = r.rows + t.rows,
    amount = r.amount + t.amount,
    refused = r.refused + t.refused,
    refused_amount = r.refused_amount + t.refused_amount
FROM (
    SELECT
        count(*) AS rows,
        coalesce(sum(amount), 0) AS amount,
        count(code) AS refused,
        coalesce(sum(amount) FILTER (WHERE code IS NOT NULL), 0) AS refused_amount
    FROM judged
) AS t
WHERE r.run_id = $1;

-- refuse_lines: nothing; lines that are no rows
WITH refused AS (
    INSERT INTO bulk_refusals (run_id, line, code, detail, amount, effective_on, content)
    SELECT
        $1 AS run_id,
        line,
        code,
        detail,
        amount,
        effective_on,
        content
    FROM jsonb_to_recordset($2::text::jsonb) AS l (
        line bigint, code text, detail text, amount bigint, effective_on date, content text
    )
    RETURNING amount
)

UPDATE bulk_runs AS r
SET
    rows = r.rows + t.rows,
    amount = r.amount + t.amount,
    refused = r.refused + t.rows,
    refused_amount = r.refused_amount + t.amount
FROM (
    SELECT
        count(*) AS rows,
        coalesce(sum(amount), 0) AS amount
    FROM refused
) AS t
WHERE r.run_id = $1;

-- advance: nothing; so many lines of the file are in, with this hash
UPDATE bulk_runs
SET lines = $2, content_hash = $3
WHERE run_id = $1 AND state = 'loading';

-- wait_for_events: nothing; events under way when the rows were staged have ended, and later ones see the rows
LOCK TABLE feed_events IN SHARE MODE;

-- next_participants: the last of the next participants of a run; nothing when there are no more
SELECT t.participant_id
FROM (
    SELECT participant_id
    FROM bulk_rows
    WHERE run_id = $1 AND participant_id > $2
    ORDER BY participant_id
    LIMIT $3
) AS t
ORDER BY t.participant_id DESC
LIMIT 1;

-- check_rows: how many of the rows after one participant up to another cannot be posted, and moved to the refusals
SELECT refuse_bulk_rows($1, $2, $3);

-- finish: nothing; the run may be posted
UPDATE bulk_runs
SET state = 'staged', loaded_at = now()
WHERE run_id = $1 AND state = 'loading';
