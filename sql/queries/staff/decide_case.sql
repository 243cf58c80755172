-- lock: how a case stands, locked; nothing of its participant. NULL: no such case
SELECT case_to_decide($1) AS found;

-- propose: whom to wake; raises one_open_proposal_per_case when a colleague's proposal stays
SELECT propose_decision($1, $2, $3, row($4, $5, $6, $7)::staff_member) AS told;

-- confirm: whom to wake; raises the names of the constraints of case_proposals and of what follows
SELECT carry_out_proposal($1, $2, row($3, $4, $5, $6)::staff_member) AS told;

-- decide_alone: whom to wake; a supervisor's own proposal that gives nothing away
SELECT carry_out_proposal($1, $2, NULL::staff_member) AS told;
