-- A push that will not be tried again is kept with its reason, and can be sent again. Targets are not cleared in masses.
SET LOCAL ROLE sepakat_owner;

ALTER TABLE deliveries
    ADD COLUMN entry_class text,
    ADD COLUMN failing_s double precision NOT NULL DEFAULT 0,
    ADD CONSTRAINT delivery_class_is_known CHECK (entry_class IN ('security', 'card', 'notice')) NOT VALID;
COMMENT ON TABLE deliveries IS
    'One row per cause and phone. In state unregistered or rejected it is a dead letter: not tried again by itself.';
COMMENT ON COLUMN deliveries.entry_class IS 'The class that the push carries; NULL in rows from before it was kept.';
COMMENT ON COLUMN deliveries.failing_s IS
    'Seconds that it has waited for faults of its own, not of a provider that was away: an hour of them, and it is given up.';
CREATE INDEX deliveries_dead ON deliveries (last_tried_at) WHERE state IN ('unregistered', 'rejected');
CREATE INDEX deliveries_dead_by_id ON deliveries (delivery_id) WHERE state IN ('unregistered', 'rejected');

ALTER TABLE lanes ADD COLUMN sent bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN lanes.sent IS 'Counts sends, so that whoever clears targets can tell few from many.';
GRANT UPDATE (sent) ON lanes TO sepakat_worker;

