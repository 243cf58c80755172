-- head: the seq of the participant's newest entry
SELECT seq
FROM participant_heads
WHERE participant_id = $1;
