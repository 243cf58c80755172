-- lock: the participant with this identity number, by its hash, whose head is locked from here on
SELECT
    n.participant_id,
    locked.seq
FROM participant_numbers AS n
CROSS JOIN LATERAL lock_participant(n.participant_id) AS locked
WHERE n.nik_hash = $1;

-- find: a participant with the lane and the day of death on file
SELECT
    participant_id,
    deceased_on,
    lane_of(participant_id) AS lane
FROM participants
WHERE participant_id = $1;

-- record_death: nothing
SELECT record_death($1, $2, $3);

-- record_ported_number: nothing
SELECT record_ported_number($1, $2, $3::interval, $4);
