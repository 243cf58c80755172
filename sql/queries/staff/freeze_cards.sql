-- freeze: what stands proposed or done, and whom to wake. NULL: nobody has this identity number
SELECT freeze_by_staff($1, $2, $3, row($4, $5, $6, $7)::staff_member) AS found;
