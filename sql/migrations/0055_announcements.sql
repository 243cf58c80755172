-- Announcements: an official explanation in both languages, stored once, told to each of its audience by an entry of their own.
SET LOCAL ROLE sepakat_owner;

-- Reach is a fact of the kind, so each severity has one. None is written but with its announcement.
INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording, mandatory) VALUES
    ('announcement_info', 'inbox', 'notice', 'info', 'change', '2026-11', false),
    ('announcement_warning', 'push', 'notice', 'warning', 'change', '2026-11', false),
    ('announcement_critical', 'ladder', 'notice', 'critical', 'change', '2026-11', true);
-- No letters to a whole country: the ladder of an announcement ends with the short message.
INSERT INTO ladder_steps (ladder, step, channel, after) VALUES
    ('announcement_critical', 1, 'mail', '1 hour'),
    ('announcement_critical', 2, 'sms', '24 hours');

CREATE TABLE announcements (
    announcement_id uuid PRIMARY KEY,
    event_id text NOT NULL CONSTRAINT announcement_is_published_once UNIQUE,
    severity text NOT NULL CONSTRAINT announcement_severity_is_known CHECK (severity IN ('info', 'warning', 'critical')),
    audience jsonb NOT NULL,
    canonical bytea NOT NULL,
    text_sha256 text NOT NULL GENERATED ALWAYS AS (encode(sha256(canonical), 'hex')) STORED,
    explains_kinds text[] NOT NULL,
    explains_from date,
    explains_until date,
    explains_events text[] NOT NULL,
    explains_merges uuid[] NOT NULL,
    replaces uuid REFERENCES announcements CONSTRAINT announcement_is_replaced_once UNIQUE,
    staff text,
    second_staff text,
    published_at timestamptz NOT NULL,
    CONSTRAINT announcement_does_not_replace_itself CHECK (replaces <> announcement_id),
    CONSTRAINT kinds_are_explained_for_some_days
        CHECK ((explains_kinds = '{}') = (num_nulls(explains_from, explains_until) = 2) AND explains_from <= explains_until),
    CONSTRAINT ladder_takes_two_people CHECK (severity <> 'critical' OR (staff <> second_staff) IS TRUE)
);
COMMENT ON COLUMN announcements.audience IS '{all: true}, {employer_id}, {segment}, or {niks: how many, unknown: how many of them}; who they are stands in announced.';
COMMENT ON COLUMN announcements.canonical IS 'The RFC 8785 form of {title: {id, en}, body: {id, en}}: what the digest in every entry is of.';

CREATE TABLE announcement_runs (
    announcement_id uuid PRIMARY KEY REFERENCES announcements,
    state text NOT NULL DEFAULT 'running' CONSTRAINT run_state_is_known CHECK (state IN ('running', 'done', 'stopped')),
    after uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    reached bigint NOT NULL DEFAULT 0,
    ended_at timestamptz,
    stopped_by text,
    reason text,
    CONSTRAINT run_goes_on_or_has_ended CHECK ((state = 'running') = (ended_at IS NULL)),
    CONSTRAINT stop_has_a_reason CHECK ((state = 'stopped') = (num_nulls(stopped_by, reason) = 0))
);
COMMENT ON TABLE announcement_runs IS 'How far an announcement has come. Participants are taken in the order of their ids, chunk by chunk.';
COMMENT ON COLUMN announcement_runs.after IS 'The last one who was looked at. Ids are random: how far it lies is how much is done.';
CREATE INDEX announcement_runs_running ON announcement_runs (announcement_id) WHERE state = 'running';

CREATE TABLE announced (
    participant_id uuid NOT NULL,
    announcement_id uuid NOT NULL REFERENCES announcements,
    seq bigint,
    PRIMARY KEY (participant_id, announcement_id),
    FOREIGN KEY (participant_id, seq) REFERENCES history
);
COMMENT ON TABLE announced IS 'Whom an announcement reached, once each, by which entry; without one: who stands on its list and was not reached yet.';
CREATE INDEX announced_waiting ON announced (announcement_id, participant_id) WHERE seq IS NULL;

