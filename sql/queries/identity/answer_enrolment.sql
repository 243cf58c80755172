-- waiting: enrolments that wait for an answer of this person's living phones, newest first
SELECT
    enrolment_id AS id,
    device_name,
    platform,
    asked_at,
    expires_at
FROM enrolments
WHERE
    participant_id = $1 AND verified_at IS NULL AND refused_at IS NULL AND expires_at > $2
    AND ($3::uuid IS NULL OR (asked_at, enrolment_id) < (
        SELECT
            e.asked_at,
            e.enrolment_id
        FROM enrolments AS e
        WHERE e.enrolment_id = $3 AND e.participant_id = $1
    ))
ORDER BY asked_at DESC, enrolment_id DESC
LIMIT $4;

-- lock: one of them with its key, locked from here on
SELECT
    participant_id,
    device_id,
    device_name,
    platform,
    public_key
FROM enrolments
WHERE
    participant_id = $1 AND enrolment_id = $2 AND verified_at IS NULL AND refused_at IS NULL AND expires_at > $3
FOR UPDATE;

-- answer: cause_id
SELECT answer_enrolment($1, $2, $3, $4);

-- key: until when the key of a session is on hold
SELECT hold_until
FROM keys
WHERE participant_id = $1 AND key_id = $2 AND removed_at IS NULL;
