-- What a participant chooses about themselves: language and time zone, and the processing that they agree or object to.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('preferences_changed', 'inbox', 'notice', 'info', 'change', '2026-11'),
    ('consent_given', 'inbox', 'notice', 'info', 'change', '2026-11'),
    ('consent_withdrawn', 'inbox', 'notice', 'info', 'change', '2026-11');

-- Every choice is kept; the newest of a purpose counts.
CREATE TABLE consent_choices (
    participant_id uuid NOT NULL REFERENCES participants,
    purpose text NOT NULL CONSTRAINT consent_purpose_is_known CHECK (purpose IN ('possible_matches')),
    chosen_at timestamptz NOT NULL,
    choice text NOT NULL CONSTRAINT consent_choice_is_known CHECK (choice IN ('given', 'withdrawn')),
    wording text NOT NULL,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, purpose, cause_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
COMMENT ON COLUMN consent_choices.wording IS 'The version of the text that was shown beside the choice.';

CREATE FUNCTION objects_to(p_participant_id uuid, p_purpose text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT coalesce((
        SELECT c.choice = 'withdrawn' FROM public.consent_choices AS c
        WHERE c.participant_id = p_participant_id AND c.purpose = p_purpose
        ORDER BY c.chosen_at DESC, c.cause_id DESC LIMIT 1), false)
$$;
COMMENT ON FUNCTION objects_to(uuid, text) IS 'Whether the newest choice about a purpose is an objection.';

GRANT EXECUTE ON FUNCTION objects_to(uuid, text) TO sepakat_worker;
GRANT SELECT ON consent_choices TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT SELECT, INSERT ON consent_choices TO sepakat_writer;

CREATE TRIGGER consent_choices_are_append_only BEFORE UPDATE OR DELETE ON consent_choices
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('consent_choices_are_append_only');
CREATE TRIGGER consent_choices_are_not_truncated BEFORE TRUNCATE ON consent_choices
    EXECUTE FUNCTION refuse_statement('consent_choices_are_append_only');
CREATE TRIGGER consent_choices_by_function_only BEFORE INSERT ON consent_choices
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('consent_choices_by_function_only');
ALTER TABLE consent_choices ENABLE ALWAYS TRIGGER consent_choices_are_append_only;
ALTER TABLE consent_choices ENABLE ALWAYS TRIGGER consent_choices_are_not_truncated;
ALTER TABLE consent_choices ENABLE ALWAYS TRIGGER consent_choices_by_function_only;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Language and time zone; NULL leaves one as it is. Returns false when nothing changes: then nothing is written.
CREATE FUNCTION set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_before public.participants;
    v_after public.participants;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_before FROM public.participants AS p WHERE p.participant_id = p_participant_id;
    UPDATE public.participants AS p
    SET locale = coalesce(p_locale, p.locale), time_zone = coalesce(p_time_zone, p.time_zone)
    WHERE p.participant_id = p_participant_id
    RETURNING * INTO v_after;
    IF (v_before.locale, v_before.time_zone) IS NOT DISTINCT FROM (v_after.locale, v_after.time_zone) THEN
        RETURN false;
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'preferences_changed', NULL, NULL,
        public.record_cause(p_participant_id, 'participant', p_actor), jsonb_build_object(
            'locale', v_after.locale, 'time_zone', v_after.time_zone))::public.history_entry]);
    RETURN true;
END
$$;

-- One choice about one purpose. Returns false when it is the choice in force already: then nothing is written.
CREATE FUNCTION choose_consent(p_participant_id uuid, p_purpose text, p_choice text, p_wording text, p_actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_cause_id uuid;
    v_current text;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT c.choice INTO v_current FROM public.consent_choices AS c
    WHERE c.participant_id = p_participant_id AND c.purpose = p_purpose
    ORDER BY c.chosen_at DESC, c.cause_id DESC LIMIT 1;
    IF v_current IS NOT DISTINCT FROM p_choice THEN
        RETURN false;
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor);
    INSERT INTO public.consent_choices (participant_id, purpose, chosen_at, choice, wording, cause_id)
    VALUES (p_participant_id, p_purpose, public.current_instant(), p_choice, p_wording, v_cause_id);
    -- whoever agrees again is looked at again
    INSERT INTO public.match_queue (participant_id, queued_at)
    SELECT p_participant_id, clock_timestamp() WHERE p_purpose = 'possible_matches' AND p_choice = 'given'
    ON CONFLICT (participant_id) DO UPDATE SET queued_at = excluded.queued_at;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id,
        CASE p_choice WHEN 'given' THEN 'consent_given' ELSE 'consent_withdrawn' END, NULL, NULL, v_cause_id,
        jsonb_build_object('purpose', p_purpose, 'wording', p_wording))::public.history_entry]);
    RETURN true;
END
$$;

GRANT EXECUTE ON FUNCTION set_preferences(uuid, text, text, text), choose_consent(uuid, text, text, text, text) TO sepakat_api;
RESET ROLE;
