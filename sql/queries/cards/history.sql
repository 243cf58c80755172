-- history: a page of the entries about one card of one participant, silent ones too, newest first, before a seq
SELECT
    h.seq,
    h.kind,
    k.reach,
    k.severity,
    h.wording,
    d.data,
    h.merge_id,
    h.cause_id,
    h.occurred_at,
    h.hash,
    c.origin,
    c.actor,
    c.reason,
    k.reach = 'silent' OR h.seq <= coalesce(p.read_up_to, 0) AS read,
    a.seq IS NOT NULL AS acknowledged
FROM history AS h
INNER JOIN entry_kinds AS k ON h.kind = k.kind
INNER JOIN causes AS c ON h.participant_id = c.participant_id AND h.cause_id = c.cause_id
LEFT JOIN history_data AS d ON h.participant_id = d.participant_id AND h.seq = d.seq
LEFT JOIN inbox_pointers AS p ON h.participant_id = p.participant_id
LEFT JOIN acknowledgements AS a ON h.participant_id = a.participant_id AND h.seq = a.seq
WHERE h.participant_id = $1 AND h.card_id = $2 AND ($3::bigint IS NULL OR h.seq < $3)
ORDER BY h.seq DESC
LIMIT $4;
