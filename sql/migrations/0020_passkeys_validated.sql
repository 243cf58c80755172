-- What 0019 asks of new rows is true of the old ones: looked at in a transaction of its own, so that nobody waits for it.
SET LOCAL ROLE sepakat_owner;

ALTER TABLE sessions VALIDATE CONSTRAINT session_is_of_a_passkey;
ALTER TABLE confirmations VALIDATE CONSTRAINT confirmation_is_by_a_passkey;
ALTER TABLE unlock_proofs VALIDATE CONSTRAINT unlock_proof_is_by_a_passkey;
ALTER TABLE sessions VALIDATE CONSTRAINT session_has_one_key;
ALTER TABLE confirmations VALIDATE CONSTRAINT confirmation_has_one_key;
ALTER TABLE unlock_proofs VALIDATE CONSTRAINT unlock_proof_has_one_key;
ALTER TABLE confirmations VALIDATE CONSTRAINT confirmation_is_of_its_passkey;
ALTER TABLE unlock_proofs VALIDATE CONSTRAINT unlock_proof_is_of_its_passkey;

RESET ROLE;
