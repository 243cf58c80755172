-- Who may do what. Two roles cannot log in: the owner of all tables, and the writer, whose functions alone write
-- cards, ledger, history and outbox. Nobody is a member of the writer, and it owns no table: the guards in the later
-- files ask `current_user`, and only a function of the writer runs as it.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['sepakat_owner', 'sepakat_writer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        END IF;
    END LOOP;
    FOREACH role_name IN ARRAY ARRAY['sepakat_api', 'sepakat_worker', 'sepakat_feed', 'sepakat_operator'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', role_name);
        END IF;
        EXECUTE format('ALTER ROLE %I SET lock_timeout = ''5s''', role_name);
        EXECUTE format('ALTER ROLE %I SET idle_in_transaction_session_timeout = ''15s''', role_name);
    END LOOP;
END
$$;
ALTER ROLE sepakat_api SET statement_timeout = '10s';
ALTER ROLE sepakat_worker SET statement_timeout = '30s';
ALTER ROLE sepakat_worker SET transaction_timeout = '60s';
ALTER ROLE sepakat_feed SET statement_timeout = '60s';
ALTER ROLE sepakat_operator SET statement_timeout = '60s';
ALTER ROLE sepakat_operator SET default_transaction_read_only = on;

REVOKE ALL ON SCHEMA public FROM public;
GRANT USAGE, CREATE ON SCHEMA public TO sepakat_owner, sepakat_writer;
GRANT USAGE ON SCHEMA public TO sepakat_api, sepakat_worker, sepakat_feed, sepakat_operator;

-- A function that anybody may execute can be hung on a temporary table by anybody: none is public unless granted.
ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_owner REVOKE EXECUTE ON FUNCTIONS FROM public;
ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_writer REVOKE EXECUTE ON FUNCTIONS FROM public;
ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_owner GRANT SELECT ON TABLES TO sepakat_operator;
