-- ask: nothing; raises one_open_correction_per_field
SELECT ask_correction($1, $2, $3::uuid::text, $4, $5, $6);
