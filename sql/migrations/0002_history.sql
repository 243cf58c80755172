-- Participants and their history: one table that is the inbox, the timeline, the audit log and the source of the outbox.
SET LOCAL ROLE sepakat_owner;

-- The one clock. It runs ahead of the real one only where somebody was granted UPDATE on it: in local mode.
CREATE TABLE local_clock (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT local_clock_has_one_row CHECK (only_row),
    ahead interval NOT NULL DEFAULT '0' CONSTRAINT local_clock_never_goes_back CHECK (ahead >= '0')
);
INSERT INTO local_clock DEFAULT VALUES;

CREATE FUNCTION current_instant() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT now() + ahead FROM local_clock $$;
COMMENT ON FUNCTION current_instant() IS 'What time it is for participants: the start of this transaction, on the one clock.';

CREATE FUNCTION jakarta_day(instant timestamptz) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (instant AT TIME ZONE 'Asia/Jakarta')::date;

CREATE FUNCTION lane_of(participant_id uuid) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((uuid_hash(participant_id)::bigint + 2147483648) >> 26)::smallint;
COMMENT ON FUNCTION lane_of(uuid) IS 'The lane (0..63): the top six bits of the hash that Citus shards by, so that a lane lies in one shard.';

CREATE TABLE participants (
    participant_id uuid PRIMARY KEY,
    nik text NOT NULL,
    name text NOT NULL,
    birth_date date NOT NULL,
    phone text,
    phone_since date,
    email text,
    locale text NOT NULL DEFAULT 'id' CONSTRAINT participant_locale_is_known CHECK (locale IN ('id', 'en')),
    time_zone text NOT NULL DEFAULT 'Asia/Jakarta'
        CONSTRAINT participant_time_zone_is_indonesian CHECK (time_zone IN ('Asia/Jakarta', 'Asia/Makassar', 'Asia/Jayapura')),
    registered_at timestamptz NOT NULL,
    deceased_on date
);

-- Look-up tables are keyed by what is looked up and written in the same transaction as what they point to.
CREATE TABLE participant_numbers (
    nik text PRIMARY KEY CONSTRAINT nik_has_16_digits CHECK (nik ~ '^[0-9]{16}$'),
    participant_id uuid NOT NULL
);

-- The head is locked first, always: it orders everything that happens to one participant.
CREATE TABLE participant_heads (
    participant_id uuid PRIMARY KEY REFERENCES participants,
    seq bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex')
) WITH (fillfactor = 70);

CREATE TABLE causes (
    participant_id uuid NOT NULL REFERENCES participants,
    cause_id uuid NOT NULL DEFAULT uuidv7(),
    origin text NOT NULL CONSTRAINT cause_origin_is_known
        CHECK (origin IN ('participant', 'agency', 'core', 'system', 'import', 'unexplained')),
    actor text NOT NULL,
    reason text,
    merge_id uuid,
    event_id text,
    bulk boolean NOT NULL DEFAULT false,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    database_role name NOT NULL,
    xact xid8 NOT NULL,
    PRIMARY KEY (participant_id, cause_id)
);

CREATE TABLE entry_kinds (
    kind text PRIMARY KEY,
    reach text NOT NULL CONSTRAINT reach_is_known CHECK (reach IN ('silent', 'inbox', 'push', 'ladder')),
    class text NOT NULL CONSTRAINT entry_class_is_known CHECK (class IN ('card', 'security', 'notice')),
    severity text NOT NULL CONSTRAINT severity_is_known CHECK (severity IN ('info', 'warning', 'critical')),
    written_by text NOT NULL CONSTRAINT written_by_is_known CHECK (written_by IN ('change', 'note')),
    wording text NOT NULL
);
COMMENT ON COLUMN entry_kinds.written_by IS 'change: only together with the change itself; note: by add_note as well.';
COMMENT ON COLUMN entry_kinds.wording IS 'The wording version that new entries of this kind are shown with; stored with each entry.';

