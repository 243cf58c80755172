-- set_password($1 role, $2 password): the statement that sets it.
SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text);
