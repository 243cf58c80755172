-- to_ask: enrolments about which a living phone has not been asked yet, with whose they are and the lane
SELECT
    enrolment_id,
    participant_id,
    lane_of(participant_id) AS lane
FROM enrolments
WHERE
    asks_phone AND phone_asked_at IS NULL AND code_from > current_instant()
    AND verified_at IS NULL AND refused_at IS NULL
ORDER BY code_from
LIMIT $1;

-- ask: whether the person was told
SELECT ask_living_phone($1, $2, $3);
