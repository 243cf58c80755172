-- history: a page of the entries about one card of one participant, silent ones too, newest first, before a seq
WITH mine AS MATERIALIZED (
    SELECT x.* FROM explanations AS x
    WHERE x.participant_id = $1
)

SELECT
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
    array(
        SELECT x.announcement_id FROM mine AS x
        WHERE
            explains(
                x.kinds, x.from_day, x.until_day, x.event_ids, x.merge_ids,
                e.kind, e.occurred_at, e.event_id, e.merge_id
            )
        ORDER BY x.seq
    ) AS explained_by
FROM shown_entries AS e
WHERE e.participant_id = $1 AND e.card_id = $2 AND ($3::bigint IS NULL OR e.seq < $3)
ORDER BY e.seq DESC
LIMIT $4;
