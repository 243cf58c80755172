-- today: the day in Jakarta
SELECT jakarta_day(current_instant());

-- begin: the id of an export that is now on record
INSERT INTO data_exports (what, as_of, purpose)
VALUES ($1, $2, $3)
RETURNING export_id;

-- end: nothing
UPDATE data_exports
SET ended_at = current_instant(), rows = $2, sha256 = $3
WHERE export_id = $1;

-- cards: every card as it stands
SELECT
    k.participant_id,
    k.kpj,
    k.status,
    k.segment,
    k.employer_id,
    array_to_string(k.programmes, '|') AS programmes,
    k.opened_on,
    k.closed_on,
    k.balance,
    living.kpj AS merged_into
FROM cards AS k
LEFT JOIN cards AS living ON k.participant_id = living.participant_id AND k.merged_into = living.card_id
ORDER BY k.participant_id, k.kpj;

-- participants: everybody
SELECT participant_id
FROM participants
ORDER BY participant_id;

-- merges: every merge, by the numbers of its cards
SELECT
    m.participant_id,
    m.merge_id,
    m.state,
    m.core,
    m.proposed_by,
    (
        SELECT string_agg(k.kpj, '|' ORDER BY k.kpj)
        FROM cards AS k
        WHERE k.participant_id = m.participant_id AND k.card_id = any(m.absorb)
    ) AS absorb,
    survivor.kpj AS into,
    m.proposed_at,
    m.confirmed_at,
    m.executed_at,
    m.closed_at,
    m.closed_because
FROM merges AS m
INNER JOIN cards AS survivor ON m.participant_id = survivor.participant_id AND m.into_card = survivor.card_id
ORDER BY m.participant_id, m.merge_id;

-- cases: every case, without what was said in it
SELECT
    c.participant_id,
    c.case_id,
    c.kind,
    c.state,
    c.opened_at,
    c.due_at,
    c.decided_at,
    c.decision,
    c.merge_id,
    k.kpj
FROM cases AS c
LEFT JOIN cards AS k ON c.participant_id = k.participant_id AND c.card_id = k.card_id
ORDER BY c.participant_id, c.case_id;
