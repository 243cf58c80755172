-- Announcements where entries are told: on the stream, in what staff see, and on the ladder after all that is urgent.
SET LOCAL ROLE sepakat_writer;

-- As before, and each entry with the announcements that explain it.
-- squawk-ignore ban-drop-function
DROP FUNCTION look_for_streams(uuid[], uuid[], bigint[], integer);
CREATE FUNCTION look_for_streams(p_participants uuid[], p_sessions uuid[], p_afters bigint[], p_most integer)
RETURNS TABLE (
    place bigint, participant_id uuid, locale text, now timestamptz, head bigint, read_up_to bigint,
    seq bigint, kind text, reach text, severity text, wording text, data text, merge_id uuid, cause_id uuid,
    occurred_at timestamptz, hash bytea, origin text, actor text, reason text, read boolean, acknowledged boolean,
    explained_by uuid[]
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT a.place, s.participant_id, p.locale, public.current_instant(), h.seq, coalesce(i.read_up_to, 0),
        e.seq, e.kind, e.reach, e.severity, e.wording, e.data, e.merge_id, e.cause_id,
        e.occurred_at, e.hash, e.origin, e.actor, e.reason, e.read, e.acknowledged,
        public.explained_by(s.participant_id, e.kind, e.occurred_at, e.event_id, e.merge_id)
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

-- As before, and an announcement with its text.
CREATE OR REPLACE FUNCTION history_for_staff(p_participant_id uuid, p_card_ids uuid[], p_merge_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(t.shown ORDER BY t.seq DESC), '[]')
    FROM (
        SELECT h.seq, jsonb_build_object('seq', h.seq, 'kind', h.kind, 'wording', h.wording, 'data', coalesce(h.data, '{}'),
            'occurred_at', h.occurred_at, 'origin', h.origin, 'actor', h.actor, 'reason', h.reason) AS shown
        FROM public.shown_entries AS h
        WHERE h.participant_id = p_participant_id AND h.kind <> 'looked_at'
            AND ((p_card_ids IS NULL AND p_merge_id IS NULL) OR h.card_id = ANY (p_card_ids) OR h.merge_id = p_merge_id)
        ORDER BY h.seq DESC LIMIT 20
    ) AS t
$$;
RESET ROLE;
