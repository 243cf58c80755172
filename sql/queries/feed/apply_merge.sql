-- read_pair: two cards of a participant, and in what merge each stands; its living card may have been merged by the core since
SELECT
    k.card_id,
    k.kpj,
    k.merge_mark,
    coalesce(o.merged_into, k.merged_into) AS merged_into,
    o.kpj AS merged_into_kpj
FROM cards AS k
LEFT JOIN cards AS o ON k.participant_id = o.participant_id AND k.merged_into = o.card_id
WHERE k.participant_id = $1 AND k.card_id = any($2::uuid[]);

-- find_ours: the executed or accepted merge that put this card into that one, and what the core has answered to it
SELECT
    merge_id,
    core
FROM merges
WHERE participant_id = $1 AND state IN ('executed', 'accepted') AND $2::uuid = any(absorb) AND into_card = $3;

-- cancel_open: the open merges that held one of these cards
UPDATE merges
SET state = 'cancelled', cause_id = $3, closed_at = current_instant()
WHERE
    participant_id = $1 AND state IN ('proposed', 'confirmed')
    AND (absorb || into_card) && $2::uuid[]
RETURNING merge_id;

-- report_merge: nothing
SELECT report_merge($1, $2, $3, $4, $5, $6, $7);
