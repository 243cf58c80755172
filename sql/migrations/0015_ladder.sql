-- The ladder: what must reach its person climbs from the phone to mail, SMS and people, until that very entry is acknowledged.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE ladder_steps (
    ladder text NOT NULL,
    step smallint NOT NULL CONSTRAINT steps_count_from_one CHECK (step >= 1),
    channel text NOT NULL CONSTRAINT step_channel_is_known CHECK (channel IN ('mail', 'sms', 'people')),
    after interval NOT NULL CONSTRAINT step_is_not_before_its_entry CHECK (after >= '0'),
    PRIMARY KEY (ladder, step),
    CONSTRAINT one_step_per_channel UNIQUE (ladder, channel)
);
COMMENT ON TABLE ladder_steps IS 'The steps above the phone. Only migrations change them.';
COMMENT ON COLUMN ladder_steps.ladder IS 'A kind of entry that has steps of its own; for all others the severity of the kind.';
COMMENT ON COLUMN ladder_steps.after IS 'How long after the entry, on the one clock.';

INSERT INTO ladder_steps (ladder, step, channel, after) VALUES
    ('critical', 1, 'mail', '0'),
    ('critical', 2, 'sms', '15 minutes'),
    ('critical', 3, 'people', '72 hours'),
    ('warning', 1, 'mail', '15 minutes'),
    ('warning', 2, 'sms', '4 hours'),
    ('warning', 3, 'people', '72 hours'),
    ('info', 1, 'mail', '15 minutes'),
    ('info', 2, 'sms', '4 hours'),
    ('info', 3, 'people', '72 hours'),
    -- Whoever adds a phone may hold the old one: the person is told on every other channel at once.
    ('key_added', 1, 'mail', '0'),
    ('key_added', 2, 'sms', '0'),
    ('key_added', 3, 'people', '72 hours');

-- One row per cause and channel, because entries of one cause share one message.
CREATE TABLE climbs (
    participant_id uuid NOT NULL,
    cause_id uuid NOT NULL,
    channel text NOT NULL CONSTRAINT climb_channel_is_known CHECK (channel IN ('mail', 'sms', 'people')),
    step smallint NOT NULL,
    seqs bigint[] NOT NULL,
    due_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CONSTRAINT climb_state_is_known
        CHECK (state IN ('waiting', 'sent', 'no_address', 'rejected', 'unreached', 'acknowledged')),
    code text,
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    message_id uuid,
    ended_at timestamptz,
    PRIMARY KEY (participant_id, cause_id, channel),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT only_people_leave_unreached CHECK (state <> 'unreached' OR channel = 'people'),
    CONSTRAINT people_are_not_sent CHECK (channel <> 'people' OR state IN ('waiting', 'unreached', 'acknowledged')),
    CONSTRAINT sent_climb_has_its_message CHECK (state <> 'sent' OR message_id IS NOT NULL),
    CONSTRAINT climb_waits_or_has_ended CHECK ((state = 'waiting') = (ended_at IS NULL))
) WITH (fillfactor = 80);
COMMENT ON COLUMN climbs.seqs IS 'The entries of this cause that climb: it ends when each of them is acknowledged.';
COMMENT ON COLUMN climbs.not_before IS 'Real time, not the local clock: the lease of a worker that sends it now, or a retry.';
COMMENT ON COLUMN climbs.message_id IS 'Derived from cause, channel, address and language: the same on every retry.';
CREATE INDEX climbs_waiting ON climbs (due_at) WHERE state = 'waiting';
CREATE INDEX climbs_unreached ON climbs (ended_at) WHERE state = 'unreached';

GRANT SELECT ON ladder_steps, climbs TO sepakat_worker;
GRANT UPDATE (due_at, state, code, attempts, not_before, message_id, ended_at) ON climbs TO sepakat_worker;
GRANT SELECT ON climbs TO sepakat_api;
GRANT SELECT ON ladder_steps, acknowledgements, push_targets, devices TO sepakat_writer;
GRANT SELECT, INSERT, UPDATE ON climbs TO sepakat_writer;

CREATE TRIGGER climbs_by_function_only BEFORE INSERT ON climbs
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('climbs_by_function_only');
-- Nobody is silenced but by an acknowledgement, nothing is sent again once it was, and who was not reached stays listed until then.
CREATE TRIGGER climbs_end_once BEFORE UPDATE ON climbs
    FOR EACH ROW WHEN (
        (old.participant_id, old.cause_id, old.channel, old.step) IS DISTINCT FROM (new.participant_id, new.cause_id, new.channel, new.step)
        OR (old.state <> 'waiting' AND (old.state, new.state) <> ('unreached', 'acknowledged'))
        OR (new.state = 'acknowledged' AND current_user <> 'sepakat_writer')
        OR (new.seqs IS DISTINCT FROM old.seqs AND current_user <> 'sepakat_writer')
        OR new.due_at > old.due_at)
    EXECUTE FUNCTION refuse_statement('climbs_end_once');
