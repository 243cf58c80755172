-- squawk-ignore-file ban-drop-column, adding-required-field, adding-serial-primary-key-field, ban-drop-function
-- Identity numbers, contacts and what the core sent lie sealed, under keys that no SQL role has; a number is found by a
-- keyed hash. The database cannot seal what lies in it: only one without participants becomes one with seals.
DO $$
BEGIN
    IF EXISTS (SELECT FROM participants) OR EXISTS (SELECT FROM feed_events) THEN
        RAISE EXCEPTION 'there are participants with open identity numbers: load them anew into an empty database'
            USING HINT = 'Of a local instance: `make reset`, then `make run`.';
    END IF;
END
$$;
SET LOCAL ROLE sepakat_owner;

-- The identity number never changes; sealed anew, it is the same.
DROP TRIGGER participant_is_queued_for_matching ON participants;
CREATE TRIGGER participant_is_queued_for_matching AFTER INSERT OR UPDATE OF name, birth_date ON participants
    FOR EACH ROW EXECUTE FUNCTION queue_for_matching();

ALTER TABLE participants DROP COLUMN nik, DROP COLUMN phone, DROP COLUMN email,
    ADD COLUMN nik_sealed bytea NOT NULL, ADD COLUMN phone_sealed bytea, ADD COLUMN email_sealed bytea;
COMMENT ON COLUMN participants.nik_sealed IS 'AES-256-GCM for this column and row (app/platform/sealing.py); so are phone and email.';

ALTER TABLE participant_numbers DROP COLUMN nik,
    ADD COLUMN nik_hash bytea PRIMARY KEY CONSTRAINT nik_hash_has_32_bytes CHECK (length(nik_hash) = 32);
COMMENT ON COLUMN participant_numbers.nik_hash IS 'HMAC-SHA256 under the look-up key: whoever has only the table cannot try all numbers.';
CREATE INDEX participant_numbers_by_participant ON participant_numbers (participant_id);

ALTER TABLE feed_events DROP COLUMN content, DROP COLUMN detail,
    ADD COLUMN content_sealed bytea NOT NULL, ADD COLUMN detail_sealed bytea;
ALTER TABLE feed_quarantine DROP COLUMN content, ADD COLUMN content_sealed bytea NOT NULL;
COMMENT ON COLUMN feed_streams.stream IS 'card:<number>, or participant:<keyed hash of the identity number, in hex>.';

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

DROP FUNCTION register_participant(
    uuid, text, text, date, text, date, text, text, text, date, text, text, text, timestamptz);

-- A new participant with head, number and first entry. Returns false when the identity number is known already.
CREATE FUNCTION register_participant(
    p_participant_id uuid, p_nik_hash bytea, p_nik_sealed bytea, p_name text, p_birth_date date, p_phone_sealed bytea,
    p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text,
    p_event_id text, p_occurred_at timestamptz
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    INSERT INTO public.participant_numbers (nik_hash, participant_id) VALUES (p_nik_hash, p_participant_id)
    ON CONFLICT (nik_hash) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO public.participants
        (participant_id, nik_sealed, name, birth_date, phone_sealed, phone_since, email_sealed, locale, time_zone,
        registered_at, deceased_on)
    VALUES (p_participant_id, p_nik_sealed, p_name, p_birth_date, p_phone_sealed, p_phone_since, p_email_sealed,
        coalesce(p_locale, 'id'), coalesce(p_time_zone, 'Asia/Jakarta'), public.current_instant(), p_deceased_on);
    INSERT INTO public.participant_heads (participant_id) VALUES (p_participant_id);
    v_cause_id := public.record_cause(p_participant_id, p_origin, p_actor, p_event_id => p_event_id, p_occurred_at => p_occurred_at);
    PERFORM public.append_history(ARRAY[
        ROW(p_participant_id, 'participant_registered', NULL, NULL, v_cause_id, jsonb_build_object('name', p_name))::public.history_entry
    ]);
    RETURN true;
END
$$;

-- The same numbers and contacts under another key, for whoever may act as the owner: false when they changed meanwhile.
CREATE FUNCTION reseal_participant(
    p_participant_id uuid, p_before bytea[], p_nik_sealed bytea, p_phone_sealed bytea, p_email_sealed bytea
) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE public.participants AS p
    SET nik_sealed = p_nik_sealed, phone_sealed = p_phone_sealed, email_sealed = p_email_sealed
    WHERE p.participant_id = p_participant_id AND ARRAY[p.nik_sealed, p.phone_sealed, p.email_sealed] = p_before
    RETURNING true
$$;

CREATE FUNCTION reseal_heir(p_case_id uuid, p_phone_sealed bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE public.heir_claims AS h SET phone_sealed = p_phone_sealed WHERE h.case_id = p_case_id
$$;

CREATE OR REPLACE FUNCTION person_for_staff(p_participant_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object('participant_id', p.participant_id, 'name', p.name, 'birth_date', p.birth_date,
        'nik_sealed', encode(p.nik_sealed, 'hex'), 'phone_sealed', encode(p.phone_sealed, 'hex'),
        'email_sealed', encode(p.email_sealed, 'hex'), 'locale', p.locale, 'deceased_on', p.deceased_on)
    FROM public.participants AS p WHERE p.participant_id = p_participant_id
$$;

GRANT EXECUTE ON FUNCTION register_participant(
    uuid, bytea, bytea, text, date, bytea, date, bytea, text, text, date, text, text, text, timestamptz
) TO sepakat_feed;
RESET ROLE;
