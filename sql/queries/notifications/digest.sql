-- rest: nothing; the rows $2 of a lane, a JSON array, rest until the quiet hours of their people are over
SELECT rest_until_morning($1, $2);

-- due: what has rested long enough, of the people of the first $2 rows of a lane, all that each of them has bound into one
-- digest for good; columns as `read` of lane.sql has them
WITH clock AS MATERIALIZED (
    SELECT current_instant() AS instant
), page AS MATERIALIZED (
    SELECT
        o.participant_id,
        o.digest
    FROM outbox AS o
    WHERE
        o.lane = $1 AND o.class = 2 AND o.rests_until <= (SELECT clock.instant FROM clock)
        AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
    ORDER BY o.rests_until, o.participant_id
    LIMIT $2
), loose AS MATERIALIZED (
    SELECT
        p.participant_id,
        rested.seq,
        rested.digest
    FROM (SELECT DISTINCT page.participant_id FROM page WHERE page.digest IS NULL) AS p
    CROSS JOIN LATERAL (
        SELECT
            o.seq,
            first_value(o.cause_id) OVER (ORDER BY o.seq) AS digest
        FROM outbox AS o
        WHERE
            o.lane = $1 AND o.class = 2 AND o.participant_id = p.participant_id AND o.digest IS NULL
            AND o.rests_until <= (SELECT clock.instant FROM clock)
    ) AS rested
), bound AS (
    UPDATE outbox AS o
    SET digest = l.digest
    FROM loose AS l
    WHERE o.lane = $1 AND o.class = 2 AND o.participant_id = l.participant_id AND o.seq = l.seq
    RETURNING o.participant_id, o.seq, o.cause_id, o.digest
), batch AS (
    SELECT
        n.participant_id,
        n.seq,
        n.cause_id,
        n.digest
    FROM bound AS n
    UNION ALL
    SELECT
        p.participant_id,
        rested.seq,
        rested.cause_id,
        p.digest
    FROM (SELECT DISTINCT page.participant_id, page.digest FROM page WHERE page.digest IS NOT NULL) AS p
    CROSS JOIN LATERAL (
        SELECT
            o.seq,
            o.cause_id
        FROM outbox AS o
        WHERE o.lane = $1 AND o.class = 2 AND o.participant_id = p.participant_id AND o.digest = p.digest
        ORDER BY o.seq
    ) AS rested
)

SELECT
    b.participant_id,
    b.seq,
    b.cause_id,
    b.digest,
    k.reach,
    k.class AS entry_class,
    t.device_id,
    t.kind AS target_kind,
    t.value AS target_value,
    t.platform,
    t.locale,
    t.set_at,
    s.state AS delivered,
    s.up_to_seq AS delivered_up_to,
    s.attempts,
    FALSE AS held_back,
    choice.hushed,
    choice.rests
FROM batch AS b
INNER JOIN history AS e ON b.participant_id = e.participant_id AND b.seq = e.seq
INNER JOIN entry_kinds AS k ON e.kind = k.kind
CROSS JOIN clock
CROSS JOIN LATERAL choice_about(b.participant_id, b.seq, k.class, k.mandatory, clock.instant) AS choice
LEFT JOIN (
    push_targets AS t
    INNER JOIN
        devices AS d
    ON t.participant_id = d.participant_id AND t.device_id = d.device_id AND d.removed_at IS NULL
) ON b.participant_id = t.participant_id AND t.cleared_at IS NULL
LEFT JOIN deliveries AS s
    ON b.participant_id = s.participant_id AND b.cause_id = s.cause_id AND t.device_id = s.device_id
ORDER BY b.participant_id, b.seq, t.device_id;
