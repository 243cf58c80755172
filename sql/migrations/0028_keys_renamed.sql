-- Its owner tells a key from another by its name: a change is an entry, with a cause of its own.
SET LOCAL ROLE sepakat_owner;
INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('key_renamed', 'inbox', 'security', 'info', 'change', '2026-11');
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

CREATE FUNCTION tell_of_name() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_key jsonb := to_jsonb(new);
BEGIN
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, 'key_renamed', NULL, NULL, new.cause_id,
        jsonb_build_object('name_before', old.name) || CASE WHEN tg_table_name = 'passkeys'
            THEN jsonb_build_object('passkey_id', v_key -> 'passkey_id', 'passkey_name', new.name, 'platform', 'passkey')
            ELSE jsonb_build_object('device_id', v_key -> 'device_id', 'device_name', new.name, 'platform', v_key -> 'platform')
        END)::public.history_entry]);
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION tell_of_name() TO sepakat_owner;

RESET ROLE;
SET LOCAL ROLE sepakat_owner;
CREATE TRIGGER key_renamed_is_told AFTER UPDATE ON devices
    FOR EACH ROW WHEN (old.name <> new.name) EXECUTE FUNCTION tell_of_name();
CREATE TRIGGER key_renamed_is_told AFTER UPDATE ON passkeys
    FOR EACH ROW WHEN (old.name <> new.name) EXECUTE FUNCTION tell_of_name();
RESET ROLE;
