-- choose: whether this was another choice than the one in force
SELECT choose_consent($1, $2, $3, $4, $5::uuid::text);
