-- What the API looks at before it asks for another contact, the database looks at again.
SET LOCAL ROLE sepakat_writer;

-- A change of a contact is asked for, in the bytes that were signed, by a key of this person that lives and is on no hold.
CREATE FUNCTION guard_contact_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.keys AS k
        WHERE k.participant_id = new.participant_id AND k.key_id = new.key_id AND k.removed_at IS NULL
            AND coalesce(k.hold_until, '-infinity') <= public.current_instant()
            AND convert_from(new.statement, 'UTF8')::jsonb = jsonb_build_object(
                'version', 1, 'purpose', 'change_contact', 'device_id', CASE WHEN k.passkey_id IS NULL THEN new.key_id END,
                'subject_id', new.participant_id,
                'nonce', translate(rtrim(encode(new.nonce, 'base64'), '='), '+/', '-_'))
            AND (k.passkey_id IS NULL OR public.is_passkey_proof(k.passkey_id, new.statement, new.proof))
    ) THEN
        PERFORM public.refuse('contact_change_is_by_a_free_key', 'another contact is asked for in the statement of a key that is free');
    END IF;
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION guard_contact_change() TO sepakat_owner;

RESET ROLE;
SET LOCAL ROLE sepakat_owner;
CREATE TRIGGER a_contact_change_is_guarded AFTER INSERT ON contact_changes FOR EACH ROW EXECUTE FUNCTION guard_contact_change();
ALTER TABLE contact_changes ENABLE ALWAYS TRIGGER a_contact_change_is_guarded;
RESET ROLE;