CREATE TABLE history (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL CONSTRAINT history_starts_at_one CHECK (seq >= 1),
    kind text NOT NULL REFERENCES entry_kinds,
    card_id uuid,
    merge_id uuid,
    cause_id uuid NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    wording text NOT NULL,
    commitment bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (participant_id, seq),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
CREATE UNIQUE INDEX one_entry_per_card_and_cause ON history (participant_id, cause_id, card_id) WHERE card_id IS NOT NULL;
CREATE INDEX history_of_card ON history (participant_id, card_id, seq) WHERE card_id IS NOT NULL;

-- The chain covers commitment = sha256(field(salt) || field(data)); the data can go without breaking it.
CREATE TABLE history_data (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    salt bytea NOT NULL,
    data text NOT NULL CONSTRAINT history_data_is_an_object CHECK (data IS JSON OBJECT),
    PRIMARY KEY (participant_id, seq),
    FOREIGN KEY (participant_id, seq) REFERENCES history
);

CREATE TABLE inbox_pointers (
    participant_id uuid PRIMARY KEY REFERENCES participants,
    read_up_to bigint NOT NULL
);
CREATE TABLE acknowledgements (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    device_id uuid NOT NULL,
    acknowledged_at timestamptz NOT NULL,
    PRIMARY KEY (participant_id, seq),
    FOREIGN KEY (participant_id, seq) REFERENCES history
);
CREATE TABLE receipts (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    device_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (participant_id, seq, device_id),
    FOREIGN KEY (participant_id, seq) REFERENCES history
);

CREATE TABLE outbox (
    lane smallint NOT NULL,
    class smallint NOT NULL,
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    cause_id uuid NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    PRIMARY KEY (lane, class, participant_id, seq)
) WITH (fillfactor = 80);
COMMENT ON COLUMN outbox.class IS '0 urgent, 1 bulk';
COMMENT ON COLUMN outbox.not_before IS 'Real time, not the local clock: a row parked for a retry.';

CREATE TABLE lanes (
    lane smallint PRIMARY KEY,
    owner uuid,
    fence bigint NOT NULL DEFAULT 0,
    rung bigint NOT NULL DEFAULT 0,
    lease_until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
COMMENT ON COLUMN lanes.rung IS 'Counts doorbells that found the lane owned: the owner looks again before it lets go.';
INSERT INTO lanes (lane) SELECT generate_series(0, 63);

GRANT SELECT ON participants, participant_numbers, participant_heads, causes, entry_kinds, history, history_data,
    inbox_pointers, acknowledgements, receipts, local_clock TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT SELECT ON outbox, lanes TO sepakat_worker;
GRANT DELETE, UPDATE (attempts, not_before) ON outbox TO sepakat_worker;
GRANT UPDATE (owner, fence, rung, lease_until) ON lanes TO sepakat_worker;
GRANT INSERT, UPDATE ON inbox_pointers TO sepakat_api;
GRANT INSERT ON acknowledgements, receipts TO sepakat_api;
GRANT SELECT, INSERT, UPDATE ON participants, participant_heads TO sepakat_writer;
GRANT SELECT, INSERT ON participant_numbers, causes, history, history_data, outbox TO sepakat_writer;
GRANT SELECT ON entry_kinds TO sepakat_writer;
GRANT EXECUTE ON FUNCTION current_instant(), jakarta_day(timestamptz), lane_of(uuid)
    TO sepakat_writer, sepakat_api, sepakat_worker, sepakat_feed, sepakat_operator;

-- A refusal with a constraint's name: the code translates by name, whoever refused.
CREATE FUNCTION refuse(constraint_name text, message text) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = message, CONSTRAINT = constraint_name;
END
$$;
GRANT EXECUTE ON FUNCTION refuse(text, text) TO sepakat_writer;

-- TG_ARGV[0] is the name under which the statement is refused.
CREATE FUNCTION refuse_statement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM public.refuse(tg_argv[0], format('%s on %I is refused: %s', tg_op, tg_table_name, tg_argv[0]));
    RETURN NULL;
END
$$;

-- Append-only, for everybody, the writer included.
CREATE TRIGGER history_is_append_only BEFORE UPDATE OR DELETE ON history
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('history_is_append_only');
CREATE TRIGGER history_is_not_truncated BEFORE TRUNCATE ON history EXECUTE FUNCTION refuse_statement('history_is_append_only');
CREATE TRIGGER history_data_is_append_only BEFORE UPDATE OR DELETE ON history_data
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('history_data_is_append_only');
CREATE TRIGGER history_data_is_not_truncated BEFORE TRUNCATE ON history_data EXECUTE FUNCTION refuse_statement('history_data_is_append_only');
CREATE TRIGGER causes_are_append_only BEFORE UPDATE OR DELETE ON causes
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('causes_are_append_only');
CREATE TRIGGER causes_are_not_truncated BEFORE TRUNCATE ON causes EXECUTE FUNCTION refuse_statement('causes_are_append_only');

-- Written by the writer's functions or not at all.
CREATE TRIGGER history_by_function_only BEFORE INSERT ON history
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('history_by_function_only');
CREATE TRIGGER history_data_by_function_only BEFORE INSERT ON history_data
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('history_by_function_only');
CREATE TRIGGER causes_by_function_only BEFORE INSERT ON causes
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('causes_by_function_only');
CREATE TRIGGER heads_by_function_only BEFORE INSERT OR UPDATE OR DELETE ON participant_heads
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('heads_by_function_only');
CREATE TRIGGER heads_are_not_truncated BEFORE TRUNCATE ON participant_heads EXECUTE FUNCTION refuse_statement('heads_by_function_only');
CREATE TRIGGER outbox_by_function_only BEFORE INSERT ON outbox
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('outbox_by_function_only');
CREATE TRIGGER outbox_is_not_truncated BEFORE TRUNCATE ON outbox EXECUTE FUNCTION refuse_statement('outbox_by_function_only');

ALTER TABLE history ENABLE ALWAYS TRIGGER history_is_append_only;
ALTER TABLE history ENABLE ALWAYS TRIGGER history_is_not_truncated;
ALTER TABLE history ENABLE ALWAYS TRIGGER history_by_function_only;
ALTER TABLE history_data ENABLE ALWAYS TRIGGER history_data_is_append_only;
ALTER TABLE history_data ENABLE ALWAYS TRIGGER history_data_is_not_truncated;
ALTER TABLE history_data ENABLE ALWAYS TRIGGER history_data_by_function_only;
ALTER TABLE causes ENABLE ALWAYS TRIGGER causes_are_append_only;
ALTER TABLE causes ENABLE ALWAYS TRIGGER causes_are_not_truncated;
ALTER TABLE causes ENABLE ALWAYS TRIGGER causes_by_function_only;
ALTER TABLE participant_heads ENABLE ALWAYS TRIGGER heads_by_function_only;
ALTER TABLE participant_heads ENABLE ALWAYS TRIGGER heads_are_not_truncated;
ALTER TABLE outbox ENABLE ALWAYS TRIGGER outbox_by_function_only;
ALTER TABLE outbox ENABLE ALWAYS TRIGGER outbox_is_not_truncated;

-- ── The hash chain ────────────────────────────────────────────────────────────────────────────────────────────────
-- field(v) = int4 length || bytes, length −1 for NULL: two different rows can never give the same bytes.
CREATE FUNCTION field(value bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value IS NULL THEN int4send(-1) ELSE int4send(length(value)) || value END;

CREATE FUNCTION entry_commitment(salt bytea, data text) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(field(salt) || field(convert_to(data, 'UTF8')));

CREATE FUNCTION entry_body(
    participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid,
    occurred_at timestamptz, recorded_at timestamptz, wording text, commitment bytea
) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN field(convert_to('sepakat-history-1', 'UTF8')) || field(uuid_send(participant_id)) || field(int8send(seq))
    || field(convert_to(kind, 'UTF8')) || field(uuid_send(card_id)) || field(uuid_send(merge_id)) || field(uuid_send(cause_id))
    || field(timestamptz_send(occurred_at)) || field(timestamptz_send(recorded_at))
    || field(convert_to(wording, 'UTF8')) || field(commitment);

CREATE FUNCTION chain_step(state bytea, head bytea, body bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256(field(coalesce(state, head)) || body);

CREATE AGGREGATE chain(head bytea, body bytea) (sfunc = chain_step, stype = bytea);
COMMENT ON AGGREGATE chain(bytea, bytea) IS 'The hash after each entry: sha256(field(hash before) || body), starting from the head.';
GRANT EXECUTE ON FUNCTION field(bytea), entry_commitment(bytea, text), chain_step(bytea, bytea, bytea), chain(bytea, bytea),
    entry_body(uuid, bigint, text, uuid, uuid, uuid, timestamptz, timestamptz, text, bytea)
    TO sepakat_writer, sepakat_operator;

CREATE TYPE history_entry AS (
    participant_id uuid, kind text, card_id uuid, merge_id uuid, cause_id uuid, data jsonb
);

-- ── The writer's functions ────────────────────────────────────────────────────────────────────────────────────────
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Locks a participant's head for this transaction: whoever decides about cards takes it first. Returns its seq and lane.
CREATE FUNCTION lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT h.seq, public.lane_of(h.participant_id) FROM public.participant_heads AS h
    WHERE h.participant_id = p_participant_id FOR UPDATE
$$;
GRANT EXECUTE ON FUNCTION lock_participant(uuid) TO sepakat_api, sepakat_worker, sepakat_feed;

-- Who, why, and which merge or event, recorded before anything changes. Returns the cause's id.
CREATE FUNCTION record_cause(
    p_participant_id uuid, p_origin text, p_actor text, p_reason text DEFAULT NULL, p_merge_id uuid DEFAULT NULL,
    p_event_id text DEFAULT NULL, p_occurred_at timestamptz DEFAULT NULL, p_bulk boolean DEFAULT false
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    IF NOT pg_has_role(session_user, 'sepakat_owner', 'MEMBER')
        AND NOT (p_origin IN ('participant', 'system')
            AND (pg_has_role(session_user, 'sepakat_api', 'MEMBER') OR pg_has_role(session_user, 'sepakat_worker', 'MEMBER')))
        AND NOT (p_origin IN ('agency', 'core', 'import') AND pg_has_role(session_user, 'sepakat_feed', 'MEMBER'))
    THEN
        PERFORM public.refuse('cause_origin_fits_role', format('%s may not act as %s', session_user, p_origin));
    END IF;
    PERFORM FROM public.participant_heads h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF p_origin = 'import' AND EXISTS (
        SELECT FROM public.causes AS c WHERE c.participant_id = p_participant_id AND c.xact <> pg_current_xact_id()
    ) THEN
        PERFORM public.refuse('import_is_the_beginning', 'an import only brings participants that were not known before');
    END IF;
    INSERT INTO public.causes
        (participant_id, origin, actor, reason, merge_id, event_id, bulk, occurred_at, recorded_at, database_role, xact)
    VALUES (p_participant_id, p_origin, p_actor, p_reason, p_merge_id, p_event_id, p_bulk,
        coalesce(p_occurred_at, public.current_instant()), public.current_instant(), session_user, pg_current_xact_id())
    RETURNING cause_id INTO v_cause_id;
    RETURN v_cause_id;
END
$$;

-- Appends entries: seq and hash chain per participant, data apart, outbox unless the kind is silent.
-- An import's entries are always `baseline`. The cause must be of this very transaction.
CREATE FUNCTION append_history(p_entries history_entry[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads h
    WHERE h.participant_id IN (SELECT e.participant_id FROM unnest(p_entries) AS e)
    ORDER BY h.participant_id FOR UPDATE;

    IF EXISTS (
        SELECT FROM unnest(p_entries) AS e
        LEFT JOIN public.causes AS c ON c.participant_id = e.participant_id AND c.cause_id = e.cause_id
        WHERE c.xact IS DISTINCT FROM pg_current_xact_id()
    ) THEN
        PERFORM public.refuse('cause_is_of_this_transaction', 'an entry needs a cause recorded in its own transaction');
    END IF;

    IF EXISTS (SELECT FROM unnest(p_entries) AS e WHERE NOT EXISTS (SELECT FROM public.entry_kinds AS k WHERE k.kind = e.kind)) THEN
        PERFORM public.refuse('entry_kind_is_known', 'an entry needs a kind of entry_kinds');
    END IF;

    WITH entry AS MATERIALIZED (
        SELECT e.participant_id, e.card_id, e.merge_id, e.cause_id, k.kind, k.reach, k.wording, c.bulk, c.occurred_at,
            h.hash AS head, h.seq + row_number() OVER (PARTITION BY e.participant_id ORDER BY e.position) AS seq,
            public.current_instant() AS recorded_at, uuid_send(gen_random_uuid()) AS salt,
            (CASE WHEN k.kind = 'baseline' THEN jsonb_build_object('of', e.kind) ELSE '{}' END || coalesce(e.data, '{}'))::text AS data
        FROM unnest(p_entries) WITH ORDINALITY
            AS e (participant_id, kind, card_id, merge_id, cause_id, data, position)
        JOIN public.causes AS c ON c.participant_id = e.participant_id AND c.cause_id = e.cause_id
        JOIN public.participant_heads AS h ON h.participant_id = e.participant_id
        JOIN public.entry_kinds AS k ON k.kind = CASE WHEN c.origin = 'import' THEN 'baseline' ELSE e.kind END
    ), sealed AS MATERIALIZED (
        SELECT e.*, public.entry_commitment(e.salt, e.data) AS commitment FROM entry AS e
    ), chained AS MATERIALIZED (
        SELECT s.*, public.chain(s.head, public.entry_body(s.participant_id, s.seq, s.kind, s.card_id, s.merge_id, s.cause_id,
            s.occurred_at, s.recorded_at, s.wording, s.commitment)) OVER (PARTITION BY s.participant_id ORDER BY s.seq) AS hash
        FROM sealed AS s
    ), written AS (
        INSERT INTO public.history
            (participant_id, seq, kind, card_id, merge_id, cause_id, occurred_at, recorded_at, wording, commitment, hash)
        SELECT participant_id, seq, kind, card_id, merge_id, cause_id, occurred_at, recorded_at, wording, commitment, hash
        FROM chained
    ), kept AS (
        INSERT INTO public.history_data (participant_id, seq, salt, data)
        SELECT participant_id, seq, salt, data FROM chained
    ), queued AS (
        INSERT INTO public.outbox (lane, class, participant_id, seq, cause_id)
        SELECT public.lane_of(participant_id), bulk::integer, participant_id, seq, cause_id
        FROM chained WHERE reach <> 'silent'
    )
    UPDATE public.participant_heads AS h SET seq = last.seq, hash = last.hash
    FROM (SELECT DISTINCT ON (participant_id) participant_id, seq, hash FROM chained ORDER BY participant_id, seq DESC) AS last
    WHERE h.participant_id = last.participant_id;
END
$$;

-- An entry that goes with no change of a card or merge; its kind must allow that.
CREATE FUNCTION add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.entry_kinds WHERE kind = p_kind AND written_by = 'note') THEN
        PERFORM public.refuse('entry_goes_with_its_change', format('an entry of kind %s is written with its change only', p_kind));
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, p_kind, NULL, NULL, p_cause_id, p_data)::public.history_entry]);
END
$$;

-- A new participant with head, number and first entry. Returns false when the identity number is known already.
CREATE FUNCTION register_participant(
    p_participant_id uuid, p_nik text, p_name text, p_birth_date date, p_phone text, p_phone_since date, p_email text,
    p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    INSERT INTO public.participant_numbers (nik, participant_id) VALUES (p_nik, p_participant_id) ON CONFLICT (nik) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO public.participants
        (participant_id, nik, name, birth_date, phone, phone_since, email, locale, time_zone, registered_at, deceased_on)
    VALUES (p_participant_id, p_nik, p_name, p_birth_date, p_phone, p_phone_since, p_email,
        coalesce(p_locale, 'id'), coalesce(p_time_zone, 'Asia/Jakarta'), public.current_instant(), p_deceased_on);
    INSERT INTO public.participant_heads (participant_id) VALUES (p_participant_id);
    v_cause_id := public.record_cause(p_participant_id, p_origin, p_actor, p_event_id => p_event_id, p_occurred_at => p_occurred_at);
    PERFORM public.append_history(ARRAY[
        ROW(p_participant_id, 'participant_registered', NULL, NULL, v_cause_id, jsonb_build_object('name', p_name))::public.history_entry
    ]);
    RETURN true;
END
$$;

GRANT EXECUTE ON FUNCTION record_cause(uuid, text, text, text, uuid, text, timestamptz, boolean)
    TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT EXECUTE ON FUNCTION add_note(uuid, uuid, text, jsonb) TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT EXECUTE ON FUNCTION register_participant(
    uuid, text, text, date, text, date, text, text, text, date, text, text, text, timestamptz
) TO sepakat_feed;
RESET ROLE;
