-- count_try: the enrolment with this try counted; none when it is unknown, settled, expired or has no tries left
UPDATE enrolments
SET tries = tries + 1
WHERE enrolment_id = $1 AND tries < $2 AND verified_at IS NULL AND expires_at > $3
RETURNING
    participant_id,
    lane_of(participant_id) AS lane,
    device_id,
    device_name,
    platform,
    public_key,
    tries;

-- count_try_of_day: how many tries the person has made today; none for nobody, and when the day's tries are used up
INSERT INTO code_tries AS t (participant_id, day, tries)
SELECT
    p.participant_id,
    jakarta_day($2) AS day,
    1 AS tries
FROM participants AS p
WHERE p.participant_id = $1 AND p.deceased_on IS NULL
ON CONFLICT (participant_id, day) DO UPDATE
    SET tries = t.tries + 1
    WHERE t.tries < $3
RETURNING tries;

-- record_cause: cause_id
SELECT record_cause($1, 'participant', $2::uuid::text);

-- first_key_on_settled_phone: whether no key was ever added and the phone on file has stood for long enough
SELECT
    coalesce(jakarta_day($2) - p.phone_since >= $3, FALSE)
    AND NOT EXISTS (SELECT FROM devices AS d WHERE d.participant_id = $1)
FROM participants AS p
WHERE p.participant_id = $1;

-- own_device: nothing
INSERT INTO device_owners (participant_id, device_id) VALUES ($1, $2);

-- add_device: nothing
INSERT INTO devices (participant_id, device_id, name, platform, public_key, added_at, hold_until, cause_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8);

-- settle: nothing
UPDATE enrolments
SET verified_at = $2
WHERE enrolment_id = $1;
