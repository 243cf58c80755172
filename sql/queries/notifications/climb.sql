-- unreach: how many causes have come to the list of people to reach by letter or at a branch now
WITH listed AS (
    UPDATE climbs
    SET state = 'unreached', ended_at = current_instant()
    WHERE state = 'waiting' AND channel = 'people' AND due_at <= current_instant()
    RETURNING participant_id
)

SELECT count(*) AS listed
FROM listed;

-- lease: at most $1 messages that are due on the channels $3, each for this worker alone until its lease is over, with where
-- they go to; somebody who died is written to by nobody but people, and what may wait is not leased in quiet hours. A worker
-- that loses the race for a row finds its count of attempts changed and leaves it.
UPDATE climbs AS c
SET not_before = clock_timestamp() + $2::interval, attempts = c.attempts + 1
FROM (
    SELECT
        w.participant_id,
        w.cause_id,
        w.channel,
        w.attempts,
        p.locale,
        choice.switched_off,
        CASE WHEN p.deceased_on IS NULL THEN p.email_sealed END AS email_sealed,
        CASE WHEN p.deceased_on IS NULL THEN p.phone_sealed END AS phone_sealed
    FROM climbs AS w
    INNER JOIN participants AS p ON w.participant_id = p.participant_id
    CROSS JOIN LATERAL choice_about_climb(w.participant_id, w.seqs, w.channel, current_instant()) AS choice
    WHERE
        NOT choice.rests AND w.state = 'waiting' AND w.channel = any($3::text[]) AND w.due_at <= current_instant()
        AND (w.not_before IS NULL OR w.not_before <= clock_timestamp())
    ORDER BY w.bulk, w.due_at
    LIMIT $1
) AS due
WHERE
    c.participant_id = due.participant_id AND c.cause_id = due.cause_id AND c.channel = due.channel
    AND c.attempts = due.attempts AND c.state = 'waiting'
RETURNING
    c.participant_id,
    c.cause_id,
    c.channel,
    c.attempts,
    current_instant() - c.due_at AS late,
    due.locale,
    due.switched_off,
    due.email_sealed,
    due.phone_sealed;

-- entries: the entries of a cause that are told, in order, and who did it
SELECT
    t.kind,
    k.reach,
    k.class AS entry_class,
    t.wording,
    t.data,
    t.merge_id,
    t.occurred_at,
    t.origin,
    t.actor,
    t.reason
FROM shown_entries AS t
INNER JOIN entry_kinds AS k ON t.kind = k.kind
WHERE t.participant_id = $1 AND t.cause_id = $2 AND k.reach <> 'silent'
ORDER BY t.seq;

-- settle: true when it was written: what came of the attempt $4. A step that reaches nobody takes no time: the next is due
-- at once; but people are asked only when nothing has reached the person, nothing still may, and no phone can be pushed to.
WITH settled AS (
    UPDATE climbs
    SET state = $5, code = $6, message_id = $7, ended_at = current_instant()
    WHERE participant_id = $1 AND cause_id = $2 AND channel = $3 AND attempts = $4 AND state = 'waiting'
    RETURNING participant_id, cause_id, step, state
), moved AS (
    UPDATE climbs AS n
    SET due_at = current_instant()
    FROM settled AS s
    WHERE
        n.participant_id = s.participant_id AND n.cause_id = s.cause_id
        AND s.state IN ('no_address', 'rejected') AND n.state = 'waiting' AND n.due_at > current_instant()
        AND n.step = (
            SELECT min(o.step)
            FROM climbs AS o
            WHERE
                o.participant_id = s.participant_id AND o.cause_id = s.cause_id
                AND o.step > s.step AND o.state = 'waiting'
        )
        AND (
            n.channel <> 'people'
            OR NOT (
                has_living_push_target(s.participant_id)
                OR EXISTS (
                    SELECT FROM climbs AS o
                    WHERE
                        o.participant_id = s.participant_id AND o.cause_id = s.cause_id
                        AND o.step <> s.step AND o.step < n.step AND o.state IN ('waiting', 'sent')
                )
            )
        )
)

SELECT TRUE
FROM settled;

-- retry: nothing; the attempt $4 is repeated after a while
UPDATE climbs
SET not_before = clock_timestamp() + $5::interval, code = $6
WHERE participant_id = $1 AND cause_id = $2 AND channel = $3 AND attempts = $4 AND state = 'waiting';
