-- lock: the participant with this identity number, by its hash, whose head is locked from here on
SELECT
    n.participant_id,
    locked.seq
FROM participant_numbers AS n
CROSS JOIN LATERAL lock_participant(n.participant_id) AS locked
WHERE n.nik_hash = $1;

-- find: a participant with the lane, the day of death, and what else is on file
SELECT
    participant_id,
    deceased_on,
    name,
    birth_date,
    phone_sealed,
    phone_since,
    email_sealed,
    locale,
    time_zone,
    lane_of(participant_id) AS lane
FROM participants
WHERE participant_id = $1;

-- record_death: nothing
SELECT record_death($1, $2, $3);

-- record_ported_number: nothing
SELECT record_ported_number($1, $2, $3::interval, $4);

-- update: nothing
SELECT update_participant($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- update_employer: the employer; none when it is not known
UPDATE employers
SET name = $2
WHERE employer_id = $1
RETURNING employer_id;
