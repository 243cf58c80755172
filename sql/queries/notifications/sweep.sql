-- due_lanes: the lanes that have rows to send and that nobody drains, and whether some are urgent. Ordered, so that each lane is
-- asked by its index: a plan that hopes to meet a due row soon would read past all that rest.
SELECT
    l.lane,
    EXISTS(
        SELECT FROM outbox AS o
        WHERE o.lane = l.lane AND o.class = 0 AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
    ) AS urgent
FROM lanes AS l
WHERE
    (l.owner IS NULL OR l.lease_until <= clock_timestamp())
    AND (
        (
            SELECT TRUE
            FROM outbox AS o
            WHERE o.lane = l.lane AND o.class < 2 AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
            ORDER BY o.class
            LIMIT 1
        ) OR (
            SELECT TRUE
            FROM outbox AS o
            WHERE
                o.lane = l.lane AND o.class = 2 AND o.rests_until <= (SELECT current_instant())
                AND (o.not_before IS NULL OR o.not_before <= clock_timestamp())
            ORDER BY o.rests_until
            LIMIT 1
        )
    )
ORDER BY l.lane;

-- chores_due: whether merges, one-time codes and messages to other contacts, steps of the ladder,
-- events for the core, new identities and bulk money wait for somebody
SELECT
    EXISTS (
        SELECT FROM merges
        WHERE state = 'confirmed' AND executes_at <= current_instant()
    ) OR EXISTS (
        SELECT FROM merges
        WHERE state = 'proposed' AND expires_at <= current_instant()
    ) OR EXISTS (
        SELECT FROM merges
        WHERE state IN ('reported', 'disputed') AND confirmation_id IS NOT NULL AND executes_at <= current_instant()
    ) AS merges,
    EXISTS (
        SELECT FROM enrolments
        WHERE
            participant_id IS NOT NULL AND code_sent_at IS NULL AND expires_at > current_instant()
            AND code_from <= current_instant() AND verified_at IS NULL AND refused_at IS NULL
            AND (code_not_before IS NULL OR code_not_before <= clock_timestamp())
    ) OR EXISTS (
        SELECT FROM enrolments
        WHERE asks_phone AND phone_asked_at IS NULL AND code_from > current_instant()
    ) OR EXISTS (
        SELECT FROM contact_messages
        WHERE state = 'waiting' AND (not_before IS NULL OR not_before <= clock_timestamp())
    ) AS codes,
    EXISTS (
        SELECT FROM climbs
        WHERE
            state = 'waiting' AND due_at <= current_instant()
            AND (not_before IS NULL OR not_before <= clock_timestamp())
    ) AS climbs,
    EXISTS (
        SELECT FROM core_events
        WHERE state = 'waiting' AND (not_before IS NULL OR not_before <= clock_timestamp())
    ) AS core_events,
    EXISTS (SELECT FROM match_queue) AS identities,
    EXISTS (SELECT FROM bulk_runs WHERE state = 'running') AS bulk;
