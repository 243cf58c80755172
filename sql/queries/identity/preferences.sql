-- set: whether anything changed. $4 says whether quiet hours are given: $5 is then {from, to}, or NULL for none
SELECT set_preferences($1, $2, $3, CASE WHEN $4 THEN coalesce($5::jsonb, 'null') END, $6::jsonb, $7::uuid::text);
