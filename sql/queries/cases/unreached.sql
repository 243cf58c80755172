-- keep: people whose case of being unreached was opened, or ended because they have read all, just now, at most so many of each; none
-- when none is left
SELECT
    participant_id,
    lane
FROM keep_unreached_cases($1);
