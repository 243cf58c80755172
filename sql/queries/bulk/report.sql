-- count_rows: staged rows and what the ledger has of them, by the day they count from; of some participants of a run
SELECT
    b.effective_on AS day,
    count(*) AS staged,
    sum(b.amount)::text AS staged_amount,
    count(l.amount) AS posted,
    coalesce(sum(l.amount), 0)::text AS posted_amount,
    coalesce(sum(b.amount) FILTER (WHERE l.amount IS NULL), 0)::text AS waiting_amount
FROM bulk_rows AS b
CROSS JOIN
    LATERAL (
        SELECT sum(e.amount) AS amount
        FROM ledger_entries AS e
        WHERE e.participant_id = b.participant_id AND e.source_event = b.event_id
    ) AS l
WHERE b.run_id = $1 AND b.participant_id > $2 AND b.participant_id <= $3
GROUP BY b.effective_on;

-- count_refusals: refused rows by day and code; lines without a day have none
SELECT
    effective_on AS day,
    code,
    count(*) AS refused,
    sum(amount)::text AS refused_amount
FROM bulk_refusals
WHERE run_id = $1
GROUP BY effective_on, code;

-- list_refusals: refused rows in the order of their lines, after one line
SELECT
    line,
    code,
    detail,
    amount,
    content
FROM bulk_refusals
WHERE run_id = $1 AND line > $2
ORDER BY line
LIMIT $3;
