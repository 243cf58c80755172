-- read: how far is read now, and how many entries are unread; the pointer never goes back and never past the head
WITH moved AS (
    INSERT INTO inbox_pointers (participant_id, read_up_to)
    SELECT
        h.participant_id,
        least($2, h.seq)
    FROM participant_heads AS h
    WHERE h.participant_id = $1
    ON CONFLICT (participant_id) DO UPDATE
        SET read_up_to = greatest(inbox_pointers.read_up_to, excluded.read_up_to)
    RETURNING read_up_to
)

SELECT
    moved.read_up_to,
    (
        SELECT count(*)
        FROM history AS u
        INNER JOIN entry_kinds AS k ON u.kind = k.kind
        WHERE u.participant_id = $1 AND u.seq > moved.read_up_to AND k.reach <> 'silent'
    ) AS unread
FROM moved;

-- receipts: nothing; these entries arrived on this phone
INSERT INTO receipts (participant_id, seq, device_id, received_at)
SELECT
    t.participant_id,
    t.seq,
    $3,
    current_instant()
FROM history AS t
WHERE t.participant_id = $1 AND t.seq = any($2::bigint[])
ON CONFLICT (participant_id, seq, device_id) DO NOTHING;

-- acknowledge: when this entry was done with, now or before; no row for an entry that is not in the inbox. A key on hold
-- does not silence what was said about it: for an entry of class security hold_until says so, and nothing is written
WITH entry AS (
    SELECT
        t.seq,
        (
            SELECT y.hold_until FROM keys AS y
            WHERE
                y.participant_id = t.participant_id AND y.key_id = $3
                AND k.class = 'security' AND y.hold_until > current_instant()
        ) AS hold_until
    FROM history AS t
    INNER JOIN entry_kinds AS k ON t.kind = k.kind
    WHERE t.participant_id = $1 AND t.seq = $2 AND k.reach <> 'silent'
), done AS (
    INSERT INTO acknowledgements (participant_id, seq, device_id, acknowledged_at)
    SELECT
        $1,
        entry.seq,
        $3,
        current_instant()
    FROM entry
    WHERE entry.hold_until IS NULL
    ON CONFLICT (participant_id, seq) DO NOTHING
    RETURNING acknowledged_at
)

SELECT
    entry.hold_until,
    coalesce(
        (SELECT done.acknowledged_at FROM done),
        (SELECT a.acknowledged_at FROM acknowledgements AS a WHERE a.participant_id = $1 AND a.seq = $2),
        current_instant()
    ) AS acknowledged_at
FROM entry;
