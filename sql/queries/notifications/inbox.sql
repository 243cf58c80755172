-- after: the head and what is unread, on each row; with it the entries after $2 in order, or one row without an entry
SELECT
    h.seq AS head_seq,
    h.hash AS head_hash,
    unread.unread,
    e.seq,
    e.kind,
    e.reach,
    e.severity,
    e.wording,
    e.data,
    e.merge_id,
    e.cause_id,
    e.occurred_at,
    e.hash,
    e.origin,
    e.actor,
    e.reason,
    e.acknowledged,
    coalesce(e.seq <= p.read_up_to, false) AS read
FROM participant_heads AS h
LEFT JOIN inbox_pointers AS p ON h.participant_id = p.participant_id
CROSS JOIN LATERAL (
    SELECT count(*) AS unread
    FROM history AS u
    INNER JOIN entry_kinds AS uk ON u.kind = uk.kind
    WHERE u.participant_id = $1 AND u.seq > coalesce(p.read_up_to, 0) AND uk.reach <> 'silent'
) AS unread
LEFT JOIN LATERAL (
    SELECT
        t.seq,
        t.kind,
        k.reach,
        k.severity,
        t.wording,
        d.data,
        t.merge_id,
        t.cause_id,
        t.occurred_at,
        t.hash,
        c.origin,
        c.actor,
        c.reason,
        EXISTS(
            SELECT FROM acknowledgements AS a
            WHERE a.participant_id = $1 AND a.seq = t.seq
        ) AS acknowledged
    FROM history AS t
    INNER JOIN entry_kinds AS k ON t.kind = k.kind
    INNER JOIN causes AS c ON t.participant_id = c.participant_id AND t.cause_id = c.cause_id
    LEFT JOIN history_data AS d ON t.participant_id = d.participant_id AND t.seq = d.seq
    WHERE t.participant_id = $1 AND t.seq > $2 AND k.reach <> 'silent'
    ORDER BY t.seq
    LIMIT $3
) AS e ON true
WHERE h.participant_id = $1
ORDER BY e.seq;

-- before: the same, with the entries before $2 (all when it is NULL), newest first
SELECT
    h.seq AS head_seq,
    h.hash AS head_hash,
    unread.unread,
    e.seq,
    e.kind,
    e.reach,
    e.severity,
    e.wording,
    e.data,
    e.merge_id,
    e.cause_id,
    e.occurred_at,
    e.hash,
    e.origin,
    e.actor,
    e.reason,
    e.acknowledged,
    coalesce(e.seq <= p.read_up_to, false) AS read
FROM participant_heads AS h
LEFT JOIN inbox_pointers AS p ON h.participant_id = p.participant_id
CROSS JOIN LATERAL (
    SELECT count(*) AS unread
    FROM history AS u
    INNER JOIN entry_kinds AS uk ON u.kind = uk.kind
    WHERE u.participant_id = $1 AND u.seq > coalesce(p.read_up_to, 0) AND uk.reach <> 'silent'
) AS unread
LEFT JOIN LATERAL (
    SELECT
        t.seq,
        t.kind,
        k.reach,
        k.severity,
        t.wording,
        d.data,
        t.merge_id,
        t.cause_id,
        t.occurred_at,
        t.hash,
        c.origin,
        c.actor,
        c.reason,
        EXISTS(
            SELECT FROM acknowledgements AS a
            WHERE a.participant_id = $1 AND a.seq = t.seq
        ) AS acknowledged
    FROM history AS t
    INNER JOIN entry_kinds AS k ON t.kind = k.kind
    INNER JOIN causes AS c ON t.participant_id = c.participant_id AND t.cause_id = c.cause_id
    LEFT JOIN history_data AS d ON t.participant_id = d.participant_id AND t.seq = d.seq
    WHERE t.participant_id = $1 AND t.seq < coalesce($2, 9223372036854775807) AND k.reach <> 'silent'
    ORDER BY t.seq DESC
    LIMIT $3
) AS e ON true
WHERE h.participant_id = $1
ORDER BY e.seq DESC;
