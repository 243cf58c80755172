-- Passkeys: keys that a person's devices keep and carry along, beside the keys of single phones. Either signs in, either proves.
SET LOCAL ROLE sepakat_owner;

CREATE FUNCTION base64url_to_bytes(p_text text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT SET search_path = public, pg_temp
AS $$
    SELECT decode(translate(p_text, '-_', '+/') || repeat('=', (4 - length(p_text) % 4) % 4), 'base64')
$$;

-- The first 16 bytes of the SHA-256 of a P-256 key as SubjectPublicKeyInfo (RFC 5480), which is what a browser's getPublicKey()
-- gives: whoever signs the id of a passkey signs its key.
CREATE FUNCTION thumbprint_of_key(p_public_key jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT SET search_path = public, pg_temp
AS $$
    SELECT encode(substr(sha256('\x3059301306072a8648ce3d020106082a8648ce3d03010703420004'::bytea
        || public.base64url_to_bytes(p_public_key ->> 'x') || public.base64url_to_bytes(p_public_key ->> 'y')), 1, 16), 'hex')::uuid
$$;

-- Was this assertion made over this very statement, by a person who was there and verified, for the place that it names? Its
-- signature is for those to check who can: the API, the worker, and anybody with the receipt.
CREATE FUNCTION is_passkey_proof(p_passkey_id uuid, p_statement bytea, p_proof jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = public, pg_temp
AS $$
    SELECT coalesce(
        p_proof ->> 'type' = 'passkey' AND (p_proof ->> 'passkey_id')::uuid = p_passkey_id
        AND said.client ->> 'type' = 'webauthn.get'
        AND public.base64url_to_bytes(said.client ->> 'challenge') = sha256(p_statement)
        AND said.client ->> 'origin' = p_proof ->> 'origin'
        AND substr(said.authenticator, 1, 32) = sha256(convert_to(p_proof ->> 'rp_id', 'UTF8'))
        AND get_byte(said.authenticator, 32) & 5 = 5, -- user present (1) and verified (4)
    false)
    FROM (SELECT
        convert_from(public.base64url_to_bytes(p_proof ->> 'client_data'), 'UTF8')::jsonb AS client,
        public.base64url_to_bytes(p_proof ->> 'authenticator_data') AS authenticator) AS said
$$;

CREATE TABLE passkeys (
    participant_id uuid NOT NULL REFERENCES participants,
    passkey_id uuid NOT NULL,
    name text NOT NULL,
    credential_id bytea NOT NULL CONSTRAINT credential_id_has_a_length CHECK (length(credential_id) BETWEEN 1 AND 1023),
    public_key jsonb NOT NULL,
    transports text[] NOT NULL,
    synced boolean NOT NULL,
    sign_count bigint NOT NULL CONSTRAINT sign_count_is_a_count CHECK (sign_count >= 0),
    added_at timestamptz NOT NULL,
    last_used_at timestamptz,
    vouched_by uuid NOT NULL,
    nonce bytea NOT NULL,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    hold_until timestamptz,
    removed_at timestamptz,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, passkey_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT nonce_adds_one_passkey UNIQUE (participant_id, nonce),
    CONSTRAINT passkey_id_is_of_its_key CHECK (passkey_id = thumbprint_of_key(public_key))
);
CREATE INDEX passkeys_by_credential ON passkeys (participant_id, credential_id);
COMMENT ON COLUMN passkeys.vouched_by IS 'The key, of a device or another passkey, that signed `statement` to add this one; `proof` is its proof.';
COMMENT ON COLUMN passkeys.hold_until IS 'This key confirms nothing before; NULL when the key that vouched for it was free.';
COMMENT ON COLUMN passkeys.synced IS 'Whether a provider keeps a copy, as the authenticator said last.';
CREATE TABLE passkey_owners (
    credential_id bytea CONSTRAINT credential_is_somebodys_once PRIMARY KEY,
    participant_id uuid NOT NULL,
    passkey_id uuid NOT NULL
);

-- Every key that speaks for somebody, whatever it is kept in.
CREATE VIEW keys WITH (security_invoker = true) AS
SELECT d.participant_id, d.device_id AS key_id, d.device_id, NULL::uuid AS passkey_id, d.name, d.platform, d.public_key,
    d.added_at, d.vouched_by, d.hold_until, d.removed_at
FROM devices AS d
UNION ALL
SELECT p.participant_id, p.passkey_id AS key_id, NULL::uuid AS device_id, p.passkey_id, p.name, 'passkey' AS platform, p.public_key,
    p.added_at, p.vouched_by, p.hold_until, p.removed_at
FROM passkeys AS p;

-- Whoever reads device_id alone finds none where a passkey signed; the constraints below say that there is always one of the two.
-- squawk-ignore ban-drop-not-null
ALTER TABLE sessions ALTER COLUMN device_id DROP NOT NULL, ADD COLUMN passkey_id uuid;
-- squawk-ignore ban-drop-not-null
ALTER TABLE confirmations ALTER COLUMN device_id DROP NOT NULL, ADD COLUMN passkey_id uuid;
-- squawk-ignore ban-drop-not-null
ALTER TABLE unlock_proofs ALTER COLUMN device_id DROP NOT NULL, ADD COLUMN passkey_id uuid;
ALTER TABLE sessions ADD CONSTRAINT session_is_of_a_passkey
    FOREIGN KEY (participant_id, passkey_id) REFERENCES passkeys NOT VALID;
ALTER TABLE confirmations ADD CONSTRAINT confirmation_is_by_a_passkey
    FOREIGN KEY (participant_id, passkey_id) REFERENCES passkeys NOT VALID;
ALTER TABLE unlock_proofs ADD CONSTRAINT unlock_proof_is_by_a_passkey
    FOREIGN KEY (participant_id, passkey_id) REFERENCES passkeys NOT VALID;
ALTER TABLE sessions ADD CONSTRAINT session_has_one_key CHECK (num_nonnulls(device_id, passkey_id) = 1) NOT VALID;
ALTER TABLE confirmations ADD CONSTRAINT confirmation_has_one_key CHECK (num_nonnulls(device_id, passkey_id) = 1) NOT VALID;
ALTER TABLE unlock_proofs ADD CONSTRAINT unlock_proof_has_one_key CHECK (num_nonnulls(device_id, passkey_id) = 1) NOT VALID;
ALTER TABLE confirmations ADD CONSTRAINT confirmation_is_of_its_passkey
    CHECK (passkey_id IS NULL OR is_passkey_proof(passkey_id, statement, proof)) NOT VALID;
ALTER TABLE unlock_proofs ADD CONSTRAINT unlock_proof_is_of_its_passkey
    CHECK (passkey_id IS NULL OR is_passkey_proof(passkey_id, statement, proof)) NOT VALID;
COMMENT ON COLUMN acknowledgements.device_id IS 'The key of the session that asked: of a device, or a passkey.';
COMMENT ON COLUMN branch_code_tries.device_id IS 'The key of the session that asked: of a device, or a passkey.';
COMMENT ON COLUMN receipts.device_id IS 'The key of the session that asked: of a device, or a passkey.';

GRANT SELECT, INSERT, UPDATE (name, synced, sign_count, last_used_at, removed_at, cause_id) ON passkeys TO sepakat_api;
GRANT SELECT, INSERT ON passkey_owners TO sepakat_api;
GRANT SELECT ON passkeys, keys TO sepakat_worker;
GRANT SELECT ON keys TO sepakat_api, sepakat_writer;
GRANT SELECT, UPDATE (hold_until) ON passkeys TO sepakat_writer;
GRANT EXECUTE ON FUNCTION base64url_to_bytes(text), thumbprint_of_key(jsonb), is_passkey_proof(uuid, bytea, jsonb)
    TO sepakat_api, sepakat_writer;

CREATE TRIGGER passkeys_are_not_swapped BEFORE UPDATE ON passkeys
    FOR EACH ROW WHEN ((old.participant_id, old.passkey_id, old.credential_id, old.public_key, old.transports, old.added_at,
            old.vouched_by, old.nonce, old.statement, old.proof)
        IS DISTINCT FROM (new.participant_id, new.passkey_id, new.credential_id, new.public_key, new.transports, new.added_at,
            new.vouched_by, new.nonce, new.statement, new.proof)
        OR old.removed_at IS NOT NULL OR (old.hold_until IS NOT NULL AND new.hold_until IS NULL) OR new.hold_until < old.hold_until
        OR new.sign_count < old.sign_count OR new.last_used_at < old.last_used_at)
    EXECUTE FUNCTION refuse_statement('passkeys_are_not_swapped');
CREATE TRIGGER passkeys_are_kept BEFORE DELETE ON passkeys FOR EACH ROW EXECUTE FUNCTION refuse_statement('passkeys_are_kept');
CREATE TRIGGER passkeys_are_not_truncated BEFORE TRUNCATE ON passkeys EXECUTE FUNCTION refuse_statement('passkeys_are_kept');
ALTER TABLE passkeys ENABLE ALWAYS TRIGGER passkeys_are_not_swapped;
ALTER TABLE passkeys ENABLE ALWAYS TRIGGER passkeys_are_kept;
ALTER TABLE passkeys ENABLE ALWAYS TRIGGER passkeys_are_not_truncated;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- A passkey is added by a living key of the same person, over a statement that names it and for a challenge that is spent; as
-- long as that key confirms nothing, neither does the new one.
CREATE FUNCTION guard_new_passkey() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.keys AS k
        JOIN public.challenges AS c ON c.nonce = new.nonce AND c.purpose = 'add_key' AND c.participant_id = new.participant_id
            AND c.subject_id IS NULL AND c.spent_at IS NOT NULL
        WHERE k.participant_id = new.participant_id AND k.key_id = new.vouched_by AND k.removed_at IS NULL
            AND (coalesce(k.hold_until, '-infinity') <= public.current_instant() OR k.hold_until <= new.hold_until)
            AND convert_from(new.statement, 'UTF8')::jsonb = jsonb_build_object(
                'version', 1, 'purpose', 'add_key', 'device_id', k.device_id, 'subject_id', new.passkey_id,
                'nonce', translate(rtrim(encode(new.nonce, 'base64'), '='), '+/', '-_'))
            AND (k.passkey_id IS NULL OR public.is_passkey_proof(k.passkey_id, new.statement, new.proof))
    ) OR new.removed_at IS NOT NULL THEN
        PERFORM public.refuse('passkey_is_vouched_for', 'a passkey is added by the proof of a living key, and takes over its hold');
    END IF;
    RETURN NULL;
END
$$;

-- A key is part of who may agree: adding or removing one is an entry, written with it. Who has none left must enrol anew.
CREATE OR REPLACE FUNCTION tell_of_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_key jsonb := to_jsonb(new);
    v_data jsonb := jsonb_build_object('hold_until', new.hold_until);
BEGIN
    IF tg_table_name = 'passkeys' THEN
        v_data := v_data || jsonb_build_object('passkey_id', v_key -> 'passkey_id', 'passkey_name', new.name, 'platform', 'passkey',
            'vouched_by', (SELECT k.name FROM public.keys AS k
                WHERE k.participant_id = new.participant_id AND k.key_id = (v_key ->> 'vouched_by')::uuid));
    ELSE
        v_data := v_data || jsonb_build_object('device_id', v_key -> 'device_id', 'device_name', new.name,
            'platform', v_key -> 'platform');
    END IF;
    IF tg_op = 'UPDATE' AND NOT EXISTS (
        SELECT FROM public.keys AS k WHERE k.participant_id = new.participant_id AND k.removed_at IS NULL)
    THEN
        v_data := v_data || '{"keys_left": "none"}';
    END IF;
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, CASE WHEN tg_op = 'INSERT' THEN 'key_added' ELSE 'key_removed' END,
        NULL, NULL, new.cause_id, v_data)::public.history_entry]);
    RETURN NULL;
