-- me: name, identity number masked but for the last four, language, time zone, and the hold of the session's key
SELECT
    p.name,
    repeat('•', 12) || right(p.nik, 4) AS nik,
    p.locale,
    p.time_zone,
    k.hold_until
FROM participants AS p
INNER JOIN keys AS k ON p.participant_id = k.participant_id
WHERE p.participant_id = $1 AND k.key_id = $2;
