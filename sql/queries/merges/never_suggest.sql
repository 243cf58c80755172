-- pairs: the pairs of cards that the participant does not want to be offered again
SELECT
    card_id,
    other_card_id
FROM never_suggested_pairs
WHERE participant_id = $1;

-- remember: how many pairs of this merge were not remembered yet
SELECT never_suggest($1, $2, $3::uuid::text);
