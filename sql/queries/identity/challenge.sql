-- make: nothing
INSERT INTO challenges (nonce, purpose, participant_id, device_id, subject_id, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);
