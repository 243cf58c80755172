-- running: announcements that have not reached their whole audience yet, those published first first
SELECT a.announcement_id
FROM announcement_runs AS r
INNER JOIN announcements AS a ON r.announcement_id = a.announcement_id
WHERE r.state = 'running'
ORDER BY a.published_at, a.announcement_id;

-- some: who was told now, at most $2 among the next $3 participants
SELECT
    participant_id,
    lane
FROM announce_to_some($1, $2, $3);
