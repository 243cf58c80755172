-- open: a participant by the keyed hash of a support code, the look in the access log; or tries_left, or again_at
SELECT open_support_view($1, row($2, $3, $4, $5)::staff_member, $6) AS found;
