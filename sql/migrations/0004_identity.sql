-- Who is asking: devices and their keys, sessions, challenges, enrolments; and the answers kept for a repeated request.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE devices (
    participant_id uuid NOT NULL REFERENCES participants,
    device_id uuid NOT NULL,
    name text NOT NULL,
    platform text NOT NULL CONSTRAINT platform_is_known CHECK (platform IN ('android', 'ios', 'web')),
    public_key jsonb NOT NULL,
    added_at timestamptz NOT NULL,
    vouched_by uuid,
    hold_until timestamptz,
    removed_at timestamptz,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, device_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
COMMENT ON COLUMN devices.hold_until IS 'This key confirms nothing before; NULL when an older key vouched or it is the first on a settled phone.';
CREATE TABLE device_owners (
    device_id uuid PRIMARY KEY,
    participant_id uuid NOT NULL
);

CREATE TABLE push_targets (
    participant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT push_target_kind_is_known CHECK (kind IN ('fid', 'token')),
    value text NOT NULL,
    platform text NOT NULL CONSTRAINT platform_is_known CHECK (platform IN ('android', 'ios', 'web')),
    locale text NOT NULL CONSTRAINT locale_is_known CHECK (locale IN ('id', 'en')),
    set_at timestamptz NOT NULL,
    cleared_at timestamptz,
    cleared_because text,
    PRIMARY KEY (participant_id, device_id),
    FOREIGN KEY (participant_id, device_id) REFERENCES devices
);

CREATE TABLE sessions (
    participant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    device_id uuid NOT NULL,
    generation integer NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL,
    refreshed_at timestamptz NOT NULL,
    refresh_expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_because text,
    PRIMARY KEY (participant_id, session_id),
    FOREIGN KEY (participant_id, device_id) REFERENCES devices
);
COMMENT ON COLUMN sessions.generation IS 'The refresh token of this generation is the newest; tokens are derived from it, never stored.';

CREATE TABLE challenges (
    nonce bytea PRIMARY KEY CONSTRAINT nonce_has_32_bytes CHECK (length(nonce) = 32),
    purpose text NOT NULL CONSTRAINT purpose_is_known CHECK (purpose IN (
        'sign_in', 'merge', 'undo', 'accept', 'unlock', 'add_key', 'remove_key', 'change_contact')),
    participant_id uuid,
    device_id uuid,
    subject_id uuid,
    expires_at timestamptz NOT NULL,
    spent_at timestamptz
);
CREATE INDEX challenges_by_expiry ON challenges (expires_at);

CREATE TABLE enrolments (
    enrolment_id uuid PRIMARY KEY,
    participant_id uuid,
    device_id uuid NOT NULL,
    device_name text NOT NULL,
    platform text NOT NULL,
    public_key jsonb NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    verified_at timestamptz,
    code_sent_at timestamptz,
    code_attempts integer NOT NULL DEFAULT 0,
    code_not_before timestamptz
);
COMMENT ON COLUMN enrolments.code_not_before IS
    'Real time, not the local clock: the lease of a worker that sends the code now, or a retry; infinity when it was rejected.';
COMMENT ON COLUMN enrolments.participant_id IS 'NULL for somebody who is not known: the answer is the same, no code goes out.';
CREATE INDEX enrolments_waiting_for_their_code ON enrolments (code_not_before NULLS FIRST)
    WHERE participant_id IS NOT NULL AND code_sent_at IS NULL;
CREATE INDEX enrolments_of_participant ON enrolments (participant_id, asked_at) WHERE participant_id IS NOT NULL;
CREATE INDEX enrolments_by_expiry ON enrolments (expires_at);

CREATE TABLE code_tries (
    participant_id uuid NOT NULL REFERENCES participants,
    day date NOT NULL,
    tries integer NOT NULL CONSTRAINT ten_tries_a_day CHECK (tries <= 10),
    PRIMARY KEY (participant_id, day)
);

CREATE TABLE idempotency_keys (
    participant_id uuid NOT NULL,
    request text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint,
    headers jsonb,
    answer bytea,
    kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (participant_id, request)
);
COMMENT ON COLUMN idempotency_keys.request IS 'method, path and Idempotency-Key, separated by a space';
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (kept_at);

GRANT SELECT, INSERT, UPDATE ON devices, push_targets, sessions, challenges, enrolments, code_tries, idempotency_keys TO sepakat_api;
GRANT SELECT, INSERT ON device_owners TO sepakat_api;
GRANT SELECT ON devices, push_targets, enrolments TO sepakat_worker;
GRANT UPDATE (cleared_at, cleared_because) ON push_targets TO sepakat_worker;
GRANT UPDATE (code_sent_at, code_attempts, code_not_before) ON enrolments TO sepakat_worker;
GRANT SELECT, DELETE ON challenges, enrolments, code_tries, idempotency_keys TO sepakat_worker;
REVOKE ALL ON challenges, enrolments, idempotency_keys FROM sepakat_operator;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;
-- A key is part of who may agree: adding or removing one is an entry, written with it.
CREATE FUNCTION tell_of_key() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, CASE WHEN tg_op = 'INSERT' THEN 'key_added' ELSE 'key_removed' END,
        NULL, NULL, new.cause_id, jsonb_build_object('device_id', new.device_id, 'device_name', new.name, 'platform', new.platform,
            'hold_until', new.hold_until))::public.history_entry]);
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION tell_of_key() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;
CREATE TRIGGER key_added_is_told AFTER INSERT ON devices FOR EACH ROW EXECUTE FUNCTION tell_of_key();
CREATE TRIGGER key_removed_is_told AFTER UPDATE ON devices
    FOR EACH ROW WHEN (old.removed_at IS NULL AND new.removed_at IS NOT NULL) EXECUTE FUNCTION tell_of_key();
CREATE TRIGGER keys_are_not_swapped BEFORE UPDATE ON devices
    FOR EACH ROW WHEN ((old.participant_id, old.device_id, old.public_key, old.added_at, old.vouched_by)
        IS DISTINCT FROM (new.participant_id, new.device_id, new.public_key, new.added_at, new.vouched_by)
        OR old.removed_at IS NOT NULL OR (old.hold_until IS NOT NULL AND new.hold_until IS NULL) OR new.hold_until < old.hold_until)
    EXECUTE FUNCTION refuse_statement('keys_are_not_swapped');
CREATE TRIGGER keys_are_kept BEFORE DELETE ON devices FOR EACH ROW EXECUTE FUNCTION refuse_statement('keys_are_kept');
ALTER TABLE devices ENABLE ALWAYS TRIGGER keys_are_not_swapped;
ALTER TABLE devices ENABLE ALWAYS TRIGGER keys_are_kept;
RESET ROLE;
