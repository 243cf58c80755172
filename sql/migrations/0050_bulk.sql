-- Money for millions of cards at once: staged, checked, and posted in chunks that keep every promise of the single events.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE bulk_runs (
    run_id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CONSTRAINT bulk_name_is_taken UNIQUE,
    kind text NOT NULL CONSTRAINT bulk_kind_is_known CHECK (kind IN ('growth', 'contributions')),
    state text NOT NULL DEFAULT 'loading'
        CONSTRAINT bulk_state_is_known CHECK (state IN ('loading', 'staged', 'running', 'paused', 'done')),
    content_hash bytea CONSTRAINT bulk_hash_has_32_bytes CHECK (length(content_hash) = 32),
    rows bigint NOT NULL DEFAULT 0,
    amount numeric(30) NOT NULL DEFAULT 0,
    posted bigint NOT NULL DEFAULT 0,
    posted_amount numeric(30) NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    refused_amount numeric(30) NOT NULL DEFAULT 0,
    reached uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    rows_per_s integer CONSTRAINT bulk_pace_is_positive CHECK (rows_per_s > 0),
    loaded_at timestamptz,
    resumed_at timestamptz,
    resumed_from bigint NOT NULL DEFAULT 0,
    ended_at timestamptz,
    CONSTRAINT bulk_run_is_loaded_whole CHECK ((state = 'loading') = (loaded_at IS NULL)),
    CONSTRAINT bulk_run_settles_what_was_staged CHECK (posted + refused <= rows OR state = 'loading'),
    CONSTRAINT bulk_run_ends_even CHECK (state <> 'done'
        OR (posted + refused = rows AND posted_amount + refused_amount = amount))
);
COMMENT ON TABLE bulk_runs IS 'One file of money. Times are real time, not the local clock.';
COMMENT ON COLUMN bulk_runs.rows IS 'Rows staged, those refused while loading among them; amount is their sum in whole rupiah.';
COMMENT ON COLUMN bulk_runs.reached IS 'Every row of participants up to this one is posted or refused.';
COMMENT ON COLUMN bulk_runs.resumed_from IS 'Rows settled at resumed_at: what the rate is counted from.';

CREATE TABLE bulk_rows (
    participant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    line bigint NOT NULL,
    card_id uuid NOT NULL,
    event_id text NOT NULL,
    amount bigint NOT NULL CONSTRAINT bulk_amount_is_not_negative CHECK (amount >= 0),
    effective_on date NOT NULL,
    year smallint,
    month date,
    employer_id text,
    PRIMARY KEY (participant_id, run_id, line)
);
COMMENT ON TABLE bulk_rows IS 'What is to be posted, in the order of posting. A row that is refused moves to bulk_refusals.';
CREATE INDEX bulk_rows_by_event ON bulk_rows (event_id);

CREATE TABLE bulk_refusals (
    run_id uuid NOT NULL,
    line bigint NOT NULL,
    code text NOT NULL,
    detail text,
    amount bigint NOT NULL,
    effective_on date,
    content text NOT NULL,
    PRIMARY KEY (run_id, line)
);
COMMENT ON COLUMN bulk_refusals.amount IS '0 where the line has no amount that can be read.';
COMMENT ON COLUMN bulk_refusals.content IS 'The row as JSON, or the line as it came when it is no row.';

GRANT SELECT, INSERT, UPDATE ON bulk_runs TO sepakat_feed;
GRANT SELECT, INSERT, DELETE ON bulk_rows, bulk_refusals TO sepakat_feed;
GRANT SELECT, UPDATE ON bulk_runs TO sepakat_writer;
GRANT SELECT, DELETE ON bulk_rows TO sepakat_writer;
GRANT SELECT, INSERT ON bulk_refusals TO sepakat_writer;
GRANT SELECT ON bulk_runs TO sepakat_worker;
SELECT isolate_table('bulk_rows');
RESET ROLE;
