-- overview: the head, and with it every card of one participant, newest first; one row without a card for somebody without any
SELECT
    h.seq AS head_seq,
    encode(h.hash, 'hex') AS head_hash,
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
    k.locked_at IS NOT NULL AS locked
FROM participant_heads AS h
LEFT JOIN cards AS k ON h.participant_id = k.participant_id
LEFT JOIN cards AS living ON k.participant_id = living.participant_id AND k.merged_into = living.card_id
LEFT JOIN employers AS e ON k.employer_id = e.employer_id
WHERE h.participant_id = $1
ORDER BY k.opened_on DESC, k.kpj;
