-- now: what time it is for participants
SELECT current_instant();

-- advance: what time it is after the local clock moved ahead
UPDATE local_clock
SET ahead = ahead + make_interval(secs => $1::integer)
RETURNING now() + ahead AS instant;
