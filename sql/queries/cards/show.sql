-- show: one card of one participant by its id or its number, with what explains its state
SELECT
    k.card_id,
    k.kpj,
    k.status,
    k.segment,
    k.employer_id,
    e.name AS employer_name,
    k.programmes,
    k.balance,
    k.opened_on,
    k.closed_on,
    k.last_contribution_month,
    k.last_contribution_amount,
    k.merged_into AS living_card_id,
    living.kpj AS living_kpj,
    k.merge_id,
    k.merged_at,
    k.merged_via,
    k.locked_at IS NOT NULL AS locked,
    m.state AS merge_state,
    m.core AS merge_core,
    m.confirmation_id IS NOT NULL AS confirmed,
    m.undo_until,
    (
        SELECT d.merge_id FROM merges AS d
        WHERE d.participant_id = k.participant_id AND d.state = 'disputed' AND k.card_id = any(d.absorb || d.into_card)
        ORDER BY d.proposed_at, d.merge_id
        LIMIT 1
    ) AS disputed_merge_id,
    latest.origin AS latest_origin,
    latest.occurred_at AS latest_at,
    current_instant() AS now
FROM cards AS k
LEFT JOIN cards AS living ON k.participant_id = living.participant_id AND k.merged_into = living.card_id
LEFT JOIN employers AS e ON k.employer_id = e.employer_id
LEFT JOIN merges AS m ON k.participant_id = m.participant_id AND k.merge_id = m.merge_id
LEFT JOIN LATERAL (
    SELECT
        c.origin,
        h.occurred_at
    FROM history AS h
    INNER JOIN causes AS c ON h.participant_id = c.participant_id AND h.cause_id = c.cause_id
    INNER JOIN history_data AS d ON h.participant_id = d.participant_id AND h.seq = d.seq
    WHERE
        h.participant_id = k.participant_id AND h.card_id = k.card_id
        AND d.data::jsonb ->> 'status_before' IS DISTINCT FROM d.data::jsonb ->> 'status_after'
    ORDER BY h.seq DESC
    LIMIT 1
) AS latest ON true
WHERE k.participant_id = $1 AND (k.card_id = $2 OR k.kpj = $3);
