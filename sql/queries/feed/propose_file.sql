-- lock_proposals: whether this session is now the only one that loads proposals
SELECT pg_try_advisory_lock(hashtext('sepakat proposals'));

-- now: what time it is for participants
SELECT current_instant();

-- keep_file: nothing; a file that was loaded before stays bound to what it was bound to then
INSERT INTO proposal_files (file_id, name, announcement_id, announced_for, loaded_at)
VALUES ($1, $2, $3, $4, current_instant())
ON CONFLICT (file_id) DO NOTHING;

-- read_file: what the proposals of a file wait for
SELECT
    announcement_id,
    announced_for
FROM proposal_files
WHERE file_id = $1;

-- find_applied: which of these events were applied already
SELECT event_id
FROM feed_events
WHERE event_id = any($1::text[]) AND outcome = 'applied';

-- admit: whether this participant was told the announcement long enough ago ($2 for $3), how many proposals of the agency came
-- to them today, and how many of files went out today to anybody
SELECT
    $2::uuid IS NULL OR EXISTS (
        SELECT
        FROM history AS h
        INNER JOIN history_data AS d ON h.participant_id = d.participant_id AND h.seq = d.seq
        WHERE
            h.participant_id = $1 AND starts_with(h.kind, 'announcement')
            AND d.data::jsonb ->> 'announcement_id' = $2::uuid::text
            AND h.recorded_at <= current_instant() - $3::interval
    ) AS announced,
    (
        SELECT count(*)
        FROM merges AS m
        WHERE
            m.participant_id = $1 AND m.proposed_by = 'agency'
            AND jakarta_day(m.proposed_at) = jakarta_day(current_instant())
    ) AS proposed_to_them,
    coalesce((
        SELECT t.proposed
        FROM proposal_days AS t
        WHERE t.day = jakarta_day(current_instant())
    ), 0) AS proposed_today;

-- count: nothing
INSERT INTO proposal_days AS d (day, proposed)
VALUES (jakarta_day(current_instant()), 1)
ON CONFLICT (day) DO UPDATE SET proposed = d.proposed + 1;
