-- tell: participants who were told just now that the core has not answered for so long ($1), of at most so many merges ($2); none
-- when none is left
SELECT
    participant_id,
    lane
FROM tell_unanswered_merges($1, $2);

-- count: how many merges wait for the core's answer in each state, how many of those for longer than $1, and since when
SELECT
    m.state,
    count(*) AS waiting,
    count(*) FILTER (WHERE waits_for_core_since(m) <= current_instant() - $1::interval) AS unanswered,
    min(waits_for_core_since(m)) AS since
FROM merges AS m
WHERE m.core = 'pending'
GROUP BY m.state
ORDER BY m.state;
