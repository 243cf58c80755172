-- find: true when a link with this hash is good; from here on the transaction is its participant's
SELECT enter_by_stop_link($1);

-- stop: whose merges are cancelled and whose cards are frozen now, and the lane; nulls for a link that is not good
SELECT
    participant_id,
    lane
FROM stop_by_token($1);
