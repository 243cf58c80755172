-- set: whether anything changed
SELECT set_preferences($1, $2, $3, $4::uuid::text);
