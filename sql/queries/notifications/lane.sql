-- take: whether the lane is $2's now, its fence, how often it was rung, and whether something urgent and digests are due in it.
-- A lane that is another's is rung instead; no row when $4 asks for what is urgent only, and nothing is.
UPDATE lanes AS l
SET
    owner = CASE WHEN l.owner IS NULL OR l.lease_until <= clock.instant THEN $2 ELSE l.owner END,
    fence = CASE WHEN l.owner IS NULL OR l.lease_until <= clock.instant THEN l.fence + 1 ELSE l.fence END,
    rung = CASE WHEN l.owner IS NULL OR l.lease_until <= clock.instant THEN l.rung ELSE l.rung + 1 END,
    lease_until = CASE
        WHEN l.owner IS NULL OR l.lease_until <= clock.instant THEN clock.instant + $3::interval ELSE l.lease_until
    END
-- One instant for all four: the lane is free for all of them or for none.
FROM (SELECT clock_timestamp() AS instant) AS clock
WHERE
    l.lane = $1
    AND (
        NOT $4::boolean OR EXISTS (
            SELECT FROM outbox AS o
            WHERE o.lane = $1 AND o.class = 0 AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
        )
    )
RETURNING
    l.owner = $2 AS taken,
    l.fence,
    l.rung,
    EXISTS (
        SELECT FROM outbox AS o
        WHERE o.lane = $1 AND o.class = 0 AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
    ) AS urgent,
    EXISTS (
        SELECT FROM outbox AS o
        WHERE
            o.lane = $1 AND o.class = 2 AND o.rests_until <= (SELECT current_instant())
            AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
    ) AS digests;

-- renew: how often the lane was rung; no row when it is no longer mine
UPDATE lanes
SET lease_until = clock_timestamp() + $4::interval
WHERE lane = $1 AND owner = $2 AND fence = $3
RETURNING rung;

-- release: the lane, let go; no row when it was rung meanwhile ($4 is what was known, NULL lets go in any case) or is not mine
UPDATE lanes
SET owner = NULL, lease_until = '-infinity'
WHERE lane = $1 AND owner = $2 AND fence = $3 AND rung = coalesce($4, rung)
RETURNING lane;

-- read: at most $5 due rows of one class of a lane, after a participant and seq, each with its entry; one row for each living
-- push target with what was delivered to it for this cause, or one row without a target. Whoever has a parked row waits.
WITH clock AS MATERIALIZED (
    SELECT current_instant() AS instant
), batch AS MATERIALIZED (
    SELECT
        o.participant_id,
        o.seq,
        o.cause_id
    FROM outbox AS o
    WHERE
        o.lane = $1 AND o.class = $2 AND (o.participant_id, o.seq) > ($3, $4)
        AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
    ORDER BY o.participant_id, o.seq
    LIMIT $5
)

SELECT
    b.participant_id,
    b.seq,
    b.cause_id,
    k.reach,
    k.class AS entry_class,
    t.device_id,
    t.kind AS target_kind,
    t.value AS target_value,
    t.platform,
    t.locale,
    t.set_at,
    t.encryption_key,
    s.state AS delivered,
    s.up_to_seq AS delivered_up_to,
    s.attempts,
    s.failing_s,
    EXISTS(
        SELECT FROM outbox AS earlier
        INNER JOIN deliveries AS w
            ON earlier.participant_id = w.participant_id AND earlier.cause_id = w.cause_id
        WHERE
            earlier.lane = $1
            AND earlier.class = $2
            AND earlier.participant_id = b.participant_id
            AND earlier.seq < b.seq
            AND earlier.not_before > clock_timestamp() AND w.device_id = t.device_id AND w.state = 'waiting'
    ) AS held_back,
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

-- settle: whether something urgent and digests were due before, when the lane is still mine, with everything written; no row,
-- and nothing written, when it is not.
-- $5 deliveries, $6 outbox rows that are done, $7 rows that wait, $8 push targets to clear: JSON arrays; $9 how many were sent.
WITH mine AS MATERIALIZED (
    UPDATE lanes
    SET lease_until = clock_timestamp() + $4::interval, sent = sent + $9
    WHERE lane = $1 AND owner = $2 AND fence = $3
    -- The time of all: asking for it once for each delivery costs as much as writing the delivery.
    RETURNING lane, current_instant() AS instant
), delivered AS (
    INSERT INTO deliveries (
        participant_id, cause_id, device_id, delivery_id, up_to_seq, state, code, attempts, message_id,
        first_tried_at, last_tried_at, entry_class, failing_s
    )
    SELECT
        d.participant_id,
        d.cause_id,
        d.device_id,
        d.delivery_id,
        d.up_to_seq,
        d.state,
        d.code,
        d.tried,
        d.message_id,
        mine.instant AS first_tried_at,
        mine.instant AS last_tried_at,
        d.entry_class,
        d.failing_s
    FROM mine
    CROSS JOIN jsonb_to_recordset($5) AS d (
        participant_id uuid, cause_id uuid, device_id uuid, delivery_id uuid, up_to_seq bigint, state text, code text,
        message_id text, tried integer, entry_class text, failing_s double precision
    )
    ON CONFLICT (participant_id, cause_id, device_id) DO UPDATE SET
        delivery_id = excluded.delivery_id,
        up_to_seq = greatest(deliveries.up_to_seq, excluded.up_to_seq),
        state = excluded.state,
        code = excluded.code,
        attempts = deliveries.attempts + excluded.attempts,
        message_id = coalesce(excluded.message_id, deliveries.message_id),
        last_tried_at = excluded.last_tried_at,
        entry_class = excluded.entry_class,
        failing_s = deliveries.failing_s + excluded.failing_s
), done AS (
    DELETE FROM outbox AS o
    USING mine, jsonb_to_recordset($6) AS d (class smallint, participant_id uuid, seq bigint)
    WHERE o.lane = mine.lane AND o.class = d.class AND o.participant_id = d.participant_id AND o.seq = d.seq
), parked AS (
    UPDATE outbox AS o
    SET
        attempts = o.attempts + w.tried,
        not_before = clock_timestamp() + make_interval(secs => w.after_s)
    FROM mine, jsonb_to_recordset($7) AS w (
        class smallint, participant_id uuid, seq bigint, tried integer, after_s double precision
    )
    WHERE o.lane = mine.lane AND o.class = w.class AND o.participant_id = w.participant_id AND o.seq = w.seq
), cleared AS (
    -- Only the very registration that the provider refused: the phone may have registered anew meanwhile.
    UPDATE push_targets AS t
    SET cleared_at = current_instant(), cleared_because = c.because
    FROM mine, jsonb_to_recordset($8) AS c (
        participant_id uuid, device_id uuid, value text, set_at timestamptz, because text
    )
    WHERE
        t.participant_id = c.participant_id AND t.device_id = c.device_id AND t.value = c.value AND t.set_at = c.set_at
        AND t.cleared_at IS NULL
)

SELECT
    EXISTS(
        SELECT FROM outbox AS o
        WHERE o.lane = mine.lane AND o.class = 0 AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
    ) AS urgent,
    EXISTS(
        SELECT FROM outbox AS o
        WHERE
            o.lane = mine.lane AND o.class = 2 AND o.rests_until <= mine.instant
            AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
    ) AS digests
FROM mine;
