-- What participants decide goes back to the agency's core: written with the entry that tells the participant, sent by a worker.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE core_events (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    type text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CONSTRAINT core_event_state_is_known CHECK (state IN ('waiting', 'taken', 'refused')),
    attempts integer NOT NULL DEFAULT 0,
    not_before timestamptz,
    code text,
    ended_at timestamptz,
    PRIMARY KEY (participant_id, seq),
    FOREIGN KEY (participant_id, seq) REFERENCES history
);
COMMENT ON TABLE core_events IS 'One row for each entry that the core is told of. A participant''s go out in the order of their entries.';
COMMENT ON COLUMN core_events.not_before IS 'Real time, not the local clock: the lease of a worker that sends it now, or a retry.';
CREATE INDEX core_events_waiting ON core_events (not_before NULLS FIRST) WHERE state = 'waiting';

GRANT SELECT, INSERT ON core_events TO sepakat_writer;
GRANT SELECT ON core_events TO sepakat_worker, sepakat_operator;
GRANT UPDATE (state, attempts, not_before, code, ended_at) ON core_events TO sepakat_worker;
GRANT UPDATE (state, not_before, code, ended_at) ON core_events TO sepakat_operator;

CREATE TRIGGER core_events_by_function_only BEFORE INSERT ON core_events
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('core_events_by_function_only');
ALTER TABLE core_events ENABLE ALWAYS TRIGGER core_events_by_function_only;

SELECT isolate_table('core_events');
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- What the core did itself is no news to it.
CREATE FUNCTION tell_core() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO public.core_events (participant_id, seq, type)
    SELECT new.participant_id, new.seq, CASE new.kind
        WHEN 'merge_refused' THEN 'merge.unconfirmed'
        WHEN 'merge_disputed' THEN 'dispute.opened'
        ELSE replace(new.kind, '_', '.') END
    FROM public.causes AS c
    WHERE c.participant_id = new.participant_id AND c.cause_id = new.cause_id
        AND (new.kind <> 'contact_changed' OR c.origin = 'participant');
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION tell_core() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER core_is_told AFTER INSERT ON history FOR EACH ROW WHEN (new.kind IN (
    'merge_confirmed', 'merge_cancelled', 'merge_refused', 'merge_executed', 'merge_undone', 'merge_disputed', 'merge_accepted',
    'contact_changed')) EXECUTE FUNCTION tell_core();
RESET ROLE;
