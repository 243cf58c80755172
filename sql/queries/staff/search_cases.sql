-- search: cases by when they are due, of one state ($1) and kind ($2) or of any, after (due_at, id), naming nobody
SELECT
    id,
    kind,
    state,
    opened_at,
    due_at,
    decision,
    decided_at,
    proposal
FROM cases_for_staff($1, $2, $3, $4, $5);
