-- Data about a person, as they change them: contacts by a code to the new one, everything else by a case that asks for a
-- correction; and what the core corrects. None of it touches a card.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('contact_change_asked', 'push', 'security', 'warning', 'change', '2026-11'),
    ('contact_changed', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('participant_updated', 'push', 'notice', 'warning', 'change', '2026-11'),
    ('unexplained_data_change', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('correction_asked', 'inbox', 'notice', 'info', 'change', '2026-11'),
    ('correction_decided', 'push', 'notice', 'warning', 'change', '2026-11');

-- ── Contacts ──────────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE contact_changes (
    participant_id uuid NOT NULL REFERENCES participants,
    change_id uuid NOT NULL,
    channel text NOT NULL CONSTRAINT contact_is_known CHECK (channel IN ('phone', 'email')),
    value_sealed bytea,
    masked text NOT NULL,
    key_id uuid NOT NULL,
    nonce bytea NOT NULL,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    asked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CONSTRAINT contact_code_is_short_lived
        CHECK (expires_at > asked_at AND expires_at <= asked_at + interval '5 minutes'),
    tries integer NOT NULL DEFAULT 0 CONSTRAINT three_tries_per_contact_code CHECK (tries BETWEEN 0 AND 3),
    state text NOT NULL DEFAULT 'open' CONSTRAINT contact_change_state_is_known CHECK (state IN ('open', 'applied', 'replaced')),
    closed_at timestamptz,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, change_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT nonce_changes_a_contact_once UNIQUE (participant_id, nonce, channel),
    CONSTRAINT only_an_open_change_keeps_its_value CHECK ((state = 'open') = (value_sealed IS NOT NULL)),
    CONSTRAINT closed_contact_change_says_when CHECK ((state = 'open') = (closed_at IS NULL))
);
COMMENT ON COLUMN contact_changes.value_sealed IS 'Sealed for the same column and row as in participants: it moves there as it is, and is forgotten here.';
COMMENT ON COLUMN contact_changes.masked IS 'The last three digits, or the first letter and the domain: what entries tell.';
COMMENT ON COLUMN contact_changes.key_id IS 'The device or passkey whose proof asked for it.';
CREATE UNIQUE INDEX one_open_change_per_contact ON contact_changes (participant_id, channel) WHERE state = 'open';
CREATE INDEX contact_changes_by_expiry ON contact_changes (expires_at) WHERE state <> 'applied';

-- What goes to a contact that is not, or no longer, the one on file: the code to the new one, the notice to the old one.
CREATE TABLE contact_messages (
    participant_id uuid NOT NULL REFERENCES participants,
    message_id uuid NOT NULL DEFAULT uuidv7(),
    what text NOT NULL CONSTRAINT contact_message_is_known CHECK (what IN ('code', 'notice')),
    channel text NOT NULL CONSTRAINT contact_is_known CHECK (channel IN ('phone', 'email')),
    contact_sealed bytea,
    expires_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CONSTRAINT contact_message_state_is_known
        CHECK (state IN ('waiting', 'sent', 'rejected', 'expired', 'replaced')),
    code text,
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    ended_at timestamptz,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, message_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT only_a_waiting_message_keeps_its_contact CHECK ((state = 'waiting') = (contact_sealed IS NOT NULL)),
    CONSTRAINT contact_message_waits_or_has_ended CHECK ((state = 'waiting') = (ended_at IS NULL))
) WITH (fillfactor = 80);
COMMENT ON COLUMN contact_messages.message_id IS 'Of a code, the change that it is for. The same on every retry: gateways and mail programs know a double by it.';
COMMENT ON COLUMN contact_messages.not_before IS 'Real time, not the local clock: the lease of a worker that sends it now, or a retry.';
CREATE INDEX contact_messages_waiting ON contact_messages (not_before NULLS FIRST) WHERE state = 'waiting';

GRANT SELECT ON contact_changes TO sepakat_api, sepakat_worker;
GRANT SELECT ON contact_messages TO sepakat_api, sepakat_worker;
GRANT UPDATE (contact_sealed, state, code, attempts, not_before, ended_at) ON contact_messages TO sepakat_worker;
GRANT DELETE ON contact_changes, contact_messages TO sepakat_worker;
GRANT SELECT, INSERT, UPDATE ON contact_changes, contact_messages TO sepakat_writer;

CREATE TRIGGER contact_changes_by_function_only BEFORE INSERT OR UPDATE ON contact_changes
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('contact_changes_by_function_only');
CREATE TRIGGER contact_changes_close_once BEFORE UPDATE ON contact_changes
    FOR EACH ROW WHEN (old.state <> 'open' OR new.tries < old.tries OR
        (old.participant_id, old.change_id, old.channel, old.masked, old.key_id, old.nonce, old.statement, old.proof, old.asked_at,
            old.expires_at, old.cause_id) IS DISTINCT FROM
        (new.participant_id, new.change_id, new.channel, new.masked, new.key_id, new.nonce, new.statement, new.proof, new.asked_at,
            new.expires_at, new.cause_id))
    EXECUTE FUNCTION refuse_statement('contact_changes_close_once');
CREATE TRIGGER applied_contact_changes_are_kept BEFORE DELETE ON contact_changes
    FOR EACH ROW WHEN (old.state = 'applied') EXECUTE FUNCTION refuse_statement('applied_contact_changes_are_kept');
CREATE TRIGGER contact_changes_are_not_truncated BEFORE TRUNCATE ON contact_changes
    EXECUTE FUNCTION refuse_statement('applied_contact_changes_are_kept');
CREATE TRIGGER contact_messages_by_function_only BEFORE INSERT ON contact_messages
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('contact_messages_by_function_only');
-- Whoever sends may end a message, and can neither turn it to somebody else nor send it twice.
CREATE TRIGGER contact_messages_end_once BEFORE UPDATE ON contact_messages
    FOR EACH ROW WHEN (old.state <> 'waiting' OR
        (old.participant_id, old.message_id, old.what, old.channel, old.expires_at, old.cause_id) IS DISTINCT FROM
        (new.participant_id, new.message_id, new.what, new.channel, new.expires_at, new.cause_id)
        OR (new.contact_sealed <> old.contact_sealed AND current_user <> 'sepakat_writer'))
    EXECUTE FUNCTION refuse_statement('contact_messages_end_once');
CREATE TRIGGER notices_are_kept BEFORE DELETE ON contact_messages
    FOR EACH ROW WHEN (old.what = 'notice') EXECUTE FUNCTION refuse_statement('notices_are_kept');
CREATE TRIGGER contact_messages_are_not_truncated BEFORE TRUNCATE ON contact_messages EXECUTE FUNCTION refuse_statement('notices_are_kept');
ALTER TABLE contact_changes ENABLE ALWAYS TRIGGER contact_changes_by_function_only;
ALTER TABLE contact_changes ENABLE ALWAYS TRIGGER contact_changes_close_once;
ALTER TABLE contact_changes ENABLE ALWAYS TRIGGER applied_contact_changes_are_kept;
ALTER TABLE contact_changes ENABLE ALWAYS TRIGGER contact_changes_are_not_truncated;
ALTER TABLE contact_messages ENABLE ALWAYS TRIGGER contact_messages_by_function_only;
ALTER TABLE contact_messages ENABLE ALWAYS TRIGGER contact_messages_end_once;
ALTER TABLE contact_messages ENABLE ALWAYS TRIGGER notices_are_kept;
ALTER TABLE contact_messages ENABLE ALWAYS TRIGGER contact_messages_are_not_truncated;

-- ── Corrections ───────────────────────────────────────────────────────────────────────────────────────────────────
-- NOT VALID: every row that is there satisfies what was narrower before.
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_kind_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_decision_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_is_restored_by_four_eyes;
-- squawk-ignore ban-drop-constraint
ALTER TABLE case_proposals DROP CONSTRAINT proposed_decision_is_known;
ALTER TABLE cases ADD CONSTRAINT case_kind_is_known
    CHECK (kind IN ('dispute', 'match', 'core_refusal', 'balance', 'heir', 'correction')) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT case_decision_is_known CHECK (decision IN ('restored', 'accepted', 'withdrawn', 'linked', 'refused',
    'acknowledged', 'reversed', 'settled', 'ours', 'theirs_corrected', 'agreed', 'heir_recognised', 'heir_refused',
    'corrected')) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT case_is_restored_by_four_eyes CHECK (second_staff IS NOT NULL
    OR decision NOT IN ('restored', 'linked', 'reversed', 'settled', 'theirs_corrected', 'heir_recognised', 'corrected')) NOT VALID;
ALTER TABLE case_proposals ADD CONSTRAINT proposed_decision_is_known CHECK (decision IN
    ('restored', 'accepted', 'linked', 'refused', 'acknowledged', 'settled', 'ours', 'theirs_corrected', 'corrected')) NOT VALID;

-- What the participant says is wrong about them, and what it should be.
CREATE TABLE corrections (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    field text NOT NULL
        CONSTRAINT corrected_field_is_known CHECK (field IN ('name', 'birth_date', 'nik', 'phone', 'email', 'other')),
    wanted_sealed bytea NOT NULL,
    PRIMARY KEY (participant_id, case_id),
    FOREIGN KEY (participant_id, case_id) REFERENCES cases
);
COMMENT ON COLUMN corrections.wanted_sealed IS 'Sealed for the column `correction` and this case: it may be a contact or an identity number.';

GRANT SELECT ON corrections TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT SELECT, INSERT, UPDATE ON corrections TO sepakat_writer;

CREATE TRIGGER corrections_by_function_only BEFORE INSERT OR UPDATE ON corrections
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('corrections_by_function_only');
CREATE TRIGGER corrections_are_kept BEFORE DELETE ON corrections FOR EACH ROW EXECUTE FUNCTION refuse_statement('corrections_are_kept');
CREATE TRIGGER corrections_are_not_truncated BEFORE TRUNCATE ON corrections EXECUTE FUNCTION refuse_statement('corrections_are_kept');
ALTER TABLE corrections ENABLE ALWAYS TRIGGER corrections_by_function_only;
ALTER TABLE corrections ENABLE ALWAYS TRIGGER corrections_are_kept;
ALTER TABLE corrections ENABLE ALWAYS TRIGGER corrections_are_not_truncated;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- ── Holds ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- These keys confirm nothing before p_until; a longer hold stays. Returns the names of those that are held.
CREATE FUNCTION hold_keys(p_participant_id uuid, p_keys uuid[], p_until timestamptz, OUT devices text[], OUT passkeys text[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    WITH held AS (
        UPDATE public.devices AS d SET hold_until = greatest(d.hold_until, p_until)
        WHERE d.participant_id = p_participant_id AND d.device_id = ANY (p_keys) AND d.removed_at IS NULL
        RETURNING d.name
    )
    SELECT array_agg(name ORDER BY name) INTO devices FROM held;
    WITH held AS (
        UPDATE public.passkeys AS p SET hold_until = greatest(p.hold_until, p_until)
        WHERE p.participant_id = p_participant_id AND p.passkey_id = ANY (p_keys) AND p.removed_at IS NULL
        RETURNING p.name
    )
    SELECT array_agg(name ORDER BY name) INTO passkeys FROM held;
END
$$;

-- A merge that one of these keys confirmed is carried out no earlier than p_until; its delay is told.
CREATE FUNCTION delay_confirmed_merges(p_participant_id uuid, p_keys uuid[], p_until timestamptz, p_cause_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE public.merges AS m SET executes_at = p_until, cause_id = p_cause_id
    FROM public.confirmations AS c
    WHERE m.participant_id = p_participant_id AND m.state IN ('confirmed', 'reported', 'disputed') AND m.executes_at < p_until
        AND c.participant_id = m.participant_id AND c.confirmation_id = m.confirmation_id
        AND coalesce(c.device_id, c.passkey_id) = ANY (p_keys)
$$;

-- As before: a number that was ported is in doubt from that day on, and with it every key that came by a code sent to it.
CREATE OR REPLACE FUNCTION record_ported_number(p_participant_id uuid, p_on date, p_hold interval, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_doubtful uuid[];
    v_held record;
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

    SELECT * INTO v_held FROM public.hold_keys(p_participant_id, v_doubtful, v_now + p_hold);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'phone_ported', NULL, NULL, p_cause_id, jsonb_build_object(
        'on', p_on, 'devices', v_held.devices, 'passkeys', v_held.passkeys,
        'hold_until', CASE WHEN num_nonnulls(v_held.devices, v_held.passkeys) > 0 THEN v_now + p_hold END))::public.history_entry]);
    PERFORM public.delay_confirmed_merges(p_participant_id, v_doubtful, v_now + p_hold, p_cause_id);
END
$$;

-- ── A contact changes ─────────────────────────────────────────────────────────────────────────────────────────────
-- Asks for new contacts, one row each; one that waited for the same contact is replaced. The challenge must be spent, and be
-- of this purpose and person. Raises ten_contact_changes_a_day.
CREATE FUNCTION ask_contact_change(
    p_participant_id uuid, p_key_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_expires_at timestamptz,
    p_change_ids uuid[], p_channels text[], p_values bytea[], p_masked text[]
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (
        SELECT FROM public.challenges AS c
        WHERE c.nonce = p_nonce AND c.purpose = 'change_contact' AND c.participant_id = p_participant_id
            AND c.subject_id = p_participant_id AND c.spent_at IS NOT NULL
    ) THEN
        PERFORM public.refuse('contact_change_takes_its_challenge', 'no contact changes without a challenge of its own, spent for it');
    END IF;
    IF EXISTS (
        SELECT FROM public.contact_changes AS c
        WHERE c.participant_id = p_participant_id AND c.channel = ANY (p_channels) AND c.asked_at > v_now - interval '1 day'
        GROUP BY c.channel HAVING count(*) >= 10
    ) THEN
        PERFORM public.refuse('ten_contact_changes_a_day', 'a contact is changed at most ten times a day');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_key_id::text);
    UPDATE public.contact_messages AS m SET state = 'replaced', contact_sealed = NULL, ended_at = v_now
    FROM public.contact_changes AS c
    WHERE c.participant_id = p_participant_id AND c.state = 'open' AND c.channel = ANY (p_channels)
        AND m.participant_id = c.participant_id AND m.message_id = c.change_id AND m.state = 'waiting';
    UPDATE public.contact_changes AS c SET state = 'replaced', value_sealed = NULL, closed_at = v_now
    WHERE c.participant_id = p_participant_id AND c.state = 'open' AND c.channel = ANY (p_channels);

    INSERT INTO public.contact_changes (participant_id, change_id, channel, value_sealed, masked, key_id, nonce, statement, proof,
        asked_at, expires_at, cause_id)
    SELECT p_participant_id, n.change_id, n.channel, n.value, n.masked, p_key_id, p_nonce, p_statement, p_proof, v_now,
        p_expires_at, v_cause_id
    FROM unnest(p_change_ids, p_channels, p_values, p_masked) AS n (change_id, channel, value, masked);
    INSERT INTO public.contact_messages (participant_id, message_id, what, channel, contact_sealed, expires_at, cause_id)
    SELECT p_participant_id, n.change_id, 'code', n.channel, n.value, p_expires_at, v_cause_id
    FROM unnest(p_change_ids, p_channels, p_values) AS n (change_id, channel, value);
    PERFORM public.append_history(array(
        SELECT ROW(p_participant_id, 'contact_change_asked', NULL, NULL, v_cause_id,
            jsonb_build_object('contact', n.channel, 'after', n.masked))::public.history_entry
        FROM unnest(p_channels, p_masked) WITH ORDINALITY AS n (channel, masked, position) ORDER BY n.position));
END
$$;

-- Counts one try of every code that is open and whose key lives: at most three of each, and ten a day for one contact. Returns
-- what may be looked at with this try, and nothing when no try was left.
CREATE FUNCTION try_contact_codes(p_participant_id uuid, OUT change_id uuid, OUT channel text, OUT tries integer) RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    RETURN QUERY UPDATE public.contact_changes AS c SET tries = c.tries + 1
    WHERE c.participant_id = p_participant_id AND c.state = 'open' AND c.expires_at > public.current_instant() AND c.tries < 3
        AND (SELECT sum(o.tries) FROM public.contact_changes AS o
            WHERE o.participant_id = c.participant_id AND o.channel = c.channel
                AND o.asked_at > public.current_instant() - interval '1 day') < 10
        AND EXISTS (SELECT FROM public.keys AS k
            WHERE k.participant_id = c.participant_id AND k.key_id = c.key_id AND k.removed_at IS NULL)
    RETURNING c.change_id, c.channel, c.tries;
END
$$;

-- A contact on file is another one now: the old one gets a notice, from the ciphertext that it had. The row is changed here
-- and nowhere else, whoever asked for it.
CREATE FUNCTION change_contact(
    p_participant_id uuid, p_channel text, p_value bytea, p_since date, p_cause_id uuid, p_data jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_before public.participants;
BEGIN
    SELECT * INTO v_before FROM public.participants AS p WHERE p.participant_id = p_participant_id FOR UPDATE;
    IF p_channel = 'phone' THEN
        UPDATE public.participants AS p SET phone_sealed = p_value, phone_since = p_since WHERE p.participant_id = p_participant_id;
    ELSE
        UPDATE public.participants AS p SET email_sealed = p_value WHERE p.participant_id = p_participant_id;
    END IF;
    PERFORM public.notify_old_contact(p_participant_id, p_channel,
        CASE p_channel WHEN 'phone' THEN v_before.phone_sealed ELSE v_before.email_sealed END, p_cause_id);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'contact_changed', NULL, NULL, p_cause_id,
        jsonb_strip_nulls(jsonb_build_object('contact', p_channel) || p_data))::public.history_entry]);
END
$$;

CREATE FUNCTION notify_old_contact(p_participant_id uuid, p_channel text, p_contact bytea, p_cause_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    INSERT INTO public.contact_messages (participant_id, what, channel, contact_sealed, expires_at, cause_id)
    SELECT p_participant_id, 'notice', p_channel, p_contact, public.current_instant() + interval '72 hours', p_cause_id
    WHERE p_contact IS NOT NULL
$$;

-- The code was right: the contact becomes the one on file, and the keys that brought it there, the one that asked and the one
-- that is signed in, are on hold for p_hold. p_before is the old contact, masked.
CREATE FUNCTION apply_contact_change(
    p_participant_id uuid, p_change_id uuid, p_key_id uuid, p_hold interval, p_before text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_change public.contact_changes;
    v_cause_id uuid;
    v_held record;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_change FROM public.contact_changes AS c
    WHERE c.participant_id = p_participant_id AND c.change_id = p_change_id AND c.state = 'open' AND c.expires_at > v_now
        AND c.tries > 0
    FOR UPDATE;
    IF v_change.change_id IS NULL THEN
        PERFORM public.refuse('contact_change_is_open', 'a contact is changed once, in time, and after its try was counted');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_key_id::text);
    UPDATE public.contact_changes AS c SET state = 'applied', value_sealed = NULL, closed_at = v_now
    WHERE c.participant_id = p_participant_id AND c.change_id = p_change_id;
    SELECT * INTO v_held FROM public.hold_keys(p_participant_id, ARRAY[v_change.key_id, p_key_id], v_now + p_hold);
    PERFORM public.change_contact(p_participant_id, v_change.channel, v_change.value_sealed, public.jakarta_day(v_now), v_cause_id,
        jsonb_build_object('before', p_before, 'after', v_change.masked, 'devices', v_held.devices, 'passkeys', v_held.passkeys,
            'hold_until', v_now + p_hold));
    PERFORM public.delay_confirmed_merges(p_participant_id, ARRAY[v_change.key_id, p_key_id], v_now + p_hold, v_cause_id);
END
$$;

-- What the core corrects; NULL leaves as it is. p_masked: {phone: {before, after}, email: {before, after}}, for the entries.
CREATE FUNCTION update_participant(
    p_participant_id uuid, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea,
    p_locale text, p_time_zone text, p_masked jsonb, p_cause_id uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_before public.participants;
    v_after public.participants;
    v_fields text[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_before FROM public.participants AS p WHERE p.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.participants AS p SET name = coalesce(p_name, p.name), birth_date = coalesce(p_birth_date, p.birth_date),
        phone_since = CASE WHEN p_phone_sealed IS NULL THEN coalesce(p_phone_since, p.phone_since) ELSE p.phone_since END,
        locale = coalesce(p_locale, p.locale), time_zone = coalesce(p_time_zone, p.time_zone)
    WHERE p.participant_id = p_participant_id
    RETURNING * INTO v_after;
    v_fields := array_remove(ARRAY[
        CASE WHEN v_before.name <> v_after.name THEN 'name' END,
        CASE WHEN v_before.birth_date <> v_after.birth_date THEN 'birth_date' END,
        CASE WHEN v_before.phone_since IS DISTINCT FROM v_after.phone_since THEN 'phone_since' END,
        CASE WHEN v_before.locale <> v_after.locale THEN 'locale' END,
        CASE WHEN v_before.time_zone <> v_after.time_zone THEN 'time_zone' END], NULL);
    IF v_fields <> '{}' THEN
        PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'participant_updated', NULL, NULL, p_cause_id, jsonb_strip_nulls(
            jsonb_build_object('fields', v_fields, 'name', CASE WHEN 'name' = ANY (v_fields) THEN v_after.name END,
                'birth_date', CASE WHEN 'birth_date' = ANY (v_fields) THEN v_after.birth_date END)))::public.history_entry]);
    END IF;
    IF p_phone_sealed IS NOT NULL THEN
        PERFORM public.change_contact(p_participant_id, 'phone', p_phone_sealed, p_phone_since, p_cause_id, p_masked -> 'phone');
    END IF;
    IF p_email_sealed IS NOT NULL THEN
        PERFORM public.change_contact(p_participant_id, 'email', p_email_sealed, NULL, p_cause_id, p_masked -> 'email');
    END IF;
END
$$;

-- Hand-typed SQL by the owner or a superuser on what says who somebody is, or where they are reached: told, as for cards, and
-- to the contact that was on file as well.
CREATE FUNCTION capture_unexplained_data_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    v_cause_id := public.record_cause(new.participant_id, 'unexplained', session_user, 'changed by hand in the database');
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, 'unexplained_data_change', NULL, NULL, v_cause_id,
        jsonb_build_object('database_role', session_user, 'fields', array_remove(ARRAY[
            CASE WHEN old.nik_sealed <> new.nik_sealed THEN 'nik' END,
            CASE WHEN old.name <> new.name THEN 'name' END,
            CASE WHEN old.birth_date <> new.birth_date THEN 'birth_date' END,
            CASE WHEN old.phone_sealed IS DISTINCT FROM new.phone_sealed THEN 'phone' END,
            CASE WHEN old.phone_since IS DISTINCT FROM new.phone_since THEN 'phone_since' END,
            CASE WHEN old.email_sealed IS DISTINCT FROM new.email_sealed THEN 'email' END], NULL)))::public.history_entry]);
    PERFORM public.notify_old_contact(new.participant_id, 'phone', old.phone_sealed, v_cause_id)
    WHERE old.phone_sealed IS DISTINCT FROM new.phone_sealed;
    PERFORM public.notify_old_contact(new.participant_id, 'email', old.email_sealed, v_cause_id)
    WHERE old.email_sealed IS DISTINCT FROM new.email_sealed;
    RETURN NULL;
