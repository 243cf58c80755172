-- find_claim: a claim as it stands
SELECT
    card_id,
    state
FROM claims
WHERE participant_id = $1 AND claim_id = $2;

-- open_claim: nothing
INSERT INTO claims (participant_id, claim_id, card_id, kind, amount, state, opened_on)
VALUES ($1, $2, $3, $4, $5, 'open', $6);

-- pay_claim: nothing; a claim that was never opened here is opened and paid on the same day
INSERT INTO claims (participant_id, claim_id, card_id, kind, amount, state, opened_on, paid_on)
VALUES ($1, $2, $3, $4, $5, 'paid', $6, $6)
ON CONFLICT (participant_id, claim_id) DO UPDATE
    SET kind = excluded.kind, amount = excluded.amount, state = 'paid', paid_on = excluded.paid_on;

-- withdraw_claim: nothing
UPDATE claims
SET state = 'withdrawn'
WHERE participant_id = $1 AND claim_id = $2 AND state = 'open';
