-- find_cards: of a living participant all cards, the one to continue first: open ones, those of this employer, the newest;
-- one row without a card for whoever has none; no row for somebody who is not known
SELECT
    p.participant_id,
    lane_of(p.participant_id) AS lane,
    p.deceased_on IS NOT NULL AS deceased,
    k.card_id,
    k.kpj,
    k.status,
    k.segment,
    k.employer_id,
    k.opened_on,
    k.last_contribution_month,
    k.status IN ('pending', 'active', 'arrears', 'inactive') AS continuable
FROM participant_numbers AS n
INNER JOIN participants AS p ON n.participant_id = p.participant_id
LEFT JOIN cards AS k ON p.participant_id = k.participant_id AND k.transferred_at IS NULL
WHERE n.nik_hash = $1
ORDER BY
    k.status IN ('pending', 'active', 'arrears', 'inactive') DESC,
    coalesce(k.employer_id = $2, FALSE) DESC,
    array_position(ARRAY['active', 'arrears', 'pending', 'inactive'], k.status),
    k.last_contribution_month DESC NULLS LAST,
    k.opened_on DESC,
    k.kpj DESC;

-- was_told: whether the participant was told of this employer's question so short a time ago
SELECT exists(
    SELECT
    FROM history AS h
    INNER JOIN history_data AS d ON h.participant_id = d.participant_id AND h.seq = d.seq
    WHERE
        h.participant_id = $1 AND h.kind = 'registration_checked' AND h.occurred_at > current_instant() - $3::interval
        AND d.data::jsonb ->> 'employer_id' = $2
);

-- note: nothing
SELECT add_note($1, $2, 'registration_checked', $3);
