-- tell: participants who were told just now that a case of theirs is late, at most so many cases; none when none is left
SELECT
    participant_id,
    lane
FROM tell_overdue_cases($1);

-- count: how many cases are open, how many of those are past their time, and by how many seconds the latest of them
SELECT
    count(*) AS open,
    count(*) FILTER (WHERE due_at <= current_instant()) AS overdue,
    greatest(extract(EPOCH FROM current_instant() - min(due_at))::bigint, 0) AS latest_s
FROM cases
WHERE state = 'open';
