-- Money for millions of cards at once: staged, checked, and posted in chunks that keep every promise of the single events.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE bulk_runs (
    run_id uuid PRIMARY KEY DEFAULT uuidv7(),
    name text NOT NULL CONSTRAINT bulk_name_is_taken UNIQUE,
    kind text NOT NULL CONSTRAINT bulk_kind_is_known CHECK (kind IN ('growth', 'contributions')),
    state text NOT NULL DEFAULT 'loading'
        CONSTRAINT bulk_state_is_known CHECK (state IN ('loading', 'staged', 'running', 'paused', 'done')),
    lines bigint NOT NULL DEFAULT 0,
    content_hash bytea NOT NULL DEFAULT sha256('') CONSTRAINT bulk_hash_has_32_bytes CHECK (length(content_hash) = 32),
    rows bigint NOT NULL DEFAULT 0,
    amount numeric(30) NOT NULL DEFAULT 0,
    posted bigint NOT NULL DEFAULT 0,
    posted_amount numeric(30) NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    refused_amount numeric(30) NOT NULL DEFAULT 0,
    reached uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    rows_per_s integer CONSTRAINT bulk_pace_is_positive CHECK (rows_per_s > 0),
    not_before timestamptz,
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
COMMENT ON COLUMN bulk_runs.content_hash IS 'SHA-256 of the first lines of the file, as many as were taken in: a load that goes on compares it.';
COMMENT ON COLUMN bulk_runs.rows IS 'Rows staged, those refused while loading among them; amount is their sum in whole rupiah.';
COMMENT ON COLUMN bulk_runs.reached IS 'Every row of participants up to this one is posted or refused.';
COMMENT ON COLUMN bulk_runs.not_before IS 'When the next chunk may begin, whoever posts it: the pace of rows_per_s.';
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

CREATE UNLOGGED TABLE bulk_lines (
    line bigint NOT NULL,
    event_id text NOT NULL,
    kpj text NOT NULL,
    amount bigint NOT NULL,
    effective_on date NOT NULL,
    year smallint,
    month date,
    employer_id text
);
COMMENT ON TABLE bulk_lines IS 'Where COPY puts a batch of rows, until the same transaction has found their cards. Empty otherwise.';

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

GRANT SELECT, INSERT ON bulk_runs TO sepakat_feed;
-- not how far it is: only posting says that
GRANT UPDATE (state, lines, content_hash, rows, amount, refused, refused_amount, rows_per_s, not_before, loaded_at, resumed_at,
    resumed_from) ON bulk_runs TO sepakat_feed;
GRANT SELECT, INSERT, TRUNCATE ON bulk_lines TO sepakat_feed;
GRANT SELECT, INSERT ON bulk_rows, bulk_refusals TO sepakat_feed;
GRANT SELECT, UPDATE ON bulk_runs TO sepakat_writer;
GRANT SELECT, DELETE ON bulk_rows TO sepakat_writer;
GRANT SELECT, INSERT ON bulk_refusals TO sepakat_writer;
GRANT SELECT ON bulk_runs TO sepakat_worker;
SELECT isolate_table('bulk_rows');

-- A card's growth of a year is credited once: by an index, which holds in every mode. Only what an index cannot see, a
-- number whose money went to another card, is left to the trigger, and that one rests where the set was checked whole.
-- squawk-ignore require-concurrent-index-deletion
DROP INDEX growth_of_a_year;
CREATE UNIQUE INDEX growth_is_credited_once ON ledger_entries (participant_id, year, card_id, received_for_kpj)
    NULLS NOT DISTINCT WHERE kind = 'growth' AND year IS NOT NULL;
ALTER TABLE ledger_entries ENABLE TRIGGER growth_is_credited_once;
CREATE INDEX joined_without_consent ON cards (participant_id, merged_into) WHERE merge_mark = 'merged_without_consent';

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Moves to the refusals what cannot be posted, as things stand now: all of it where the caller names what it broke. The
-- caller holds the heads, or counts on a later look.
CREATE FUNCTION refuse_bulk_rows(p_run_id uuid, p_after uuid, p_upto uuid, p_broken text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_refused bigint;
BEGIN
    WITH row_to_judge AS MATERIALIZED (
        SELECT b.participant_id, b.line, b.event_id, b.amount, b.effective_on, b.year, b.month, b.employer_id,
            own.kpj, own.transferred_at, living.balance,
            sum(b.amount) OVER (PARTITION BY b.participant_id, living.card_id ORDER BY b.line) AS amount_so_far,
            row_number() OVER (PARTITION BY b.participant_id, b.card_id, b.year ORDER BY b.line) AS of_year
        FROM public.bulk_rows AS b
        JOIN public.cards AS own ON own.participant_id = b.participant_id AND own.card_id = b.card_id
        JOIN public.cards AS living ON living.participant_id = own.participant_id
            AND living.card_id = CASE WHEN own.merge_mark = 'merged' THEN own.merged_into ELSE own.card_id END
        WHERE b.run_id = p_run_id AND b.participant_id > p_after AND b.participant_id <= p_upto
    ), judged AS MATERIALIZED (
        SELECT r.*, CASE
            WHEN r.transferred_at IS NOT NULL THEN 'card_unknown'
            WHEN r.balance IS NULL THEN 'card_without_jht'
            WHEN EXISTS (SELECT FROM public.ledger_entries AS l
                WHERE l.participant_id = r.participant_id AND l.source_event = r.event_id) THEN 'already_posted'
            WHEN r.year IS NOT NULL AND (r.of_year > 1 OR EXISTS (
                SELECT FROM public.ledger_entries AS l
                JOIN public.cards AS k ON k.participant_id = l.participant_id AND k.card_id = l.card_id
                WHERE l.participant_id = r.participant_id AND l.kind = 'growth' AND l.year = r.year
                    AND coalesce(l.received_for_kpj, k.kpj) = r.kpj)) THEN 'growth_credited_already'
            WHEN r.balance + r.amount_so_far > 9007199254740991 THEN 'balance_too_large'
            WHEN p_broken IS NOT NULL THEN 'invariant_violated'
            END AS code
        FROM row_to_judge AS r
    ), gone AS (
        DELETE FROM public.bulk_rows AS b USING judged AS j
        WHERE j.code IS NOT NULL AND b.participant_id = j.participant_id AND b.run_id = p_run_id AND b.line = j.line
    ), told AS (
        INSERT INTO public.bulk_refusals (run_id, line, code, detail, amount, effective_on, content)
        SELECT p_run_id, j.line, j.code, CASE WHEN j.code = 'invariant_violated' THEN p_broken END, j.amount, j.effective_on,
            public.bulk_row_as_json(j.event_id, j.kpj, j.amount, j.effective_on, j.year, j.month, j.employer_id)
        FROM judged AS j WHERE j.code IS NOT NULL
    )
    UPDATE public.bulk_runs AS r
    SET refused = r.refused + found.rows, refused_amount = r.refused_amount + found.amount
    FROM (SELECT count(*) AS rows, coalesce(sum(j.amount), 0) AS amount FROM judged AS j WHERE j.code IS NOT NULL) AS found
    WHERE r.run_id = p_run_id
    RETURNING found.rows INTO v_refused;
    RETURN v_refused;
END
$$;

-- As it stood in the file: growth has a year, a contribution its month and the day it was paid.
CREATE FUNCTION bulk_row_as_json(
    event_id text, kpj text, amount bigint, effective_on date, year smallint, month date, employer_id text
) RETURNS text LANGUAGE sql STABLE SET search_path = public, pg_temp
RETURN CASE WHEN year IS NOT NULL
    THEN json_build_object('event_id', event_id, 'kpj', kpj, 'year', year, 'amount', amount)
    ELSE json_build_object('event_id', event_id, 'kpj', kpj, 'employer_id', employer_id, 'month', to_char(month, 'YYYY-MM'),
        'amount', amount, 'paid_on', effective_on)
    END::text;

GRANT EXECUTE ON FUNCTION refuse_bulk_rows, bulk_row_as_json TO sepakat_feed;
RESET ROLE;
