-- cards: every card of one participant as the rules look at it, oldest first
SELECT
    k.card_id,
    k.kpj,
    k.status,
    k.lifecycle,
    k.balance,
    k.opened_on,
    k.closed_on,
    k.programmes,
    e.name AS employer,
    k.locked_at IS NOT NULL AS locked,
    k.frozen_at IS NOT NULL AS frozen,
    k.claim_id,
    o.merge_id AS open_merge_id,
    (
        SELECT count(*)::integer FROM claims AS c
        WHERE
            c.participant_id = k.participant_id AND c.card_id = k.card_id
            AND c.kind IN ('ten_percent', 'thirty_percent') AND c.state = 'paid'
    ) AS partial_claims,
    p.deceased_on IS NOT NULL AS deceased,
    EXISTS(
        SELECT FROM cases AS c
        WHERE c.participant_id = k.participant_id AND c.state = 'open' AND c.kind = 'balance'
    ) AS balance_disputed,
    EXISTS(
        SELECT FROM cases AS c
        WHERE c.participant_id = k.participant_id AND c.state = 'open' AND c.kind = 'core_refusal'
    ) AS core_refusal_open
FROM cards AS k
INNER JOIN participants AS p ON k.participant_id = p.participant_id
LEFT JOIN employers AS e ON k.employer_id = e.employer_id
LEFT JOIN open_merge_cards AS o ON k.participant_id = o.participant_id AND k.card_id = o.card_id
WHERE k.participant_id = $1
ORDER BY k.opened_on, k.kpj;

-- lock: the seq and lane of a participant whose head is now locked
SELECT
    seq,
    lane
FROM lock_participant($1);
