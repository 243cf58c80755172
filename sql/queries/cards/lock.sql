-- lock: whether the card was not locked before
SELECT lock_card($1, $2, $3::uuid::text);

-- unlock: whether the card was locked before
SELECT unlock_card($1, $2, $3, $4, $5, $6);
