-- find: whose a merge is, and its cards
SELECT
    m.participant_id,
    p.nik_sealed,
    lane_of(m.participant_id) AS lane,
    array(
        SELECT k.kpj FROM cards AS k
        WHERE k.participant_id = m.participant_id AND k.card_id = any(m.absorb || m.into_card)
        ORDER BY k.kpj
    ) AS kpjs
FROM merge_owners AS o
INNER JOIN merges AS m ON o.participant_id = m.participant_id AND o.merge_id = m.merge_id
INNER JOIN participants AS p ON o.participant_id = p.participant_id
WHERE o.merge_id = $1;

-- acknowledge: nothing
SELECT acknowledge_merge($1, $2, $3);

-- send_back: nothing; the plan must be kept already
SELECT send_refused_merge_back($1, $2, $3, $4, $5);

-- open_case: nothing
SELECT open_refusal_case($1, $2, $3, $4, $5);
