-- Files of proposals, and what they were bound to. Each proposal itself is an event.
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

-- How many proposals went out on a day.
CREATE INDEX merges_proposed_by_agency ON merges (proposed_at) WHERE proposed_by = 'agency';

GRANT SELECT, INSERT ON proposal_files TO sepakat_feed;
GRANT SELECT ON proposal_files TO sepakat_operator;
RESET ROLE;
