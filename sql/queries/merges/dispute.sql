-- dispute: nothing; raises merge_is_reported
SELECT dispute_merge($1, $2, $3, $4, $5);

-- open_case: the case that is open about a merge
SELECT case_id
FROM cases
WHERE participant_id = $1 AND merge_id = $2 AND state = 'open';
