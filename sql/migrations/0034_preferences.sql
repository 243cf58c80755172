-- Preferences: what a person has switched off, and the hours in which nothing but security and merges may wake them.
SET LOCAL ROLE sepakat_owner;

-- A kind that nobody named here is mandatory: one that is forgotten is heard, not silenced.
ALTER TABLE entry_kinds ADD COLUMN mandatory boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN entry_kinds.mandatory IS
    'Nobody can switch it off or have it wait: security, merges, and books that differ, which hold up every merge.';
UPDATE entry_kinds SET mandatory = false WHERE kind IN (
    'card_opened', 'card_status_changed', 'contribution_posted', 'late_contribution_posted', 'contribution_reversed',
    'growth_credited', 'claim_opened', 'claim_paid', 'claim_withdrawn', 'card_locked', 'possible_match_refused',
    'card_transferred_here', 'balance_agrees_again', 'balance_case_decided', 'case_overdue',
    'baseline', 'participant_registered', 'participant_deceased', 'possible_match_found', 'possible_match_not_mine',
    'document_received', 'heir_reported', 'heir_recognised', 'heir_refused', 'preferences_changed', 'consent_given',
    'consent_withdrawn', 'participant_updated', 'correction_asked', 'correction_decided');
ALTER TABLE entry_kinds ADD CONSTRAINT security_is_mandatory CHECK (class <> 'security' OR mandatory) NOT VALID;

CREATE TABLE quiet_hours (
    participant_id uuid PRIMARY KEY REFERENCES participants,
    starts_at time NOT NULL,
    ends_at time NOT NULL,
    CONSTRAINT quiet_hours_last CHECK (starts_at <> ends_at)
);
COMMENT ON TABLE quiet_hours IS 'Who has no row is never quiet. By the clock on the wall where the person lives; may pass midnight.';

CREATE TABLE switched_off (
    participant_id uuid NOT NULL REFERENCES participants,
    class text NOT NULL CONSTRAINT class_can_be_switched_off CHECK (class IN ('card', 'notice')),
    channel text NOT NULL CONSTRAINT channel_can_be_switched_off CHECK (channel IN ('push', 'mail', 'sms')),
    PRIMARY KEY (participant_id, class, channel)
);
COMMENT ON TABLE switched_off IS 'What has no row is on. Kinds that are mandatory do not look here.';

GRANT SELECT ON quiet_hours, switched_off TO sepakat_api, sepakat_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON quiet_hours TO sepakat_writer;
GRANT SELECT, INSERT, DELETE ON switched_off TO sepakat_writer;
SELECT isolate_table('quiet_hours');
SELECT isolate_table('switched_off');

CREATE TRIGGER quiet_hours_by_function_only BEFORE INSERT OR UPDATE OR DELETE ON quiet_hours
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('preferences_by_function_only');
CREATE TRIGGER switched_off_by_function_only BEFORE INSERT OR UPDATE OR DELETE ON switched_off
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('preferences_by_function_only');
ALTER TABLE quiet_hours ENABLE ALWAYS TRIGGER quiet_hours_by_function_only;
ALTER TABLE switched_off ENABLE ALWAYS TRIGGER switched_off_by_function_only;

-- What rests leaves the classes that are sent from, so that nobody reads past it all night.
ALTER TABLE outbox ADD COLUMN rests_until timestamptz;
ALTER TABLE outbox ADD COLUMN digest uuid;
ALTER TABLE outbox ADD CONSTRAINT what_rests_has_its_time CHECK ((class = 2) = (rests_until IS NOT NULL)) NOT VALID;
COMMENT ON COLUMN outbox.class IS '0 urgent, 1 bulk, 2 rests until its person''s quiet hours are over';
COMMENT ON COLUMN outbox.rests_until IS 'On the one clock, unlike not_before: the end of the quiet hours.';
COMMENT ON COLUMN outbox.digest IS 'The first cause of the digest that this row goes out with; no row joins a digest later.';
CREATE INDEX outbox_rests ON outbox (lane, rests_until, participant_id) WHERE class = 2;
GRANT UPDATE (digest) ON outbox TO sepakat_worker;
GRANT UPDATE (class, rests_until, digest) ON outbox TO sepakat_writer;

