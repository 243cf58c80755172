-- Cards, their claims and their money. A card's state is kept in parts and shown together.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE employers (
    employer_id text PRIMARY KEY,
    name text NOT NULL
);

CREATE TABLE cards (
    participant_id uuid NOT NULL REFERENCES participants,
    card_id uuid NOT NULL,
    kpj text NOT NULL CONSTRAINT kpj_has_10_to_15_characters CHECK (kpj ~ '^[0-9A-Za-z]{10,15}$'),
    segment text NOT NULL CONSTRAINT segment_is_known CHECK (segment IN ('PU', 'BPU', 'JAKON', 'PMI')),
    employer_id text,
    programmes text[] NOT NULL CONSTRAINT programmes_are_known CHECK (programmes <@ ARRAY['JHT', 'JP', 'JKK', 'JKM', 'JKP']),
    opened_on date NOT NULL,
    closed_on date,
    lifecycle text NOT NULL CONSTRAINT lifecycle_is_known
        CHECK (lifecycle IN ('pending', 'active', 'arrears', 'inactive', 'claimed')),
    claim_id text,
    merge_mark text CONSTRAINT merge_mark_is_known CHECK (merge_mark IN ('merged', 'merged_without_consent')),
    merge_id uuid,
    merged_into uuid,
    merged_at timestamptz,
    merged_via uuid[],
    frozen_at timestamptz,
    locked_at timestamptz,
    transferred_at timestamptz,
    transfer_id uuid,
    balance bigint CONSTRAINT balance_is_not_negative CHECK (balance >= 0),
    entries integer NOT NULL DEFAULT 0,
    last_contribution_month date,
    last_contribution_amount bigint,
    status text NOT NULL GENERATED ALWAYS AS (
        CASE
            WHEN transferred_at IS NOT NULL THEN 'transferred_away'
            WHEN merge_mark IS NOT NULL THEN merge_mark
            WHEN frozen_at IS NOT NULL THEN 'frozen'
            WHEN claim_id IS NOT NULL THEN 'claim_in_progress'
            ELSE lifecycle
        END
    ) STORED,
    PRIMARY KEY (participant_id, card_id),
    -- beyond this, JSON numbers are no longer exact in every client, and a plan could not be signed
    CONSTRAINT balance_is_exact_in_json CHECK (balance <= 9007199254740991),
    CONSTRAINT card_number_is_unique_for_its_owner UNIQUE (participant_id, kpj),
    CONSTRAINT only_jht_has_a_balance CHECK ((balance IS NOT NULL) = ('JHT' = ANY (programmes))),
    CONSTRAINT merged_card_names_its_merge CHECK (
        num_nulls(merge_mark, merge_id, merged_into, merged_at, merged_via) IN (0, 5)
    ),
    CONSTRAINT card_does_not_merge_into_itself CHECK (merged_into IS DISTINCT FROM card_id),
    CONSTRAINT merged_card_is_empty CHECK (merge_mark IS DISTINCT FROM 'merged' OR balance = 0),
    CONSTRAINT transferred_card_names_its_transfer CHECK (num_nulls(transferred_at, transfer_id) IN (0, 2)),
    CONSTRAINT transferred_card_is_empty CHECK (transferred_at IS NULL OR coalesce(balance, 0) = 0),
    CONSTRAINT merged_into_a_card_of_the_same_owner FOREIGN KEY (participant_id, merged_into) REFERENCES cards (participant_id, card_id)
) WITH (fillfactor = 80);
COMMENT ON COLUMN cards.status IS 'Derived: transferred_away, merged or merged_without_consent, frozen, claim_in_progress, else the lifecycle that the core told.';
COMMENT ON COLUMN cards.merged_into IS 'The living card, in one hop; merged_via keeps the path of merges.';
COMMENT ON COLUMN cards.balance IS 'Whole rupiah of JHT savings: the running sum of the ledger. NULL for a card without JHT.';

-- Every number ever issued, and whose it is. It gets another owner only inside a recorded transfer.
CREATE TABLE card_numbers (
    kpj text PRIMARY KEY,
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL
);

