-- me: name, sealed identity number and contacts, language, time zone, and the hold of the session's key
SELECT
    p.name,
    p.nik_sealed,
    p.phone_sealed,
    p.email_sealed,
    p.locale,
    p.time_zone,
    k.hold_until
FROM participants AS p
INNER JOIN keys AS k ON p.participant_id = k.participant_id
WHERE p.participant_id = $1 AND k.key_id = $2;
