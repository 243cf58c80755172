-- after: the head, what is unread and how far is read, on each row; with it the entries after $2 in order, or one row without an entry
WITH mine AS MATERIALIZED (
    SELECT x.* FROM explanations AS x
    WHERE x.participant_id = $1
)

SELECT
    h.seq AS head_seq,
    h.hash AS head_hash,
    unread.unread,
    coalesce(p.read_up_to, 0) AS read_up_to,
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
    e.read,
    e.acknowledged,
    e.explained_by
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
        s.*,
        array(
            SELECT x.announcement_id FROM mine AS x
            WHERE
                explains(
                    x.kinds, x.from_day, x.until_day, x.event_ids, x.merge_ids,
                    s.kind, s.occurred_at, s.event_id, s.merge_id
                )
            ORDER BY x.seq
        ) AS explained_by
    FROM shown_entries AS s
    WHERE s.participant_id = $1 AND s.seq > $2 AND s.reach <> 'silent'
    ORDER BY s.seq
    LIMIT $3
) AS e ON true
WHERE h.participant_id = $1
ORDER BY e.seq;

-- before: the same, with the entries before $2 (all when it is NULL), newest first
WITH mine AS MATERIALIZED (
    SELECT x.* FROM explanations AS x
    WHERE x.participant_id = $1
)

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
    e.read,
    e.acknowledged,
    e.explained_by
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
        s.*,
        array(
            SELECT x.announcement_id FROM mine AS x
            WHERE
                explains(
                    x.kinds, x.from_day, x.until_day, x.event_ids, x.merge_ids,
                    s.kind, s.occurred_at, s.event_id, s.merge_id
                )
            ORDER BY x.seq
        ) AS explained_by
    FROM shown_entries AS s
    WHERE s.participant_id = $1 AND s.seq < coalesce($2, 9223372036854775807) AND s.reach <> 'silent'
    ORDER BY s.seq DESC
    LIMIT $3
) AS e ON true
WHERE h.participant_id = $1
ORDER BY e.seq DESC;