CREATE TABLE claims (
    participant_id uuid NOT NULL,
    claim_id text NOT NULL,
    card_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT claim_kind_is_known CHECK (kind IN ('full', 'ten_percent', 'thirty_percent')),
    amount bigint NOT NULL CONSTRAINT claim_amount_is_positive CHECK (amount > 0),
    state text NOT NULL CONSTRAINT claim_state_is_known CHECK (state IN ('open', 'paid', 'withdrawn')),
    opened_on date NOT NULL,
    paid_on date,
    PRIMARY KEY (participant_id, claim_id),
    FOREIGN KEY (participant_id, card_id) REFERENCES cards
);
CREATE UNIQUE INDEX one_open_claim_per_card ON claims (participant_id, card_id) WHERE state = 'open';

CREATE TABLE ledger_entries (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    number integer NOT NULL,
    entry_id uuid NOT NULL DEFAULT uuidv7(),
    kind text NOT NULL CONSTRAINT ledger_kind_is_known CHECK (kind IN (
        'opening', 'contribution', 'contribution_reversal', 'growth', 'claim_payment',
        'merge_out', 'merge_in', 'undo_out', 'undo_in', 'transfer_out', 'transfer_in')),
    amount bigint NOT NULL,
    balance_after bigint NOT NULL CONSTRAINT ledger_is_not_negative CHECK (balance_after >= 0),
    effective_on date NOT NULL,
    recorded_at timestamptz NOT NULL,
    employer_id text,
    month date,
    year smallint,
    received_for_kpj text,
    transfer_id uuid,
    source_event text,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, card_id, number),
    FOREIGN KEY (participant_id, card_id) REFERENCES cards,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT opening_comes_first_and_once CHECK (kind <> 'opening' OR number = 1),
    CONSTRAINT amount_has_the_sign_of_its_kind CHECK (
        CASE WHEN kind IN ('contribution_reversal', 'claim_payment', 'merge_out', 'undo_out', 'transfer_out') THEN amount < 0
            WHEN kind IN ('opening', 'growth') THEN amount >= 0 ELSE amount > 0 END),
    CONSTRAINT transfer_legs_carry_an_id CHECK ((transfer_id IS NOT NULL) = (kind IN (
        'merge_out', 'merge_in', 'undo_out', 'undo_in', 'transfer_out', 'transfer_in')))
);
CREATE UNIQUE INDEX source_event_is_posted_once ON ledger_entries (participant_id, source_event, card_id)
    WHERE source_event IS NOT NULL;
CREATE INDEX ledger_legs_of_transfer ON ledger_entries (participant_id, transfer_id) WHERE transfer_id IS NOT NULL;

GRANT SELECT ON employers, cards, card_numbers, claims, ledger_entries TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT INSERT, UPDATE ON employers, claims TO sepakat_feed;
GRANT SELECT, INSERT, UPDATE ON cards TO sepakat_writer;
GRANT SELECT, INSERT ON card_numbers, ledger_entries TO sepakat_writer;
GRANT SELECT ON employers, claims TO sepakat_writer;

CREATE TRIGGER ledger_is_append_only BEFORE UPDATE OR DELETE ON ledger_entries
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('ledger_is_append_only');
CREATE TRIGGER ledger_is_not_truncated BEFORE TRUNCATE ON ledger_entries EXECUTE FUNCTION refuse_statement('ledger_is_append_only');
CREATE TRIGGER ledger_by_function_only BEFORE INSERT ON ledger_entries
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('ledger_by_function_only');
CREATE TRIGGER cards_are_opened_by_function BEFORE INSERT OR DELETE ON cards
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('cards_are_opened_by_function');
CREATE TRIGGER cards_are_not_truncated BEFORE TRUNCATE ON cards EXECUTE FUNCTION refuse_statement('cards_are_opened_by_function');
CREATE TRIGGER balance_is_the_sum_of_its_entries AFTER UPDATE ON cards
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer' AND (old.balance, old.entries) IS DISTINCT FROM (new.balance, new.entries))
    EXECUTE FUNCTION refuse_statement('balance_is_the_sum_of_its_entries');
CREATE TRIGGER card_never_changes_its_participant AFTER UPDATE ON cards
    FOR EACH ROW WHEN ((old.participant_id, old.card_id, old.kpj) IS DISTINCT FROM (new.participant_id, new.card_id, new.kpj))
    EXECUTE FUNCTION refuse_statement('card_never_changes_its_participant');
