-- participants: at most $2 participants behind one ($3) whose number or contacts another key than $1 sealed
SELECT
    participant_id,
    nik_sealed,
    phone_sealed,
    email_sealed
FROM participants
WHERE
    participant_id > $3
    AND (substr(nik_sealed, 1, 4) <> $1 OR substr(phone_sealed, 1, 4) <> $1 OR substr(email_sealed, 1, 4) <> $1)
ORDER BY participant_id
LIMIT $2;

-- reseal_participants: true, or NULL when they changed meanwhile
SELECT reseal_participant($1, $2, $3, $4, $5);

-- heirs: at most $2 claims of heirs behind one ($3) whose phone another key than $1 sealed
SELECT
    case_id,
    phone_sealed
FROM heir_claims
WHERE case_id > $3 AND substr(phone_sealed, 1, 4) <> $1
ORDER BY case_id
LIMIT $2;

-- reseal_heirs: nothing
SELECT reseal_heir($1, $2);

-- contact_changes: at most $2 changes behind one ($3, $4) that wait, and whose new contact another key than $1 sealed
SELECT
    participant_id,
    change_id,
    channel,
    value_sealed AS sealed
FROM contact_changes
WHERE (participant_id, change_id) > ($3, $4) AND state = 'open' AND substr(value_sealed, 1, 4) <> $1
ORDER BY participant_id, change_id
LIMIT $2;

-- reseal_contact_changes: nothing; one that ended meanwhile keeps no contact
SELECT reseal_contact_change($1, $2, $3);

-- contact_messages: at most $2 messages behind one ($3, $4) that wait, and whose contact another key than $1 sealed
SELECT
    participant_id,
    message_id,
    channel,
    contact_sealed AS sealed
FROM contact_messages
WHERE (participant_id, message_id) > ($3, $4) AND state = 'waiting' AND substr(contact_sealed, 1, 4) <> $1
ORDER BY participant_id, message_id
LIMIT $2;

-- reseal_contact_messages: nothing; one that ended meanwhile keeps no contact
SELECT reseal_contact_message($1, $2, $3);

-- corrections: at most $2 corrections behind one ($3, $4) whose wanted value another key than $1 sealed
SELECT
    participant_id,
    case_id,
    wanted_sealed
FROM corrections
WHERE (participant_id, case_id) > ($3, $4) AND substr(wanted_sealed, 1, 4) <> $1
ORDER BY participant_id, case_id
LIMIT $2;

-- reseal_corrections: nothing
SELECT reseal_correction($1, $2, $3);

-- events: at most $2 events behind one ($3) that another key than $1 sealed
SELECT
    event_id,
    content_sealed,
    detail_sealed
FROM feed_events
WHERE event_id > $3 AND (substr(content_sealed, 1, 4) <> $1 OR substr(detail_sealed, 1, 4) <> $1)
ORDER BY event_id
LIMIT $2;

-- reseal_events: nothing; an event that was settled meanwhile stays as it is
UPDATE feed_events
SET content_sealed = $4, detail_sealed = $5
WHERE event_id = $1 AND content_sealed = $2 AND detail_sealed IS NOT DISTINCT FROM $3;

-- quarantined: at most $2 quarantined events behind one ($3, $4) that another key than $1 sealed
SELECT
    event_id,
    content_hash,
    content_sealed
FROM feed_quarantine
WHERE (event_id, content_hash) > ($3, $4) AND substr(content_sealed, 1, 4) <> $1
ORDER BY event_id, content_hash
LIMIT $2;

-- reseal_quarantined: nothing
UPDATE feed_quarantine
SET content_sealed = $3
WHERE event_id = $1 AND content_hash = $2;
