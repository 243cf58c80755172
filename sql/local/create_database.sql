-- create_database($1 name): the statement that creates it.
SELECT format('CREATE DATABASE %I', $1::text);
