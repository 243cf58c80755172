-- lift_stop: whether anything was frozen by STOP
SELECT lift_stop($1, $2, $3, $4, $5);

-- lift_stop_at_branch: lifted, nothing_frozen or code_invalid
SELECT lift_stop_at_branch($1, $2, $3, $4, $5, $6);
