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
            (state = 'confirmed' OR (state IN ('reported', 'disputed') AND confirmation_id IS NOT NULL))
            AND executes_at <= current_instant() AND NOT EXISTS (SELECT FROM merge_pause)
        )
    )
    AND (coalesce(executes_at, expires_at), merge_id) > ($2::timestamptz, $3::uuid)
ORDER BY due_at, merge_id
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