-- A message of an announcement to millions goes out after all that is urgent, and does not stand before the list of people either.
ALTER TABLE climbs ADD COLUMN bulk boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN climbs.bulk IS 'Sent when nothing that is not bulk is due.';
CREATE INDEX climbs_in_turn ON climbs (bulk, due_at) WHERE state = 'waiting';
CREATE INDEX climbs_to_people ON climbs (due_at) WHERE state = 'waiting' AND channel = 'people';

CREATE TRIGGER announcements_are_append_only BEFORE UPDATE OR DELETE ON announcements
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('announcements_are_append_only');
CREATE TRIGGER announcements_are_not_truncated BEFORE TRUNCATE ON announcements
    EXECUTE FUNCTION refuse_statement('announcements_are_append_only');
CREATE TRIGGER announcements_by_function_only BEFORE INSERT ON announcements
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('announcements_by_function_only');
CREATE TRIGGER runs_end_once BEFORE UPDATE ON announcement_runs
    FOR EACH ROW WHEN (old.state <> 'running') EXECUTE FUNCTION refuse_statement('runs_end_once');
CREATE TRIGGER announced_once BEFORE UPDATE ON announced
    FOR EACH ROW WHEN (old.seq IS NOT NULL) EXECUTE FUNCTION refuse_statement('announced_once');
CREATE TRIGGER announced_is_kept BEFORE DELETE ON announced FOR EACH ROW EXECUTE FUNCTION refuse_statement('announced_once');
CREATE TRIGGER announced_is_not_truncated BEFORE TRUNCATE ON announced EXECUTE FUNCTION refuse_statement('announced_once');
CREATE TRIGGER announced_by_function_only BEFORE INSERT ON announced
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('announced_by_function_only');
ALTER TABLE announcements ENABLE ALWAYS TRIGGER announcements_are_append_only;
ALTER TABLE announcements ENABLE ALWAYS TRIGGER announcements_are_not_truncated;
ALTER TABLE announcements ENABLE ALWAYS TRIGGER announcements_by_function_only;
ALTER TABLE announcement_runs ENABLE ALWAYS TRIGGER runs_end_once;
ALTER TABLE announced ENABLE ALWAYS TRIGGER announced_once;
ALTER TABLE announced ENABLE ALWAYS TRIGGER announced_is_kept;
ALTER TABLE announced ENABLE ALWAYS TRIGGER announced_is_not_truncated;
ALTER TABLE announced ENABLE ALWAYS TRIGGER announced_by_function_only;

GRANT SELECT, INSERT ON announcements TO sepakat_writer;
GRANT SELECT, INSERT, UPDATE ON announcement_runs, announced TO sepakat_writer;
GRANT SELECT ON announcements, announced TO sepakat_api;
GRANT SELECT ON announcements, announcement_runs, announced TO sepakat_worker, sepakat_feed, sepakat_operator;
SELECT isolate_table('announced');

-- What explains entries of somebody, with the rights of whoever asks: the announcements that reached them, those left out that
-- another one, which came too, replaces.
CREATE VIEW explanations WITH (security_invoker = true) AS
SELECT
    t.participant_id,
    t.seq,
    a.announcement_id,
    a.explains_kinds AS kinds,
    a.explains_from AS from_day,
    a.explains_until AS until_day,
    a.explains_events AS event_ids,
    a.explains_merges AS merge_ids
FROM announced AS t
JOIN announcements AS a ON a.announcement_id = t.announcement_id
WHERE t.seq IS NOT NULL
    AND (a.explains_kinds <> '{}' OR a.explains_events <> '{}' OR a.explains_merges <> '{}')
    AND NOT EXISTS (
        SELECT FROM announcements AS n
        JOIN announced AS r ON r.announcement_id = n.announcement_id
        WHERE n.replaces = a.announcement_id AND r.participant_id = t.participant_id AND r.seq IS NOT NULL);
COMMENT ON VIEW explanations IS 'Read once for a page of entries, and held against each by explains().';
GRANT SELECT ON explanations TO sepakat_api, sepakat_worker, sepakat_feed, sepakat_writer, sepakat_operator;

