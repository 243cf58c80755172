-- lease: enrolments whose code is due, each for this worker alone until its lease is over; at most $3 of one person a
-- day. A worker that loses the race for a row finds its count of attempts changed and leaves it.
UPDATE enrolments AS e
SET code_not_before = now() + $2::interval, code_attempts = e.code_attempts + 1
FROM (
    SELECT
        w.enrolment_id,
        w.code_attempts,
        p.participant_id,
        p.phone_sealed,
        p.locale
    FROM enrolments AS w
    INNER JOIN participants AS p ON w.participant_id = p.participant_id
    WHERE
        w.participant_id IS NOT NULL AND w.code_sent_at IS NULL AND w.verified_at IS NULL AND w.refused_at IS NULL
        AND w.expires_at > current_instant()
        AND w.code_from <= current_instant() AND w.code_until > current_instant()
        AND (w.code_not_before IS NULL OR w.code_not_before <= now())
        AND p.phone_sealed IS NOT NULL AND p.deceased_on IS NULL
        AND (
            SELECT count(*)
            FROM (
                SELECT TRUE
                FROM enrolments AS o
                WHERE
                    o.participant_id = w.participant_id AND o.asked_at > w.asked_at - interval '1 day'
                    AND (o.asked_at, o.enrolment_id) < (w.asked_at, w.enrolment_id)
                LIMIT $3
            ) AS before
        ) < $3
    ORDER BY w.code_not_before NULLS FIRST
    LIMIT $1
) AS due
WHERE e.enrolment_id = due.enrolment_id AND e.code_attempts = due.code_attempts AND e.code_sent_at IS NULL
RETURNING
    e.enrolment_id,
    due.participant_id,
    due.phone_sealed,
    due.locale,
    e.device_name,
    e.code_attempts AS attempts;

-- sent: nothing
UPDATE enrolments
SET code_sent_at = current_instant()
WHERE enrolment_id = $1 AND code_sent_at IS NULL;

-- retry: nothing
UPDATE enrolments
SET code_not_before = now() + $2::interval
WHERE enrolment_id = $1 AND code_sent_at IS NULL;

-- give_up: nothing
UPDATE enrolments
SET code_not_before = 'infinity'
WHERE enrolment_id = $1 AND code_sent_at IS NULL;