END
$$;

-- The same contacts under another key, for whoever may act as the owner; nothing of one that ended meanwhile.
CREATE FUNCTION reseal_contact_change(p_participant_id uuid, p_change_id uuid, p_value_sealed bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE public.contact_changes AS c SET value_sealed = p_value_sealed
    WHERE c.participant_id = p_participant_id AND c.change_id = p_change_id AND c.state = 'open'
$$;

CREATE FUNCTION reseal_contact_message(p_participant_id uuid, p_message_id uuid, p_contact_sealed bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE public.contact_messages AS m SET contact_sealed = p_contact_sealed
    WHERE m.participant_id = p_participant_id AND m.message_id = p_message_id AND m.state = 'waiting'
$$;

CREATE FUNCTION reseal_correction(p_participant_id uuid, p_case_id uuid, p_wanted_sealed bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE public.corrections AS r SET wanted_sealed = p_wanted_sealed
    WHERE r.participant_id = p_participant_id AND r.case_id = p_case_id
$$;

-- ── Corrections ───────────────────────────────────────────────────────────────────────────────────────────────────
-- Opens a case of 3×24 hours. Raises one_open_correction_per_field.
CREATE FUNCTION ask_correction(
    p_participant_id uuid, p_case_id uuid, p_actor text, p_field text, p_wanted_sealed bytea, p_statement text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF EXISTS (
        SELECT FROM public.corrections AS r
        JOIN public.cases AS c ON c.participant_id = r.participant_id AND c.case_id = r.case_id
        WHERE r.participant_id = p_participant_id AND r.field = p_field AND c.state = 'open'
    ) THEN
        PERFORM public.refuse('one_open_correction_per_field', 'a correction of this is asked for already');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor, p_statement);
    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases (participant_id, case_id, kind, statement, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'correction', p_statement, v_now, v_now + interval '72 hours', 'open', v_cause_id,
        pg_current_xact_id());
    INSERT INTO public.corrections (participant_id, case_id, field, wanted_sealed)
    VALUES (p_participant_id, p_case_id, p_field, p_wanted_sealed);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'correction_asked', NULL, NULL, v_cause_id, jsonb_build_object(
        'case_id', p_case_id, 'field', p_field, 'due_at', v_now + interval '72 hours'))::public.history_entry]);
