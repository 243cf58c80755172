-- shown: announcements that reached this participant, newest first: the one with id $2, or those before seq $3, at most $4
SELECT
    a.announcement_id AS id,
    a.severity,
    a.canonical,
    a.text_sha256,
    a.explains_kinds,
    a.explains_from,
    a.explains_until,
    a.published_at,
    t.seq,
    (
        SELECT e.announcement_id
        FROM earlier_announcements(a.announcement_id) AS e
        INNER JOIN announced AS r ON e.announcement_id = r.announcement_id
        WHERE r.participant_id = $1 AND r.seq IS NOT NULL
        ORDER BY e.steps
        LIMIT 1
    ) AS replaces,
    (
        SELECT l.announcement_id
        FROM later_announcements(a.announcement_id) AS l
        INNER JOIN announced AS r ON l.announcement_id = r.announcement_id
        WHERE r.participant_id = $1 AND r.seq IS NOT NULL
        ORDER BY l.steps
        LIMIT 1
    ) AS replaced_by
FROM announced AS t
INNER JOIN announcements AS a ON t.announcement_id = a.announcement_id
WHERE
    t.participant_id = $1 AND t.seq IS NOT NULL
    AND ($2::uuid IS NULL OR t.announcement_id = $2)
    AND ($3::bigint IS NULL OR t.seq < $3)
ORDER BY t.seq DESC
LIMIT $4;
