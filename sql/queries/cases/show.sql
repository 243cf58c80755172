-- page: a page of one participant's cases, newest first, before (instant, id)
SELECT
    case_id AS id,
    kind,
    merge_id,
    match_id,
    state,
    statement,
    opened_at,
    due_at,
    state = 'open' AND due_at <= current_instant() AS overdue,
    decision,
    reason,
    decided_at
FROM cases
WHERE participant_id = $1 AND ($2::timestamptz IS NULL OR (opened_at, case_id) < ($2, $3::uuid))
ORDER BY opened_at DESC, case_id DESC
LIMIT $4;
