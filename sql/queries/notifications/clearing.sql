-- claim: how many of $1 targets may be cleared now, for how long no more are, and whether $2 wrong senders are alarming; $3 were sent
SELECT
    allowed,
    left_s,
    alarming
FROM claim_clearing($1, $2, $3);

-- allow: until when targets are cleared however many they are: from now on for $1
SELECT allow_clearing($1);

-- state: how many were cleared in the window that is on, since when it refuses to (NULL when it does not), and until when it is over
SELECT
    CASE WHEN began_at + every > clock_timestamp() THEN cleared ELSE 0 END AS cleared,
    CASE
        WHEN began_at + every > clock_timestamp() AND allowed_until <= clock_timestamp() THEN stopped_at
    END AS stopped_at,
    began_at + every AS until,
    CASE WHEN allowed_until > clock_timestamp() THEN allowed_until END AS allowed_until
FROM clearing;
