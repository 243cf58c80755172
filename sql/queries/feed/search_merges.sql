-- search: merges of all participants in one state, by the core's answer ($2, any when NULL), after an id
SELECT
    m.merge_id AS id,
    m.participant_id,
    p.nik_sealed,
    m.state,
    m.core,
    m.proposed_by,
    m.reason,
    m.plan_digest,
    m.proposed_at,
    m.confirmed_at,
    m.executes_at,
    m.executed_at,
    m.undo_until,
    m.closed_at,
    waits_for_core_since(m) AS waits_for_core_since,
    (
        SELECT jsonb_object_agg(c ->> 'kpj', c -> 'balance_before')
        FROM merge_plans AS n
        CROSS JOIN jsonb_array_elements(convert_from(n.canonical, 'UTF8')::jsonb -> 'cards') AS c
        WHERE n.participant_id = m.participant_id AND n.merge_id = m.merge_id AND n.plan_digest = m.plan_digest
    ) AS balances,
    array(
        SELECT k.kpj FROM cards AS k
        WHERE k.participant_id = m.participant_id AND k.card_id = any(m.absorb)
        ORDER BY k.kpj
    ) AS absorb,
    (
        SELECT k.kpj FROM cards AS k
        WHERE k.participant_id = m.participant_id AND k.card_id = m.into_card
    ) AS into
FROM merges AS m
INNER JOIN participants AS p ON m.participant_id = p.participant_id
WHERE
    m.state = $1
    AND ($2::text IS NULL OR m.core = $2)
    AND m.merge_id > $3
ORDER BY m.merge_id
LIMIT $4;
