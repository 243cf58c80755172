-- failed: how many codes by SMS were wrong, of all people, since this instant
SELECT coalesce(sum(failures), 0)::bigint AS failures
FROM code_failures
WHERE minute > $1 AND kind = 'otp';

-- count: nothing; slots keep those who fail at once from waiting for one row
INSERT INTO code_failures AS f (minute, kind, slot, failures)
VALUES (date_trunc('minute', $1::timestamptz), $2, $3, 1)
ON CONFLICT (minute, kind, slot) DO UPDATE SET failures = f.failures + 1;

-- count_branch_try: how many tries this phone has made today with branch codes; none when the day's tries are used up
INSERT INTO branch_code_tries AS t (participant_id, device_id, day, tries)
VALUES ($1, $2, jakarta_day($3), 1)
ON CONFLICT (participant_id, device_id, day) DO UPDATE
    SET tries = t.tries + 1
    WHERE t.tries < $4
RETURNING tries;
