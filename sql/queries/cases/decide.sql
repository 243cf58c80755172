-- find: whose a case is, what it is about and whether it is open
SELECT
    c.participant_id,
    p.nik_sealed,
    lane_of(c.participant_id) AS lane,
    c.kind,
    c.merge_id,
    c.state,
    array(
        SELECT k.kpj
        FROM merges AS m
        INNER JOIN cards AS k ON m.participant_id = k.participant_id AND k.card_id = any(m.absorb || m.into_card)
        WHERE m.participant_id = c.participant_id AND m.merge_id = c.merge_id
        UNION ALL
        SELECT k.kpj FROM cards AS k
        WHERE k.participant_id = c.participant_id AND k.card_id = c.card_id
        ORDER BY kpj
    ) AS kpjs
FROM case_owners AS o
INNER JOIN cases AS c ON o.participant_id = c.participant_id AND o.case_id = c.case_id
INNER JOIN participants AS p ON o.participant_id = p.participant_id
WHERE o.case_id = $1;

-- decide: nothing; raises case_is_open, case_is_restored_by_four_eyes or four_eyes_are_two_people
SELECT decide_case($1, $2, $3, $4, $5, $6, $7);

-- decide_refusal: nothing; raises case_is_open, merge_can_be_reversed, case_is_restored_by_four_eyes or four_eyes_are_two_people
SELECT decide_refusal($1, $2, $3, $4, $5, $6, $7);

-- decide_balance: nothing; raises case_is_open, comparison_agrees, case_is_restored_by_four_eyes or four_eyes_are_two_people
SELECT decide_balance($1, $2, $3, $4, $5, $6, $7);

-- decide_correction: nothing; raises case_is_open, case_is_restored_by_four_eyes or four_eyes_are_two_people
SELECT decide_correction($1, $2, $3, $4, $5, $6, $7);

-- decide_unreached: nothing; raises case_is_open, case_is_restored_by_four_eyes or four_eyes_are_two_people
SELECT decide_unreached($1, $2, $3, $4, $5, $6, $7);

-- decide_heir: nothing; raises as decide, and heir_is_recognised_by_papers
SELECT decide_heir_case($1, $2, $3, $4, $5, $6, $7, $8);

-- search: cases of all participants for the agency's staff, late ones first, then those due first; of one state or of any
SELECT
    c.case_id AS id,
    c.kind,
    c.merge_id,
    c.state,
    c.statement,
    c.figures,
    about.kpj,
    c.opened_at,
    c.due_at,
    c.decision,
    c.decided_at,
    CASE
        WHEN coalesce(c.decided_at, current_instant()) > c.due_at
            THEN extract(EPOCH FROM coalesce(c.decided_at, current_instant()) - c.due_at)::bigint
    END AS overdue_s,
    c.participant_id,
    p.nik_sealed,
    m.other_participant_id,
    registered.nik_sealed AS registered_nik_sealed,
    h.phone_sealed AS heir_phone_sealed,
    r.field AS corrected_field,
    r.wanted_sealed,
    CASE WHEN m.match_id IS NOT NULL THEN
        jsonb_build_object(
            'kpj', k.kpj,
            'rule', m.rule,
            'rules_version', m.rules_version,
            'document_ids', array(
                SELECT d.document_id
                FROM documents AS d
                WHERE
                    d.participant_id = c.participant_id AND d.about = 'match'
                    AND d.subject_id = c.match_id AND d.stored_at IS NOT NULL
                ORDER BY d.stored_at, d.document_id
            )
        )
    END AS match,
    CASE WHEN h.case_id IS NOT NULL THEN
        jsonb_build_object(
            'name', h.name,
            'relation', h.relation,
            'branch', b.branch,
            'papers', coalesce(h.papers, '[]')
        )
    END AS heir
FROM cases AS c
INNER JOIN participants AS p ON c.participant_id = p.participant_id
LEFT JOIN cards AS about ON c.participant_id = about.participant_id AND c.card_id = about.card_id
LEFT JOIN possible_matches AS m ON c.participant_id = m.participant_id AND c.match_id = m.match_id
LEFT JOIN cards AS k ON m.other_participant_id = k.participant_id AND m.other_card_id = k.card_id
LEFT JOIN participants AS registered ON m.other_participant_id = registered.participant_id
LEFT JOIN heir_claims AS h ON c.participant_id = h.participant_id AND c.case_id = h.case_id
LEFT JOIN branch_codes AS b ON h.participant_id = b.participant_id AND h.code_id = b.code_id
LEFT JOIN corrections AS r ON c.participant_id = r.participant_id AND c.case_id = r.case_id
WHERE $1::text IS NULL OR c.state = $1
ORDER BY (c.state = 'open' AND c.due_at <= current_instant()) DESC, c.due_at, c.case_id
LIMIT $2;
