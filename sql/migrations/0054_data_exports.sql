-- What of everybody was written to files, by whom and what for: recorded before the first row is read.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE data_exports (
    export_id uuid PRIMARY KEY DEFAULT uuidv7(),
    what text NOT NULL CONSTRAINT export_is_of_something_known CHECK (what IN ('cards', 'merges', 'cases')),
    as_of date CONSTRAINT only_cards_have_a_day CHECK (as_of IS NULL OR what = 'cards'),
    purpose text NOT NULL CONSTRAINT export_has_a_purpose CHECK (purpose ~ '\S' AND length(purpose) <= 200),
    database_role text NOT NULL DEFAULT session_user,
    began_at timestamptz NOT NULL DEFAULT current_instant(),
    ended_at timestamptz,
    rows bigint,
    sha256 bytea,
    CONSTRAINT ended_export_says_what_it_is CHECK (num_nulls(ended_at, rows, sha256) IN (0, 3))
);
COMMENT ON TABLE data_exports IS 'Exports of everybody''s data for the agency. One that has not ended was cut short: some of it may have been read.';
COMMENT ON COLUMN data_exports.sha256 IS 'Of the file, that one which turns up somewhere can be told.';

CREATE TRIGGER exports_end_once BEFORE UPDATE ON data_exports
    FOR EACH ROW WHEN (old.ended_at IS NOT NULL) EXECUTE FUNCTION refuse_statement('exports_end_once');
CREATE TRIGGER exports_are_kept BEFORE DELETE ON data_exports FOR EACH ROW EXECUTE FUNCTION refuse_statement('exports_are_kept');
CREATE TRIGGER exports_are_not_truncated BEFORE TRUNCATE ON data_exports EXECUTE FUNCTION refuse_statement('exports_are_kept');
ALTER TABLE data_exports ENABLE ALWAYS TRIGGER exports_end_once;
ALTER TABLE data_exports ENABLE ALWAYS TRIGGER exports_are_kept;
ALTER TABLE data_exports ENABLE ALWAYS TRIGGER exports_are_not_truncated;

GRANT SELECT, INSERT (what, as_of, purpose), UPDATE (ended_at, rows, sha256) ON data_exports TO sepakat_operator;
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- What a participant is shown of a day is read for everybody by the same statement.
GRANT EXECUTE ON FUNCTION standing_contributions(uuid, date, timestamptz) TO sepakat_operator;
RESET ROLE;
