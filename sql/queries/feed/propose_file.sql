-- lock_proposals: whether this session is now the only one that loads proposals
SELECT pg_try_advisory_lock(hashtext('sepakat proposals'));

-- find_announcement: the announcement that came by an event; nothing when none did
SELECT announcement_id
FROM announcements
WHERE event_id = $1;

-- keep_file: nothing; a file that was loaded before stays bound to what it was bound to then
INSERT INTO proposal_files (file_id, name, announcement_id, announced_for, loaded_at)
VALUES ($1, $2, $3, $4, current_instant())
ON CONFLICT (file_id) DO NOTHING;

-- read_file: what the proposals of a file wait for, and by which event that announcement came
SELECT
    f.announcement_id,
    f.announced_for,
    a.event_id
FROM proposal_files AS f
LEFT JOIN announcements AS a ON f.announcement_id = a.announcement_id
WHERE f.file_id = $1;

-- find_applied: which of these events were applied already
SELECT event_id
FROM feed_events
WHERE event_id = any($1::text[]) AND outcome = 'applied';

-- count_today: what time it is for participants, and how many merges the agency proposed on this day
SELECT
    current_instant() AS now,
    count(*) AS proposed
FROM merges
WHERE
    proposed_by = 'agency'
    AND proposed_at >= jakarta_day(current_instant())::timestamp AT TIME ZONE 'Asia/Jakarta';

-- admit: whether this participant was told the announcement ($2) at least $3 ago, and how many proposals of the agency came to
-- them today
SELECT
    $2::uuid IS NULL OR EXISTS (
        SELECT
        FROM announced AS a
        INNER JOIN history AS h ON a.participant_id = h.participant_id AND a.seq = h.seq
        WHERE
            a.participant_id = $1 AND a.announcement_id = $2::uuid
            AND h.recorded_at <= current_instant() - $3::interval
    ) AS announced,
    (
        SELECT count(*)
        FROM merges AS m
        WHERE
            m.participant_id = $1 AND m.proposed_by = 'agency'
            AND jakarta_day(m.proposed_at) = jakarta_day(current_instant())
    ) AS proposed;
