-- merges: merges of one participant with their plans, newest first: the one with an id, or a page before (instant, id)
SELECT
    m.merge_id,
    m.state,
    m.core,
    m.proposed_by,
    m.reason,
    m.absorb,
    m.into_card,
    m.plan_digest,
    m.plan_expires_at,
    m.proposed_at,
    m.expires_at,
    m.confirmation_id,
    m.confirmed_at,
    m.executes_at,
    m.executed_at,
    m.undo_until,
    m.last_refusal,
    m.closed_because,
    m.reported,
    CASE WHEN m.state = 'cancelled' THEN nullif(c.merge_id, m.merge_id) END AS superseded_by,
    p.canonical,
    (
        SELECT array_agg(k.kpj ORDER BY k.kpj) FROM cards AS k
        WHERE k.participant_id = m.participant_id AND k.card_id = any(m.absorb)
    ) AS absorb_kpj,
    (
        SELECT k.kpj FROM cards AS k
        WHERE k.participant_id = m.participant_id AND k.card_id = m.into_card
    ) AS into_kpj,
    explained_by(
        m.participant_id, CASE m.proposed_by WHEN 'core' THEN 'merge_reported' ELSE 'merge_proposed' END,
        m.proposed_at, c.event_id, m.merge_id
    ) AS explained_by
FROM merges AS m
INNER JOIN causes AS c ON m.participant_id = c.participant_id AND m.cause_id = c.cause_id
LEFT JOIN merge_plans AS p
    ON m.participant_id = p.participant_id AND m.merge_id = p.merge_id AND m.plan_digest = p.plan_digest
WHERE
    m.participant_id = $1
    AND ($2::uuid IS NULL OR m.merge_id = $2)
    AND ($3::timestamptz IS NULL OR (m.proposed_at, m.merge_id) < ($3, $4::uuid))
ORDER BY m.proposed_at DESC, m.merge_id DESC
LIMIT $5;
