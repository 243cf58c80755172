-- The second wall: the API's role sees and writes the rows of one participant, the one whom its transaction has entered.
--
-- The first wall is the condition in every statement. This one is for the day when one of them is missing or wrong. It does
-- not stop a process that is hostile: whoever can type SQL in the API's role can enter anybody whose id it knows.
SET LOCAL ROLE sepakat_owner;

CREATE FUNCTION entered_participant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.participant_id', true), '')::uuid;
COMMENT ON FUNCTION entered_participant() IS
    'Whose transaction this is, or NULL: set by the enter_… functions, and gone when the transaction ends.';
GRANT EXECUTE ON FUNCTION entered_participant() TO sepakat_api, sepakat_writer;

-- Every table with a participant_id is isolated, look-ups too. The function is inlined and STABLE, so that indexes serve the
-- policy, and beside the condition of a statement it is looked at once, before the scan. All other roles that hold a privilege
-- on the table keep what they had; a role that is granted one later sees nothing until this is called again.
CREATE FUNCTION isolate_table(p_table regclass) RETURNS void
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
DECLARE
    v_others text;
BEGIN
    SELECT string_agg(DISTINCT quote_ident(role.rolname), ', ') INTO v_others
    FROM (
        SELECT (aclexplode(c.relacl)).grantee FROM pg_class AS c WHERE c.oid = p_table
        UNION ALL
        SELECT (aclexplode(a.attacl)).grantee FROM pg_attribute AS a WHERE a.attrelid = p_table
    ) AS granted
    JOIN pg_roles AS role ON role.oid = granted.grantee
    WHERE role.rolname NOT IN ('sepakat_api', 'sepakat_owner');

    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('DROP POLICY IF EXISTS rows_of_who_entered ON %s', p_table);
    EXECUTE format('DROP POLICY IF EXISTS rows_of_all ON %s', p_table);
    EXECUTE format('CREATE POLICY rows_of_who_entered ON %s TO sepakat_api '
        'USING (participant_id = entered_participant())', p_table);
    IF v_others IS NOT NULL THEN
        EXECUTE format('CREATE POLICY rows_of_all ON %s TO %s USING (true)', p_table, v_others);
    END IF;
END
$$;
COMMENT ON FUNCTION isolate_table(regclass) IS
    'For migrations: sepakat_api sees this table by participant, whoever else may read it sees all of it.';

-- ── What is looked up before anybody is known ─────────────────────────────────────────────────────────────────────
-- By its exact key, and nothing else: the API's role cannot list these tables.
REVOKE SELECT ON participant_numbers, card_numbers, device_owners, passkey_owners, merge_owners, stop_tokens, rooted_heads FROM sepakat_api;
REVOKE SELECT, UPDATE ON challenges FROM sepakat_api;
REVOKE INSERT ON enrolments FROM sepakat_api;
GRANT SELECT ON device_owners, passkey_owners, rooted_heads, history_roots, root_buckets TO sepakat_writer;
GRANT SELECT, INSERT, UPDATE ON enrolments TO sepakat_writer;
GRANT UPDATE (spent_at) ON challenges TO sepakat_writer;
GRANT SELECT ON merge_transitions TO sepakat_api, sepakat_feed;

-- The first statement of a request: the one that finds the session also enters its participant, in one round trip.
CREATE FUNCTION enter_session(p_participant_id uuid, p_session_id uuid)
RETURNS TABLE (device_id uuid, passkey_id uuid, locale text, lane smallint, now timestamptz)
LANGUAGE sql
BEGIN ATOMIC
    SELECT set_config('app.participant_id', p_participant_id::text, true);
    SELECT s.device_id, s.passkey_id, p.locale, lane_of(s.participant_id), current_instant()
    FROM sessions AS s
    JOIN participants AS p ON p.participant_id = s.participant_id
    LEFT JOIN devices AS d ON d.participant_id = s.participant_id AND d.device_id = s.device_id
    LEFT JOIN passkeys AS k ON k.participant_id = s.participant_id AND k.passkey_id = s.passkey_id
    WHERE s.participant_id = p_participant_id AND s.session_id = p_session_id AND s.ended_at IS NULL
        AND s.refresh_expires_at > current_instant() AND d.removed_at IS NULL AND k.removed_at IS NULL;
END;

-- For a refresh token, which names both and is signed by the server.
CREATE FUNCTION enter_refresh(p_participant_id uuid, p_session_id uuid)
RETURNS TABLE (device_id uuid, passkey_id uuid, public_key jsonb, lane smallint)
LANGUAGE sql
BEGIN ATOMIC
    SELECT set_config('app.participant_id', p_participant_id::text, true);
    SELECT s.device_id, s.passkey_id, k.public_key, lane_of(s.participant_id)
    FROM sessions AS s
    JOIN keys AS k ON k.participant_id = s.participant_id AND k.key_id = coalesce(s.device_id, s.passkey_id)
    WHERE s.participant_id = p_participant_id AND s.session_id = p_session_id AND s.ended_at IS NULL
        AND s.refresh_expires_at > current_instant() AND k.removed_at IS NULL;
