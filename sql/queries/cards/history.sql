-- history: a page of the entries about one card of one participant, silent ones too, newest first, before a seq
SELECT
    seq,
    kind,
    reach,
    severity,
    wording,
    data,
    merge_id,
    cause_id,
    occurred_at,
    hash,
    origin,
    actor,
    reason,
    read,
    acknowledged,
    explained_by
FROM shown_entries
WHERE participant_id = $1 AND card_id = $2 AND ($3::bigint IS NULL OR seq < $3)
ORDER BY seq DESC
LIMIT $4;