CREATE TABLE clearing (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT clearing_has_one_row CHECK (only_row),
    every interval NOT NULL DEFAULT '10 minutes',
    least integer NOT NULL DEFAULT 20,
    share double precision NOT NULL DEFAULT 0.1,
    mismatches integer NOT NULL DEFAULT 10,
    began_at timestamptz NOT NULL DEFAULT '-infinity',
    sent_before bigint NOT NULL DEFAULT 0,
    cleared integer NOT NULL DEFAULT 0,
    mismatched integer NOT NULL DEFAULT 0,
    stopped_at timestamptz,
    allowed_until timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE clearing IS
    'How many push targets were cleared because a provider said that they are gone. One row, for all processes; real time.';
COMMENT ON COLUMN clearing.every IS 'How long a window is.';
COMMENT ON COLUMN clearing.least IS 'So many may be cleared in a window in any case; beyond that, the share of what was sent in it.';
COMMENT ON COLUMN clearing.mismatches IS 'From so many wrong senders in a window on, it is an alarm.';
COMMENT ON COLUMN clearing.stopped_at IS 'When the window last refused to clear; NULL when it has not.';
COMMENT ON COLUMN clearing.allowed_until IS 'Until then an operator has said that all of it is genuine.';
INSERT INTO clearing DEFAULT VALUES;

-- A row that was tried before has climbed already: sent again, it climbs no second time.
CREATE OR REPLACE TRIGGER climb_begins AFTER INSERT ON outbox
    FOR EACH ROW WHEN (new.attempts = 0) EXECUTE FUNCTION begin_climb();

GRANT SELECT, UPDATE ON clearing TO sepakat_writer;
GRANT SELECT, UPDATE (rung) ON lanes TO sepakat_writer;
GRANT SELECT, UPDATE (state, code, failing_s) ON deliveries TO sepakat_writer;
GRANT SELECT ON inbox_pointers TO sepakat_writer;
SELECT isolate_table('deliveries');
SELECT isolate_table('inbox_pointers');

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- How many of p_wanted targets may be cleared now, for how long no more are, and whether wrong senders (p_mismatched of
-- them) are too many. p_sent is what the caller has sent and not yet settled. The lock makes it one count for all workers.
CREATE FUNCTION claim_clearing(p_wanted integer, p_mismatched integer, p_sent integer)
RETURNS TABLE (allowed integer, left_s double precision, alarming boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_window public.clearing;
    v_now timestamptz;
    v_sent bigint;
BEGIN
    SELECT c.* INTO v_window FROM public.clearing AS c FOR UPDATE;
    v_now := clock_timestamp();
    v_sent := (SELECT sum(l.sent) FROM public.lanes AS l);
    IF v_window.began_at + v_window.every <= v_now THEN
        v_window.began_at := v_now;
        v_window.sent_before := v_sent;
        v_window.cleared := 0;
        v_window.mismatched := 0;
        v_window.stopped_at := NULL;
    END IF;
    allowed := CASE
        WHEN v_window.allowed_until > v_now THEN p_wanted
        ELSE least(p_wanted, greatest(0, -v_window.cleared
            + greatest(v_window.least, floor(v_window.share * (v_sent - v_window.sent_before + p_sent))::integer))) END;
    left_s := extract(epoch FROM v_window.began_at + v_window.every - v_now);
    alarming := p_mismatched > 0 AND v_window.mismatched + p_mismatched >= v_window.mismatches;
    UPDATE public.clearing AS c SET
        began_at = v_window.began_at,
        sent_before = v_window.sent_before,
        cleared = v_window.cleared + allowed,
        mismatched = v_window.mismatched + p_mismatched,
        stopped_at = CASE WHEN allowed < p_wanted THEN v_now ELSE v_window.stopped_at END;
    RETURN NEXT;
END
$$;
GRANT EXECUTE ON FUNCTION claim_clearing(integer, integer, integer) TO sepakat_worker;

-- Lets targets be cleared for a while, however many; zero ends it. Returns until when.
CREATE FUNCTION allow_clearing(p_for interval) RETURNS timestamptz
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE public.clearing AS c SET allowed_until = clock_timestamp() + least(p_for, interval '1 day')
    RETURNING c.allowed_until
$$;
GRANT EXECUTE ON FUNCTION allow_clearing(interval) TO sepakat_operator;

-- Sends dead letters again, under the ids that they had, and says of each what became of it: sent_again, or why not:
-- target_gone, target_changed (the phone reported anew since, so its app has run), read, under_way (another phone still
-- waits for the same entries: try again later), not_dead. Puts the rows back as append_history does, and rings their lanes:
-- whoever drains one now goes through it once more, else the sweep finds it within a second. By index alone: an outbox that
-- was empty when it was last looked at would be read from end to end for each of them.
CREATE FUNCTION replay_deliveries(p_participant_ids uuid[], p_cause_ids uuid[], p_device_ids uuid[])
RETURNS TABLE (delivery_id uuid, outcome text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off
AS $$
BEGIN
    -- Lanes before deliveries, as whoever settles takes them.
    PERFORM FROM public.lanes AS l
    WHERE l.lane IN (SELECT public.lane_of(asked.id) FROM unnest(p_participant_ids) AS asked (id)) ORDER BY l.lane FOR UPDATE;
    UPDATE public.lanes AS l SET rung = l.rung + 1
    WHERE l.lane IN (SELECT public.lane_of(asked.id) FROM unnest(p_participant_ids) AS asked (id));

    RETURN QUERY
    WITH asked AS (
        SELECT a.participant_id, a.cause_id, a.device_id
        FROM unnest(p_participant_ids, p_cause_ids, p_device_ids) AS a (participant_id, cause_id, device_id)
    ), dead AS MATERIALIZED (
        SELECT d.participant_id, d.cause_id, d.device_id, d.delivery_id, d.up_to_seq, d.last_tried_at
        FROM public.deliveries AS d
        JOIN asked AS a ON a.participant_id = d.participant_id AND a.cause_id = d.cause_id AND a.device_id = d.device_id
        WHERE d.state IN ('unregistered', 'rejected')
        FOR UPDATE OF d
    ), judged AS MATERIALIZED (
        SELECT d.*, CASE
            WHEN NOT EXISTS (
                SELECT FROM public.push_targets AS t
                JOIN public.devices AS v
                    ON v.participant_id = t.participant_id AND v.device_id = t.device_id AND v.removed_at IS NULL
                WHERE t.participant_id = d.participant_id AND t.device_id = d.device_id AND t.cleared_at IS NULL)
                THEN 'target_gone'
            WHEN EXISTS (
                SELECT FROM public.push_targets AS t
                WHERE t.participant_id = d.participant_id AND t.device_id = d.device_id AND t.set_at > d.last_tried_at)
                THEN 'target_changed'
            WHEN NOT EXISTS (
                SELECT FROM public.history AS e
                JOIN public.entry_kinds AS k ON k.kind = e.kind AND k.reach IN ('push', 'ladder')
                LEFT JOIN public.inbox_pointers AS p ON p.participant_id = e.participant_id
                WHERE e.participant_id = d.participant_id AND e.cause_id = d.cause_id AND e.seq <= d.up_to_seq
                    AND e.seq > coalesce(p.read_up_to, 0) AND NOT EXISTS (
                        SELECT FROM public.acknowledgements AS a
                        WHERE a.participant_id = e.participant_id AND a.seq = e.seq))
                THEN 'read'
            WHEN EXISTS (
                SELECT FROM public.history AS e
                JOIN public.outbox AS o ON o.lane = public.lane_of(e.participant_id) AND o.class IN (0, 1, 2)
                    AND o.participant_id = e.participant_id AND o.seq = e.seq
                WHERE e.participant_id = d.participant_id AND e.cause_id = d.cause_id)
                THEN 'under_way'
            ELSE 'sent_again' END AS outcome
        FROM dead AS d
    ), queued AS (
        INSERT INTO public.outbox (lane, class, participant_id, seq, cause_id, attempts)
        SELECT DISTINCT public.lane_of(e.participant_id), c.bulk::integer, e.participant_id, e.seq, e.cause_id, 1
        FROM judged AS j
        JOIN public.causes AS c ON c.participant_id = j.participant_id AND c.cause_id = j.cause_id
        JOIN public.history AS e
            ON e.participant_id = j.participant_id AND e.cause_id = j.cause_id AND e.seq <= j.up_to_seq
        JOIN public.entry_kinds AS k ON k.kind = e.kind AND k.reach <> 'silent'
        WHERE j.outcome = 'sent_again'
    ), revived AS (
        UPDATE public.deliveries AS d SET state = 'waiting', code = 'sent_again', failing_s = 0
        FROM judged AS j
        WHERE j.outcome = 'sent_again'
            AND d.participant_id = j.participant_id AND d.cause_id = j.cause_id AND d.device_id = j.device_id
    )
    SELECT j.delivery_id, coalesce(j.outcome, 'not_dead')
    FROM asked AS a
    LEFT JOIN judged AS j ON j.participant_id = a.participant_id AND j.cause_id = a.cause_id AND j.device_id = a.device_id;
END
$$;
GRANT EXECUTE ON FUNCTION replay_deliveries(uuid[], uuid[], uuid[]) TO sepakat_operator;
RESET ROLE;
