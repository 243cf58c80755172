-- make: until when the new code lives; raises twenty_support_codes_a_day
SELECT make_support_code($1, $2, $3, $4);