END
$$;

-- Keeps what was signed to lift something. Its challenge must be spent, and be of this purpose, person and subject.
-- `p_device_id` is the id of the key that signed, a device's or a passkey's.
CREATE OR REPLACE FUNCTION keep_unlock_proof(
    p_participant_id uuid, p_subject_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_cause_id uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.challenges AS c
        WHERE c.nonce = p_nonce AND c.purpose = 'unlock' AND c.participant_id = p_participant_id
            AND c.subject_id = p_subject_id AND c.spent_at IS NOT NULL
    ) THEN
        PERFORM public.refuse('unlock_takes_its_challenge', 'nothing is lifted without a challenge of its own, spent for it');
    END IF;
    INSERT INTO public.unlock_proofs
        (participant_id, nonce, subject_id, device_id, passkey_id, statement, proof, proven_at, cause_id)
    SELECT p_participant_id, p_nonce, p_subject_id, CASE WHEN k.passkey_id IS NULL THEN p_device_id END, k.passkey_id,
        p_statement, p_proof, public.current_instant(), p_cause_id
    FROM (SELECT) AS always
    LEFT JOIN public.keys AS k ON k.participant_id = p_participant_id AND k.key_id = p_device_id;
END
$$;

-- Does the seal, of the statement that was signed, come from a process that knows the key, and does the confirmation say
-- what the statement says, with a key that lives and may confirm? Of a passkey the statement names no device.
CREATE OR REPLACE FUNCTION is_sealed_undo(p_confirmation public.confirmations, p_seal bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM public.undo_seals AS s
        WHERE sha256(s.outer_pad || sha256(s.inner_pad || p_confirmation.statement)) = p_seal
    ) AND p_confirmation.action = 'undo'
        AND convert_from(p_confirmation.statement, 'UTF8')::jsonb = jsonb_build_object(
            'version', 1, 'purpose', 'undo', 'device_id', p_confirmation.device_id, 'merge_id', p_confirmation.merge_id,
            'plan_digest', p_confirmation.plan_digest, 'acknowledged', p_confirmation.acknowledged,
            'nonce', translate(rtrim(encode(p_confirmation.nonce, 'base64'), '='), '+/', '-_'))
        AND (p_confirmation.passkey_id IS NULL
            OR public.is_passkey_proof(p_confirmation.passkey_id, p_confirmation.statement, p_confirmation.proof))
        AND EXISTS (
            SELECT FROM public.keys AS k
            WHERE k.participant_id = p_confirmation.participant_id
                AND k.key_id = coalesce(p_confirmation.device_id, p_confirmation.passkey_id)
                AND k.removed_at IS NULL AND coalesce(k.hold_until, '-infinity') <= public.current_instant())
