-- read: a case with what is needed to decide it; the look is in the access log of everybody in it. NULL: no such case
SELECT read_case_for_staff($1, row($2, $3, $4, $5)::staff_member, $6) AS found;
