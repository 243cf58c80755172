-- page: people whom nothing has reached, the case about them, and of what, the longest waiting first: after the place ($1, $2, $3), at most $4
SELECT
    c.participant_id,
    c.cause_id,
    p.locale,
    (
        SELECT k.case_id FROM cases AS k
        WHERE k.participant_id = c.participant_id AND k.kind = 'unreached'
        ORDER BY k.opened_at DESC, k.case_id
        LIMIT 1
    ) AS case_id,
    c.ended_at AS since,
    c.seqs,
    (
        SELECT array_agg(e.kind ORDER BY e.seq)
        FROM history AS e
        WHERE
            e.participant_id = c.participant_id AND e.seq = any(c.seqs)
            AND NOT EXISTS (
                SELECT FROM acknowledgements AS a
                WHERE a.participant_id = e.participant_id AND a.seq = e.seq
            )
    ) AS kinds,
    (
        SELECT array_agg(concat_ws(':', t.channel, t.state, t.code) ORDER BY t.step)
        FROM climbs AS t
        WHERE t.participant_id = c.participant_id AND t.cause_id = c.cause_id AND t.channel <> 'people'
    ) AS tried
FROM climbs AS c
INNER JOIN participants AS p ON c.participant_id = p.participant_id
WHERE c.state = 'unreached' AND (c.ended_at, c.participant_id, c.cause_id) > ($1, $2, $3)
ORDER BY c.ended_at, c.participant_id, c.cause_id
LIMIT $4;

-- total: how many people wait to be reached, and of how much
SELECT
    count(DISTINCT participant_id) AS people,
    count(*) AS causes
FROM climbs
WHERE state = 'unreached';
