-- unknown_kinds: which of these are kinds of no entry
SELECT array(
    SELECT given.kind
    FROM unnest($1::text[]) AS given (kind)
    WHERE NOT EXISTS (SELECT FROM entry_kinds AS k WHERE k.kind = given.kind)
);

-- find: the announcement that came by an event; nothing when none did
SELECT announcement_id
FROM announcements
WHERE event_id = $1;

-- publish: how many of the identity numbers $5 (by hash) are nobody's; raises announcement_is_replaced_once,
-- announcements_to_all_are_few, ladder_takes_two_people
SELECT publish_announcement($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);