CREATE FUNCTION explains(
    p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[],
    p_kind text, p_at timestamptz, p_event_id text, p_merge_id uuid
) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (p_kind = ANY (p_kinds) AND jakarta_day(p_at) BETWEEN p_from AND p_until)
        OR p_event_id = ANY (p_event_ids) OR p_merge_id = ANY (p_merge_ids);
END;

CREATE FUNCTION explained_by(p_participant_id uuid, p_kind text, p_at timestamptz, p_event_id text, p_merge_id uuid) RETURNS uuid[]
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT array(
        SELECT x.announcement_id FROM explanations AS x
        WHERE x.participant_id = p_participant_id
            AND explains(x.kinds, x.from_day, x.until_day, x.event_ids, x.merge_ids, p_kind, p_at, p_event_id, p_merge_id)
        ORDER BY x.seq
    );
END;
COMMENT ON FUNCTION explained_by(uuid, text, timestamptz, text, uuid) IS 'The announcements that explain one entry of somebody, oldest first.';
GRANT EXECUTE ON FUNCTION explains(text[], date, date, text[], uuid[], text, timestamptz, text, uuid),
    explained_by(uuid, text, timestamptz, text, uuid)
    TO sepakat_api, sepakat_worker, sepakat_feed, sepakat_writer, sepakat_operator;

