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
    replaced.announcement_id AS replaces,
    replacing.announcement_id AS replaced_by
FROM announced AS t
INNER JOIN announcements AS a ON t.announcement_id = a.announcement_id
LEFT JOIN announced AS replaced
    ON t.participant_id = replaced.participant_id AND a.replaces = replaced.announcement_id AND replaced.seq IS NOT NULL
LEFT JOIN LATERAL (
    SELECT r.announcement_id
    FROM announced AS r
    INNER JOIN announcements AS n ON r.announcement_id = n.announcement_id
    WHERE n.replaces = a.announcement_id AND r.participant_id = $1 AND r.seq IS NOT NULL
) AS replacing ON true
WHERE
    t.participant_id = $1 AND t.seq IS NOT NULL
    AND ($2::uuid IS NULL OR t.announcement_id = $2)
    AND ($3::bigint IS NULL OR t.seq < $3)
ORDER BY t.seq DESC
LIMIT $4;
