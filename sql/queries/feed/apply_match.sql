-- decide: the other participant and their lane, when a card left them
SELECT
    decided.other_participant_id,
    lane_of(decided.other_participant_id) AS other_lane
FROM decide_match($1, $2, $3, $4, $5, $6, $7, $8, $9) AS decided (other_participant_id);
