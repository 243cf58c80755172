-- cause: the id of a freshly recorded cause: origin, actor, reason, merge
SELECT record_cause($1, $2, $3, $4, $5);

-- register: nothing; whose a merge is, for the core, which knows it by its id alone
INSERT INTO merge_owners (merge_id, participant_id)
VALUES ($1, $2);

-- propose: nothing
INSERT INTO merges
(
    participant_id, merge_id, state, proposed_by, reason, absorb, into_card,
    plan_digest, plan_expires_at, proposed_at, expires_at, cause_id
)
VALUES ($1, $2, 'proposed', $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- keep_plan: nothing; the plan itself says for which action it is
INSERT INTO merge_plans (participant_id, merge_id, plan_digest, action, canonical, made_at)
VALUES ($1, $2, $3, convert_from($4, 'UTF8')::jsonb ->> 'action', $4, $5)
ON CONFLICT (participant_id, merge_id, plan_digest) DO NOTHING;

-- renew_plan: nothing
UPDATE merges
SET plan_digest = $3, plan_expires_at = $4
WHERE participant_id = $1 AND merge_id = $2 AND state = 'proposed';

-- choose_survivor: nothing
UPDATE merges
SET absorb = $3, into_card = $4, plan_digest = $5, plan_expires_at = $6, cause_id = $7
WHERE participant_id = $1 AND merge_id = $2 AND state = 'proposed';

-- keep_confirmation: nothing
INSERT INTO confirmations
(
    participant_id, confirmation_id, merge_id, action, plan_digest, acknowledged,
    device_id, passkey_id, nonce, statement, proof, seal, confirmed_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13);

-- confirm: nothing
UPDATE merges
SET
    state = 'confirmed', confirmation_id = $3, confirmed_at = $4, executes_at = $5,
    last_refusal = NULL, cause_id = $6
WHERE participant_id = $1 AND merge_id = $2 AND state = 'proposed';

-- close: nothing
UPDATE merges
SET state = $3, closed_at = $4, cause_id = $5
WHERE participant_id = $1 AND merge_id = $2;

-- refuse: nothing
UPDATE merges
SET
    state = 'proposed', confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL,
    plan_digest = $3, plan_expires_at = $4, expires_at = greatest(expires_at, $4), last_refusal = $5, cause_id = $6
WHERE participant_id = $1 AND merge_id = $2 AND state = 'confirmed';

-- hand_over: nothing; raises merge_is_due
SELECT hand_merge_to_core($1, $2);

-- execute: nothing; raises plan_equals_the_cards or merge_is_due
SELECT execute_merge($1, $2, make_interval(secs => $3::integer));
