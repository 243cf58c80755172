-- standing: which cards of a reported merge its own dispute froze, and another reported merge that must be settled first
SELECT
    array(SELECT frozen_by_dispute($1, $2)) AS thawed,
    (
        SELECT o.merge_id
        FROM merges AS m
        INNER JOIN merges AS o ON m.participant_id = o.participant_id AND o.into_card = any(m.absorb)
        WHERE
            m.participant_id = $1 AND m.merge_id = $2
            AND o.merge_id <> m.merge_id AND o.state IN ('reported', 'disputed')
        ORDER BY o.proposed_at, o.merge_id
        LIMIT 1
    ) AS blocked_by;

-- renew_plan: nothing
UPDATE merges
SET plan_digest = $3, plan_expires_at = $4
WHERE participant_id = $1 AND merge_id = $2 AND state IN ('reported', 'disputed') AND confirmation_id IS NULL;

-- confirm: nothing; the merge keeps its state until the worker has carried it out
UPDATE merges
SET confirmation_id = $3, confirmed_at = $4, executes_at = $4, last_refusal = NULL, cause_id = $5
WHERE participant_id = $1 AND merge_id = $2 AND state IN ('reported', 'disputed') AND confirmation_id IS NULL;

-- execute: nothing; raises plan_equals_the_cards or accept_is_confirmed
SELECT accept_merge($1, $2);

-- refuse: nothing
UPDATE merges
SET
    confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL,
    plan_digest = $3, plan_expires_at = $4, last_refusal = $5, cause_id = $6
WHERE participant_id = $1 AND merge_id = $2 AND state IN ('reported', 'disputed');
