-- due: the merges whose cooling-off is over and the proposals whose time is over, of all participants, longest due first
SELECT
    participant_id,
    merge_id,
    state,
    lane_of(participant_id) AS lane
FROM merges
WHERE (state = 'confirmed' AND executes_at <= current_instant()) OR (state = 'proposed' AND expires_at <= current_instant())
ORDER BY coalesce(executes_at, expires_at)
LIMIT $1;

-- confirmation: the confirmation that a merge stands on, with the key that signed it
SELECT
    c.plan_digest,
    c.acknowledged,
    c.device_id,
    c.nonce,
    c.statement,
    c.proof,
    c.seal,
    d.public_key,
    d.removed_at IS NOT NULL AS key_removed
FROM confirmations AS c
INNER JOIN devices AS d ON c.participant_id = d.participant_id AND c.device_id = d.device_id
WHERE c.participant_id = $1 AND c.confirmation_id = $2;

-- now: what time it is for participants
SELECT current_instant();
