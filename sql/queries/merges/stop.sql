-- find: true when a link with this hash is good
SELECT TRUE
FROM stop_tokens
WHERE token_hash = $1 AND expires_at > current_instant();

-- stop: whose merges are cancelled and whose cards are frozen now, and the lane; nulls for a link that is not good
SELECT
    participant_id,
    lane
FROM stop_by_token($1);