$$;

-- A number that was ported is in doubt from that day on, and with it every key that came by a code sent to it: those added
-- since, those whose hold had not ended, and those that such a key vouched for. So is every passkey added since, whoever
-- vouched: a number is often ported when its phone was stolen. Their hold begins again, and a merge that one of them
-- confirmed waits for its end.
CREATE OR REPLACE FUNCTION record_ported_number(p_participant_id uuid, p_on date, p_hold interval, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_doubtful uuid[];
    v_held text[];
    v_held_passkeys text[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.participants AS p SET phone_since = greatest(p.phone_since, p_on) WHERE p.participant_id = p_participant_id;

    WITH RECURSIVE doubtful AS (
        SELECT k.key_id FROM public.keys AS k
        WHERE k.participant_id = p_participant_id AND (k.vouched_by IS NULL OR k.passkey_id IS NOT NULL)
            AND (public.jakarta_day(k.added_at) >= p_on OR k.hold_until > v_now)
        UNION
        SELECT k.key_id FROM public.keys AS k JOIN doubtful ON k.vouched_by = doubtful.key_id
        WHERE k.participant_id = p_participant_id
    )
    SELECT coalesce(array_agg(key_id), '{}') INTO v_doubtful FROM doubtful;

    WITH held AS (
        UPDATE public.devices AS d SET hold_until = greatest(d.hold_until, v_now + p_hold)
        WHERE d.participant_id = p_participant_id AND d.device_id = ANY (v_doubtful) AND d.removed_at IS NULL
        RETURNING d.name
    )
    SELECT array_agg(name ORDER BY name) INTO v_held FROM held;
    WITH held AS (
        UPDATE public.passkeys AS p SET hold_until = greatest(p.hold_until, v_now + p_hold)
        WHERE p.participant_id = p_participant_id AND p.passkey_id = ANY (v_doubtful) AND p.removed_at IS NULL
        RETURNING p.name
    )
    SELECT array_agg(name ORDER BY name) INTO v_held_passkeys FROM held;

    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'phone_ported', NULL, NULL, p_cause_id, jsonb_build_object(
        'on', p_on, 'devices', v_held, 'passkeys', v_held_passkeys,
        'hold_until', CASE WHEN num_nonnulls(v_held, v_held_passkeys) > 0 THEN v_now + p_hold END))::public.history_entry]);

    UPDATE public.merges AS m SET executes_at = v_now + p_hold, cause_id = p_cause_id
    FROM public.confirmations AS c
    WHERE m.participant_id = p_participant_id AND m.state IN ('confirmed', 'reported', 'disputed')
        AND m.executes_at < v_now + p_hold
        AND c.participant_id = m.participant_id AND c.confirmation_id = m.confirmation_id
        AND coalesce(c.device_id, c.passkey_id) = ANY (v_doubtful);
