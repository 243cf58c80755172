-- issue: nothing; a message that is sent again keeps the link that it had
INSERT INTO stop_tokens (token_hash, participant_id, issued_at, expires_at)
VALUES ($1, $2, current_instant(), current_instant() + make_interval(days => $3))
ON CONFLICT (token_hash) DO NOTHING;
