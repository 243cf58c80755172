-- me: name, sealed identity number and contacts, language, time zone, quiet hours, what is switched off as `class channel`, the
-- hold of the session's key, and when a contact last changed
SELECT
    p.name,
    p.nik_sealed,
    p.phone_sealed,
    p.email_sealed,
    p.locale,
    p.time_zone,
    to_char(q.starts_at, 'HH24:MI') AS quiet_from,
    to_char(q.ends_at, 'HH24:MI') AS quiet_to,
    array(
        SELECT o.class || ' ' || o.channel
        FROM switched_off AS o
        WHERE o.participant_id = p.participant_id
    ) AS switched_off,
    k.hold_until,
    (
        SELECT max(c.closed_at)
        FROM contact_changes AS c
        WHERE c.participant_id = p.participant_id AND c.state = 'applied'
    ) AS contact_changed_at
FROM participants AS p
INNER JOIN keys AS k ON p.participant_id = k.participant_id
LEFT JOIN quiet_hours AS q ON p.participant_id = q.participant_id
WHERE p.participant_id = $1 AND k.key_id = $2;