CREATE TRIGGER climbs_are_kept BEFORE DELETE ON climbs FOR EACH ROW EXECUTE FUNCTION refuse_statement('climbs_are_kept');
CREATE TRIGGER climbs_are_not_truncated BEFORE TRUNCATE ON climbs EXECUTE FUNCTION refuse_statement('climbs_are_kept');
ALTER TABLE climbs ENABLE ALWAYS TRIGGER climbs_by_function_only;
ALTER TABLE climbs ENABLE ALWAYS TRIGGER climbs_end_once;
ALTER TABLE climbs ENABLE ALWAYS TRIGGER climbs_are_kept;
ALTER TABLE climbs ENABLE ALWAYS TRIGGER climbs_are_not_truncated;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

CREATE FUNCTION has_living_push_target(p_participant_id uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM public.push_targets AS t
        JOIN public.devices AS d ON d.participant_id = t.participant_id AND d.device_id = t.device_id AND d.removed_at IS NULL
        WHERE t.participant_id = p_participant_id AND t.cleared_at IS NULL)
$$;
GRANT EXECUTE ON FUNCTION has_living_push_target(uuid) TO sepakat_worker;

-- An entry that is queued and whose kind climbs has its steps from then on. Without a phone that can be pushed to, the first
-- is due at once. A cause whose kinds have different ladders takes the earlier time of each channel.
CREATE FUNCTION begin_climb() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_recorded_at timestamptz;
    v_ladder text;
    v_at_once boolean;
BEGIN
    SELECT e.recorded_at,
        CASE WHEN EXISTS (SELECT FROM public.ladder_steps AS own WHERE own.ladder = k.kind) THEN k.kind ELSE k.severity END
    INTO v_recorded_at, v_ladder
    FROM public.history AS e
    JOIN public.entry_kinds AS k ON k.kind = e.kind AND k.reach = 'ladder'
    WHERE e.participant_id = new.participant_id AND e.seq = new.seq;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    v_at_once := NOT public.has_living_push_target(new.participant_id);
    INSERT INTO public.climbs AS c (participant_id, cause_id, channel, step, seqs, due_at)
    SELECT new.participant_id, new.cause_id, s.channel, s.step, ARRAY[new.seq],
        v_recorded_at + CASE WHEN s.step = 1 AND v_at_once THEN '0' ELSE s.after END
    FROM public.ladder_steps AS s
    WHERE s.ladder = v_ladder
    ON CONFLICT (participant_id, cause_id, channel)
        DO UPDATE SET seqs = c.seqs || excluded.seqs, due_at = least(c.due_at, excluded.due_at);
    RETURN NULL;
END
$$;

-- Whoever acknowledges the last entry of a cause that climbs ends its climb. The lock makes two who acknowledge at once see each other.
CREATE FUNCTION end_climb() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    SELECT e.cause_id INTO v_cause_id FROM public.history AS e
    WHERE e.participant_id = new.participant_id AND e.seq = new.seq;
    PERFORM FROM public.climbs AS c
    WHERE c.participant_id = new.participant_id AND c.cause_id = v_cause_id ORDER BY c.channel FOR UPDATE;
    UPDATE public.climbs AS c SET state = 'acknowledged', ended_at = public.current_instant()
    WHERE c.participant_id = new.participant_id AND c.cause_id = v_cause_id AND c.state IN ('waiting', 'unreached')
        AND NOT EXISTS (
            SELECT FROM unnest(c.seqs) AS climbing (seq)
            WHERE NOT EXISTS (
                SELECT FROM public.acknowledgements AS a WHERE a.participant_id = c.participant_id AND a.seq = climbing.seq));
    RETURN NULL;
END
$$;

-- The last phone that could be pushed to is gone: what waited for it to be read climbs at once.
CREATE FUNCTION climb_without_a_phone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE public.climbs AS c SET due_at = public.current_instant()
    WHERE c.participant_id = new.participant_id AND c.state = 'waiting' AND c.step = 1 AND c.due_at > public.current_instant()
        AND NOT public.has_living_push_target(new.participant_id);
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION begin_climb(), end_climb(), climb_without_a_phone() TO sepakat_owner;

RESET ROLE;
SET LOCAL ROLE sepakat_owner;
CREATE TRIGGER climb_begins AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION begin_climb();
CREATE TRIGGER acknowledgement_ends_climb AFTER INSERT ON acknowledgements FOR EACH ROW EXECUTE FUNCTION end_climb();
CREATE TRIGGER climb_goes_on_without_a_phone AFTER UPDATE ON push_targets
    FOR EACH ROW WHEN (old.cleared_at IS NULL AND new.cleared_at IS NOT NULL) EXECUTE FUNCTION climb_without_a_phone();
RESET ROLE;
