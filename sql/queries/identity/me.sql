-- me: name, sealed identity number, language, time zone, and the hold of the session's key
SELECT
    p.name,
    p.nik_sealed,
    p.locale,
    p.time_zone,
    k.hold_until
FROM participants AS p
INNER JOIN keys AS k ON p.participant_id = k.participant_id
WHERE p.participant_id = $1 AND k.key_id = $2;
