-- page: a page of one participant's cases, newest first, before (instant, id); of one kind or of any, of one id or of any
SELECT
    c.case_id AS id,
    c.kind,
    c.merge_id,
    c.match_id,
    k.kpj,
    c.figures,
    r.field AS corrected_field,
    r.wanted_sealed,
    c.state,
    c.statement,
    c.opened_at,
    c.due_at,
    c.state = 'open' AND c.due_at <= current_instant() AS overdue,
    c.decision,
    c.reason,
    c.decided_at
FROM cases AS c
LEFT JOIN cards AS k ON c.participant_id = k.participant_id AND c.card_id = k.card_id
LEFT JOIN corrections AS r ON c.participant_id = r.participant_id AND c.case_id = r.case_id
WHERE
    c.participant_id = $1 AND ($2::timestamptz IS NULL OR (c.opened_at, c.case_id) < ($2, $3::uuid))
    AND ($5::text IS NULL OR c.kind = $5) AND ($6::uuid IS NULL OR c.case_id = $6)
ORDER BY c.opened_at DESC, c.case_id DESC
LIMIT $4;
