-- squawk-ignore-file constraint-missing-not-valid
-- Keys of phones, sessions, unlocks and acknowledgements, for the day when somebody types SQL in the API's role: what the API
-- looks at before it writes, the database looks at again.
DO $$
BEGIN
    IF EXISTS (SELECT FROM devices) OR EXISTS (SELECT FROM passkeys) THEN
        RAISE EXCEPTION 'there are keys without seals, which would prove nothing'
            USING HINT = 'Of a local instance: `make reset`, then `make run`.';
    END IF;
END
$$;
SET LOCAL ROLE sepakat_owner;

-- ── Keys carry a seal ─────────────────────────────────────────────────────────────────────────────────────────────
-- Made by the process that saw who answered for the key, under a key that no SQL role has: a row that was put in by hand
-- has none, and proves nothing.
ALTER TABLE devices ADD COLUMN seal bytea CONSTRAINT seal_of_phone_has_32_bytes CHECK (length(seal) = 32);
ALTER TABLE passkeys ADD COLUMN seal bytea CONSTRAINT seal_of_passkey_has_32_bytes CHECK (length(seal) = 32);
COMMENT ON COLUMN devices.seal IS 'Over owner, id and key (app/identity/key_seal.py). NULL, or another: this key signs in, and proves nothing.';
COMMENT ON COLUMN passkeys.seal IS 'Over owner, id and key (app/identity/key_seal.py). NULL, or another: this key proves nothing, and signs nobody in.';

-- ── Only the columns that the API changes ─────────────────────────────────────────────────────────────────────────
REVOKE UPDATE ON devices, sessions, enrolments FROM sepakat_api;
GRANT UPDATE (name, removed_at, cause_id) ON devices TO sepakat_api;
GRANT UPDATE (generation, refreshed_at, refresh_expires_at, ended_at, ended_because) ON sessions TO sepakat_api;
GRANT UPDATE (tries, verified_at) ON enrolments TO sepakat_api;

-- Tries are counted, and never given back.
CREATE TRIGGER tries_of_a_code_only_grow AFTER UPDATE ON enrolments
    FOR EACH ROW WHEN (new.tries < old.tries) EXECUTE FUNCTION refuse_statement('tries_only_grow');
CREATE TRIGGER tries_of_a_day_only_grow AFTER UPDATE ON code_tries
    FOR EACH ROW WHEN (new.tries < old.tries) EXECUTE FUNCTION refuse_statement('tries_only_grow');
ALTER TABLE enrolments ENABLE ALWAYS TRIGGER tries_of_a_code_only_grow;
ALTER TABLE code_tries ENABLE ALWAYS TRIGGER tries_of_a_day_only_grow;

-- A session that ended stays ended, keeps its key, and takes its refresh tokens one after the other.
CREATE TRIGGER sessions_end_once AFTER UPDATE ON sessions
    FOR EACH ROW WHEN (new IS DISTINCT FROM old AND (
        old.ended_at IS NOT NULL OR new.generation NOT BETWEEN old.generation AND old.generation + 1
        OR (old.participant_id, old.session_id, old.device_id, old.passkey_id, old.started_at)
            IS DISTINCT FROM (new.participant_id, new.session_id, new.device_id, new.passkey_id, new.started_at)))
    EXECUTE FUNCTION refuse_statement('sessions_end_once');
ALTER TABLE sessions ENABLE ALWAYS TRIGGER sessions_end_once;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- The key of a phone is added now, and is on hold unless a living key that is free answered for it, staff did by a code used
-- for it in this moment, or it is the first that its person ever had.
CREATE FUNCTION guard_new_phone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF new.removed_at IS NOT NULL OR new.added_at IS DISTINCT FROM public.current_instant() THEN
        PERFORM public.refuse('phone_is_added_now', 'the key of a phone is added in this moment, and lives');
    END IF;
    IF coalesce(new.hold_until, '-infinity') <= public.current_instant()
        AND NOT EXISTS (
            SELECT FROM public.keys AS k
            WHERE k.participant_id = new.participant_id AND k.key_id = new.vouched_by AND k.key_id <> new.device_id
                AND k.removed_at IS NULL AND coalesce(k.hold_until, '-infinity') <= public.current_instant())
        AND NOT EXISTS (
            SELECT FROM public.branch_codes AS b
            WHERE b.participant_id = new.participant_id AND b.code_id = new.vouched_by AND b.used_for = 'new_phone'
                AND b.used_by = new.device_id AND b.used_at = public.current_instant())
        AND (new.vouched_by IS NOT NULL OR EXISTS (
            SELECT FROM public.keys AS k WHERE k.participant_id = new.participant_id AND k.key_id <> new.device_id))
    THEN
        PERFORM public.refuse('free_phone_is_vouched_for', 'a phone is on hold unless a free key or staff answer for it');
    END IF;
    RETURN NULL;
END
$$;

-- What lifts a lock or a freeze names, in the bytes that were signed, a key that lives, and what is lifted.
CREATE FUNCTION guard_unlock() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.keys AS k
        WHERE k.participant_id = new.participant_id AND k.key_id = coalesce(new.device_id, new.passkey_id)
            AND k.removed_at IS NULL
    ) OR convert_from(new.statement, 'UTF8')::jsonb IS DISTINCT FROM jsonb_build_object(
        'version', 1, 'purpose', 'unlock', 'device_id', new.device_id, 'subject_id', new.subject_id,
        'nonce', translate(rtrim(encode(new.nonce, 'base64'), '='), '+/', '-_'))
    THEN
        PERFORM public.refuse('unlock_is_by_a_living_key', 'what is lifted is named in the statement of a key that lives');
    END IF;
    RETURN NULL;
END
$$;

-- Only a key of the person says that something was read, and one on hold does not say it of what was said about keys.
CREATE FUNCTION guard_acknowledgement() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.history AS t
        JOIN public.entry_kinds AS e ON e.kind = t.kind
        JOIN public.keys AS k ON k.participant_id = t.participant_id AND k.key_id = new.device_id AND k.removed_at IS NULL
        WHERE t.participant_id = new.participant_id AND t.seq = new.seq
            AND (e.class <> 'security' OR coalesce(k.hold_until, '-infinity') <= public.current_instant()))
    THEN
        PERFORM public.refuse('acknowledgement_is_by_a_key', 'an entry is acknowledged by a living key, one of security by a free one');
    END IF;
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION guard_new_phone(), guard_unlock(), guard_acknowledgement() TO sepakat_owner;

RESET ROLE;
SET LOCAL ROLE sepakat_owner;
CREATE TRIGGER a_new_phone_is_guarded AFTER INSERT ON devices FOR EACH ROW EXECUTE FUNCTION guard_new_phone();
CREATE TRIGGER an_unlock_is_guarded AFTER INSERT ON unlock_proofs FOR EACH ROW EXECUTE FUNCTION guard_unlock();
CREATE TRIGGER an_acknowledgement_is_guarded AFTER INSERT ON acknowledgements
    FOR EACH ROW EXECUTE FUNCTION guard_acknowledgement();
ALTER TABLE devices ENABLE ALWAYS TRIGGER a_new_phone_is_guarded;
ALTER TABLE unlock_proofs ENABLE ALWAYS TRIGGER an_unlock_is_guarded;
ALTER TABLE acknowledgements ENABLE ALWAYS TRIGGER an_acknowledgement_is_guarded;
RESET ROLE;
