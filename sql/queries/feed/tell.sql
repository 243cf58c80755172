-- lease: at most $1 events for the core that are due, each for this worker alone until its lease ($2) is over; of a participant
-- only the earliest that waits, so that theirs arrive in order
UPDATE core_events AS e
SET not_before = clock_timestamp() + $2::interval, attempts = e.attempts + 1
FROM (
    SELECT
        w.participant_id,
        w.seq,
        w.attempts
    FROM core_events AS w
    WHERE
        w.state = 'waiting' AND (w.not_before IS NULL OR w.not_before <= clock_timestamp())
        AND NOT EXISTS (
            SELECT FROM core_events AS earlier
            WHERE earlier.participant_id = w.participant_id AND earlier.seq < w.seq AND earlier.state = 'waiting'
        )
    ORDER BY w.not_before NULLS FIRST
    LIMIT $1
) AS due
WHERE
    e.participant_id = due.participant_id AND e.seq = due.seq AND e.attempts = due.attempts AND e.state = 'waiting'
RETURNING e.participant_id, e.seq, e.attempts;

-- read: these events with what they tell: the entry, whose it is, and the merge as it stands now
SELECT
    e.participant_id,
    e.seq,
    e.type,
    h.cause_id,
    h.occurred_at,
    d.data,
    c.reason,
    p.nik_sealed,
    p.phone_sealed,
    p.email_sealed,
    m.merge_id,
    m.state,
    m.plan_digest,
    m.confirmed_at,
    m.executes_at,
    m.executed_at,
    m.undo_until,
    m.core,
    array(
        SELECT k.kpj FROM cards AS k
        WHERE k.participant_id = m.participant_id AND k.card_id = any(m.absorb)
        ORDER BY k.kpj
    ) AS absorb,
    (
        SELECT k.kpj FROM cards AS k
        WHERE k.participant_id = m.participant_id AND k.card_id = m.into_card
    ) AS into
FROM unnest($1::uuid[], $2::bigint[]) AS due (participant_id, seq)
INNER JOIN core_events AS e ON due.participant_id = e.participant_id AND due.seq = e.seq
INNER JOIN history AS h ON e.participant_id = h.participant_id AND e.seq = h.seq
INNER JOIN history_data AS d ON h.participant_id = d.participant_id AND h.seq = d.seq
INNER JOIN causes AS c ON h.participant_id = c.participant_id AND h.cause_id = c.cause_id
INNER JOIN participants AS p ON e.participant_id = p.participant_id
LEFT JOIN merges AS m ON h.participant_id = m.participant_id AND h.merge_id = m.merge_id;

-- end: nothing; what came of the attempt $3
UPDATE core_events
SET state = $4, code = $5, ended_at = current_instant()
WHERE participant_id = $1 AND seq = $2 AND attempts = $3 AND state = 'waiting';

-- retry: nothing; the attempt $3 is repeated after a while
UPDATE core_events
SET not_before = clock_timestamp() + $4::interval, code = $5
WHERE participant_id = $1 AND seq = $2 AND attempts = $3 AND state = 'waiting';

-- replay: how many go out again: those refused, or all that ended since an instant
WITH again AS (
    UPDATE core_events
    SET state = 'waiting', not_before = NULL, code = NULL, ended_at = NULL
    WHERE state = 'refused' OR ($1::timestamptz IS NOT NULL AND state = 'taken' AND ended_at >= $1)
    RETURNING TRUE
)

SELECT count(*) FROM again;

-- count: how many events are in each state, of which type, with which code, and the earliest since when
SELECT
    e.state,
    e.type,
    e.code,
    count(*) AS events,
    min(h.recorded_at) AS since
FROM core_events AS e
INNER JOIN history AS h ON e.participant_id = h.participant_id AND e.seq = h.seq
WHERE e.state <> 'taken'
GROUP BY e.state, e.type, e.code
ORDER BY e.state, e.type, e.code;