END;
GRANT EXECUTE ON FUNCTION enter_session(uuid, uuid), enter_refresh(uuid, uuid) TO sepakat_api;

CREATE INDEX sessions_by_end ON sessions (least(ended_at, refresh_expires_at));
COMMENT ON COLUMN sessions.refresh_expires_at IS
    'Without a refresh the session is over then; a refresh moves it, never past the absolute limit counted from started_at.';
GRANT SELECT, DELETE ON sessions TO sepakat_worker;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- For a phone that signs in: its key. Enters its participant, if there is one.
CREATE FUNCTION enter_by_device(p_device_id uuid) RETURNS TABLE (participant_id uuid, public_key jsonb)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT set_config('app.participant_id',
        (SELECT o.participant_id::text FROM public.device_owners AS o WHERE o.device_id = p_device_id), true);
    SELECT d.participant_id, d.public_key
    FROM public.device_owners AS o
    JOIN public.devices AS d ON d.participant_id = o.participant_id AND d.device_id = o.device_id
    WHERE o.device_id = p_device_id AND d.removed_at IS NULL
$$;

-- For a passkey, which names its credential; and whether a credential was ever added, by whomever.
CREATE FUNCTION enter_by_credential(p_credential_id bytea) RETURNS uuid
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT set_config('app.participant_id',
        (SELECT o.participant_id::text FROM public.passkey_owners AS o WHERE o.credential_id = p_credential_id), true);
    SELECT o.participant_id FROM public.passkey_owners AS o WHERE o.credential_id = p_credential_id
