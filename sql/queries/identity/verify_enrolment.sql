-- count_try: the enrolment with this try counted; none when it is unknown, settled, expired or has no tries left. From here
-- on the transaction is its participant's
SELECT
    participant_id,
    lane_of(participant_id) AS lane,
    device_id,
    device_name,
    platform,
    public_key,
    tries,
    refused_at IS NULL AND code_from <= $3 AND code_until > $3 AS code_counts
FROM enter_by_enrolment($1, $2, $3);

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

-- use_branch_code: the code's id, the branch and the cause of what follows; nulls when no such code is live
SELECT
    u.code_id,
    u.branch,
    u.cause_id
FROM use_branch_code($1, $2, 'new_phone', $3, $4) AS u;