END
$$;

-- `corrected` by two people, or `refused`. It is recorded and nothing else follows: what changes comes from the core by its own
-- event, and an identity number never changes. The cause is the caller's.
CREATE FUNCTION decide_correction(
    p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id AND c.kind = 'correction' AND c.state = 'open'
        AND p_decision IN ('corrected', 'refused');
    IF NOT FOUND THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'correction_decided', NULL, NULL, p_cause_id, jsonb_build_object(
        'case_id', p_case_id, 'decision', p_decision, 'reason', p_reason,
        'field', (SELECT r.field FROM public.corrections AS r
            WHERE r.participant_id = p_participant_id AND r.case_id = p_case_id)))::public.history_entry]);
END
$$;

-- Staff see what is asked for, and decide it like other cases. One expression is added in each of these functions, and nothing
-- else changes; sql/schema.sql shows them whole.
DO $$
DECLARE
    v_change record;
    v_before text;
BEGIN
    FOR v_change IN SELECT * FROM (VALUES
        ('propose_decision(uuid, text, text, staff_member)'::regprocedure, $q$('balance', 'theirs_corrected'))$q$,
            $q$('balance', 'theirs_corrected'),
        ('correction', 'corrected'), ('correction', 'refused'))$q$),
        ('carry_out_proposal(uuid, text, staff_member)', 'END CASE;', $q$    WHEN 'correction' THEN
                PERFORM public.decide_correction(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
        END CASE;$q$),
        ('read_case_for_staff(uuid, staff_member, text)', $q$'decided_at', v_case.decided_at)$q$,
            $q$'decided_at', v_case.decided_at,
            'correction', (SELECT jsonb_build_object('field', r.field, 'wanted_sealed', encode(r.wanted_sealed, 'hex'))
                FROM public.corrections AS r
                WHERE r.participant_id = v_case.participant_id AND r.case_id = v_case.case_id))$q$)
    ) AS c (function, place, instead)
    LOOP
        v_before := pg_get_functiondef(v_change.function);
        IF v_before NOT LIKE '%' || v_change.place || '%' THEN
            RAISE EXCEPTION '% has no place for corrections', v_change.function;
        END IF;
        EXECUTE replace(v_before, v_change.place, v_change.instead);
    END LOOP;
END
$$;

GRANT EXECUTE ON FUNCTION ask_contact_change(uuid, uuid, bytea, bytea, jsonb, timestamptz, uuid[], text[], bytea[], text[]),
    try_contact_codes(uuid), apply_contact_change(uuid, uuid, uuid, interval, text),
    ask_correction(uuid, uuid, text, text, bytea, text) TO sepakat_api;
GRANT EXECUTE ON FUNCTION update_participant(uuid, text, date, bytea, date, bytea, text, text, jsonb, uuid),
    decide_correction(uuid, uuid, uuid, text, text, text, text) TO sepakat_feed;
GRANT EXECUTE ON FUNCTION capture_unexplained_data_change() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;
CREATE TRIGGER unexplained_data_change_is_captured AFTER UPDATE ON participants
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer' AND
        (old.nik_sealed, old.name, old.birth_date, old.phone_sealed, old.phone_since, old.email_sealed) IS DISTINCT FROM
        (new.nik_sealed, new.name, new.birth_date, new.phone_sealed, new.phone_since, new.email_sealed))
    EXECUTE FUNCTION capture_unexplained_data_change();
RESET ROLE;
