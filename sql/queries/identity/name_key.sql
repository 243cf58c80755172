-- hold: until when the key that asks is on hold; none when it is free
SELECT hold_until
FROM keys
WHERE participant_id = $1 AND key_id = $2 AND hold_until > $3;
