-- lock_import: whether this session is now the only import
SELECT pg_try_advisory_lock(hashtext('sepakat import'));

-- read_today: today in Jakarta, on the one clock
SELECT jakarta_day(current_instant());

-- add_employers: nothing; an employer that is there keeps its name
INSERT INTO employers (employer_id, name)
SELECT employer_id, name
FROM jsonb_to_recordset($1) AS e (employer_id text, name text)
ON CONFLICT (employer_id) DO NOTHING;

-- find_known: which of these identity numbers (by hash, in hex) and card numbers are known already
SELECT encode(nik_hash, 'hex') AS known FROM participant_numbers WHERE nik_hash = any($1::bytea[])
UNION ALL
SELECT kpj FROM card_numbers WHERE kpj = any($2::text[]);

-- plan_for_size: nothing; until the transaction ends plans are made for the arrays and tables as large as they are now
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- register_participants: how many of them are new
SELECT
    count(*) FILTER (
        WHERE register_participant(
            p.participant_id, p.nik_hash, p.nik_sealed, p.name, p.birth_date, p.phone_sealed, p.phone_since,
            p.email_sealed, p.locale, p.time_zone, p.deceased_on, 'import', 'import', NULL, NULL
        )
    )
FROM jsonb_to_recordset($1) AS p (
    participant_id uuid, nik_hash bytea, nik_sealed bytea, name text, birth_date date, phone_sealed bytea,
    phone_since date, email_sealed bytea, locale text, time_zone text, deceased_on date
);

-- record_causes: participant_id and cause_id, one cause for each participant
SELECT participant_id, record_cause(participant_id, 'import', 'import') AS cause_id
FROM unnest($1::uuid[]) AS participant_id;

-- open_cards: nothing; cards with all their ledger entries, in the order given
SELECT
    open_cards(
        array(SELECT c FROM jsonb_populate_recordset(NULL::card_opening, $1) AS c),
        array(SELECT e FROM jsonb_populate_recordset(NULL::card_change, $2) AS e)
    );

-- add_claims: nothing
INSERT INTO claims (participant_id, claim_id, card_id, kind, amount, state, opened_on, paid_on)
SELECT participant_id, claim_id, card_id, kind, amount, state, opened_on, paid_on
FROM jsonb_to_recordset($1) AS c (
    participant_id uuid, claim_id text, card_id uuid, kind text, amount bigint, state text, opened_on date, paid_on date
);

-- report_merges: nothing; each in state reported, with a cause of its own that names it
SELECT
    report_merge(
        m.participant_id, m.merge_id, m.absorbed, m.into_card,
        record_cause(m.participant_id, 'import', 'import', NULL, m.merge_id, NULL, m.merged_at),
        m.merged_at, m.reported
    )
FROM jsonb_to_recordset($1) AS m (
    participant_id uuid, merge_id uuid, absorbed uuid, into_card uuid, merged_at timestamptz, reported jsonb
);
