-- matches: possible matches of one participant, newest first: the one with an id, or a page before (instant, id)
SELECT
    m.match_id AS id,
    m.employer_id,
    e.name AS employer_name,
    m.from_year,
    m.to_year,
    m.state,
    m.found_at,
    m.case_id,
    c.due_at
FROM possible_matches AS m
LEFT JOIN employers AS e ON m.employer_id = e.employer_id
LEFT JOIN cases AS c ON m.participant_id = c.participant_id AND m.case_id = c.case_id
WHERE
    m.participant_id = $1
    AND ($2::uuid IS NULL OR m.match_id = $2)
    AND ($3::timestamptz IS NULL OR (m.found_at, m.match_id) < ($3, $4::uuid))
ORDER BY m.found_at DESC, m.match_id DESC
LIMIT $5;
