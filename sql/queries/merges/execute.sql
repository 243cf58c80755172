-- due: merges whose cooling-off is over, confirmed acceptances, and proposals whose time is over, of all, longest due first,
-- behind an instant and a merge; so that those that fail stand in nobody's way
SELECT
    participant_id,
    merge_id,
    coalesce(executes_at, expires_at) AS due_at,
    lane_of(participant_id) AS lane
FROM merges
WHERE
    (
        (state = 'proposed' AND expires_at <= current_instant())
        OR (
            ((state = 'confirmed' AND core IS NULL) OR (state IN ('reported', 'disputed') AND confirmation_id IS NOT NULL))
            AND executes_at <= current_instant() AND NOT EXISTS (SELECT FROM merge_pause)
        )
    )
    AND (coalesce(executes_at, expires_at), merge_id) > ($2::timestamptz, $3::uuid)
ORDER BY due_at, merge_id
LIMIT $1;

-- waiting: merges that were handed to the core and are to be looked at again, of all, in the order and behind what `due` says: those
-- whose participant's history went on since, and those that wait for longer than an interval
SELECT
    m.participant_id,
    m.merge_id,
    m.executes_at AS due_at,
    lane_of(m.participant_id) AS lane
FROM merges AS m
WHERE
    m.state = 'confirmed' AND m.core = 'pending' AND NOT EXISTS (SELECT FROM merge_pause)
    AND (m.executes_at, m.merge_id) > ($2::timestamptz, $3::uuid)
    AND (
        m.executes_at <= current_instant() - $4::interval
        OR EXISTS (
            SELECT FROM history AS h
            WHERE
                h.participant_id = m.participant_id AND h.kind NOT IN ('merge_due', 'merge_unanswered', 'looked_at')
                AND h.seq > (
                    SELECT max(handed.seq) FROM history AS handed
                    WHERE
                        handed.participant_id = m.participant_id AND handed.merge_id = m.merge_id AND handed.kind = 'merge_due'
                )
        )
    )
ORDER BY m.executes_at, m.merge_id
LIMIT $1;

-- confirmation: the confirmation that a merge stands on, with the key that signed it
SELECT
    c.plan_digest,
    c.acknowledged,
    c.device_id,
    c.passkey_id,
    c.nonce,
    c.statement,
    c.proof,
    c.seal,
    k.public_key,
    k.removed_at IS NOT NULL AS key_removed
FROM confirmations AS c
INNER JOIN keys AS k ON c.participant_id = k.participant_id AND k.key_id = coalesce(c.device_id, c.passkey_id)
WHERE c.participant_id = $1 AND c.confirmation_id = $2;

-- now: what time it is for participants
SELECT current_instant();
