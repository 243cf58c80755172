-- start: nothing
INSERT INTO sessions (participant_id, session_id, device_id, passkey_id, started_at, refreshed_at, refresh_expires_at)
VALUES ($1, $2, $3, $4, $5, $5, $6);
