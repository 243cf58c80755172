-- me: name, sealed identity number and contacts, language, time zone, the hold of the session's key, and when a contact last changed
SELECT
    p.name,
    p.nik_sealed,
    p.phone_sealed,
    p.email_sealed,
    p.locale,
    p.time_zone,
    k.hold_until,
    (
        SELECT max(c.closed_at)
        FROM contact_changes AS c
        WHERE c.participant_id = p.participant_id AND c.state = 'applied'
    ) AS contact_changed_at
FROM participants AS p
INNER JOIN keys AS k ON p.participant_id = k.participant_id
WHERE p.participant_id = $1 AND k.key_id = $2;
