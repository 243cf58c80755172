-- Files of proposals: what they were bound to, and how many of their proposals went out on a day. Each proposal itself is an event.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE proposal_files (
    file_id bytea PRIMARY KEY CONSTRAINT proposal_file_is_a_sha256 CHECK (octet_length(file_id) = 32),
    name text NOT NULL,
    announcement_id uuid,
    announced_for interval,
    loaded_at timestamptz NOT NULL,
    database_role text NOT NULL DEFAULT session_user,
    CONSTRAINT announcement_is_waited_for CHECK ((announcement_id IS NULL) = (announced_for IS NULL))
);
COMMENT ON TABLE proposal_files IS 'Each file of proposals once, by its SHA-256, with what its proposals wait for.';
CREATE TRIGGER proposal_files_are_append_only BEFORE UPDATE OR DELETE ON proposal_files
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('proposal_files_are_append_only');
CREATE TRIGGER proposal_files_are_not_truncated BEFORE TRUNCATE ON proposal_files
    EXECUTE FUNCTION refuse_statement('proposal_files_are_append_only');
ALTER TABLE proposal_files ENABLE ALWAYS TRIGGER proposal_files_are_append_only;
ALTER TABLE proposal_files ENABLE ALWAYS TRIGGER proposal_files_are_not_truncated;

CREATE TABLE proposal_days (
    day date PRIMARY KEY,
    proposed integer NOT NULL CONSTRAINT proposals_are_counted CHECK (proposed > 0)
);
COMMENT ON TABLE proposal_days IS 'How many proposals of files went out on a day in Jakarta.';

GRANT SELECT, INSERT ON proposal_files TO sepakat_feed;
GRANT SELECT, INSERT, UPDATE (proposed) ON proposal_days TO sepakat_feed;
GRANT SELECT ON proposal_files, proposal_days TO sepakat_operator;
RESET ROLE;
