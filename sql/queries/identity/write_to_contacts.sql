-- expire: how many messages came too late and are given up, with the contact that they were for
WITH gone AS (
    UPDATE contact_messages
    SET state = 'expired', contact_sealed = NULL, ended_at = current_instant()
    WHERE state = 'waiting' AND expires_at <= current_instant()
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- lease: at most $1 messages that are due, each for this worker alone until its lease is over; none to somebody who died. A
-- worker that loses the race for a row finds its count of attempts changed and leaves it.
UPDATE contact_messages AS m
SET not_before = clock_timestamp() + $2::interval, attempts = m.attempts + 1
FROM (
    SELECT
        w.participant_id,
        w.message_id,
        w.attempts,
        p.locale
    FROM contact_messages AS w
    INNER JOIN participants AS p ON w.participant_id = p.participant_id
    WHERE
        w.state = 'waiting' AND w.expires_at > current_instant() AND p.deceased_on IS NULL
        AND (w.not_before IS NULL OR w.not_before <= clock_timestamp())
    ORDER BY w.not_before NULLS FIRST
    LIMIT $1
) AS due
WHERE
    m.participant_id = due.participant_id AND m.message_id = due.message_id AND m.attempts = due.attempts
    AND m.state = 'waiting'
RETURNING
    m.participant_id,
    m.message_id,
    m.what,
    m.channel,
    m.contact_sealed,
    m.cause_id,
    m.attempts,
    due.locale;

-- settle: nothing; what came of the attempt $3
UPDATE contact_messages
SET state = $4, code = $5, contact_sealed = NULL, ended_at = current_instant()
WHERE participant_id = $1 AND message_id = $2 AND attempts = $3 AND state = 'waiting';

-- retry: nothing; the attempt $3 is repeated after a while
UPDATE contact_messages
SET not_before = clock_timestamp() + $4::interval, code = $5
WHERE participant_id = $1 AND message_id = $2 AND attempts = $3 AND state = 'waiting';