$$;
CREATE FUNCTION is_known_credential(p_credential_id bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT EXISTS (SELECT FROM public.passkey_owners AS o WHERE o.credential_id = p_credential_id) $$;

-- One path for anybody: participant_id stays NULL unless all that was said is true of one living person. Where a living key
-- can answer, the code waits for p_ask_first, until that phone was asked.
CREATE FUNCTION ask_enrolment(
    p_enrolment_id uuid, p_nik_hash bytea, p_kpj text, p_birth_date date, p_device_name text, p_platform text, p_public_key jsonb,
    p_asked_at timestamptz, p_expires_at timestamptz, p_ask_first interval, p_code_ttl interval
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH person AS (
        SELECT p.participant_id, p_ask_first > '0' AND EXISTS (
            SELECT FROM public.keys AS k
            WHERE k.participant_id = p.participant_id AND k.removed_at IS NULL
                AND (k.hold_until IS NULL OR k.hold_until <= p_asked_at)) AS asks_phone
        FROM public.participant_numbers AS n
        JOIN public.card_numbers AS c ON c.participant_id = n.participant_id
        JOIN public.participants AS p ON p.participant_id = n.participant_id
        WHERE n.nik_hash = p_nik_hash AND c.kpj = p_kpj AND p.birth_date = p_birth_date AND p.deceased_on IS NULL
    ), asked AS (
        SELECT person.participant_id, coalesce(person.asks_phone, false) AS asks_phone,
            p_asked_at + CASE WHEN person.asks_phone THEN p_ask_first ELSE '0' END AS code_from
        FROM (SELECT true) AS everybody LEFT JOIN person ON true
    )
    INSERT INTO public.enrolments (enrolment_id, participant_id, device_id, device_name, platform, public_key, asked_at, expires_at,
        asks_phone, code_from, code_until)
    SELECT p_enrolment_id, asked.participant_id, p_enrolment_id, p_device_name, p_platform, p_public_key, p_asked_at, p_expires_at,
        asked.asks_phone, asked.code_from, asked.code_from + p_code_ttl
    FROM asked
$$;

-- For an heir, who names the deceased and must have the code that the branch issued under that number.
CREATE FUNCTION enter_by_number(p_nik_hash bytea) RETURNS TABLE (participant_id uuid, lane smallint)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT set_config('app.participant_id',
        (SELECT n.participant_id::text FROM public.participant_numbers AS n WHERE n.nik_hash = p_nik_hash), true);
    SELECT n.participant_id, public.lane_of(n.participant_id) FROM public.participant_numbers AS n
    WHERE n.nik_hash = p_nik_hash
$$;

-- Counts a try and enters whom the enrolment is for; none when it is unknown, settled, expired or has no tries left.
CREATE FUNCTION enter_by_enrolment(p_enrolment_id uuid, p_most_tries integer, p_now timestamptz)
RETURNS SETOF enrolments
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT set_config('app.participant_id',
        (SELECT e.participant_id::text FROM public.enrolments AS e WHERE e.enrolment_id = p_enrolment_id), true);
    UPDATE public.enrolments AS e SET tries = e.tries + 1
    WHERE e.enrolment_id = p_enrolment_id AND e.tries < p_most_tries AND e.verified_at IS NULL AND e.expires_at > p_now
    RETURNING e.*
$$;

-- A challenge is nobody's until somebody has signed in with it: found by its nonce alone, and locked.
CREATE FUNCTION open_challenge(p_nonce bytea) RETURNS SETOF challenges
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT c.* FROM public.challenges AS c WHERE c.nonce = p_nonce FOR UPDATE $$;

CREATE FUNCTION spend_challenge(p_nonce bytea, p_now timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$ UPDATE public.challenges AS c SET spent_at = p_now WHERE c.nonce = p_nonce AND c.spent_at IS NULL $$;

-- True, and the transaction is its participant's, when a STOP link with this hash is good.
CREATE FUNCTION enter_by_stop_link(p_token_hash bytea) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT set_config('app.participant_id', t.participant_id::text, true) IS NOT NULL
    FROM public.stop_tokens AS t WHERE t.token_hash = p_token_hash AND t.expires_at > public.current_instant()
$$;

-- The newest root and where the head of who entered stands among the leaves of its bucket: hashes, which name nobody.
CREATE FUNCTION prove_inclusion(p_participant_id uuid)
RETURNS TABLE (
    signed jsonb, bucket smallint, seq bigint, place integer, leaves bytea[], buckets smallint[], bucket_roots bytea[]
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT r.signed, mine.bucket, mine.seq,
        (SELECT count(*)::integer FROM public.rooted_heads AS o
            WHERE o.bucket = mine.bucket AND o.participant_id < mine.participant_id),
        array(SELECT o.leaf FROM public.rooted_heads AS o WHERE o.bucket = mine.bucket ORDER BY o.participant_id),
        array(SELECT b.bucket FROM public.root_buckets AS b ORDER BY b.bucket),
        array(SELECT b.root FROM public.root_buckets AS b ORDER BY b.bucket)
    FROM public.rooted_heads AS mine
    CROSS JOIN LATERAL (SELECT n.signed FROM public.history_roots AS n ORDER BY n.number DESC LIMIT 1) AS r
    WHERE mine.bucket = public.bucket_of(p_participant_id) AND mine.participant_id = p_participant_id
        AND p_participant_id = public.entered_participant()
$$;

-- What only reads asks as its caller from now on, so that the wall stands before it too.
ALTER FUNCTION find_later_merge(uuid, uuid) SECURITY INVOKER;
ALTER FUNCTION entries_since_merge(uuid, uuid) SECURITY INVOKER;
ALTER FUNCTION frozen_by_dispute(uuid, uuid) SECURITY INVOKER;
ALTER FUNCTION standing_contributions(uuid, date, timestamptz) SECURITY INVOKER;

GRANT EXECUTE ON FUNCTION enter_by_device(uuid), enter_by_credential(bytea), is_known_credential(bytea),
    enter_by_enrolment(uuid, integer, timestamptz), enter_by_stop_link(bytea),
    enter_by_number(bytea), ask_enrolment(uuid, bytea, text, date, text, text, jsonb, timestamptz, timestamptz, interval, interval),
    open_challenge(bytea), spend_challenge(bytea, timestamptz), prove_inclusion(uuid) TO sepakat_api;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

GRANT EXECUTE ON FUNCTION bucket_of(uuid) TO sepakat_writer;

-- The writer's functions pass the policies. But whatever they write needs a cause, and in the API's sessions a cause is
-- taken for who entered alone: a function that is called with somebody else's id writes nothing.
CREATE TRIGGER cause_is_of_who_entered BEFORE INSERT ON causes
    FOR EACH ROW WHEN (session_user = 'sepakat_api' AND new.participant_id IS DISTINCT FROM entered_participant())
    EXECUTE FUNCTION refuse_statement('cause_is_of_who_entered');
ALTER TABLE causes ENABLE ALWAYS TRIGGER cause_is_of_who_entered;

DO $$
DECLARE
    v_table regclass;
BEGIN
    FOR v_table IN
        SELECT c.oid FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'participant_id' AND NOT a.attisdropped
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        ORDER BY c.relname
    LOOP
        PERFORM public.isolate_table(v_table);
    END LOOP;
END
$$;

-- A challenge to sign in is asked for by nobody yet.
CREATE POLICY challenge_of_nobody_yet ON challenges FOR INSERT TO sepakat_api WITH CHECK (participant_id IS NULL);
RESET ROLE;
