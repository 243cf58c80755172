-- page: looks at one participant, newest first, before the look $2
SELECT
    l.look_id AS id,
    l.looked_at AS at,
    l.shown_as AS who,
    l.staff_role AS role,
    l.purpose,
    l.what,
    l.case_id,
    l.document_id
FROM access_log AS l
WHERE
    l.participant_id = $1
    AND (
        $2::uuid IS NULL
        OR (l.looked_at, l.look_id) < (
            SELECT
                b.looked_at,
                b.look_id
            FROM access_log AS b
            WHERE b.participant_id = $1 AND b.look_id = $2
        )
    )
ORDER BY l.looked_at DESC, l.look_id DESC
LIMIT $3;