END
$$;

-- What a confirmation carries out was done by the key that signed it, and who answers for a new phone or brings a branch code
-- may be signed in by a passkey. One expression changes in each of these functions, and nothing else; sql/schema.sql shows
-- them whole.
DO $$
DECLARE
    v_function regprocedure;
    v_before text;
    v_after text;
BEGIN
    FOREACH v_function IN ARRAY ARRAY['execute_merge(uuid, uuid, interval)', 'accept_merge(uuid, uuid)',
        'undo_merge(uuid, uuid, uuid, bytea, jsonb)', 'answer_enrolment(uuid, uuid, uuid, text)',
        'lift_stop_at_branch(uuid, uuid, bytea, bytea, jsonb, text)']::regprocedure[]
    LOOP
        v_before := pg_get_functiondef(v_function);
        v_after := regexp_replace(v_before, '\m(c|v_confirmation)\.device_id::text', 'coalesce(\1.device_id, \1.passkey_id)::text');
        v_after := regexp_replace(v_after, 'public\.devices AS d\s+WHERE d\.participant_id = p_participant_id AND d\.device_id = ',
            'public.keys AS d WHERE d.participant_id = p_participant_id AND d.key_id = ');
        IF v_after = v_before THEN
            RAISE EXCEPTION '% takes no key from where it was looked for', v_function;
        END IF;
        EXECUTE v_after;
    END LOOP;
END
$$;

GRANT EXECUTE ON FUNCTION guard_new_passkey() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;
CREATE TRIGGER a_passkey_is_vouched_for AFTER INSERT ON passkeys FOR EACH ROW EXECUTE FUNCTION guard_new_passkey();
ALTER TABLE passkeys ENABLE ALWAYS TRIGGER a_passkey_is_vouched_for;
CREATE TRIGGER key_added_is_told AFTER INSERT ON passkeys FOR EACH ROW EXECUTE FUNCTION tell_of_key();
CREATE TRIGGER key_removed_is_told AFTER UPDATE ON passkeys
    FOR EACH ROW WHEN (old.removed_at IS NULL AND new.removed_at IS NOT NULL) EXECUTE FUNCTION tell_of_key();
RESET ROLE;
