-- choices: the newest choice of each purpose that one was made about
SELECT DISTINCT ON (purpose)
    purpose,
    choice,
    chosen_at,
    wording
FROM consent_choices
WHERE participant_id = $1
ORDER BY purpose, chosen_at DESC, cause_id DESC;

-- agreements: every plan that was agreed to with a proof, newest first, and what became of its merge
SELECT
    c.confirmation_id,
    c.action,
    c.merge_id,
    c.confirmed_at,
    m.state,
    m.undo_until,
    coalesce(m.confirmation_id = c.confirmation_id, FALSE) AS stands,
    e.executed_at
FROM confirmations AS c
INNER JOIN merges AS m ON c.participant_id = m.participant_id AND c.merge_id = m.merge_id
LEFT JOIN merge_executions AS e ON c.participant_id = e.participant_id AND c.confirmation_id = e.confirmation_id
WHERE c.participant_id = $1
ORDER BY c.confirmed_at DESC, c.confirmation_id DESC
LIMIT $2;