-- Zones of Indonesia have no summer time: a time of the day is there exactly once.
CREATE FUNCTION quiet_until(starts_at time, ends_at time, time_zone text, instant timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN starts_at < ends_at THEN CASE
        WHEN (instant AT TIME ZONE time_zone)::time >= starts_at AND (instant AT TIME ZONE time_zone)::time < ends_at
            THEN ((instant AT TIME ZONE time_zone)::date + ends_at) AT TIME ZONE time_zone END
    WHEN (instant AT TIME ZONE time_zone)::time >= starts_at
        THEN ((instant AT TIME ZONE time_zone)::date + 1 + ends_at) AT TIME ZONE time_zone
    WHEN (instant AT TIME ZONE time_zone)::time < ends_at
        THEN ((instant AT TIME ZONE time_zone)::date + ends_at) AT TIME ZONE time_zone END;
COMMENT ON FUNCTION quiet_until(time, time, text, timestamptz) IS
    'When the quiet hours end that this instant lies in; NULL outside of them. The first minute is quiet, the last is not.';

-- One row, made part of the statement that asks. What an acknowledged entry has to say is said, on every phone; reading does
-- as much where nothing mandatory is told. Values and no EXISTS, so that each is looked up by its key: planned as a hash, a
-- single batch would read a whole table.
CREATE FUNCTION choice_about(p_participant_id uuid, p_seq bigint, p_class text, p_mandatory boolean, p_now timestamptz)
RETURNS TABLE (hushed boolean, rests boolean)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        (
            SELECT true FROM acknowledgements AS a WHERE a.participant_id = p_participant_id AND a.seq = p_seq
        ) IS TRUE OR (NOT p_mandatory AND (
            (
                SELECT true FROM switched_off AS s
                WHERE s.participant_id = p_participant_id AND s.class = p_class AND s.channel = 'push'
            ) IS TRUE OR (
                SELECT i.read_up_to >= p_seq FROM inbox_pointers AS i WHERE i.participant_id = p_participant_id
            ) IS TRUE
        )),
        NOT p_mandatory AND (
            SELECT quiet_until(q.starts_at, q.ends_at, p.time_zone, p_now)
            FROM quiet_hours AS q
            JOIN participants AS p ON p.participant_id = q.participant_id
            WHERE q.participant_id = p_participant_id
        ) IS NOT NULL;
END;
COMMENT ON FUNCTION choice_about(uuid, bigint, text, boolean, timestamptz) IS
    'Whether an entry needs no push (hushed), and whether its push waits for the end of the quiet hours (rests).';
GRANT EXECUTE ON FUNCTION quiet_until(time, time, text, timestamptz), choice_about(uuid, bigint, text, boolean, timestamptz)
    TO sepakat_worker;
GRANT EXECUTE ON FUNCTION quiet_until(time, time, text, timestamptz) TO sepakat_writer;

-- Who has switched off mail or SMS is not written to; the next step keeps its time, because nothing went wrong.
-- squawk-ignore ban-drop-constraint
ALTER TABLE climbs DROP CONSTRAINT climb_state_is_known, ADD CONSTRAINT climb_state_is_known
    CHECK (state IN ('waiting', 'sent', 'no_address', 'rejected', 'unreached', 'acknowledged', 'switched_off')) NOT VALID;

CREATE FUNCTION choice_about_climb(p_participant_id uuid, p_seqs bigint[], p_channel text, p_now timestamptz)
RETURNS TABLE (switched_off boolean, rests boolean)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT
        EXISTS (SELECT FROM switched_off AS o WHERE o.participant_id = p_participant_id AND o.channel = p_channel)
        AND NOT EXISTS (
            SELECT FROM history AS e
            JOIN entry_kinds AS k ON k.kind = e.kind
            WHERE e.participant_id = p_participant_id AND e.seq = ANY (p_seqs) AND (k.mandatory OR NOT EXISTS (
                SELECT FROM switched_off AS o
                WHERE o.participant_id = p_participant_id AND o.class = k.class AND o.channel = p_channel
            ))
        ),
        EXISTS (
            SELECT FROM quiet_hours AS q
            JOIN participants AS p ON p.participant_id = q.participant_id
            WHERE q.participant_id = p_participant_id
                AND quiet_until(q.starts_at, q.ends_at, p.time_zone, p_now) IS NOT NULL
        ) AND NOT EXISTS (
            SELECT FROM history AS e
            JOIN entry_kinds AS k ON k.kind = e.kind
            WHERE e.participant_id = p_participant_id AND e.seq = ANY (p_seqs) AND k.mandatory
        );
END;
COMMENT ON FUNCTION choice_about_climb(uuid, bigint[], text, timestamptz) IS
    'Whether no entry of a climb may be told on this channel, and whether all of them wait for the end of the quiet hours.';
GRANT EXECUTE ON FUNCTION choice_about_climb(uuid, bigint[], text, timestamptz) TO sepakat_worker;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Rows [{class, participant_id, seq}] of a lane that came in quiet hours rest until these are over. Whoever changes the hours
-- meanwhile is waited for, or waits, so that what is released has come to rest or never will.
CREATE FUNCTION rest_until_morning(p_lane smallint, p_rows jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.quiet_hours AS q
    WHERE q.participant_id IN (SELECT r.participant_id FROM jsonb_to_recordset(p_rows) AS r (participant_id uuid))
    ORDER BY q.participant_id FOR SHARE;
    UPDATE public.outbox AS o
    SET class = 2, rests_until = morning.at, digest = CASE WHEN o.attempts > 0 THEN o.digest END
    FROM jsonb_to_recordset(p_rows) AS r (class smallint, participant_id uuid, seq bigint)
    JOIN public.quiet_hours AS q ON q.participant_id = r.participant_id
    JOIN public.participants AS p ON p.participant_id = r.participant_id
    CROSS JOIN LATERAL (
        SELECT public.quiet_until(q.starts_at, q.ends_at, p.time_zone, public.current_instant()) AS at) AS morning
    WHERE o.lane = p_lane AND o.class = r.class AND o.participant_id = r.participant_id AND o.seq = r.seq
        AND morning.at IS NOT NULL;
END
$$;
GRANT EXECUTE ON FUNCTION rest_until_morning(smallint, jsonb) TO sepakat_worker;

-- Other hours, or another time zone: what rests is looked at again now, and rests again if that is right.
CREATE FUNCTION end_rest() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.quiet_hours AS q WHERE q.participant_id = old.participant_id FOR UPDATE;
    UPDATE public.outbox AS o SET rests_until = least(o.rests_until, public.current_instant())
    WHERE o.lane = public.lane_of(old.participant_id) AND o.class = 2 AND o.participant_id = old.participant_id;
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION end_rest() TO sepakat_owner;

-- What is left NULL stays as it is; quiet hours {"from", "to"} or JSON null for none; channels [{"class", "channel", "on"}].
-- Returns false when nothing changes: then nothing is written.
CREATE FUNCTION set_preferences(
    p_participant_id uuid, p_locale text, p_time_zone text, p_quiet_hours jsonb, p_channels jsonb, p_actor text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_before jsonb;
    v_after jsonb;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    v_before := public.preferences_of(p_participant_id);
    UPDATE public.participants AS p
    SET locale = coalesce(p_locale, p.locale), time_zone = coalesce(p_time_zone, p.time_zone)
    WHERE p.participant_id = p_participant_id
        AND (p.locale, p.time_zone) <> (coalesce(p_locale, p.locale), coalesce(p_time_zone, p.time_zone));
    IF p_quiet_hours = 'null' THEN
        DELETE FROM public.quiet_hours AS q WHERE q.participant_id = p_participant_id;
    ELSIF p_quiet_hours IS NOT NULL THEN
        INSERT INTO public.quiet_hours AS q (participant_id, starts_at, ends_at)
        VALUES (p_participant_id, (p_quiet_hours ->> 'from')::time, (p_quiet_hours ->> 'to')::time)
        ON CONFLICT (participant_id) DO UPDATE SET starts_at = excluded.starts_at, ends_at = excluded.ends_at
        WHERE (q.starts_at, q.ends_at) <> (excluded.starts_at, excluded.ends_at);
    END IF;
    DELETE FROM public.switched_off AS o
    USING jsonb_to_recordset(p_channels) AS c (class text, channel text, "on" boolean)
    WHERE o.participant_id = p_participant_id AND o.class = c.class AND o.channel = c.channel AND c."on";
    INSERT INTO public.switched_off (participant_id, class, channel)
    SELECT p_participant_id, c.class, c.channel
    FROM jsonb_to_recordset(p_channels) AS c (class text, channel text, "on" boolean)
    WHERE NOT c."on"
    ON CONFLICT DO NOTHING;
    v_after := public.preferences_of(p_participant_id);
    IF v_before = v_after THEN
        RETURN false;
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'preferences_changed', NULL, NULL,
        public.record_cause(p_participant_id, 'participant', p_actor), v_after || jsonb_build_object('changed', (
            SELECT jsonb_agg(after.key ORDER BY after.key) FROM jsonb_each(v_after) AS after
            WHERE after.value IS DISTINCT FROM v_before -> after.key)))::public.history_entry]);
    RETURN true;