-- As before, and the event of the cause. Of an announcement the entry keeps id and digest, and its text comes from where it lies once.
CREATE OR REPLACE VIEW shown_entries WITH (security_invoker = true) AS
SELECT
    h.participant_id,
    h.seq,
    h.card_id,
    h.kind,
    k.reach,
    k.severity,
    h.wording,
    CASE WHEN h.kind IN ('announcement_info', 'announcement_warning', 'announcement_critical') THEN coalesce((
        SELECT (d.data::jsonb || jsonb_build_object(
            'title_id', said.text #> '{title,id}', 'title_en', said.text #> '{title,en}',
            'body_id', said.text #> '{body,id}', 'body_en', said.text #> '{body,en}',
            'replaced_title_id', said.before #> '{title,id}', 'replaced_title_en', said.before #> '{title,en}'))::text
        FROM announcements AS now
        LEFT JOIN announcements AS earlier ON earlier.announcement_id = (d.data::jsonb ->> 'replaces')::uuid
        CROSS JOIN LATERAL (
            SELECT convert_from(now.canonical, 'UTF8')::jsonb AS text, convert_from(earlier.canonical, 'UTF8')::jsonb AS before
        ) AS said
        WHERE now.announcement_id = (d.data::jsonb ->> 'announcement_id')::uuid
    ), d.data) ELSE d.data END AS data,
    h.merge_id,
    h.cause_id,
    h.occurred_at,
    h.hash,
    c.origin,
    c.actor,
    c.reason,
    k.reach = 'silent' OR h.seq <= coalesce(p.read_up_to, 0) AS read,
    a.seq IS NOT NULL AS acknowledged,
    c.event_id
FROM history AS h
JOIN entry_kinds AS k ON k.kind = h.kind
JOIN causes AS c ON c.participant_id = h.participant_id AND c.cause_id = h.cause_id
LEFT JOIN history_data AS d ON d.participant_id = h.participant_id AND d.seq = h.seq
LEFT JOIN inbox_pointers AS p ON p.participant_id = h.participant_id
LEFT JOIN acknowledgements AS a ON a.participant_id = h.participant_id AND a.seq = h.seq;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Takes an announcement and whom it is for; workers carry it out. Returns how many of the numbers p_niks are nobody's. What it
-- replaces goes on no further. More than three a day to all, or to a segment, take two people.
CREATE FUNCTION publish_announcement(
    p_announcement_id uuid, p_event_id text, p_severity text, p_audience jsonb, p_niks bytea[], p_canonical bytea,
    p_explains_kinds text[], p_explains_from date, p_explains_until date, p_explains_events text[], p_explains_merges uuid[],
    p_replaces uuid, p_staff text, p_second_staff text
) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_people uuid[] := array(
        SELECT n.participant_id FROM public.participant_numbers AS n
        JOIN public.participants AS p ON p.participant_id = n.participant_id
        WHERE n.nik_hash = ANY (p_niks) AND p.deceased_on IS NULL);
    v_unknown integer := (
        SELECT count(*) FROM unnest(p_niks) AS given (nik_hash)
        WHERE NOT EXISTS (SELECT FROM public.participant_numbers AS n WHERE n.nik_hash = given.nik_hash));
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('sepakat announcements'));
    INSERT INTO public.announcements
        (announcement_id, event_id, severity, audience, canonical, explains_kinds, explains_from, explains_until, explains_events,
        explains_merges, replaces, staff, second_staff, published_at)
    VALUES (p_announcement_id, p_event_id, p_severity,
        CASE WHEN p_niks IS NULL THEN p_audience ELSE jsonb_build_object('niks', cardinality(p_niks), 'unknown', v_unknown) END,
        p_canonical, p_explains_kinds, p_explains_from, p_explains_until, p_explains_events, p_explains_merges,
        p_replaces, p_staff, p_second_staff, v_now);
    IF p_audience ?| ARRAY['all', 'segment'] AND (p_staff <> p_second_staff) IS NOT TRUE AND (
        SELECT count(*) > 3 FROM public.announcements AS a
        WHERE a.audience ?| ARRAY['all', 'segment'] AND public.jakarta_day(a.published_at) = public.jakarta_day(v_now)
    ) THEN
        PERFORM public.refuse('announcements_to_all_are_few', 'more announcements to all on one day take two people');
    END IF;
    INSERT INTO public.announced (participant_id, announcement_id)
    SELECT person, p_announcement_id FROM unnest(v_people) AS person;
    UPDATE public.announcement_runs SET state = 'stopped', ended_at = v_now, stopped_by = session_user,
        reason = format('replaced by the announcement of event %s', p_event_id)
    WHERE announcement_id = p_replaces AND state = 'running';
    INSERT INTO public.announcement_runs (announcement_id) VALUES (p_announcement_id);
    RETURN v_unknown;
END
$$;
GRANT EXECUTE ON FUNCTION publish_announcement(
    uuid, text, text, jsonb, bytea[], bytea, text[], date, date, text[], uuid[], uuid, text, text) TO sepakat_feed;

-- The next chunk of an announcement: an entry for each of at most p_most people, found among the next p_window. Who was told; how
-- far it has come is kept in the same transaction, so that whoever goes on, after whatever crash, tells nobody twice. What
-- replaces another also goes to all whom that one reached.
CREATE FUNCTION announce_to_some(p_announcement_id uuid, p_most integer, p_window integer)
RETURNS TABLE (participant_id uuid, lane smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_run public.announcement_runs;
    v_told public.announcements;
    v_people uuid[];
    v_last uuid;
    v_causes uuid[];
    v_kind text;
BEGIN
    SELECT * INTO v_run FROM public.announcement_runs AS r
    WHERE r.announcement_id = p_announcement_id AND r.state = 'running' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT * INTO STRICT v_told FROM public.announcements AS a WHERE a.announcement_id = p_announcement_id;
    v_kind := 'announcement_' || v_told.severity;

    IF v_told.audience ? 'niks' AND v_told.replaces IS NULL THEN
        v_people := array(
            SELECT w.participant_id FROM public.announced AS w
            WHERE w.announcement_id = p_announcement_id AND w.seq IS NULL ORDER BY w.participant_id LIMIT p_most);
        v_last := v_people[cardinality(v_people)];
    ELSE
        SELECT w.participant_id INTO v_last
        FROM (
            SELECT p.participant_id FROM public.participants AS p
            WHERE p.participant_id > v_run.after ORDER BY p.participant_id LIMIT p_window
        ) AS w ORDER BY w.participant_id DESC LIMIT 1;
        -- Values and no EXISTS, so that each is looked up by its key: planned as a hash, a chunk would read a whole table.
        v_people := array(
            SELECT p.participant_id FROM public.participants AS p
            WHERE p.participant_id > v_run.after AND p.participant_id <= v_last
                AND p.registered_at <= v_told.published_at AND p.deceased_on IS NULL
                AND (
                    v_told.audience ? 'all'
                    OR (
                        SELECT true FROM public.cards AS k
                        WHERE k.participant_id = p.participant_id AND k.transferred_at IS NULL
                            AND (k.employer_id = v_told.audience ->> 'employer_id' OR k.segment = v_told.audience ->> 'segment')
                        LIMIT 1)
                    OR (
                        SELECT true FROM public.announced AS t
                        WHERE t.participant_id = p.participant_id AND t.announcement_id = v_told.replaces AND t.seq IS NOT NULL)
                    OR (
                        SELECT true FROM public.announced AS t
                        WHERE t.participant_id = p.participant_id AND t.announcement_id = p_announcement_id))
            ORDER BY p.participant_id LIMIT p_most);
        IF cardinality(v_people) = p_most THEN
            v_last := v_people[p_most];
        END IF;
    END IF;

    IF v_last IS NULL THEN
        UPDATE public.announcement_runs AS r SET state = 'done', ended_at = public.current_instant()
        WHERE r.announcement_id = p_announcement_id;
        RETURN;
    END IF;

    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = ANY (v_people) ORDER BY h.participant_id FOR UPDATE;
    WITH recorded AS (
        INSERT INTO public.causes
            (participant_id, origin, actor, event_id, bulk, occurred_at, recorded_at, database_role, xact)
        SELECT person, 'agency', 'agency', v_told.event_id, true, v_told.published_at, public.current_instant(), session_user,
            pg_current_xact_id()
        FROM unnest(v_people) AS person
        RETURNING causes.participant_id, causes.cause_id
    )
    SELECT array_agg(r.cause_id ORDER BY r.participant_id) INTO v_causes FROM recorded AS r;
    PERFORM public.append_history(array(
        SELECT ROW(c.participant_id, v_kind, NULL, NULL, c.cause_id, jsonb_strip_nulls(jsonb_build_object(
            'announcement_id', p_announcement_id, 'text_sha256', v_told.text_sha256,
            'replaces', (SELECT t.announcement_id FROM public.announced AS t
                WHERE t.participant_id = c.participant_id AND t.announcement_id = v_told.replaces AND t.seq IS NOT NULL)
        )))::public.history_entry
        FROM unnest(v_people, v_causes) AS c (participant_id, cause_id)));
    UPDATE public.climbs AS c SET bulk = true
    FROM unnest(v_people, v_causes) AS told (participant_id, cause_id)
    WHERE v_told.severity = 'critical' AND c.participant_id = told.participant_id AND c.cause_id = told.cause_id;
    INSERT INTO public.announced AS w (participant_id, announcement_id, seq)
    SELECT h.participant_id, p_announcement_id, h.seq FROM public.participant_heads AS h WHERE h.participant_id = ANY (v_people)
    ON CONFLICT ON CONSTRAINT announced_pkey DO UPDATE SET seq = excluded.seq;
    UPDATE public.announcement_runs AS r SET after = v_last, reached = r.reached + cardinality(v_people)
    WHERE r.announcement_id = p_announcement_id;
    RETURN QUERY SELECT person, public.lane_of(person) FROM unnest(v_people) AS person;
END
$$;
GRANT EXECUTE ON FUNCTION announce_to_some(uuid, integer, integer) TO sepakat_worker;

-- Whether it went on until now: the rest of its audience is not reached.
CREATE FUNCTION stop_announcement(p_announcement_id uuid, p_reason text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    UPDATE public.announcement_runs
    SET state = 'stopped', ended_at = public.current_instant(), stopped_by = session_user, reason = p_reason
    WHERE announcement_id = p_announcement_id AND state = 'running';
    RETURN FOUND;
END
$$;
GRANT EXECUTE ON FUNCTION stop_announcement(uuid, text) TO sepakat_operator;
RESET ROLE;
