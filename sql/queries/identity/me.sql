-- me: name, sealed identity number, language, time zone, and the hold of this phone's key
SELECT
    p.name,
    p.nik_sealed,
    p.locale,
    p.time_zone,
    d.hold_until
FROM participants AS p
INNER JOIN devices AS d ON p.participant_id = d.participant_id
WHERE p.participant_id = $1 AND d.device_id = $2;
