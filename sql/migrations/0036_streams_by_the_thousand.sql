-- Many at once: one look for all streams of a process, and one statement for all climbs that begin.
SET LOCAL ROLE sepakat_owner;
GRANT SELECT ON sessions, shown_entries, inbox_pointers, acknowledgements TO sepakat_writer;
SELECT isolate_table('sessions');
SELECT isolate_table('inbox_pointers');
SELECT isolate_table('acknowledgements');

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- What the streams of one API process look for, at their places in the arrays: whether the session lives, and at most p_most
-- entries after p_afters. A session that is over or somebody else's has no row; one without news has one row without an entry.
-- It enters nobody, and passes the policies: nothing is told but to a living session of the very participant, who might have asked
-- for it by a request; and each row names its participant, so that the caller can look again.
CREATE FUNCTION look_for_streams(p_participants uuid[], p_sessions uuid[], p_afters bigint[], p_most integer)
RETURNS TABLE (
    place bigint, participant_id uuid, locale text, now timestamptz, head bigint, read_up_to bigint,
    seq bigint, kind text, reach text, severity text, wording text, data text, merge_id uuid, cause_id uuid,
    occurred_at timestamptz, hash bytea, origin text, actor text, reason text, read boolean, acknowledged boolean
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT a.place, s.participant_id, p.locale, public.current_instant(), h.seq, coalesce(i.read_up_to, 0),
        e.seq, e.kind, e.reach, e.severity, e.wording, e.data, e.merge_id, e.cause_id,
        e.occurred_at, e.hash, e.origin, e.actor, e.reason, e.read, e.acknowledged
    FROM unnest(p_participants, p_sessions, p_afters) WITH ORDINALITY AS a (participant_id, session_id, after, place)
    JOIN public.sessions AS s ON s.participant_id = a.participant_id AND s.session_id = a.session_id
    JOIN public.participants AS p ON p.participant_id = s.participant_id
    JOIN public.participant_heads AS h ON h.participant_id = s.participant_id
    LEFT JOIN public.inbox_pointers AS i ON i.participant_id = s.participant_id
    LEFT JOIN public.devices AS d ON d.participant_id = s.participant_id AND d.device_id = s.device_id
    LEFT JOIN public.passkeys AS k ON k.participant_id = s.participant_id AND k.passkey_id = s.passkey_id
    LEFT JOIN LATERAL (
        SELECT n.* FROM public.shown_entries AS n
        WHERE n.participant_id = s.participant_id AND n.seq > a.after AND h.seq > a.after AND n.reach <> 'silent'
        ORDER BY n.seq LIMIT p_most
    ) AS e ON true
    WHERE s.ended_at IS NULL AND s.refresh_expires_at > public.current_instant()
        AND d.removed_at IS NULL AND k.removed_at IS NULL
    ORDER BY a.place, e.seq
$$;
GRANT EXECUTE ON FUNCTION look_for_streams(uuid[], uuid[], bigint[], integer) TO sepakat_api;

RESET ROLE;
SET LOCAL ROLE sepakat_owner;
DROP TRIGGER climb_begins ON outbox;
RESET ROLE;
SET LOCAL ROLE sepakat_writer;
-- squawk-ignore ban-drop-function
DROP FUNCTION begin_climb();

-- As before, and now also: an entry whose kind climbs has its steps from then on. Without a phone that can be pushed to, the first
-- is due at once. A cause whose kinds have different ladders takes the earlier time of each channel.
CREATE OR REPLACE FUNCTION append_history(p_entries history_entry[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM FROM public.participant_heads h
    WHERE h.participant_id IN (SELECT e.participant_id FROM unnest(p_entries) AS e)
    ORDER BY h.participant_id FOR UPDATE;

    IF EXISTS (
        SELECT FROM unnest(p_entries) AS e
        LEFT JOIN public.causes AS c ON c.participant_id = e.participant_id AND c.cause_id = e.cause_id
        WHERE c.xact IS DISTINCT FROM pg_current_xact_id()
    ) THEN
        PERFORM public.refuse('cause_is_of_this_transaction', 'an entry needs a cause recorded in its own transaction');
    END IF;

    IF EXISTS (SELECT FROM unnest(p_entries) AS e WHERE NOT EXISTS (SELECT FROM public.entry_kinds AS k WHERE k.kind = e.kind)) THEN
        PERFORM public.refuse('entry_kind_is_known', 'an entry needs a kind of entry_kinds');
    END IF;

    WITH entry AS MATERIALIZED (
        SELECT e.participant_id, e.card_id, e.merge_id, e.cause_id, k.kind, k.reach, k.wording, c.bulk, c.occurred_at,
            h.hash AS head, h.seq + row_number() OVER (PARTITION BY e.participant_id ORDER BY e.position) AS seq,
            public.current_instant() AS recorded_at, uuid_send(gen_random_uuid()) AS salt,
            (CASE WHEN k.kind = 'baseline' THEN jsonb_build_object('of', e.kind) ELSE '{}' END || coalesce(e.data, '{}'))::text AS data
        FROM unnest(p_entries) WITH ORDINALITY
            AS e (participant_id, kind, card_id, merge_id, cause_id, data, position)
        JOIN public.causes AS c ON c.participant_id = e.participant_id AND c.cause_id = e.cause_id
        JOIN public.participant_heads AS h ON h.participant_id = e.participant_id
        JOIN public.entry_kinds AS k ON k.kind = CASE WHEN c.origin = 'import' THEN 'baseline' ELSE e.kind END
    ), sealed AS MATERIALIZED (
        SELECT e.*, public.entry_commitment(e.salt, e.data) AS commitment FROM entry AS e
    ), chained AS MATERIALIZED (
        SELECT s.*, public.chain(s.head, public.entry_body(s.participant_id, s.seq, s.kind, s.card_id, s.merge_id, s.cause_id,
            s.occurred_at, s.recorded_at, s.wording, s.commitment)) OVER (PARTITION BY s.participant_id ORDER BY s.seq) AS hash
        FROM sealed AS s
    ), written AS (
        INSERT INTO public.history
            (participant_id, seq, kind, card_id, merge_id, cause_id, occurred_at, recorded_at, wording, commitment, hash)
        SELECT participant_id, seq, kind, card_id, merge_id, cause_id, occurred_at, recorded_at, wording, commitment, hash
        FROM chained
    ), kept AS (
        INSERT INTO public.history_data (participant_id, seq, salt, data)
        SELECT participant_id, seq, salt, data FROM chained
    ), queued AS (
        INSERT INTO public.outbox (lane, class, participant_id, seq, cause_id)
        SELECT public.lane_of(participant_id), bulk::integer, participant_id, seq, cause_id
        FROM chained WHERE reach <> 'silent'
    ), climbing AS (
        INSERT INTO public.climbs AS c (participant_id, cause_id, channel, step, seqs, due_at)
        SELECT e.participant_id, e.cause_id, s.channel, (array_agg(s.step ORDER BY e.seq))[1], array_agg(e.seq ORDER BY e.seq),
            min(e.recorded_at + CASE
                WHEN s.step = 1 AND NOT public.has_living_push_target(e.participant_id) THEN '0' ELSE s.after END)
        FROM chained AS e
        JOIN public.entry_kinds AS k ON k.kind = e.kind
        JOIN public.ladder_steps AS s ON s.ladder = CASE
            WHEN EXISTS (SELECT FROM public.ladder_steps AS own WHERE own.ladder = k.kind) THEN k.kind ELSE k.severity END
        WHERE e.reach = 'ladder'
        GROUP BY e.participant_id, e.cause_id, s.channel
        ON CONFLICT (participant_id, cause_id, channel)
            DO UPDATE SET seqs = c.seqs || excluded.seqs, due_at = least(c.due_at, excluded.due_at)
    )
    UPDATE public.participant_heads AS h SET seq = last.seq, hash = last.hash
    FROM (SELECT DISTINCT ON (participant_id) participant_id, seq, hash FROM chained ORDER BY participant_id, seq DESC) AS last
    WHERE h.participant_id = last.participant_id;
END
$$;
RESET ROLE;