CREATE TRIGGER card_numbers_are_kept BEFORE DELETE ON card_numbers
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('card_numbers_are_kept');
CREATE TRIGGER card_numbers_are_not_truncated BEFORE TRUNCATE ON card_numbers EXECUTE FUNCTION refuse_statement('card_numbers_are_kept');
ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER ledger_is_append_only;
ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER ledger_is_not_truncated;
ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER ledger_by_function_only;
ALTER TABLE cards ENABLE ALWAYS TRIGGER cards_are_opened_by_function;
ALTER TABLE cards ENABLE ALWAYS TRIGGER cards_are_not_truncated;
ALTER TABLE cards ENABLE ALWAYS TRIGGER balance_is_the_sum_of_its_entries;
ALTER TABLE cards ENABLE ALWAYS TRIGGER card_never_changes_its_participant;
ALTER TABLE card_numbers ENABLE ALWAYS TRIGGER card_numbers_are_kept;
ALTER TABLE card_numbers ENABLE ALWAYS TRIGGER card_numbers_are_not_truncated;

-- One change of one card. `patch` sets parts of the state (a key that is there is set, null clears it); `amount`, when
-- given, is a ledger entry of `ledger_kind`. `kind` and `data` are those of the history entry.
CREATE TYPE card_change AS (
    participant_id uuid, card_id uuid, cause_id uuid, kind text,
    ledger_kind text, amount bigint, effective_on date, employer_id text, month date, year smallint,
    received_for_kpj text, transfer_id uuid, source_event text,
    patch jsonb, data jsonb
);
CREATE TYPE card_opening AS (
    participant_id uuid, card_id uuid, cause_id uuid, kpj text, segment text, employer_id text, programmes text[],
    opened_on date, closed_on date, lifecycle text, claim_id text
);

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- The only writer of money: entries with running balance and number, and the cards' balances with them. Heads and
-- cards are locked in order. Rows without an amount are passed over. Rows of one card count in the order given.
CREATE FUNCTION post_entries(p_changes card_change[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads h
    WHERE h.participant_id IN (SELECT c.participant_id FROM unnest(p_changes) AS c)
    ORDER BY h.participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k
    WHERE (k.participant_id, k.card_id) IN (SELECT c.participant_id, c.card_id FROM unnest(p_changes) AS c)
    ORDER BY k.participant_id, k.kpj FOR UPDATE;

    IF EXISTS (
        SELECT FROM unnest(p_changes) AS c JOIN public.cards AS k ON k.participant_id = c.participant_id AND k.card_id = c.card_id
        WHERE c.amount IS NOT NULL AND k.balance IS NULL
    ) THEN
        PERFORM public.refuse('only_jht_has_a_balance', 'money was posted to a card without JHT');
    END IF;

    WITH entry AS MATERIALIZED (
        SELECT c.participant_id, c.card_id, c.cause_id, c.ledger_kind, c.amount, c.effective_on, c.employer_id, c.month, c.year,
            c.received_for_kpj, c.transfer_id, c.source_event, c.position,
            k.entries + row_number() OVER card AS number, k.balance + sum(c.amount) OVER card AS balance_after
        FROM unnest(p_changes) WITH ORDINALITY AS c (participant_id, card_id, cause_id, kind, ledger_kind, amount, effective_on,
            employer_id, month, year, received_for_kpj, transfer_id, source_event, patch, data, position)
        JOIN public.cards AS k ON k.participant_id = c.participant_id AND k.card_id = c.card_id
        WHERE c.amount IS NOT NULL
        WINDOW card AS (PARTITION BY c.participant_id, c.card_id ORDER BY c.position)
    ), written AS (
        INSERT INTO public.ledger_entries
            (participant_id, card_id, number, kind, amount, balance_after, effective_on, recorded_at, employer_id, month, year,
            received_for_kpj, transfer_id, source_event, cause_id)
        SELECT participant_id, card_id, number, ledger_kind, amount, balance_after, effective_on, public.current_instant(),
            employer_id, month, year, received_for_kpj, transfer_id, source_event, cause_id
        FROM entry ORDER BY participant_id, card_id, number
    ), last AS (
        SELECT DISTINCT ON (participant_id, card_id) participant_id, card_id, number, balance_after
        FROM entry ORDER BY participant_id, card_id, number DESC
    ), contribution AS (
        SELECT DISTINCT ON (participant_id, card_id) participant_id, card_id, month, amount
        FROM entry WHERE ledger_kind = 'contribution' ORDER BY participant_id, card_id, month DESC, number DESC
    )
    UPDATE public.cards AS k SET
        entries = last.number,
        balance = last.balance_after,
        last_contribution_month = CASE WHEN c.month >= coalesce(k.last_contribution_month, c.month)
            THEN c.month ELSE k.last_contribution_month END,
        last_contribution_amount = CASE WHEN c.month >= coalesce(k.last_contribution_month, c.month)
            THEN c.amount ELSE k.last_contribution_amount END
    FROM last LEFT JOIN contribution AS c ON c.participant_id = last.participant_id AND c.card_id = last.card_id
    WHERE k.participant_id = last.participant_id AND k.card_id = last.card_id;
END
$$;

-- Changes cards: money, state, and one history entry per card with what was before and after. Any number of rows of one
-- card in one call must share one cause; kind and data of the last row are the entry's.
CREATE FUNCTION change_cards(p_changes card_change[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_before jsonb;
    v_entries public.history_entry[];
BEGIN
    PERFORM FROM public.participant_heads h
    WHERE h.participant_id IN (SELECT c.participant_id FROM unnest(p_changes) AS c)
    ORDER BY h.participant_id FOR UPDATE;

    IF EXISTS (
        SELECT FROM unnest(p_changes) AS c
        LEFT JOIN public.causes AS cause ON cause.participant_id = c.participant_id AND cause.cause_id = c.cause_id
        WHERE c.kind IS NULL OR cause.xact IS DISTINCT FROM pg_current_xact_id()
    ) THEN
        PERFORM public.refuse('cause_is_of_this_transaction', 'a change needs a kind, and a cause recorded in its own transaction');
    END IF;

    SELECT jsonb_object_agg(locked.card_id, jsonb_build_array(locked.status, locked.balance)) INTO v_before
    FROM (
        SELECT k.card_id, k.status, k.balance FROM public.cards AS k
        WHERE (k.participant_id, k.card_id) IN (SELECT c.participant_id, c.card_id FROM unnest(p_changes) AS c)
        ORDER BY k.participant_id, k.kpj FOR UPDATE
    ) AS locked;

    -- A card that comes back is no longer merged before money comes in: a merged card is empty.
    UPDATE public.cards AS k SET merge_mark = NULL, merge_id = NULL, merged_at = NULL, merged_into = NULL, merged_via = NULL
    FROM unnest(p_changes) AS c
    WHERE k.participant_id = c.participant_id AND k.card_id = c.card_id AND k.merge_mark = 'merged'
        AND c.patch -> 'merge_mark' = 'null';

    PERFORM public.post_entries(p_changes);

    UPDATE public.cards AS k SET
        lifecycle = CASE WHEN p.patch ? 'lifecycle' THEN p.patch ->> 'lifecycle' ELSE k.lifecycle END,
        closed_on = CASE WHEN p.patch ? 'closed_on' THEN (p.patch ->> 'closed_on')::date ELSE k.closed_on END,
        employer_id = CASE WHEN p.patch ? 'employer_id' THEN p.patch ->> 'employer_id' ELSE k.employer_id END,
        claim_id = CASE WHEN p.patch ? 'claim_id' THEN p.patch ->> 'claim_id' ELSE k.claim_id END,
        frozen_at = CASE WHEN p.patch ? 'frozen_at' THEN (p.patch ->> 'frozen_at')::timestamptz ELSE k.frozen_at END,
        locked_at = CASE WHEN p.patch ? 'locked_at' THEN (p.patch ->> 'locked_at')::timestamptz ELSE k.locked_at END,
        transferred_at = CASE WHEN p.patch ? 'transfer_id'
            THEN (p.patch ->> 'transferred_at')::timestamptz ELSE k.transferred_at END,
        transfer_id = CASE WHEN p.patch ? 'transfer_id' THEN (p.patch ->> 'transfer_id')::uuid ELSE k.transfer_id END,
        merge_mark = CASE WHEN p.patch ? 'merge_mark' THEN p.patch ->> 'merge_mark' ELSE k.merge_mark END,
        merge_id = CASE WHEN p.patch ? 'merge_mark' THEN (p.patch ->> 'merge_id')::uuid ELSE k.merge_id END,
        merged_at = CASE WHEN p.patch ? 'merge_mark' THEN (p.patch ->> 'merged_at')::timestamptz ELSE k.merged_at END,
        merged_into = CASE WHEN p.patch ? 'merged_into' THEN (p.patch ->> 'merged_into')::uuid ELSE k.merged_into END,
        merged_via = CASE WHEN p.patch ? 'merged_via'
            THEN (SELECT array_agg(v::uuid) FROM jsonb_array_elements_text(nullif(p.patch -> 'merged_via', 'null')) AS v)
            ELSE k.merged_via END
    FROM (
        SELECT c.participant_id, c.card_id, jsonb_object_agg(part.key, part.value ORDER BY c.position) AS patch
        FROM unnest(p_changes) WITH ORDINALITY AS c (participant_id, card_id, cause_id, kind, ledger_kind, amount, effective_on,
            employer_id, month, year, received_for_kpj, transfer_id, source_event, patch, data, position),
            jsonb_each(c.patch) AS part (key, value)
        GROUP BY c.participant_id, c.card_id
    ) AS p
    WHERE k.participant_id = p.participant_id AND k.card_id = p.card_id;

    SELECT array_agg(
        ROW(k.participant_id, last.kind, k.card_id, last.merge_id, last.cause_id, last.data || jsonb_build_object(
            'kpj', k.kpj,
            'status_before', v_before -> k.card_id::text -> 0, 'status_after', k.status,
            'balance_before', v_before -> k.card_id::text -> 1, 'balance_after', k.balance
        ))::public.history_entry
        ORDER BY k.participant_id, k.kpj) INTO v_entries
    FROM (
        SELECT DISTINCT ON (c.participant_id, c.card_id) c.participant_id, c.card_id, c.cause_id, c.kind,
            cause.merge_id, coalesce(c.data, '{}') AS data
        FROM unnest(p_changes) WITH ORDINALITY AS c (participant_id, card_id, cause_id, kind, ledger_kind, amount, effective_on,
            employer_id, month, year, received_for_kpj, transfer_id, source_event, patch, data, position)
        JOIN public.causes AS cause ON cause.participant_id = c.participant_id AND cause.cause_id = c.cause_id
        ORDER BY c.participant_id, c.card_id, c.position DESC
    ) AS last
    JOIN public.cards AS k ON k.participant_id = last.participant_id AND k.card_id = last.card_id;

    PERFORM public.append_history(v_entries);
END
$$;

-- What the agency's core may tell of cards: lifecycle, employer and claims, contributions, growth and claim payments.
CREATE FUNCTION apply_changes(p_changes card_change[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unnest(p_changes) AS c, jsonb_object_keys(c.patch) AS part
        WHERE part NOT IN ('lifecycle', 'closed_on', 'claim_id', 'employer_id')
    ) OR EXISTS (
        SELECT FROM unnest(p_changes) AS c
        WHERE c.ledger_kind NOT IN ('contribution', 'contribution_reversal', 'growth', 'claim_payment')
            OR c.kind NOT IN ('card_status_changed', 'contribution_posted', 'late_contribution_posted', 'contribution_reversed',
                'growth_credited', 'claim_opened', 'claim_paid', 'claim_withdrawn')
    ) THEN
        PERFORM public.refuse('core_tells_only_its_own', 'only lifecycle, claims, contributions and growth come from the core');
    END IF;
    PERFORM public.change_cards(p_changes);
END
$$;

-- Opens cards, with the entries that they come with (`opening` first, in an import contributions and growth too): one
-- history entry per card. Numbers that are known already are refused under the name of the look-up's key.
CREATE FUNCTION open_cards(p_cards card_opening[], p_entries card_change[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_entries public.history_entry[];
BEGIN
    PERFORM FROM public.participant_heads h
    WHERE h.participant_id IN (SELECT c.participant_id FROM unnest(p_cards) AS c)
    ORDER BY h.participant_id FOR UPDATE;
    IF EXISTS (
        SELECT FROM unnest(p_entries) AS e
        WHERE e.ledger_kind NOT IN ('opening', 'contribution', 'contribution_reversal', 'growth', 'claim_payment') OR e.amount IS NULL
            OR NOT EXISTS (SELECT FROM unnest(p_cards) AS c WHERE c.participant_id = e.participant_id AND c.card_id = e.card_id
                AND c.cause_id = e.cause_id)
    ) THEN
        PERFORM public.refuse('cards_open_with_their_own_entries', 'an opened card comes with entries of its own only');
    END IF;
    INSERT INTO public.card_numbers (kpj, participant_id, card_id)
    SELECT c.kpj, c.participant_id, c.card_id FROM unnest(p_cards) AS c ORDER BY c.kpj;
    INSERT INTO public.cards
        (participant_id, card_id, kpj, segment, employer_id, programmes, opened_on, closed_on, lifecycle, claim_id, balance)
    SELECT c.participant_id, c.card_id, c.kpj, c.segment, c.employer_id, c.programmes, c.opened_on, c.closed_on, c.lifecycle,
        c.claim_id, CASE WHEN 'JHT' = ANY (c.programmes) THEN 0 END
    FROM unnest(p_cards) AS c;

    PERFORM public.post_entries(p_entries);

    SELECT array_agg(ROW(k.participant_id, 'card_opened', k.card_id, NULL, c.cause_id, jsonb_build_object(
            'kpj', k.kpj, 'status_before', NULL, 'status_after', k.status, 'balance_before', NULL, 'balance_after', k.balance,
            'opened_on', k.opened_on, 'employer', (SELECT name FROM public.employers WHERE employer_id = k.employer_id)
        ))::public.history_entry ORDER BY k.participant_id, k.kpj) INTO v_entries
    FROM unnest(p_cards) AS c
    JOIN public.cards AS k ON k.participant_id = c.participant_id AND k.card_id = c.card_id;
    PERFORM public.append_history(v_entries);
END
$$;

-- Hand-typed SQL by the owner or a superuser: outside what can be prevented, so it is told. Not fired when a change
-- arrives by logical replication: its history arrives with it.
CREATE FUNCTION capture_unexplained_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    v_cause_id := public.record_cause(new.participant_id, 'unexplained', session_user, 'changed by hand in the database');
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, 'unexplained_change', new.card_id, NULL, v_cause_id,
        jsonb_build_object('kpj', new.kpj, 'status_before', old.status, 'status_after', new.status,
            'balance_before', old.balance, 'balance_after', new.balance, 'database_role', session_user))::public.history_entry]);
    RETURN NULL;
END
$$;

GRANT EXECUTE ON FUNCTION apply_changes(card_change[]), open_cards(card_opening[], card_change[]) TO sepakat_feed;
GRANT EXECUTE ON FUNCTION capture_unexplained_change() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER unexplained_change_is_captured AFTER UPDATE ON cards
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer' AND (
        old.status, old.lifecycle, old.claim_id, old.frozen_at, old.locked_at, old.merge_mark, old.merged_into, old.closed_on
    ) IS DISTINCT FROM (
        new.status, new.lifecycle, new.claim_id, new.frozen_at, new.locked_at, new.merge_mark, new.merged_into, new.closed_on))
    EXECUTE FUNCTION capture_unexplained_change();

-- Legs of a merge, undo or transfer sum to zero when the transaction commits. Those of a transfer lie at the two
-- participants that its record names, and nowhere else.
CREATE FUNCTION check_legs_sum_to_zero() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF (SELECT sum(e.amount) FROM public.ledger_entries AS e
        WHERE e.transfer_id = new.transfer_id AND (e.participant_id = new.participant_id OR e.participant_id = (
            SELECT t.other_participant_id FROM public.card_transfers AS t
            WHERE t.participant_id = new.participant_id AND t.transfer_id = new.transfer_id))) <> 0
    THEN
        PERFORM public.refuse('legs_sum_to_zero', format('the legs of %s do not sum to zero', new.transfer_id));
    END IF;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER legs_sum_to_zero AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (new.transfer_id IS NOT NULL) EXECUTE FUNCTION check_legs_sum_to_zero();
ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER legs_sum_to_zero;
RESET ROLE;