END
$$;

CREATE FUNCTION preferences_of(p_participant_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object('locale', p.locale, 'time_zone', p.time_zone,
        'quiet_hours', to_char(q.starts_at, 'HH24:MI') || '–' || to_char(q.ends_at, 'HH24:MI'),
        'channels', ARRAY(SELECT o.class || ' ' || o.channel FROM public.switched_off AS o
            WHERE o.participant_id = p.participant_id ORDER BY o.class, o.channel))
    FROM public.participants AS p
    LEFT JOIN public.quiet_hours AS q ON q.participant_id = p.participant_id
    WHERE p.participant_id = p_participant_id
$$;
COMMENT ON FUNCTION preferences_of(uuid) IS 'As the entry about a change of them keeps them; channels are those switched off.';

-- For an API that knows the two first preferences only.
CREATE OR REPLACE FUNCTION set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_actor text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT public.set_preferences(p_participant_id, p_locale, p_time_zone, NULL, NULL, p_actor) $$;

GRANT EXECUTE ON FUNCTION set_preferences(uuid, text, text, jsonb, jsonb, text) TO sepakat_api;
RESET ROLE;

SET LOCAL ROLE sepakat_owner;
CREATE TRIGGER other_quiet_hours_end_rest AFTER UPDATE OR DELETE ON quiet_hours FOR EACH ROW EXECUTE FUNCTION end_rest();
CREATE TRIGGER another_time_zone_ends_rest AFTER UPDATE ON participants
    FOR EACH ROW WHEN (old.time_zone <> new.time_zone) EXECUTE FUNCTION end_rest();
RESET ROLE;
