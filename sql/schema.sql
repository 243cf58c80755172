-- Generated from sql/migrations by `make schema`; do not edit. Read this first.

CREATE TYPE public.card_change AS (
	participant_id uuid,
	card_id uuid,
	cause_id uuid,
	kind text,
	ledger_kind text,
	amount bigint,
	effective_on date,
	employer_id text,
	month date,
	year smallint,
	received_for_kpj text,
	transfer_id uuid,
	source_event text,
	patch jsonb,
	data jsonb
);

ALTER TYPE public.card_change OWNER TO sepakat_owner;

CREATE TYPE public.card_opening AS (
	participant_id uuid,
	card_id uuid,
	cause_id uuid,
	kpj text,
	segment text,
	employer_id text,
	programmes text[],
	opened_on date,
	closed_on date,
	lifecycle text,
	claim_id text
);

ALTER TYPE public.card_opening OWNER TO sepakat_owner;

CREATE TYPE public.history_entry AS (
	participant_id uuid,
	kind text,
	card_id uuid,
	merge_id uuid,
	cause_id uuid,
	data jsonb
);

ALTER TYPE public.history_entry OWNER TO sepakat_owner;

CREATE TYPE public.staff_member AS (
	issuer text,
	subject text,
	role text,
	shown_as text
);

ALTER TYPE public.staff_member OWNER TO sepakat_owner;

CREATE FUNCTION public.accept_merge(p_participant_id uuid, p_merge_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
    v_plan jsonb;
    v_actor text;
    v_frozen uuid[];
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_changes public.card_change[];
BEGIN
    PERFORM public.refuse_while_paused();
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    SELECT coalesce(c.device_id, c.passkey_id)::text INTO v_actor FROM public.confirmations AS c
    WHERE c.participant_id = p_participant_id AND c.confirmation_id = v_merge.confirmation_id AND c.action = 'accept';
    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = v_merge.plan_digest;
    IF v_merge.state IS NULL OR v_merge.state NOT IN ('reported', 'disputed') OR v_actor IS NULL
        OR v_merge.executes_at <= v_now IS NOT TRUE
    THEN
        PERFORM public.refuse('accept_is_confirmed', 'only a reported merge whose acceptance was confirmed is accepted');
    END IF;
    SELECT coalesce(array_agg(card_id), '{}') INTO v_frozen FROM public.frozen_by_dispute(p_participant_id, p_merge_id) AS card_id;

    IF v_plan ->> 'action' IS DISTINCT FROM 'accept' OR (v_plan ->> 'merge_id')::uuid IS DISTINCT FROM p_merge_id OR EXISTS (
        SELECT FROM (SELECT * FROM public.cards WHERE participant_id = p_participant_id) AS k
        FULL JOIN jsonb_to_recordset(v_plan -> 'cards')
            AS c (kpj text, role text, status_before text, status_after text, balance_before bigint, balance_after bigint)
            ON c.kpj = k.kpj
        WHERE (c.kpj IS NOT NULL OR k.card_id = ANY (v_merge.absorb || v_merge.into_card))
            AND (c.role, c.status_before, c.balance_before, c.status_after, c.balance_after) IS DISTINCT FROM (
                CASE WHEN k.card_id = v_merge.into_card THEN 'survivor' WHEN k.card_id = ANY (v_merge.absorb) THEN 'absorbed' END,
                k.status, k.balance,
                -- the survivor thaws when the dispute ends; a reported merge of its own stays to be seen
                CASE WHEN k.card_id <> v_merge.into_card THEN 'merged'
                    WHEN k.merge_mark IS NULL AND k.card_id = ANY (v_frozen) THEN k.lifecycle ELSE k.status END,
                CASE WHEN k.card_id = v_merge.into_card THEN (v_plan ->> 'total_after')::bigint ELSE 0 END)
    ) OR (SELECT (sum(k.balance), sum(k.balance)) FROM public.cards AS k
        WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card))
        IS DISTINCT FROM ((v_plan ->> 'total_before')::numeric, (v_plan ->> 'total_after')::numeric)
    THEN
        PERFORM public.refuse('plan_equals_the_cards', 'the confirmed plan differs from the cards as they are now');
    END IF;

    INSERT INTO public.merge_executions (participant_id, merge_id, action, plan_digest, confirmation_id, executed_at, xact)
    VALUES (p_participant_id, p_merge_id, 'accept', v_merge.plan_digest, v_merge.confirmation_id, v_now, pg_current_xact_id());
    v_cause_id := public.record_cause(p_participant_id, 'participant', v_actor, v_merge.reason, p_merge_id);

    SELECT array_agg(ROW(p_participant_id, change.card_id, v_cause_id, change.kind, change.ledger_kind, change.amount,
        public.jakarta_day(v_now), NULL, NULL, NULL, change.from_kpj, CASE WHEN change.amount IS NOT NULL THEN p_merge_id END, NULL,
        change.patch || CASE WHEN change.card_id = ANY (v_frozen) THEN '{"frozen_at": null}'::jsonb ELSE '{}' END,
        jsonb_build_object('into', survivor.kpj))::public.card_change ORDER BY change.kpj) INTO v_changes
    FROM public.cards AS survivor CROSS JOIN LATERAL (
        SELECT k.kpj, k.card_id, 'card_merged' AS kind, CASE WHEN k.balance > 0 THEN 'merge_out' END AS ledger_kind,
            CASE WHEN k.balance > 0 THEN -k.balance END AS amount, NULL AS from_kpj,
            jsonb_build_object('merge_mark', 'merged', 'merge_id', p_merge_id, 'merged_into', survivor.card_id,
                'merged_at', v_now, 'merged_via', jsonb_build_array(p_merge_id)) AS patch
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)
        UNION ALL
        SELECT k.kpj, survivor.card_id, 'card_received_merge', CASE WHEN k.balance > 0 THEN 'merge_in' END,
            CASE WHEN k.balance > 0 THEN k.balance END, k.kpj, '{}'
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)
        UNION ALL
        -- what was merged by consent into the absorbed card resolves to the survivor in one hop
        SELECT k.kpj, k.card_id, 'card_forwarded', NULL, NULL, NULL, jsonb_build_object(
            'merged_into', survivor.card_id, 'merged_via', to_jsonb(k.merged_via || p_merge_id))
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.merge_mark = 'merged'
            AND k.merged_into = ANY (v_merge.absorb)
    ) AS change
    WHERE survivor.participant_id = p_participant_id AND survivor.card_id = v_merge.into_card;
    PERFORM public.change_cards(v_changes);

    UPDATE public.cases AS c SET state = 'decided', decision = 'withdrawn', decided_at = v_now, cause_id = v_cause_id,
        xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.merge_id = p_merge_id AND c.state = 'open';
    -- the core did it long ago: what was missing is the consent, not its acknowledgement
    UPDATE public.merges AS m SET state = 'accepted', executed_at = v_now, core = 'acknowledged', last_refusal = NULL,
        cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
    PERFORM public.hold_reported_cards(p_participant_id);
END
$$;

ALTER FUNCTION public.accept_merge(p_participant_id uuid, p_merge_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.acknowledge_merge(p_participant_id uuid, p_merge_id uuid, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.merges AS m SET core = 'acknowledged', cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
        AND m.state IN ('executed', 'undone') AND m.core = 'pending'
    RETURNING * INTO v_merge;
    IF v_merge.merge_id IS NULL THEN
        PERFORM public.refuse('core_answers_once', 'only what the core has not answered yet is acknowledged');
    END IF;
    PERFORM public.tell_of_core_answer(v_merge, 'merge_acknowledged', p_cause_id, jsonb_build_object('state', v_merge.state));
END
$$;

ALTER FUNCTION public.acknowledge_merge(p_participant_id uuid, p_merge_id uuid, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM public.entry_kinds WHERE kind = p_kind AND written_by = 'note') THEN
        PERFORM public.refuse('entry_goes_with_its_change', format('an entry of kind %s is written with its change only', p_kind));
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, p_kind, NULL, NULL, p_cause_id, p_data)::public.history_entry]);
END
$$;

ALTER FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.agree_on_balance(p_participant_id uuid, p_card_id uuid, p_figures jsonb, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (
        SELECT FROM public.balance_comparisons AS b
        WHERE b.participant_id = p_participant_id AND b.card_id = p_card_id AND b.outcome IN ('agrees', 'explained'))
    THEN
        PERFORM public.refuse('comparison_agrees', 'a balance agrees when the last comparison says so');
    END IF;
    UPDATE public.cases AS c SET state = 'decided', decision = 'agreed', decided_at = public.current_instant(),
        cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.card_id = p_card_id AND c.kind = 'balance' AND c.state = 'open'
    RETURNING * INTO v_case;
    IF v_case.case_id IS NULL THEN
        PERFORM public.refuse('case_is_open', 'no case about the balance of this card is open');
    END IF;
    PERFORM public.tell_of_balance(v_case, 'balance_agrees_again', p_cause_id, p_figures);
END
$$;

ALTER FUNCTION public.agree_on_balance(p_participant_id uuid, p_card_id uuid, p_figures jsonb, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.allow_clearing(p_for interval) RETURNS timestamp with time zone
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.clearing AS c SET allowed_until = clock_timestamp() + least(p_for, interval '1 day')
    RETURNING c.allowed_until
$$;

ALTER FUNCTION public.allow_clearing(p_for interval) OWNER TO sepakat_writer;

CREATE FUNCTION public.announce_to_some(p_announcement_id uuid, p_most integer, p_window integer) RETURNS TABLE(participant_id uuid, lane smallint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_run public.announcement_runs;
    v_told public.announcements;
    v_people uuid[];
    v_last uuid;
    v_causes uuid[];
    v_kind text;
    v_most integer := greatest(p_most, 1);
    v_before uuid[] := array(
        SELECT e.announcement_id FROM public.earlier_announcements(p_announcement_id) AS e ORDER BY e.steps);
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
            WHERE w.announcement_id = p_announcement_id AND w.seq IS NULL ORDER BY w.participant_id LIMIT v_most);
        v_last := v_people[cardinality(v_people)];
    ELSE
        SELECT w.participant_id INTO v_last
        FROM (
            SELECT p.participant_id FROM public.participants AS p
            WHERE p.participant_id > v_run.after ORDER BY p.participant_id LIMIT greatest(p_window, 1)
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
                        WHERE t.participant_id = p.participant_id AND t.announcement_id = ANY (v_before) AND t.seq IS NOT NULL
                        LIMIT 1)
                    OR (
                        SELECT true FROM public.announced AS t
                        WHERE t.participant_id = p.participant_id AND t.announcement_id = p_announcement_id))
            ORDER BY p.participant_id LIMIT v_most);
        IF cardinality(v_people) = v_most THEN
            v_last := v_people[v_most];
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
                WHERE t.participant_id = c.participant_id AND t.announcement_id = ANY (v_before) AND t.seq IS NOT NULL
                ORDER BY array_position(v_before, t.announcement_id) LIMIT 1)
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

ALTER FUNCTION public.announce_to_some(p_announcement_id uuid, p_most integer, p_window integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.answer_enrolment(p_participant_id uuid, p_enrolment_id uuid, p_device_id uuid, p_answer text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_enrolment public.enrolments;
    v_cause_id uuid;
BEGIN
    UPDATE public.enrolments AS e SET
        verified_at = CASE WHEN p_answer = 'approved' THEN public.current_instant() END,
        refused_at = CASE WHEN p_answer = 'refused' THEN public.current_instant() END
    WHERE e.enrolment_id = p_enrolment_id AND e.participant_id = p_participant_id AND p_answer IN ('approved', 'refused')
        AND num_nonnulls(e.verified_at, e.refused_at) = 0 AND e.expires_at > public.current_instant()
    RETURNING * INTO v_enrolment;
    IF v_enrolment.enrolment_id IS NULL THEN
        RETURN NULL;
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_device_id::text);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, CASE p_answer WHEN 'approved' THEN 'key_approved' ELSE 'key_refused' END,
        NULL, NULL, v_cause_id, jsonb_build_object('enrolment_id', p_enrolment_id, 'device_name', v_enrolment.device_name,
            'platform', v_enrolment.platform, 'answered_by', (SELECT d.name FROM public.keys AS d WHERE d.participant_id = p_participant_id AND d.key_id = p_device_id)))::public.history_entry]);
    RETURN v_cause_id;
END
$$;

ALTER FUNCTION public.answer_enrolment(p_participant_id uuid, p_enrolment_id uuid, p_device_id uuid, p_answer text) OWNER TO sepakat_writer;

CREATE FUNCTION public.append_history(p_entries public.history_entry[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.append_history(p_entries public.history_entry[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.apply_changes(p_changes public.card_change[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (
        SELECT FROM unnest(p_changes) AS c, jsonb_object_keys(c.patch) AS part
        WHERE part NOT IN ('lifecycle', 'closed_on', 'claim_id', 'employer_id')
    ) OR EXISTS (
        SELECT FROM unnest(p_changes) AS c
        WHERE c.ledger_kind NOT IN ('contribution', 'contribution_reversal', 'growth', 'claim_payment')
            OR c.kind NOT IN ('card_status_changed', 'contribution_posted', 'late_contribution_posted', 'contribution_reversed',
                'growth_credited', 'claim_opened', 'claim_paid', 'claim_withdrawn')
    ) THEN
        PERFORM public.refuse('core_tells_only_its_own', 'only lifecycle, claims, contributions and growth come from the core');
    END IF;
    PERFORM public.change_cards(p_changes);
END
$$;

ALTER FUNCTION public.apply_changes(p_changes public.card_change[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.apply_contact_change(p_participant_id uuid, p_change_id uuid, p_key_id uuid, p_hold interval, p_before text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_change public.contact_changes;
    v_cause_id uuid;
    v_held record;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_change FROM public.contact_changes AS c
    WHERE c.participant_id = p_participant_id AND c.change_id = p_change_id AND c.state = 'open' AND c.expires_at > v_now
        AND c.tries > 0
    FOR UPDATE;
    IF v_change.change_id IS NULL THEN
        PERFORM public.refuse('contact_change_is_open', 'a contact is changed once, in time, and after its try was counted');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_key_id::text);
    UPDATE public.contact_changes AS c SET state = 'applied', value_sealed = NULL, closed_at = v_now
    WHERE c.participant_id = p_participant_id AND c.change_id = p_change_id;
    SELECT * INTO v_held FROM public.hold_keys(p_participant_id, ARRAY[v_change.key_id, p_key_id], v_now + p_hold);
    PERFORM public.change_contact(p_participant_id, v_change.channel, v_change.value_sealed, public.jakarta_day(v_now), v_cause_id,
        jsonb_build_object('before', p_before, 'after', v_change.masked, 'devices', v_held.devices, 'passkeys', v_held.passkeys,
            'hold_until', v_now + p_hold));
    PERFORM public.delay_confirmed_merges(p_participant_id, ARRAY[v_change.key_id, p_key_id], v_now + p_hold, v_cause_id);
END
$$;

ALTER FUNCTION public.apply_contact_change(p_participant_id uuid, p_change_id uuid, p_key_id uuid, p_hold interval, p_before text) OWNER TO sepakat_writer;

CREATE FUNCTION public.ask_contact_change(p_participant_id uuid, p_key_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_expires_at timestamp with time zone, p_change_ids uuid[], p_channels text[], p_values bytea[], p_masked text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (
        SELECT FROM public.challenges AS c
        WHERE c.nonce = p_nonce AND c.purpose = 'change_contact' AND c.participant_id = p_participant_id
            AND c.subject_id = p_participant_id AND c.spent_at IS NOT NULL
    ) THEN
        PERFORM public.refuse('contact_change_takes_its_challenge', 'no contact changes without a challenge of its own, spent for it');
    END IF;
    IF EXISTS (
        SELECT FROM public.contact_changes AS c
        WHERE c.participant_id = p_participant_id AND c.channel = ANY (p_channels) AND c.asked_at > v_now - interval '1 day'
        GROUP BY c.channel HAVING count(*) >= 10
    ) THEN
        PERFORM public.refuse('ten_contact_changes_a_day', 'a contact is changed at most ten times a day');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_key_id::text);
    UPDATE public.contact_messages AS m SET state = 'replaced', contact_sealed = NULL, ended_at = v_now
    FROM public.contact_changes AS c
    WHERE c.participant_id = p_participant_id AND c.state = 'open' AND c.channel = ANY (p_channels)
        AND m.participant_id = c.participant_id AND m.message_id = c.change_id AND m.state = 'waiting';
    UPDATE public.contact_changes AS c SET state = 'replaced', value_sealed = NULL, closed_at = v_now
    WHERE c.participant_id = p_participant_id AND c.state = 'open' AND c.channel = ANY (p_channels);

    INSERT INTO public.contact_changes (participant_id, change_id, channel, value_sealed, masked, key_id, nonce, statement, proof,
        asked_at, expires_at, cause_id)
    SELECT p_participant_id, n.change_id, n.channel, n.value, n.masked, p_key_id, p_nonce, p_statement, p_proof, v_now,
        p_expires_at, v_cause_id
    FROM unnest(p_change_ids, p_channels, p_values, p_masked) AS n (change_id, channel, value, masked);
    INSERT INTO public.contact_messages (participant_id, message_id, what, channel, contact_sealed, expires_at, cause_id)
    SELECT p_participant_id, n.change_id, 'code', n.channel, n.value, p_expires_at, v_cause_id
    FROM unnest(p_change_ids, p_channels, p_values) AS n (change_id, channel, value);
    PERFORM public.append_history(array(
        SELECT ROW(p_participant_id, 'contact_change_asked', NULL, NULL, v_cause_id,
            jsonb_build_object('contact', n.channel, 'after', n.masked))::public.history_entry
        FROM unnest(p_channels, p_masked) WITH ORDINALITY AS n (channel, masked, position) ORDER BY n.position));
END
$$;

ALTER FUNCTION public.ask_contact_change(p_participant_id uuid, p_key_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_expires_at timestamp with time zone, p_change_ids uuid[], p_channels text[], p_values bytea[], p_masked text[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.ask_correction(p_participant_id uuid, p_case_id uuid, p_actor text, p_field text, p_wanted_sealed bytea, p_statement text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF EXISTS (
        SELECT FROM public.corrections AS r
        JOIN public.cases AS c ON c.participant_id = r.participant_id AND c.case_id = r.case_id
        WHERE r.participant_id = p_participant_id AND r.field = p_field AND c.state = 'open'
    ) THEN
        PERFORM public.refuse('one_open_correction_per_field', 'a correction of this is asked for already');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor, p_statement);
    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases (participant_id, case_id, kind, statement, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'correction', p_statement, v_now, v_now + interval '72 hours', 'open', v_cause_id,
        pg_current_xact_id());
    INSERT INTO public.corrections (participant_id, case_id, field, wanted_sealed)
    VALUES (p_participant_id, p_case_id, p_field, p_wanted_sealed);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'correction_asked', NULL, NULL, v_cause_id, jsonb_build_object(
        'case_id', p_case_id, 'field', p_field, 'due_at', v_now + interval '72 hours'))::public.history_entry]);
END
$$;

ALTER FUNCTION public.ask_correction(p_participant_id uuid, p_case_id uuid, p_actor text, p_field text, p_wanted_sealed bytea, p_statement text) OWNER TO sepakat_writer;

CREATE FUNCTION public.ask_enrolment(p_enrolment_id uuid, p_nik_hash bytea, p_kpj text, p_birth_date date, p_device_name text, p_platform text, p_public_key jsonb, p_asked_at timestamp with time zone, p_expires_at timestamp with time zone, p_ask_first interval, p_code_ttl interval) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    WITH person AS (
        SELECT p.participant_id, p_ask_first > '0' AND EXISTS (
            SELECT FROM public.keys AS k
            WHERE k.participant_id = p.participant_id AND k.removed_at IS NULL
                AND (k.hold_until IS NULL OR k.hold_until <= p_asked_at)) AS asks_phone
        FROM public.participant_numbers AS n
        JOIN public.card_numbers AS c ON c.participant_id = n.participant_id
        JOIN public.participants AS p ON p.participant_id = n.participant_id
        WHERE n.nik_hash = p_nik_hash AND c.kpj = p_kpj AND p.birth_date = p_birth_date AND p.deceased_on IS NULL
    ), asked AS (
        SELECT person.participant_id, coalesce(person.asks_phone, false) AS asks_phone,
            p_asked_at + CASE WHEN person.asks_phone THEN p_ask_first ELSE '0' END AS code_from
        FROM (SELECT true) AS everybody LEFT JOIN person ON true
    )
    INSERT INTO public.enrolments (enrolment_id, participant_id, device_id, device_name, platform, public_key, asked_at, expires_at,
        asks_phone, code_from, code_until)
    SELECT p_enrolment_id, asked.participant_id, p_enrolment_id, p_device_name, p_platform, p_public_key, p_asked_at, p_expires_at,
        asked.asks_phone, asked.code_from, asked.code_from + p_code_ttl
    FROM asked
$$;

ALTER FUNCTION public.ask_enrolment(p_enrolment_id uuid, p_nik_hash bytea, p_kpj text, p_birth_date date, p_device_name text, p_platform text, p_public_key jsonb, p_asked_at timestamp with time zone, p_expires_at timestamp with time zone, p_ask_first interval, p_code_ttl interval) OWNER TO sepakat_writer;

CREATE FUNCTION public.ask_living_phone(p_participant_id uuid, p_enrolment_id uuid, p_most_a_day integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_enrolment public.enrolments;
BEGIN
    UPDATE public.enrolments AS e SET phone_asked_at = public.current_instant()
    WHERE e.enrolment_id = p_enrolment_id AND e.participant_id = p_participant_id AND e.asks_phone AND e.phone_asked_at IS NULL
        AND num_nonnulls(e.verified_at, e.refused_at) = 0 AND e.code_from > public.current_instant()
    RETURNING * INTO v_enrolment;
    IF v_enrolment.enrolment_id IS NULL OR (
        SELECT count(*) FROM public.enrolments AS o
        WHERE o.participant_id = p_participant_id AND o.phone_asked_at > public.current_instant() - interval '1 day'
    ) > p_most_a_day THEN
        RETURN false;
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'key_asked', NULL, NULL,
        public.record_cause(p_participant_id, 'system', 'enrolment'), jsonb_build_object('enrolment_id', p_enrolment_id,
            'device_name', v_enrolment.device_name, 'platform', v_enrolment.platform, 'code_from', v_enrolment.code_from
        ))::public.history_entry]);
    RETURN true;
END
$$;

ALTER FUNCTION public.ask_living_phone(p_participant_id uuid, p_enrolment_id uuid, p_most_a_day integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.base64url_to_bytes(p_text text) RETURNS bytea
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT decode(translate(p_text, '-_', '+/') || repeat('=', (4 - length(p_text) % 4) % 4), 'base64')
$$;

ALTER FUNCTION public.base64url_to_bytes(p_text text) OWNER TO sepakat_owner;

CREATE FUNCTION public.bucket_of(participant_id uuid) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((((uuid_hash(participant_id))::bigint + '2147483648'::bigint) >> 20))::smallint;

ALTER FUNCTION public.bucket_of(participant_id uuid) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.bucket_of(participant_id uuid) IS 'The subtree (0..4095) of a participant: the top twelve bits of the hash whose top six are the lane.';

CREATE FUNCTION public.bulk_apart(p_after uuid, p_upto uuid) RETURNS uuid[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT array(
        SELECT k.participant_id FROM public.cards AS k
        WHERE k.merge_mark = 'merged_without_consent' AND k.participant_id > p_after AND k.participant_id <= p_upto
        UNION
        SELECT l.participant_id FROM public.ledger_entries AS l
        WHERE l.kind = 'growth' AND l.year IS NOT NULL AND l.received_for_kpj IS NOT NULL
            AND l.participant_id > p_after AND l.participant_id <= p_upto)
$$;

ALTER FUNCTION public.bulk_apart(p_after uuid, p_upto uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.bulk_row_as_json(event_id text, kpj text, amount bigint, effective_on date, year smallint, month date, employer_id text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    RETURN (CASE WHEN (year IS NOT NULL) THEN json_build_object('event_id', event_id, 'kpj', kpj, 'year', year, 'amount', amount) ELSE json_build_object('event_id', event_id, 'kpj', kpj, 'employer_id', employer_id, 'month', to_char((month)::timestamp with time zone, 'YYYY-MM'::text), 'amount', amount, 'paid_on', effective_on) END)::text;

ALTER FUNCTION public.bulk_row_as_json(event_id text, kpj text, amount bigint, effective_on date, year smallint, month date, employer_id text) OWNER TO sepakat_writer;

CREATE FUNCTION public.cancel_open_merges(p_participant_id uuid, p_card_id uuid, p_because text, p_cause_id uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.merges AS m SET state = 'cancelled', closed_at = public.current_instant(), closed_because = p_because,
        cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.state IN ('proposed', 'confirmed')
        AND (p_card_id IS NULL OR p_card_id = ANY (m.absorb || m.into_card));
    UPDATE public.merges AS m SET confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL, cause_id = p_cause_id,
        last_refusal = jsonb_build_object('code', p_because, 'diff', '[]'::jsonb, 'at', public.current_instant())
    WHERE m.participant_id = p_participant_id AND m.state IN ('reported', 'disputed') AND m.confirmation_id IS NOT NULL
        AND (p_card_id IS NULL OR p_card_id = ANY (m.absorb || m.into_card))
$$;

ALTER FUNCTION public.cancel_open_merges(p_participant_id uuid, p_card_id uuid, p_because text, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.capture_unexplained_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    v_cause_id := public.record_cause(new.participant_id, 'unexplained', session_user, 'changed by hand in the database');
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, 'unexplained_change', new.card_id, NULL, v_cause_id,
        jsonb_build_object('kpj', new.kpj, 'status_before', old.status, 'status_after', new.status,
            'balance_before', old.balance, 'balance_after', new.balance, 'database_role', session_user))::public.history_entry]);
    RETURN NULL;
END
$$;

ALTER FUNCTION public.capture_unexplained_change() OWNER TO sepakat_writer;

CREATE FUNCTION public.capture_unexplained_data_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    v_cause_id := public.record_cause(new.participant_id, 'unexplained', session_user, 'changed by hand in the database');
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, 'unexplained_data_change', NULL, NULL, v_cause_id,
        jsonb_build_object('database_role', session_user, 'fields', array_remove(ARRAY[
            CASE WHEN old.nik_sealed <> new.nik_sealed THEN 'nik' END,
            CASE WHEN old.name <> new.name THEN 'name' END,
            CASE WHEN old.birth_date <> new.birth_date THEN 'birth_date' END,
            CASE WHEN old.phone_sealed IS DISTINCT FROM new.phone_sealed THEN 'phone' END,
            CASE WHEN old.phone_since IS DISTINCT FROM new.phone_since THEN 'phone_since' END,
            CASE WHEN old.email_sealed IS DISTINCT FROM new.email_sealed THEN 'email' END], NULL)))::public.history_entry]);
    PERFORM public.notify_old_contact(new.participant_id, 'phone', old.phone_sealed, v_cause_id)
    WHERE old.phone_sealed IS DISTINCT FROM new.phone_sealed;
    PERFORM public.notify_old_contact(new.participant_id, 'email', old.email_sealed, v_cause_id)
    WHERE old.email_sealed IS DISTINCT FROM new.email_sealed;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.capture_unexplained_data_change() OWNER TO sepakat_writer;

CREATE FUNCTION public.cards_for_staff(p_participant_id uuid, p_card_ids uuid[]) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT coalesce(jsonb_agg(jsonb_build_object('kpj', k.kpj, 'status', k.status, 'segment', k.segment, 'employer', e.name,
        'programmes', k.programmes, 'balance', k.balance, 'opened_on', k.opened_on, 'closed_on', k.closed_on,
        'last_contribution_month', to_char(k.last_contribution_month, 'YYYY-MM'),
        'last_contribution_amount', k.last_contribution_amount, 'merged_into', living.kpj,
        'locked', k.locked_at IS NOT NULL) ORDER BY k.opened_on, k.kpj), '[]')
    FROM public.cards AS k
    LEFT JOIN public.employers AS e ON e.employer_id = k.employer_id
    LEFT JOIN public.cards AS living ON living.participant_id = k.participant_id AND living.card_id = k.merged_into
    WHERE k.participant_id = p_participant_id AND (p_card_ids IS NULL OR k.card_id = ANY (p_card_ids))
$$;

ALTER FUNCTION public.cards_for_staff(p_participant_id uuid, p_card_ids uuid[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.cards_to_stop(p_participant_id uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT k.card_id FROM public.cards AS k
    WHERE k.participant_id = p_participant_id AND k.status NOT IN ('merged', 'transferred_away') AND NOT EXISTS (
        SELECT FROM public.stopped_cards AS s WHERE s.participant_id = k.participant_id AND s.card_id = k.card_id)
$$;

ALTER FUNCTION public.cards_to_stop(p_participant_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.carry_out_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
    v_plan jsonb;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_changes public.card_change[];
BEGIN
    PERFORM public.refuse_while_paused();
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF v_merge.state IS DISTINCT FROM 'confirmed' OR v_merge.executes_at > v_now THEN
        PERFORM public.refuse('merge_is_due', 'only a confirmed merge whose cooling-off is over is executed');
    END IF;

    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = v_merge.plan_digest;

    IF v_merge.confirmed_at + make_interval(secs => (v_plan ->> 'cooling_off_s')::integer) <= v_now IS NOT TRUE
        OR p_undo_window IS DISTINCT FROM make_interval(secs => (v_plan ->> 'undo_window_s')::integer)
    THEN
        PERFORM public.refuse('merge_is_due', 'the cooling-off and the undo window are those of the confirmed plan');
    END IF;
    IF v_plan ->> 'action' IS DISTINCT FROM 'merge' OR (v_plan ->> 'merge_id')::uuid IS DISTINCT FROM p_merge_id OR EXISTS (
        SELECT FROM public.cards AS k
        FULL JOIN jsonb_to_recordset(v_plan -> 'cards')
            AS c (kpj text, role text, status_before text, status_after text, balance_before bigint, balance_after bigint)
            ON c.kpj = k.kpj AND k.participant_id = p_participant_id
        WHERE (c.kpj IS NOT NULL OR (k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card)))
            AND (c.role, c.status_before, c.balance_before, c.status_after, c.balance_after) IS DISTINCT FROM (
                CASE WHEN k.card_id = v_merge.into_card THEN 'survivor' WHEN k.card_id = ANY (v_merge.absorb) THEN 'absorbed' END,
                k.status, k.balance,
                CASE WHEN k.card_id = v_merge.into_card THEN k.status ELSE 'merged' END,
                CASE WHEN k.card_id = v_merge.into_card THEN (v_plan ->> 'total_after')::bigint ELSE 0 END)
    ) OR (SELECT (sum(k.balance), sum(k.balance)) FROM public.cards AS k
        WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card))
        IS DISTINCT FROM ((v_plan ->> 'total_before')::numeric, (v_plan ->> 'total_after')::numeric)
    THEN
        PERFORM public.refuse('plan_equals_the_cards', 'the confirmed plan differs from the cards as they are now');
    END IF;

    INSERT INTO public.merge_executions (participant_id, merge_id, action, plan_digest, confirmation_id, executed_at, xact)
    VALUES (p_participant_id, p_merge_id, 'merge', v_merge.plan_digest, v_merge.confirmation_id, v_now, pg_current_xact_id());
    v_cause_id := coalesce(p_cause_id, public.record_cause(p_participant_id, 'participant',
        (SELECT coalesce(c.device_id, c.passkey_id)::text FROM public.confirmations AS c
            WHERE c.participant_id = p_participant_id AND c.confirmation_id = v_merge.confirmation_id),
        v_merge.reason, p_merge_id));

    SELECT array_agg(ROW(p_participant_id, change.card_id, v_cause_id, change.kind, change.ledger_kind, change.amount,
        public.jakarta_day(v_now), NULL, NULL, NULL, change.from_kpj, CASE WHEN change.amount IS NOT NULL THEN p_merge_id END, NULL,
        change.patch, jsonb_build_object('into', survivor.kpj))::public.card_change ORDER BY change.kpj) INTO v_changes
    FROM public.cards AS survivor CROSS JOIN LATERAL (
        -- the absorbed cards give all they have; a card without savings gives no entry
        SELECT k.kpj, k.card_id, 'card_merged' AS kind, CASE WHEN k.balance > 0 THEN 'merge_out' END AS ledger_kind,
            CASE WHEN k.balance > 0 THEN -k.balance END AS amount, NULL AS from_kpj,
            jsonb_build_object('merge_mark', 'merged', 'merge_id', p_merge_id, 'merged_into', survivor.card_id,
                'merged_at', v_now, 'merged_via', jsonb_build_array(p_merge_id)) AS patch
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)
        UNION ALL
        SELECT k.kpj, survivor.card_id, 'card_received_merge', CASE WHEN k.balance > 0 THEN 'merge_in' END,
            CASE WHEN k.balance > 0 THEN k.balance END, k.kpj, NULL
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)
        UNION ALL
        -- what was merged earlier into a card that is absorbed now resolves to the survivor in one hop
        SELECT k.kpj, k.card_id, 'card_forwarded', NULL, NULL, NULL, jsonb_build_object(
            'merged_into', survivor.card_id, 'merged_via', to_jsonb(k.merged_via || p_merge_id))
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.merge_mark = 'merged'
            AND k.merged_into = ANY (v_merge.absorb)
    ) AS change
    WHERE survivor.participant_id = p_participant_id AND survivor.card_id = v_merge.into_card;
    PERFORM public.change_cards(v_changes);

    UPDATE public.merges AS m SET state = 'executed', executed_at = v_now, undo_until = v_now + p_undo_window,
        core = CASE WHEN v_merge.core = 'pending' THEN 'acknowledged' ELSE 'pending' END, cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

ALTER FUNCTION public.carry_out_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.carry_out_proposal(p_case_id uuid, p_decision text, p_second public.staff_member) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases := public.lock_case(p_case_id);
    v_proposal public.case_proposals;
    v_told jsonb;
    v_cause_id uuid;
BEGIN
    UPDATE public.case_proposals AS p SET state = 'confirmed', closed_at = public.current_instant(),
        second_issuer = p_second.issuer, second_staff = p_second.subject, second_role = p_second.role,
        second_shown_as = p_second.shown_as
    WHERE p.participant_id = v_case.participant_id AND p.case_id = p_case_id AND p.state = 'open' AND p.decision = p_decision
    RETURNING * INTO v_proposal;
    IF v_proposal.proposal_id IS NULL THEN
        PERFORM public.refuse('decision_was_proposed', 'a second person confirms exactly what the first one proposed');
    END IF;
    -- alone, the proposal of this very transaction has logged it; without one the cause below is refused
    v_told := CASE WHEN p_second.subject IS NULL THEN '[]'
        ELSE public.log_case_look(v_case, p_second, v_case.kind, 'decision') END;
    IF v_case.kind = 'match' THEN
        PERFORM public.decide_match(v_case.participant_id, p_case_id, gen_random_uuid(), p_decision, v_proposal.reason,
            v_proposal.staff, p_second.subject, NULL, NULL);
    ELSE
        v_cause_id := public.record_cause(v_case.participant_id, 'agency', v_proposal.staff, v_proposal.reason, v_case.merge_id);
        CASE v_case.kind
            WHEN 'dispute' THEN
                PERFORM public.decide_case(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
            WHEN 'core_refusal' THEN
                PERFORM public.decide_refusal(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
            WHEN 'balance' THEN
                PERFORM public.decide_balance(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
            WHEN 'unreached' THEN
                PERFORM public.decide_unreached(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
            WHEN 'correction' THEN
                PERFORM public.decide_correction(v_case.participant_id, p_case_id, v_cause_id, p_decision, v_proposal.reason,
                    v_proposal.staff, p_second.subject);
        END CASE;
    END IF;
    RETURN v_told;
END
$$;

ALTER FUNCTION public.carry_out_proposal(p_case_id uuid, p_decision text, p_second public.staff_member) OWNER TO sepakat_writer;

CREATE FUNCTION public.case_to_decide(p_case_id uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases := public.lock_case(p_case_id);
BEGIN
    IF v_case.case_id IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN jsonb_build_object('kind', v_case.kind, 'state', v_case.state, 'decision', v_case.decision, 'staff', v_case.staff,
        'second_staff', v_case.second_staff, 'decided_at', v_case.decided_at,
        'proposal', public.open_proposal(v_case.participant_id, v_case.case_id));
END
$$;

ALTER FUNCTION public.case_to_decide(p_case_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.cases_for_staff(p_state text, p_kind text, p_after_due timestamp with time zone, p_after_id uuid, p_limit integer) RETURNS TABLE(id uuid, kind text, state text, opened_at timestamp with time zone, due_at timestamp with time zone, decision text, decided_at timestamp with time zone, proposal jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT c.case_id, c.kind, c.state, c.opened_at, c.due_at, c.decision, c.decided_at,
        CASE WHEN c.state = 'open' THEN public.open_proposal(c.participant_id, c.case_id) - 'reason' END
    FROM public.cases AS c
    WHERE (p_state IS NULL OR c.state = p_state) AND (p_kind IS NULL OR c.kind = p_kind)
        AND (p_after_due IS NULL OR (c.due_at, c.case_id) > (p_after_due, p_after_id))
    ORDER BY c.due_at, c.case_id LIMIT least(p_limit, 101)
$$;

ALTER FUNCTION public.cases_for_staff(p_state text, p_kind text, p_after_due timestamp with time zone, p_after_id uuid, p_limit integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.field(value bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (value IS NULL) THEN int4send('-1'::integer) ELSE (int4send(length(value)) || value) END;

ALTER FUNCTION public.field(value bytea) OWNER TO sepakat_owner;

CREATE FUNCTION public.chain_step(state bytea, head bytea, body bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256((public.field(COALESCE(state, head)) || body));

ALTER FUNCTION public.chain_step(state bytea, head bytea, body bytea) OWNER TO sepakat_owner;

CREATE FUNCTION public.change_cards(p_changes public.card_change[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_before jsonb;
    v_entries public.history_entry[];
BEGIN
    PERFORM FROM public.participant_heads h
    WHERE h.participant_id IN (SELECT c.participant_id FROM unnest(p_changes) AS c)
    ORDER BY h.participant_id FOR UPDATE;

    IF EXISTS (
        SELECT FROM unnest(p_changes) AS c
        LEFT JOIN public.causes AS cause ON cause.participant_id = c.participant_id AND cause.cause_id = c.cause_id
        WHERE c.kind IS NULL OR cause.xact IS DISTINCT FROM pg_current_xact_id()
    ) THEN
        PERFORM public.refuse('cause_is_of_this_transaction', 'a change needs a kind, and a cause recorded in its own transaction');
    END IF;

    SELECT jsonb_object_agg(locked.card_id, jsonb_build_array(locked.status, locked.balance)) INTO v_before
    FROM (
        SELECT k.card_id, k.status, k.balance FROM public.cards AS k
        WHERE (k.participant_id, k.card_id) IN (SELECT c.participant_id, c.card_id FROM unnest(p_changes) AS c)
        ORDER BY k.participant_id, k.kpj FOR UPDATE
    ) AS locked;

    -- A card that comes back is no longer merged before money comes in: a merged card is empty.
    UPDATE public.cards AS k SET merge_mark = NULL, merge_id = NULL, merged_at = NULL, merged_into = NULL, merged_via = NULL
    FROM unnest(p_changes) AS c
    WHERE k.participant_id = c.participant_id AND k.card_id = c.card_id AND k.merge_mark = 'merged'
        AND c.patch -> 'merge_mark' = 'null';

    PERFORM public.post_entries(p_changes);

    UPDATE public.cards AS k SET
        lifecycle = CASE WHEN p.patch ? 'lifecycle' THEN p.patch ->> 'lifecycle' ELSE k.lifecycle END,
        closed_on = CASE WHEN p.patch ? 'closed_on' THEN (p.patch ->> 'closed_on')::date ELSE k.closed_on END,
        employer_id = CASE WHEN p.patch ? 'employer_id' THEN p.patch ->> 'employer_id' ELSE k.employer_id END,
        claim_id = CASE WHEN p.patch ? 'claim_id' THEN p.patch ->> 'claim_id' ELSE k.claim_id END,
        frozen_at = CASE WHEN p.patch ? 'frozen_at' THEN (p.patch ->> 'frozen_at')::timestamptz ELSE k.frozen_at END,
        locked_at = CASE WHEN p.patch ? 'locked_at' THEN (p.patch ->> 'locked_at')::timestamptz ELSE k.locked_at END,
        transferred_at = CASE WHEN p.patch ? 'transfer_id'
            THEN (p.patch ->> 'transferred_at')::timestamptz ELSE k.transferred_at END,
        transfer_id = CASE WHEN p.patch ? 'transfer_id' THEN (p.patch ->> 'transfer_id')::uuid ELSE k.transfer_id END,
        merge_mark = CASE WHEN p.patch ? 'merge_mark' THEN p.patch ->> 'merge_mark' ELSE k.merge_mark END,
        merge_id = CASE WHEN p.patch ? 'merge_mark' THEN (p.patch ->> 'merge_id')::uuid ELSE k.merge_id END,
        merged_at = CASE WHEN p.patch ? 'merge_mark' THEN (p.patch ->> 'merged_at')::timestamptz ELSE k.merged_at END,
        merged_into = CASE WHEN p.patch ? 'merged_into' THEN (p.patch ->> 'merged_into')::uuid ELSE k.merged_into END,
        merged_via = CASE WHEN p.patch ? 'merged_via'
            THEN (SELECT array_agg(v::uuid) FROM jsonb_array_elements_text(nullif(p.patch -> 'merged_via', 'null')) AS v)
            ELSE k.merged_via END
    FROM (
        SELECT c.participant_id, c.card_id, jsonb_object_agg(part.key, part.value ORDER BY c.position) AS patch
        FROM unnest(p_changes) WITH ORDINALITY AS c (participant_id, card_id, cause_id, kind, ledger_kind, amount, effective_on,
            employer_id, month, year, received_for_kpj, transfer_id, source_event, patch, data, position),
            jsonb_each(c.patch) AS part (key, value)
        GROUP BY c.participant_id, c.card_id
    ) AS p
    WHERE k.participant_id = p.participant_id AND k.card_id = p.card_id;

    SELECT array_agg(
        ROW(k.participant_id, last.kind, k.card_id, last.merge_id, last.cause_id, last.data || jsonb_build_object(
            'kpj', k.kpj,
            'status_before', v_before -> k.card_id::text -> 0, 'status_after', k.status,
            'balance_before', v_before -> k.card_id::text -> 1, 'balance_after', k.balance
        ))::public.history_entry
        ORDER BY k.participant_id, k.kpj) INTO v_entries
    FROM (
        SELECT DISTINCT ON (c.participant_id, c.card_id) c.participant_id, c.card_id, c.cause_id, c.kind,
            cause.merge_id, coalesce(c.data, '{}') AS data
        FROM unnest(p_changes) WITH ORDINALITY AS c (participant_id, card_id, cause_id, kind, ledger_kind, amount, effective_on,
            employer_id, month, year, received_for_kpj, transfer_id, source_event, patch, data, position)
        JOIN public.causes AS cause ON cause.participant_id = c.participant_id AND cause.cause_id = c.cause_id
        ORDER BY c.participant_id, c.card_id, c.position DESC
    ) AS last
    JOIN public.cards AS k ON k.participant_id = last.participant_id AND k.card_id = last.card_id;

    PERFORM public.append_history(v_entries);
END
$$;

ALTER FUNCTION public.change_cards(p_changes public.card_change[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.change_contact(p_participant_id uuid, p_channel text, p_value bytea, p_since date, p_cause_id uuid, p_data jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_before public.participants;
BEGIN
    SELECT * INTO v_before FROM public.participants AS p WHERE p.participant_id = p_participant_id FOR UPDATE;
    IF p_channel = 'phone' THEN
        UPDATE public.participants AS p SET phone_sealed = p_value, phone_since = p_since WHERE p.participant_id = p_participant_id;
    ELSE
        UPDATE public.participants AS p SET email_sealed = p_value WHERE p.participant_id = p_participant_id;
    END IF;
    PERFORM public.notify_old_contact(p_participant_id, p_channel,
        CASE p_channel WHEN 'phone' THEN v_before.phone_sealed ELSE v_before.email_sealed END, p_cause_id);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'contact_changed', NULL, NULL, p_cause_id,
        jsonb_strip_nulls(jsonb_build_object('contact', p_channel) || p_data))::public.history_entry]);
END
$$;

ALTER FUNCTION public.change_contact(p_participant_id uuid, p_channel text, p_value bytea, p_since date, p_cause_id uuid, p_data jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.check_execution() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.merge_plans AS p
        CROSS JOIN LATERAL jsonb_to_recordset(convert_from(p.canonical, 'UTF8')::jsonb -> 'cards')
            AS c (kpj text, status_after text, balance_after bigint)
        LEFT JOIN public.cards AS k ON k.participant_id = p.participant_id AND k.kpj = c.kpj
        WHERE p.participant_id = new.participant_id AND p.merge_id = new.merge_id AND p.plan_digest = new.plan_digest
            AND (k.status, k.balance) IS DISTINCT FROM (c.status_after, c.balance_after)
    ) OR NOT EXISTS (
        SELECT FROM public.merges AS m WHERE m.participant_id = new.participant_id AND m.merge_id = new.merge_id
            AND m.state = CASE new.action WHEN 'accept' THEN 'accepted' WHEN 'merge' THEN 'executed' ELSE 'undone' END
            -- a merge that was taken back keeps the confirmation that it was executed by
            AND CASE new.action
                WHEN 'undo' THEN m.closed_because IS NULL
                WHEN 'reverse' THEN m.closed_because = 'core_refused' AND m.core = 'refused'
                ELSE m.confirmation_id = new.confirmation_id AND m.plan_digest = new.plan_digest END
    ) THEN
        PERFORM public.refuse('execution_equals_the_confirmed_plan', format('merge %s did not end as its plan says', new.merge_id));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.check_execution() OWNER TO sepakat_writer;

CREATE FUNCTION public.check_legs_sum_to_zero() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF (SELECT sum(e.amount) FROM public.ledger_entries AS e
        WHERE e.transfer_id = new.transfer_id AND (e.participant_id = new.participant_id OR e.participant_id = (
            SELECT t.other_participant_id FROM public.card_transfers AS t
            WHERE t.participant_id = new.participant_id AND t.transfer_id = new.transfer_id))) <> 0
    THEN
        PERFORM public.refuse('legs_sum_to_zero', format('the legs of %s do not sum to zero', new.transfer_id));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.check_legs_sum_to_zero() OWNER TO sepakat_owner;

CREATE FUNCTION public.check_purpose(p_kind text, p_purpose text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF p_kind IN ('dispute', 'match', 'unreached', 'correction', 'heir', 'balance', 'core_refusal')
        AND p_purpose IS DISTINCT FROM p_kind AND p_purpose IS DISTINCT FROM 'support'
    THEN
        PERFORM public.refuse('purpose_fits_the_case', format('a case of kind %s is not looked at for %s', p_kind, p_purpose));
    END IF;
END
$$;

ALTER FUNCTION public.check_purpose(p_kind text, p_purpose text) OWNER TO sepakat_writer;

CREATE FUNCTION public.check_transfer() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.card_transfers AS back
        WHERE back.participant_id = new.other_participant_id AND back.transfer_id = new.transfer_id
            AND back.direction <> new.direction AND back.card_id = new.other_card_id AND back.other_card_id = new.card_id
            AND back.other_participant_id = new.participant_id AND back.kpj = new.kpj
            AND back.amount IS NOT DISTINCT FROM new.amount
    ) OR NOT EXISTS (
        SELECT FROM public.cards AS k
        LEFT JOIN public.card_numbers AS n ON n.kpj = k.kpj AND n.participant_id = k.participant_id AND n.card_id = k.card_id
        WHERE k.participant_id = new.participant_id AND k.card_id = new.card_id AND k.kpj = new.kpj
            AND CASE new.direction
                WHEN 'out' THEN k.transfer_id = new.transfer_id AND n.kpj IS NULL
                ELSE k.transfer_id IS NULL AND n.kpj IS NOT NULL END
    ) OR (SELECT coalesce(sum(e.amount), 0) FROM public.ledger_entries AS e
        WHERE e.participant_id = new.participant_id AND e.transfer_id = new.transfer_id)
        <> (CASE new.direction WHEN 'out' THEN -1 ELSE 1 END) * coalesce(new.amount, 0)
    THEN
        PERFORM public.refuse('transfer_moves_the_whole_card', format('transfer %s did not move the whole card', new.transfer_id));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.check_transfer() OWNER TO sepakat_writer;

CREATE FUNCTION public.quiet_until(starts_at time without time zone, ends_at time without time zone, time_zone text, instant timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (starts_at < ends_at) THEN CASE WHEN ((((instant AT TIME ZONE time_zone))::time without time zone >= starts_at) AND (((instant AT TIME ZONE time_zone))::time without time zone < ends_at)) THEN ((((instant AT TIME ZONE time_zone))::date + ends_at) AT TIME ZONE time_zone) ELSE NULL::timestamp with time zone END WHEN (((instant AT TIME ZONE time_zone))::time without time zone >= starts_at) THEN (((((instant AT TIME ZONE time_zone))::date + 1) + ends_at) AT TIME ZONE time_zone) WHEN (((instant AT TIME ZONE time_zone))::time without time zone < ends_at) THEN ((((instant AT TIME ZONE time_zone))::date + ends_at) AT TIME ZONE time_zone) ELSE NULL::timestamp with time zone END;

ALTER FUNCTION public.quiet_until(starts_at time without time zone, ends_at time without time zone, time_zone text, instant timestamp with time zone) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.quiet_until(starts_at time without time zone, ends_at time without time zone, time_zone text, instant timestamp with time zone) IS 'When the quiet hours end that this instant lies in; NULL outside of them. The first minute is quiet, the last is not.';

CREATE TABLE public.acknowledgements (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    device_id uuid NOT NULL,
    acknowledged_at timestamp with time zone NOT NULL
);

ALTER TABLE public.acknowledgements OWNER TO sepakat_owner;

COMMENT ON COLUMN public.acknowledgements.device_id IS 'The key of the session that asked: of a device, or a passkey.';

CREATE TABLE public.inbox_pointers (
    participant_id uuid NOT NULL,
    read_up_to bigint NOT NULL
);

ALTER TABLE public.inbox_pointers OWNER TO sepakat_owner;

CREATE TABLE public.participants (
    participant_id uuid NOT NULL,
    name text NOT NULL,
    birth_date date NOT NULL,
    phone_since date,
    locale text DEFAULT 'id'::text NOT NULL,
    time_zone text DEFAULT 'Asia/Jakarta'::text NOT NULL,
    registered_at timestamp with time zone NOT NULL,
    deceased_on date,
    nik_sealed bytea NOT NULL,
    phone_sealed bytea,
    email_sealed bytea,
    CONSTRAINT participant_locale_is_known CHECK ((locale = ANY (ARRAY['id'::text, 'en'::text]))),
    CONSTRAINT participant_time_zone_is_indonesian CHECK ((time_zone = ANY (ARRAY['Asia/Jakarta'::text, 'Asia/Makassar'::text, 'Asia/Jayapura'::text])))
);

ALTER TABLE public.participants OWNER TO sepakat_owner;

COMMENT ON COLUMN public.participants.nik_sealed IS 'AES-256-GCM for this column and row (app/platform/sealing.py); so are phone and email.';

CREATE TABLE public.quiet_hours (
    participant_id uuid NOT NULL,
    starts_at time without time zone NOT NULL,
    ends_at time without time zone NOT NULL,
    CONSTRAINT quiet_hours_last CHECK ((starts_at <> ends_at))
);

ALTER TABLE public.quiet_hours OWNER TO sepakat_owner;

COMMENT ON TABLE public.quiet_hours IS 'Who has no row is never quiet. By the clock on the wall where the person lives; may pass midnight.';

CREATE TABLE public.switched_off (
    participant_id uuid NOT NULL,
    class text NOT NULL,
    channel text NOT NULL,
    CONSTRAINT channel_can_be_switched_off CHECK ((channel = ANY (ARRAY['push'::text, 'mail'::text, 'sms'::text]))),
    CONSTRAINT class_can_be_switched_off CHECK ((class = ANY (ARRAY['card'::text, 'notice'::text])))
);

ALTER TABLE public.switched_off OWNER TO sepakat_owner;

COMMENT ON TABLE public.switched_off IS 'What has no row is on. Kinds that are mandatory do not look here.';

CREATE FUNCTION public.choice_about(p_participant_id uuid, p_seq bigint, p_class text, p_mandatory boolean, p_now timestamp with time zone) RETURNS TABLE(hushed boolean, rests boolean)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ((( SELECT true
            FROM public.acknowledgements a
           WHERE ((a.participant_id = choice_about.p_participant_id) AND (a.seq = choice_about.p_seq))) IS TRUE) OR ((NOT p_mandatory) AND ((( SELECT true
            FROM public.switched_off s
           WHERE ((s.participant_id = choice_about.p_participant_id) AND (s.class = choice_about.p_class) AND (s.channel = 'push'::text))) IS TRUE) OR (( SELECT (i.read_up_to >= choice_about.p_seq)
            FROM public.inbox_pointers i
           WHERE (i.participant_id = choice_about.p_participant_id)) IS TRUE)))),
     ((NOT p_mandatory) AND (( SELECT public.quiet_until(q.starts_at, q.ends_at, p.time_zone, choice_about.p_now) AS quiet_until
            FROM (public.quiet_hours q
              JOIN public.participants p ON ((p.participant_id = q.participant_id)))
           WHERE (q.participant_id = choice_about.p_participant_id)) IS NOT NULL));
END;

ALTER FUNCTION public.choice_about(p_participant_id uuid, p_seq bigint, p_class text, p_mandatory boolean, p_now timestamp with time zone) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.choice_about(p_participant_id uuid, p_seq bigint, p_class text, p_mandatory boolean, p_now timestamp with time zone) IS 'Whether an entry needs no push (hushed), and whether its push waits for the end of the quiet hours (rests).';

CREATE TABLE public.entry_kinds (
    kind text NOT NULL,
    reach text NOT NULL,
    class text NOT NULL,
    severity text NOT NULL,
    written_by text NOT NULL,
    wording text NOT NULL,
    mandatory boolean DEFAULT true NOT NULL,
    CONSTRAINT entry_class_is_known CHECK ((class = ANY (ARRAY['card'::text, 'security'::text, 'notice'::text]))),
    CONSTRAINT reach_is_known CHECK ((reach = ANY (ARRAY['silent'::text, 'inbox'::text, 'push'::text, 'ladder'::text]))),
    CONSTRAINT severity_is_known CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CONSTRAINT written_by_is_known CHECK ((written_by = ANY (ARRAY['change'::text, 'note'::text])))
);

ALTER TABLE public.entry_kinds OWNER TO sepakat_owner;

COMMENT ON COLUMN public.entry_kinds.written_by IS 'change: only together with the change itself; note: by add_note as well.';

COMMENT ON COLUMN public.entry_kinds.wording IS 'The wording version that new entries of this kind are shown with; stored with each entry.';

COMMENT ON COLUMN public.entry_kinds.mandatory IS 'Nobody can switch it off or have it wait: security, merges, and books that differ, which hold up every merge.';

CREATE TABLE public.history (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    kind text NOT NULL,
    card_id uuid,
    merge_id uuid,
    cause_id uuid NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    wording text NOT NULL,
    commitment bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT history_starts_at_one CHECK ((seq >= 1))
);

ALTER TABLE public.history OWNER TO sepakat_owner;

CREATE FUNCTION public.choice_about_climb(p_participant_id uuid, p_seqs bigint[], p_channel text, p_now timestamp with time zone) RETURNS TABLE(switched_off boolean, rests boolean)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ((EXISTS ( SELECT
            FROM public.switched_off o
           WHERE ((o.participant_id = choice_about_climb.p_participant_id) AND (o.channel = choice_about_climb.p_channel)))) AND (NOT (EXISTS ( SELECT
            FROM (public.history e
              JOIN public.entry_kinds k ON ((k.kind = e.kind)))
           WHERE ((e.participant_id = choice_about_climb.p_participant_id) AND (e.seq = ANY (choice_about_climb.p_seqs)) AND (k.mandatory OR (NOT (EXISTS ( SELECT
                    FROM public.switched_off o
                   WHERE ((o.participant_id = choice_about_climb.p_participant_id) AND (o.class = k.class) AND (o.channel = choice_about_climb.p_channel))))))))))),
     ((EXISTS ( SELECT
            FROM (public.quiet_hours q
              JOIN public.participants p ON ((p.participant_id = q.participant_id)))
           WHERE ((q.participant_id = choice_about_climb.p_participant_id) AND (public.quiet_until(q.starts_at, q.ends_at, p.time_zone, choice_about_climb.p_now) IS NOT NULL)))) AND (NOT (EXISTS ( SELECT
            FROM (public.history e
              JOIN public.entry_kinds k ON ((k.kind = e.kind)))
           WHERE ((e.participant_id = choice_about_climb.p_participant_id) AND (e.seq = ANY (choice_about_climb.p_seqs)) AND k.mandatory)))));
END;

ALTER FUNCTION public.choice_about_climb(p_participant_id uuid, p_seqs bigint[], p_channel text, p_now timestamp with time zone) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.choice_about_climb(p_participant_id uuid, p_seqs bigint[], p_channel text, p_now timestamp with time zone) IS 'Whether no entry of a climb may be told on this channel, and whether all of them wait for the end of the quiet hours.';

CREATE FUNCTION public.choose_consent(p_participant_id uuid, p_purpose text, p_choice text, p_wording text, p_actor text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.choose_consent(p_participant_id uuid, p_purpose text, p_choice text, p_wording text, p_actor text) OWNER TO sepakat_writer;

CREATE FUNCTION public.claim_clearing(p_wanted integer, p_mismatched integer, p_sent integer) RETURNS TABLE(allowed integer, left_s double precision, alarming boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.claim_clearing(p_wanted integer, p_mismatched integer, p_sent integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.claim_match(p_participant_id uuid, p_match_id uuid, p_case_id uuid, p_actor text, p_documents uuid[]) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_match public.possible_matches;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_due_at timestamptz := public.current_instant() + interval '72 hours';
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.possible_matches AS m
        WHERE m.participant_id = p_participant_id AND m.match_id = p_match_id AND m.state = 'suggested')
    THEN
        PERFORM public.refuse('match_is_suggested', 'only a suggested match can be answered');
    END IF;
    IF coalesce(cardinality(p_documents), 0) = 0 OR EXISTS (
        SELECT FROM unnest(p_documents) AS given (document_id)
        LEFT JOIN public.documents AS d ON d.participant_id = p_participant_id AND d.document_id = given.document_id
            AND d.about = 'match' AND d.subject_id = p_match_id
        WHERE d.stored_at IS NULL)
    THEN
        PERFORM public.refuse('claim_has_its_documents', 'a claim names documents that were received about this match');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor);
    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases (participant_id, case_id, kind, match_id, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'match', p_match_id, v_now, v_due_at, 'open', v_cause_id, pg_current_xact_id());
    UPDATE public.possible_matches AS m SET state = 'claimed', case_id = p_case_id, cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.match_id = p_match_id
    RETURNING * INTO v_match;
    PERFORM public.tell_of_match(v_match, 'possible_match_claimed',
        jsonb_build_object('due_at', v_due_at, 'documents', cardinality(p_documents)));
    RETURN v_due_at;
END
$$;

ALTER FUNCTION public.claim_match(p_participant_id uuid, p_match_id uuid, p_case_id uuid, p_actor text, p_documents uuid[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.climb_without_a_phone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    UPDATE public.climbs AS c SET due_at = public.current_instant()
    WHERE c.participant_id = new.participant_id AND c.state = 'waiting' AND c.step = 1 AND c.due_at > public.current_instant()
        AND NOT public.has_living_push_target(new.participant_id);
    RETURN NULL;
END
$$;

ALTER FUNCTION public.climb_without_a_phone() OWNER TO sepakat_writer;

CREATE FUNCTION public.count_stoppable_merges(p_participant_id uuid) RETURNS bigint
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT count(*) FROM public.merges AS m
    WHERE m.participant_id = p_participant_id
        AND (m.state IN ('proposed', 'confirmed') OR (m.state IN ('reported', 'disputed') AND m.confirmation_id IS NOT NULL))
$$;

ALTER FUNCTION public.count_stoppable_merges(p_participant_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.current_instant() RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT now() + ahead FROM local_clock $$;

ALTER FUNCTION public.current_instant() OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.current_instant() IS 'What time it is for participants: the start of this transaction, on the one clock.';

CREATE FUNCTION public.decide_balance(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases;
    v_told public.balance_comparisons;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id FOR UPDATE;
    IF v_case.state IS DISTINCT FROM 'open' OR v_case.kind <> 'balance' OR p_decision IS NULL
        OR p_decision NOT IN ('ours', 'theirs_corrected')
    THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    SELECT * INTO v_told FROM public.balance_comparisons AS b
    WHERE b.participant_id = p_participant_id AND b.card_id = v_case.card_id;
    IF p_decision = 'theirs_corrected' AND v_told.theirs IS DISTINCT FROM (
        SELECT coalesce(sum(l.amount), 0) FROM public.ledger_entries AS l
        WHERE l.participant_id = p_participant_id AND l.card_id = v_case.card_id AND l.effective_on <= v_told.as_of)
    THEN
        PERFORM public.refuse('comparison_agrees', 'the core''s figure is not ours yet: the events that make it so are missing');
    END IF;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id
    RETURNING * INTO v_case;
    PERFORM public.tell_of_balance(v_case, 'balance_case_decided', p_cause_id, jsonb_build_object(
        'decision', p_decision, 'reason', p_reason, 'theirs', v_told.theirs, 'as_of', v_told.as_of));
END
$$;

ALTER FUNCTION public.decide_balance(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) OWNER TO sepakat_writer;

CREATE FUNCTION public.decide_case(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases;
    v_merge public.merges;
    v_changes public.card_change[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id FOR UPDATE;
    IF v_case.state IS DISTINCT FROM 'open' OR v_case.kind <> 'dispute' OR p_decision IS NULL
        OR p_decision NOT IN ('restored', 'accepted')
    THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = v_case.merge_id FOR UPDATE;

    SELECT array_agg(ROW(p_participant_id, k.card_id, p_cause_id,
        CASE WHEN p_decision = 'restored' THEN 'card_restored' ELSE 'card_released_from_dispute' END,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        CASE WHEN k.card_id IN (SELECT public.frozen_by_dispute(p_participant_id, v_case.merge_id))
            THEN '{"frozen_at": null}'::jsonb ELSE '{}' END
        || CASE WHEN p_decision = 'restored' AND k.merge_id = v_case.merge_id
            THEN '{"merge_mark": null, "merge_id": null, "merged_into": null, "merged_at": null, "merged_via": null}'::jsonb
            ELSE '{}' END,
        jsonb_build_object('into', survivor.kpj))::public.card_change ORDER BY k.kpj) INTO v_changes
    FROM public.cards AS k
    JOIN public.cards AS survivor ON survivor.participant_id = k.participant_id AND survivor.card_id = v_merge.into_card
    WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card)
        AND (k.card_id IN (SELECT public.frozen_by_dispute(p_participant_id, v_case.merge_id))
            OR (p_decision = 'restored' AND k.merge_id = v_case.merge_id));
    -- what the core merged into the absorbed card, and this merge led on, leads to that card again
    SELECT coalesce(v_changes, '{}') || array_agg(ROW(p_participant_id, k.card_id, p_cause_id, 'card_forwarded_back',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        jsonb_build_object('merged_into', former.into_card, 'merged_via', to_jsonb(trim_array(k.merged_via, 1))),
        jsonb_build_object('into', f.kpj))::public.card_change ORDER BY k.kpj) INTO v_changes
    FROM public.cards AS k
    JOIN public.merges AS former
        ON former.participant_id = k.participant_id AND former.merge_id = k.merged_via[cardinality(k.merged_via) - 1]
    JOIN public.cards AS f ON f.participant_id = k.participant_id AND f.card_id = former.into_card
    WHERE k.participant_id = p_participant_id AND p_decision = 'restored' AND k.merge_mark = 'merged_without_consent'
        AND k.merge_id <> v_case.merge_id AND k.merged_via[cardinality(k.merged_via)] = v_case.merge_id;
    PERFORM public.change_cards(coalesce(v_changes, '{}'));

    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id;
    UPDATE public.merges AS m SET state = CASE WHEN p_decision = 'restored' THEN 'restored' ELSE 'reported' END,
        closed_at = CASE WHEN p_decision = 'restored' THEN public.current_instant() END,
        confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL, last_refusal = NULL, cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = v_case.merge_id;
    PERFORM public.hold_reported_cards(p_participant_id);
END
$$;

ALTER FUNCTION public.decide_case(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) OWNER TO sepakat_writer;

CREATE FUNCTION public.decide_correction(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id AND c.kind = 'correction' AND c.state = 'open'
        AND p_decision IN ('corrected', 'refused');
    IF NOT FOUND THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'correction_decided', NULL, NULL, p_cause_id, jsonb_build_object(
        'case_id', p_case_id, 'decision', p_decision, 'reason', p_reason,
        'field', (SELECT r.field FROM public.corrections AS r
            WHERE r.participant_id = p_participant_id AND r.case_id = p_case_id)))::public.history_entry]);
END
$$;

ALTER FUNCTION public.decide_correction(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) OWNER TO sepakat_writer;

CREATE FUNCTION public.decide_heir_case(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text, p_papers jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_claim public.heir_claims;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF p_decision = 'heir_recognised' AND coalesce(jsonb_array_length(p_papers), 0) = 0 THEN
        PERFORM public.refuse('heir_is_recognised_by_papers', 'an heir is recognised by papers that were taken in');
    END IF;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id AND c.kind = 'heir' AND c.state = 'open'
        AND p_decision IN ('heir_recognised', 'heir_refused');
    IF NOT FOUND THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    UPDATE public.heir_claims AS h SET papers = p_papers
    WHERE h.participant_id = p_participant_id AND h.case_id = p_case_id
    RETURNING * INTO v_claim;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, p_decision, NULL, NULL, p_cause_id, jsonb_build_object(
        'case_id', p_case_id, 'relation', v_claim.relation, 'papers', coalesce(jsonb_array_length(p_papers), 0)
    ))::public.history_entry]);
END
$$;

ALTER FUNCTION public.decide_heir_case(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text, p_papers jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.decide_match(p_participant_id uuid, p_case_id uuid, p_transfer_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text, p_event_id text, p_occurred_at timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases;
    v_match public.possible_matches;
    v_cause_id uuid;
BEGIN
    SELECT m.* INTO v_match FROM public.cases AS c
    JOIN public.possible_matches AS m ON m.participant_id = c.participant_id AND m.match_id = c.match_id
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id;
    PERFORM FROM public.participant_heads AS h
    WHERE h.participant_id IN (p_participant_id, v_match.other_participant_id)
    ORDER BY h.participant_id FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id FOR UPDATE;
    IF v_case.state IS DISTINCT FROM 'open' OR v_case.kind <> 'match' OR p_decision IS NULL
        OR p_decision NOT IN ('linked', 'refused')
    THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;

    v_cause_id := public.record_cause(p_participant_id, 'agency', p_staff, p_reason,
        p_event_id => p_event_id, p_occurred_at => p_occurred_at);
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = v_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id
    RETURNING * INTO v_case;
    UPDATE public.possible_matches AS m SET state = p_decision, closed_at = public.current_instant(), cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.match_id = v_case.match_id
    RETURNING * INTO v_match;
    IF p_decision = 'refused' THEN
        PERFORM public.tell_of_match(v_match, 'possible_match_refused', '{}');
        RETURN NULL;
    END IF;
    PERFORM public.transfer_card(v_match, p_transfer_id, v_case);
    RETURN v_match.other_participant_id;
END
$$;

ALTER FUNCTION public.decide_match(p_participant_id uuid, p_case_id uuid, p_transfer_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text, p_event_id text, p_occurred_at timestamp with time zone) OWNER TO sepakat_writer;

CREATE FUNCTION public.decide_refusal(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases;
    v_merge public.merges;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id FOR UPDATE;
    IF v_case.state IS DISTINCT FROM 'open' OR v_case.kind <> 'core_refusal' OR p_decision IS NULL
        OR p_decision NOT IN ('acknowledged', 'reversed', 'settled')
    THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    IF p_decision = 'reversed' AND NOT EXISTS (
        SELECT FROM public.merge_executions AS e WHERE e.participant_id = p_participant_id AND e.merge_id = v_case.merge_id
            AND e.action = 'reverse' AND e.xact = pg_current_xact_id())
    THEN
        PERFORM public.refuse('merge_can_be_reversed', 'decided as reversed is only what is reversed in the same transaction');
    END IF;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id;
    UPDATE public.merges AS m
    SET core = CASE p_decision WHEN 'acknowledged' THEN 'acknowledged' ELSE m.core END, cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = v_case.merge_id
    RETURNING * INTO v_merge;
    -- what was reversed is told by the step of the merge
    IF p_decision <> 'reversed' THEN
        PERFORM public.tell_of_core_answer(v_merge, 'merge_refusal_decided', p_cause_id,
            jsonb_build_object('case_id', p_case_id, 'decision', p_decision, 'state', v_merge.state));
    END IF;
END
$$;

ALTER FUNCTION public.decide_refusal(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) OWNER TO sepakat_writer;

CREATE FUNCTION public.decide_unreached(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = p_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id AND c.kind = 'unreached' AND c.state = 'open'
        AND p_decision IN ('reached', 'not_reached');
    IF NOT FOUND THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'unreached_case_decided', NULL, NULL, p_cause_id, jsonb_build_object(
        'case_id', p_case_id, 'decision', p_decision, 'reason', p_reason))::public.history_entry]);
END
$$;

ALTER FUNCTION public.decide_unreached(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) OWNER TO sepakat_writer;

CREATE FUNCTION public.delay_confirmed_merges(p_participant_id uuid, p_keys uuid[], p_until timestamp with time zone, p_cause_id uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.merges AS m SET executes_at = p_until, cause_id = p_cause_id
    FROM public.confirmations AS c
    WHERE m.participant_id = p_participant_id AND m.state IN ('confirmed', 'reported', 'disputed') AND m.executes_at < p_until
        AND c.participant_id = m.participant_id AND c.confirmation_id = m.confirmation_id
        AND coalesce(c.device_id, c.passkey_id) = ANY (p_keys)
$$;

ALTER FUNCTION public.delay_confirmed_merges(p_participant_id uuid, p_keys uuid[], p_until timestamp with time zone, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.disown_match(p_participant_id uuid, p_match_id uuid, p_actor text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_match public.possible_matches;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.possible_matches AS m SET state = 'not_mine', closed_at = public.current_instant(),
        cause_id = public.record_cause(p_participant_id, 'participant', p_actor)
    WHERE m.participant_id = p_participant_id AND m.match_id = p_match_id AND m.state = 'suggested'
    RETURNING * INTO v_match;
    IF v_match.match_id IS NULL THEN
        PERFORM public.refuse('match_is_suggested', 'only a suggested match can be answered');
    END IF;
    PERFORM public.tell_of_match(v_match, 'possible_match_not_mine', '{}');
END
$$;

ALTER FUNCTION public.disown_match(p_participant_id uuid, p_match_id uuid, p_actor text) OWNER TO sepakat_writer;

CREATE FUNCTION public.dispute_balance(p_participant_id uuid, p_card_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases;
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (
        SELECT FROM public.balance_comparisons AS b
        WHERE b.participant_id = p_participant_id AND b.card_id = p_card_id AND b.outcome = 'differs')
    THEN
        PERFORM public.refuse('comparison_differs', 'a case is about a balance that was compared and differs');
    END IF;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.card_id = p_card_id AND c.state = 'open';
    IF v_case.case_id IS NULL THEN
        INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
        INSERT INTO public.cases
            (participant_id, case_id, kind, card_id, figures, opened_at, due_at, state, cause_id, xact)
        VALUES (p_participant_id, p_case_id, 'balance', p_card_id, p_figures, v_now, v_now + interval '72 hours', 'open',
            p_cause_id, pg_current_xact_id())
        RETURNING * INTO v_case;
    END IF;
    PERFORM public.tell_of_balance(v_case, 'balance_differs', p_cause_id, p_figures || jsonb_build_object(
        'suspected_absorbed', p_figures #> '{suspected_merge,absorbed}', 'suspected_into', p_figures #> '{suspected_merge,into}'));
END
$$;

ALTER FUNCTION public.dispute_balance(p_participant_id uuid, p_card_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.dispute_merge(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_actor text, p_statement text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_changes public.card_change[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF v_merge.state IS DISTINCT FROM 'reported' THEN
        PERFORM public.refuse('merge_is_reported', 'only a merge that the core reported can be disputed');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor, p_statement, p_merge_id);

    SELECT array_agg(ROW(p_participant_id, k.card_id, v_cause_id, 'card_frozen_in_dispute', NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, jsonb_build_object('frozen_at', v_now), NULL)::public.card_change ORDER BY k.kpj) INTO v_changes
    FROM public.cards AS k
    WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card) AND k.frozen_at IS NULL;
    PERFORM public.change_cards(coalesce(v_changes, '{}'));

    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases
        (participant_id, case_id, kind, merge_id, statement, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'dispute', p_merge_id, p_statement, v_now, v_now + interval '72 hours', 'open',
        v_cause_id, pg_current_xact_id());
    UPDATE public.merges AS m SET state = 'disputed', confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL,
        last_refusal = NULL, cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

ALTER FUNCTION public.dispute_merge(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_actor text, p_statement text) OWNER TO sepakat_writer;

CREATE TABLE public.announcements (
    announcement_id uuid NOT NULL,
    event_id text NOT NULL,
    severity text NOT NULL,
    audience jsonb NOT NULL,
    canonical bytea NOT NULL,
    text_sha256 text GENERATED ALWAYS AS (encode(sha256(canonical), 'hex'::text)) STORED NOT NULL,
    explains_kinds text[] NOT NULL,
    explains_from date,
    explains_until date,
    explains_events text[] NOT NULL,
    explains_merges uuid[] NOT NULL,
    replaces uuid,
    staff text,
    second_staff text,
    published_at timestamp with time zone NOT NULL,
    CONSTRAINT announcement_does_not_replace_itself CHECK ((replaces <> announcement_id)),
    CONSTRAINT announcement_severity_is_known CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CONSTRAINT kinds_are_explained_for_some_days CHECK ((((explains_kinds = '{}'::text[]) = (num_nulls(explains_from, explains_until) = 2)) AND (explains_from <= explains_until))),
    CONSTRAINT ladder_takes_two_people CHECK (((severity <> 'critical'::text) OR ((staff <> second_staff) IS TRUE)))
);

ALTER TABLE public.announcements OWNER TO sepakat_owner;

COMMENT ON COLUMN public.announcements.audience IS '{all: true}, {employer_id}, {segment}, or {niks: how many, unknown: how many of them}; who they are stands in announced.';

COMMENT ON COLUMN public.announcements.canonical IS 'The RFC 8785 form of {title: {id, en}, body: {id, en}}: what the digest in every entry is of.';

CREATE FUNCTION public.earlier_announcements(p_announcement_id uuid) RETURNS TABLE(announcement_id uuid, steps integer)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH RECURSIVE earlier(id, steps) AS (
          SELECT a.replaces,
             1 AS "?column?"
            FROM public.announcements a
           WHERE (a.announcement_id = earlier_announcements.p_announcement_id)
         UNION ALL
          SELECT a.replaces,
             (e_1.steps + 1)
            FROM (earlier e_1
              JOIN public.announcements a ON ((a.announcement_id = e_1.id)))
         )
  SELECT e.id,
     e.steps
    FROM earlier e
   WHERE (e.id IS NOT NULL);
END;

ALTER FUNCTION public.earlier_announcements(p_announcement_id uuid) OWNER TO sepakat_owner;

CREATE FUNCTION public.end_climb() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.end_climb() OWNER TO sepakat_writer;

CREATE FUNCTION public.end_rest() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.quiet_hours AS q WHERE q.participant_id = old.participant_id FOR UPDATE;
    UPDATE public.outbox AS o SET rests_until = least(o.rests_until, public.current_instant())
    WHERE o.lane = public.lane_of(old.participant_id) AND o.class = 2 AND o.participant_id = old.participant_id;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.end_rest() OWNER TO sepakat_writer;

CREATE FUNCTION public.enter_by_credential(p_credential_id bytea) RETURNS uuid
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT set_config('app.participant_id',
        (SELECT o.participant_id::text FROM public.passkey_owners AS o WHERE o.credential_id = p_credential_id), true);
    SELECT o.participant_id FROM public.passkey_owners AS o WHERE o.credential_id = p_credential_id
$$;

ALTER FUNCTION public.enter_by_credential(p_credential_id bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.enter_by_device(p_device_id uuid) RETURNS TABLE(participant_id uuid, public_key jsonb)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT set_config('app.participant_id',
        (SELECT o.participant_id::text FROM public.device_owners AS o WHERE o.device_id = p_device_id), true);
    SELECT d.participant_id, d.public_key
    FROM public.device_owners AS o
    JOIN public.devices AS d ON d.participant_id = o.participant_id AND d.device_id = o.device_id
    WHERE o.device_id = p_device_id AND d.removed_at IS NULL
$$;

ALTER FUNCTION public.enter_by_device(p_device_id uuid) OWNER TO sepakat_writer;

CREATE TABLE public.enrolments (
    enrolment_id uuid NOT NULL,
    participant_id uuid,
    device_id uuid NOT NULL,
    device_name text NOT NULL,
    platform text NOT NULL,
    public_key jsonb NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    verified_at timestamp with time zone,
    code_sent_at timestamp with time zone,
    code_attempts integer DEFAULT 0 NOT NULL,
    code_not_before timestamp with time zone,
    code_from timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    code_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone NOT NULL,
    asks_phone boolean DEFAULT false NOT NULL,
    phone_asked_at timestamp with time zone,
    refused_at timestamp with time zone
);

ALTER TABLE public.enrolments OWNER TO sepakat_owner;

COMMENT ON COLUMN public.enrolments.participant_id IS 'NULL for somebody who is not known: the answer is the same, no code goes out.';

COMMENT ON COLUMN public.enrolments.code_not_before IS 'Real time, not the local clock: the lease of a worker that sends the code now, or a retry; infinity when it was rejected.';

COMMENT ON COLUMN public.enrolments.code_from IS 'The code by SMS goes out then, and is good until code_until: what was asked of a living phone had its time.';

COMMENT ON COLUMN public.enrolments.asks_phone IS 'Whether, when it was asked for, there was a living key on no hold, which can approve or refuse it.';

COMMENT ON COLUMN public.enrolments.refused_at IS 'A living phone said no: no code, no approval. A branch code still works, for staff saw the person.';

CREATE FUNCTION public.enter_by_enrolment(p_enrolment_id uuid, p_most_tries integer, p_now timestamp with time zone) RETURNS SETOF public.enrolments
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT set_config('app.participant_id',
        (SELECT e.participant_id::text FROM public.enrolments AS e WHERE e.enrolment_id = p_enrolment_id), true);
    UPDATE public.enrolments AS e SET tries = e.tries + 1
    WHERE e.enrolment_id = p_enrolment_id AND e.tries < p_most_tries AND e.verified_at IS NULL AND e.expires_at > p_now
    RETURNING e.*
$$;

ALTER FUNCTION public.enter_by_enrolment(p_enrolment_id uuid, p_most_tries integer, p_now timestamp with time zone) OWNER TO sepakat_writer;

CREATE FUNCTION public.enter_by_number(p_nik_hash bytea) RETURNS TABLE(participant_id uuid, lane smallint)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT set_config('app.participant_id',
        (SELECT n.participant_id::text FROM public.participant_numbers AS n WHERE n.nik_hash = p_nik_hash), true);
    SELECT n.participant_id, public.lane_of(n.participant_id) FROM public.participant_numbers AS n
    WHERE n.nik_hash = p_nik_hash
$$;

ALTER FUNCTION public.enter_by_number(p_nik_hash bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.enter_by_stop_link(p_token_hash bytea) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT set_config('app.participant_id', t.participant_id::text, true) IS NOT NULL
    FROM public.stop_tokens AS t WHERE t.token_hash = p_token_hash AND t.expires_at > public.current_instant()
$$;

ALTER FUNCTION public.enter_by_stop_link(p_token_hash bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.lane_of(participant_id uuid) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((((uuid_hash(participant_id))::bigint + '2147483648'::bigint) >> 26))::smallint;

ALTER FUNCTION public.lane_of(participant_id uuid) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.lane_of(participant_id uuid) IS 'The lane (0..63): the top six bits of the hash that Citus shards by, so that a lane lies in one shard.';

CREATE FUNCTION public.thumbprint_of_key(p_public_key jsonb) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT encode(substr(sha256('\x3059301306072a8648ce3d020106082a8648ce3d03010703420004'::bytea
        || public.base64url_to_bytes(p_public_key ->> 'x') || public.base64url_to_bytes(p_public_key ->> 'y')), 1, 16), 'hex')::uuid
$$;

ALTER FUNCTION public.thumbprint_of_key(p_public_key jsonb) OWNER TO sepakat_owner;

CREATE TABLE public.devices (
    participant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    name text NOT NULL,
    platform text NOT NULL,
    public_key jsonb NOT NULL,
    added_at timestamp with time zone NOT NULL,
    vouched_by uuid,
    hold_until timestamp with time zone,
    removed_at timestamp with time zone,
    cause_id uuid NOT NULL,
    seal bytea,
    CONSTRAINT platform_is_known CHECK ((platform = ANY (ARRAY['android'::text, 'ios'::text, 'web'::text]))),
    CONSTRAINT seal_of_phone_has_32_bytes CHECK ((length(seal) = 32))
);

ALTER TABLE public.devices OWNER TO sepakat_owner;

COMMENT ON COLUMN public.devices.vouched_by IS 'The device that approved this key, or the branch code that staff handed out; NULL for a key that came by SMS alone.';

COMMENT ON COLUMN public.devices.hold_until IS 'This key confirms nothing before; NULL when an older key vouched or it is the first on a settled phone.';

COMMENT ON COLUMN public.devices.seal IS 'Over owner, id and key (app/identity/key_seal.py). NULL, or another: this key signs in, and proves nothing.';

CREATE TABLE public.passkeys (
    participant_id uuid NOT NULL,
    passkey_id uuid NOT NULL,
    name text NOT NULL,
    credential_id bytea NOT NULL,
    public_key jsonb NOT NULL,
    transports text[] NOT NULL,
    synced boolean NOT NULL,
    sign_count bigint NOT NULL,
    added_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    vouched_by uuid NOT NULL,
    nonce bytea NOT NULL,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    hold_until timestamp with time zone,
    removed_at timestamp with time zone,
    cause_id uuid NOT NULL,
    seal bytea,
    CONSTRAINT credential_id_has_a_length CHECK (((length(credential_id) >= 1) AND (length(credential_id) <= 1023))),
    CONSTRAINT passkey_id_is_of_its_key CHECK ((passkey_id = public.thumbprint_of_key(public_key))),
    CONSTRAINT seal_of_passkey_has_32_bytes CHECK ((length(seal) = 32)),
    CONSTRAINT sign_count_is_a_count CHECK ((sign_count >= 0))
);

ALTER TABLE public.passkeys OWNER TO sepakat_owner;

COMMENT ON COLUMN public.passkeys.synced IS 'Whether a provider keeps a copy, as the authenticator said last.';

COMMENT ON COLUMN public.passkeys.vouched_by IS 'The key, of a device or another passkey, that signed `statement` to add this one; `proof` is its proof.';

COMMENT ON COLUMN public.passkeys.hold_until IS 'This key confirms nothing before; NULL when the key that vouched for it was free.';

COMMENT ON COLUMN public.passkeys.seal IS 'Over owner, id and key (app/identity/key_seal.py). NULL, or another: this key proves nothing, and signs nobody in.';

CREATE VIEW public.keys WITH (security_invoker='true') AS
 SELECT d.participant_id,
    d.device_id AS key_id,
    d.device_id,
    NULL::uuid AS passkey_id,
    d.name,
    d.platform,
    d.public_key,
    d.added_at,
    d.vouched_by,
    d.hold_until,
    d.removed_at
   FROM public.devices d
UNION ALL
 SELECT p.participant_id,
    p.passkey_id AS key_id,
    NULL::uuid AS device_id,
    p.passkey_id,
    p.name,
    'passkey'::text AS platform,
    p.public_key,
    p.added_at,
    p.vouched_by,
    p.hold_until,
    p.removed_at
   FROM public.passkeys p;

ALTER VIEW public.keys OWNER TO sepakat_owner;

CREATE TABLE public.sessions (
    participant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    device_id uuid,
    generation integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone NOT NULL,
    refreshed_at timestamp with time zone NOT NULL,
    refresh_expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_because text,
    passkey_id uuid,
    CONSTRAINT session_has_one_key CHECK ((num_nonnulls(device_id, passkey_id) = 1))
);

ALTER TABLE public.sessions OWNER TO sepakat_owner;

COMMENT ON COLUMN public.sessions.generation IS 'The refresh token of this generation is the newest; tokens are derived from it, never stored.';

COMMENT ON COLUMN public.sessions.refresh_expires_at IS 'Without a refresh the session is over then; a refresh moves it, never past the absolute limit counted from started_at.';

CREATE FUNCTION public.enter_refresh(p_participant_id uuid, p_session_id uuid) RETURNS TABLE(device_id uuid, passkey_id uuid, public_key jsonb, lane smallint)
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT set_config('app.participant_id'::text, (p_participant_id)::text, true) AS set_config;
 SELECT s.device_id,
     s.passkey_id,
     k.public_key,
     public.lane_of(s.participant_id) AS lane_of
    FROM (public.sessions s
      JOIN public.keys k ON (((k.participant_id = s.participant_id) AND (k.key_id = COALESCE(s.device_id, s.passkey_id)))))
   WHERE ((s.participant_id = enter_refresh.p_participant_id) AND (s.session_id = enter_refresh.p_session_id) AND (s.ended_at IS NULL) AND (s.refresh_expires_at > public.current_instant()) AND (k.removed_at IS NULL));
END;

ALTER FUNCTION public.enter_refresh(p_participant_id uuid, p_session_id uuid) OWNER TO sepakat_owner;

CREATE FUNCTION public.enter_session(p_participant_id uuid, p_session_id uuid) RETURNS TABLE(device_id uuid, passkey_id uuid, locale text, lane smallint, now timestamp with time zone)
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT set_config('app.participant_id'::text, (p_participant_id)::text, true) AS set_config;
 SELECT s.device_id,
     s.passkey_id,
     p.locale,
     public.lane_of(s.participant_id) AS lane_of,
     public.current_instant() AS current_instant
    FROM (((public.sessions s
      JOIN public.participants p ON ((p.participant_id = s.participant_id)))
      LEFT JOIN public.devices d ON (((d.participant_id = s.participant_id) AND (d.device_id = s.device_id))))
      LEFT JOIN public.passkeys k ON (((k.participant_id = s.participant_id) AND (k.passkey_id = s.passkey_id))))
   WHERE ((s.participant_id = enter_session.p_participant_id) AND (s.session_id = enter_session.p_session_id) AND (s.ended_at IS NULL) AND (s.refresh_expires_at > public.current_instant()) AND (d.removed_at IS NULL) AND (k.removed_at IS NULL));
END;

ALTER FUNCTION public.enter_session(p_participant_id uuid, p_session_id uuid) OWNER TO sepakat_owner;

CREATE FUNCTION public.entered_participant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('app.participant_id'::text, true), ''::text))::uuid;

ALTER FUNCTION public.entered_participant() OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.entered_participant() IS 'Whose transaction this is, or NULL: set by the enter_… functions, and gone when the transaction ends.';

CREATE FUNCTION public.entries_since_merge(p_participant_id uuid, p_merge_id uuid) RETURNS TABLE(entry_id uuid, kind text, amount bigint, effective_on date, employer_id text, month date, received_for_kpj text)
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    WITH execution AS (
        SELECT m.into_card, told.seq
        FROM public.merges AS m
        JOIN public.history AS told
            ON told.participant_id = m.participant_id AND told.merge_id = m.merge_id AND told.kind = 'merge_executed'
        WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
    ), posted AS (
        SELECT l.entry_id, l.amount
        FROM execution
        JOIN public.ledger_entries AS l ON l.participant_id = p_participant_id AND l.card_id = execution.into_card
        JOIN public.history AS told
            ON told.participant_id = l.participant_id AND told.cause_id = l.cause_id AND told.card_id = l.card_id
        WHERE l.transfer_id = p_merge_id OR (told.seq > execution.seq AND l.kind NOT IN ('merge_out', 'undo_in', 'undo_out'))
    ), moved AS (
        SELECT s.entry_id, CASE WHEN s.to_card = execution.into_card THEN s.amount ELSE -s.amount END AS amount
        FROM execution
        JOIN public.undo_splits AS s ON s.participant_id = p_participant_id
            AND (s.from_card = execution.into_card OR (s.to_card = execution.into_card AND s.rule <> 'brought'))
        JOIN public.history AS told
            ON told.participant_id = s.participant_id AND told.merge_id = s.merge_id AND told.kind IN ('merge_undone', 'merge_reversed')
        WHERE told.seq > execution.seq
    ), held AS (
        SELECT part.entry_id, sum(part.amount)::bigint AS amount
        FROM (SELECT * FROM posted UNION ALL SELECT * FROM moved) AS part
        GROUP BY part.entry_id HAVING sum(part.amount) <> 0
    )
    SELECT l.entry_id, l.kind, held.amount, l.effective_on, l.employer_id, l.month, l.received_for_kpj
    FROM held JOIN public.ledger_entries AS l ON l.participant_id = p_participant_id AND l.entry_id = held.entry_id
    ORDER BY l.effective_on, l.entry_id
$$;

ALTER FUNCTION public.entries_since_merge(p_participant_id uuid, p_merge_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.entry_body(participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, recorded_at timestamp with time zone, wording text, commitment bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((((((((((public.field(convert_to('sepakat-history-1'::text, 'UTF8'::name)) || public.field(uuid_send(participant_id))) || public.field(int8send(seq))) || public.field(convert_to(kind, 'UTF8'::name))) || public.field(uuid_send(card_id))) || public.field(uuid_send(merge_id))) || public.field(uuid_send(cause_id))) || public.field(timestamptz_send(occurred_at))) || public.field(timestamptz_send(recorded_at))) || public.field(convert_to(wording, 'UTF8'::name))) || public.field(commitment));

ALTER FUNCTION public.entry_body(participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, recorded_at timestamp with time zone, wording text, commitment bytea) OWNER TO sepakat_owner;

CREATE FUNCTION public.entry_commitment(salt bytea, data text) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256((public.field(salt) || public.field(convert_to(data, 'UTF8'::name))));

ALTER FUNCTION public.entry_commitment(salt bytea, data text) OWNER TO sepakat_owner;

CREATE FUNCTION public.execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF EXISTS (SELECT FROM public.merges AS m
        WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id AND m.core IS NOT NULL)
    THEN
        PERFORM public.refuse('core_executes_what_it_was_handed', 'this merge was handed to the core: its report executes it');
    END IF;
    PERFORM public.carry_out_merge(p_participant_id, p_merge_id, p_undo_window, NULL);
END
$$;

ALTER FUNCTION public.execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) OWNER TO sepakat_writer;

CREATE FUNCTION public.execute_reported_merge(p_participant_id uuid, p_merge_id uuid, p_reported jsonb, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
    v_plan jsonb;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF (v_merge.state, v_merge.core) IS DISTINCT FROM ('confirmed', 'pending') THEN
        PERFORM public.refuse('core_executes_what_it_was_handed', 'only what was handed to the core is executed by its report');
    END IF;
    IF NOT EXISTS (SELECT FROM public.causes AS c
        WHERE c.participant_id = p_participant_id AND c.cause_id = p_cause_id AND c.origin = 'core' AND c.merge_id = p_merge_id)
        OR NOT EXISTS (
            SELECT FROM public.confirmations AS c
            JOIN public.keys AS k ON k.participant_id = c.participant_id AND k.key_id = coalesce(c.device_id, c.passkey_id)
            WHERE c.participant_id = p_participant_id AND c.confirmation_id = v_merge.confirmation_id AND k.removed_at IS NULL)
    THEN
        PERFORM public.refuse('core_executes_what_it_was_handed', 'an event of the core is the cause, and the key that agreed is there still');
    END IF;
    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = v_merge.plan_digest;
    IF (SELECT (jsonb_agg(c ->> 'kpj' ORDER BY c ->> 'kpj') FILTER (WHERE c ->> 'role' = 'absorbed'),
                min(c ->> 'kpj') FILTER (WHERE c ->> 'role' = 'survivor'),
                jsonb_object_agg(c ->> 'kpj', c -> 'balance_before'))
            FROM jsonb_array_elements(v_plan -> 'cards') AS c)
        IS DISTINCT FROM (
            (SELECT jsonb_agg(a ORDER BY a) FROM jsonb_array_elements_text(p_reported -> 'absorbed') AS a),
            p_reported ->> 'into', p_reported -> 'balances')
        OR ((p_reported ->> 'merged_on')::date >= public.jakarta_day(v_merge.executes_at)) IS NOT TRUE
    THEN
        PERFORM public.refuse('report_equals_the_confirmed_plan', 'what the core reports is not what its participant confirmed');
    END IF;
    PERFORM public.carry_out_merge(p_participant_id, p_merge_id,
        make_interval(secs => (v_plan ->> 'undo_window_s')::integer), p_cause_id);
END
$$;

ALTER FUNCTION public.execute_reported_merge(p_participant_id uuid, p_merge_id uuid, p_reported jsonb, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.jakarta_day(instant timestamp with time zone) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((instant AT TIME ZONE 'Asia/Jakarta'::text))::date;

ALTER FUNCTION public.jakarta_day(instant timestamp with time zone) OWNER TO sepakat_owner;

CREATE FUNCTION public.explains(p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[], p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) RETURNS boolean
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT (((p_kind = ANY (p_kinds)) AND ((public.jakarta_day(p_at) >= p_from) AND (public.jakarta_day(p_at) <= p_until))) OR (p_event_id = ANY (p_event_ids)) OR (p_merge_id = ANY (p_merge_ids)));
END;

ALTER FUNCTION public.explains(p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[], p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) OWNER TO sepakat_owner;

CREATE FUNCTION public.later_announcements(p_announcement_id uuid) RETURNS TABLE(announcement_id uuid, steps integer)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 WITH RECURSIVE later(id, steps) AS (
          SELECT a.announcement_id,
             1 AS "?column?"
            FROM public.announcements a
           WHERE (a.replaces = later_announcements.p_announcement_id)
         UNION ALL
          SELECT a.announcement_id,
             (l_1.steps + 1)
            FROM (later l_1
              JOIN public.announcements a ON ((a.replaces = l_1.id)))
         )
  SELECT l.id,
     l.steps
    FROM later l;
END;

ALTER FUNCTION public.later_announcements(p_announcement_id uuid) OWNER TO sepakat_owner;

CREATE TABLE public.announced (
    participant_id uuid NOT NULL,
    announcement_id uuid NOT NULL,
    seq bigint
);

ALTER TABLE public.announced OWNER TO sepakat_owner;

COMMENT ON TABLE public.announced IS 'Whom an announcement reached, once each, by which entry; without one: who stands on its list and was not reached yet.';

CREATE VIEW public.explanations WITH (security_invoker='true') AS
 SELECT t.participant_id,
    t.seq,
    a.announcement_id,
    a.explains_kinds AS kinds,
    a.explains_from AS from_day,
    a.explains_until AS until_day,
    a.explains_events AS event_ids,
    a.explains_merges AS merge_ids
   FROM (public.announced t
     JOIN public.announcements a ON ((a.announcement_id = t.announcement_id)))
  WHERE ((t.seq IS NOT NULL) AND ((a.explains_kinds <> '{}'::text[]) OR (a.explains_events <> '{}'::text[]) OR (a.explains_merges <> '{}'::uuid[])) AND (NOT (EXISTS ( SELECT
           FROM (public.later_announcements(a.announcement_id) n(announcement_id, steps)
             JOIN public.announced r ON ((r.announcement_id = n.announcement_id)))
          WHERE ((r.participant_id = t.participant_id) AND (r.seq IS NOT NULL))))));

ALTER VIEW public.explanations OWNER TO sepakat_owner;

COMMENT ON VIEW public.explanations IS 'Read once for a page of entries, and held against each by explains().';

CREATE FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) RETURNS uuid[]
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT ARRAY( SELECT x.announcement_id
            FROM public.explanations x
           WHERE ((x.participant_id = explained_by.p_participant_id) AND public.explains(x.kinds, x.from_day, x.until_day, x.event_ids, x.merge_ids, explained_by.p_kind, explained_by.p_at, explained_by.p_event_id, explained_by.p_merge_id))
           ORDER BY x.seq) AS "array";
END;

ALTER FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) IS 'The announcements that explain one entry of somebody, oldest first.';

CREATE FUNCTION public.find_heir_case(p_case_id uuid, OUT state text, OUT opened_at timestamp with time zone, OUT due_at timestamp with time zone, OUT decision text, OUT reason text, OUT decided_at timestamp with time zone) RETURNS SETOF record
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT c.state, c.opened_at, c.due_at, c.decision, c.reason, c.decided_at
    FROM public.case_owners AS o
    JOIN public.cases AS c ON c.participant_id = o.participant_id AND c.case_id = o.case_id
    WHERE o.case_id = p_case_id AND c.kind = 'heir'
$$;

ALTER FUNCTION public.find_heir_case(p_case_id uuid, OUT state text, OUT opened_at timestamp with time zone, OUT due_at timestamp with time zone, OUT decision text, OUT reason text, OUT decided_at timestamp with time zone) OWNER TO sepakat_writer;

CREATE FUNCTION public.find_later_merge(p_participant_id uuid, p_merge_id uuid) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT later.merge_id
    FROM public.merges AS m
    JOIN public.history AS told
        ON told.participant_id = m.participant_id AND told.merge_id = m.merge_id AND told.kind = 'merge_executed'
    JOIN public.merges AS later ON later.participant_id = m.participant_id AND later.merge_id <> m.merge_id
        AND later.state IN ('executed', 'accepted')
        AND (later.absorb || later.into_card) && (m.absorb || m.into_card)
    JOIN public.merge_transitions AS t ON t.to_state = later.state
    JOIN public.history AS step
        ON step.participant_id = m.participant_id AND step.merge_id = later.merge_id AND step.kind = t.kind AND step.seq > told.seq
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
    ORDER BY step.seq DESC LIMIT 1
$$;

ALTER FUNCTION public.find_later_merge(p_participant_id uuid, p_merge_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.freeze_by_staff(p_nik_hash bytea, p_act text, p_reason text, p_staff public.staff_member) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_participant_id uuid;
    v_done boolean;
    v_proposal public.freeze_proposals;
    v_told jsonb := '[]';
    v_cause_id uuid;
BEGIN
    SELECT n.participant_id INTO v_participant_id FROM public.participant_numbers AS n WHERE n.nik_hash = p_nik_hash;
    IF v_participant_id IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = v_participant_id FOR UPDATE;
    v_done := CASE p_act
        WHEN 'freeze' THEN NOT EXISTS (SELECT FROM public.cards_to_stop(v_participant_id))
        ELSE NOT EXISTS (SELECT FROM public.stopped_cards AS s WHERE s.participant_id = v_participant_id) END;
    IF v_done THEN
        SELECT * INTO v_proposal FROM public.freeze_proposals AS p
        WHERE p.participant_id = v_participant_id AND p.state = 'confirmed' ORDER BY p.closed_at DESC, p.proposal_id DESC LIMIT 1;
        IF (v_proposal.act = p_act AND v_proposal.issuer = p_staff.issuer
            AND lower(p_staff.subject) IN (lower(v_proposal.staff), lower(v_proposal.second_staff))) IS NOT TRUE
        THEN
            PERFORM public.refuse('freeze_changes_something', 'there is no card left that this would freeze, or lift the freeze of');
        END IF;
    ELSE
        UPDATE public.freeze_proposals AS p SET state = 'ended', closed_at = v_now
        WHERE p.participant_id = v_participant_id AND p.act = p_act AND p.state = 'open'
            AND (p.proposed_at <= v_now - interval '24 hours' OR p.issuer <> p_staff.issuer);
        SELECT * INTO v_proposal FROM public.freeze_proposals AS p
        WHERE p.participant_id = v_participant_id AND p.act = p_act AND p.state = 'open';
        IF v_proposal.proposal_id IS NULL THEN
            INSERT INTO public.freeze_proposals
                (participant_id, act, reason, issuer, staff, staff_role, shown_as, proposed_at, state)
            VALUES (v_participant_id, p_act, p_reason, p_staff.issuer, p_staff.subject, p_staff.role, p_staff.shown_as, v_now, 'open')
            RETURNING * INTO v_proposal;
            v_told := jsonb_build_array(public.log_look(v_participant_id, p_staff, 'takeover', 'freeze'));
        ELSIF lower(v_proposal.staff) <> lower(p_staff.subject) THEN
            UPDATE public.freeze_proposals AS p SET state = 'confirmed', closed_at = v_now, second_issuer = p_staff.issuer,
                second_staff = p_staff.subject, second_role = p_staff.role, second_shown_as = p_staff.shown_as
            WHERE p.participant_id = v_participant_id AND p.proposal_id = v_proposal.proposal_id
            RETURNING * INTO v_proposal;
            v_told := jsonb_build_array(public.log_look(v_participant_id, p_staff, 'takeover', 'freeze'));
            v_cause_id := public.record_cause(v_participant_id, 'agency', v_proposal.shown_as, v_proposal.reason);
            IF p_act = 'freeze' THEN
                PERFORM public.stop_everything(v_participant_id, v_cause_id, 'frozen_by_agency', 'card_frozen');
            ELSE
                PERFORM public.append_history(ARRAY[ROW(v_participant_id, 'unfrozen_by_agency', NULL, NULL, v_cause_id,
                    jsonb_build_object('cards', (SELECT count(*) FROM public.stopped_cards AS s
                        WHERE s.participant_id = v_participant_id)))::public.history_entry]);
                PERFORM public.lift_everything(v_participant_id, v_cause_id);
            END IF;
        END IF;
    END IF;
    RETURN jsonb_build_object('told', v_told, 'freeze', jsonb_build_object('act', v_proposal.act,
        'state', CASE v_proposal.state WHEN 'open' THEN 'proposed' ELSE 'decided' END, 'reason', v_proposal.reason,
        'staff', v_proposal.staff, 'second_staff', v_proposal.second_staff,
        'confirm_until', v_proposal.proposed_at + interval '24 hours'));
END
$$;

ALTER FUNCTION public.freeze_by_staff(p_nik_hash bytea, p_act text, p_reason text, p_staff public.staff_member) OWNER TO sepakat_writer;

CREATE FUNCTION public.frozen_by_dispute(p_participant_id uuid, p_merge_id uuid) RETURNS SETOF uuid
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT k.card_id
    FROM public.merges AS m
    JOIN public.cards AS k ON k.participant_id = m.participant_id AND k.card_id = ANY (m.absorb || m.into_card)
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id AND m.state = 'disputed' AND k.frozen_at IS NOT NULL
        AND NOT EXISTS (
            SELECT FROM public.stopped_cards AS s WHERE s.participant_id = k.participant_id AND s.card_id = k.card_id)
        AND NOT EXISTS (
            SELECT FROM public.merges AS o
            WHERE o.participant_id = k.participant_id AND o.state = 'disputed' AND o.merge_id <> m.merge_id
                AND k.card_id = ANY (o.absorb || o.into_card))
$$;

ALTER FUNCTION public.frozen_by_dispute(p_participant_id uuid, p_merge_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.growth_of(p_after uuid, p_upto uuid, p_year integer, p_weights bigint[]) RETURNS TABLE(participant_id uuid, card_id uuid, kpj text, segment text, status text, living_card_id uuid, parts numeric, amount bigint, credited bigint, known_since date)
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    SET work_mem TO '64MB'
    SET jit TO 'off'
    AS $$
    WITH RECURSIVE card AS MATERIALIZED (
        SELECT k.* FROM cards AS k
        WHERE k.participant_id > p_after AND k.participant_id <= p_upto AND k.balance IS NOT NULL AND k.transferred_at IS NULL
    ), book AS (
        -- where a card's money was booked: on the card itself, and before a transfer on that of somebody else
        SELECT c.participant_id AS owner_id, c.card_id AS owned, c.participant_id, c.card_id FROM card AS c
        UNION
        SELECT b.owner_id, b.owned, t.other_participant_id, t.other_card_id
        FROM book AS b JOIN card_transfers AS t ON t.participant_id = b.participant_id AND t.card_id = b.card_id
    ), entry AS (
        SELECT b.owner_id, b.owned, l.number, l.kind, l.amount, l.effective_on,
            least(
                l.effective_on + CASE l.kind WHEN 'growth' THEN 1 ELSE 0 END,
                min(l.effective_on) FILTER (WHERE l.kind IN ('merge_out', 'undo_out', 'transfer_out')) OVER (
                    PARTITION BY b.participant_id, b.card_id ORDER BY l.number
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
            ) - make_date(p_year, 1, 1) AS day
        FROM book AS b JOIN ledger_entries AS l ON l.participant_id = b.participant_id AND l.card_id = b.card_id
    ), moved AS (
        SELECT e.owner_id, e.owned, greatest(e.day, 0) AS day, sum(e.amount) AS amount,
            min(e.effective_on) FILTER (WHERE e.number = 1 AND e.kind = 'opening' AND e.amount > 0) AS known_since
        FROM entry AS e WHERE e.day < make_date(p_year + 1, 1, 1) - make_date(p_year, 1, 1)
        GROUP BY e.owner_id, e.owned, greatest(e.day, 0)
    ), span AS (
        SELECT m.owner_id, m.owned, m.known_since, m.day, sum(m.amount) OVER days AS balance,
            lead(m.day, 1, make_date(p_year + 1, 1, 1) - make_date(p_year, 1, 1)) OVER days AS until
        FROM moved AS m
        WINDOW days AS (PARTITION BY m.owner_id, m.owned ORDER BY m.day)
    ), earned AS (
        SELECT s.owner_id, s.owned, min(s.known_since) AS known_since,
            sum(greatest(s.balance, 0) * (p_weights[s.until + 1] - p_weights[s.day + 1])) AS parts
        FROM span AS s GROUP BY s.owner_id, s.owned
    ), credit AS (
        -- What is split over cards that the core joined is credited on each of them; all else on the number that it was for.
        SELECT l.participant_id, sum(l.amount)::bigint AS amount,
            CASE WHEN EXISTS (
                SELECT FROM merges AS m
                WHERE m.participant_id = l.participant_id AND m.reported IS NOT NULL AND l.card_id = ANY (m.absorb)
            ) AND EXISTS (
                SELECT FROM ledger_entries AS o
                WHERE o.participant_id = l.participant_id AND o.kind = 'growth' AND o.year = l.year
                    AND o.source_event = l.source_event AND o.card_id <> l.card_id
            ) THEN k.kpj ELSE coalesce(l.received_for_kpj, k.kpj) END AS kpj
        FROM ledger_entries AS l
        JOIN cards AS k ON k.participant_id = l.participant_id AND k.card_id = l.card_id
        WHERE l.kind = 'growth' AND l.year = p_year AND l.participant_id IN (SELECT b.participant_id FROM book AS b)
        GROUP BY 1, 3
    ), credited AS (
        SELECT b.owner_id, b.owned, sum(r.amount)::bigint AS amount
        FROM book AS b
        JOIN cards AS k ON k.participant_id = b.participant_id AND k.card_id = b.card_id
        JOIN credit AS r ON r.participant_id = k.participant_id AND r.kpj = k.kpj
        GROUP BY b.owner_id, b.owned
    )
    SELECT c.participant_id, c.card_id, c.kpj, c.segment, c.status,
        CASE c.merge_mark WHEN 'merged' THEN c.merged_into ELSE c.card_id END,
        coalesce(e.parts, 0), div(coalesce(e.parts, 0), 1000000 * (make_date(p_year + 1, 1, 1) - make_date(p_year, 1, 1))::numeric)::bigint,
        r.amount, e.known_since
    FROM card AS c
    LEFT JOIN earned AS e ON e.owner_id = c.participant_id AND e.owned = c.card_id
    LEFT JOIN credited AS r ON r.owner_id = c.participant_id AND r.owned = c.card_id
$$;

ALTER FUNCTION public.growth_of(p_after uuid, p_upto uuid, p_year integer, p_weights bigint[]) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.growth_of(p_after uuid, p_upto uuid, p_year integer, p_weights bigint[]) IS 'What every card with savings of the participants after p_after, up to p_upto, earned in a year: exactly (parts) and in whole rupiah; and what is credited for that year already (NULL: nothing). Weights as app/ledger/growth.py gives them.';

CREATE FUNCTION public.guard_acceptance() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.confirmations AS c
        WHERE c.participant_id = new.participant_id AND c.confirmation_id = new.confirmation_id AND c.action = 'accept'
            AND c.confirmed_at = new.confirmed_at AND c.confirmed_at = public.current_instant())
    THEN
        PERFORM public.refuse('merge_keeps_its_confirmation', 'a merge is accepted by a confirmation of this very moment');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_acceptance() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_acknowledgement() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.history AS t
        JOIN public.entry_kinds AS e ON e.kind = t.kind
        JOIN public.keys AS k ON k.participant_id = t.participant_id AND k.key_id = new.device_id AND k.removed_at IS NULL
        WHERE t.participant_id = new.participant_id AND t.seq = new.seq
            AND (e.class <> 'security' OR coalesce(k.hold_until, '-infinity') <= public.current_instant()))
    THEN
        PERFORM public.refuse('acknowledgement_is_by_a_key', 'an entry is acknowledged by a living key, one of security by a free one');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_acknowledgement() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_card_merge() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_was_merged boolean := tg_op = 'UPDATE' AND old.merge_mark IS NOT DISTINCT FROM 'merged';
    -- what the core merged on its own becomes an agreed merge by its participant's acceptance, and in no other way
    v_action text := CASE WHEN tg_op = 'UPDATE' AND old.merge_mark IS NOT DISTINCT FROM 'merged_without_consent'
        THEN 'accept' ELSE 'merge' END;
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.merge_executions AS e
        JOIN public.merge_plans AS p ON p.participant_id = e.participant_id AND p.merge_id = e.merge_id
            AND p.plan_digest = e.plan_digest
        CROSS JOIN LATERAL jsonb_array_elements(convert_from(p.canonical, 'UTF8')::jsonb -> 'cards') AS c
        WHERE e.participant_id = new.participant_id AND e.xact = pg_current_xact_id()
            AND CASE
                -- it comes back by the undo or the reversal of the very merge that took it, as the plan of that says
                WHEN v_was_merged AND new.merge_mark IS NULL
                THEN e.action IN ('undo', 'reverse') AND old.merge_id = e.merge_id AND old.merged_via = ARRAY[e.merge_id]
                    AND c ->> 'kpj' = new.kpj AND c ->> 'role' = 'absorbed' AND c ->> 'status_before' = old.status
                    AND c ->> 'status_after' = new.status
                -- it is forwarded to the survivor of the merge that absorbs its living card, and back when that one is taken back
                WHEN v_was_merged
                THEN new.merge_mark = 'merged' AND new.merge_id = old.merge_id AND c ->> 'kpj' = (
                        SELECT living.kpj FROM public.cards AS living
                        WHERE living.participant_id = new.participant_id AND living.card_id = new.merged_into)
                    AND CASE WHEN e.action IN ('undo', 'reverse')
                        THEN old.merged_via = new.merged_via || e.merge_id AND c ->> 'role' = 'absorbed'
                        ELSE new.merged_via = old.merged_via || e.merge_id AND c ->> 'role' = 'survivor' END
                ELSE c ->> 'kpj' = new.kpj AND c ->> 'role' = 'absorbed' AND c ->> 'status_after' = 'merged'
                    AND e.merge_id = new.merge_id AND e.action = v_action END
    ) THEN
        PERFORM public.refuse('card_merges_only_by_its_confirmed_plan',
            format('card %s is not part of a confirmed merge that is being executed', new.card_id));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_card_merge() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_card_number() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF new.kpj <> old.kpj OR NOT EXISTS (
        SELECT FROM public.card_transfers AS t
        WHERE t.participant_id = old.participant_id AND t.card_id = old.card_id AND t.kpj = old.kpj AND t.direction = 'out'
            AND t.other_participant_id = new.participant_id AND t.other_card_id = new.card_id AND t.xact = pg_current_xact_id())
    THEN
        PERFORM public.refuse('card_numbers_are_kept', 'UPDATE on card_numbers is refused: card_numbers_are_kept');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_card_number() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_card_transfer() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.card_transfers AS t
        WHERE t.participant_id = new.participant_id AND t.card_id = new.card_id AND t.xact = pg_current_xact_id()
            AND CASE t.direction WHEN 'out' THEN new.transfer_id = t.transfer_id ELSE new.transfer_id IS NULL END)
    THEN
        PERFORM public.refuse('card_goes_by_recorded_transfer', format('card %s is not being transferred', new.card_id));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_card_transfer() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_contact_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.guard_contact_change() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_dispute_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF new.state = 'accepted' THEN
        IF NOT EXISTS (
            SELECT FROM public.merge_executions AS e
            WHERE e.participant_id = new.participant_id AND e.merge_id = new.merge_id AND e.action = 'accept'
                AND e.confirmation_id = new.confirmation_id AND e.xact = pg_current_xact_id())
        THEN
            PERFORM public.refuse('merge_is_accepted_by_its_participant', 'only the proof of the participant makes a merge agreed');
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM public.cases AS c
        WHERE c.participant_id = new.participant_id AND c.merge_id = new.merge_id AND c.xact = pg_current_xact_id()
            AND CASE new.state WHEN 'disputed' THEN c.state = 'open'
                WHEN 'restored' THEN c.decision = 'restored' ELSE c.decision = 'accepted' END)
    THEN
        PERFORM public.refuse('dispute_goes_with_its_case', format('a merge is %s only together with its case', new.state));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_dispute_step() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_growth() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.ledger_entries AS l
        JOIN public.cards AS k ON k.participant_id = l.participant_id AND k.card_id = l.card_id
        JOIN public.cards AS own ON own.participant_id = new.participant_id AND own.card_id = new.card_id
        WHERE l.participant_id = new.participant_id AND l.kind = 'growth' AND l.year = new.year AND l.entry_id <> new.entry_id
            AND coalesce(l.received_for_kpj, k.kpj) = coalesce(new.received_for_kpj, own.kpj)
            AND l.source_event IS DISTINCT FROM new.source_event)
    THEN
        PERFORM public.refuse('growth_is_credited_once', format('growth of %s is credited on this number already', new.year));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_growth() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_held_participant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.cases AS c
        WHERE c.participant_id = new.participant_id AND c.state = 'open' AND c.kind IN ('balance', 'core_refusal')
    ) THEN
        PERFORM public.refuse('held_participant_merges_nothing', 'a case about a balance or a refusal by the core is open');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_held_participant() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_merge_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_from text := CASE WHEN tg_op = 'INSERT' THEN '-' ELSE old.state END;
BEGIN
    IF (v_from <> new.state AND NOT EXISTS (
            SELECT FROM public.merge_transitions AS t WHERE t.from_state = v_from AND t.to_state = new.state))
        -- The core may end an open merge, by telling of one that it did itself, and refuse one that was agreed to; neither
        -- last_refusal nor closed_because is the feed's to write, so that both refusals come by their functions. What the worker
        -- handed to the core is executed by the core's report. It takes no other step. What ends a dispute is guarded where the
        -- cases are.
        OR (tg_op = 'UPDATE' AND session_user = 'sepakat_feed' AND new.state NOT IN (old.state, 'cancelled')
            AND old.state <> 'disputed'
            AND ((old.state, new.state, new.last_refusal ->> 'code') = ('confirmed', 'proposed', 'core_refused')
                OR (old.state, new.state, old.core) = ('confirmed', 'executed', 'pending')
                OR (old.state, new.state, new.closed_because) = ('executed', 'undone', 'core_refused')) IS NOT TRUE)
    THEN
        PERFORM public.refuse('merge_step_is_known', format('a merge cannot go from %s to %s', v_from, new.state));
    END IF;
    IF tg_op = 'INSERT' AND (
        (new.proposed_by <> 'participant' AND NOT pg_has_role(session_user, 'sepakat_feed', 'MEMBER'))
        OR (new.proposed_by = 'participant' AND NOT pg_has_role(session_user, 'sepakat_api', 'MEMBER'))
        OR (new.state = 'reported') <> (new.proposed_by = 'core' AND new.reported IS NOT NULL))
    THEN
        PERFORM public.refuse('merge_is_proposed_by_its_proposer', 'the proposer of a merge is the one who proposes it');
    END IF;
    IF tg_op = 'UPDATE' AND (
        (old.participant_id, old.merge_id, old.proposed_by, old.proposed_at, old.reported)
            IS DISTINCT FROM (new.participant_id, new.merge_id, new.proposed_by, new.proposed_at, new.reported)
        OR ((old.absorb, old.into_card) IS DISTINCT FROM (new.absorb, new.into_card) AND (
            old.state <> 'proposed' OR new.state <> 'proposed'
            OR NOT ((old.absorb || old.into_card) @> (new.absorb || new.into_card)
                AND (old.absorb || old.into_card) <@ (new.absorb || new.into_card)
                AND cardinality(old.absorb) = cardinality(new.absorb)))))
    THEN
        PERFORM public.refuse('merge_keeps_its_cards', 'a merge keeps its cards; only the survivor of a proposal can be chosen');
    END IF;
    IF (new.state = 'confirmed' AND v_from <> 'confirmed' AND NOT EXISTS (
            SELECT FROM public.confirmations AS c
            WHERE c.participant_id = new.participant_id AND c.confirmation_id = new.confirmation_id AND c.action = 'merge'
                AND c.confirmed_at = new.confirmed_at AND c.confirmed_at = public.current_instant()))
        OR (v_from = 'confirmed' AND new.state IN ('confirmed', 'executed') OR v_from = 'executed')
            AND (old.confirmation_id, old.confirmed_at, old.plan_digest)
                IS DISTINCT FROM (new.confirmation_id, new.confirmed_at, new.plan_digest)
        OR v_from = 'executed' AND (old.executed_at, old.undo_until) IS DISTINCT FROM (new.executed_at, new.undo_until)
    THEN
        PERFORM public.refuse('merge_keeps_its_confirmation', 'a merge is confirmed by a confirmation of this very moment, and keeps it');
    END IF;
    IF new.state = 'executed' AND v_from <> 'executed' AND NOT EXISTS (
        SELECT FROM public.merge_executions AS e
        WHERE e.participant_id = new.participant_id AND e.merge_id = new.merge_id AND e.action = 'merge'
            AND e.confirmation_id = new.confirmation_id AND e.xact = pg_current_xact_id())
    THEN
        PERFORM public.refuse('merge_executes_with_its_confirmation', 'a merge is executed only inside its execution');
    END IF;
    IF new.state = 'undone' AND v_from <> 'undone' AND NOT EXISTS (
        SELECT FROM public.merge_executions AS e
        WHERE e.participant_id = new.participant_id AND e.merge_id = new.merge_id AND e.xact = pg_current_xact_id()
            AND CASE WHEN new.closed_because IS NULL THEN e.action = 'undo'
                ELSE e.action = 'reverse' AND (new.closed_because, new.core) = ('core_refused', 'refused') END)
    THEN
        PERFORM public.refuse('merge_executes_with_its_confirmation', 'a merge is undone only inside the execution of its undo');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_merge_step() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_new_passkey() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.keys AS k
        JOIN public.challenges AS c ON c.nonce = new.nonce AND c.purpose = 'add_key' AND c.participant_id = new.participant_id
            AND c.subject_id IS NULL AND c.spent_at IS NOT NULL
        WHERE k.participant_id = new.participant_id AND k.key_id = new.vouched_by AND k.removed_at IS NULL
            AND (coalesce(k.hold_until, '-infinity') <= public.current_instant() OR k.hold_until <= new.hold_until)
            AND convert_from(new.statement, 'UTF8')::jsonb = jsonb_build_object(
                'version', 1, 'purpose', 'add_key', 'device_id', k.device_id, 'subject_id', new.passkey_id,
                'nonce', translate(rtrim(encode(new.nonce, 'base64'), '='), '+/', '-_'))
            AND (k.passkey_id IS NULL OR public.is_passkey_proof(k.passkey_id, new.statement, new.proof))
    ) OR new.removed_at IS NOT NULL THEN
        PERFORM public.refuse('passkey_is_vouched_for', 'a passkey is added by the proof of a living key, and takes over its hold');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_new_passkey() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_new_phone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF new.removed_at IS NOT NULL OR new.added_at IS DISTINCT FROM public.current_instant() THEN
        PERFORM public.refuse('phone_is_added_now', 'the key of a phone is added in this moment, and lives');
    END IF;
    IF coalesce(new.hold_until, '-infinity') <= public.current_instant()
        AND NOT EXISTS (
            SELECT FROM public.keys AS k
            WHERE k.participant_id = new.participant_id AND k.key_id = new.vouched_by AND k.key_id <> new.device_id
                AND k.removed_at IS NULL AND coalesce(k.hold_until, '-infinity') <= public.current_instant())
        AND NOT EXISTS (
            SELECT FROM public.branch_codes AS b
            WHERE b.participant_id = new.participant_id AND b.code_id = new.vouched_by AND b.used_for = 'new_phone'
                AND b.used_by = new.device_id AND b.used_at = public.current_instant())
        AND (new.vouched_by IS NOT NULL OR EXISTS (
            SELECT FROM public.keys AS k WHERE k.participant_id = new.participant_id AND k.key_id <> new.device_id))
    THEN
        PERFORM public.refuse('free_phone_is_vouched_for', 'a phone is on hold unless a free key or staff answer for it');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_new_phone() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_protected_cards() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (
        SELECT FROM public.cards AS k
        WHERE k.participant_id = new.participant_id AND k.card_id = ANY (new.absorb || new.into_card) AND k.locked_at IS NOT NULL
    ) THEN
        PERFORM public.refuse('locked_card_is_in_no_merge', format('a card of merge %s is locked', new.merge_id));
    END IF;
    IF EXISTS (
        SELECT FROM public.cards AS k
        WHERE k.participant_id = new.participant_id AND k.card_id = ANY (new.absorb || new.into_card) AND k.frozen_at IS NOT NULL
    ) THEN
        PERFORM public.refuse('frozen_card_is_in_no_merge', format('a card of merge %s is frozen', new.merge_id));
    END IF;
    IF tg_op = 'INSERT' AND new.proposed_by = 'agency' AND EXISTS (
        SELECT FROM public.never_suggested_pairs AS n
        WHERE n.participant_id = new.participant_id AND n.card_id = ANY (new.absorb || new.into_card)
            AND n.other_card_id = ANY (new.absorb || new.into_card)
    ) THEN
        PERFORM public.refuse('pair_is_never_suggested', 'the participant asked not to be offered this pair again');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_protected_cards() OWNER TO sepakat_owner;

CREATE FUNCTION public.guard_unlock() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.keys AS k
        WHERE k.participant_id = new.participant_id AND k.key_id = coalesce(new.device_id, new.passkey_id)
            AND k.removed_at IS NULL
    ) OR convert_from(new.statement, 'UTF8')::jsonb IS DISTINCT FROM jsonb_build_object(
        'version', 1, 'purpose', 'unlock', 'device_id', new.device_id, 'subject_id', new.subject_id,
        'nonce', translate(rtrim(encode(new.nonce, 'base64'), '='), '+/', '-_'))
    THEN
        PERFORM public.refuse('unlock_is_by_a_living_key', 'what is lifted is named in the statement of a key that lives');
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_unlock() OWNER TO sepakat_writer;

CREATE FUNCTION public.hand_merge_to_core(p_participant_id uuid, p_merge_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
    v_cause_id uuid := public.record_cause(p_participant_id, 'system', 'worker', NULL, p_merge_id);
BEGIN
    PERFORM public.refuse_while_paused();
    UPDATE public.merges AS m SET core = 'pending', cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
        AND m.state = 'confirmed' AND m.core IS NULL AND m.executes_at <= public.current_instant()
    RETURNING * INTO v_merge;
    IF v_merge.merge_id IS NULL THEN
        PERFORM public.refuse('merge_is_due', 'only a confirmed merge whose cooling-off is over is handed to the core, once');
    END IF;
    PERFORM public.tell_of_core_answer(v_merge, 'merge_due', v_cause_id, jsonb_build_object('since', v_merge.executes_at));
END
$$;

ALTER FUNCTION public.hand_merge_to_core(p_participant_id uuid, p_merge_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.has_living_push_target(p_participant_id uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT EXISTS (
        SELECT FROM public.push_targets AS t
        JOIN public.devices AS d ON d.participant_id = t.participant_id AND d.device_id = t.device_id AND d.removed_at IS NULL
        WHERE t.participant_id = p_participant_id AND t.cleared_at IS NULL)
$$;

ALTER FUNCTION public.has_living_push_target(p_participant_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.head_leaf(participant_id uuid, seq bigint, hash bytea) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256(((('\x00'::bytea || public.field(uuid_send(participant_id))) || public.field(int8send(seq))) || public.field(hash)));

ALTER FUNCTION public.head_leaf(participant_id uuid, seq bigint, hash bytea) OWNER TO sepakat_owner;

CREATE FUNCTION public.history_for_staff(p_participant_id uuid, p_card_ids uuid[], p_merge_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.history_for_staff(p_participant_id uuid, p_card_ids uuid[], p_merge_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.hold_keys(p_participant_id uuid, p_keys uuid[], p_until timestamp with time zone, OUT devices text[], OUT passkeys text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    WITH held AS (
        UPDATE public.devices AS d SET hold_until = greatest(d.hold_until, p_until)
        WHERE d.participant_id = p_participant_id AND d.device_id = ANY (p_keys) AND d.removed_at IS NULL
        RETURNING d.name
    )
    SELECT array_agg(name ORDER BY name) INTO devices FROM held;
    WITH held AS (
        UPDATE public.passkeys AS p SET hold_until = greatest(p.hold_until, p_until)
        WHERE p.participant_id = p_participant_id AND p.passkey_id = ANY (p_keys) AND p.removed_at IS NULL
        RETURNING p.name
    )
    SELECT array_agg(name ORDER BY name) INTO passkeys FROM held;
END
$$;

ALTER FUNCTION public.hold_keys(p_participant_id uuid, p_keys uuid[], p_until timestamp with time zone, OUT devices text[], OUT passkeys text[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.hold_reported_cards(p_participant_id uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO public.open_merge_cards (participant_id, card_id, merge_id)
    SELECT DISTINCT ON (held.card_id) m.participant_id, held.card_id, m.merge_id
    FROM public.merges AS m CROSS JOIN LATERAL unnest(m.absorb || m.into_card) AS held (card_id)
    WHERE m.participant_id = p_participant_id AND m.state IN ('reported', 'disputed')
    ORDER BY held.card_id, m.proposed_at, m.merge_id
    ON CONFLICT (participant_id, card_id) DO NOTHING
$$;

ALTER FUNCTION public.hold_reported_cards(p_participant_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.is_known_credential(p_credential_id bytea) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT EXISTS (SELECT FROM public.passkey_owners AS o WHERE o.credential_id = p_credential_id) $$;

ALTER FUNCTION public.is_known_credential(p_credential_id bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.is_passkey_proof(p_passkey_id uuid, p_statement bytea, p_proof jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT coalesce(
        p_proof ->> 'type' = 'passkey' AND (p_proof ->> 'passkey_id')::uuid = p_passkey_id
        AND said.client ->> 'type' = 'webauthn.get'
        AND public.base64url_to_bytes(said.client ->> 'challenge') = sha256(p_statement)
        AND said.client ->> 'origin' = p_proof ->> 'origin'
        AND substr(said.authenticator, 1, 32) = sha256(convert_to(p_proof ->> 'rp_id', 'UTF8'))
        AND get_byte(said.authenticator, 32) & 5 = 5, -- user present (1) and verified (4)
    false)
    FROM (SELECT
        convert_from(public.base64url_to_bytes(p_proof ->> 'client_data'), 'UTF8')::jsonb AS client,
        public.base64url_to_bytes(p_proof ->> 'authenticator_data') AS authenticator) AS said
$$;

ALTER FUNCTION public.is_passkey_proof(p_passkey_id uuid, p_statement bytea, p_proof jsonb) OWNER TO sepakat_owner;

CREATE TABLE public.confirmations (
    participant_id uuid NOT NULL,
    confirmation_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    action text NOT NULL,
    plan_digest text NOT NULL,
    acknowledged text[] NOT NULL,
    device_id uuid,
    nonce bytea NOT NULL,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    seal bytea NOT NULL,
    confirmed_at timestamp with time zone NOT NULL,
    passkey_id uuid,
    CONSTRAINT confirmation_has_one_key CHECK ((num_nonnulls(device_id, passkey_id) = 1)),
    CONSTRAINT confirmation_is_of_its_passkey CHECK (((passkey_id IS NULL) OR public.is_passkey_proof(passkey_id, statement, proof))),
    CONSTRAINT seal_has_32_bytes CHECK ((length(seal) = 32))
);

ALTER TABLE public.confirmations OWNER TO sepakat_owner;

CREATE FUNCTION public.is_sealed_undo(p_confirmation public.confirmations, p_seal bytea) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT EXISTS (
        SELECT FROM public.undo_seals AS s
        WHERE sha256(s.outer_pad || sha256(s.inner_pad || p_confirmation.statement)) = p_seal
    ) AND p_confirmation.action = 'undo'
        AND convert_from(p_confirmation.statement, 'UTF8')::jsonb = jsonb_build_object(
            'version', 1, 'purpose', 'undo', 'device_id', p_confirmation.device_id, 'merge_id', p_confirmation.merge_id,
            'plan_digest', p_confirmation.plan_digest, 'acknowledged', p_confirmation.acknowledged,
            'nonce', translate(rtrim(encode(p_confirmation.nonce, 'base64'), '='), '+/', '-_'))
        AND (p_confirmation.passkey_id IS NULL
            OR public.is_passkey_proof(p_confirmation.passkey_id, p_confirmation.statement, p_confirmation.proof))
        AND EXISTS (
            SELECT FROM public.keys AS k
            WHERE k.participant_id = p_confirmation.participant_id
                AND k.key_id = coalesce(p_confirmation.device_id, p_confirmation.passkey_id)
                AND k.removed_at IS NULL AND coalesce(k.hold_until, '-infinity') <= public.current_instant())
$$;

ALTER FUNCTION public.is_sealed_undo(p_confirmation public.confirmations, p_seal bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.isolate_table(p_table regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_others text;
BEGIN
    SELECT string_agg(DISTINCT quote_ident(role.rolname), ', ') INTO v_others
    FROM (
        SELECT (aclexplode(c.relacl)).grantee FROM pg_class AS c WHERE c.oid = p_table
        UNION ALL
        SELECT (aclexplode(a.attacl)).grantee FROM pg_attribute AS a WHERE a.attrelid = p_table
    ) AS granted
    JOIN pg_roles AS role ON role.oid = granted.grantee
    WHERE role.rolname NOT IN ('sepakat_api', 'sepakat_owner');

    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', p_table);
    EXECUTE format('DROP POLICY IF EXISTS rows_of_who_entered ON %s', p_table);
    EXECUTE format('DROP POLICY IF EXISTS rows_of_all ON %s', p_table);
    EXECUTE format('CREATE POLICY rows_of_who_entered ON %s TO sepakat_api '
        'USING (participant_id = entered_participant())', p_table);
    IF v_others IS NOT NULL THEN
        EXECUTE format('CREATE POLICY rows_of_all ON %s TO %s USING (true)', p_table, v_others);
    END IF;
END
$$;

ALTER FUNCTION public.isolate_table(p_table regclass) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.isolate_table(p_table regclass) IS 'For migrations: sepakat_api sees this table by participant, whoever else may read it sees all of it.';

CREATE FUNCTION public.issue_branch_code(p_participant_id uuid, p_code_id uuid, p_code_sha256 bytea, p_branch text, p_staff text, p_expires_at timestamp with time zone, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_for_heirs boolean;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT p.deceased_on IS NOT NULL INTO v_for_heirs FROM public.participants AS p WHERE p.participant_id = p_participant_id;
    UPDATE public.branch_codes AS b SET replaced_at = public.current_instant()
    WHERE b.participant_id = p_participant_id AND b.used_at IS NULL AND b.replaced_at IS NULL;
    INSERT INTO public.branch_codes
        (participant_id, code_id, code_sha256, branch, staff, for_heirs, issued_at, expires_at, cause_id)
    VALUES (p_participant_id, p_code_id, p_code_sha256, p_branch, p_staff, v_for_heirs, public.current_instant(), p_expires_at,
        p_cause_id);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id,
        CASE WHEN v_for_heirs THEN 'heir_code_issued' ELSE 'branch_code_issued' END, NULL, NULL, p_cause_id,
        jsonb_build_object('branch', p_branch, 'expires_at', p_expires_at))::public.history_entry]);
END
$$;

ALTER FUNCTION public.issue_branch_code(p_participant_id uuid, p_code_id uuid, p_code_sha256 bytea, p_branch text, p_staff text, p_expires_at timestamp with time zone, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.keep_comparison(p_participant_id uuid, p_card_id uuid, p_as_of date, p_theirs bigint, p_ours bigint, p_status text, p_outcome text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO public.balance_comparisons AS b (participant_id, card_id, as_of, theirs, ours, status, outcome, compared_at)
    VALUES (p_participant_id, p_card_id, p_as_of, p_theirs, p_ours, p_status, p_outcome, public.current_instant())
    ON CONFLICT (participant_id, card_id) DO UPDATE SET as_of = excluded.as_of, theirs = excluded.theirs,
        ours = excluded.ours, status = excluded.status, outcome = excluded.outcome, compared_at = excluded.compared_at
$$;

ALTER FUNCTION public.keep_comparison(p_participant_id uuid, p_card_id uuid, p_as_of date, p_theirs bigint, p_ours bigint, p_status text, p_outcome text) OWNER TO sepakat_writer;

CREATE FUNCTION public.keep_document(p_participant_id uuid, p_document_id uuid, p_media_type text, p_sha256 bytea, p_bytes integer, p_actor text) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_document public.documents;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_document FROM public.documents AS d
    WHERE d.participant_id = p_participant_id AND d.document_id = p_document_id FOR UPDATE;
    IF v_document.stored_at IS NOT NULL THEN
        RETURN v_document.stored_at;
    END IF;
    UPDATE public.documents AS d SET stored_at = public.current_instant(), media_type = p_media_type, sha256 = p_sha256,
        bytes = p_bytes, cause_id = public.record_cause(p_participant_id, 'participant', p_actor)
    WHERE d.participant_id = p_participant_id AND d.document_id = p_document_id AND d.discarded_at IS NULL
    RETURNING * INTO v_document;
    IF v_document.stored_at IS NULL THEN
        PERFORM public.refuse('document_was_discarded', 'this document was swept away before it was stored');
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'document_received', NULL,
        CASE WHEN v_document.about = 'merge' THEN v_document.subject_id END, v_document.cause_id, jsonb_build_object(
            'document_id', p_document_id, 'document_kind', v_document.kind, 'about', v_document.about,
            'sha256', encode(p_sha256, 'hex')))::public.history_entry]);
    RETURN v_document.stored_at;
END
$$;

ALTER FUNCTION public.keep_document(p_participant_id uuid, p_document_id uuid, p_media_type text, p_sha256 bytea, p_bytes integer, p_actor text) OWNER TO sepakat_writer;

CREATE FUNCTION public.keep_undo_seal(p_inner_pad bytea, p_outer_pad bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO public.undo_seals AS s (inner_pad, outer_pad) VALUES (p_inner_pad, p_outer_pad)
    ON CONFLICT (only_row) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad
    WHERE (s.inner_pad, s.outer_pad) IS DISTINCT FROM (excluded.inner_pad, excluded.outer_pad)
$$;

ALTER FUNCTION public.keep_undo_seal(p_inner_pad bytea, p_outer_pad bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.keep_unlock_proof(p_participant_id uuid, p_subject_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.challenges AS c
        WHERE c.nonce = p_nonce AND c.purpose = 'unlock' AND c.participant_id = p_participant_id
            AND c.subject_id = p_subject_id AND c.spent_at IS NOT NULL
    ) THEN
        PERFORM public.refuse('unlock_takes_its_challenge', 'nothing is lifted without a challenge of its own, spent for it');
    END IF;
    INSERT INTO public.unlock_proofs
        (participant_id, nonce, subject_id, device_id, passkey_id, statement, proof, proven_at, cause_id)
    SELECT p_participant_id, p_nonce, p_subject_id, CASE WHEN k.passkey_id IS NULL THEN p_device_id END, k.passkey_id,
        p_statement, p_proof, public.current_instant(), p_cause_id
    FROM (SELECT) AS always
    LEFT JOIN public.keys AS k ON k.participant_id = p_participant_id AND k.key_id = p_device_id;
END
$$;

ALTER FUNCTION public.keep_unlock_proof(p_participant_id uuid, p_subject_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.keep_unreached_cases(p_limit integer) RETURNS TABLE(participant_id uuid, lane smallint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_who uuid;
    v_case public.cases;
    v_cause_id uuid;
BEGIN
    FOR v_who IN SELECT due.participant_id FROM (
            (SELECT c.participant_id FROM public.climbs AS c
            WHERE c.state = 'unreached' AND NOT EXISTS (SELECT FROM public.cases AS k
                WHERE k.participant_id = c.participant_id AND k.kind = 'unreached'
                    AND (k.state = 'open' OR k.decided_at >= c.ended_at))
            GROUP BY c.participant_id ORDER BY min(c.ended_at), c.participant_id LIMIT p_limit)
            UNION
            (SELECT k.participant_id FROM public.cases AS k
            WHERE k.kind = 'unreached' AND k.state = 'open' AND NOT EXISTS (SELECT FROM public.climbs AS c
                WHERE c.participant_id = k.participant_id AND c.state = 'unreached')
            LIMIT p_limit)
        ) AS due ORDER BY due.participant_id
    LOOP
        PERFORM FROM public.participant_heads AS h WHERE h.participant_id = v_who FOR UPDATE;
        SELECT * INTO v_case FROM public.cases AS k WHERE k.participant_id = v_who AND k.kind = 'unreached' AND k.state = 'open';
        -- Looked at again under the lock: another worker may have been here, or the person have read it.
        CONTINUE WHEN (v_case.case_id IS NULL) <> EXISTS (SELECT FROM public.climbs AS c
            WHERE c.participant_id = v_who AND c.state = 'unreached' AND NOT EXISTS (SELECT FROM public.cases AS k
                WHERE k.participant_id = v_who AND k.kind = 'unreached' AND k.decided_at >= c.ended_at));
        v_cause_id := public.record_cause(v_who, 'system', 'clock', NULL);
        IF v_case.case_id IS NULL THEN
            v_case.case_id := gen_random_uuid();
            INSERT INTO public.case_owners (case_id, participant_id) VALUES (v_case.case_id, v_who);
            INSERT INTO public.cases (participant_id, case_id, kind, figures, opened_at, due_at, state, cause_id, xact)
            SELECT v_who, v_case.case_id, 'unreached',
                jsonb_build_object('since', min(c.ended_at), 'entries', sum(cardinality(c.seqs)), 'kinds', (
                    SELECT jsonb_agg(DISTINCT h.kind) FROM public.history AS h
                    JOIN public.climbs AS of_one ON of_one.participant_id = h.participant_id AND h.seq = ANY (of_one.seqs)
                    WHERE h.participant_id = v_who AND of_one.state = 'unreached')),
                v_now, v_now + interval '72 hours', 'open', v_cause_id, pg_current_xact_id()
            FROM public.climbs AS c WHERE c.participant_id = v_who AND c.state = 'unreached';
            PERFORM public.append_history(ARRAY[ROW(v_who, 'unreached_case_opened', NULL, NULL, v_cause_id,
                jsonb_build_object('case_id', v_case.case_id, 'due_at', v_now + interval '72 hours'))::public.history_entry]);
        ELSE
            UPDATE public.cases AS k SET state = 'decided', decision = 'read', decided_at = v_now, cause_id = v_cause_id,
                xact = pg_current_xact_id()
            WHERE k.participant_id = v_who AND k.case_id = v_case.case_id;
            PERFORM public.append_history(ARRAY[ROW(v_who, 'unreached_case_decided', NULL, NULL, v_cause_id,
                jsonb_build_object('case_id', v_case.case_id, 'decision', 'read'))::public.history_entry]);
        END IF;
        participant_id := v_who;
        lane := public.lane_of(v_who);
        RETURN NEXT;
    END LOOP;
END
$$;

ALTER FUNCTION public.keep_unreached_cases(p_limit integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.lift_everything(p_participant_id uuid, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_changes public.card_change[];
BEGIN
    WITH lifted AS (
        DELETE FROM public.stopped_cards AS s WHERE s.participant_id = p_participant_id RETURNING s.card_id
    )
    SELECT array_agg(ROW(k.participant_id, k.card_id, p_cause_id, 'card_unfrozen',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"frozen_at": null}', NULL)::public.card_change ORDER BY k.kpj)
    INTO v_changes
    FROM public.cards AS k JOIN lifted ON lifted.card_id = k.card_id
    WHERE k.participant_id = p_participant_id AND k.frozen_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.merges AS m
        WHERE m.participant_id = k.participant_id AND m.state = 'disputed' AND k.card_id = ANY (m.absorb || m.into_card));
    PERFORM public.change_cards(coalesce(v_changes, '{}'));
END
$$;

ALTER FUNCTION public.lift_everything(p_participant_id uuid, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.lift_stop(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.stopped_cards AS s WHERE s.participant_id = p_participant_id) THEN
        RETURN false;
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_device_id::text);
    PERFORM public.keep_unlock_proof(p_participant_id, p_participant_id, p_device_id, p_nonce, p_statement, p_proof, v_cause_id);
    PERFORM public.lift_everything(p_participant_id, v_cause_id);
    RETURN true;
END
$$;

ALTER FUNCTION public.lift_stop(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.lift_stop_at_branch(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_code text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_used record;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.stopped_cards AS s WHERE s.participant_id = p_participant_id) THEN
        RETURN 'nothing_frozen';
    END IF;
    SELECT * INTO v_used FROM public.use_branch_code(p_participant_id, p_code, 'unfreeze', p_device_id,
        (SELECT d.name FROM public.keys AS d WHERE d.participant_id = p_participant_id AND d.key_id = p_device_id));
    IF v_used.code_id IS NULL THEN
        RETURN 'code_invalid';
    END IF;
    PERFORM public.lift_stop(p_participant_id, p_device_id, p_nonce, p_statement, p_proof);
    RETURN 'lifted';
END
$$;

ALTER FUNCTION public.lift_stop_at_branch(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_code text) OWNER TO sepakat_writer;

CREATE TABLE public.merges (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    state text NOT NULL,
    proposed_by text NOT NULL,
    reason text,
    absorb uuid[] NOT NULL,
    into_card uuid NOT NULL,
    plan_digest text,
    plan_expires_at timestamp with time zone,
    proposed_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    confirmation_id uuid,
    confirmed_at timestamp with time zone,
    executes_at timestamp with time zone,
    executed_at timestamp with time zone,
    undo_until timestamp with time zone,
    closed_at timestamp with time zone,
    closed_because text,
    core text,
    last_refusal jsonb,
    reported jsonb,
    cause_id uuid NOT NULL,
    undo_plan_digest text,
    undo_plan_expires_at timestamp with time zone,
    CONSTRAINT confirmed_merge_has_its_confirmation CHECK (((state = ANY (ARRAY['confirmed'::text, 'executed'::text, 'undone'::text])) <= (num_nulls(confirmation_id, confirmed_at, plan_digest, executes_at) = 0))),
    CONSTRAINT core_answer_is_known CHECK ((core = ANY (ARRAY['pending'::text, 'acknowledged'::text, 'refused'::text]))),
    CONSTRAINT executed_merge_has_its_instant CHECK (((state = ANY (ARRAY['executed'::text, 'undone'::text])) <= ((executed_at IS NOT NULL) AND (undo_until IS NOT NULL)))),
    CONSTRAINT merge_absorbs_something CHECK (((cardinality(absorb) >= 1) AND (cardinality(absorb) <= 20))),
    CONSTRAINT merge_does_not_absorb_its_survivor CHECK ((into_card <> ALL (absorb))),
    CONSTRAINT proposer_is_known CHECK ((proposed_by = ANY (ARRAY['participant'::text, 'agency'::text, 'core'::text])))
)
WITH (fillfactor='80');

ALTER TABLE public.merges OWNER TO sepakat_owner;

COMMENT ON COLUMN public.merges.undo_plan_digest IS 'Of the plan of an undo that was shown last; plan_digest stays that of the merge.';

CREATE FUNCTION public.list_changes_back(p_merge public.merges, p_action text, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb, p_day date) RETURNS public.card_change[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    WITH given AS (
        SELECT k.kpj, k.card_id, (SELECT nullif(sum(s.amount), 0) FROM jsonb_to_recordset(p_splits) AS s (to_card uuid, amount bigint)
            WHERE s.to_card = k.card_id)::bigint AS amount
        FROM public.cards AS k WHERE k.participant_id = p_merge.participant_id AND k.card_id = ANY (p_merge.absorb)
    ), change AS (
        SELECT given.kpj, given.card_id, CASE p_action WHEN 'undo' THEN 'card_undone' ELSE 'card_reversed' END AS kind,
            'undo_in' AS ledger_kind, given.amount, NULL AS for_kpj,
            '{"merge_mark": null, "merged_into": null, "merged_via": null}'::jsonb AS patch,
            jsonb_build_object('from', survivor.kpj) AS data
        FROM given JOIN public.cards AS survivor
            ON survivor.participant_id = p_merge.participant_id AND survivor.card_id = p_merge.into_card
        UNION ALL
        SELECT given.kpj, p_merge.into_card, CASE p_action WHEN 'undo' THEN 'card_gave_back' ELSE 'card_gave_back_reversed' END,
            'undo_out', -given.amount, given.kpj, NULL,
            jsonb_build_object('to', (SELECT jsonb_agg(g.kpj ORDER BY g.kpj) FROM given AS g))
        FROM given
        UNION ALL
        SELECT k.kpj, k.card_id, 'card_forwarded_back', NULL, NULL, NULL,
            jsonb_build_object('merged_into', former.into_card, 'merged_via', to_jsonb(trim_array(k.merged_via, 1))),
            jsonb_build_object('into', (SELECT f.kpj FROM given AS f WHERE f.card_id = former.into_card))
        FROM public.cards AS k JOIN public.merges AS former
            ON former.participant_id = k.participant_id AND former.merge_id = k.merged_via[cardinality(k.merged_via) - 1]
        WHERE k.participant_id = p_merge.participant_id AND k.merge_mark = 'merged'
            AND k.merged_via[cardinality(k.merged_via)] = p_merge.merge_id
    )
    SELECT array_agg(ROW(p_merge.participant_id, change.card_id, p_cause_id, change.kind,
        CASE WHEN change.amount IS NOT NULL THEN change.ledger_kind END, change.amount, p_day, NULL, NULL, NULL, change.for_kpj,
        CASE WHEN change.amount IS NOT NULL THEN p_transfer_id END, NULL, change.patch, change.data)::public.card_change
        ORDER BY change.kpj)
    FROM change
$$;

ALTER FUNCTION public.list_changes_back(p_merge public.merges, p_action text, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb, p_day date) OWNER TO sepakat_writer;

CREATE FUNCTION public.lock_card(p_participant_id uuid, p_card_id uuid, p_actor text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.cards AS k
        WHERE k.participant_id = p_participant_id AND k.card_id = p_card_id AND k.locked_at IS NULL)
    THEN
        RETURN false;
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor);
    PERFORM public.change_cards(ARRAY[ROW(p_participant_id, p_card_id, v_cause_id, 'card_locked',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        jsonb_build_object('locked_at', public.current_instant()), NULL)::public.card_change]);
    PERFORM public.cancel_open_merges(p_participant_id, p_card_id, 'card_locked', v_cause_id);
    RETURN true;
END
$$;

ALTER FUNCTION public.lock_card(p_participant_id uuid, p_card_id uuid, p_actor text) OWNER TO sepakat_writer;

CREATE TABLE public.cases (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    kind text NOT NULL,
    merge_id uuid,
    match_id uuid,
    statement text,
    opened_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    decision text,
    reason text,
    staff text,
    second_staff text,
    decided_at timestamp with time zone,
    cause_id uuid NOT NULL,
    xact xid8 NOT NULL,
    card_id uuid,
    figures jsonb,
    CONSTRAINT balance_case_names_its_card CHECK (((kind = 'balance'::text) = (card_id IS NOT NULL))),
    CONSTRAINT case_is_due_in_three_days CHECK ((due_at = (opened_at + '72:00:00'::interval))),
    CONSTRAINT case_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'decided'::text]))),
    CONSTRAINT decided_case_has_its_decision CHECK ((num_nulls(decision, decided_at) =
CASE state
    WHEN 'decided'::text THEN 0
    ELSE 2
END)),
    CONSTRAINT dispute_names_its_merge CHECK (((kind <> 'dispute'::text) OR (merge_id IS NOT NULL))),
    CONSTRAINT four_eyes_are_two_people CHECK ((lower(staff) <> lower(second_staff))),
    CONSTRAINT match_case_names_its_match CHECK (((kind = 'match'::text) = (match_id IS NOT NULL))),
    CONSTRAINT refusal_case_names_its_merge CHECK (((kind <> 'core_refusal'::text) OR (merge_id IS NOT NULL)))
);

ALTER TABLE public.cases OWNER TO sepakat_owner;

COMMENT ON COLUMN public.cases.decision IS 'Of a dispute: restored or accepted by the agency; withdrawn when the participant accepted the merge instead.
Of a possible match: linked or refused. Of a refusal by the core: acknowledged (it did carry it out), reversed, or settled outside.
Of a balance: ours (the core was wrong), theirs_corrected (the missing events came), agreed (a later report said the same).';

COMMENT ON COLUMN public.cases.xact IS 'The transaction that opened or decided it: a step of its merge is taken in no other.';

COMMENT ON COLUMN public.cases.card_id IS 'Of a balance: the card that it is about.';

COMMENT ON COLUMN public.cases.figures IS 'What was told when the case opened: of a refusal what stands in the way, of a balance both figures.';

CREATE FUNCTION public.lock_case(p_case_id uuid) RETURNS public.cases
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_participant_id uuid;
    v_other_id uuid;
    v_case public.cases;
BEGIN
    SELECT o.participant_id INTO v_participant_id FROM public.case_owners AS o WHERE o.case_id = p_case_id;
    SELECT m.other_participant_id INTO v_other_id
    FROM public.cases AS c
    JOIN public.possible_matches AS m ON m.participant_id = c.participant_id AND m.match_id = c.match_id
    WHERE c.participant_id = v_participant_id AND c.case_id = p_case_id;
    PERFORM FROM public.participant_heads AS h
    WHERE h.participant_id IN (v_participant_id, v_other_id) ORDER BY h.participant_id FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c WHERE c.participant_id = v_participant_id AND c.case_id = p_case_id FOR UPDATE;
    RETURN v_case;
END
$$;

ALTER FUNCTION public.lock_case(p_case_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT h.seq, public.lane_of(h.participant_id) FROM public.participant_heads AS h
    WHERE h.participant_id = p_participant_id FOR UPDATE
$$;

ALTER FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) OWNER TO sepakat_writer;

CREATE FUNCTION public.log_case_look(p_case public.cases, p_staff public.staff_member, p_purpose text, p_what text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_told jsonb;
    v_other_id uuid;
BEGIN
    PERFORM public.check_purpose(p_case.kind, p_purpose);
    v_told := jsonb_build_array(public.log_look(p_case.participant_id, p_staff, p_purpose, p_what, p_case.case_id));
    SELECT m.other_participant_id INTO v_other_id FROM public.possible_matches AS m
    WHERE m.participant_id = p_case.participant_id AND m.match_id = p_case.match_id;
    IF v_other_id IS NOT NULL THEN
        v_told := v_told || public.log_look(v_other_id, p_staff, p_purpose,
            CASE p_what WHEN 'case' THEN 'card' ELSE p_what END, p_case.case_id);
    END IF;
    RETURN v_told;
END
$$;

ALTER FUNCTION public.log_case_look(p_case public.cases, p_staff public.staff_member, p_purpose text, p_what text) OWNER TO sepakat_writer;

CREATE FUNCTION public.log_look(p_participant_id uuid, p_staff public.staff_member, p_purpose text, p_what text, p_case_id uuid DEFAULT NULL::uuid, p_code_id uuid DEFAULT NULL::uuid, p_document_id uuid DEFAULT NULL::uuid) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_look_id uuid;
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    INSERT INTO public.access_log (participant_id, looked_at, what, purpose, case_id, code_id, document_id, issuer, staff,
        staff_role, shown_as, xact)
    VALUES (p_participant_id, public.current_instant(), p_what, p_purpose, p_case_id, p_code_id, p_document_id, p_staff.issuer,
        p_staff.subject, p_staff.role, p_staff.shown_as, pg_current_xact_id())
    RETURNING look_id INTO v_look_id;
    v_cause_id := public.record_cause(p_participant_id, 'agency', p_staff.shown_as);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'looked_at', NULL, NULL, v_cause_id, jsonb_strip_nulls(
        jsonb_build_object('look_id', v_look_id, 'what', p_what, 'purpose', p_purpose, 'case_id', p_case_id,
            'document_id', p_document_id, 'staff', p_staff.shown_as, 'staff_role', p_staff.role)))::public.history_entry]);
    RETURN jsonb_build_object('participant_id', p_participant_id, 'lane', public.lane_of(p_participant_id));
END
$$;

ALTER FUNCTION public.log_look(p_participant_id uuid, p_staff public.staff_member, p_purpose text, p_what text, p_case_id uuid, p_code_id uuid, p_document_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.look_for_streams(p_participants uuid[], p_sessions uuid[], p_afters bigint[], p_most integer) RETURNS TABLE(place bigint, participant_id uuid, locale text, now timestamp with time zone, head bigint, read_up_to bigint, seq bigint, kind text, reach text, severity text, wording text, data text, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, hash bytea, origin text, actor text, reason text, read boolean, acknowledged boolean, explained_by uuid[])
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.look_for_streams(p_participants uuid[], p_sessions uuid[], p_afters bigint[], p_most integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.make_support_code(p_participant_id uuid, p_code_id uuid, p_code_hash bytea, p_actor text) RETURNS timestamp with time zone
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF (SELECT count(*) FROM public.support_codes AS c
        WHERE c.participant_id = p_participant_id AND c.made_at > v_now - interval '1 day') >= 20
    THEN
        PERFORM public.refuse('twenty_support_codes_a_day', 'a participant makes at most 20 support codes a day');
    END IF;
    DELETE FROM public.support_code_owners AS o USING public.support_codes AS c
    WHERE c.participant_id = p_participant_id AND o.code_hash = c.code_hash AND (c.used_at IS NULL OR c.view_until <= v_now);
    UPDATE public.support_codes AS c SET expires_at = v_now
    WHERE c.participant_id = p_participant_id AND c.used_at IS NULL AND c.expires_at > v_now;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor);
    INSERT INTO public.support_codes (participant_id, code_id, code_hash, made_at, expires_at, cause_id)
    VALUES (p_participant_id, p_code_id, p_code_hash, v_now, v_now + interval '15 minutes', v_cause_id);
    INSERT INTO public.support_code_owners (code_hash, participant_id, code_id) VALUES (p_code_hash, p_participant_id, p_code_id);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'support_code_made', NULL, NULL, v_cause_id,
        jsonb_build_object('expires_at', v_now + interval '15 minutes'))::public.history_entry]);
    RETURN v_now + interval '15 minutes';
END
$$;

ALTER FUNCTION public.make_support_code(p_participant_id uuid, p_code_id uuid, p_code_hash bytea, p_actor text) OWNER TO sepakat_writer;

CREATE FUNCTION public.merges_for_staff(p_participant_id uuid, p_merge_id uuid, p_limit integer) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT coalesce(jsonb_agg(m.shown ORDER BY m.proposed_at DESC), '[]')
    FROM (
        SELECT m.proposed_at, jsonb_build_object('id', m.merge_id, 'state', m.state, 'core', m.core,
            'proposed_by', m.proposed_by, 'reason', m.reason,
            'absorb', array(SELECT k.kpj FROM public.cards AS k
                WHERE k.participant_id = m.participant_id AND k.card_id = ANY (m.absorb) ORDER BY k.kpj),
            'into', (SELECT k.kpj FROM public.cards AS k
                WHERE k.participant_id = m.participant_id AND k.card_id = m.into_card),
            'consent', CASE WHEN m.confirmation_id IS NOT NULL THEN 'confirmed' WHEN m.reported IS NOT NULL THEN 'none_on_file' END,
            'reported', m.reported, 'proposed_at', m.proposed_at, 'confirmed_at', m.confirmed_at, 'executed_at', m.executed_at,
            'closed_at', m.closed_at) AS shown
        FROM public.merges AS m
        WHERE m.participant_id = p_participant_id AND (p_merge_id IS NULL OR m.merge_id = p_merge_id)
        ORDER BY m.proposed_at DESC LIMIT p_limit
    ) AS m
$$;

ALTER FUNCTION public.merges_for_staff(p_participant_id uuid, p_merge_id uuid, p_limit integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.never_suggest(p_participant_id uuid, p_merge_id uuid, p_actor text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
    v_pairs uuid[][];
    v_merge public.merges;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
    SELECT array_agg(ARRAY[least(a.card_id, v_merge.into_card), greatest(a.card_id, v_merge.into_card)]) INTO v_pairs
    FROM unnest(v_merge.absorb) AS a (card_id)
    WHERE NOT EXISTS (
        SELECT FROM public.never_suggested_pairs AS n
        WHERE n.participant_id = p_participant_id AND n.card_id = least(a.card_id, v_merge.into_card)
            AND n.other_card_id = greatest(a.card_id, v_merge.into_card));
    IF v_pairs IS NULL THEN
        RETURN 0;
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor, p_merge_id => p_merge_id);
    INSERT INTO public.never_suggested_pairs (participant_id, card_id, other_card_id, merge_id, said_at, cause_id)
    SELECT p_participant_id, v_pairs[i][1], v_pairs[i][2], p_merge_id, public.current_instant(), v_cause_id
    FROM generate_subscripts(v_pairs, 1) AS i;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'merge_never_suggested', NULL, p_merge_id, v_cause_id,
        jsonb_build_object(
            'absorb', (SELECT jsonb_agg(k.kpj ORDER BY k.kpj) FROM public.cards AS k
                WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb)),
            'into', (SELECT k.kpj FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.card_id = v_merge.into_card)
        ))::public.history_entry]);
    RETURN cardinality(v_pairs) / 2;
END
$$;

ALTER FUNCTION public.never_suggest(p_participant_id uuid, p_merge_id uuid, p_actor text) OWNER TO sepakat_writer;

CREATE FUNCTION public.notify_old_contact(p_participant_id uuid, p_channel text, p_contact bytea, p_cause_id uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO public.contact_messages (participant_id, what, channel, contact_sealed, expires_at, cause_id)
    SELECT p_participant_id, 'notice', p_channel, p_contact, public.current_instant() + interval '72 hours', p_cause_id
    WHERE p_contact IS NOT NULL
$$;

ALTER FUNCTION public.notify_old_contact(p_participant_id uuid, p_channel text, p_contact bytea, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.objects_to(p_participant_id uuid, p_purpose text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT coalesce((
        SELECT c.choice = 'withdrawn' FROM public.consent_choices AS c
        WHERE c.participant_id = p_participant_id AND c.purpose = p_purpose
        ORDER BY c.chosen_at DESC, c.cause_id DESC LIMIT 1), false)
$$;

ALTER FUNCTION public.objects_to(p_participant_id uuid, p_purpose text) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.objects_to(p_participant_id uuid, p_purpose text) IS 'Whether the newest choice about a purpose is an objection.';

CREATE FUNCTION public.open_cards(p_cards public.card_opening[], p_entries public.card_change[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_entries public.history_entry[];
BEGIN
    PERFORM FROM public.participant_heads h
    WHERE h.participant_id IN (SELECT c.participant_id FROM unnest(p_cards) AS c)
    ORDER BY h.participant_id FOR UPDATE;
    IF EXISTS (
        SELECT FROM unnest(p_entries) AS e
        WHERE e.ledger_kind NOT IN ('opening', 'contribution', 'contribution_reversal', 'growth', 'claim_payment') OR e.amount IS NULL
            OR NOT EXISTS (SELECT FROM unnest(p_cards) AS c WHERE c.participant_id = e.participant_id AND c.card_id = e.card_id
                AND c.cause_id = e.cause_id)
    ) THEN
        PERFORM public.refuse('cards_open_with_their_own_entries', 'an opened card comes with entries of its own only');
    END IF;
    INSERT INTO public.card_numbers (kpj, participant_id, card_id)
    SELECT c.kpj, c.participant_id, c.card_id FROM unnest(p_cards) AS c ORDER BY c.kpj;
    INSERT INTO public.cards
        (participant_id, card_id, kpj, segment, employer_id, programmes, opened_on, closed_on, lifecycle, claim_id, balance)
    SELECT c.participant_id, c.card_id, c.kpj, c.segment, c.employer_id, c.programmes, c.opened_on, c.closed_on, c.lifecycle,
        c.claim_id, CASE WHEN 'JHT' = ANY (c.programmes) THEN 0 END
    FROM unnest(p_cards) AS c;

    PERFORM public.post_entries(p_entries);

    SELECT array_agg(ROW(k.participant_id, 'card_opened', k.card_id, NULL, c.cause_id, jsonb_build_object(
            'kpj', k.kpj, 'status_before', NULL, 'status_after', k.status, 'balance_before', NULL, 'balance_after', k.balance,
            'opened_on', k.opened_on, 'employer', (SELECT name FROM public.employers WHERE employer_id = k.employer_id)
        ))::public.history_entry ORDER BY k.participant_id, k.kpj) INTO v_entries
    FROM unnest(p_cards) AS c
    JOIN public.cards AS k ON k.participant_id = c.participant_id AND k.card_id = c.card_id;
    PERFORM public.append_history(v_entries);
END
$$;

ALTER FUNCTION public.open_cards(p_cards public.card_opening[], p_entries public.card_change[]) OWNER TO sepakat_writer;

CREATE TABLE public.challenges (
    nonce bytea NOT NULL,
    purpose text NOT NULL,
    participant_id uuid,
    device_id uuid,
    subject_id uuid,
    expires_at timestamp with time zone NOT NULL,
    spent_at timestamp with time zone,
    CONSTRAINT nonce_has_32_bytes CHECK ((length(nonce) = 32)),
    CONSTRAINT purpose_is_known CHECK ((purpose = ANY (ARRAY['sign_in'::text, 'merge'::text, 'undo'::text, 'accept'::text, 'unlock'::text, 'add_key'::text, 'remove_key'::text, 'change_contact'::text])))
);

ALTER TABLE public.challenges OWNER TO sepakat_owner;

CREATE FUNCTION public.open_challenge(p_nonce bytea) RETURNS SETOF public.challenges
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT c.* FROM public.challenges AS c WHERE c.nonce = p_nonce FOR UPDATE $$;

ALTER FUNCTION public.open_challenge(p_nonce bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.open_heir_case(p_participant_id uuid, p_code text, p_case_id uuid, p_name text, p_phone_sealed bytea, p_relation text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_code public.branch_codes := public.spend_branch_code(p_participant_id, p_code, 'heir', p_case_id);
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
BEGIN
    IF v_code.code_id IS NULL THEN
        RETURN false;
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'system', 'heir', format('branch code, %s', v_code.branch));
    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases (participant_id, case_id, kind, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'heir', v_now, v_now + interval '72 hours', 'open', v_cause_id, pg_current_xact_id());
    INSERT INTO public.heir_claims (participant_id, case_id, code_id, name, phone_sealed, relation)
    VALUES (p_participant_id, p_case_id, v_code.code_id, p_name, p_phone_sealed, p_relation);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'heir_reported', NULL, NULL, v_cause_id, jsonb_build_object(
        'case_id', p_case_id, 'branch', v_code.branch, 'relation', p_relation, 'due_at', v_now + interval '72 hours'
    ))::public.history_entry]);
    RETURN true;
END
$$;

ALTER FUNCTION public.open_heir_case(p_participant_id uuid, p_code text, p_case_id uuid, p_name text, p_phone_sealed bytea, p_relation text) OWNER TO sepakat_writer;

CREATE FUNCTION public.open_proposal(p_participant_id uuid, p_case_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT jsonb_build_object('decision', p.decision, 'reason', p.reason, 'issuer', p.issuer, 'staff', p.staff,
        'staff_role', p.staff_role, 'proposed_at', p.proposed_at)
    FROM public.case_proposals AS p
    WHERE p.participant_id = p_participant_id AND p.case_id = p_case_id AND p.state = 'open'
$$;

ALTER FUNCTION public.open_proposal(p_participant_id uuid, p_case_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.open_refusal_case(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.merges AS m SET core = 'refused', cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id
        AND m.state IN ('executed', 'undone') AND m.core = 'pending'
    RETURNING * INTO v_merge;
    IF v_merge.merge_id IS NULL THEN
        PERFORM public.refuse('core_answers_once', 'only what the core has not answered yet is refused');
    END IF;
    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases
        (participant_id, case_id, kind, merge_id, figures, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'core_refusal', p_merge_id, p_figures, v_now, v_now + interval '72 hours', 'open',
        p_cause_id, pg_current_xact_id());
    PERFORM public.tell_of_core_answer(v_merge,
        CASE v_merge.state WHEN 'undone' THEN 'undo_refused_by_core' ELSE 'merge_refusal_disputed' END, p_cause_id,
        jsonb_build_object('case_id', p_case_id, 'due_at', v_now + interval '72 hours', 'obstacle', p_figures -> 'obstacle',
            'figures', p_figures));
END
$$;

ALTER FUNCTION public.open_refusal_case(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.open_support_view(p_code_hash bytea, p_staff public.staff_member, p_purpose text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_hour timestamptz := date_trunc('hour', public.current_instant());
    v_tries integer;
    v_owner public.support_code_owners;
    v_code public.support_codes;
    v_told jsonb;
BEGIN
    DELETE FROM public.support_code_tries AS t
    WHERE t.issuer = p_staff.issuer AND t.staff = lower(p_staff.subject) AND t.hour < v_hour;
    INSERT INTO public.support_code_tries AS t (issuer, staff, hour, tries) VALUES (p_staff.issuer, lower(p_staff.subject), v_hour, 1)
    ON CONFLICT (issuer, staff, hour) DO UPDATE SET tries = t.tries + 1 WHERE t.tries < 10
    RETURNING t.tries INTO v_tries;
    IF v_tries IS NULL THEN
        RETURN jsonb_build_object('again_at', v_hour + interval '1 hour');
    END IF;
    SELECT * INTO v_owner FROM public.support_code_owners AS o WHERE o.code_hash = p_code_hash;
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = v_owner.participant_id FOR UPDATE;
    UPDATE public.support_codes AS c SET used_at = v_now, issuer = p_staff.issuer, staff = p_staff.subject,
        view_until = v_now + interval '15 minutes'
    WHERE c.participant_id = v_owner.participant_id AND c.code_id = v_owner.code_id AND c.used_at IS NULL AND c.expires_at > v_now;
    SELECT * INTO v_code FROM public.support_codes AS c
    WHERE c.participant_id = v_owner.participant_id AND c.code_id = v_owner.code_id AND c.view_until > v_now
        AND c.issuer = p_staff.issuer AND lower(c.staff) = lower(p_staff.subject);
    IF v_code.code_id IS NULL THEN
        RETURN jsonb_build_object('tries_left', 10 - v_tries);
    END IF;
    UPDATE public.support_code_tries AS t SET tries = t.tries - 1
    WHERE t.issuer = p_staff.issuer AND t.staff = lower(p_staff.subject) AND t.hour = v_hour;
    v_told := jsonb_build_array(public.log_look(v_code.participant_id, p_staff, p_purpose, 'person', p_code_id => v_code.code_id));
    RETURN jsonb_build_object(
        'told', v_told,
        'view_until', v_code.view_until,
        'person', public.person_for_staff(v_code.participant_id),
        'cards', public.cards_for_staff(v_code.participant_id, NULL),
        'merges', public.merges_for_staff(v_code.participant_id, NULL, 20),
        'cases', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', c.case_id, 'kind', c.kind, 'state', c.state,
                'opened_at', c.opened_at, 'due_at', c.due_at, 'decision', c.decision) ORDER BY c.opened_at DESC, c.case_id), '[]')
            FROM public.cases AS c WHERE c.participant_id = v_code.participant_id),
        'history', public.history_for_staff(v_code.participant_id, NULL, NULL));
END
$$;

ALTER FUNCTION public.open_support_view(p_code_hash bytea, p_staff public.staff_member, p_purpose text) OWNER TO sepakat_writer;

CREATE FUNCTION public.person_for_staff(p_participant_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT jsonb_build_object('participant_id', p.participant_id, 'name', p.name, 'birth_date', p.birth_date,
        'nik_sealed', encode(p.nik_sealed, 'hex'), 'phone_sealed', encode(p.phone_sealed, 'hex'),
        'email_sealed', encode(p.email_sealed, 'hex'), 'locale', p.locale, 'deceased_on', p.deceased_on)
    FROM public.participants AS p WHERE p.participant_id = p_participant_id
$$;

ALTER FUNCTION public.person_for_staff(p_participant_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.post_entries(p_changes public.card_change[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.participant_heads h
    WHERE h.participant_id IN (SELECT c.participant_id FROM unnest(p_changes) AS c)
    ORDER BY h.participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k
    WHERE (k.participant_id, k.card_id) IN (SELECT c.participant_id, c.card_id FROM unnest(p_changes) AS c)
    ORDER BY k.participant_id, k.kpj FOR UPDATE;

    IF EXISTS (
        SELECT FROM unnest(p_changes) AS c JOIN public.cards AS k ON k.participant_id = c.participant_id AND k.card_id = c.card_id
        WHERE c.amount IS NOT NULL AND k.balance IS NULL
    ) THEN
        PERFORM public.refuse('only_jht_has_a_balance', 'money was posted to a card without JHT');
    END IF;

    WITH entry AS MATERIALIZED (
        SELECT c.participant_id, c.card_id, c.cause_id, c.ledger_kind, c.amount, c.effective_on, c.employer_id, c.month, c.year,
            c.received_for_kpj, c.transfer_id, c.source_event, c.position,
            k.entries + row_number() OVER card AS number, k.balance + sum(c.amount) OVER card AS balance_after
        FROM unnest(p_changes) WITH ORDINALITY AS c (participant_id, card_id, cause_id, kind, ledger_kind, amount, effective_on,
            employer_id, month, year, received_for_kpj, transfer_id, source_event, patch, data, position)
        JOIN public.cards AS k ON k.participant_id = c.participant_id AND k.card_id = c.card_id
        WHERE c.amount IS NOT NULL
        WINDOW card AS (PARTITION BY c.participant_id, c.card_id ORDER BY c.position)
    ), written AS (
        INSERT INTO public.ledger_entries
            (participant_id, card_id, number, kind, amount, balance_after, effective_on, recorded_at, employer_id, month, year,
            received_for_kpj, transfer_id, source_event, cause_id)
        SELECT participant_id, card_id, number, ledger_kind, amount, balance_after, effective_on, public.current_instant(),
            employer_id, month, year, received_for_kpj, transfer_id, source_event, cause_id
        FROM entry ORDER BY participant_id, card_id, number
    ), last AS (
        SELECT DISTINCT ON (participant_id, card_id) participant_id, card_id, number, balance_after
        FROM entry ORDER BY participant_id, card_id, number DESC
    ), contribution AS (
        SELECT DISTINCT ON (participant_id, card_id) participant_id, card_id, month, amount
        FROM entry WHERE ledger_kind = 'contribution' ORDER BY participant_id, card_id, month DESC, number DESC
    )
    UPDATE public.cards AS k SET
        entries = last.number,
        balance = last.balance_after,
        last_contribution_month = CASE WHEN c.month >= coalesce(k.last_contribution_month, c.month)
            THEN c.month ELSE k.last_contribution_month END,
        last_contribution_amount = CASE WHEN c.month >= coalesce(k.last_contribution_month, c.month)
            THEN c.amount ELSE k.last_contribution_amount END
    FROM last LEFT JOIN contribution AS c ON c.participant_id = last.participant_id AND c.card_id = last.card_id
    WHERE k.participant_id = last.participant_id AND k.card_id = last.card_id;
END
$$;

ALTER FUNCTION public.post_entries(p_changes public.card_change[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.preferences_of(p_participant_id uuid) RETURNS jsonb
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT jsonb_build_object('locale', p.locale, 'time_zone', p.time_zone,
        'quiet_hours', to_char(q.starts_at, 'HH24:MI') || '–' || to_char(q.ends_at, 'HH24:MI'),
        'channels', ARRAY(SELECT o.class || ' ' || o.channel FROM public.switched_off AS o
            WHERE o.participant_id = p.participant_id ORDER BY o.class, o.channel))
    FROM public.participants AS p
    LEFT JOIN public.quiet_hours AS q ON q.participant_id = p.participant_id
    WHERE p.participant_id = p_participant_id
$$;

ALTER FUNCTION public.preferences_of(p_participant_id uuid) OWNER TO sepakat_writer;

COMMENT ON FUNCTION public.preferences_of(p_participant_id uuid) IS 'As the entry about a change of them keeps them; channels are those switched off.';

CREATE FUNCTION public.propose_decision(p_case_id uuid, p_decision text, p_reason text, p_staff public.staff_member) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases := public.lock_case(p_case_id);
BEGIN
    IF v_case.state IS DISTINCT FROM 'open' THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    IF (v_case.kind, p_decision) NOT IN (
        ('dispute', 'restored'), ('dispute', 'accepted'), ('match', 'linked'), ('match', 'refused'),
        ('core_refusal', 'acknowledged'), ('core_refusal', 'settled'), ('balance', 'ours'), ('balance', 'theirs_corrected'),
        ('correction', 'corrected'), ('correction', 'refused'), ('unreached', 'reached'), ('unreached', 'not_reached'))
    THEN
        PERFORM public.refuse('decision_fits_the_case', format('a case of kind %s is not decided like that', v_case.kind));
    END IF;
    UPDATE public.case_proposals AS p SET state = 'replaced', closed_at = public.current_instant()
    WHERE p.participant_id = v_case.participant_id AND p.case_id = p_case_id AND p.state = 'open'
        AND (p_staff.role = 'supervisor' OR (lower(p.staff), p.issuer) = (lower(p_staff.subject), p_staff.issuer));
    INSERT INTO public.case_proposals
        (participant_id, case_id, decision, reason, issuer, staff, staff_role, shown_as, proposed_at, state)
    VALUES (v_case.participant_id, p_case_id, p_decision, p_reason, p_staff.issuer, p_staff.subject, p_staff.role,
        p_staff.shown_as, public.current_instant(), 'open');
    RETURN public.log_case_look(v_case, p_staff, v_case.kind, 'decision');
END
$$;

ALTER FUNCTION public.propose_decision(p_case_id uuid, p_decision text, p_reason text, p_staff public.staff_member) OWNER TO sepakat_writer;

CREATE FUNCTION public.prove_inclusion(p_participant_id uuid) RETURNS TABLE(signed jsonb, bucket smallint, seq bigint, place integer, leaves bytea[], buckets smallint[], bucket_roots bytea[])
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT r.signed, mine.bucket, mine.seq,
        (SELECT count(*)::integer FROM public.rooted_heads AS o
            WHERE o.bucket = mine.bucket AND o.participant_id < mine.participant_id),
        array(SELECT o.leaf FROM public.rooted_heads AS o WHERE o.bucket = mine.bucket ORDER BY o.participant_id),
        array(SELECT b.bucket FROM public.root_buckets AS b ORDER BY b.bucket),
        array(SELECT b.root FROM public.root_buckets AS b ORDER BY b.bucket)
    FROM public.rooted_heads AS mine
    CROSS JOIN LATERAL (SELECT n.signed FROM public.history_roots AS n ORDER BY n.number DESC LIMIT 1) AS r
    WHERE mine.bucket = public.bucket_of(p_participant_id) AND mine.participant_id = p_participant_id
        AND p_participant_id = public.entered_participant()
$$;

ALTER FUNCTION public.prove_inclusion(p_participant_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.publish_announcement(p_announcement_id uuid, p_event_id text, p_severity text, p_audience jsonb, p_niks bytea[], p_canonical bytea, p_explains_kinds text[], p_explains_from date, p_explains_until date, p_explains_events text[], p_explains_merges uuid[], p_replaces uuid, p_staff text, p_second_staff text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.publish_announcement(p_announcement_id uuid, p_event_id text, p_severity text, p_audience jsonb, p_niks bytea[], p_canonical bytea, p_explains_kinds text[], p_explains_from date, p_explains_until date, p_explains_events text[], p_explains_merges uuid[], p_replaces uuid, p_staff text, p_second_staff text) OWNER TO sepakat_writer;

CREATE FUNCTION public.queue_for_matching() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO public.match_queue (participant_id, queued_at) VALUES (new.participant_id, clock_timestamp())
    ON CONFLICT (participant_id) DO UPDATE SET queued_at = excluded.queued_at;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.queue_for_matching() OWNER TO sepakat_writer;

CREATE FUNCTION public.read_case_for_staff(p_case_id uuid, p_staff public.staff_member, p_purpose text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases := public.lock_case(p_case_id);
    v_told jsonb;
    v_cards uuid[];
    v_match public.possible_matches;
BEGIN
    IF v_case.case_id IS NULL THEN
        RETURN NULL;
    END IF;
    v_told := public.log_case_look(v_case, p_staff, p_purpose, 'case');
    SELECT m.absorb || m.into_card INTO v_cards FROM public.merges AS m
    WHERE m.participant_id = v_case.participant_id AND m.merge_id = v_case.merge_id;
    SELECT * INTO v_match FROM public.possible_matches AS m
    WHERE m.participant_id = v_case.participant_id AND m.match_id = v_case.match_id;
    RETURN jsonb_build_object(
        'told', v_told,
        'case', jsonb_build_object('id', v_case.case_id, 'kind', v_case.kind, 'state', v_case.state,
            'statement', v_case.statement, 'figures', v_case.figures, 'opened_at', v_case.opened_at, 'due_at', v_case.due_at,
            'decision', v_case.decision, 'reason', v_case.reason, 'decided_at', v_case.decided_at,
            'correction', (SELECT jsonb_build_object('field', r.field, 'wanted_sealed', encode(r.wanted_sealed, 'hex'))
                FROM public.corrections AS r
                WHERE r.participant_id = v_case.participant_id AND r.case_id = v_case.case_id)),
        'proposal', CASE WHEN v_case.state = 'open' THEN public.open_proposal(v_case.participant_id, v_case.case_id) END,
        'person', public.person_for_staff(v_case.participant_id),
        -- of a case about nothing in particular, every card
        'cards', public.cards_for_staff(v_case.participant_id, v_cards),
        'merge', CASE WHEN v_case.merge_id IS NOT NULL
            THEN public.merges_for_staff(v_case.participant_id, v_case.merge_id, 1) -> 0 END,
        'match', CASE WHEN v_match.match_id IS NOT NULL THEN jsonb_build_object(
            'rule', v_match.rule, 'rules_version', v_match.rules_version, 'found_at', v_match.found_at,
            'registered', public.person_for_staff(v_match.other_participant_id),
            'card', public.cards_for_staff(v_match.other_participant_id, ARRAY[v_match.other_card_id]) -> 0) END,
        'documents', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', d.document_id, 'kind', d.kind,
                'media_type', d.media_type, 'bytes', d.bytes, 'sha256', encode(d.sha256, 'hex'),
                'stored_at', d.stored_at) ORDER BY d.stored_at, d.document_id), '[]')
            FROM public.documents AS d
            WHERE d.participant_id = v_case.participant_id AND d.stored_at IS NOT NULL
                AND ((d.about = 'merge' AND d.subject_id = v_case.merge_id)
                    OR (d.about = 'match' AND d.subject_id = v_case.match_id))),
        'history', public.history_for_staff(v_case.participant_id,
            CASE WHEN v_match.match_id IS NULL THEN v_cards ELSE '{}' END, v_case.merge_id));
END
$$;

ALTER FUNCTION public.read_case_for_staff(p_case_id uuid, p_staff public.staff_member, p_purpose text) OWNER TO sepakat_writer;

CREATE FUNCTION public.read_document_for_staff(p_case_id uuid, p_document_id uuid, p_staff public.staff_member, p_purpose text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_case public.cases := public.lock_case(p_case_id);
    v_document public.documents;
BEGIN
    SELECT * INTO v_document FROM public.documents AS d
    WHERE d.participant_id = v_case.participant_id AND d.document_id = p_document_id AND d.stored_at IS NOT NULL
        AND ((d.about = 'merge' AND d.subject_id = v_case.merge_id) OR (d.about = 'match' AND d.subject_id = v_case.match_id));
    IF v_document.document_id IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM public.check_purpose(v_case.kind, p_purpose);
    RETURN jsonb_build_object('told', jsonb_build_array(public.log_look(v_case.participant_id, p_staff, p_purpose, 'document',
            v_case.case_id, p_document_id => p_document_id)),
        'kind', v_document.kind, 'media_type', v_document.media_type, 'bytes', v_document.bytes,
        'sha256', encode(v_document.sha256, 'hex'));
END
$$;

ALTER FUNCTION public.read_document_for_staff(p_case_id uuid, p_document_id uuid, p_staff public.staff_member, p_purpose text) OWNER TO sepakat_writer;

CREATE FUNCTION public.reconcile_agreeing(p_from bigint, p_to bigint, p_as_of date) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    WITH found AS (
        SELECT r.line, r.theirs, r.status, n.participant_id, n.card_id, k.balance,
            b.as_of > p_as_of AS outdated,
            EXISTS (SELECT FROM public.cases AS c
                WHERE c.participant_id = n.participant_id AND c.card_id = n.card_id AND c.state = 'open') AS disputed
        FROM public.reconciled_cards AS r
        LEFT JOIN public.card_numbers AS n ON n.kpj = r.kpj
        LEFT JOIN public.cards AS k ON k.participant_id = n.participant_id AND k.card_id = n.card_id
        LEFT JOIN public.balance_comparisons AS b ON b.participant_id = n.participant_id AND b.card_id = n.card_id
        WHERE r.line BETWEEN p_from AND p_to AND r.outcome IS NULL
    ), settled AS (
        UPDATE public.reconciled_cards AS r SET outcome = CASE
            WHEN f.card_id IS NULL THEN 'unknown_here'
            WHEN f.balance IS NULL THEN 'without_savings'
            ELSE 'agrees' END
        FROM found AS f
        WHERE r.line = f.line AND (f.card_id IS NULL OR f.balance IS NULL
            OR (f.theirs = f.balance AND NOT f.disputed AND f.outdated IS NOT TRUE))
        RETURNING r.line, r.outcome
    )
    INSERT INTO public.balance_comparisons AS b (participant_id, card_id, as_of, theirs, ours, status, outcome, compared_at)
    SELECT f.participant_id, f.card_id, p_as_of, f.theirs, f.theirs, f.status, 'agrees', public.current_instant()
    FROM settled AS s JOIN found AS f ON f.line = s.line
    WHERE s.outcome = 'agrees'
    ORDER BY f.participant_id, f.card_id
    ON CONFLICT (participant_id, card_id) DO UPDATE SET as_of = excluded.as_of, theirs = excluded.theirs,
        ours = excluded.ours, status = excluded.status, outcome = excluded.outcome, compared_at = excluded.compared_at
$$;

ALTER FUNCTION public.reconcile_agreeing(p_from bigint, p_to bigint, p_as_of date) OWNER TO sepakat_writer;

CREATE FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text DEFAULT NULL::text, p_merge_id uuid DEFAULT NULL::uuid, p_event_id text DEFAULT NULL::text, p_occurred_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_bulk boolean DEFAULT false) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    IF NOT pg_has_role(session_user, 'sepakat_owner', 'MEMBER')
        AND NOT (p_origin IN ('participant', 'system')
            AND (pg_has_role(session_user, 'sepakat_api', 'MEMBER') OR pg_has_role(session_user, 'sepakat_worker', 'MEMBER')))
        AND NOT (p_origin IN ('agency', 'core', 'import') AND pg_has_role(session_user, 'sepakat_feed', 'MEMBER'))
        AND NOT (p_origin = 'agency' AND pg_has_role(session_user, 'sepakat_staff', 'MEMBER') AND EXISTS (
            SELECT FROM public.access_log AS l
            WHERE l.participant_id = p_participant_id AND l.xact = pg_current_xact_id()))
    THEN
        PERFORM public.refuse('cause_origin_fits_role', format('%s may not act as %s', session_user, p_origin));
    END IF;
    PERFORM FROM public.participant_heads h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF p_origin = 'import' AND EXISTS (
        SELECT FROM public.causes AS c WHERE c.participant_id = p_participant_id AND c.xact <> pg_current_xact_id()
    ) THEN
        PERFORM public.refuse('import_is_the_beginning', 'an import only brings participants that were not known before');
    END IF;
    INSERT INTO public.causes
        (participant_id, origin, actor, reason, merge_id, event_id, bulk, occurred_at, recorded_at, database_role, xact)
    VALUES (p_participant_id, p_origin, p_actor, p_reason, p_merge_id, p_event_id, p_bulk,
        coalesce(p_occurred_at, public.current_instant()), public.current_instant(), session_user, pg_current_xact_id())
    RETURNING cause_id INTO v_cause_id;
    RETURN v_cause_id;
END
$$;

ALTER FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) OWNER TO sepakat_writer;

CREATE FUNCTION public.record_death(p_participant_id uuid, p_on date, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.participants AS p SET deceased_on = p_on WHERE p.participant_id = p_participant_id AND p.deceased_on IS NULL;
    IF NOT FOUND THEN
        PERFORM public.refuse('death_is_told_once', 'a day of death is on file already');
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'participant_deceased', NULL, NULL, p_cause_id,
        jsonb_build_object('on', p_on))::public.history_entry]);
    PERFORM public.cancel_open_merges(p_participant_id, NULL, 'participant_deceased', p_cause_id);
END
$$;

ALTER FUNCTION public.record_death(p_participant_id uuid, p_on date, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.record_ported_number(p_participant_id uuid, p_on date, p_hold interval, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_doubtful uuid[];
    v_held record;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.participants AS p SET phone_since = greatest(p.phone_since, p_on) WHERE p.participant_id = p_participant_id;

    WITH RECURSIVE doubtful AS (
        SELECT k.key_id FROM public.keys AS k
        WHERE k.participant_id = p_participant_id AND (k.vouched_by IS NULL OR k.passkey_id IS NOT NULL)
            AND (public.jakarta_day(k.added_at) >= p_on OR k.hold_until > v_now)
        UNION
        SELECT k.key_id FROM public.keys AS k JOIN doubtful ON k.vouched_by = doubtful.key_id
        WHERE k.participant_id = p_participant_id
    )
    SELECT coalesce(array_agg(key_id), '{}') INTO v_doubtful FROM doubtful;

    SELECT * INTO v_held FROM public.hold_keys(p_participant_id, v_doubtful, v_now + p_hold);
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'phone_ported', NULL, NULL, p_cause_id, jsonb_build_object(
        'on', p_on, 'devices', v_held.devices, 'passkeys', v_held.passkeys,
        'hold_until', CASE WHEN num_nonnulls(v_held.devices, v_held.passkeys) > 0 THEN v_now + p_hold END))::public.history_entry]);
    PERFORM public.delay_confirmed_merges(p_participant_id, v_doubtful, v_now + p_hold, p_cause_id);
END
$$;

ALTER FUNCTION public.record_ported_number(p_participant_id uuid, p_on date, p_hold interval, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.recount_last_contributions(p_participant_id uuid, p_card_ids uuid[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.cards AS k SET last_contribution_month = last.month, last_contribution_amount = last.amount
    FROM unnest(p_card_ids) AS named (card_id)
    LEFT JOIN LATERAL (
        SELECT c.month, c.amount
        FROM public.standing_contributions(p_participant_id, NULL, NULL) AS c
        WHERE c.card_id = named.card_id
        ORDER BY c.month DESC, c.recorded_at DESC, c.entry_id DESC
        LIMIT 1
    ) AS last ON true
    WHERE k.participant_id = p_participant_id AND k.card_id = named.card_id
        AND (k.last_contribution_month, k.last_contribution_amount) IS DISTINCT FROM (last.month, last.amount)
        AND (last.month >= k.last_contribution_month OR NOT EXISTS (
            SELECT FROM public.card_transfers AS t
            WHERE t.participant_id = k.participant_id AND t.card_id = k.card_id AND t.direction = 'in'))
$$;

ALTER FUNCTION public.recount_last_contributions(p_participant_id uuid, p_card_ids uuid[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.refuse(constraint_name text, message text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = message, CONSTRAINT = constraint_name;
END
$$;

ALTER FUNCTION public.refuse(constraint_name text, message text) OWNER TO sepakat_owner;

CREATE FUNCTION public.refuse_bulk_rows(p_run_id uuid, p_after uuid, p_upto uuid, p_broken text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    v_refused bigint;
BEGIN
    WITH row_to_judge AS MATERIALIZED (
        SELECT b.participant_id, b.line, b.event_id, b.amount, b.effective_on, b.year, b.month, b.employer_id,
            own.kpj, own.card_id IS NULL OR own.transferred_at IS NOT NULL AS gone, living.balance,
            sum(b.amount) OVER (PARTITION BY b.participant_id, living.card_id ORDER BY b.line) AS amount_so_far,
            row_number() OVER (PARTITION BY b.participant_id, b.card_id, b.year ORDER BY b.line) AS of_year
        FROM public.bulk_rows AS b
        LEFT JOIN public.cards AS own ON own.participant_id = b.participant_id AND own.card_id = b.card_id
        LEFT JOIN public.cards AS living ON living.participant_id = own.participant_id
            AND living.card_id = CASE WHEN own.merge_mark = 'merged' THEN own.merged_into ELSE own.card_id END
        WHERE b.run_id = p_run_id AND b.participant_id > p_after AND b.participant_id <= p_upto
    ), judged AS MATERIALIZED (
        SELECT r.*, CASE
            WHEN r.gone THEN 'card_unknown'
            WHEN r.balance IS NULL THEN 'card_without_jht'
            WHEN EXISTS (SELECT FROM public.ledger_entries AS l
                WHERE l.participant_id = r.participant_id AND l.source_event = r.event_id) THEN 'already_posted'
            WHEN r.year IS NOT NULL AND (r.of_year > 1 OR EXISTS (
                SELECT FROM public.ledger_entries AS l
                JOIN public.cards AS k ON k.participant_id = l.participant_id AND k.card_id = l.card_id
                WHERE l.participant_id = r.participant_id AND l.kind = 'growth' AND l.year = r.year
                    AND coalesce(l.received_for_kpj, k.kpj) = r.kpj)) THEN 'growth_credited_already'
            WHEN r.balance + r.amount_so_far > 9007199254740991 THEN 'balance_too_large'
            WHEN p_broken IS NOT NULL THEN 'invariant_violated'
            END AS code
        FROM row_to_judge AS r
    ), gone AS (
        DELETE FROM public.bulk_rows AS b USING judged AS j
        WHERE j.code IS NOT NULL AND b.participant_id = j.participant_id AND b.run_id = p_run_id AND b.line = j.line
    ), told AS (
        INSERT INTO public.bulk_refusals (run_id, line, code, detail, amount, effective_on, content)
        SELECT p_run_id, j.line, j.code, CASE WHEN j.code = 'invariant_violated' THEN p_broken END, j.amount, j.effective_on,
            public.bulk_row_as_json(j.event_id, j.kpj, j.amount, j.effective_on, j.year, j.month, j.employer_id)
        FROM judged AS j WHERE j.code IS NOT NULL
    )
    UPDATE public.bulk_runs AS r
    SET refused = r.refused + found.rows, refused_amount = r.refused_amount + found.amount
    FROM (SELECT count(*) AS rows, coalesce(sum(j.amount), 0) AS amount FROM judged AS j WHERE j.code IS NOT NULL) AS found
    WHERE r.run_id = p_run_id
    RETURNING found.rows INTO v_refused;
    RETURN v_refused;
END
$$;

ALTER FUNCTION public.refuse_bulk_rows(p_run_id uuid, p_after uuid, p_upto uuid, p_broken text) OWNER TO sepakat_writer;

CREATE FUNCTION public.refuse_statement() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM public.refuse(tg_argv[0], format('%s on %I is refused: %s', tg_op, tg_table_name, tg_argv[0]));
    RETURN NULL;
END
$$;

ALTER FUNCTION public.refuse_statement() OWNER TO sepakat_owner;

CREATE FUNCTION public.refuse_while_paused() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM public.merge_pause) THEN
        PERFORM public.refuse('merges_are_paused', 'all executions are paused');
    END IF;
END
$$;

ALTER FUNCTION public.refuse_while_paused() OWNER TO sepakat_writer;

CREATE FUNCTION public.register_participant(p_participant_id uuid, p_nik_hash bytea, p_nik_sealed bytea, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    INSERT INTO public.participant_numbers (nik_hash, participant_id) VALUES (p_nik_hash, p_participant_id)
    ON CONFLICT (nik_hash) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO public.participants
        (participant_id, nik_sealed, name, birth_date, phone_sealed, phone_since, email_sealed, locale, time_zone,
        registered_at, deceased_on)
    VALUES (p_participant_id, p_nik_sealed, p_name, p_birth_date, p_phone_sealed, p_phone_since, p_email_sealed,
        coalesce(p_locale, 'id'), coalesce(p_time_zone, 'Asia/Jakarta'), public.current_instant(), p_deceased_on);
    INSERT INTO public.participant_heads (participant_id) VALUES (p_participant_id);
    v_cause_id := public.record_cause(p_participant_id, p_origin, p_actor, p_event_id => p_event_id, p_occurred_at => p_occurred_at);
    PERFORM public.append_history(ARRAY[
        ROW(p_participant_id, 'participant_registered', NULL, NULL, v_cause_id, jsonb_build_object('name', p_name))::public.history_entry
    ]);
    RETURN true;
END
$$;

ALTER FUNCTION public.register_participant(p_participant_id uuid, p_nik_hash bytea, p_nik_sealed bytea, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamp with time zone) OWNER TO sepakat_writer;

CREATE FUNCTION public.replay_deliveries(p_participant_ids uuid[], p_cause_ids uuid[], p_device_ids uuid[]) RETURNS TABLE(delivery_id uuid, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
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

ALTER FUNCTION public.replay_deliveries(p_participant_ids uuid[], p_cause_ids uuid[], p_device_ids uuid[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.report_merge(p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamp with time zone, p_reported jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    INSERT INTO public.merge_owners (merge_id, participant_id) VALUES (p_merge_id, p_participant_id);
    PERFORM public.change_cards(ARRAY[ROW(p_participant_id, p_absorbed, p_cause_id, 'card_merged_without_consent',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        jsonb_build_object('merge_mark', 'merged_without_consent', 'merge_id', p_merge_id, 'merged_into', p_into,
            'merged_at', p_merged_at, 'merged_via', jsonb_build_array(p_merge_id)),
        jsonb_build_object('into', (SELECT kpj FROM public.cards WHERE participant_id = p_participant_id AND card_id = p_into))
    )::public.card_change] || array(
        SELECT ROW(p_participant_id, k.card_id, p_cause_id, 'card_forwarded', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
            jsonb_build_object('merged_into', p_into, 'merged_via', to_jsonb(k.merged_via || p_merge_id)),
            jsonb_build_object('into', (SELECT kpj FROM public.cards WHERE participant_id = p_participant_id AND card_id = p_into))
        )::public.card_change
        FROM public.cards AS k WHERE k.participant_id = p_participant_id AND k.merged_into = p_absorbed
            AND k.merge_mark = 'merged_without_consent'));
    INSERT INTO public.merges (participant_id, merge_id, state, proposed_by, absorb, into_card, proposed_at, reported, cause_id)
    VALUES (p_participant_id, p_merge_id, 'reported', 'core', ARRAY[p_absorbed], p_into, p_merged_at, p_reported, p_cause_id);
END
$$;

ALTER FUNCTION public.report_merge(p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamp with time zone, p_reported jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.reseal_contact_change(p_participant_id uuid, p_change_id uuid, p_value_sealed bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.contact_changes AS c SET value_sealed = p_value_sealed
    WHERE c.participant_id = p_participant_id AND c.change_id = p_change_id AND c.state = 'open'
$$;

ALTER FUNCTION public.reseal_contact_change(p_participant_id uuid, p_change_id uuid, p_value_sealed bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.reseal_contact_message(p_participant_id uuid, p_message_id uuid, p_contact_sealed bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.contact_messages AS m SET contact_sealed = p_contact_sealed
    WHERE m.participant_id = p_participant_id AND m.message_id = p_message_id AND m.state = 'waiting'
$$;

ALTER FUNCTION public.reseal_contact_message(p_participant_id uuid, p_message_id uuid, p_contact_sealed bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.reseal_correction(p_participant_id uuid, p_case_id uuid, p_wanted_sealed bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.corrections AS r SET wanted_sealed = p_wanted_sealed
    WHERE r.participant_id = p_participant_id AND r.case_id = p_case_id
$$;

ALTER FUNCTION public.reseal_correction(p_participant_id uuid, p_case_id uuid, p_wanted_sealed bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.reseal_heir(p_case_id uuid, p_phone_sealed bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.heir_claims AS h SET phone_sealed = p_phone_sealed WHERE h.case_id = p_case_id
$$;

ALTER FUNCTION public.reseal_heir(p_case_id uuid, p_phone_sealed bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.reseal_participant(p_participant_id uuid, p_before bytea[], p_nik_sealed bytea, p_phone_sealed bytea, p_email_sealed bytea) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    UPDATE public.participants AS p
    SET nik_sealed = p_nik_sealed, phone_sealed = p_phone_sealed, email_sealed = p_email_sealed
    WHERE p.participant_id = p_participant_id AND ARRAY[p.nik_sealed, p.phone_sealed, p.email_sealed] = p_before
    RETURNING true
$$;

ALTER FUNCTION public.reseal_participant(p_participant_id uuid, p_before bytea[], p_nik_sealed bytea, p_phone_sealed bytea, p_email_sealed bytea) OWNER TO sepakat_writer;

CREATE FUNCTION public.rest_until_morning(p_lane smallint, p_rows jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.rest_until_morning(p_lane smallint, p_rows jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.reverse_contribution(p_participant_id uuid, p_kpj text, p_reversed_event text, p_event_id text, p_day date, p_reason text, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_entry public.ledger_entries;
    v_paid_for text;
    v_holder public.cards;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_entry FROM public.ledger_entries AS l
    WHERE l.participant_id = p_participant_id AND l.source_event = p_reversed_event AND l.kind = 'contribution';
    IF v_entry.entry_id IS NULL THEN
        PERFORM public.refuse('contribution_is_known', format('no contribution came by event %s', p_reversed_event));
    END IF;
    SELECT coalesce(v_entry.received_for_kpj, k.kpj) INTO v_paid_for FROM public.cards AS k
    WHERE k.participant_id = p_participant_id AND k.card_id = v_entry.card_id;
    IF v_paid_for <> p_kpj THEN
        PERFORM public.refuse('contribution_is_of_this_card', format('the contribution was paid for %s', v_paid_for));
    END IF;
    SELECT holder.* INTO v_holder
    FROM public.standing_contributions(p_participant_id, NULL, NULL) AS c
    JOIN public.cards AS own ON own.participant_id = p_participant_id AND own.card_id = c.card_id
    JOIN public.cards AS holder ON holder.participant_id = own.participant_id
        AND holder.card_id = CASE WHEN own.merge_mark = 'merged' THEN own.merged_into ELSE own.card_id END
    WHERE c.entry_id = v_entry.entry_id;
    IF v_holder.card_id IS NULL THEN
        PERFORM public.refuse('contribution_is_reversed_once', 'this contribution was taken back already');
    END IF;

    PERFORM public.change_cards(ARRAY[ROW(p_participant_id, v_holder.card_id, p_cause_id, 'contribution_reversed',
        'contribution_reversal', -v_entry.amount, p_day, v_entry.employer_id, v_entry.month, NULL,
        CASE WHEN v_holder.kpj <> v_paid_for THEN v_paid_for END, NULL, p_event_id, NULL,
        jsonb_build_object('amount', -v_entry.amount, 'month', to_char(v_entry.month, 'YYYY-MM'), 'reason', p_reason,
            'effective_on', p_day, 'event_id', p_reversed_event,
            'received_for_kpj', CASE WHEN v_holder.kpj <> v_paid_for THEN v_paid_for END,
            'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = v_entry.employer_id))
    )::public.card_change]);
    INSERT INTO public.reversed_contributions
        (participant_id, entry_id, reversal_entry_id, card_id, effective_on, recorded_at, cause_id)
    SELECT p_participant_id, v_entry.entry_id, l.entry_id, l.card_id, l.effective_on, l.recorded_at, p_cause_id
    FROM public.ledger_entries AS l
    WHERE l.participant_id = p_participant_id AND l.source_event = p_event_id AND l.card_id = v_holder.card_id;
    PERFORM public.recount_last_contributions(p_participant_id,
        (SELECT array_agg(k.card_id) FROM public.cards AS k WHERE k.participant_id = p_participant_id));
END
$$;

ALTER FUNCTION public.reverse_contribution(p_participant_id uuid, p_kpj text, p_reversed_event text, p_event_id text, p_day date, p_reason text, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.reverse_merge(p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_splits jsonb, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
    v_plan jsonb;
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM public.refuse_while_paused();
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF v_merge.state IS DISTINCT FROM 'executed'
        OR NOT (v_merge.core = 'pending' OR v_merge.core = 'refused' AND EXISTS (
            SELECT FROM public.cases AS c WHERE c.participant_id = p_participant_id AND c.merge_id = p_merge_id
                AND c.kind = 'core_refusal' AND c.state = 'open'))
        OR public.find_later_merge(p_participant_id, p_merge_id) IS NOT NULL
        OR EXISTS (
            SELECT FROM public.cards AS k WHERE k.participant_id = p_participant_id
                AND ((k.card_id = ANY (v_merge.absorb) AND k.status <> 'merged')
                    OR (k.card_id = v_merge.into_card AND k.status <> k.lifecycle)))
        OR EXISTS (
            SELECT FROM public.cards AS k WHERE k.participant_id = p_participant_id
                AND k.card_id = ANY (v_merge.absorb || v_merge.into_card) AND num_nonnulls(k.claim_id, k.frozen_at) > 0)
        -- a merge that the core did on its own holds a card: whose money is whose there is to be settled first
        OR EXISTS (
            SELECT FROM public.merges AS o WHERE o.participant_id = p_participant_id AND o.state IN ('reported', 'disputed')
                AND (o.absorb || o.into_card) && (v_merge.absorb || v_merge.into_card))
    THEN
        PERFORM public.refuse('merge_can_be_reversed',
            'only an executed merge that the core has not acknowledged is reversed, with nothing standing on it');
    END IF;

    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = p_plan_digest
        AND p.action = 'reverse';
    -- it must say of every card what the plan of an undo would
    IF v_plan ->> 'action' IS DISTINCT FROM 'reverse'
        OR NOT coalesce(public.undo_plan_fits(v_merge, v_plan || '{"action": "undo"}', p_splits), false)
    THEN
        PERFORM public.refuse('plan_equals_the_cards', 'the plan of the reversal differs from the cards as they are now');
    END IF;
    -- Nobody signed these splits: what names its card goes to it, whole.
    IF NOT coalesce(public.undo_follows_lineage(v_merge, p_splits), false) OR EXISTS (
        SELECT FROM public.entries_since_merge(p_participant_id, p_merge_id) AS held
        JOIN public.cards AS k ON k.participant_id = p_participant_id AND k.kpj = held.received_for_kpj
            AND k.card_id = ANY (v_merge.absorb)
        LEFT JOIN jsonb_to_recordset(p_splits) AS s (entry_id uuid, to_card uuid, amount bigint)
            ON s.entry_id = held.entry_id AND s.to_card = k.card_id
        WHERE s.amount IS DISTINCT FROM held.amount)
    THEN
        PERFORM public.refuse('undo_follows_the_lineage', 'a reversal moves back what came since the merge, and no other rupiah');
    END IF;

    INSERT INTO public.merge_executions (participant_id, merge_id, action, plan_digest, executed_at, xact)
    VALUES (p_participant_id, p_merge_id, 'reverse', p_plan_digest, v_now, pg_current_xact_id());
    PERFORM public.take_merge_back(v_merge, 'reverse', p_cause_id, p_cause_id, p_splits);
    UPDATE public.merges AS m SET state = 'undone', closed_at = v_now, closed_because = 'core_refused', core = 'refused',
        cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

ALTER FUNCTION public.reverse_merge(p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_splits jsonb, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.send_refused_merge_back(p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_reason text, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.merges AS m SET state = 'proposed', confirmation_id = NULL, confirmed_at = NULL, executes_at = NULL,
        plan_digest = p_plan_digest, plan_expires_at = v_now, expires_at = greatest(m.expires_at, v_now),
        last_refusal = jsonb_build_object('code', 'core_refused', 'diff', '[]'::jsonb, 'at', v_now, 'reason', p_reason),
        cause_id = p_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id AND m.state = 'confirmed';
    IF NOT FOUND THEN
        PERFORM public.refuse('merge_is_confirmed', 'only a confirmed merge is refused before its execution');
    END IF;
END
$$;

ALTER FUNCTION public.send_refused_merge_back(p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_reason text, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_actor text) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT public.set_preferences(p_participant_id, p_locale, p_time_zone, NULL, NULL, p_actor) $$;

ALTER FUNCTION public.set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_actor text) OWNER TO sepakat_writer;

CREATE FUNCTION public.set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_quiet_hours jsonb, p_channels jsonb, p_actor text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_quiet_hours jsonb, p_channels jsonb, p_actor text) OWNER TO sepakat_writer;

CREATE FUNCTION public.settle_bulk_chunk(p_run_id uuid, p_rows integer, OUT settled bigint, OUT rest_s double precision, OUT state text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET lock_timeout TO '2s'
    AS $$
DECLARE
    v_run public.bulk_runs;
    v_take bigint := greatest(p_rows, 1);
    v_upto uuid;
    v_rows bigint;
    v_most bigint;
    v_amount numeric;
    v_apart uuid[] := '{}';
    v_now timestamptz := public.current_instant();
    v_began timestamptz := clock_timestamp();
    v_posted bigint;
    v_broken text;
BEGIN
    SELECT * INTO v_run FROM public.bulk_runs AS r WHERE r.run_id = p_run_id FOR UPDATE SKIP LOCKED;
    state := v_run.state;
    rest_s := greatest(extract(epoch FROM v_run.not_before - clock_timestamp()), 0);
    IF state IS DISTINCT FROM 'running' OR rest_s > 0 THEN
        RETURN;
    END IF;
    -- half a second's rows: nobody waits long for a head
    v_take := greatest(least(v_take, v_run.rows_per_s / 2), 1);
    LOOP
        SELECT taken.participant_id INTO v_upto FROM (
            SELECT b.participant_id FROM public.bulk_rows AS b
            WHERE b.run_id = p_run_id AND b.participant_id > v_run.reached
            ORDER BY b.participant_id LIMIT v_take
        ) AS taken ORDER BY taken.participant_id DESC LIMIT 1;
        IF v_upto IS NULL THEN
            UPDATE public.bulk_runs AS r SET state = 'done', ended_at = clock_timestamp() WHERE r.run_id = p_run_id
            RETURNING r.posted + r.refused - v_run.posted - v_run.refused, r.state INTO settled, state;
            RETURN;
        END IF;
        PERFORM FROM public.participant_heads AS h
        WHERE h.participant_id = ANY (array(
            SELECT DISTINCT b.participant_id FROM public.bulk_rows AS b
            WHERE b.run_id = p_run_id AND b.participant_id > v_run.reached AND b.participant_id <= v_upto))
        ORDER BY h.participant_id FOR UPDATE;
        BEGIN
            SELECT count(*), max(nth), sum(of_one.amount) INTO v_rows, v_most, v_amount FROM (
                SELECT b.amount, row_number() OVER (PARTITION BY b.participant_id) AS nth FROM public.bulk_rows AS b
                WHERE b.run_id = p_run_id AND b.participant_id > v_run.reached AND b.participant_id <= v_upto
            ) AS of_one;
            IF v_run.kind = 'growth' THEN
                v_apart := public.bulk_apart(v_run.reached, v_upto);
            END IF;
            v_posted := 0;
            FOR v_round IN 1..v_most LOOP
                v_posted := v_posted
                    + public.write_bulk_round(p_run_id, v_run.kind, v_run.reached, v_upto, v_round, v_now, v_apart)
                    + public.write_bulk_round_apart(p_run_id, v_run.kind, v_run.reached, v_upto, v_round, v_now, v_apart);
            END LOOP;
            IF v_posted <> v_rows THEN
                PERFORM public.refuse('bulk_chunk_is_whole', format('%s of %s rows found their card', v_posted, v_rows));
            END IF;
            UPDATE public.bulk_runs AS r
            SET reached = v_upto, posted = r.posted + v_rows, posted_amount = r.posted_amount + v_amount,
                not_before = v_began + make_interval(secs => v_rows::double precision / r.rows_per_s)
            WHERE r.run_id = p_run_id
            RETURNING r.posted + r.refused - v_run.posted - v_run.refused,
                greatest(extract(epoch FROM r.not_before - clock_timestamp()), 0) INTO settled, rest_s;
            RETURN;
        EXCEPTION WHEN integrity_constraint_violation OR data_exception THEN
            GET STACKED DIAGNOSTICS v_broken = CONSTRAINT_NAME;
            v_broken := coalesce(nullif(v_broken, ''), sqlstate);
            IF public.refuse_bulk_rows(p_run_id, v_run.reached, v_upto) = 0 THEN
                -- no rule foresaw it: half as many, until it is one participant alone; never none, which is the end of the run
                IF v_take > 1 THEN
                    v_take := greatest(least(v_take, v_rows) / 2, 1);
                ELSE
                    PERFORM public.refuse_bulk_rows(p_run_id, v_run.reached, v_upto, v_broken);
                END IF;
            END IF;
        END;
    END LOOP;
END
$$;

ALTER FUNCTION public.settle_bulk_chunk(p_run_id uuid, p_rows integer, OUT settled bigint, OUT rest_s double precision, OUT state text) OWNER TO sepakat_writer;

CREATE FUNCTION public.skip_feed_gap(p_stream text, p_staff text, p_reason text, OUT first bigint, OUT last bigint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_gap record;
BEGIN
    PERFORM FROM public.feed_streams AS f WHERE f.stream = p_stream FOR UPDATE;
    SELECT g.first, g.last, g.since INTO v_gap FROM public.feed_gaps AS g WHERE g.stream = p_stream;
    IF v_gap.first IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO public.feed_skips (stream, first, last, waited_since, skipped_at, staff, reason, database_role)
    VALUES (p_stream, v_gap.first, v_gap.last, v_gap.since, public.current_instant(), p_staff, p_reason, session_user);
    UPDATE public.feed_streams AS f SET position = v_gap.last WHERE f.stream = p_stream;
    first := v_gap.first;
    last := v_gap.last;
END
$$;

ALTER FUNCTION public.skip_feed_gap(p_stream text, p_staff text, p_reason text, OUT first bigint, OUT last bigint) OWNER TO sepakat_writer;

CREATE TABLE public.branch_codes (
    participant_id uuid NOT NULL,
    code_id uuid NOT NULL,
    code_sha256 bytea NOT NULL,
    branch text NOT NULL,
    staff text,
    for_heirs boolean NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone,
    used_at timestamp with time zone,
    used_for text,
    used_by uuid,
    cause_id uuid NOT NULL,
    CONSTRAINT branch_code_hash_has_32_bytes CHECK ((length(code_sha256) = 32)),
    CONSTRAINT branch_code_is_short_lived CHECK (((expires_at > issued_at) AND (expires_at <= (issued_at + '7 days'::interval)))),
    CONSTRAINT branch_code_serves_its_person CHECK ((for_heirs = (used_for = 'heir'::text))),
    CONSTRAINT branch_code_use_is_known CHECK ((used_for = ANY (ARRAY['new_phone'::text, 'unfreeze'::text, 'heir'::text]))),
    CONSTRAINT branch_is_named CHECK (((length(branch) >= 1) AND (length(branch) <= 200))),
    CONSTRAINT replaced_branch_code_is_dead CHECK (((used_at IS NULL) OR (replaced_at IS NULL))),
    CONSTRAINT used_branch_code_is_known CHECK ((num_nulls(used_at, used_for, used_by) = ANY (ARRAY[0, 3])))
);

ALTER TABLE public.branch_codes OWNER TO sepakat_owner;

COMMENT ON COLUMN public.branch_codes.code_sha256 IS 'Of the normalised code, which has 80 bits of chance: no key is needed against guessing.';

COMMENT ON COLUMN public.branch_codes.for_heirs IS 'Issued after the death was told: it opens a case and nothing else. Issued before, it serves nobody any more.';

COMMENT ON COLUMN public.branch_codes.used_by IS 'The device that was added or that lifted the freeze, or the case that was opened.';

CREATE FUNCTION public.spend_branch_code(p_participant_id uuid, p_code text, p_used_for text, p_used_by uuid) RETURNS public.branch_codes
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_sha256 bytea := sha256(convert_to(p_code, 'UTF8'));
    v_code public.branch_codes;
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.branch_codes AS b WHERE b.participant_id = p_participant_id AND b.code_sha256 = v_sha256)
    THEN
        RETURN NULL;
    END IF;
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.branch_codes AS b SET used_at = public.current_instant(), used_for = p_used_for, used_by = p_used_by
    FROM public.participants AS p
    WHERE b.participant_id = p_participant_id AND b.code_sha256 = v_sha256 AND b.used_at IS NULL AND b.replaced_at IS NULL
        AND b.expires_at > public.current_instant() AND p.participant_id = b.participant_id
        AND b.for_heirs = (p_used_for = 'heir') AND b.for_heirs = (p.deceased_on IS NOT NULL)
    RETURNING b.* INTO v_code;
    RETURN v_code;
END
$$;

ALTER FUNCTION public.spend_branch_code(p_participant_id uuid, p_code text, p_used_for text, p_used_by uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.spend_challenge(p_nonce bytea, p_now timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ UPDATE public.challenges AS c SET spent_at = p_now WHERE c.nonce = p_nonce AND c.spent_at IS NULL $$;

ALTER FUNCTION public.spend_challenge(p_nonce bytea, p_now timestamp with time zone) OWNER TO sepakat_writer;

CREATE FUNCTION public.stamp_execution() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    new.xact := pg_current_xact_id();
    RETURN new;
END
$$;

ALTER FUNCTION public.stamp_execution() OWNER TO sepakat_writer;

CREATE FUNCTION public.stamp_transfer() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    new.xact := pg_current_xact_id();
    RETURN new;
END
$$;

ALTER FUNCTION public.stamp_transfer() OWNER TO sepakat_writer;

CREATE FUNCTION public.standing_contributions(p_participant_id uuid, p_day date, p_known_at timestamp with time zone) RETURNS TABLE(entry_id uuid, card_id uuid, month date, amount bigint, recorded_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'public', 'pg_temp'
    AS $$
    WITH moved AS (
        SELECT s.entry_id, s.from_card, s.to_card
        FROM public.undo_splits AS s
        JOIN public.merge_executions AS e
            ON e.participant_id = s.participant_id AND e.merge_id = s.merge_id AND e.action IN ('undo', 'reverse')
        WHERE s.participant_id = p_participant_id
            AND (p_day IS NULL OR public.jakarta_day(e.executed_at) <= p_day)
            AND (p_known_at IS NULL OR e.executed_at <= p_known_at)
    )
    SELECT l.entry_id, coalesce(last.to_card, l.card_id), l.month, l.amount, l.recorded_at
    FROM public.ledger_entries AS l
    LEFT JOIN LATERAL (
        -- it may have gone from card to card by several undos: the last one is where it never left from
        SELECT m.to_card FROM moved AS m
        WHERE m.entry_id = l.entry_id
            AND NOT EXISTS (SELECT FROM moved AS o WHERE o.entry_id = m.entry_id AND o.from_card = m.to_card)
        LIMIT 1
    ) AS last ON true
    WHERE l.participant_id = p_participant_id AND l.kind = 'contribution'
        AND (p_day IS NULL OR l.effective_on <= p_day)
        AND (p_known_at IS NULL OR l.recorded_at <= p_known_at)
        AND NOT EXISTS (
            SELECT FROM public.reversed_contributions AS r
            WHERE r.participant_id = l.participant_id AND r.entry_id = l.entry_id
                AND (p_day IS NULL OR r.effective_on <= p_day)
                AND (p_known_at IS NULL OR r.recorded_at <= p_known_at))
$$;

ALTER FUNCTION public.standing_contributions(p_participant_id uuid, p_day date, p_known_at timestamp with time zone) OWNER TO sepakat_writer;

CREATE FUNCTION public.stop_announcement(p_announcement_id uuid, p_reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    UPDATE public.announcement_runs
    SET state = 'stopped', ended_at = public.current_instant(), stopped_by = session_user, reason = p_reason
    WHERE announcement_id = p_announcement_id AND state = 'running';
    RETURN FOUND;
END
$$;

ALTER FUNCTION public.stop_announcement(p_announcement_id uuid, p_reason text) OWNER TO sepakat_writer;

CREATE FUNCTION public.stop_by_token(p_token_hash bytea, OUT participant_id uuid, OUT lane smallint) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_participant_id uuid;
BEGIN
    SELECT t.participant_id INTO v_participant_id FROM public.stop_tokens AS t
    WHERE t.token_hash = p_token_hash AND t.expires_at > public.current_instant();
    IF v_participant_id IS NULL THEN
        RETURN;
    END IF;
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = v_participant_id FOR UPDATE;
    participant_id := v_participant_id;
    lane := public.lane_of(v_participant_id);
    IF NOT EXISTS (SELECT FROM public.cards_to_stop(v_participant_id))
        AND public.count_stoppable_merges(v_participant_id) = 0
        AND EXISTS (SELECT FROM public.stop_tokens AS t WHERE t.token_hash = p_token_hash AND t.first_used_at IS NOT NULL)
    THEN
        RETURN;
    END IF;
    PERFORM public.stop_everything(
        v_participant_id, public.record_cause(v_participant_id, 'participant', 'stop_link'), 'stopped', 'stopped');
    UPDATE public.stop_tokens AS t SET first_used_at = coalesce(t.first_used_at, public.current_instant())
    WHERE t.token_hash = p_token_hash;
END
$$;

ALTER FUNCTION public.stop_by_token(p_token_hash bytea, OUT participant_id uuid, OUT lane smallint) OWNER TO sepakat_writer;

CREATE FUNCTION public.stop_everything(p_participant_id uuid, p_cause_id uuid, p_kind text, p_because text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cards uuid[] := ARRAY(SELECT public.cards_to_stop(p_participant_id));
    v_changes public.card_change[];
BEGIN
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, p_kind, NULL, NULL, p_cause_id, jsonb_build_object(
        'cards', cardinality(v_cards), 'merges', public.count_stoppable_merges(p_participant_id)))::public.history_entry]);
    INSERT INTO public.stopped_cards (participant_id, card_id, stopped_at)
    SELECT p_participant_id, stopped.card_id, public.current_instant() FROM unnest(v_cards) AS stopped (card_id);
    SELECT array_agg(ROW(k.participant_id, k.card_id, p_cause_id, 'card_frozen',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        jsonb_build_object('frozen_at', public.current_instant()), NULL)::public.card_change ORDER BY k.kpj) INTO v_changes
    FROM public.cards AS k
    WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_cards) AND k.frozen_at IS NULL;
    PERFORM public.change_cards(coalesce(v_changes, '{}'));
    PERFORM public.cancel_open_merges(p_participant_id, NULL, p_because, p_cause_id);
END
$$;

ALTER FUNCTION public.stop_everything(p_participant_id uuid, p_cause_id uuid, p_kind text, p_because text) OWNER TO sepakat_writer;

CREATE FUNCTION public.suggest_match(p_participant_id uuid, p_match_id uuid, p_other_participant_id uuid, p_other_card_id uuid, p_employer_id text, p_from_year smallint, p_to_year smallint, p_rule text, p_rules_version text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_match public.possible_matches;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF EXISTS (
        SELECT FROM public.possible_matches AS m WHERE m.participant_id = p_participant_id AND m.other_card_id = p_other_card_id
    ) THEN
        RETURN false;
    END IF;
    INSERT INTO public.possible_matches (participant_id, match_id, other_participant_id, other_card_id, employer_id, from_year,
        to_year, rule, rules_version, found_at, state, cause_id)
    VALUES (p_participant_id, p_match_id, p_other_participant_id, p_other_card_id, p_employer_id, p_from_year,
        p_to_year, p_rule, p_rules_version, public.current_instant(), 'suggested',
        public.record_cause(p_participant_id, 'system', 'matching rules ' || p_rules_version, p_bulk => true))
    RETURNING * INTO v_match;
    PERFORM public.tell_of_match(v_match, 'possible_match_found', '{}');
    RETURN true;
END
$$;

ALTER FUNCTION public.suggest_match(p_participant_id uuid, p_match_id uuid, p_other_participant_id uuid, p_other_card_id uuid, p_employer_id text, p_from_year smallint, p_to_year smallint, p_rule text, p_rules_version text) OWNER TO sepakat_writer;

CREATE FUNCTION public.take_merge_back(p_merge public.merges, p_action text, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO public.undo_splits (participant_id, merge_id, entry_id, from_card, to_card, amount, rule)
    SELECT p_merge.participant_id, p_merge.merge_id, s.entry_id, p_merge.into_card, s.to_card, s.amount, s.rule
    FROM jsonb_to_recordset(p_splits) AS s (entry_id uuid, to_card uuid, amount bigint, rule text);
    PERFORM public.change_cards(public.list_changes_back(
        p_merge, p_action, p_cause_id, p_transfer_id, p_splits, public.jakarta_day(public.current_instant())));
    PERFORM public.recount_last_contributions(p_merge.participant_id, p_merge.absorb || p_merge.into_card);
END
$$;

ALTER FUNCTION public.take_merge_back(p_merge public.merges, p_action text, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.take_merge_from_core() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    new.core := NULL;
    RETURN new;
END
$$;

ALTER FUNCTION public.take_merge_from_core() OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_core() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO public.core_events (participant_id, seq, type)
    SELECT new.participant_id, new.seq, CASE new.kind
        WHEN 'merge_refused' THEN 'merge.unconfirmed'
        WHEN 'merge_not_reported' THEN 'merge.unconfirmed'
        WHEN 'merge_disputed' THEN 'dispute.opened'
        ELSE replace(new.kind, '_', '.') END
    FROM public.causes AS c
    WHERE c.participant_id = new.participant_id AND c.cause_id = new.cause_id
        AND (new.kind <> 'contact_changed' OR c.origin = 'participant');
    RETURN NULL;
END
$$;

ALTER FUNCTION public.tell_core() OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_of_balance(p_case public.cases, p_kind text, p_cause_id uuid, p_data jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT public.change_cards(ARRAY[ROW(p_case.participant_id, p_case.card_id, p_cause_id, p_kind, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, '{}', jsonb_build_object('case_id', p_case.case_id, 'due_at', p_case.due_at) || p_data
    )::public.card_change])
$$;

ALTER FUNCTION public.tell_of_balance(p_case public.cases, p_kind text, p_cause_id uuid, p_data jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_of_core_answer(p_merge public.merges, p_kind text, p_cause_id uuid, p_data jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT public.append_history(ARRAY[ROW(p_merge.participant_id, p_kind, NULL, p_merge.merge_id, p_cause_id, jsonb_build_object(
        'absorb', (SELECT jsonb_agg(k.kpj ORDER BY k.kpj) FROM public.cards AS k
            WHERE k.participant_id = p_merge.participant_id AND k.card_id = ANY (p_merge.absorb)),
        'into', (SELECT k.kpj FROM public.cards AS k
            WHERE k.participant_id = p_merge.participant_id AND k.card_id = p_merge.into_card)
    ) || p_data)::public.history_entry])
$$;

ALTER FUNCTION public.tell_of_core_answer(p_merge public.merges, p_kind text, p_cause_id uuid, p_data jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_of_delay() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, 'merge_delayed', NULL, new.merge_id, new.cause_id,
        jsonb_build_object(
            'absorb', (SELECT jsonb_agg(k.kpj ORDER BY k.kpj) FROM public.cards AS k
                WHERE k.participant_id = new.participant_id AND k.card_id = ANY (new.absorb)),
            'into', (SELECT k.kpj FROM public.cards AS k WHERE k.participant_id = new.participant_id AND k.card_id = new.into_card),
            'executed_before', old.executes_at, 'executes_at', new.executes_at))::public.history_entry]);
    RETURN NULL;
END
$$;

ALTER FUNCTION public.tell_of_delay() OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_of_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_key jsonb := to_jsonb(new);
    v_data jsonb := jsonb_build_object('hold_until', new.hold_until);
BEGIN
    IF tg_table_name = 'passkeys' THEN
        v_data := v_data || jsonb_build_object('passkey_id', v_key -> 'passkey_id', 'passkey_name', new.name, 'platform', 'passkey',
            'vouched_by', (SELECT k.name FROM public.keys AS k
                WHERE k.participant_id = new.participant_id AND k.key_id = (v_key ->> 'vouched_by')::uuid));
    ELSE
        v_data := v_data || jsonb_build_object('device_id', v_key -> 'device_id', 'device_name', new.name,
            'platform', v_key -> 'platform');
    END IF;
    IF tg_op = 'UPDATE' AND NOT EXISTS (
        SELECT FROM public.keys AS k WHERE k.participant_id = new.participant_id AND k.removed_at IS NULL)
    THEN
        v_data := v_data || '{"keys_left": "none"}';
    END IF;
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, CASE WHEN tg_op = 'INSERT' THEN 'key_added' ELSE 'key_removed' END,
        NULL, NULL, new.cause_id, v_data)::public.history_entry]);
    RETURN NULL;
END
$$;

ALTER FUNCTION public.tell_of_key() OWNER TO sepakat_writer;

CREATE TABLE public.possible_matches (
    participant_id uuid NOT NULL,
    match_id uuid NOT NULL,
    other_participant_id uuid NOT NULL,
    other_card_id uuid NOT NULL,
    employer_id text,
    from_year smallint NOT NULL,
    to_year smallint,
    rule text NOT NULL,
    rules_version text NOT NULL,
    found_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    case_id uuid,
    closed_at timestamp with time zone,
    cause_id uuid NOT NULL,
    CONSTRAINT claimed_match_has_its_case CHECK (((state = ANY (ARRAY['claimed'::text, 'linked'::text, 'refused'::text])) = (case_id IS NOT NULL))),
    CONSTRAINT match_is_with_another_participant CHECK ((other_participant_id <> participant_id)),
    CONSTRAINT match_state_is_known CHECK ((state = ANY (ARRAY['suggested'::text, 'not_mine'::text, 'claimed'::text, 'linked'::text, 'refused'::text])))
);

ALTER TABLE public.possible_matches OWNER TO sepakat_owner;

COMMENT ON COLUMN public.possible_matches.employer_id IS 'With from_year and to_year all that the participant is shown: copied, because the card lies with another participant.';

CREATE FUNCTION public.tell_of_match(p_match public.possible_matches, p_kind text, p_data jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT public.append_history(ARRAY[ROW(p_match.participant_id, p_kind, NULL, NULL, p_match.cause_id, jsonb_build_object(
        'match_id', p_match.match_id, 'from_year', p_match.from_year, 'to_year', p_match.to_year,
        'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = p_match.employer_id)
    ) || p_data)::public.history_entry])
$$;

ALTER FUNCTION public.tell_of_match(p_match public.possible_matches, p_kind text, p_data jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_of_merge_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_from text := CASE WHEN tg_op = 'INSERT' THEN '-' ELSE old.state END;
    v_kind text;
    v_open boolean := new.state IN ('proposed', 'confirmed', 'reported', 'disputed');
BEGIN
    IF tg_op = 'INSERT' AND v_open THEN
        INSERT INTO public.open_merge_cards (participant_id, card_id, merge_id)
        SELECT new.participant_id, held.card_id, new.merge_id FROM unnest(new.absorb || new.into_card) AS held (card_id)
        -- the core may have merged several cards into one: what a reported merge holds, another one need not hold again
        WHERE new.state <> 'reported' OR NOT EXISTS (
            SELECT FROM public.open_merge_cards AS o
            JOIN public.merges AS m ON m.participant_id = o.participant_id AND m.merge_id = o.merge_id
            WHERE o.participant_id = new.participant_id AND o.card_id = held.card_id AND m.state IN ('reported', 'disputed'));
    ELSIF NOT v_open THEN
        DELETE FROM public.open_merge_cards WHERE participant_id = new.participant_id AND merge_id = new.merge_id;
    END IF;

    SELECT CASE WHEN v_from = new.state AND new.state IN ('reported', 'disputed')
            THEN CASE WHEN new.confirmation_id IS NULL THEN 'merge_accept_refused' ELSE 'merge_accept_confirmed' END
        WHEN v_from = new.state THEN 'merge_survivor_chosen'
        -- what the core refused is not told as if the cards had changed, nor as if the participant had undone it
        WHEN t.kind = 'merge_refused' AND new.last_refusal ->> 'code' = 'core_refused' THEN 'merge_refused_by_core'
        WHEN t.kind = 'merge_refused' AND new.last_refusal ->> 'code' = 'core_silent' THEN 'merge_not_reported'
        WHEN t.kind = 'merge_undone' AND new.closed_because = 'core_refused' THEN 'merge_reversed'
        WHEN t.kind = 'merge_proposed' AND new.proposed_by = 'participant' THEN 'merge_drafted' ELSE t.kind END
    INTO v_kind
    FROM (SELECT 1) AS always
    LEFT JOIN public.merge_transitions AS t ON t.from_state = v_from AND t.to_state = new.state;

    PERFORM public.append_history(ARRAY[ROW(new.participant_id, v_kind, NULL, new.merge_id, new.cause_id, jsonb_build_object(
        'absorb', (SELECT jsonb_agg(k.kpj ORDER BY k.kpj) FROM public.cards AS k
            WHERE k.participant_id = new.participant_id AND k.card_id = ANY (new.absorb)),
        'into', (SELECT k.kpj FROM public.cards AS k WHERE k.participant_id = new.participant_id AND k.card_id = new.into_card),
        'total', (SELECT sum(k.balance) FROM public.cards AS k
            WHERE k.participant_id = new.participant_id AND k.card_id = ANY (new.absorb || new.into_card)),
        'proposed_by', new.proposed_by, 'plan_digest', new.plan_digest,
        'executes_at', new.executes_at, 'undo_until', new.undo_until, 'last_refusal', new.last_refusal, 'reported', new.reported,
        'closed_because', new.closed_because,
        -- what the core has done with it: as this step leaves it, or, where it is not executed, as the step found it
        'core', CASE WHEN tg_op = 'INSERT' OR new.state IN ('executed', 'undone', 'accepted') THEN new.core ELSE old.core END
    ) || coalesce((
        SELECT jsonb_build_object('case_id', c.case_id, 'due_at', c.due_at, 'decision', c.decision) FROM public.cases AS c
        WHERE c.participant_id = new.participant_id AND c.merge_id = new.merge_id AND c.xact = pg_current_xact_id()
    ), '{}'))::public.history_entry]);
    RETURN NULL;
END
$$;

ALTER FUNCTION public.tell_of_merge_step() OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_of_name() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
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

ALTER FUNCTION public.tell_of_name() OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_overdue_cases(p_limit integer) RETURNS TABLE(participant_id uuid, lane smallint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_late uuid[] := array(
        SELECT c.case_id FROM public.cases AS c
        WHERE c.state = 'open' AND c.kind <> 'unreached' AND c.due_at <= public.current_instant() AND NOT EXISTS (
            SELECT FROM public.overdue_cases AS o WHERE o.participant_id = c.participant_id AND o.case_id = c.case_id)
        ORDER BY c.due_at, c.case_id LIMIT p_limit);
    v_entries public.history_entry[];
BEGIN
    PERFORM FROM public.participant_heads AS h
    WHERE h.participant_id IN (SELECT c.participant_id FROM public.cases AS c WHERE c.case_id = ANY (v_late))
    ORDER BY h.participant_id FOR UPDATE;
    -- Looked at again under the lock: a case may have been decided, or told of by another worker, meanwhile.
    WITH told AS (
        INSERT INTO public.overdue_cases (participant_id, case_id, told_at, cause_id)
        SELECT c.participant_id, c.case_id, public.current_instant(),
            public.record_cause(c.participant_id, 'system', 'clock', 'the case was not decided in time', c.merge_id)
        FROM public.cases AS c
        WHERE c.case_id = ANY (v_late) AND c.state = 'open' AND NOT EXISTS (
            SELECT FROM public.overdue_cases AS o WHERE o.participant_id = c.participant_id AND o.case_id = c.case_id)
        RETURNING *
    )
    SELECT array_agg(ROW(c.participant_id, 'case_overdue', NULL, c.merge_id, t.cause_id, jsonb_strip_nulls(jsonb_build_object(
            'case_id', c.case_id, 'case_kind', c.kind, 'opened_at', c.opened_at, 'due_at', c.due_at,
            'absorb', (SELECT jsonb_agg(k.kpj ORDER BY k.kpj) FROM public.cards AS k
                WHERE k.participant_id = c.participant_id AND k.card_id = ANY (m.absorb)),
            'into', (SELECT k.kpj FROM public.cards AS k
                WHERE k.participant_id = c.participant_id AND k.card_id = m.into_card),
            'employer', (SELECT e.name FROM public.possible_matches AS p
                JOIN public.employers AS e ON e.employer_id = p.employer_id
                WHERE p.participant_id = c.participant_id AND p.match_id = c.match_id)
        )))::public.history_entry ORDER BY c.participant_id, c.due_at, c.case_id) INTO v_entries
    FROM told AS t
    JOIN public.cases AS c ON c.participant_id = t.participant_id AND c.case_id = t.case_id
    LEFT JOIN public.merges AS m ON m.participant_id = c.participant_id AND m.merge_id = c.merge_id;
    PERFORM public.append_history(coalesce(v_entries, '{}'));
    RETURN QUERY SELECT e.participant_id, public.lane_of(e.participant_id) FROM unnest(v_entries) AS e GROUP BY e.participant_id;
END
$$;

ALTER FUNCTION public.tell_overdue_cases(p_limit integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.tell_unanswered_merges(p_after interval, p_limit integer) RETURNS TABLE(participant_id uuid, lane smallint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_late public.merges;
    v_merge public.merges;
    v_cause_id uuid;
BEGIN
    FOR v_late IN SELECT late.* FROM (
            SELECT m.* FROM public.merges AS m
            WHERE m.core = 'pending' AND public.waits_for_core_since(m) <= public.current_instant() - p_after
                AND NOT EXISTS (SELECT FROM public.unanswered_merges AS u
                    WHERE u.participant_id = m.participant_id AND u.merge_id = m.merge_id
                        AND u.since = public.waits_for_core_since(m))
            ORDER BY public.waits_for_core_since(m), m.merge_id LIMIT p_limit
        ) AS late ORDER BY late.participant_id, late.merge_id
    LOOP
        PERFORM FROM public.participant_heads AS h WHERE h.participant_id = v_late.participant_id FOR UPDATE;
        -- Looked at again under the lock: the core may have answered, or another worker told, meanwhile.
        SELECT * INTO v_merge FROM public.merges AS m
        WHERE m.participant_id = v_late.participant_id AND m.merge_id = v_late.merge_id
            AND public.waits_for_core_since(m) = public.waits_for_core_since(v_late)
            AND NOT EXISTS (SELECT FROM public.unanswered_merges AS u
                WHERE u.participant_id = m.participant_id AND u.merge_id = m.merge_id
                    AND u.since = public.waits_for_core_since(m));
        CONTINUE WHEN v_merge.merge_id IS NULL;
        v_cause_id := public.record_cause(v_merge.participant_id, 'system', 'clock', 'the core did not answer in time', v_merge.merge_id);
        INSERT INTO public.unanswered_merges (participant_id, merge_id, since, told_at, cause_id)
        VALUES (v_merge.participant_id, v_merge.merge_id, public.waits_for_core_since(v_merge), public.current_instant(), v_cause_id);
        PERFORM public.tell_of_core_answer(v_merge, 'merge_unanswered', v_cause_id, jsonb_build_object(
            'state', v_merge.state, 'since', public.waits_for_core_since(v_merge)));
        participant_id := v_merge.participant_id;
        lane := public.lane_of(v_merge.participant_id);
        RETURN NEXT;
    END LOOP;
END
$$;

ALTER FUNCTION public.tell_unanswered_merges(p_after interval, p_limit integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.transfer_card(p_match public.possible_matches, p_transfer_id uuid, p_case public.cases) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_from public.cards;
    v_card_id uuid;
    v_came_back boolean;
    v_amount bigint;
    v_cause_there uuid;
    v_now timestamptz := public.current_instant();
    v_day date := public.jakarta_day(public.current_instant());
    v_decided public.causes;
BEGIN
    PERFORM FROM public.cards AS k
    WHERE k.participant_id IN (p_match.participant_id, p_match.other_participant_id)
    ORDER BY k.participant_id, k.kpj FOR UPDATE;
    SELECT * INTO v_from FROM public.cards AS k
    WHERE k.participant_id = p_match.other_participant_id AND k.card_id = p_match.other_card_id
        AND num_nonnulls(k.transferred_at, k.merge_mark, k.frozen_at, k.locked_at, k.claim_id) = 0
        AND NOT EXISTS (SELECT FROM public.open_merge_cards AS o
            WHERE o.participant_id = k.participant_id AND o.card_id = k.card_id)
        AND NOT EXISTS (SELECT FROM public.cards AS a WHERE a.participant_id = k.participant_id AND a.merged_into = k.card_id);
    IF v_from.card_id IS NULL THEN
        PERFORM public.refuse('card_is_free_to_go', 'a card in a merge or claim, frozen, locked or gone is not transferred');
    END IF;
    v_amount := nullif(v_from.balance, 0);
    SELECT * INTO v_decided FROM public.causes AS c
    WHERE c.participant_id = p_match.participant_id AND c.cause_id = p_case.cause_id;
    v_cause_there := public.record_cause(v_from.participant_id, 'agency', p_case.staff, p_case.reason,
        p_event_id => v_decided.event_id, p_occurred_at => v_decided.occurred_at);

    -- a card that comes back to somebody who had it before is that same card again
    SELECT k.card_id INTO v_card_id FROM public.cards AS k
    WHERE k.participant_id = p_match.participant_id AND k.kpj = v_from.kpj;
    v_came_back := v_card_id IS NOT NULL;
    IF NOT v_came_back THEN
        INSERT INTO public.cards (participant_id, card_id, kpj, segment, employer_id, programmes, opened_on, closed_on, lifecycle,
            last_contribution_month, last_contribution_amount, balance)
        VALUES (p_match.participant_id, gen_random_uuid(), v_from.kpj, v_from.segment, v_from.employer_id, v_from.programmes,
            v_from.opened_on, v_from.closed_on, v_from.lifecycle, v_from.last_contribution_month,
            v_from.last_contribution_amount, CASE WHEN v_from.balance IS NOT NULL THEN 0 END)
        RETURNING card_id INTO v_card_id;
    END IF;
    INSERT INTO public.card_transfers (participant_id, transfer_id, direction, card_id, kpj, other_participant_id, other_card_id,
        amount, case_id, rules_version, reason, staff, second_staff, recorded_at, cause_id, xact)
    SELECT side.participant_id, p_transfer_id, side.direction, side.card_id, v_from.kpj, side.other_participant_id,
        side.other_card_id, v_from.balance, p_case.case_id, p_match.rules_version, p_case.reason, p_case.staff,
        p_case.second_staff, v_now, side.cause_id, pg_current_xact_id()
    FROM (VALUES
        (v_from.participant_id, 'out', v_from.card_id, p_match.participant_id, v_card_id, v_cause_there),
        (p_match.participant_id, 'in', v_card_id, v_from.participant_id, v_from.card_id, p_case.cause_id)
    ) AS side (participant_id, direction, card_id, other_participant_id, other_card_id, cause_id);
    IF v_came_back THEN
        UPDATE public.cards AS k SET transferred_at = NULL, transfer_id = NULL, lifecycle = v_from.lifecycle,
            closed_on = v_from.closed_on, employer_id = v_from.employer_id
        WHERE k.participant_id = p_match.participant_id AND k.card_id = v_card_id;
    END IF;
    UPDATE public.card_numbers AS n SET participant_id = p_match.participant_id, card_id = v_card_id
    WHERE n.kpj = v_from.kpj AND n.participant_id = v_from.participant_id;
    -- a part of the savings that was claimed once in a life stays claimed
    INSERT INTO public.claims (participant_id, claim_id, card_id, kind, amount, state, opened_on, paid_on)
    SELECT p_match.participant_id, c.claim_id, v_card_id, c.kind, c.amount, c.state, c.opened_on, c.paid_on
    FROM public.claims AS c WHERE c.participant_id = v_from.participant_id AND c.card_id = v_from.card_id AND c.state = 'paid'
    ON CONFLICT (participant_id, claim_id) DO NOTHING;

    PERFORM public.change_cards(ARRAY[ROW(v_from.participant_id, v_from.card_id, v_cause_there, 'card_transferred_away',
        CASE WHEN v_amount > 0 THEN 'transfer_out' END, -v_amount, v_day, NULL, NULL, NULL, NULL,
        CASE WHEN v_amount > 0 THEN p_transfer_id END, NULL,
        jsonb_build_object('transferred_at', v_now, 'transfer_id', p_transfer_id, 'closed_on', coalesce(v_from.closed_on, v_day)),
        jsonb_build_object('transfer_id', p_transfer_id, 'effective_on', v_day))::public.card_change]);
    PERFORM public.post_entries(ARRAY[ROW(p_match.participant_id, v_card_id, p_case.cause_id, 'card_transferred_here',
        'transfer_in', v_amount, v_day, NULL, NULL, NULL, NULL, p_transfer_id, NULL, NULL, NULL)::public.card_change]);
    PERFORM public.append_history(ARRAY[ROW(p_match.participant_id, 'card_transferred_here', v_card_id, NULL, p_case.cause_id,
        jsonb_build_object('kpj', v_from.kpj, 'status_before', CASE WHEN v_came_back THEN 'transferred_away' END,
            'status_after', v_from.status, 'balance_before', CASE WHEN v_came_back AND v_from.balance IS NOT NULL THEN 0 END,
            'balance_after', v_from.balance, 'transfer_id', p_transfer_id, 'match_id', p_match.match_id, 'effective_on', v_day,
            'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = v_from.employer_id)
        ))::public.history_entry]);
END
$$;

ALTER FUNCTION public.transfer_card(p_match public.possible_matches, p_transfer_id uuid, p_case public.cases) OWNER TO sepakat_writer;

CREATE FUNCTION public.try_contact_codes(p_participant_id uuid, OUT change_id uuid, OUT channel text, OUT tries integer) RETURNS SETOF record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    RETURN QUERY UPDATE public.contact_changes AS c SET tries = c.tries + 1
    WHERE c.participant_id = p_participant_id AND c.state = 'open' AND c.expires_at > public.current_instant() AND c.tries < 3
        AND (SELECT sum(o.tries) FROM public.contact_changes AS o
            WHERE o.participant_id = c.participant_id AND o.channel = c.channel
                AND o.asked_at > public.current_instant() - interval '1 day') < 10
        AND EXISTS (SELECT FROM public.keys AS k
            WHERE k.participant_id = c.participant_id AND k.key_id = c.key_id AND k.removed_at IS NULL)
    RETURNING c.change_id, c.channel, c.tries;
END
$$;

ALTER FUNCTION public.try_contact_codes(p_participant_id uuid, OUT change_id uuid, OUT channel text, OUT tries integer) OWNER TO sepakat_writer;

CREATE FUNCTION public.undo_follows_lineage(p_merge public.merges, p_splits jsonb) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    WITH held AS MATERIALIZED (
        SELECT * FROM public.entries_since_merge(p_merge.participant_id, p_merge.merge_id)
    ), split AS MATERIALIZED (
        SELECT * FROM jsonb_to_recordset(p_splits) AS s (entry_id uuid, to_card uuid, amount bigint, rule text)
    )
    SELECT NOT EXISTS (SELECT FROM held WHERE held.amount < 0 AND held.kind <> 'contribution_reversal')
        -- nothing came or went unseen: with what the survivor had before the merge, the entries make its balance
        AND (SELECT coalesce(sum(held.amount), 0) FROM held) = (
            SELECT sum(k.balance - (c ->> 'balance_before')::bigint)
            FROM public.merge_plans AS p
            CROSS JOIN LATERAL jsonb_array_elements(convert_from(p.canonical, 'UTF8')::jsonb -> 'cards') AS c
            JOIN public.cards AS k ON k.participant_id = p.participant_id AND k.kpj = c ->> 'kpj'
            WHERE p.participant_id = p_merge.participant_id AND p.merge_id = p_merge.merge_id
                AND p.plan_digest = p_merge.plan_digest AND k.card_id = p_merge.into_card)
        AND NOT EXISTS (
            SELECT FROM split LEFT JOIN held ON held.entry_id = split.entry_id
            GROUP BY split.entry_id, held.amount
            HAVING held.amount IS NULL OR abs(sum(split.amount)) > abs(held.amount)
                OR bool_or(sign(split.amount) IS DISTINCT FROM sign(held.amount) OR split.to_card <> ALL (p_merge.absorb))
        ) AND NOT EXISTS (
            SELECT FROM held JOIN public.cards AS k ON k.participant_id = p_merge.participant_id AND k.kpj = held.received_for_kpj
            LEFT JOIN split ON split.entry_id = held.entry_id AND split.to_card = k.card_id
            WHERE held.kind = 'merge_in' AND (split.amount, split.rule) IS DISTINCT FROM (held.amount, 'brought'))
$$;

ALTER FUNCTION public.undo_follows_lineage(p_merge public.merges, p_splits jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.undo_merge(p_participant_id uuid, p_merge_id uuid, p_confirmation_id uuid, p_seal bytea, p_splits jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_merge public.merges;
    v_confirmation public.confirmations;
    v_plan jsonb;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
BEGIN
    PERFORM public.refuse_while_paused();
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    PERFORM FROM public.cards AS k WHERE k.participant_id = p_participant_id ORDER BY k.kpj FOR UPDATE;
    SELECT * INTO v_merge FROM public.merges AS m
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id FOR UPDATE;
    IF v_merge.state IS DISTINCT FROM 'executed' OR v_merge.undo_until <= v_now
        OR public.find_later_merge(p_participant_id, p_merge_id) IS NOT NULL
        OR EXISTS (
            SELECT FROM public.cards AS k WHERE k.participant_id = p_participant_id
                AND ((k.card_id = ANY (v_merge.absorb) AND k.status <> 'merged')
                    OR (k.card_id = v_merge.into_card AND k.status <> k.lifecycle)))
        OR EXISTS (
            SELECT FROM public.cards AS k
            LEFT JOIN public.open_merge_cards AS o ON o.participant_id = k.participant_id AND o.card_id = k.card_id
            WHERE k.participant_id = p_participant_id AND k.card_id = ANY (v_merge.absorb || v_merge.into_card)
                AND num_nonnulls(k.claim_id, k.frozen_at, o.merge_id) > 0)
        -- what the core refused, and could not be reversed, is with staff
        OR EXISTS (
            SELECT FROM public.cases AS c WHERE c.participant_id = p_participant_id AND c.merge_id = p_merge_id
                AND c.kind = 'core_refusal' AND c.state = 'open')
    THEN
        PERFORM public.refuse('merge_can_be_undone', 'only an executed merge is undone, in its time, with nothing standing on it');
    END IF;

    SELECT * INTO v_confirmation FROM public.confirmations AS c
    WHERE c.participant_id = p_participant_id AND c.confirmation_id = p_confirmation_id AND c.merge_id = p_merge_id;
    IF NOT coalesce(public.is_sealed_undo(v_confirmation, p_seal), false) THEN
        PERFORM public.refuse('undo_is_sealed', 'an undo needs a confirmation with the seal of the process that verified it');
    END IF;
    SELECT convert_from(p.canonical, 'UTF8')::jsonb INTO v_plan FROM public.merge_plans AS p
    WHERE p.participant_id = p_participant_id AND p.merge_id = p_merge_id AND p.plan_digest = v_confirmation.plan_digest
        AND p.action = 'undo';
    IF NOT coalesce(public.undo_plan_fits(v_merge, v_plan, p_splits), false)
        OR to_jsonb(v_confirmation.acknowledged) IS DISTINCT FROM v_plan -> 'to_acknowledge'
    THEN
        PERFORM public.refuse('plan_equals_the_cards', 'the confirmed plan differs from the cards as they are now');
    END IF;
    IF NOT coalesce(public.undo_follows_lineage(v_merge, p_splits), false) THEN
        PERFORM public.refuse('undo_follows_the_lineage', 'an undo moves back what came since the merge, and no other rupiah');
    END IF;

    INSERT INTO public.merge_executions (participant_id, merge_id, action, plan_digest, confirmation_id, executed_at, xact)
    VALUES (p_participant_id, p_merge_id, 'undo', v_confirmation.plan_digest, p_confirmation_id, v_now, pg_current_xact_id());
    v_cause_id := public.record_cause(p_participant_id, 'participant', coalesce(v_confirmation.device_id, v_confirmation.passkey_id)::text, NULL, p_merge_id);
    PERFORM public.take_merge_back(v_merge, 'undo', v_cause_id, p_confirmation_id, p_splits);
    UPDATE public.merges AS m SET state = 'undone', closed_at = v_now, core = 'pending', cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

ALTER FUNCTION public.undo_merge(p_participant_id uuid, p_merge_id uuid, p_confirmation_id uuid, p_seal bytea, p_splits jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.undo_plan_fits(p_merge public.merges, p_plan jsonb, p_splits jsonb) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    WITH given AS (
        SELECT s.to_card, sum(s.amount) AS amount
        FROM jsonb_to_recordset(p_splits) AS s (to_card uuid, amount bigint) GROUP BY s.to_card
    ), card AS (
        SELECT k.kpj, k.status, k.balance,
            CASE WHEN k.card_id = p_merge.into_card THEN 'survivor' ELSE 'absorbed' END AS role,
            -- neither a claim nor a freeze is there: undo_merge has looked
            CASE WHEN k.card_id = p_merge.into_card THEN k.status ELSE k.lifecycle END AS status_after,
            CASE WHEN k.card_id = p_merge.into_card THEN k.balance - coalesce((SELECT sum(g.amount) FROM given AS g), 0)
                ELSE k.balance + coalesce(given.amount, 0) END AS balance_after
        FROM public.cards AS k LEFT JOIN given ON given.to_card = k.card_id
        WHERE k.participant_id = p_merge.participant_id AND k.card_id = ANY (p_merge.absorb || p_merge.into_card)
    )
    SELECT p_plan ->> 'action' = 'undo' AND (p_plan ->> 'merge_id')::uuid = p_merge.merge_id AND NOT EXISTS (
        SELECT FROM card
        FULL JOIN jsonb_to_recordset(p_plan -> 'cards')
            AS c (kpj text, role text, status_before text, status_after text, balance_before bigint, balance_after bigint)
            ON c.kpj = card.kpj
        WHERE (c.role, c.status_before, c.balance_before, c.status_after, c.balance_after)
            IS DISTINCT FROM (card.role, card.status, card.balance, card.status_after, card.balance_after::bigint)
    ) AND (SELECT (sum(card.balance), sum(card.balance)) FROM card)
        IS NOT DISTINCT FROM ((p_plan ->> 'total_before')::numeric, (p_plan ->> 'total_after')::numeric)
$$;

ALTER FUNCTION public.undo_plan_fits(p_merge public.merges, p_plan jsonb, p_splits jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.unlock_card(p_participant_id uuid, p_card_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.cards AS k
        WHERE k.participant_id = p_participant_id AND k.card_id = p_card_id AND k.locked_at IS NOT NULL)
    THEN
        RETURN false;
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_device_id::text);
    PERFORM public.keep_unlock_proof(p_participant_id, p_card_id, p_device_id, p_nonce, p_statement, p_proof, v_cause_id);
    PERFORM public.change_cards(ARRAY[ROW(p_participant_id, p_card_id, v_cause_id, 'card_unlocked',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"locked_at": null}', NULL)::public.card_change]);
    RETURN true;
END
$$;

ALTER FUNCTION public.unlock_card(p_participant_id uuid, p_card_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) OWNER TO sepakat_writer;

CREATE FUNCTION public.update_participant(p_participant_id uuid, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_masked jsonb, p_cause_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_before public.participants;
    v_after public.participants;
    v_fields text[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_before FROM public.participants AS p WHERE p.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.participants AS p SET name = coalesce(p_name, p.name), birth_date = coalesce(p_birth_date, p.birth_date),
        phone_since = CASE WHEN p_phone_sealed IS NULL THEN coalesce(p_phone_since, p.phone_since) ELSE p.phone_since END,
        locale = coalesce(p_locale, p.locale), time_zone = coalesce(p_time_zone, p.time_zone)
    WHERE p.participant_id = p_participant_id
    RETURNING * INTO v_after;
    v_fields := array_remove(ARRAY[
        CASE WHEN v_before.name <> v_after.name THEN 'name' END,
        CASE WHEN v_before.birth_date <> v_after.birth_date THEN 'birth_date' END,
        CASE WHEN v_before.phone_since IS DISTINCT FROM v_after.phone_since THEN 'phone_since' END,
        CASE WHEN v_before.locale <> v_after.locale THEN 'locale' END,
        CASE WHEN v_before.time_zone <> v_after.time_zone THEN 'time_zone' END], NULL);
    IF v_fields <> '{}' THEN
        PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'participant_updated', NULL, NULL, p_cause_id, jsonb_strip_nulls(
            jsonb_build_object('fields', v_fields, 'name', CASE WHEN 'name' = ANY (v_fields) THEN v_after.name END,
                'birth_date', CASE WHEN 'birth_date' = ANY (v_fields) THEN v_after.birth_date END)))::public.history_entry]);
    END IF;
    IF p_phone_sealed IS NOT NULL THEN
        PERFORM public.change_contact(p_participant_id, 'phone', p_phone_sealed, p_phone_since, p_cause_id, p_masked -> 'phone');
    END IF;
    IF p_email_sealed IS NOT NULL THEN
        PERFORM public.change_contact(p_participant_id, 'email', p_email_sealed, NULL, p_cause_id, p_masked -> 'email');
    END IF;
END
$$;

ALTER FUNCTION public.update_participant(p_participant_id uuid, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_masked jsonb, p_cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.use_branch_code(p_participant_id uuid, p_code text, p_used_for text, p_device_id uuid, p_device_name text, OUT code_id uuid, OUT branch text, OUT cause_id uuid) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_code public.branch_codes := public.spend_branch_code(p_participant_id, p_code, p_used_for, p_device_id);
BEGIN
    IF v_code.code_id IS NULL OR p_used_for = 'heir' THEN
        RETURN;
    END IF;
    code_id := v_code.code_id;
    branch := v_code.branch;
    cause_id := public.record_cause(p_participant_id, 'participant', p_device_id::text, format('branch code, %s', v_code.branch));
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'branch_code_used', NULL, NULL, cause_id, jsonb_build_object(
        'branch', v_code.branch, 'used_for', p_used_for, 'device_id', p_device_id, 'device_name', p_device_name
    ))::public.history_entry]);
END
$$;

ALTER FUNCTION public.use_branch_code(p_participant_id uuid, p_code text, p_used_for text, p_device_id uuid, p_device_name text, OUT code_id uuid, OUT branch text, OUT cause_id uuid) OWNER TO sepakat_writer;

CREATE FUNCTION public.waits_for_core_since(p_merge public.merges) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'public', 'pg_temp'
    RETURN CASE WHEN ((p_merge).core = 'pending'::text) THEN CASE (p_merge).state WHEN 'confirmed'::text THEN (p_merge).executes_at WHEN 'executed'::text THEN (p_merge).executed_at WHEN 'undone'::text THEN (p_merge).closed_at ELSE NULL::timestamp with time zone END ELSE NULL::timestamp with time zone END;

ALTER FUNCTION public.waits_for_core_since(p_merge public.merges) OWNER TO sepakat_owner;

CREATE FUNCTION public.write_bulk_round(p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamp with time zone, p_apart uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET work_mem TO '64MB'
    SET jit TO 'off'
    SET session_replication_role TO 'replica'
    AS $$
DECLARE
    v_growth boolean := p_kind = 'growth';
    v_ledger_kind text := CASE WHEN v_growth THEN 'growth' ELSE 'contribution' END;
    v_kind text := CASE WHEN v_growth THEN 'growth_credited' ELSE 'contribution_posted' END;
    v_wording text;
    v_told boolean;
    v_role name := session_user;
    v_xact xid8 := pg_current_xact_id();
    -- what `entry_body` and `entry_commitment` put around the fields, here once for all rows instead of by a call for each
    v_begin bytea := public.field(convert_to('sepakat-history-1', 'UTF8')) || int4send(16);
    v_middle bytea;
    v_end bytea;
    v_entries bigint;
    v_cards bigint;
    v_heads bigint;
BEGIN
    SELECT k.wording, k.reach <> 'silent' INTO STRICT v_wording, v_told
    FROM public.entry_kinds AS k WHERE k.kind = v_kind AND k.reach <> 'ladder';
    v_middle := public.field(convert_to(v_kind, 'UTF8')) || int4send(16);
    v_end := public.field(timestamptz_send(p_now)) || public.field(timestamptz_send(p_now))
        || public.field(convert_to(v_wording, 'UTF8')) || int4send(32);

    WITH entry AS MATERIALIZED (
        SELECT sealed.*, sha256(int4send(32) || sealed.head || v_begin || uuid_send(sealed.participant_id)
            || int4send(8) || int8send(sealed.seq) || v_middle || uuid_send(sealed.card_id)
            || int4send(-1) || int4send(16) || uuid_send(sealed.cause_id) || v_end || sealed.commitment) AS hash
        FROM (
            SELECT told.*, sha256(int4send(16) || told.salt
                || int4send(octet_length(told.data)) || convert_to(told.data, 'UTF8')) AS commitment
            FROM (
                SELECT b.participant_id, k.card_id, b.event_id, b.amount, b.effective_on, b.year, b.month, b.employer_id,
                    k.entries + 1 AS number, k.balance + b.amount AS balance_after, h.seq + 1 AS seq, h.hash AS head,
                    uuidv7() AS cause_id, uuid_send(gen_random_uuid()) AS salt,
                    CASE WHEN v_growth THEN jsonb_build_object('amount', b.amount, 'year', b.year,
                        'received_for_kpj', NULL, 'joined_amount', NULL, 'kpj', k.kpj, 'status_before', k.status,
                        'status_after', k.status, 'balance_before', k.balance, 'balance_after', k.balance + b.amount)
                    ELSE jsonb_build_object('amount', b.amount, 'month', to_char(b.month, 'YYYY-MM'),
                        'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = b.employer_id),
                        'paid_on', b.effective_on, 'received_for_kpj', NULL, 'kpj', k.kpj, 'status_before', k.status,
                        'status_after', k.status, 'balance_before', k.balance, 'balance_after', k.balance + b.amount)
                    END::text AS data
                FROM (
                    SELECT r.*, row_number() OVER (PARTITION BY r.participant_id ORDER BY r.line) AS nth
                    FROM public.bulk_rows AS r
                    WHERE r.run_id = p_run_id AND r.participant_id > p_after AND r.participant_id <= p_upto
                ) AS b
                JOIN public.cards AS k ON k.participant_id = b.participant_id AND k.card_id = b.card_id
                JOIN public.participant_heads AS h ON h.participant_id = b.participant_id
                WHERE b.nth = p_round AND k.merge_mark IS DISTINCT FROM 'merged' AND k.transferred_at IS NULL
                    AND b.participant_id <> ALL (p_apart)
                OFFSET 0
            ) AS told
            OFFSET 0
        ) AS sealed
    ), caused AS (
        INSERT INTO public.causes
            (participant_id, cause_id, origin, actor, event_id, bulk, occurred_at, recorded_at, database_role, xact)
        SELECT participant_id, cause_id, 'core', 'core', event_id, true, p_now, p_now, v_role, v_xact FROM entry
    ), posted AS (
        INSERT INTO public.ledger_entries
            (participant_id, card_id, number, kind, amount, balance_after, effective_on, recorded_at, employer_id, month, year,
            source_event, cause_id)
        SELECT participant_id, card_id, number, v_ledger_kind, amount, balance_after, effective_on, p_now, employer_id, month, year,
            event_id, cause_id
        FROM entry
    ), written AS (
        INSERT INTO public.history
            (participant_id, seq, kind, card_id, cause_id, occurred_at, recorded_at, wording, commitment, hash)
        SELECT participant_id, seq, v_kind, card_id, cause_id, p_now, p_now, v_wording, commitment, hash FROM entry
    ), kept AS (
        INSERT INTO public.history_data (participant_id, seq, salt, data)
        SELECT participant_id, seq, salt, data FROM entry
    ), queued AS (
        INSERT INTO public.outbox (lane, class, participant_id, seq, cause_id)
        SELECT public.lane_of(participant_id), 1, participant_id, seq, cause_id FROM entry WHERE v_told
    ), headed AS (
        UPDATE public.participant_heads AS h SET seq = e.seq, hash = e.hash
        FROM entry AS e WHERE h.participant_id = e.participant_id AND h.seq = e.seq - 1 AND h.hash = e.head
        RETURNING 1 AS one
    ), carded AS (
        UPDATE public.cards AS k SET entries = e.number, balance = e.balance_after,
            last_contribution_month = CASE WHEN e.month >= coalesce(k.last_contribution_month, e.month)
                THEN e.month ELSE k.last_contribution_month END,
            last_contribution_amount = CASE WHEN e.month >= coalesce(k.last_contribution_month, e.month)
                THEN e.amount ELSE k.last_contribution_amount END
        FROM entry AS e
        WHERE k.participant_id = e.participant_id AND k.card_id = e.card_id AND k.entries = e.number - 1
        RETURNING 1 AS one
    )
    SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM headed), (SELECT count(*) FROM carded)
    INTO v_entries, v_heads, v_cards;
    IF v_heads <> v_entries OR v_cards <> v_entries THEN
        PERFORM public.refuse('bulk_round_is_whole', format('%s entries, %s heads, %s cards', v_entries, v_heads, v_cards));
    END IF;
    RETURN v_entries;
END
$$;

ALTER FUNCTION public.write_bulk_round(p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamp with time zone, p_apart uuid[]) OWNER TO sepakat_writer;

CREATE FUNCTION public.write_bulk_round_apart(p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamp with time zone, p_apart uuid[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    v_growth boolean := p_kind = 'growth';
    v_computed boolean := EXISTS (SELECT FROM public.growth_runs AS g WHERE g.run_id = p_run_id);
    v_changes public.card_change[];
    v_rows bigint;
BEGIN
    WITH row_to_post AS MATERIALIZED (
        SELECT b.*, own.kpj, living.card_id AS living_id, uuidv7() AS cause_id,
            CASE WHEN living.card_id <> own.card_id THEN own.kpj END AS received_for_kpj
        FROM (
            SELECT r.*, row_number() OVER (PARTITION BY r.participant_id ORDER BY r.line) AS nth
            FROM public.bulk_rows AS r
            WHERE r.run_id = p_run_id AND r.participant_id > p_after AND r.participant_id <= p_upto
        ) AS b
        JOIN public.cards AS own ON own.participant_id = b.participant_id AND own.card_id = b.card_id
        JOIN public.cards AS living ON living.participant_id = own.participant_id
            AND living.card_id = CASE WHEN own.merge_mark = 'merged' THEN own.merged_into ELSE own.card_id END
        WHERE b.nth = p_round AND own.transferred_at IS NULL
            AND (own.merge_mark = 'merged' OR b.participant_id = ANY (p_apart))
    ), caused AS (
        INSERT INTO public.causes
            (participant_id, cause_id, origin, actor, event_id, bulk, occurred_at, recorded_at, database_role, xact)
        SELECT participant_id, cause_id, 'core', 'core', event_id, true, p_now, p_now, session_user, pg_current_xact_id()
        FROM row_to_post
    ), spread AS (
        SELECT r.*, k.card_id AS target_id, k.balance::numeric AS balance,
            row_number() OVER (PARTITION BY r.line ORDER BY k.card_id <> r.living_id, k.kpj) AS place,
            count(*) OVER (PARTITION BY r.line) AS cards, sum(k.balance) OVER (PARTITION BY r.line) AS total
        FROM row_to_post AS r
        JOIN public.cards AS k ON k.participant_id = r.participant_id AND (k.card_id = r.living_id
            OR v_growth AND NOT v_computed AND k.merge_mark = 'merged_without_consent' AND k.merged_into = r.living_id AND k.balance IS NOT NULL)
    ), rounded AS (
        SELECT s.*,
            CASE WHEN s.total > 0 THEN div(s.amount * s.balance, s.total) WHEN s.place = 1 THEN s.amount ELSE 0 END AS whole,
            row_number() OVER (PARTITION BY s.line
                ORDER BY CASE WHEN s.total > 0 THEN mod(s.amount * s.balance, s.total) END DESC, s.place) AS rank
        FROM spread AS s
    ), shared AS (
        SELECT r.*, (r.whole + (r.rank <= r.amount - sum(r.whole) OVER (PARTITION BY r.line))::integer)::bigint AS share,
            CASE WHEN r.target_id = r.living_id THEN r.received_for_kpj ELSE r.kpj END AS received_for
        FROM rounded AS r
    )
    SELECT array_agg(ROW(
            s.participant_id, s.target_id, s.cause_id,
            CASE WHEN v_growth THEN 'growth_credited'
                WHEN s.received_for IS NULL THEN 'contribution_posted' ELSE 'late_contribution_posted' END,
            CASE WHEN v_growth THEN 'growth' ELSE 'contribution' END,
            s.share, s.effective_on, s.employer_id, s.month, s.year, s.received_for, NULL, s.event_id, NULL,
            CASE WHEN v_growth THEN jsonb_build_object('amount', s.share, 'year', s.year,
                'received_for_kpj', s.received_for, 'joined_amount', CASE WHEN s.cards > 1 THEN s.amount END)
            ELSE jsonb_build_object('amount', s.share, 'month', to_char(s.month, 'YYYY-MM'),
                'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = s.employer_id),
                'paid_on', s.effective_on, 'received_for_kpj', s.received_for) END
        )::public.card_change ORDER BY s.participant_id, s.place), count(DISTINCT s.line)
    INTO v_changes, v_rows FROM shared AS s;
    IF v_rows > 0 THEN
        PERFORM public.change_cards(v_changes);
    END IF;
    RETURN v_rows;
END
$$;

ALTER FUNCTION public.write_bulk_round_apart(p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamp with time zone, p_apart uuid[]) OWNER TO sepakat_writer;

CREATE AGGREGATE public.chain(head bytea, body bytea) (
    SFUNC = public.chain_step,
    STYPE = bytea
);

ALTER AGGREGATE public.chain(head bytea, body bytea) OWNER TO sepakat_owner;

COMMENT ON AGGREGATE public.chain(head bytea, body bytea) IS 'The hash after each entry: sha256(field(hash before) || body), starting from the head.';

CREATE TABLE public.access_log (
    participant_id uuid NOT NULL,
    look_id uuid DEFAULT uuidv7() NOT NULL,
    looked_at timestamp with time zone NOT NULL,
    what text NOT NULL,
    purpose text NOT NULL,
    case_id uuid,
    code_id uuid,
    document_id uuid,
    issuer text NOT NULL,
    staff text NOT NULL,
    staff_role text NOT NULL,
    shown_as text NOT NULL,
    xact xid8 NOT NULL,
    CONSTRAINT look_at_a_document_names_it CHECK (((what = 'document'::text) = (document_id IS NOT NULL))),
    CONSTRAINT staff_of_look_is_named CHECK ((staff <> ''::text)),
    CONSTRAINT staff_role_is_known CHECK ((staff_role = ANY (ARRAY['viewer'::text, 'caseworker'::text, 'supervisor'::text])))
);

ALTER TABLE public.access_log OWNER TO sepakat_owner;

COMMENT ON COLUMN public.access_log.case_id IS 'Of this participant, or, for `card`, of the one who says that a card of this participant is theirs.';

COMMENT ON COLUMN public.access_log.shown_as IS 'A pseudonym or the name of the member of staff, as the agency had chosen at that time.';

CREATE TABLE public.announcement_runs (
    announcement_id uuid NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    after uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    reached bigint DEFAULT 0 NOT NULL,
    ended_at timestamp with time zone,
    stopped_by text,
    reason text,
    CONSTRAINT run_goes_on_or_has_ended CHECK (((state = 'running'::text) = (ended_at IS NULL))),
    CONSTRAINT run_state_is_known CHECK ((state = ANY (ARRAY['running'::text, 'done'::text, 'stopped'::text]))),
    CONSTRAINT stop_has_a_reason CHECK (((state = 'stopped'::text) = (num_nulls(stopped_by, reason) = 0)))
);

ALTER TABLE public.announcement_runs OWNER TO sepakat_owner;

COMMENT ON TABLE public.announcement_runs IS 'How far an announcement has come. Participants are taken in the order of their ids, chunk by chunk.';

COMMENT ON COLUMN public.announcement_runs.after IS 'The last one who was looked at. Ids are random: how far it lies is how much is done.';

CREATE TABLE public.balance_comparisons (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    as_of date NOT NULL,
    theirs bigint NOT NULL,
    ours bigint NOT NULL,
    status text NOT NULL,
    outcome text NOT NULL,
    compared_at timestamp with time zone NOT NULL,
    CONSTRAINT comparison_outcome_is_known CHECK ((outcome = ANY (ARRAY['agrees'::text, 'explained'::text, 'differs'::text])))
)
WITH (fillfactor='70');

ALTER TABLE public.balance_comparisons OWNER TO sepakat_owner;

COMMENT ON COLUMN public.balance_comparisons.outcome IS 'explained: the figure is another, but that of a merge that one side has done and the other not.';

CREATE TABLE public.branch_code_tries (
    participant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    day date NOT NULL,
    tries integer NOT NULL,
    CONSTRAINT ten_branch_code_tries_a_day CHECK ((tries <= 10))
);

ALTER TABLE public.branch_code_tries OWNER TO sepakat_owner;

COMMENT ON COLUMN public.branch_code_tries.device_id IS 'The key of the session that asked: of a device, or a passkey.';

CREATE UNLOGGED TABLE public.bulk_lines (
    line bigint NOT NULL,
    event_id text NOT NULL,
    kpj text NOT NULL,
    amount bigint NOT NULL,
    effective_on date NOT NULL,
    year smallint,
    month date,
    employer_id text
);

ALTER TABLE public.bulk_lines OWNER TO sepakat_owner;

COMMENT ON TABLE public.bulk_lines IS 'Where COPY puts a batch of rows, until the same transaction has found their cards. Empty otherwise.';

CREATE TABLE public.bulk_refusals (
    run_id uuid NOT NULL,
    line bigint NOT NULL,
    code text NOT NULL,
    detail text,
    amount bigint NOT NULL,
    effective_on date,
    content text NOT NULL
);

ALTER TABLE public.bulk_refusals OWNER TO sepakat_owner;

COMMENT ON COLUMN public.bulk_refusals.amount IS '0 where the line has no amount that can be read.';

COMMENT ON COLUMN public.bulk_refusals.content IS 'The row as JSON, or the line as it came when it is no row.';

CREATE TABLE public.bulk_rows (
    participant_id uuid NOT NULL,
    run_id uuid NOT NULL,
    line bigint NOT NULL,
    card_id uuid NOT NULL,
    event_id text NOT NULL,
    amount bigint NOT NULL,
    effective_on date NOT NULL,
    year smallint,
    month date,
    employer_id text,
    CONSTRAINT bulk_amount_is_not_negative CHECK ((amount >= 0))
);

ALTER TABLE public.bulk_rows OWNER TO sepakat_owner;

COMMENT ON TABLE public.bulk_rows IS 'What is to be posted, in the order of posting. A row that is refused moves to bulk_refusals.';

CREATE TABLE public.bulk_runs (
    run_id uuid DEFAULT uuidv7() NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    state text DEFAULT 'loading'::text NOT NULL,
    lines bigint DEFAULT 0 NOT NULL,
    content_hash bytea DEFAULT sha256('\x'::bytea) NOT NULL,
    rows bigint DEFAULT 0 NOT NULL,
    amount numeric(30,0) DEFAULT 0 NOT NULL,
    posted bigint DEFAULT 0 NOT NULL,
    posted_amount numeric(30,0) DEFAULT 0 NOT NULL,
    refused bigint DEFAULT 0 NOT NULL,
    refused_amount numeric(30,0) DEFAULT 0 NOT NULL,
    reached uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    rows_per_s integer,
    not_before timestamp with time zone,
    loaded_at timestamp with time zone,
    resumed_at timestamp with time zone,
    resumed_from bigint DEFAULT 0 NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT bulk_hash_has_32_bytes CHECK ((length(content_hash) = 32)),
    CONSTRAINT bulk_kind_is_known CHECK ((kind = ANY (ARRAY['growth'::text, 'contributions'::text]))),
    CONSTRAINT bulk_pace_is_positive CHECK ((rows_per_s > 0)),
    CONSTRAINT bulk_run_ends_even CHECK (((state <> 'done'::text) OR (((posted + refused) = rows) AND ((posted_amount + refused_amount) = amount)))),
    CONSTRAINT bulk_run_is_loaded_whole CHECK (((state = 'loading'::text) = (loaded_at IS NULL))),
    CONSTRAINT bulk_run_settles_what_was_staged CHECK ((((posted + refused) <= rows) OR (state = 'loading'::text))),
    CONSTRAINT bulk_state_is_known CHECK ((state = ANY (ARRAY['loading'::text, 'staged'::text, 'running'::text, 'paused'::text, 'done'::text])))
);

ALTER TABLE public.bulk_runs OWNER TO sepakat_owner;

COMMENT ON TABLE public.bulk_runs IS 'One file of money. Times are real time, not the local clock.';

COMMENT ON COLUMN public.bulk_runs.content_hash IS 'SHA-256 of the first lines of the file, as many as were taken in: a load that goes on compares it.';

COMMENT ON COLUMN public.bulk_runs.rows IS 'Rows staged, those refused while loading among them; amount is their sum in whole rupiah.';

COMMENT ON COLUMN public.bulk_runs.reached IS 'Every row of participants up to this one is posted or refused.';

COMMENT ON COLUMN public.bulk_runs.not_before IS 'When the next chunk may begin, whoever posts it: the pace of rows_per_s.';

COMMENT ON COLUMN public.bulk_runs.resumed_from IS 'Rows settled at resumed_at: what the rate is counted from.';

CREATE TABLE public.card_numbers (
    kpj text NOT NULL,
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL
);

ALTER TABLE public.card_numbers OWNER TO sepakat_owner;

CREATE TABLE public.card_transfers (
    participant_id uuid NOT NULL,
    transfer_id uuid NOT NULL,
    direction text NOT NULL,
    card_id uuid NOT NULL,
    kpj text NOT NULL,
    other_participant_id uuid NOT NULL,
    other_card_id uuid NOT NULL,
    amount bigint,
    case_id uuid NOT NULL,
    rules_version text NOT NULL,
    reason text,
    staff text NOT NULL,
    second_staff text NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    cause_id uuid NOT NULL,
    xact xid8 NOT NULL,
    CONSTRAINT transfer_direction_is_known CHECK ((direction = ANY (ARRAY['out'::text, 'in'::text])))
);

ALTER TABLE public.card_transfers OWNER TO sepakat_owner;

CREATE TABLE public.cards (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    kpj text NOT NULL,
    segment text NOT NULL,
    employer_id text,
    programmes text[] NOT NULL,
    opened_on date NOT NULL,
    closed_on date,
    lifecycle text NOT NULL,
    claim_id text,
    merge_mark text,
    merge_id uuid,
    merged_into uuid,
    merged_at timestamp with time zone,
    merged_via uuid[],
    frozen_at timestamp with time zone,
    locked_at timestamp with time zone,
    transferred_at timestamp with time zone,
    transfer_id uuid,
    balance bigint,
    entries integer DEFAULT 0 NOT NULL,
    last_contribution_month date,
    last_contribution_amount bigint,
    status text GENERATED ALWAYS AS (
CASE
    WHEN (transferred_at IS NOT NULL) THEN 'transferred_away'::text
    WHEN (merge_mark IS NOT NULL) THEN merge_mark
    WHEN (frozen_at IS NOT NULL) THEN 'frozen'::text
    WHEN (claim_id IS NOT NULL) THEN 'claim_in_progress'::text
    ELSE lifecycle
END) STORED NOT NULL,
    CONSTRAINT balance_is_exact_in_json CHECK ((balance <= '9007199254740991'::bigint)),
    CONSTRAINT balance_is_not_negative CHECK ((balance >= 0)),
    CONSTRAINT card_does_not_merge_into_itself CHECK ((merged_into IS DISTINCT FROM card_id)),
    CONSTRAINT kpj_has_10_to_15_characters CHECK ((kpj ~ '^[0-9A-Za-z]{10,15}$'::text)),
    CONSTRAINT lifecycle_is_known CHECK ((lifecycle = ANY (ARRAY['pending'::text, 'active'::text, 'arrears'::text, 'inactive'::text, 'claimed'::text]))),
    CONSTRAINT merge_mark_is_known CHECK ((merge_mark = ANY (ARRAY['merged'::text, 'merged_without_consent'::text]))),
    CONSTRAINT merged_card_is_empty CHECK (((merge_mark IS DISTINCT FROM 'merged'::text) OR (balance = 0))),
    CONSTRAINT merged_card_names_its_merge CHECK ((num_nulls(merge_mark, merge_id, merged_into, merged_at, merged_via) = ANY (ARRAY[0, 5]))),
    CONSTRAINT only_jht_has_a_balance CHECK (((balance IS NOT NULL) = ('JHT'::text = ANY (programmes)))),
    CONSTRAINT programmes_are_known CHECK ((programmes <@ ARRAY['JHT'::text, 'JP'::text, 'JKK'::text, 'JKM'::text, 'JKP'::text])),
    CONSTRAINT segment_is_known CHECK ((segment = ANY (ARRAY['PU'::text, 'BPU'::text, 'JAKON'::text, 'PMI'::text]))),
    CONSTRAINT transferred_card_is_empty CHECK (((transferred_at IS NULL) OR (COALESCE(balance, (0)::bigint) = 0))),
    CONSTRAINT transferred_card_names_its_transfer CHECK ((num_nulls(transferred_at, transfer_id) = ANY (ARRAY[0, 2])))
)
WITH (fillfactor='80');

ALTER TABLE public.cards OWNER TO sepakat_owner;

COMMENT ON COLUMN public.cards.merged_into IS 'The living card, in one hop; merged_via keeps the path of merges.';

COMMENT ON COLUMN public.cards.balance IS 'Whole rupiah of JHT savings: the running sum of the ledger. NULL for a card without JHT.';

COMMENT ON COLUMN public.cards.status IS 'Derived: transferred_away, merged or merged_without_consent, frozen, claim_in_progress, else the lifecycle that the core told.';

CREATE TABLE public.case_owners (
    case_id uuid NOT NULL,
    participant_id uuid NOT NULL
);

ALTER TABLE public.case_owners OWNER TO sepakat_owner;

CREATE TABLE public.case_proposals (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    proposal_id uuid DEFAULT uuidv7() NOT NULL,
    decision text NOT NULL,
    reason text NOT NULL,
    issuer text NOT NULL,
    staff text NOT NULL,
    staff_role text NOT NULL,
    shown_as text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    second_issuer text,
    second_staff text,
    second_role text,
    second_shown_as text,
    closed_at timestamp with time zone,
    CONSTRAINT both_come_from_one_issuer CHECK ((second_issuer = issuer)),
    CONSTRAINT closed_proposal_says_when CHECK (((state = 'open'::text) = (closed_at IS NULL))),
    CONSTRAINT only_a_confirmed_proposal_has_a_second CHECK (((state = 'confirmed'::text) OR (second_staff IS NULL))),
    CONSTRAINT proposal_and_confirmation_are_of_two_people CHECK ((lower(second_staff) <> lower(staff))),
    CONSTRAINT proposal_is_confirmed_by_a_second CHECK (((state <> 'confirmed'::text) OR (second_staff IS NOT NULL) OR ((staff_role = 'supervisor'::text) AND (decision = ANY (ARRAY['accepted'::text, 'refused'::text, 'acknowledged'::text, 'ours'::text]))))),
    CONSTRAINT proposal_is_confirmed_by_those_who_decide CHECK ((second_role = ANY (ARRAY['caseworker'::text, 'supervisor'::text]))),
    CONSTRAINT proposal_is_made_by_those_who_decide CHECK ((staff_role = ANY (ARRAY['caseworker'::text, 'supervisor'::text]))),
    CONSTRAINT proposal_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'confirmed'::text, 'replaced'::text]))),
    CONSTRAINT second_person_is_named_whole CHECK ((num_nulls(second_issuer, second_staff, second_role, second_shown_as) = ANY (ARRAY[0, 4])))
);

ALTER TABLE public.case_proposals OWNER TO sepakat_owner;

CREATE TABLE public.causes (
    participant_id uuid NOT NULL,
    cause_id uuid DEFAULT uuidv7() NOT NULL,
    origin text NOT NULL,
    actor text NOT NULL,
    reason text,
    merge_id uuid,
    event_id text,
    bulk boolean DEFAULT false NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    database_role name NOT NULL,
    xact xid8 NOT NULL,
    CONSTRAINT cause_origin_is_known CHECK ((origin = ANY (ARRAY['participant'::text, 'agency'::text, 'core'::text, 'system'::text, 'import'::text, 'unexplained'::text])))
);

ALTER TABLE public.causes OWNER TO sepakat_owner;

CREATE TABLE public.claims (
    participant_id uuid NOT NULL,
    claim_id text NOT NULL,
    card_id uuid NOT NULL,
    kind text NOT NULL,
    amount bigint NOT NULL,
    state text NOT NULL,
    opened_on date NOT NULL,
    paid_on date,
    CONSTRAINT claim_amount_is_positive CHECK ((amount > 0)),
    CONSTRAINT claim_kind_is_known CHECK ((kind = ANY (ARRAY['full'::text, 'ten_percent'::text, 'thirty_percent'::text]))),
    CONSTRAINT claim_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'paid'::text, 'withdrawn'::text])))
);

ALTER TABLE public.claims OWNER TO sepakat_owner;

CREATE TABLE public.clearing (
    only_row boolean DEFAULT true NOT NULL,
    every interval DEFAULT '00:10:00'::interval NOT NULL,
    "least" integer DEFAULT 20 NOT NULL,
    share double precision DEFAULT 0.1 NOT NULL,
    mismatches integer DEFAULT 10 NOT NULL,
    began_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    sent_before bigint DEFAULT 0 NOT NULL,
    cleared integer DEFAULT 0 NOT NULL,
    mismatched integer DEFAULT 0 NOT NULL,
    stopped_at timestamp with time zone,
    allowed_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    CONSTRAINT clearing_has_one_row CHECK (only_row)
);

ALTER TABLE public.clearing OWNER TO sepakat_owner;

COMMENT ON TABLE public.clearing IS 'How many push targets were cleared because a provider said that they are gone. One row, for all processes; real time.';

COMMENT ON COLUMN public.clearing.every IS 'How long a window is.';

COMMENT ON COLUMN public.clearing."least" IS 'So many may be cleared in a window in any case; beyond that, the share of what was sent in it.';

COMMENT ON COLUMN public.clearing.mismatches IS 'From so many wrong senders in a window on, it is an alarm.';

COMMENT ON COLUMN public.clearing.stopped_at IS 'When the window last refused to clear; NULL when it has not.';

COMMENT ON COLUMN public.clearing.allowed_until IS 'Until then an operator has said that all of it is genuine.';

CREATE TABLE public.climbs (
    participant_id uuid NOT NULL,
    cause_id uuid NOT NULL,
    channel text NOT NULL,
    step smallint NOT NULL,
    seqs bigint[] NOT NULL,
    due_at timestamp with time zone NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    code text,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone,
    message_id uuid,
    ended_at timestamp with time zone,
    bulk boolean DEFAULT false NOT NULL,
    CONSTRAINT climb_channel_is_known CHECK ((channel = ANY (ARRAY['mail'::text, 'sms'::text, 'people'::text]))),
    CONSTRAINT climb_waits_or_has_ended CHECK (((state = 'waiting'::text) = (ended_at IS NULL))),
    CONSTRAINT only_people_leave_unreached CHECK (((state <> 'unreached'::text) OR (channel = 'people'::text))),
    CONSTRAINT people_are_not_sent CHECK (((channel <> 'people'::text) OR (state = ANY (ARRAY['waiting'::text, 'unreached'::text, 'acknowledged'::text])))),
    CONSTRAINT sent_climb_has_its_message CHECK (((state <> 'sent'::text) OR (message_id IS NOT NULL)))
)
WITH (fillfactor='80');

ALTER TABLE public.climbs OWNER TO sepakat_owner;

COMMENT ON COLUMN public.climbs.seqs IS 'The entries of this cause that climb: it ends when each of them is acknowledged.';

COMMENT ON COLUMN public.climbs.not_before IS 'Real time, not the local clock: the lease of a worker that sends it now, or a retry.';

COMMENT ON COLUMN public.climbs.message_id IS 'Derived from cause, channel, address and language: the same on every retry.';

COMMENT ON COLUMN public.climbs.bulk IS 'Sent when nothing that is not bulk is due.';

CREATE TABLE public.code_failures (
    minute timestamp with time zone NOT NULL,
    kind text NOT NULL,
    slot smallint NOT NULL,
    failures integer NOT NULL,
    CONSTRAINT code_failure_kind_is_known CHECK ((kind = ANY (ARRAY['otp'::text, 'otp_of_nobody'::text, 'branch_code'::text])))
);

ALTER TABLE public.code_failures OWNER TO sepakat_owner;

COMMENT ON COLUMN public.code_failures.kind IS 'otp alone pauses. Nobody''s enrolment has no right code, and 80 bits are not guessed: they are counted to be looked at.';

CREATE TABLE public.code_tries (
    participant_id uuid NOT NULL,
    day date NOT NULL,
    tries integer NOT NULL,
    CONSTRAINT ten_tries_a_day CHECK ((tries <= 10))
);

ALTER TABLE public.code_tries OWNER TO sepakat_owner;

CREATE TABLE public.consent_choices (
    participant_id uuid NOT NULL,
    purpose text NOT NULL,
    chosen_at timestamp with time zone NOT NULL,
    choice text NOT NULL,
    wording text NOT NULL,
    cause_id uuid NOT NULL,
    CONSTRAINT consent_choice_is_known CHECK ((choice = ANY (ARRAY['given'::text, 'withdrawn'::text]))),
    CONSTRAINT consent_purpose_is_known CHECK ((purpose = 'possible_matches'::text))
);

ALTER TABLE public.consent_choices OWNER TO sepakat_owner;

COMMENT ON COLUMN public.consent_choices.wording IS 'The version of the text that was shown beside the choice.';

CREATE TABLE public.contact_changes (
    participant_id uuid NOT NULL,
    change_id uuid NOT NULL,
    channel text NOT NULL,
    value_sealed bytea,
    masked text NOT NULL,
    key_id uuid NOT NULL,
    nonce bytea NOT NULL,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    closed_at timestamp with time zone,
    cause_id uuid NOT NULL,
    CONSTRAINT closed_contact_change_says_when CHECK (((state = 'open'::text) = (closed_at IS NULL))),
    CONSTRAINT contact_change_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'applied'::text, 'replaced'::text]))),
    CONSTRAINT contact_code_is_short_lived CHECK (((expires_at > asked_at) AND (expires_at <= (asked_at + '00:05:00'::interval)))),
    CONSTRAINT contact_is_known CHECK ((channel = ANY (ARRAY['phone'::text, 'email'::text]))),
    CONSTRAINT only_an_open_change_keeps_its_value CHECK (((state = 'open'::text) = (value_sealed IS NOT NULL))),
    CONSTRAINT three_tries_per_contact_code CHECK (((tries >= 0) AND (tries <= 3)))
);

ALTER TABLE public.contact_changes OWNER TO sepakat_owner;

COMMENT ON COLUMN public.contact_changes.value_sealed IS 'Sealed for the same column and row as in participants: it moves there as it is, and is forgotten here.';

COMMENT ON COLUMN public.contact_changes.masked IS 'The last three digits, or the first letter and the domain: what entries tell.';

COMMENT ON COLUMN public.contact_changes.key_id IS 'The device or passkey whose proof asked for it.';

CREATE TABLE public.contact_messages (
    participant_id uuid NOT NULL,
    message_id uuid DEFAULT uuidv7() NOT NULL,
    what text NOT NULL,
    channel text NOT NULL,
    contact_sealed bytea,
    expires_at timestamp with time zone NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    code text,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone,
    ended_at timestamp with time zone,
    cause_id uuid NOT NULL,
    CONSTRAINT contact_is_known CHECK ((channel = ANY (ARRAY['phone'::text, 'email'::text]))),
    CONSTRAINT contact_message_is_known CHECK ((what = ANY (ARRAY['code'::text, 'notice'::text]))),
    CONSTRAINT contact_message_state_is_known CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'rejected'::text, 'expired'::text, 'replaced'::text]))),
    CONSTRAINT contact_message_waits_or_has_ended CHECK (((state = 'waiting'::text) = (ended_at IS NULL))),
    CONSTRAINT only_a_waiting_message_keeps_its_contact CHECK (((state = 'waiting'::text) = (contact_sealed IS NOT NULL)))
)
WITH (fillfactor='80');

ALTER TABLE public.contact_messages OWNER TO sepakat_owner;

COMMENT ON COLUMN public.contact_messages.message_id IS 'Of a code, the change that it is for. The same on every retry: gateways and mail programs know a double by it.';

COMMENT ON COLUMN public.contact_messages.not_before IS 'Real time, not the local clock: the lease of a worker that sends it now, or a retry.';

CREATE TABLE public.core_events (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    type text NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone,
    code text,
    ended_at timestamp with time zone,
    CONSTRAINT core_event_state_is_known CHECK ((state = ANY (ARRAY['waiting'::text, 'taken'::text, 'refused'::text])))
);

ALTER TABLE public.core_events OWNER TO sepakat_owner;

COMMENT ON TABLE public.core_events IS 'One row for each entry that the core is told of. A participant''s go out in the order of their entries.';

COMMENT ON COLUMN public.core_events.not_before IS 'Real time, not the local clock: the lease of a worker that sends it now, or a retry.';

CREATE TABLE public.corrections (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    field text NOT NULL,
    wanted_sealed bytea NOT NULL,
    CONSTRAINT corrected_field_is_known CHECK ((field = ANY (ARRAY['name'::text, 'birth_date'::text, 'nik'::text, 'phone'::text, 'email'::text, 'other'::text])))
);

ALTER TABLE public.corrections OWNER TO sepakat_owner;

COMMENT ON COLUMN public.corrections.wanted_sealed IS 'Sealed for the column `correction` and this case: it may be a contact or an identity number.';

CREATE TABLE public.data_exports (
    export_id uuid DEFAULT uuidv7() NOT NULL,
    what text NOT NULL,
    as_of date,
    purpose text NOT NULL,
    database_role text DEFAULT SESSION_USER NOT NULL,
    began_at timestamp with time zone DEFAULT public.current_instant() NOT NULL,
    ended_at timestamp with time zone,
    rows bigint,
    sha256 bytea,
    CONSTRAINT ended_export_says_what_it_is CHECK ((num_nulls(ended_at, rows, sha256) = ANY (ARRAY[0, 3]))),
    CONSTRAINT export_has_a_purpose CHECK (((purpose ~ '\S'::text) AND (length(purpose) <= 200))),
    CONSTRAINT export_is_of_something_known CHECK ((what = ANY (ARRAY['cards'::text, 'merges'::text, 'cases'::text]))),
    CONSTRAINT only_cards_have_a_day CHECK (((as_of IS NULL) OR (what = 'cards'::text)))
);

ALTER TABLE public.data_exports OWNER TO sepakat_owner;

COMMENT ON TABLE public.data_exports IS 'Exports of everybody''s data for the agency. One that has not ended was cut short: some of it may have been read.';

COMMENT ON COLUMN public.data_exports.sha256 IS 'Of the file, that one which turns up somewhere can be told.';

CREATE TABLE public.deliveries (
    participant_id uuid NOT NULL,
    cause_id uuid NOT NULL,
    device_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    up_to_seq bigint NOT NULL,
    state text NOT NULL,
    code text,
    attempts integer NOT NULL,
    message_id text,
    first_tried_at timestamp with time zone NOT NULL,
    last_tried_at timestamp with time zone NOT NULL,
    entry_class text,
    failing_s double precision DEFAULT 0 NOT NULL,
    CONSTRAINT delivery_state_is_known CHECK ((state = ANY (ARRAY['accepted'::text, 'waiting'::text, 'unregistered'::text, 'rejected'::text])))
);

ALTER TABLE public.deliveries OWNER TO sepakat_owner;

COMMENT ON TABLE public.deliveries IS 'One row per cause and phone. In state unregistered or rejected it is a dead letter: not tried again by itself.';

COMMENT ON COLUMN public.deliveries.delivery_id IS 'The same on every retry: derived from cause and device.';

COMMENT ON COLUMN public.deliveries.entry_class IS 'The class that the push carries; NULL in rows from before it was kept.';

COMMENT ON COLUMN public.deliveries.failing_s IS 'Seconds that it has waited for faults of its own, not of a provider that was away: an hour of them, and it is given up.';

CREATE TABLE public.device_owners (
    device_id uuid NOT NULL,
    participant_id uuid NOT NULL
);

ALTER TABLE public.device_owners OWNER TO sepakat_owner;

CREATE TABLE public.documents (
    participant_id uuid NOT NULL,
    document_id uuid NOT NULL,
    about text NOT NULL,
    subject_id uuid NOT NULL,
    kind text NOT NULL,
    request_key text NOT NULL,
    body_sha256 bytea NOT NULL,
    begun_at timestamp with time zone DEFAULT now() NOT NULL,
    discarded_at timestamp with time zone,
    stored_at timestamp with time zone,
    media_type text,
    sha256 bytea,
    bytes integer,
    cause_id uuid,
    CONSTRAINT body_hash_has_32_bytes CHECK ((length(body_sha256) = 32)),
    CONSTRAINT document_is_about_something_known CHECK ((about = ANY (ARRAY['match'::text, 'merge'::text]))),
    CONSTRAINT document_kind_is_known CHECK ((kind = ANY (ARRAY['paklaring'::text, 'card'::text, 'ktp'::text, 'kk'::text, 'hr_letter'::text, 'other'::text]))),
    CONSTRAINT stored_document_is_known CHECK ((num_nulls(stored_at, media_type, sha256, bytes, cause_id) = ANY (ARRAY[0, 5]))),
    CONSTRAINT stored_document_is_not_discarded CHECK (((stored_at IS NULL) OR (discarded_at IS NULL)))
);

ALTER TABLE public.documents OWNER TO sepakat_owner;

COMMENT ON COLUMN public.documents.request_key IS 'The Idempotency-Key of the upload: sent again, it goes on where it stopped.';

COMMENT ON COLUMN public.documents.begun_at IS 'Real time, not the local clock: what is not stored an hour later is swept away.';

CREATE TABLE public.employers (
    employer_id text NOT NULL,
    name text NOT NULL
);

ALTER TABLE public.employers OWNER TO sepakat_owner;

CREATE TABLE public.feed_events (
    event_id text NOT NULL,
    content_hash bytea NOT NULL,
    type text NOT NULL,
    occurred_at timestamp with time zone,
    outcome text NOT NULL,
    code text,
    received_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    content_sealed bytea NOT NULL,
    detail_sealed bytea,
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['applied'::text, 'held'::text, 'rejected'::text])))
);

ALTER TABLE public.feed_events OWNER TO sepakat_owner;

COMMENT ON COLUMN public.feed_events.content_hash IS 'SHA-256 of the event as canonical JSON: the same id with another content is quarantined.';

CREATE TABLE public.feed_held (
    stream text NOT NULL,
    "position" bigint NOT NULL,
    event_id text NOT NULL
);

ALTER TABLE public.feed_held OWNER TO sepakat_owner;

CREATE TABLE public.feed_streams (
    stream text NOT NULL,
    "position" bigint NOT NULL
);

ALTER TABLE public.feed_streams OWNER TO sepakat_owner;

COMMENT ON COLUMN public.feed_streams.stream IS 'card:<number>, or participant:<keyed hash of the identity number, in hex>.';

CREATE VIEW public.feed_gaps WITH (security_invoker='true') AS
 SELECT f.stream,
    (f."position" + 1) AS first,
    (min(h."position") - 1) AS last,
    count(*) AS held,
    min(e.received_at) AS since,
    (array_agg(h.event_id ORDER BY h."position", h.event_id))[1] AS event_id
   FROM ((public.feed_held h
     JOIN public.feed_streams f ON ((h.stream = f.stream)))
     JOIN public.feed_events e ON ((h.event_id = e.event_id)))
  GROUP BY f.stream, f."position"
 HAVING (min(h."position") > (f."position" + 1));

ALTER VIEW public.feed_gaps OWNER TO sepakat_owner;

COMMENT ON VIEW public.feed_gaps IS 'Streams that wait for the numbers first to last; event_id is the held event that comes next.';

CREATE TABLE public.feed_quarantine (
    event_id text NOT NULL,
    content_hash bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    content_sealed bytea NOT NULL
);

ALTER TABLE public.feed_quarantine OWNER TO sepakat_owner;

CREATE TABLE public.feed_skips (
    stream text NOT NULL,
    first bigint NOT NULL,
    last bigint NOT NULL,
    waited_since timestamp with time zone NOT NULL,
    skipped_at timestamp with time zone NOT NULL,
    staff text NOT NULL,
    reason text NOT NULL,
    database_role text NOT NULL,
    CONSTRAINT gap_is_a_day_old CHECK ((skipped_at >= (waited_since + '24:00:00'::interval))),
    CONSTRAINT skip_goes_forward CHECK ((first <= last)),
    CONSTRAINT skip_has_its_reason CHECK ((reason <> ''::text)),
    CONSTRAINT staff_of_skip_is_named CHECK ((staff <> ''::text))
);

ALTER TABLE public.feed_skips OWNER TO sepakat_owner;

COMMENT ON TABLE public.feed_skips IS 'The numbers of streams, from first to last, that never came and are no longer waited for; who said so, and why.';

CREATE TABLE public.freeze_proposals (
    participant_id uuid NOT NULL,
    proposal_id uuid DEFAULT uuidv7() NOT NULL,
    act text NOT NULL,
    reason text NOT NULL,
    issuer text NOT NULL,
    staff text NOT NULL,
    staff_role text NOT NULL,
    shown_as text NOT NULL,
    proposed_at timestamp with time zone NOT NULL,
    state text NOT NULL,
    second_issuer text,
    second_staff text,
    second_role text,
    second_shown_as text,
    closed_at timestamp with time zone,
    CONSTRAINT act_of_freeze_is_known CHECK ((act = ANY (ARRAY['freeze'::text, 'lift'::text]))),
    CONSTRAINT closed_freeze_proposal_says_when CHECK (((state = 'open'::text) = (closed_at IS NULL))),
    CONSTRAINT freeze_has_its_reason CHECK ((reason <> ''::text)),
    CONSTRAINT freeze_is_by_those_who_decide CHECK (((staff_role = ANY (ARRAY['caseworker'::text, 'supervisor'::text])) AND (second_role = ANY (ARRAY['caseworker'::text, 'supervisor'::text])))),
    CONSTRAINT freeze_is_confirmed_within_a_day CHECK (((state <> 'confirmed'::text) OR (closed_at < (proposed_at + '24:00:00'::interval)))),
    CONSTRAINT freeze_is_of_two_people CHECK (((lower(second_staff) <> lower(staff)) AND (second_issuer = issuer))),
    CONSTRAINT freeze_proposal_state_is_known CHECK ((state = ANY (ARRAY['open'::text, 'confirmed'::text, 'ended'::text]))),
    CONSTRAINT freeze_takes_a_second_person CHECK ((num_nulls(second_issuer, second_staff, second_role, second_shown_as) =
CASE state
    WHEN 'confirmed'::text THEN 0
    ELSE 4
END))
);

ALTER TABLE public.freeze_proposals OWNER TO sepakat_owner;

COMMENT ON COLUMN public.freeze_proposals.state IS 'open, confirmed by a second person, or ended: a day passed before one came.';

CREATE TABLE public.growth_rates (
    number integer NOT NULL,
    valid_from date NOT NULL,
    millionths integer NOT NULL,
    set_by text NOT NULL,
    reason text NOT NULL,
    recorded_at timestamp with time zone DEFAULT public.current_instant() NOT NULL,
    CONSTRAINT growth_rate_is_a_share CHECK (((millionths >= 0) AND (millionths <= 1000000))),
    CONSTRAINT growth_rate_names_who_set_it CHECK (((length(btrim(set_by)) >= 1) AND (length(btrim(set_by)) <= 100))),
    CONSTRAINT growth_rate_says_why CHECK (((length(btrim(reason)) >= 1) AND (length(btrim(reason)) <= 500)))
);

ALTER TABLE public.growth_rates OWNER TO sepakat_owner;

COMMENT ON TABLE public.growth_rates IS 'What savings earn in a year, from a day on. A rate is corrected by a later row of the same day, never edited.';

COMMENT ON COLUMN public.growth_rates.millionths IS 'Of the balance, in a year: 56,600 is 5.66 %.';

ALTER TABLE public.growth_rates ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.growth_rates_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.growth_runs (
    run_id uuid NOT NULL,
    year smallint NOT NULL,
    weights bigint[] NOT NULL,
    rates jsonb NOT NULL,
    reached uuid DEFAULT '00000000-0000-0000-0000-000000000000'::uuid NOT NULL,
    begun_at timestamp with time zone DEFAULT public.current_instant() NOT NULL
);

ALTER TABLE public.growth_runs OWNER TO sepakat_owner;

COMMENT ON TABLE public.growth_runs IS 'How the growth of a run was computed.';

COMMENT ON COLUMN public.growth_runs.weights IS 'What one rupiah earned by the beginning of each day of the year and by its end, as app/ledger/growth.py has it.';

COMMENT ON COLUMN public.growth_runs.rates IS 'The rates of its year as they stood when it was begun: a later row changes no run.';

COMMENT ON COLUMN public.growth_runs.reached IS 'Everybody up to this participant is computed.';

CREATE TABLE public.growth_totals (
    run_id uuid NOT NULL,
    outcome text NOT NULL,
    segment text NOT NULL,
    status text NOT NULL,
    cards bigint NOT NULL,
    amount numeric(30,0) NOT NULL,
    smallest bigint NOT NULL,
    largest bigint NOT NULL,
    parts numeric(40,0) NOT NULL,
    known_in_part bigint NOT NULL,
    credited numeric(30,0) NOT NULL,
    differing bigint NOT NULL,
    CONSTRAINT growth_outcome_is_known CHECK ((outcome = ANY (ARRAY['staged'::text, 'nothing_earned'::text, 'credited_already'::text])))
);

ALTER TABLE public.growth_totals OWNER TO sepakat_owner;

COMMENT ON TABLE public.growth_totals IS 'What a run found, by segment and status of the cards; amounts in whole rupiah, as computed.';

COMMENT ON COLUMN public.growth_totals.parts IS 'The amount before it was rounded down: a rupiah is 10^6 times the days of the year of them.';

COMMENT ON COLUMN public.growth_totals.known_in_part IS 'Cards whose opening balance begins within the year: what they earned before is not known here.';

COMMENT ON COLUMN public.growth_totals.differing IS 'Cards on which another amount is credited already than was computed.';

CREATE TABLE public.heir_claims (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    code_id uuid NOT NULL,
    name text NOT NULL,
    phone_sealed bytea NOT NULL,
    relation text NOT NULL,
    papers jsonb,
    CONSTRAINT heir_relation_is_known CHECK ((relation = ANY (ARRAY['spouse'::text, 'child'::text, 'parent'::text, 'sibling'::text, 'grandchild'::text, 'other'::text])))
);

ALTER TABLE public.heir_claims OWNER TO sepakat_owner;

COMMENT ON COLUMN public.heir_claims.papers IS 'What staff took in at the branch, as they decided by it: [{kind, reference}], the reference their archive''s.';

CREATE TABLE public.history_data (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    salt bytea NOT NULL,
    data text NOT NULL,
    CONSTRAINT history_data_is_an_object CHECK ((data IS JSON OBJECT))
);

ALTER TABLE public.history_data OWNER TO sepakat_owner;

CREATE TABLE public.history_roots (
    number bigint NOT NULL,
    made_at timestamp with time zone NOT NULL,
    heads bigint NOT NULL,
    root bytea NOT NULL,
    previous bytea,
    signed jsonb NOT NULL,
    CONSTRAINT only_the_first_root_has_none_before CHECK (((previous IS NULL) = (number = 1))),
    CONSTRAINT previous_root_has_32_bytes CHECK ((length(previous) = 32)),
    CONSTRAINT root_covers_heads CHECK ((heads >= 1)),
    CONSTRAINT root_has_32_bytes CHECK ((length(root) = 32)),
    CONSTRAINT roots_are_numbered_from_one CHECK ((number >= 1))
);

ALTER TABLE public.history_roots OWNER TO sepakat_owner;

COMMENT ON COLUMN public.history_roots.previous IS 'SHA-256 of what was signed for the root before: roots are a chain too.';

COMMENT ON COLUMN public.history_roots.signed IS 'A JWS over number, made_at, heads, root and previous.';

CREATE TABLE public.idempotency_keys (
    participant_id uuid NOT NULL,
    request text NOT NULL,
    body_hash bytea NOT NULL,
    status smallint,
    headers jsonb,
    answer bytea,
    kept_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.idempotency_keys OWNER TO sepakat_owner;

COMMENT ON COLUMN public.idempotency_keys.request IS 'method, path and Idempotency-Key, separated by a space';

CREATE TABLE public.ladder_steps (
    ladder text NOT NULL,
    step smallint NOT NULL,
    channel text NOT NULL,
    after interval NOT NULL,
    CONSTRAINT step_channel_is_known CHECK ((channel = ANY (ARRAY['mail'::text, 'sms'::text, 'people'::text]))),
    CONSTRAINT step_is_not_before_its_entry CHECK ((after >= '00:00:00'::interval)),
    CONSTRAINT steps_count_from_one CHECK ((step >= 1))
);

ALTER TABLE public.ladder_steps OWNER TO sepakat_owner;

COMMENT ON TABLE public.ladder_steps IS 'The steps above the phone. Only migrations change them.';

COMMENT ON COLUMN public.ladder_steps.ladder IS 'A kind of entry that has steps of its own; for all others the severity of the kind.';

COMMENT ON COLUMN public.ladder_steps.after IS 'How long after the entry, on the one clock.';

CREATE TABLE public.lanes (
    lane smallint NOT NULL,
    owner uuid,
    fence bigint DEFAULT 0 NOT NULL,
    rung bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    sent bigint DEFAULT 0 NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE public.lanes OWNER TO sepakat_owner;

COMMENT ON COLUMN public.lanes.rung IS 'Counts doorbells that found the lane owned: the owner looks again before it lets go.';

COMMENT ON COLUMN public.lanes.sent IS 'Counts sends, so that whoever clears targets can tell few from many.';

CREATE TABLE public.ledger_entries (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    number integer NOT NULL,
    entry_id uuid DEFAULT uuidv7() NOT NULL,
    kind text NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint NOT NULL,
    effective_on date NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    employer_id text,
    month date,
    year smallint,
    received_for_kpj text,
    transfer_id uuid,
    source_event text,
    cause_id uuid NOT NULL,
    CONSTRAINT amount_has_the_sign_of_its_kind CHECK (
CASE
    WHEN (kind = ANY (ARRAY['contribution_reversal'::text, 'claim_payment'::text, 'merge_out'::text, 'undo_out'::text, 'transfer_out'::text])) THEN (amount < 0)
    WHEN (kind = ANY (ARRAY['opening'::text, 'growth'::text])) THEN (amount >= 0)
    ELSE (amount > 0)
END),
    CONSTRAINT ledger_is_not_negative CHECK ((balance_after >= 0)),
    CONSTRAINT ledger_kind_is_known CHECK ((kind = ANY (ARRAY['opening'::text, 'contribution'::text, 'contribution_reversal'::text, 'growth'::text, 'claim_payment'::text, 'merge_out'::text, 'merge_in'::text, 'undo_out'::text, 'undo_in'::text, 'transfer_out'::text, 'transfer_in'::text]))),
    CONSTRAINT opening_comes_first_and_once CHECK (((kind <> 'opening'::text) OR (number = 1))),
    CONSTRAINT transfer_legs_carry_an_id CHECK (((transfer_id IS NOT NULL) = (kind = ANY (ARRAY['merge_out'::text, 'merge_in'::text, 'undo_out'::text, 'undo_in'::text, 'transfer_out'::text, 'transfer_in'::text]))))
);

ALTER TABLE public.ledger_entries OWNER TO sepakat_owner;

CREATE TABLE public.local_clock (
    only_row boolean DEFAULT true NOT NULL,
    ahead interval DEFAULT '00:00:00'::interval NOT NULL,
    CONSTRAINT local_clock_has_one_row CHECK (only_row),
    CONSTRAINT local_clock_never_goes_back CHECK ((ahead >= '00:00:00'::interval))
);

ALTER TABLE public.local_clock OWNER TO sepakat_owner;

CREATE TABLE public.match_keys (
    key bytea NOT NULL,
    participant_id uuid NOT NULL,
    CONSTRAINT match_key_has_32_bytes CHECK ((length(key) = 32))
);

ALTER TABLE public.match_keys OWNER TO sepakat_owner;

CREATE TABLE public.match_queue (
    participant_id uuid NOT NULL,
    queued_at timestamp with time zone NOT NULL
);

ALTER TABLE public.match_queue OWNER TO sepakat_owner;

CREATE TABLE public.merge_executions (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    action text NOT NULL,
    plan_digest text NOT NULL,
    confirmation_id uuid,
    executed_at timestamp with time zone NOT NULL,
    xact xid8 NOT NULL,
    CONSTRAINT only_a_reversal_is_not_confirmed CHECK (((confirmation_id IS NULL) = (action = 'reverse'::text)))
);

ALTER TABLE public.merge_executions OWNER TO sepakat_owner;

CREATE TABLE public.merge_owners (
    merge_id uuid NOT NULL,
    participant_id uuid NOT NULL
);

ALTER TABLE public.merge_owners OWNER TO sepakat_owner;

CREATE TABLE public.merge_pause (
    only_row boolean DEFAULT true NOT NULL,
    since timestamp with time zone NOT NULL,
    reason text NOT NULL,
    paused_by name DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT merge_pause_has_one_row CHECK (only_row),
    CONSTRAINT pause_reason_is_said CHECK (((length(reason) >= 1) AND (length(reason) <= 500)))
);

ALTER TABLE public.merge_pause OWNER TO sepakat_owner;

CREATE TABLE public.merge_plans (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    plan_digest text NOT NULL,
    action text NOT NULL,
    canonical bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT digest_is_of_the_canonical_plan CHECK ((plan_digest = encode(sha256(canonical), 'hex'::text))),
    CONSTRAINT plan_action_is_known CHECK ((action = ANY (ARRAY['merge'::text, 'undo'::text, 'accept'::text, 'reverse'::text])))
);

ALTER TABLE public.merge_plans OWNER TO sepakat_owner;

CREATE TABLE public.merge_transitions (
    from_state text NOT NULL,
    to_state text NOT NULL,
    kind text NOT NULL
);

ALTER TABLE public.merge_transitions OWNER TO sepakat_owner;

COMMENT ON TABLE public.merge_transitions IS 'Which state may follow which (`-` is a new merge), and the kind of the history entry that tells of the step.';

CREATE TABLE public.never_suggested_pairs (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    other_card_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    said_at timestamp with time zone NOT NULL,
    cause_id uuid NOT NULL,
    CONSTRAINT pair_is_written_one_way CHECK ((card_id < other_card_id))
);

ALTER TABLE public.never_suggested_pairs OWNER TO sepakat_owner;

COMMENT ON TABLE public.never_suggested_pairs IS 'Both ways: which of the two would stay does not matter.';

CREATE TABLE public.open_merge_cards (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    merge_id uuid NOT NULL
);

ALTER TABLE public.open_merge_cards OWNER TO sepakat_owner;

CREATE TABLE public.outbox (
    lane smallint NOT NULL,
    class smallint NOT NULL,
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    cause_id uuid NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone,
    rests_until timestamp with time zone,
    digest uuid
)
WITH (fillfactor='80');

ALTER TABLE public.outbox OWNER TO sepakat_owner;

COMMENT ON COLUMN public.outbox.class IS '0 urgent, 1 bulk, 2 rests until its person''s quiet hours are over';

COMMENT ON COLUMN public.outbox.not_before IS 'Real time, not the local clock: a row parked for a retry.';

COMMENT ON COLUMN public.outbox.rests_until IS 'On the one clock, unlike not_before: the end of the quiet hours.';

COMMENT ON COLUMN public.outbox.digest IS 'The first cause of the digest that this row goes out with; no row joins a digest later.';

CREATE TABLE public.overdue_cases (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    told_at timestamp with time zone NOT NULL,
    cause_id uuid NOT NULL
);

ALTER TABLE public.overdue_cases OWNER TO sepakat_owner;

COMMENT ON TABLE public.overdue_cases IS 'The cases whose participant was told that the agency did not answer in time: one row each, for ever.';

CREATE TABLE public.participant_heads (
    participant_id uuid NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL
)
WITH (fillfactor='70');

ALTER TABLE public.participant_heads OWNER TO sepakat_owner;

CREATE TABLE public.participant_numbers (
    participant_id uuid NOT NULL,
    nik_hash bytea NOT NULL,
    CONSTRAINT nik_hash_has_32_bytes CHECK ((length(nik_hash) = 32))
);

ALTER TABLE public.participant_numbers OWNER TO sepakat_owner;

COMMENT ON COLUMN public.participant_numbers.nik_hash IS 'HMAC-SHA256 under the look-up key: whoever has only the table cannot try all numbers.';

CREATE TABLE public.passkey_owners (
    credential_id bytea NOT NULL,
    participant_id uuid NOT NULL,
    passkey_id uuid NOT NULL
);

ALTER TABLE public.passkey_owners OWNER TO sepakat_owner;

CREATE TABLE public.proposal_files (
    file_id bytea NOT NULL,
    name text NOT NULL,
    announcement_id uuid,
    announced_for interval,
    loaded_at timestamp with time zone NOT NULL,
    database_role text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT announcement_is_waited_for CHECK (((announcement_id IS NULL) = (announced_for IS NULL))),
    CONSTRAINT proposal_file_is_a_sha256 CHECK ((octet_length(file_id) = 32))
);

ALTER TABLE public.proposal_files OWNER TO sepakat_owner;

COMMENT ON TABLE public.proposal_files IS 'Each file of proposals once, by its SHA-256, with what its proposals wait for.';

CREATE TABLE public.push_targets (
    participant_id uuid NOT NULL,
    device_id uuid NOT NULL,
    kind text NOT NULL,
    value text NOT NULL,
    platform text NOT NULL,
    locale text NOT NULL,
    set_at timestamp with time zone NOT NULL,
    cleared_at timestamp with time zone,
    cleared_because text,
    encryption_key jsonb,
    CONSTRAINT locale_is_known CHECK ((locale = ANY (ARRAY['id'::text, 'en'::text]))),
    CONSTRAINT platform_is_known CHECK ((platform = ANY (ARRAY['android'::text, 'ios'::text, 'web'::text])))
);

ALTER TABLE public.push_targets OWNER TO sepakat_owner;

COMMENT ON COLUMN public.push_targets.encryption_key IS 'A JWK to which entries are encrypted on their way (JWE); NULL: a push says that there is something to read, never what.';

CREATE TABLE public.receipts (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    device_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);

ALTER TABLE public.receipts OWNER TO sepakat_owner;

COMMENT ON COLUMN public.receipts.device_id IS 'The key of the session that asked: of a device, or a passkey.';

CREATE UNLOGGED TABLE public.reconciled_cards (
    line bigint NOT NULL,
    kpj text NOT NULL,
    theirs bigint NOT NULL,
    status text NOT NULL,
    outcome text
);

ALTER TABLE public.reconciled_cards OWNER TO sepakat_owner;

COMMENT ON TABLE public.reconciled_cards IS 'The lines of the file that is compared now; outcome is NULL until a line was compared.';

CREATE TABLE public.reconciliations (
    run_id uuid NOT NULL,
    file_sha256 bytea NOT NULL,
    as_of date NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    report jsonb NOT NULL
);

ALTER TABLE public.reconciliations OWNER TO sepakat_owner;

COMMENT ON TABLE public.reconciliations IS 'Every comparison of whole books that came to its end, with what it found: by outcome how many cards, and both sums in rupiah.';

CREATE TABLE public.reversed_contributions (
    participant_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    reversal_entry_id uuid NOT NULL,
    card_id uuid NOT NULL,
    effective_on date NOT NULL,
    recorded_at timestamp with time zone NOT NULL,
    cause_id uuid NOT NULL
);

ALTER TABLE public.reversed_contributions OWNER TO sepakat_owner;

COMMENT ON COLUMN public.reversed_contributions.card_id IS 'The card that held the money then, and gave it.';

CREATE TABLE public.root_buckets (
    bucket smallint NOT NULL,
    heads integer NOT NULL,
    root bytea NOT NULL
)
WITH (fillfactor='80');

ALTER TABLE public.root_buckets OWNER TO sepakat_owner;

CREATE TABLE public.rooted_heads (
    bucket smallint NOT NULL,
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    leaf bytea NOT NULL
)
WITH (fillfactor='80');

ALTER TABLE public.rooted_heads OWNER TO sepakat_owner;

COMMENT ON COLUMN public.rooted_heads.leaf IS 'SHA-256 of a zero byte and the fields participant_id, seq and hash: it names nobody.';

CREATE VIEW public.shown_entries WITH (security_invoker='true') AS
 SELECT h.participant_id,
    h.seq,
    h.card_id,
    h.kind,
    k.reach,
    k.severity,
    h.wording,
        CASE
            WHEN (h.kind = ANY (ARRAY['announcement_info'::text, 'announcement_warning'::text, 'announcement_critical'::text])) THEN COALESCE(( SELECT (((d.data)::jsonb || jsonb_build_object('title_id', (said.text #> '{title,id}'::text[]), 'title_en', (said.text #> '{title,en}'::text[]), 'body_id', (said.text #> '{body,id}'::text[]), 'body_en', (said.text #> '{body,en}'::text[]), 'replaced_title_id', (said.before #> '{title,id}'::text[]), 'replaced_title_en', (said.before #> '{title,en}'::text[]))))::text AS text
               FROM ((public.announcements now
                 LEFT JOIN public.announcements earlier ON ((earlier.announcement_id = (((d.data)::jsonb ->> 'replaces'::text))::uuid)))
                 CROSS JOIN LATERAL ( SELECT (convert_from(now.canonical, 'UTF8'::name))::jsonb AS text,
                        (convert_from(earlier.canonical, 'UTF8'::name))::jsonb AS before) said)
              WHERE (now.announcement_id = (((d.data)::jsonb ->> 'announcement_id'::text))::uuid)), d.data)
            ELSE d.data
        END AS data,
    h.merge_id,
    h.cause_id,
    h.occurred_at,
    h.hash,
    c.origin,
    c.actor,
    c.reason,
    ((k.reach = 'silent'::text) OR (h.seq <= COALESCE(p.read_up_to, (0)::bigint))) AS read,
    (a.seq IS NOT NULL) AS acknowledged,
    c.event_id
   FROM (((((public.history h
     JOIN public.entry_kinds k ON ((k.kind = h.kind)))
     JOIN public.causes c ON (((c.participant_id = h.participant_id) AND (c.cause_id = h.cause_id))))
     LEFT JOIN public.history_data d ON (((d.participant_id = h.participant_id) AND (d.seq = h.seq))))
     LEFT JOIN public.inbox_pointers p ON ((p.participant_id = h.participant_id)))
     LEFT JOIN public.acknowledgements a ON (((a.participant_id = h.participant_id) AND (a.seq = h.seq))));

ALTER VIEW public.shown_entries OWNER TO sepakat_owner;

COMMENT ON VIEW public.shown_entries IS 'An entry with all that it is rendered from, for the inbox, the stream and the history of a card. Silent ones count as read.';

CREATE TABLE public.stop_tokens (
    token_hash bytea NOT NULL,
    participant_id uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    first_used_at timestamp with time zone,
    CONSTRAINT stop_token_hash_has_32_bytes CHECK ((length(token_hash) = 32))
);

ALTER TABLE public.stop_tokens OWNER TO sepakat_owner;

CREATE TABLE public.stopped_cards (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    stopped_at timestamp with time zone NOT NULL
);

ALTER TABLE public.stopped_cards OWNER TO sepakat_owner;

CREATE TABLE public.support_code_owners (
    code_hash bytea NOT NULL,
    participant_id uuid NOT NULL,
    code_id uuid NOT NULL
);

ALTER TABLE public.support_code_owners OWNER TO sepakat_owner;

CREATE TABLE public.support_code_tries (
    issuer text NOT NULL,
    staff text NOT NULL,
    hour timestamp with time zone NOT NULL,
    tries integer NOT NULL,
    CONSTRAINT ten_support_code_tries_an_hour CHECK (((tries >= 0) AND (tries <= 10)))
);

ALTER TABLE public.support_code_tries OWNER TO sepakat_owner;

CREATE TABLE public.support_codes (
    participant_id uuid NOT NULL,
    code_id uuid NOT NULL,
    code_hash bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    issuer text,
    staff text,
    view_until timestamp with time zone,
    cause_id uuid NOT NULL,
    CONSTRAINT support_code_hash_has_32_bytes CHECK ((length(code_hash) = 32)),
    CONSTRAINT support_code_is_used_while_it_lives CHECK ((used_at < expires_at)),
    CONSTRAINT support_code_lives_15_minutes CHECK ((expires_at <= (made_at + '00:15:00'::interval))),
    CONSTRAINT support_view_lasts_15_minutes CHECK ((view_until <= (used_at + '00:15:00'::interval))),
    CONSTRAINT used_support_code_names_its_user CHECK ((num_nulls(used_at, issuer, staff, view_until) = ANY (ARRAY[0, 4])))
);

ALTER TABLE public.support_codes OWNER TO sepakat_owner;

COMMENT ON COLUMN public.support_codes.code_hash IS 'HMAC of the code under a key that no SQL role has; the code itself is kept nowhere.';

CREATE TABLE public.unanswered_merges (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    since timestamp with time zone NOT NULL,
    told_at timestamp with time zone NOT NULL,
    cause_id uuid NOT NULL
);

ALTER TABLE public.unanswered_merges OWNER TO sepakat_owner;

COMMENT ON TABLE public.unanswered_merges IS 'The waits for the core''s answer whose participant was told that they are long: one row each, for ever.';

CREATE TABLE public.undo_seals (
    only_row boolean DEFAULT true NOT NULL,
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL,
    CONSTRAINT inner_pad_is_a_block CHECK ((length(inner_pad) = 64)),
    CONSTRAINT outer_pad_is_a_block CHECK ((length(outer_pad) = 64)),
    CONSTRAINT undo_seals_has_one_row CHECK (only_row)
);

ALTER TABLE public.undo_seals OWNER TO sepakat_owner;

CREATE TABLE public.undo_splits (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    from_card uuid NOT NULL,
    to_card uuid NOT NULL,
    amount bigint NOT NULL,
    rule text NOT NULL,
    CONSTRAINT split_moves_something CHECK ((amount <> 0)),
    CONSTRAINT split_rule_is_known CHECK ((rule = ANY (ARRAY['brought'::text, 'received_for'::text, 'employer'::text, 'day_balance'::text])))
);

ALTER TABLE public.undo_splits OWNER TO sepakat_owner;

COMMENT ON COLUMN public.undo_splits.entry_id IS 'The ledger entry that the money came in by, on whichever card that was.';

CREATE TABLE public.unlock_proofs (
    participant_id uuid NOT NULL,
    nonce bytea NOT NULL,
    subject_id uuid NOT NULL,
    device_id uuid,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    proven_at timestamp with time zone NOT NULL,
    cause_id uuid NOT NULL,
    passkey_id uuid,
    CONSTRAINT unlock_proof_has_one_key CHECK ((num_nonnulls(device_id, passkey_id) = 1)),
    CONSTRAINT unlock_proof_is_of_its_passkey CHECK (((passkey_id IS NULL) OR public.is_passkey_proof(passkey_id, statement, proof)))
);

ALTER TABLE public.unlock_proofs OWNER TO sepakat_owner;

COMMENT ON COLUMN public.unlock_proofs.subject_id IS 'The card whose lock was lifted, or the participant whose freeze was.';

ALTER TABLE ONLY public.access_log
    ADD CONSTRAINT access_log_pkey PRIMARY KEY (participant_id, look_id);

ALTER TABLE ONLY public.acknowledgements
    ADD CONSTRAINT acknowledgements_pkey PRIMARY KEY (participant_id, seq);

ALTER TABLE ONLY public.announced
    ADD CONSTRAINT announced_pkey PRIMARY KEY (participant_id, announcement_id);

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT announcement_is_published_once UNIQUE (event_id);

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT announcement_is_replaced_once UNIQUE (replaces);

ALTER TABLE ONLY public.announcement_runs
    ADD CONSTRAINT announcement_runs_pkey PRIMARY KEY (announcement_id);

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT announcements_pkey PRIMARY KEY (announcement_id);

ALTER TABLE ONLY public.balance_comparisons
    ADD CONSTRAINT balance_comparisons_pkey PRIMARY KEY (participant_id, card_id);

ALTER TABLE ONLY public.branch_codes
    ADD CONSTRAINT branch_code_is_new UNIQUE (participant_id, code_sha256);

ALTER TABLE ONLY public.branch_code_tries
    ADD CONSTRAINT branch_code_tries_pkey PRIMARY KEY (participant_id, device_id, day);

ALTER TABLE ONLY public.branch_codes
    ADD CONSTRAINT branch_codes_pkey PRIMARY KEY (participant_id, code_id);

ALTER TABLE ONLY public.bulk_runs
    ADD CONSTRAINT bulk_name_is_taken UNIQUE (name);

ALTER TABLE ONLY public.bulk_refusals
    ADD CONSTRAINT bulk_refusals_pkey PRIMARY KEY (run_id, line);

ALTER TABLE ONLY public.bulk_rows
    ADD CONSTRAINT bulk_rows_pkey PRIMARY KEY (participant_id, run_id, line);

ALTER TABLE ONLY public.bulk_runs
    ADD CONSTRAINT bulk_runs_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.possible_matches
    ADD CONSTRAINT card_is_suggested_once UNIQUE (participant_id, other_card_id);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT card_number_is_unique_for_its_owner UNIQUE (participant_id, kpj);

ALTER TABLE ONLY public.card_numbers
    ADD CONSTRAINT card_numbers_pkey PRIMARY KEY (kpj);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_pkey PRIMARY KEY (participant_id, card_id);

ALTER TABLE public.cases
    ADD CONSTRAINT case_decision_is_known CHECK ((decision = ANY (ARRAY['restored'::text, 'accepted'::text, 'withdrawn'::text, 'linked'::text, 'refused'::text, 'acknowledged'::text, 'reversed'::text, 'settled'::text, 'ours'::text, 'theirs_corrected'::text, 'agreed'::text, 'heir_recognised'::text, 'heir_refused'::text, 'corrected'::text, 'reached'::text, 'not_reached'::text, 'read'::text]))) NOT VALID;

ALTER TABLE public.cases
    ADD CONSTRAINT case_is_decided_by_staff CHECK (((decision <> ALL (ARRAY['withdrawn'::text, 'agreed'::text, 'read'::text])) = (staff IS NOT NULL))) NOT VALID;

ALTER TABLE public.cases
    ADD CONSTRAINT case_is_restored_by_four_eyes CHECK (((second_staff IS NOT NULL) OR (decision <> ALL (ARRAY['restored'::text, 'linked'::text, 'reversed'::text, 'settled'::text, 'theirs_corrected'::text, 'heir_recognised'::text, 'corrected'::text])))) NOT VALID;

ALTER TABLE public.cases
    ADD CONSTRAINT case_kind_is_known CHECK ((kind = ANY (ARRAY['dispute'::text, 'match'::text, 'core_refusal'::text, 'balance'::text, 'heir'::text, 'correction'::text, 'unreached'::text]))) NOT VALID;

ALTER TABLE ONLY public.case_owners
    ADD CONSTRAINT case_owners_pkey PRIMARY KEY (case_id);

ALTER TABLE ONLY public.case_proposals
    ADD CONSTRAINT case_proposals_pkey PRIMARY KEY (participant_id, case_id, proposal_id);

ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_pkey PRIMARY KEY (participant_id, case_id);

ALTER TABLE ONLY public.causes
    ADD CONSTRAINT causes_pkey PRIMARY KEY (participant_id, cause_id);

ALTER TABLE ONLY public.challenges
    ADD CONSTRAINT challenges_pkey PRIMARY KEY (nonce);

ALTER TABLE ONLY public.claims
    ADD CONSTRAINT claims_pkey PRIMARY KEY (participant_id, claim_id);

ALTER TABLE ONLY public.clearing
    ADD CONSTRAINT clearing_pkey PRIMARY KEY (only_row);

ALTER TABLE public.climbs
    ADD CONSTRAINT climb_state_is_known CHECK ((state = ANY (ARRAY['waiting'::text, 'sent'::text, 'no_address'::text, 'rejected'::text, 'unreached'::text, 'acknowledged'::text, 'switched_off'::text]))) NOT VALID;

ALTER TABLE ONLY public.climbs
    ADD CONSTRAINT climbs_pkey PRIMARY KEY (participant_id, cause_id, channel);

ALTER TABLE public.merges
    ADD CONSTRAINT closing_reason_is_known CHECK ((closed_because = ANY (ARRAY['card_locked'::text, 'stopped'::text, 'card_frozen'::text, 'participant_deceased'::text, 'core_refused'::text]))) NOT VALID;

ALTER TABLE ONLY public.code_failures
    ADD CONSTRAINT code_failures_pkey PRIMARY KEY (minute, kind, slot);

ALTER TABLE ONLY public.code_tries
    ADD CONSTRAINT code_tries_pkey PRIMARY KEY (participant_id, day);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmation_is_of_one_plan UNIQUE (participant_id, merge_id, plan_digest, confirmation_id);

ALTER TABLE ONLY public.merge_executions
    ADD CONSTRAINT confirmation_is_used_once UNIQUE (participant_id, confirmation_id);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmations_pkey PRIMARY KEY (participant_id, confirmation_id);

ALTER TABLE ONLY public.consent_choices
    ADD CONSTRAINT consent_choices_pkey PRIMARY KEY (participant_id, purpose, cause_id);

ALTER TABLE ONLY public.contact_changes
    ADD CONSTRAINT contact_changes_pkey PRIMARY KEY (participant_id, change_id);

ALTER TABLE ONLY public.contact_messages
    ADD CONSTRAINT contact_messages_pkey PRIMARY KEY (participant_id, message_id);

ALTER TABLE ONLY public.reversed_contributions
    ADD CONSTRAINT contribution_is_reversed_once PRIMARY KEY (participant_id, entry_id);

ALTER TABLE ONLY public.core_events
    ADD CONSTRAINT core_events_pkey PRIMARY KEY (participant_id, seq);

ALTER TABLE ONLY public.corrections
    ADD CONSTRAINT corrections_pkey PRIMARY KEY (participant_id, case_id);

ALTER TABLE ONLY public.passkey_owners
    ADD CONSTRAINT credential_is_somebodys_once PRIMARY KEY (credential_id);

ALTER TABLE ONLY public.data_exports
    ADD CONSTRAINT data_exports_pkey PRIMARY KEY (export_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (participant_id, cause_id, device_id);

ALTER TABLE public.deliveries
    ADD CONSTRAINT delivery_class_is_known CHECK ((entry_class = ANY (ARRAY['security'::text, 'card'::text, 'notice'::text]))) NOT VALID;

ALTER TABLE ONLY public.device_owners
    ADD CONSTRAINT device_owners_pkey PRIMARY KEY (device_id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (participant_id, device_id);

ALTER TABLE ONLY public.documents
    ADD CONSTRAINT document_is_received_once UNIQUE (participant_id, about, subject_id, request_key);

ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_pkey PRIMARY KEY (participant_id, document_id);

ALTER TABLE ONLY public.employers
    ADD CONSTRAINT employers_pkey PRIMARY KEY (employer_id);

ALTER TABLE public.push_targets
    ADD CONSTRAINT encryption_key_is_public CHECK (((encryption_key @> '{"crv": "P-256", "kty": "EC", "use": "enc"}'::jsonb) AND (encryption_key ?& '{x,y}'::text[]) AND ((encryption_key - '{kty,crv,use,x,y}'::text[]) = '{}'::jsonb))) NOT VALID;

ALTER TABLE ONLY public.enrolments
    ADD CONSTRAINT enrolments_pkey PRIMARY KEY (enrolment_id);

ALTER TABLE ONLY public.entry_kinds
    ADD CONSTRAINT entry_kinds_pkey PRIMARY KEY (kind);

ALTER TABLE ONLY public.feed_events
    ADD CONSTRAINT feed_events_pkey PRIMARY KEY (event_id);

ALTER TABLE ONLY public.feed_held
    ADD CONSTRAINT feed_held_pkey PRIMARY KEY (stream, "position", event_id);

ALTER TABLE ONLY public.feed_quarantine
    ADD CONSTRAINT feed_quarantine_pkey PRIMARY KEY (event_id, content_hash);

ALTER TABLE ONLY public.feed_skips
    ADD CONSTRAINT feed_skips_pkey PRIMARY KEY (stream, first);

ALTER TABLE ONLY public.feed_streams
    ADD CONSTRAINT feed_streams_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY public.freeze_proposals
    ADD CONSTRAINT freeze_proposals_pkey PRIMARY KEY (participant_id, proposal_id);

ALTER TABLE ONLY public.growth_rates
    ADD CONSTRAINT growth_rates_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.growth_runs
    ADD CONSTRAINT growth_runs_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.growth_totals
    ADD CONSTRAINT growth_totals_pkey PRIMARY KEY (run_id, outcome, segment, status);

ALTER TABLE public.cases
    ADD CONSTRAINT heir_case_is_decided_as_one CHECK (((kind = 'heir'::text) = (decision = ANY (ARRAY['heir_recognised'::text, 'heir_refused'::text])))) NOT VALID;

ALTER TABLE ONLY public.heir_claims
    ADD CONSTRAINT heir_claims_pkey PRIMARY KEY (participant_id, case_id);

ALTER TABLE ONLY public.history_data
    ADD CONSTRAINT history_data_pkey PRIMARY KEY (participant_id, seq);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (participant_id, seq);

ALTER TABLE ONLY public.history_roots
    ADD CONSTRAINT history_roots_pkey PRIMARY KEY (number);

ALTER TABLE public.push_targets
    ADD CONSTRAINT hms_is_on_android CHECK (((kind <> 'hms'::text) OR (platform = 'android'::text))) NOT VALID;

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (participant_id, request);

ALTER TABLE ONLY public.inbox_pointers
    ADD CONSTRAINT inbox_pointers_pkey PRIMARY KEY (participant_id);

ALTER TABLE ONLY public.ladder_steps
    ADD CONSTRAINT ladder_steps_pkey PRIMARY KEY (ladder, step);

ALTER TABLE ONLY public.lanes
    ADD CONSTRAINT lanes_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (participant_id, card_id, number);

ALTER TABLE ONLY public.local_clock
    ADD CONSTRAINT local_clock_pkey PRIMARY KEY (only_row);

ALTER TABLE public.access_log
    ADD CONSTRAINT look_has_a_case_or_a_code CHECK ((num_nonnulls(case_id, code_id) =
CASE what
    WHEN 'freeze'::text THEN 0
    ELSE 1
END)) NOT VALID;

ALTER TABLE public.access_log
    ADD CONSTRAINT look_is_at_something_known CHECK ((what = ANY (ARRAY['case'::text, 'card'::text, 'document'::text, 'person'::text, 'decision'::text, 'freeze'::text]))) NOT VALID;

ALTER TABLE ONLY public.match_keys
    ADD CONSTRAINT match_keys_pkey PRIMARY KEY (key, participant_id);

ALTER TABLE ONLY public.match_queue
    ADD CONSTRAINT match_queue_pkey PRIMARY KEY (participant_id);

ALTER TABLE ONLY public.merge_executions
    ADD CONSTRAINT merge_is_executed_once PRIMARY KEY (participant_id, merge_id, action);

ALTER TABLE ONLY public.merge_owners
    ADD CONSTRAINT merge_owners_pkey PRIMARY KEY (merge_id);

ALTER TABLE ONLY public.merge_pause
    ADD CONSTRAINT merge_pause_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.merge_plans
    ADD CONSTRAINT merge_plans_pkey PRIMARY KEY (participant_id, merge_id, plan_digest);

ALTER TABLE ONLY public.merge_transitions
    ADD CONSTRAINT merge_transitions_pkey PRIMARY KEY (from_state, to_state);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT merges_pkey PRIMARY KEY (participant_id, merge_id);

ALTER TABLE ONLY public.never_suggested_pairs
    ADD CONSTRAINT never_suggested_pairs_pkey PRIMARY KEY (participant_id, card_id, other_card_id);

ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT nonce_adds_one_passkey UNIQUE (participant_id, nonce);

ALTER TABLE ONLY public.contact_changes
    ADD CONSTRAINT nonce_changes_a_contact_once UNIQUE (participant_id, nonce, channel);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT nonce_confirms_once UNIQUE (participant_id, nonce);

ALTER TABLE ONLY public.unlock_proofs
    ADD CONSTRAINT nonce_unlocks_once PRIMARY KEY (participant_id, nonce);

ALTER TABLE ONLY public.open_merge_cards
    ADD CONSTRAINT one_open_merge_per_card PRIMARY KEY (participant_id, card_id);

ALTER TABLE ONLY public.ladder_steps
    ADD CONSTRAINT one_step_per_channel UNIQUE (ladder, channel);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (lane, class, participant_id, seq);

ALTER TABLE ONLY public.overdue_cases
    ADD CONSTRAINT overdue_cases_pkey PRIMARY KEY (participant_id, case_id);

ALTER TABLE ONLY public.participant_heads
    ADD CONSTRAINT participant_heads_pkey PRIMARY KEY (participant_id);

ALTER TABLE ONLY public.participant_numbers
    ADD CONSTRAINT participant_numbers_pkey PRIMARY KEY (nik_hash);

ALTER TABLE ONLY public.participants
    ADD CONSTRAINT participants_pkey PRIMARY KEY (participant_id);

ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT passkeys_pkey PRIMARY KEY (participant_id, passkey_id);

ALTER TABLE ONLY public.possible_matches
    ADD CONSTRAINT possible_matches_pkey PRIMARY KEY (participant_id, match_id);

ALTER TABLE ONLY public.proposal_files
    ADD CONSTRAINT proposal_files_pkey PRIMARY KEY (file_id);

ALTER TABLE public.case_proposals
    ADD CONSTRAINT proposed_decision_is_known CHECK ((decision = ANY (ARRAY['restored'::text, 'accepted'::text, 'linked'::text, 'refused'::text, 'acknowledged'::text, 'settled'::text, 'ours'::text, 'theirs_corrected'::text, 'corrected'::text, 'reached'::text, 'not_reached'::text]))) NOT VALID;

ALTER TABLE public.access_log
    ADD CONSTRAINT purpose_of_look_is_known CHECK ((purpose = ANY (ARRAY['dispute'::text, 'match'::text, 'unreached'::text, 'support'::text, 'correction'::text, 'heir'::text, 'balance'::text, 'core_refusal'::text, 'takeover'::text]))) NOT VALID;

ALTER TABLE public.push_targets
    ADD CONSTRAINT push_target_kind_is_known CHECK ((kind = ANY (ARRAY['fid'::text, 'token'::text, 'hms'::text]))) NOT VALID;

ALTER TABLE ONLY public.push_targets
    ADD CONSTRAINT push_targets_pkey PRIMARY KEY (participant_id, device_id);

ALTER TABLE ONLY public.quiet_hours
    ADD CONSTRAINT quiet_hours_pkey PRIMARY KEY (participant_id);

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (participant_id, seq, device_id);

ALTER TABLE ONLY public.reconciled_cards
    ADD CONSTRAINT reconciled_cards_pkey PRIMARY KEY (line);

ALTER TABLE ONLY public.reconciliations
    ADD CONSTRAINT reconciliations_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.root_buckets
    ADD CONSTRAINT root_buckets_pkey PRIMARY KEY (bucket);

ALTER TABLE ONLY public.rooted_heads
    ADD CONSTRAINT rooted_heads_pkey PRIMARY KEY (bucket, participant_id);

ALTER TABLE public.entry_kinds
    ADD CONSTRAINT security_is_mandatory CHECK (((class <> 'security'::text) OR mandatory)) NOT VALID;

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (participant_id, session_id);

ALTER TABLE ONLY public.stop_tokens
    ADD CONSTRAINT stop_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.stopped_cards
    ADD CONSTRAINT stopped_cards_pkey PRIMARY KEY (participant_id, card_id);

ALTER TABLE ONLY public.support_code_owners
    ADD CONSTRAINT support_code_owners_pkey PRIMARY KEY (code_hash);

ALTER TABLE ONLY public.support_code_tries
    ADD CONSTRAINT support_code_tries_pkey PRIMARY KEY (issuer, staff, hour);

ALTER TABLE ONLY public.support_codes
    ADD CONSTRAINT support_codes_pkey PRIMARY KEY (participant_id, code_id);

ALTER TABLE ONLY public.switched_off
    ADD CONSTRAINT switched_off_pkey PRIMARY KEY (participant_id, class, channel);

ALTER TABLE ONLY public.card_transfers
    ADD CONSTRAINT transfer_has_one_side_at_each PRIMARY KEY (participant_id, transfer_id);

ALTER TABLE ONLY public.unanswered_merges
    ADD CONSTRAINT unanswered_merges_pkey PRIMARY KEY (participant_id, merge_id, since);

ALTER TABLE ONLY public.undo_seals
    ADD CONSTRAINT undo_seals_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.undo_splits
    ADD CONSTRAINT undo_splits_pkey PRIMARY KEY (participant_id, merge_id, entry_id, to_card);

ALTER TABLE public.cases
    ADD CONSTRAINT unreached_case_is_decided_as_one CHECK (((kind = 'unreached'::text) = (decision = ANY (ARRAY['reached'::text, 'not_reached'::text, 'read'::text])))) NOT VALID;

ALTER TABLE public.outbox
    ADD CONSTRAINT what_rests_has_its_time CHECK (((class = 2) = (rests_until IS NOT NULL))) NOT VALID;

CREATE INDEX access_log_newest_first ON public.access_log USING btree (participant_id, looked_at DESC, look_id DESC);

CREATE INDEX announced_waiting ON public.announced USING btree (announcement_id, participant_id) WHERE (seq IS NULL);

CREATE INDEX announcement_runs_running ON public.announcement_runs USING btree (announcement_id) WHERE (state = 'running'::text);

CREATE INDEX bulk_rows_by_event ON public.bulk_rows USING btree (event_id);

CREATE INDEX cases_open_until ON public.cases USING btree (due_at) WHERE (state = 'open'::text);

CREATE INDEX challenges_by_expiry ON public.challenges USING btree (expires_at);

CREATE INDEX climbs_in_turn ON public.climbs USING btree (bulk, due_at) WHERE (state = 'waiting'::text);

CREATE INDEX climbs_to_people ON public.climbs USING btree (due_at) WHERE ((state = 'waiting'::text) AND (channel = 'people'::text));

CREATE INDEX climbs_unreached ON public.climbs USING btree (ended_at) WHERE (state = 'unreached'::text);

CREATE INDEX climbs_waiting ON public.climbs USING btree (due_at) WHERE (state = 'waiting'::text);

CREATE INDEX contact_changes_by_expiry ON public.contact_changes USING btree (expires_at) WHERE (state <> 'applied'::text);

CREATE INDEX contact_messages_waiting ON public.contact_messages USING btree (not_before NULLS FIRST) WHERE (state = 'waiting'::text);

CREATE INDEX core_events_waiting ON public.core_events USING btree (not_before NULLS FIRST) WHERE (state = 'waiting'::text);

CREATE INDEX deliveries_dead ON public.deliveries USING btree (last_tried_at) WHERE (state = ANY (ARRAY['unregistered'::text, 'rejected'::text]));

CREATE INDEX deliveries_dead_by_id ON public.deliveries USING btree (delivery_id) WHERE (state = ANY (ARRAY['unregistered'::text, 'rejected'::text]));

CREATE INDEX documents_begun ON public.documents USING btree (begun_at) WHERE (stored_at IS NULL);

CREATE INDEX enrolments_by_expiry ON public.enrolments USING btree (expires_at);

CREATE INDEX enrolments_of_participant ON public.enrolments USING btree (participant_id, asked_at) WHERE (participant_id IS NOT NULL);

CREATE INDEX enrolments_to_ask_about ON public.enrolments USING btree (code_from) WHERE (asks_phone AND (phone_asked_at IS NULL));

CREATE INDEX enrolments_waiting_for_their_code ON public.enrolments USING btree (code_not_before NULLS FIRST) WHERE ((participant_id IS NOT NULL) AND (code_sent_at IS NULL));

CREATE UNIQUE INDEX growth_is_credited_once ON public.ledger_entries USING btree (participant_id, year, card_id, received_for_kpj) NULLS NOT DISTINCT WHERE ((kind = 'growth'::text) AND (year IS NOT NULL));

CREATE INDEX held_streams_of_event ON public.feed_held USING btree (event_id);

CREATE INDEX history_of_card ON public.history USING btree (participant_id, card_id, seq) WHERE (card_id IS NOT NULL);

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (kept_at);

CREATE INDEX joined_without_consent ON public.cards USING btree (participant_id, merged_into) WHERE (merge_mark = 'merged_without_consent'::text);

CREATE INDEX ledger_legs_of_transfer ON public.ledger_entries USING btree (participant_id, transfer_id) WHERE (transfer_id IS NOT NULL);

CREATE INDEX match_keys_of_participant ON public.match_keys USING btree (participant_id);

CREATE INDEX merges_by_state ON public.merges USING btree (state, merge_id);

CREATE INDEX merges_due ON public.merges USING btree (executes_at) WHERE (state = 'confirmed'::text);

CREATE INDEX merges_due_here ON public.merges USING btree (executes_at) WHERE ((state = 'confirmed'::text) AND (core IS NULL));

CREATE INDEX merges_open_until ON public.merges USING btree (expires_at) WHERE (state = 'proposed'::text);

CREATE INDEX merges_proposed_by_agency ON public.merges USING btree (proposed_at) WHERE (proposed_by = 'agency'::text);

CREATE INDEX merges_to_accept ON public.merges USING btree (executes_at) WHERE ((state = ANY (ARRAY['reported'::text, 'disputed'::text])) AND (confirmation_id IS NOT NULL));

CREATE INDEX merges_unanswered ON public.merges USING btree (state, merge_id) WHERE (core = 'pending'::text);

CREATE UNIQUE INDEX one_entry_per_card_and_cause ON public.history USING btree (participant_id, cause_id, card_id) WHERE (card_id IS NOT NULL);

CREATE UNIQUE INDEX one_live_branch_code_per_person ON public.branch_codes USING btree (participant_id) WHERE ((used_at IS NULL) AND (replaced_at IS NULL));

CREATE UNIQUE INDEX one_open_balance_case_per_card ON public.cases USING btree (participant_id, card_id) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX one_open_case_per_merge ON public.cases USING btree (participant_id, merge_id) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX one_open_change_per_contact ON public.contact_changes USING btree (participant_id, channel) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX one_open_claim_per_card ON public.claims USING btree (participant_id, card_id) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX one_open_freeze_proposal ON public.freeze_proposals USING btree (participant_id, act) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX one_open_proposal_per_case ON public.case_proposals USING btree (participant_id, case_id) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX one_open_unreached_case ON public.cases USING btree (participant_id) WHERE ((kind = 'unreached'::text) AND (state = 'open'::text));

CREATE INDEX outbox_rests ON public.outbox USING btree (lane, rests_until, participant_id) WHERE (class = 2);

CREATE INDEX participant_numbers_by_participant ON public.participant_numbers USING btree (participant_id);

CREATE INDEX passkeys_by_credential ON public.passkeys USING btree (participant_id, credential_id);

CREATE INDEX possible_matches_newest_first ON public.possible_matches USING btree (participant_id, found_at DESC, match_id DESC);

CREATE INDEX reconciled_cards_by_number ON public.reconciled_cards USING btree (kpj);

CREATE INDEX sessions_by_end ON public.sessions USING btree (LEAST(ended_at, refresh_expires_at));

CREATE UNIQUE INDEX source_event_is_posted_once ON public.ledger_entries USING btree (participant_id, source_event, card_id) WHERE (source_event IS NOT NULL);

CREATE INDEX stop_tokens_by_expiry ON public.stop_tokens USING btree (expires_at);

CREATE INDEX transfers_of_card ON public.card_transfers USING btree (participant_id, card_id);

CREATE TRIGGER a_contact_change_is_guarded AFTER INSERT ON public.contact_changes FOR EACH ROW EXECUTE FUNCTION public.guard_contact_change();

ALTER TABLE public.contact_changes ENABLE ALWAYS TRIGGER a_contact_change_is_guarded;

CREATE TRIGGER a_dispute_step_is_guarded AFTER UPDATE ON public.merges FOR EACH ROW WHEN (((old.state <> new.state) AND ((('disputed'::text = old.state) OR ('disputed'::text = new.state)) OR (new.state = ANY (ARRAY['reported'::text, 'restored'::text, 'accepted'::text]))))) EXECUTE FUNCTION public.guard_dispute_step();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER a_dispute_step_is_guarded;

CREATE TRIGGER a_merge_step_is_guarded AFTER INSERT OR UPDATE ON public.merges FOR EACH ROW EXECUTE FUNCTION public.guard_merge_step();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER a_merge_step_is_guarded;

CREATE TRIGGER a_new_phone_is_guarded AFTER INSERT ON public.devices FOR EACH ROW EXECUTE FUNCTION public.guard_new_phone();

ALTER TABLE public.devices ENABLE ALWAYS TRIGGER a_new_phone_is_guarded;

CREATE TRIGGER a_passkey_is_vouched_for AFTER INSERT ON public.passkeys FOR EACH ROW EXECUTE FUNCTION public.guard_new_passkey();

ALTER TABLE public.passkeys ENABLE ALWAYS TRIGGER a_passkey_is_vouched_for;

CREATE TRIGGER acceptance_is_told AFTER UPDATE ON public.merges FOR EACH ROW WHEN (((old.state = new.state) AND (new.state = ANY (ARRAY['reported'::text, 'disputed'::text])) AND (old.confirmation_id IS DISTINCT FROM new.confirmation_id))) EXECUTE FUNCTION public.tell_of_merge_step();

CREATE TRIGGER access_log_by_function_only BEFORE INSERT ON public.access_log FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('access_log_by_function_only');

ALTER TABLE public.access_log ENABLE ALWAYS TRIGGER access_log_by_function_only;

CREATE TRIGGER access_log_is_append_only BEFORE DELETE OR UPDATE ON public.access_log FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('access_log_is_append_only');

ALTER TABLE public.access_log ENABLE ALWAYS TRIGGER access_log_is_append_only;

CREATE TRIGGER access_log_is_not_truncated BEFORE TRUNCATE ON public.access_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('access_log_is_append_only');

ALTER TABLE public.access_log ENABLE ALWAYS TRIGGER access_log_is_not_truncated;

CREATE TRIGGER acknowledgement_ends_climb AFTER INSERT ON public.acknowledgements FOR EACH ROW EXECUTE FUNCTION public.end_climb();

CREATE TRIGGER an_acceptance_is_guarded AFTER UPDATE ON public.merges FOR EACH ROW WHEN (((new.state = ANY (ARRAY['reported'::text, 'disputed'::text])) AND (new.confirmation_id IS NOT NULL) AND ((old.confirmation_id IS DISTINCT FROM new.confirmation_id) OR (old.confirmed_at IS DISTINCT FROM new.confirmed_at)))) EXECUTE FUNCTION public.guard_acceptance();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER an_acceptance_is_guarded;

CREATE TRIGGER an_acknowledgement_is_guarded AFTER INSERT ON public.acknowledgements FOR EACH ROW EXECUTE FUNCTION public.guard_acknowledgement();

ALTER TABLE public.acknowledgements ENABLE ALWAYS TRIGGER an_acknowledgement_is_guarded;

CREATE TRIGGER an_unlock_is_guarded AFTER INSERT ON public.unlock_proofs FOR EACH ROW EXECUTE FUNCTION public.guard_unlock();

ALTER TABLE public.unlock_proofs ENABLE ALWAYS TRIGGER an_unlock_is_guarded;

CREATE TRIGGER announced_by_function_only BEFORE INSERT ON public.announced FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('announced_by_function_only');

ALTER TABLE public.announced ENABLE ALWAYS TRIGGER announced_by_function_only;

CREATE TRIGGER announced_is_kept BEFORE DELETE ON public.announced FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('announced_once');

ALTER TABLE public.announced ENABLE ALWAYS TRIGGER announced_is_kept;

CREATE TRIGGER announced_is_not_truncated BEFORE TRUNCATE ON public.announced FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('announced_once');

ALTER TABLE public.announced ENABLE ALWAYS TRIGGER announced_is_not_truncated;

CREATE TRIGGER announced_once BEFORE UPDATE ON public.announced FOR EACH ROW WHEN ((old.seq IS NOT NULL)) EXECUTE FUNCTION public.refuse_statement('announced_once');

ALTER TABLE public.announced ENABLE ALWAYS TRIGGER announced_once;

CREATE TRIGGER announcements_are_append_only BEFORE DELETE OR UPDATE ON public.announcements FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('announcements_are_append_only');

ALTER TABLE public.announcements ENABLE ALWAYS TRIGGER announcements_are_append_only;

CREATE TRIGGER announcements_are_not_truncated BEFORE TRUNCATE ON public.announcements FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('announcements_are_append_only');

ALTER TABLE public.announcements ENABLE ALWAYS TRIGGER announcements_are_not_truncated;

CREATE TRIGGER announcements_by_function_only BEFORE INSERT ON public.announcements FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('announcements_by_function_only');

ALTER TABLE public.announcements ENABLE ALWAYS TRIGGER announcements_by_function_only;

CREATE TRIGGER another_time_zone_ends_rest AFTER UPDATE ON public.participants FOR EACH ROW WHEN ((old.time_zone <> new.time_zone)) EXECUTE FUNCTION public.end_rest();

CREATE TRIGGER applied_contact_changes_are_kept BEFORE DELETE ON public.contact_changes FOR EACH ROW WHEN ((old.state = 'applied'::text)) EXECUTE FUNCTION public.refuse_statement('applied_contact_changes_are_kept');

ALTER TABLE public.contact_changes ENABLE ALWAYS TRIGGER applied_contact_changes_are_kept;

CREATE TRIGGER balance_is_the_sum_of_its_entries AFTER UPDATE ON public.cards FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND ((old.balance IS DISTINCT FROM new.balance) OR (old.entries IS DISTINCT FROM new.entries)))) EXECUTE FUNCTION public.refuse_statement('balance_is_the_sum_of_its_entries');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER balance_is_the_sum_of_its_entries;

CREATE TRIGGER branch_codes_are_kept BEFORE DELETE ON public.branch_codes FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('branch_codes_are_kept');

ALTER TABLE public.branch_codes ENABLE ALWAYS TRIGGER branch_codes_are_kept;

CREATE TRIGGER branch_codes_are_not_truncated BEFORE TRUNCATE ON public.branch_codes FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('branch_codes_are_kept');

ALTER TABLE public.branch_codes ENABLE ALWAYS TRIGGER branch_codes_are_not_truncated;

CREATE TRIGGER branch_codes_are_used_once BEFORE UPDATE ON public.branch_codes FOR EACH ROW WHEN (((num_nonnulls(old.used_at, old.replaced_at) > 0) OR (((((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.code_id IS DISTINCT FROM new.code_id)) OR (old.code_sha256 IS DISTINCT FROM new.code_sha256)) OR (old.branch IS DISTINCT FROM new.branch)) OR (old.staff IS DISTINCT FROM new.staff)) OR (old.for_heirs IS DISTINCT FROM new.for_heirs)) OR (old.issued_at IS DISTINCT FROM new.issued_at)) OR (old.expires_at IS DISTINCT FROM new.expires_at)) OR (old.cause_id IS DISTINCT FROM new.cause_id)))) EXECUTE FUNCTION public.refuse_statement('branch_codes_are_used_once');

ALTER TABLE public.branch_codes ENABLE ALWAYS TRIGGER branch_codes_are_used_once;

CREATE TRIGGER branch_codes_by_function_only BEFORE INSERT OR UPDATE ON public.branch_codes FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('branch_codes_by_function_only');

ALTER TABLE public.branch_codes ENABLE ALWAYS TRIGGER branch_codes_by_function_only;

CREATE TRIGGER card_goes_by_recorded_transfer AFTER UPDATE ON public.cards FOR EACH ROW WHEN (((old.transferred_at IS DISTINCT FROM new.transferred_at) OR (old.transfer_id IS DISTINCT FROM new.transfer_id))) EXECUTE FUNCTION public.guard_card_transfer();

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER card_goes_by_recorded_transfer;

CREATE TRIGGER card_is_queued_for_matching AFTER INSERT ON public.cards FOR EACH ROW EXECUTE FUNCTION public.queue_for_matching();

CREATE TRIGGER card_merges_only_by_its_confirmed_plan AFTER UPDATE ON public.cards FOR EACH ROW WHEN (((('merged'::text = old.merge_mark) OR ('merged'::text = new.merge_mark)) AND ((((old.merge_mark IS DISTINCT FROM new.merge_mark) OR (old.merge_id IS DISTINCT FROM new.merge_id)) OR (old.merged_into IS DISTINCT FROM new.merged_into)) OR (old.merged_via IS DISTINCT FROM new.merged_via)))) EXECUTE FUNCTION public.guard_card_merge();

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER card_merges_only_by_its_confirmed_plan;

CREATE TRIGGER card_never_changes_its_participant AFTER UPDATE ON public.cards FOR EACH ROW WHEN ((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.card_id IS DISTINCT FROM new.card_id)) OR (old.kpj IS DISTINCT FROM new.kpj))) EXECUTE FUNCTION public.refuse_statement('card_never_changes_its_participant');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER card_never_changes_its_participant;

CREATE TRIGGER card_number_changes_its_owner AFTER UPDATE ON public.card_numbers FOR EACH ROW EXECUTE FUNCTION public.guard_card_number();

ALTER TABLE public.card_numbers ENABLE ALWAYS TRIGGER card_number_changes_its_owner;

CREATE TRIGGER card_numbers_are_kept BEFORE DELETE ON public.card_numbers FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('card_numbers_are_kept');

ALTER TABLE public.card_numbers ENABLE ALWAYS TRIGGER card_numbers_are_kept;

CREATE TRIGGER card_numbers_are_not_truncated BEFORE TRUNCATE ON public.card_numbers FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('card_numbers_are_kept');

ALTER TABLE public.card_numbers ENABLE ALWAYS TRIGGER card_numbers_are_not_truncated;

CREATE TRIGGER cards_are_not_truncated BEFORE TRUNCATE ON public.cards FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('cards_are_opened_by_function');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER cards_are_not_truncated;

CREATE TRIGGER cards_are_opened_by_function BEFORE INSERT OR DELETE ON public.cards FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('cards_are_opened_by_function');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER cards_are_opened_by_function;

CREATE TRIGGER case_keeps_what_it_is_about BEFORE UPDATE ON public.cases FOR EACH ROW WHEN (((old.card_id IS DISTINCT FROM new.card_id) OR (old.figures IS DISTINCT FROM new.figures))) EXECUTE FUNCTION public.refuse_statement('cases_are_decided_once');

ALTER TABLE public.cases ENABLE ALWAYS TRIGGER case_keeps_what_it_is_about;

CREATE TRIGGER case_owners_are_kept BEFORE DELETE OR UPDATE ON public.case_owners FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('case_owners_are_kept');

ALTER TABLE public.case_owners ENABLE ALWAYS TRIGGER case_owners_are_kept;

CREATE TRIGGER case_owners_are_not_truncated BEFORE TRUNCATE ON public.case_owners FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('case_owners_are_kept');

ALTER TABLE public.case_owners ENABLE ALWAYS TRIGGER case_owners_are_not_truncated;

CREATE TRIGGER cases_are_decided_once BEFORE UPDATE ON public.cases FOR EACH ROW WHEN (((old.state <> 'open'::text) OR (new.state <> 'decided'::text) OR ((((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.case_id IS DISTINCT FROM new.case_id)) OR (old.kind IS DISTINCT FROM new.kind)) OR (old.merge_id IS DISTINCT FROM new.merge_id)) OR (old.match_id IS DISTINCT FROM new.match_id)) OR (old.statement IS DISTINCT FROM new.statement)) OR (old.opened_at IS DISTINCT FROM new.opened_at)) OR (old.due_at IS DISTINCT FROM new.due_at)))) EXECUTE FUNCTION public.refuse_statement('cases_are_decided_once');

ALTER TABLE public.cases ENABLE ALWAYS TRIGGER cases_are_decided_once;

CREATE TRIGGER cases_are_kept BEFORE DELETE ON public.cases FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('cases_are_kept');

ALTER TABLE public.cases ENABLE ALWAYS TRIGGER cases_are_kept;

CREATE TRIGGER cases_are_not_truncated BEFORE TRUNCATE ON public.cases FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('cases_are_kept');

ALTER TABLE public.cases ENABLE ALWAYS TRIGGER cases_are_not_truncated;

CREATE TRIGGER cases_by_function_only BEFORE INSERT OR UPDATE ON public.cases FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('cases_by_function_only');

ALTER TABLE public.cases ENABLE ALWAYS TRIGGER cases_by_function_only;

CREATE TRIGGER cause_is_of_who_entered BEFORE INSERT ON public.causes FOR EACH ROW WHEN (((SESSION_USER = 'sepakat_api'::name) AND (new.participant_id IS DISTINCT FROM public.entered_participant()))) EXECUTE FUNCTION public.refuse_statement('cause_is_of_who_entered');

ALTER TABLE public.causes ENABLE ALWAYS TRIGGER cause_is_of_who_entered;

CREATE TRIGGER causes_are_append_only BEFORE DELETE OR UPDATE ON public.causes FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('causes_are_append_only');

ALTER TABLE public.causes ENABLE ALWAYS TRIGGER causes_are_append_only;

CREATE TRIGGER causes_are_not_truncated BEFORE TRUNCATE ON public.causes FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('causes_are_append_only');

ALTER TABLE public.causes ENABLE ALWAYS TRIGGER causes_are_not_truncated;

CREATE TRIGGER causes_by_function_only BEFORE INSERT ON public.causes FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('causes_by_function_only');

ALTER TABLE public.causes ENABLE ALWAYS TRIGGER causes_by_function_only;

CREATE TRIGGER climb_goes_on_without_a_phone AFTER UPDATE ON public.push_targets FOR EACH ROW WHEN (((old.cleared_at IS NULL) AND (new.cleared_at IS NOT NULL))) EXECUTE FUNCTION public.climb_without_a_phone();

CREATE TRIGGER climbs_are_kept BEFORE DELETE ON public.climbs FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('climbs_are_kept');

ALTER TABLE public.climbs ENABLE ALWAYS TRIGGER climbs_are_kept;

CREATE TRIGGER climbs_are_not_truncated BEFORE TRUNCATE ON public.climbs FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('climbs_are_kept');

ALTER TABLE public.climbs ENABLE ALWAYS TRIGGER climbs_are_not_truncated;

CREATE TRIGGER climbs_by_function_only BEFORE INSERT ON public.climbs FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('climbs_by_function_only');

ALTER TABLE public.climbs ENABLE ALWAYS TRIGGER climbs_by_function_only;

CREATE TRIGGER climbs_end_once BEFORE UPDATE ON public.climbs FOR EACH ROW WHEN ((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.cause_id IS DISTINCT FROM new.cause_id)) OR (old.channel IS DISTINCT FROM new.channel)) OR (old.step IS DISTINCT FROM new.step)) OR ((old.state <> 'waiting'::text) AND ((old.state <> 'unreached'::text) OR (new.state <> 'acknowledged'::text))) OR ((new.state = 'acknowledged'::text) AND (CURRENT_USER <> 'sepakat_writer'::name)) OR ((new.seqs IS DISTINCT FROM old.seqs) AND (CURRENT_USER <> 'sepakat_writer'::name)) OR (new.due_at > old.due_at))) EXECUTE FUNCTION public.refuse_statement('climbs_end_once');

ALTER TABLE public.climbs ENABLE ALWAYS TRIGGER climbs_end_once;

CREATE TRIGGER comparisons_are_not_truncated BEFORE TRUNCATE ON public.balance_comparisons FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('comparisons_by_function_only');

ALTER TABLE public.balance_comparisons ENABLE ALWAYS TRIGGER comparisons_are_not_truncated;

CREATE TRIGGER comparisons_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.balance_comparisons FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('comparisons_by_function_only');

ALTER TABLE public.balance_comparisons ENABLE ALWAYS TRIGGER comparisons_by_function_only;

CREATE TRIGGER confirmations_are_append_only BEFORE DELETE OR UPDATE ON public.confirmations FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('confirmations_are_append_only');

ALTER TABLE public.confirmations ENABLE ALWAYS TRIGGER confirmations_are_append_only;

CREATE TRIGGER confirmations_are_not_truncated BEFORE TRUNCATE ON public.confirmations FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('confirmations_are_append_only');

ALTER TABLE public.confirmations ENABLE ALWAYS TRIGGER confirmations_are_not_truncated;

CREATE TRIGGER consent_choices_are_append_only BEFORE DELETE OR UPDATE ON public.consent_choices FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('consent_choices_are_append_only');

ALTER TABLE public.consent_choices ENABLE ALWAYS TRIGGER consent_choices_are_append_only;

CREATE TRIGGER consent_choices_are_not_truncated BEFORE TRUNCATE ON public.consent_choices FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('consent_choices_are_append_only');

ALTER TABLE public.consent_choices ENABLE ALWAYS TRIGGER consent_choices_are_not_truncated;

CREATE TRIGGER consent_choices_by_function_only BEFORE INSERT ON public.consent_choices FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('consent_choices_by_function_only');

ALTER TABLE public.consent_choices ENABLE ALWAYS TRIGGER consent_choices_by_function_only;

CREATE TRIGGER contact_changes_are_not_truncated BEFORE TRUNCATE ON public.contact_changes FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('applied_contact_changes_are_kept');

ALTER TABLE public.contact_changes ENABLE ALWAYS TRIGGER contact_changes_are_not_truncated;

CREATE TRIGGER contact_changes_by_function_only BEFORE INSERT OR UPDATE ON public.contact_changes FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('contact_changes_by_function_only');

ALTER TABLE public.contact_changes ENABLE ALWAYS TRIGGER contact_changes_by_function_only;

CREATE TRIGGER contact_changes_close_once BEFORE UPDATE ON public.contact_changes FOR EACH ROW WHEN (((old.state <> 'open'::text) OR (new.tries < old.tries) OR (((((((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.change_id IS DISTINCT FROM new.change_id)) OR (old.channel IS DISTINCT FROM new.channel)) OR (old.masked IS DISTINCT FROM new.masked)) OR (old.key_id IS DISTINCT FROM new.key_id)) OR (old.nonce IS DISTINCT FROM new.nonce)) OR (old.statement IS DISTINCT FROM new.statement)) OR (old.proof IS DISTINCT FROM new.proof)) OR (old.asked_at IS DISTINCT FROM new.asked_at)) OR (old.expires_at IS DISTINCT FROM new.expires_at)) OR (old.cause_id IS DISTINCT FROM new.cause_id)))) EXECUTE FUNCTION public.refuse_statement('contact_changes_close_once');

ALTER TABLE public.contact_changes ENABLE ALWAYS TRIGGER contact_changes_close_once;

CREATE TRIGGER contact_messages_are_not_truncated BEFORE TRUNCATE ON public.contact_messages FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('notices_are_kept');

ALTER TABLE public.contact_messages ENABLE ALWAYS TRIGGER contact_messages_are_not_truncated;

CREATE TRIGGER contact_messages_by_function_only BEFORE INSERT ON public.contact_messages FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('contact_messages_by_function_only');

ALTER TABLE public.contact_messages ENABLE ALWAYS TRIGGER contact_messages_by_function_only;

CREATE TRIGGER contact_messages_end_once BEFORE UPDATE ON public.contact_messages FOR EACH ROW WHEN (((old.state <> 'waiting'::text) OR ((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.message_id IS DISTINCT FROM new.message_id)) OR (old.what IS DISTINCT FROM new.what)) OR (old.channel IS DISTINCT FROM new.channel)) OR (old.expires_at IS DISTINCT FROM new.expires_at)) OR (old.cause_id IS DISTINCT FROM new.cause_id)) OR ((new.contact_sealed <> old.contact_sealed) AND (CURRENT_USER <> 'sepakat_writer'::name)))) EXECUTE FUNCTION public.refuse_statement('contact_messages_end_once');

ALTER TABLE public.contact_messages ENABLE ALWAYS TRIGGER contact_messages_end_once;

CREATE TRIGGER core_answers_by_function_only BEFORE UPDATE ON public.merges FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND (old.core IS DISTINCT FROM new.core))) EXECUTE FUNCTION public.refuse_statement('core_answers_by_function_only');

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER core_answers_by_function_only;

CREATE TRIGGER core_events_by_function_only BEFORE INSERT ON public.core_events FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('core_events_by_function_only');

ALTER TABLE public.core_events ENABLE ALWAYS TRIGGER core_events_by_function_only;

CREATE TRIGGER core_is_told AFTER INSERT ON public.history FOR EACH ROW WHEN ((new.kind = ANY (ARRAY['merge_confirmed'::text, 'merge_due'::text, 'merge_delayed'::text, 'merge_cancelled'::text, 'merge_refused'::text, 'merge_not_reported'::text, 'merge_executed'::text, 'merge_undone'::text, 'merge_disputed'::text, 'merge_accepted'::text, 'contact_changed'::text]))) EXECUTE FUNCTION public.tell_core();

CREATE TRIGGER core_waits_for_what_is_confirmed BEFORE UPDATE ON public.merges FOR EACH ROW WHEN (((old.state = 'confirmed'::text) AND (old.core IS NOT NULL) AND ((new.state = ANY (ARRAY['proposed'::text, 'cancelled'::text])) OR ((new.state = 'confirmed'::text) AND (new.executes_at > old.executes_at))))) EXECUTE FUNCTION public.take_merge_from_core();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER core_waits_for_what_is_confirmed;

CREATE TRIGGER corrections_are_kept BEFORE DELETE ON public.corrections FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('corrections_are_kept');

ALTER TABLE public.corrections ENABLE ALWAYS TRIGGER corrections_are_kept;

CREATE TRIGGER corrections_are_not_truncated BEFORE TRUNCATE ON public.corrections FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('corrections_are_kept');

ALTER TABLE public.corrections ENABLE ALWAYS TRIGGER corrections_are_not_truncated;

CREATE TRIGGER corrections_by_function_only BEFORE INSERT OR UPDATE ON public.corrections FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('corrections_by_function_only');

ALTER TABLE public.corrections ENABLE ALWAYS TRIGGER corrections_by_function_only;

CREATE TRIGGER documents_are_not_truncated BEFORE TRUNCATE ON public.documents FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('stored_documents_are_kept');

ALTER TABLE public.documents ENABLE ALWAYS TRIGGER documents_are_not_truncated;

CREATE TRIGGER documents_are_stored_by_function BEFORE UPDATE ON public.documents FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND (((((((((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.document_id IS DISTINCT FROM new.document_id)) OR (old.about IS DISTINCT FROM new.about)) OR (old.subject_id IS DISTINCT FROM new.subject_id)) OR (old.kind IS DISTINCT FROM new.kind)) OR (old.request_key IS DISTINCT FROM new.request_key)) OR (old.body_sha256 IS DISTINCT FROM new.body_sha256)) OR (old.begun_at IS DISTINCT FROM new.begun_at)) OR (old.stored_at IS DISTINCT FROM new.stored_at)) OR (old.media_type IS DISTINCT FROM new.media_type)) OR (old.sha256 IS DISTINCT FROM new.sha256)) OR (old.bytes IS DISTINCT FROM new.bytes)) OR (old.cause_id IS DISTINCT FROM new.cause_id)))) EXECUTE FUNCTION public.refuse_statement('documents_are_stored_by_function');

ALTER TABLE public.documents ENABLE ALWAYS TRIGGER documents_are_stored_by_function;

CREATE TRIGGER documents_begin_empty BEFORE INSERT ON public.documents FOR EACH ROW WHEN ((num_nonnulls(new.stored_at, new.discarded_at) > 0)) EXECUTE FUNCTION public.refuse_statement('documents_are_stored_by_function');

ALTER TABLE public.documents ENABLE ALWAYS TRIGGER documents_begin_empty;

CREATE CONSTRAINT TRIGGER execution_equals_the_confirmed_plan AFTER INSERT ON public.merge_executions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.check_execution();

ALTER TABLE public.merge_executions ENABLE ALWAYS TRIGGER execution_equals_the_confirmed_plan;

CREATE TRIGGER execution_is_stamped BEFORE INSERT ON public.merge_executions FOR EACH ROW EXECUTE FUNCTION public.stamp_execution();

ALTER TABLE public.merge_executions ENABLE ALWAYS TRIGGER execution_is_stamped;

CREATE TRIGGER executions_are_append_only BEFORE DELETE OR UPDATE ON public.merge_executions FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('executions_are_append_only');

ALTER TABLE public.merge_executions ENABLE ALWAYS TRIGGER executions_are_append_only;

CREATE TRIGGER executions_are_not_truncated BEFORE TRUNCATE ON public.merge_executions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('executions_are_append_only');

ALTER TABLE public.merge_executions ENABLE ALWAYS TRIGGER executions_are_not_truncated;

CREATE TRIGGER executions_by_function_only BEFORE INSERT ON public.merge_executions FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('executions_by_function_only');

ALTER TABLE public.merge_executions ENABLE ALWAYS TRIGGER executions_by_function_only;

CREATE TRIGGER exports_are_kept BEFORE DELETE ON public.data_exports FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('exports_are_kept');

ALTER TABLE public.data_exports ENABLE ALWAYS TRIGGER exports_are_kept;

CREATE TRIGGER exports_are_not_truncated BEFORE TRUNCATE ON public.data_exports FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('exports_are_kept');

ALTER TABLE public.data_exports ENABLE ALWAYS TRIGGER exports_are_not_truncated;

CREATE TRIGGER exports_end_once BEFORE UPDATE ON public.data_exports FOR EACH ROW WHEN ((old.ended_at IS NOT NULL)) EXECUTE FUNCTION public.refuse_statement('exports_end_once');

ALTER TABLE public.data_exports ENABLE ALWAYS TRIGGER exports_end_once;

CREATE TRIGGER feed_skips_are_append_only BEFORE DELETE OR UPDATE ON public.feed_skips FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('feed_skips_are_append_only');

ALTER TABLE public.feed_skips ENABLE ALWAYS TRIGGER feed_skips_are_append_only;

CREATE TRIGGER feed_skips_are_not_truncated BEFORE TRUNCATE ON public.feed_skips FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('feed_skips_are_append_only');

ALTER TABLE public.feed_skips ENABLE ALWAYS TRIGGER feed_skips_are_not_truncated;

CREATE TRIGGER feed_skips_by_function_only BEFORE INSERT ON public.feed_skips FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('feed_skips_by_function_only');

ALTER TABLE public.feed_skips ENABLE ALWAYS TRIGGER feed_skips_by_function_only;

CREATE TRIGGER freezes_are_closed_once BEFORE UPDATE ON public.freeze_proposals FOR EACH ROW WHEN (((old.state <> 'open'::text) OR (new.state = 'open'::text) OR (((((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.proposal_id IS DISTINCT FROM new.proposal_id)) OR (old.act IS DISTINCT FROM new.act)) OR (old.reason IS DISTINCT FROM new.reason)) OR (old.issuer IS DISTINCT FROM new.issuer)) OR (old.staff IS DISTINCT FROM new.staff)) OR (old.staff_role IS DISTINCT FROM new.staff_role)) OR (old.shown_as IS DISTINCT FROM new.shown_as)) OR (old.proposed_at IS DISTINCT FROM new.proposed_at)))) EXECUTE FUNCTION public.refuse_statement('freezes_are_closed_once');

ALTER TABLE public.freeze_proposals ENABLE ALWAYS TRIGGER freezes_are_closed_once;

CREATE TRIGGER freezes_are_kept BEFORE DELETE ON public.freeze_proposals FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('freezes_are_kept');

ALTER TABLE public.freeze_proposals ENABLE ALWAYS TRIGGER freezes_are_kept;

CREATE TRIGGER freezes_are_not_truncated BEFORE TRUNCATE ON public.freeze_proposals FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('freezes_are_kept');

ALTER TABLE public.freeze_proposals ENABLE ALWAYS TRIGGER freezes_are_not_truncated;

CREATE TRIGGER freezes_by_function_only BEFORE INSERT OR UPDATE ON public.freeze_proposals FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('freezes_by_function_only');

ALTER TABLE public.freeze_proposals ENABLE ALWAYS TRIGGER freezes_by_function_only;

CREATE TRIGGER growth_is_credited_once AFTER INSERT ON public.ledger_entries FOR EACH ROW WHEN (((new.kind = 'growth'::text) AND (new.year IS NOT NULL))) EXECUTE FUNCTION public.guard_growth();

CREATE TRIGGER growth_rates_are_append_only BEFORE DELETE OR UPDATE ON public.growth_rates FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('growth_rates_are_append_only');

ALTER TABLE public.growth_rates ENABLE ALWAYS TRIGGER growth_rates_are_append_only;

CREATE TRIGGER growth_rates_are_not_truncated BEFORE TRUNCATE ON public.growth_rates FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('growth_rates_are_append_only');

ALTER TABLE public.growth_rates ENABLE ALWAYS TRIGGER growth_rates_are_not_truncated;

CREATE TRIGGER heads_are_not_truncated BEFORE TRUNCATE ON public.participant_heads FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('heads_by_function_only');

ALTER TABLE public.participant_heads ENABLE ALWAYS TRIGGER heads_are_not_truncated;

CREATE TRIGGER heads_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.participant_heads FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('heads_by_function_only');

ALTER TABLE public.participant_heads ENABLE ALWAYS TRIGGER heads_by_function_only;

CREATE TRIGGER heir_claims_are_kept BEFORE DELETE ON public.heir_claims FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('heir_claims_are_kept');

ALTER TABLE public.heir_claims ENABLE ALWAYS TRIGGER heir_claims_are_kept;

CREATE TRIGGER heir_claims_are_not_truncated BEFORE TRUNCATE ON public.heir_claims FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('heir_claims_are_kept');

ALTER TABLE public.heir_claims ENABLE ALWAYS TRIGGER heir_claims_are_not_truncated;

CREATE TRIGGER heir_claims_by_function_only BEFORE INSERT OR UPDATE ON public.heir_claims FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('heir_claims_by_function_only');

ALTER TABLE public.heir_claims ENABLE ALWAYS TRIGGER heir_claims_by_function_only;

CREATE TRIGGER held_participant_begins_no_merge AFTER INSERT ON public.merges FOR EACH ROW WHEN ((new.state = 'proposed'::text)) EXECUTE FUNCTION public.guard_held_participant();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER held_participant_begins_no_merge;

CREATE TRIGGER held_participant_goes_on_in_no_merge AFTER UPDATE ON public.merges FOR EACH ROW WHEN (((old.state <> new.state) AND (new.state = ANY (ARRAY['confirmed'::text, 'executed'::text, 'accepted'::text])))) EXECUTE FUNCTION public.guard_held_participant();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER held_participant_goes_on_in_no_merge;

CREATE TRIGGER history_by_function_only BEFORE INSERT ON public.history FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('history_by_function_only');

ALTER TABLE public.history ENABLE ALWAYS TRIGGER history_by_function_only;

CREATE TRIGGER history_data_by_function_only BEFORE INSERT ON public.history_data FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('history_by_function_only');

ALTER TABLE public.history_data ENABLE ALWAYS TRIGGER history_data_by_function_only;

CREATE TRIGGER history_data_is_append_only BEFORE DELETE OR UPDATE ON public.history_data FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('history_data_is_append_only');

ALTER TABLE public.history_data ENABLE ALWAYS TRIGGER history_data_is_append_only;

CREATE TRIGGER history_data_is_not_truncated BEFORE TRUNCATE ON public.history_data FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('history_data_is_append_only');

ALTER TABLE public.history_data ENABLE ALWAYS TRIGGER history_data_is_not_truncated;

CREATE TRIGGER history_is_append_only BEFORE DELETE OR UPDATE ON public.history FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('history_is_append_only');

ALTER TABLE public.history ENABLE ALWAYS TRIGGER history_is_append_only;

CREATE TRIGGER history_is_not_truncated BEFORE TRUNCATE ON public.history FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('history_is_append_only');

ALTER TABLE public.history ENABLE ALWAYS TRIGGER history_is_not_truncated;

CREATE TRIGGER key_added_is_told AFTER INSERT ON public.devices FOR EACH ROW EXECUTE FUNCTION public.tell_of_key();

CREATE TRIGGER key_added_is_told AFTER INSERT ON public.passkeys FOR EACH ROW EXECUTE FUNCTION public.tell_of_key();

CREATE TRIGGER key_removed_is_told AFTER UPDATE ON public.devices FOR EACH ROW WHEN (((old.removed_at IS NULL) AND (new.removed_at IS NOT NULL))) EXECUTE FUNCTION public.tell_of_key();

CREATE TRIGGER key_removed_is_told AFTER UPDATE ON public.passkeys FOR EACH ROW WHEN (((old.removed_at IS NULL) AND (new.removed_at IS NOT NULL))) EXECUTE FUNCTION public.tell_of_key();

CREATE TRIGGER key_renamed_is_told AFTER UPDATE ON public.devices FOR EACH ROW WHEN ((old.name <> new.name)) EXECUTE FUNCTION public.tell_of_name();

CREATE TRIGGER key_renamed_is_told AFTER UPDATE ON public.passkeys FOR EACH ROW WHEN ((old.name <> new.name)) EXECUTE FUNCTION public.tell_of_name();

CREATE TRIGGER keys_are_kept BEFORE DELETE ON public.devices FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('keys_are_kept');

ALTER TABLE public.devices ENABLE ALWAYS TRIGGER keys_are_kept;

CREATE TRIGGER keys_are_not_swapped BEFORE UPDATE ON public.devices FOR EACH ROW WHEN (((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.device_id IS DISTINCT FROM new.device_id)) OR (old.public_key IS DISTINCT FROM new.public_key)) OR (old.added_at IS DISTINCT FROM new.added_at)) OR (old.vouched_by IS DISTINCT FROM new.vouched_by)) OR (old.removed_at IS NOT NULL) OR ((old.hold_until IS NOT NULL) AND (new.hold_until IS NULL)) OR (new.hold_until < old.hold_until))) EXECUTE FUNCTION public.refuse_statement('keys_are_not_swapped');

ALTER TABLE public.devices ENABLE ALWAYS TRIGGER keys_are_not_swapped;

CREATE TRIGGER ledger_by_function_only BEFORE INSERT ON public.ledger_entries FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('ledger_by_function_only');

ALTER TABLE public.ledger_entries ENABLE ALWAYS TRIGGER ledger_by_function_only;

CREATE TRIGGER ledger_is_append_only BEFORE DELETE OR UPDATE ON public.ledger_entries FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('ledger_is_append_only');

ALTER TABLE public.ledger_entries ENABLE ALWAYS TRIGGER ledger_is_append_only;

CREATE TRIGGER ledger_is_not_truncated BEFORE TRUNCATE ON public.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('ledger_is_append_only');

ALTER TABLE public.ledger_entries ENABLE ALWAYS TRIGGER ledger_is_not_truncated;

CREATE CONSTRAINT TRIGGER legs_sum_to_zero AFTER INSERT ON public.ledger_entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ((new.transfer_id IS NOT NULL)) EXECUTE FUNCTION public.check_legs_sum_to_zero();

ALTER TABLE public.ledger_entries ENABLE ALWAYS TRIGGER legs_sum_to_zero;

CREATE TRIGGER matches_are_decided_once BEFORE UPDATE ON public.possible_matches FOR EACH ROW WHEN (((((((old.state <> 'suggested'::text) OR (new.state <> 'not_mine'::text)) AND ((old.state <> 'suggested'::text) OR (new.state <> 'claimed'::text))) AND ((old.state <> 'claimed'::text) OR (new.state <> 'linked'::text))) AND ((old.state <> 'claimed'::text) OR (new.state <> 'refused'::text))) OR (((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.match_id IS DISTINCT FROM new.match_id)) OR (old.other_participant_id IS DISTINCT FROM new.other_participant_id)) OR (old.other_card_id IS DISTINCT FROM new.other_card_id)) OR (old.rule IS DISTINCT FROM new.rule)) OR (old.rules_version IS DISTINCT FROM new.rules_version)) OR (old.found_at IS DISTINCT FROM new.found_at)))) EXECUTE FUNCTION public.refuse_statement('matches_are_decided_once');

ALTER TABLE public.possible_matches ENABLE ALWAYS TRIGGER matches_are_decided_once;

CREATE TRIGGER matches_are_kept BEFORE DELETE ON public.possible_matches FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('matches_are_kept');

ALTER TABLE public.possible_matches ENABLE ALWAYS TRIGGER matches_are_kept;

CREATE TRIGGER matches_are_not_truncated BEFORE TRUNCATE ON public.possible_matches FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('matches_are_kept');

ALTER TABLE public.possible_matches ENABLE ALWAYS TRIGGER matches_are_not_truncated;

CREATE TRIGGER matches_by_function_only BEFORE INSERT OR UPDATE ON public.possible_matches FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('matches_by_function_only');

ALTER TABLE public.possible_matches ENABLE ALWAYS TRIGGER matches_by_function_only;

CREATE TRIGGER merge_delay_is_told AFTER UPDATE ON public.merges FOR EACH ROW WHEN (((old.confirmation_id = new.confirmation_id) AND (old.executes_at < new.executes_at))) EXECUTE FUNCTION public.tell_of_delay();

CREATE TRIGGER merge_is_never_hastened BEFORE UPDATE ON public.merges FOR EACH ROW WHEN (((old.confirmation_id = new.confirmation_id) AND (new.executes_at < old.executes_at))) EXECUTE FUNCTION public.refuse_statement('merge_is_never_hastened');

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER merge_is_never_hastened;

CREATE TRIGGER merge_owners_are_kept BEFORE DELETE OR UPDATE ON public.merge_owners FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('merge_owners_are_kept');

ALTER TABLE public.merge_owners ENABLE ALWAYS TRIGGER merge_owners_are_kept;

CREATE TRIGGER merge_owners_are_not_truncated BEFORE TRUNCATE ON public.merge_owners FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('merge_owners_are_kept');

ALTER TABLE public.merge_owners ENABLE ALWAYS TRIGGER merge_owners_are_not_truncated;

CREATE TRIGGER merge_step_is_told AFTER UPDATE ON public.merges FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR (old.into_card IS DISTINCT FROM new.into_card))) EXECUTE FUNCTION public.tell_of_merge_step();

CREATE TRIGGER merges_are_kept BEFORE DELETE ON public.merges FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('merges_are_kept');

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER merges_are_kept;

CREATE TRIGGER merges_are_not_truncated BEFORE TRUNCATE ON public.merges FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('merges_are_kept');

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER merges_are_not_truncated;

CREATE TRIGGER new_merge_is_told AFTER INSERT ON public.merges FOR EACH ROW EXECUTE FUNCTION public.tell_of_merge_step();

CREATE TRIGGER notices_are_kept BEFORE DELETE ON public.contact_messages FOR EACH ROW WHEN ((old.what = 'notice'::text)) EXECUTE FUNCTION public.refuse_statement('notices_are_kept');

ALTER TABLE public.contact_messages ENABLE ALWAYS TRIGGER notices_are_kept;

CREATE TRIGGER open_merge_cards_by_trigger_only BEFORE INSERT OR DELETE OR UPDATE ON public.open_merge_cards FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('open_merge_cards_by_trigger_only');

ALTER TABLE public.open_merge_cards ENABLE ALWAYS TRIGGER open_merge_cards_by_trigger_only;

CREATE TRIGGER opened_card_is_not_gone AFTER INSERT ON public.cards FOR EACH ROW WHEN ((new.transferred_at IS NOT NULL)) EXECUTE FUNCTION public.refuse_statement('card_goes_by_recorded_transfer');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER opened_card_is_not_gone;

CREATE TRIGGER opened_card_is_not_merged AFTER INSERT ON public.cards FOR EACH ROW WHEN ((new.merge_mark = 'merged'::text)) EXECUTE FUNCTION public.guard_card_merge();

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER opened_card_is_not_merged;

CREATE TRIGGER other_quiet_hours_end_rest AFTER DELETE OR UPDATE ON public.quiet_hours FOR EACH ROW EXECUTE FUNCTION public.end_rest();

CREATE TRIGGER outbox_by_function_only BEFORE INSERT ON public.outbox FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('outbox_by_function_only');

ALTER TABLE public.outbox ENABLE ALWAYS TRIGGER outbox_by_function_only;

CREATE TRIGGER outbox_is_not_truncated BEFORE TRUNCATE ON public.outbox FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('outbox_by_function_only');

ALTER TABLE public.outbox ENABLE ALWAYS TRIGGER outbox_is_not_truncated;

CREATE TRIGGER overdue_cases_are_append_only BEFORE DELETE OR UPDATE ON public.overdue_cases FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('overdue_cases_are_append_only');

ALTER TABLE public.overdue_cases ENABLE ALWAYS TRIGGER overdue_cases_are_append_only;

CREATE TRIGGER overdue_cases_are_not_truncated BEFORE TRUNCATE ON public.overdue_cases FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('overdue_cases_are_append_only');

ALTER TABLE public.overdue_cases ENABLE ALWAYS TRIGGER overdue_cases_are_not_truncated;

CREATE TRIGGER overdue_cases_by_function_only BEFORE INSERT ON public.overdue_cases FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('overdue_cases_by_function_only');

ALTER TABLE public.overdue_cases ENABLE ALWAYS TRIGGER overdue_cases_by_function_only;

CREATE TRIGGER pairs_are_not_truncated BEFORE TRUNCATE ON public.never_suggested_pairs FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('pairs_by_function_only');

ALTER TABLE public.never_suggested_pairs ENABLE ALWAYS TRIGGER pairs_are_not_truncated;

CREATE TRIGGER pairs_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.never_suggested_pairs FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('pairs_by_function_only');

ALTER TABLE public.never_suggested_pairs ENABLE ALWAYS TRIGGER pairs_by_function_only;

CREATE TRIGGER participant_is_queued_for_matching AFTER INSERT OR UPDATE OF name, birth_date ON public.participants FOR EACH ROW EXECUTE FUNCTION public.queue_for_matching();

CREATE TRIGGER passkeys_are_kept BEFORE DELETE ON public.passkeys FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('passkeys_are_kept');

ALTER TABLE public.passkeys ENABLE ALWAYS TRIGGER passkeys_are_kept;

CREATE TRIGGER passkeys_are_not_swapped BEFORE UPDATE ON public.passkeys FOR EACH ROW WHEN ((((((((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.passkey_id IS DISTINCT FROM new.passkey_id)) OR (old.credential_id IS DISTINCT FROM new.credential_id)) OR (old.public_key IS DISTINCT FROM new.public_key)) OR (old.transports IS DISTINCT FROM new.transports)) OR (old.added_at IS DISTINCT FROM new.added_at)) OR (old.vouched_by IS DISTINCT FROM new.vouched_by)) OR (old.nonce IS DISTINCT FROM new.nonce)) OR (old.statement IS DISTINCT FROM new.statement)) OR (old.proof IS DISTINCT FROM new.proof)) OR (old.removed_at IS NOT NULL) OR ((old.hold_until IS NOT NULL) AND (new.hold_until IS NULL)) OR (new.hold_until < old.hold_until) OR (new.sign_count < old.sign_count) OR (new.last_used_at < old.last_used_at))) EXECUTE FUNCTION public.refuse_statement('passkeys_are_not_swapped');

ALTER TABLE public.passkeys ENABLE ALWAYS TRIGGER passkeys_are_not_swapped;

CREATE TRIGGER passkeys_are_not_truncated BEFORE TRUNCATE ON public.passkeys FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('passkeys_are_kept');

ALTER TABLE public.passkeys ENABLE ALWAYS TRIGGER passkeys_are_not_truncated;

CREATE TRIGGER plans_are_append_only BEFORE DELETE OR UPDATE ON public.merge_plans FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('plans_are_append_only');

ALTER TABLE public.merge_plans ENABLE ALWAYS TRIGGER plans_are_append_only;

CREATE TRIGGER plans_are_not_truncated BEFORE TRUNCATE ON public.merge_plans FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('plans_are_append_only');

ALTER TABLE public.merge_plans ENABLE ALWAYS TRIGGER plans_are_not_truncated;

CREATE TRIGGER proposal_files_are_append_only BEFORE DELETE OR UPDATE ON public.proposal_files FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('proposal_files_are_append_only');

ALTER TABLE public.proposal_files ENABLE ALWAYS TRIGGER proposal_files_are_append_only;

CREATE TRIGGER proposal_files_are_not_truncated BEFORE TRUNCATE ON public.proposal_files FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('proposal_files_are_append_only');

ALTER TABLE public.proposal_files ENABLE ALWAYS TRIGGER proposal_files_are_not_truncated;

CREATE TRIGGER proposals_are_closed_once BEFORE UPDATE ON public.case_proposals FOR EACH ROW WHEN (((old.state <> 'open'::text) OR (new.state = 'open'::text) OR ((((((((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.case_id IS DISTINCT FROM new.case_id)) OR (old.proposal_id IS DISTINCT FROM new.proposal_id)) OR (old.decision IS DISTINCT FROM new.decision)) OR (old.reason IS DISTINCT FROM new.reason)) OR (old.issuer IS DISTINCT FROM new.issuer)) OR (old.staff IS DISTINCT FROM new.staff)) OR (old.staff_role IS DISTINCT FROM new.staff_role)) OR (old.shown_as IS DISTINCT FROM new.shown_as)) OR (old.proposed_at IS DISTINCT FROM new.proposed_at)))) EXECUTE FUNCTION public.refuse_statement('proposals_are_closed_once');

ALTER TABLE public.case_proposals ENABLE ALWAYS TRIGGER proposals_are_closed_once;

CREATE TRIGGER proposals_are_kept BEFORE DELETE ON public.case_proposals FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('proposals_are_kept');

ALTER TABLE public.case_proposals ENABLE ALWAYS TRIGGER proposals_are_kept;

CREATE TRIGGER proposals_are_not_truncated BEFORE TRUNCATE ON public.case_proposals FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('proposals_are_kept');

ALTER TABLE public.case_proposals ENABLE ALWAYS TRIGGER proposals_are_not_truncated;

CREATE TRIGGER proposals_by_function_only BEFORE INSERT OR UPDATE ON public.case_proposals FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('proposals_by_function_only');

ALTER TABLE public.case_proposals ENABLE ALWAYS TRIGGER proposals_by_function_only;

CREATE TRIGGER protected_cards_begin_no_merge AFTER INSERT ON public.merges FOR EACH ROW WHEN ((new.state = 'proposed'::text)) EXECUTE FUNCTION public.guard_protected_cards();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER protected_cards_begin_no_merge;

CREATE TRIGGER protected_cards_go_on_in_no_merge AFTER UPDATE ON public.merges FOR EACH ROW WHEN (((old.state <> new.state) AND (new.state = ANY (ARRAY['confirmed'::text, 'executed'::text, 'accepted'::text])))) EXECUTE FUNCTION public.guard_protected_cards();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER protected_cards_go_on_in_no_merge;

CREATE TRIGGER quiet_hours_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.quiet_hours FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('preferences_by_function_only');

ALTER TABLE public.quiet_hours ENABLE ALWAYS TRIGGER quiet_hours_by_function_only;

CREATE TRIGGER reported_by_function_only BEFORE INSERT ON public.merges FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND (new.state = 'reported'::text))) EXECUTE FUNCTION public.refuse_statement('reported_by_function_only');

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER reported_by_function_only;

CREATE TRIGGER reversed_contributions_are_append_only BEFORE DELETE OR UPDATE ON public.reversed_contributions FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('reversed_contributions_are_append_only');

ALTER TABLE public.reversed_contributions ENABLE ALWAYS TRIGGER reversed_contributions_are_append_only;

CREATE TRIGGER reversed_contributions_are_not_truncated BEFORE TRUNCATE ON public.reversed_contributions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('reversed_contributions_are_append_only');

ALTER TABLE public.reversed_contributions ENABLE ALWAYS TRIGGER reversed_contributions_are_not_truncated;

CREATE TRIGGER reversed_contributions_by_function_only BEFORE INSERT ON public.reversed_contributions FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('reversed_contributions_by_function_only');

ALTER TABLE public.reversed_contributions ENABLE ALWAYS TRIGGER reversed_contributions_by_function_only;

CREATE TRIGGER roots_are_append_only BEFORE DELETE OR UPDATE ON public.history_roots FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('roots_are_append_only');

ALTER TABLE public.history_roots ENABLE ALWAYS TRIGGER roots_are_append_only;

CREATE TRIGGER roots_are_not_truncated BEFORE TRUNCATE ON public.history_roots FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('roots_are_append_only');

ALTER TABLE public.history_roots ENABLE ALWAYS TRIGGER roots_are_not_truncated;

CREATE TRIGGER runs_end_once BEFORE UPDATE ON public.announcement_runs FOR EACH ROW WHEN ((old.state <> 'running'::text)) EXECUTE FUNCTION public.refuse_statement('runs_end_once');

ALTER TABLE public.announcement_runs ENABLE ALWAYS TRIGGER runs_end_once;

CREATE TRIGGER sessions_end_once AFTER UPDATE ON public.sessions FOR EACH ROW WHEN (((new.* IS DISTINCT FROM old.*) AND ((old.ended_at IS NOT NULL) OR ((new.generation < old.generation) OR (new.generation > (old.generation + 1))) OR (((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.session_id IS DISTINCT FROM new.session_id)) OR (old.device_id IS DISTINCT FROM new.device_id)) OR (old.passkey_id IS DISTINCT FROM new.passkey_id)) OR (old.started_at IS DISTINCT FROM new.started_at))))) EXECUTE FUNCTION public.refuse_statement('sessions_end_once');

ALTER TABLE public.sessions ENABLE ALWAYS TRIGGER sessions_end_once;

CREATE TRIGGER splits_are_append_only BEFORE DELETE OR UPDATE ON public.undo_splits FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('splits_are_append_only');

ALTER TABLE public.undo_splits ENABLE ALWAYS TRIGGER splits_are_append_only;

CREATE TRIGGER splits_are_not_truncated BEFORE TRUNCATE ON public.undo_splits FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('splits_are_append_only');

ALTER TABLE public.undo_splits ENABLE ALWAYS TRIGGER splits_are_not_truncated;

CREATE TRIGGER splits_by_function_only BEFORE INSERT ON public.undo_splits FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('splits_by_function_only');

ALTER TABLE public.undo_splits ENABLE ALWAYS TRIGGER splits_by_function_only;

CREATE TRIGGER stops_are_not_truncated BEFORE TRUNCATE ON public.stopped_cards FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('stops_by_function_only');

ALTER TABLE public.stopped_cards ENABLE ALWAYS TRIGGER stops_are_not_truncated;

CREATE TRIGGER stops_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.stopped_cards FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('stops_by_function_only');

ALTER TABLE public.stopped_cards ENABLE ALWAYS TRIGGER stops_by_function_only;

CREATE TRIGGER stored_documents_are_kept BEFORE DELETE OR UPDATE ON public.documents FOR EACH ROW WHEN ((old.stored_at IS NOT NULL)) EXECUTE FUNCTION public.refuse_statement('stored_documents_are_kept');

ALTER TABLE public.documents ENABLE ALWAYS TRIGGER stored_documents_are_kept;

CREATE TRIGGER support_codes_are_not_truncated BEFORE TRUNCATE ON public.support_codes FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('support_codes_by_function_only');

ALTER TABLE public.support_codes ENABLE ALWAYS TRIGGER support_codes_are_not_truncated;

CREATE TRIGGER support_codes_are_used_once BEFORE UPDATE ON public.support_codes FOR EACH ROW WHEN (((old.used_at IS NOT NULL) OR (new.expires_at > old.expires_at) OR (((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.code_id IS DISTINCT FROM new.code_id)) OR (old.code_hash IS DISTINCT FROM new.code_hash)) OR (old.made_at IS DISTINCT FROM new.made_at)) OR (old.cause_id IS DISTINCT FROM new.cause_id)))) EXECUTE FUNCTION public.refuse_statement('support_codes_are_used_once');

ALTER TABLE public.support_codes ENABLE ALWAYS TRIGGER support_codes_are_used_once;

CREATE TRIGGER support_codes_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.support_codes FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('support_codes_by_function_only');

ALTER TABLE public.support_codes ENABLE ALWAYS TRIGGER support_codes_by_function_only;

CREATE TRIGGER switched_off_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.switched_off FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('preferences_by_function_only');

ALTER TABLE public.switched_off ENABLE ALWAYS TRIGGER switched_off_by_function_only;

CREATE TRIGGER transfer_is_stamped BEFORE INSERT ON public.card_transfers FOR EACH ROW EXECUTE FUNCTION public.stamp_transfer();

ALTER TABLE public.card_transfers ENABLE ALWAYS TRIGGER transfer_is_stamped;

CREATE CONSTRAINT TRIGGER transfer_moves_the_whole_card AFTER INSERT ON public.card_transfers DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.check_transfer();

ALTER TABLE public.card_transfers ENABLE ALWAYS TRIGGER transfer_moves_the_whole_card;

CREATE TRIGGER transfers_are_append_only BEFORE DELETE OR UPDATE ON public.card_transfers FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('transfers_are_append_only');

ALTER TABLE public.card_transfers ENABLE ALWAYS TRIGGER transfers_are_append_only;

CREATE TRIGGER transfers_are_not_truncated BEFORE TRUNCATE ON public.card_transfers FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('transfers_are_append_only');

ALTER TABLE public.card_transfers ENABLE ALWAYS TRIGGER transfers_are_not_truncated;

CREATE TRIGGER transfers_by_function_only BEFORE INSERT ON public.card_transfers FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('transfers_by_function_only');

ALTER TABLE public.card_transfers ENABLE ALWAYS TRIGGER transfers_by_function_only;

CREATE TRIGGER tries_of_a_code_only_grow AFTER UPDATE ON public.enrolments FOR EACH ROW WHEN ((new.tries < old.tries)) EXECUTE FUNCTION public.refuse_statement('tries_only_grow');

ALTER TABLE public.enrolments ENABLE ALWAYS TRIGGER tries_of_a_code_only_grow;

CREATE TRIGGER tries_of_a_day_only_grow AFTER UPDATE ON public.code_tries FOR EACH ROW WHEN ((new.tries < old.tries)) EXECUTE FUNCTION public.refuse_statement('tries_only_grow');

ALTER TABLE public.code_tries ENABLE ALWAYS TRIGGER tries_of_a_day_only_grow;

CREATE TRIGGER unanswered_merges_are_append_only BEFORE DELETE OR UPDATE ON public.unanswered_merges FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('unanswered_merges_are_append_only');

ALTER TABLE public.unanswered_merges ENABLE ALWAYS TRIGGER unanswered_merges_are_append_only;

CREATE TRIGGER unanswered_merges_are_not_truncated BEFORE TRUNCATE ON public.unanswered_merges FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('unanswered_merges_are_append_only');

ALTER TABLE public.unanswered_merges ENABLE ALWAYS TRIGGER unanswered_merges_are_not_truncated;

CREATE TRIGGER unanswered_merges_by_function_only BEFORE INSERT ON public.unanswered_merges FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('unanswered_merges_by_function_only');

ALTER TABLE public.unanswered_merges ENABLE ALWAYS TRIGGER unanswered_merges_by_function_only;

CREATE TRIGGER undo_seals_are_not_truncated BEFORE TRUNCATE ON public.undo_seals FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('undo_seals_by_function_only');

ALTER TABLE public.undo_seals ENABLE ALWAYS TRIGGER undo_seals_are_not_truncated;

CREATE TRIGGER undo_seals_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.undo_seals FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('undo_seals_by_function_only');

ALTER TABLE public.undo_seals ENABLE ALWAYS TRIGGER undo_seals_by_function_only;

CREATE TRIGGER unexplained_change_is_captured AFTER UPDATE ON public.cards FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND ((((((((old.status IS DISTINCT FROM new.status) OR (old.lifecycle IS DISTINCT FROM new.lifecycle)) OR (old.claim_id IS DISTINCT FROM new.claim_id)) OR (old.frozen_at IS DISTINCT FROM new.frozen_at)) OR (old.locked_at IS DISTINCT FROM new.locked_at)) OR (old.merge_mark IS DISTINCT FROM new.merge_mark)) OR (old.merged_into IS DISTINCT FROM new.merged_into)) OR (old.closed_on IS DISTINCT FROM new.closed_on)))) EXECUTE FUNCTION public.capture_unexplained_change();

CREATE TRIGGER unexplained_data_change_is_captured AFTER UPDATE ON public.participants FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND ((((((old.nik_sealed IS DISTINCT FROM new.nik_sealed) OR (old.name IS DISTINCT FROM new.name)) OR (old.birth_date IS DISTINCT FROM new.birth_date)) OR (old.phone_sealed IS DISTINCT FROM new.phone_sealed)) OR (old.phone_since IS DISTINCT FROM new.phone_since)) OR (old.email_sealed IS DISTINCT FROM new.email_sealed)))) EXECUTE FUNCTION public.capture_unexplained_data_change();

CREATE TRIGGER unlock_proofs_are_append_only BEFORE DELETE OR UPDATE ON public.unlock_proofs FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('unlock_proofs_are_append_only');

ALTER TABLE public.unlock_proofs ENABLE ALWAYS TRIGGER unlock_proofs_are_append_only;

CREATE TRIGGER unlock_proofs_are_not_truncated BEFORE TRUNCATE ON public.unlock_proofs FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('unlock_proofs_are_append_only');

ALTER TABLE public.unlock_proofs ENABLE ALWAYS TRIGGER unlock_proofs_are_not_truncated;

CREATE TRIGGER unlock_proofs_by_function_only BEFORE INSERT ON public.unlock_proofs FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('unlock_proofs_by_function_only');

ALTER TABLE public.unlock_proofs ENABLE ALWAYS TRIGGER unlock_proofs_by_function_only;

ALTER TABLE ONLY public.access_log
    ADD CONSTRAINT access_log_participant_id_code_id_fkey FOREIGN KEY (participant_id, code_id) REFERENCES public.support_codes(participant_id, code_id);

ALTER TABLE ONLY public.access_log
    ADD CONSTRAINT access_log_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.acknowledgements
    ADD CONSTRAINT acknowledgements_participant_id_seq_fkey FOREIGN KEY (participant_id, seq) REFERENCES public.history(participant_id, seq);

ALTER TABLE ONLY public.announced
    ADD CONSTRAINT announced_announcement_id_fkey FOREIGN KEY (announcement_id) REFERENCES public.announcements(announcement_id);

ALTER TABLE ONLY public.announced
    ADD CONSTRAINT announced_participant_id_seq_fkey FOREIGN KEY (participant_id, seq) REFERENCES public.history(participant_id, seq);

ALTER TABLE ONLY public.announcement_runs
    ADD CONSTRAINT announcement_runs_announcement_id_fkey FOREIGN KEY (announcement_id) REFERENCES public.announcements(announcement_id);

ALTER TABLE ONLY public.announcements
    ADD CONSTRAINT announcements_replaces_fkey FOREIGN KEY (replaces) REFERENCES public.announcements(announcement_id);

ALTER TABLE ONLY public.balance_comparisons
    ADD CONSTRAINT balance_comparisons_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.branch_code_tries
    ADD CONSTRAINT branch_code_tries_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.branch_codes
    ADD CONSTRAINT branch_codes_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.branch_codes
    ADD CONSTRAINT branch_codes_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.card_transfers
    ADD CONSTRAINT card_transfers_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.card_transfers
    ADD CONSTRAINT card_transfers_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.card_transfers
    ADD CONSTRAINT card_transfers_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.cases
    ADD CONSTRAINT case_is_about_a_card_of_its_owner FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.case_proposals
    ADD CONSTRAINT case_proposals_participant_id_case_id_fkey FOREIGN KEY (participant_id, case_id) REFERENCES public.cases(participant_id, case_id);

ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.cases
    ADD CONSTRAINT cases_participant_id_merge_id_fkey FOREIGN KEY (participant_id, merge_id) REFERENCES public.merges(participant_id, merge_id);

ALTER TABLE ONLY public.causes
    ADD CONSTRAINT causes_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.claims
    ADD CONSTRAINT claims_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.climbs
    ADD CONSTRAINT climbs_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.code_tries
    ADD CONSTRAINT code_tries_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmation_is_by_a_passkey FOREIGN KEY (participant_id, passkey_id) REFERENCES public.passkeys(participant_id, passkey_id);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT confirmation_is_of_this_plan FOREIGN KEY (participant_id, merge_id, plan_digest, confirmation_id) REFERENCES public.confirmations(participant_id, merge_id, plan_digest, confirmation_id);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmations_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmations_participant_id_merge_id_plan_digest_fkey FOREIGN KEY (participant_id, merge_id, plan_digest) REFERENCES public.merge_plans(participant_id, merge_id, plan_digest);

ALTER TABLE ONLY public.consent_choices
    ADD CONSTRAINT consent_choices_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.consent_choices
    ADD CONSTRAINT consent_choices_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.contact_changes
    ADD CONSTRAINT contact_changes_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.contact_changes
    ADD CONSTRAINT contact_changes_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.contact_messages
    ADD CONSTRAINT contact_messages_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.contact_messages
    ADD CONSTRAINT contact_messages_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.core_events
    ADD CONSTRAINT core_events_participant_id_seq_fkey FOREIGN KEY (participant_id, seq) REFERENCES public.history(participant_id, seq);

ALTER TABLE ONLY public.corrections
    ADD CONSTRAINT corrections_participant_id_case_id_fkey FOREIGN KEY (participant_id, case_id) REFERENCES public.cases(participant_id, case_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.documents
    ADD CONSTRAINT documents_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.merge_executions
    ADD CONSTRAINT execution_has_its_confirmation FOREIGN KEY (participant_id, merge_id, plan_digest, confirmation_id) REFERENCES public.confirmations(participant_id, merge_id, plan_digest, confirmation_id);

ALTER TABLE ONLY public.merge_executions
    ADD CONSTRAINT execution_has_its_plan FOREIGN KEY (participant_id, merge_id, plan_digest) REFERENCES public.merge_plans(participant_id, merge_id, plan_digest);

ALTER TABLE ONLY public.feed_held
    ADD CONSTRAINT feed_held_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.feed_events(event_id);

ALTER TABLE ONLY public.freeze_proposals
    ADD CONSTRAINT freeze_proposals_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.growth_runs
    ADD CONSTRAINT growth_runs_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.bulk_runs(run_id);

ALTER TABLE ONLY public.growth_totals
    ADD CONSTRAINT growth_totals_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.growth_runs(run_id);

ALTER TABLE ONLY public.heir_claims
    ADD CONSTRAINT heir_claims_participant_id_case_id_fkey FOREIGN KEY (participant_id, case_id) REFERENCES public.cases(participant_id, case_id);

ALTER TABLE ONLY public.heir_claims
    ADD CONSTRAINT heir_claims_participant_id_code_id_fkey FOREIGN KEY (participant_id, code_id) REFERENCES public.branch_codes(participant_id, code_id);

ALTER TABLE ONLY public.history_data
    ADD CONSTRAINT history_data_participant_id_seq_fkey FOREIGN KEY (participant_id, seq) REFERENCES public.history(participant_id, seq);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_kind_fkey FOREIGN KEY (kind) REFERENCES public.entry_kinds(kind);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.inbox_pointers
    ADD CONSTRAINT inbox_pointers_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.merge_plans
    ADD CONSTRAINT merge_plans_participant_id_merge_id_fkey FOREIGN KEY (participant_id, merge_id) REFERENCES public.merges(participant_id, merge_id);

ALTER TABLE ONLY public.merge_transitions
    ADD CONSTRAINT merge_transitions_kind_fkey FOREIGN KEY (kind) REFERENCES public.entry_kinds(kind);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT merged_into_a_card_of_the_same_owner FOREIGN KEY (participant_id, merged_into) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT merges_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT merges_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT merges_participant_id_into_card_fkey FOREIGN KEY (participant_id, into_card) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.never_suggested_pairs
    ADD CONSTRAINT never_suggested_pairs_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.never_suggested_pairs
    ADD CONSTRAINT never_suggested_pairs_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.never_suggested_pairs
    ADD CONSTRAINT never_suggested_pairs_participant_id_merge_id_fkey FOREIGN KEY (participant_id, merge_id) REFERENCES public.merges(participant_id, merge_id);

ALTER TABLE ONLY public.never_suggested_pairs
    ADD CONSTRAINT never_suggested_pairs_participant_id_other_card_id_fkey FOREIGN KEY (participant_id, other_card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.open_merge_cards
    ADD CONSTRAINT open_merge_cards_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.open_merge_cards
    ADD CONSTRAINT open_merge_cards_participant_id_merge_id_fkey FOREIGN KEY (participant_id, merge_id) REFERENCES public.merges(participant_id, merge_id);

ALTER TABLE ONLY public.overdue_cases
    ADD CONSTRAINT overdue_cases_participant_id_case_id_fkey FOREIGN KEY (participant_id, case_id) REFERENCES public.cases(participant_id, case_id);

ALTER TABLE ONLY public.overdue_cases
    ADD CONSTRAINT overdue_cases_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.participant_heads
    ADD CONSTRAINT participant_heads_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT passkeys_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.passkeys
    ADD CONSTRAINT passkeys_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.possible_matches
    ADD CONSTRAINT possible_matches_participant_id_case_id_fkey FOREIGN KEY (participant_id, case_id) REFERENCES public.cases(participant_id, case_id);

ALTER TABLE ONLY public.possible_matches
    ADD CONSTRAINT possible_matches_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.possible_matches
    ADD CONSTRAINT possible_matches_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.push_targets
    ADD CONSTRAINT push_targets_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

ALTER TABLE ONLY public.quiet_hours
    ADD CONSTRAINT quiet_hours_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_participant_id_seq_fkey FOREIGN KEY (participant_id, seq) REFERENCES public.history(participant_id, seq);

ALTER TABLE ONLY public.reversed_contributions
    ADD CONSTRAINT reversed_contributions_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.reversed_contributions
    ADD CONSTRAINT reversed_contributions_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT session_is_of_a_passkey FOREIGN KEY (participant_id, passkey_id) REFERENCES public.passkeys(participant_id, passkey_id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

ALTER TABLE ONLY public.stopped_cards
    ADD CONSTRAINT stopped_cards_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.support_codes
    ADD CONSTRAINT support_codes_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.support_codes
    ADD CONSTRAINT support_codes_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.switched_off
    ADD CONSTRAINT switched_off_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.unanswered_merges
    ADD CONSTRAINT unanswered_merges_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.unanswered_merges
    ADD CONSTRAINT unanswered_merges_participant_id_merge_id_fkey FOREIGN KEY (participant_id, merge_id) REFERENCES public.merges(participant_id, merge_id);

ALTER TABLE ONLY public.undo_splits
    ADD CONSTRAINT undo_splits_participant_id_from_card_fkey FOREIGN KEY (participant_id, from_card) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.undo_splits
    ADD CONSTRAINT undo_splits_participant_id_merge_id_fkey FOREIGN KEY (participant_id, merge_id) REFERENCES public.merges(participant_id, merge_id);

ALTER TABLE ONLY public.undo_splits
    ADD CONSTRAINT undo_splits_participant_id_to_card_fkey FOREIGN KEY (participant_id, to_card) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.unlock_proofs
    ADD CONSTRAINT unlock_proof_is_by_a_passkey FOREIGN KEY (participant_id, passkey_id) REFERENCES public.passkeys(participant_id, passkey_id);

ALTER TABLE ONLY public.unlock_proofs
    ADD CONSTRAINT unlock_proofs_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.unlock_proofs
    ADD CONSTRAINT unlock_proofs_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

ALTER TABLE public.access_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.acknowledgements ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.announced ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.balance_comparisons ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.branch_code_tries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.branch_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bulk_rows ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.card_numbers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.card_transfers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cards ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.case_owners ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.case_proposals ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.cases ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.causes ENABLE ROW LEVEL SECURITY;

CREATE POLICY challenge_of_nobody_yet ON public.challenges FOR INSERT TO sepakat_api WITH CHECK ((participant_id IS NULL));

ALTER TABLE public.challenges ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.claims ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.climbs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.code_tries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.confirmations ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.consent_choices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_changes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_messages ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.core_events ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.corrections ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.deliveries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.device_owners ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.devices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.documents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.enrolments ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.freeze_proposals ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.heir_claims ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.history ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.history_data ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.inbox_pointers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.ledger_entries ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.match_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.match_queue ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.merge_executions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.merge_owners ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.merge_plans ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.merges ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.never_suggested_pairs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.open_merge_cards ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.outbox ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.overdue_cases ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.participant_heads ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.participant_numbers ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.participants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.passkey_owners ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.passkeys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.possible_matches ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.push_targets ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.quiet_hours ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.receipts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.reversed_contributions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.rooted_heads ENABLE ROW LEVEL SECURITY;

CREATE POLICY rows_of_all ON public.access_log TO sepakat_writer, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.acknowledgements TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.announced TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.balance_comparisons TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.branch_code_tries TO sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.branch_codes TO sepakat_writer, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.bulk_rows TO sepakat_writer, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.card_numbers TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.card_transfers TO sepakat_writer, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.cards TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.case_owners TO sepakat_writer, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.case_proposals TO sepakat_writer, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.cases TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.causes TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.challenges TO sepakat_writer, sepakat_worker USING (true);

CREATE POLICY rows_of_all ON public.claims TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.climbs TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.code_tries TO sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.confirmations TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.consent_choices TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.contact_changes TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.contact_messages TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.core_events TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.corrections TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.deliveries TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.device_owners TO sepakat_writer, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.devices TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.documents TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.enrolments TO sepakat_writer, sepakat_worker USING (true);

CREATE POLICY rows_of_all ON public.freeze_proposals TO sepakat_writer, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.heir_claims TO sepakat_writer, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.history TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.history_data TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.idempotency_keys TO sepakat_worker USING (true);

CREATE POLICY rows_of_all ON public.inbox_pointers TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.ledger_entries TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.match_keys TO sepakat_worker USING (true);

CREATE POLICY rows_of_all ON public.match_queue TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.merge_executions TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.merge_owners TO sepakat_writer, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.merge_plans TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.merges TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.never_suggested_pairs TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.open_merge_cards TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.outbox TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.overdue_cases TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.participant_heads TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.participant_numbers TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.participants TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.passkey_owners TO sepakat_writer, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.passkeys TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.possible_matches TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.push_targets TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.quiet_hours TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.receipts TO sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.reversed_contributions TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.rooted_heads TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.sessions TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.stop_tokens TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.stopped_cards TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.support_code_owners TO sepakat_writer USING (true);

CREATE POLICY rows_of_all ON public.support_codes TO sepakat_writer, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.switched_off TO sepakat_writer, sepakat_worker, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.unanswered_merges TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.undo_splits TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_all ON public.unlock_proofs TO sepakat_writer, sepakat_worker, sepakat_feed, sepakat_operator USING (true);

CREATE POLICY rows_of_who_entered ON public.access_log TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.acknowledgements TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.announced TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.balance_comparisons TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.branch_code_tries TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.branch_codes TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.bulk_rows TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.card_numbers TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.card_transfers TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.cards TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.case_owners TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.case_proposals TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.cases TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.causes TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.challenges TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.claims TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.climbs TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.code_tries TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.confirmations TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.consent_choices TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.contact_changes TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.contact_messages TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.core_events TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.corrections TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.deliveries TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.device_owners TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.devices TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.documents TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.enrolments TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.freeze_proposals TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.heir_claims TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.history TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.history_data TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.idempotency_keys TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.inbox_pointers TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.ledger_entries TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.match_keys TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.match_queue TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.merge_executions TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.merge_owners TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.merge_plans TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.merges TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.never_suggested_pairs TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.open_merge_cards TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.outbox TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.overdue_cases TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.participant_heads TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.participant_numbers TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.participants TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.passkey_owners TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.passkeys TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.possible_matches TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.push_targets TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.quiet_hours TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.receipts TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.reversed_contributions TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.rooted_heads TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.sessions TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.stop_tokens TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.stopped_cards TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.support_code_owners TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.support_codes TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.switched_off TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.unanswered_merges TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.undo_splits TO sepakat_api USING ((participant_id = public.entered_participant()));

CREATE POLICY rows_of_who_entered ON public.unlock_proofs TO sepakat_api USING ((participant_id = public.entered_participant()));

ALTER TABLE public.sessions ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.stop_tokens ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.stopped_cards ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.support_code_owners ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.support_codes ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.switched_off ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.unanswered_merges ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.undo_splits ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.unlock_proofs ENABLE ROW LEVEL SECURITY;

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO sepakat_owner;
GRANT ALL ON SCHEMA public TO sepakat_writer;
GRANT USAGE ON SCHEMA public TO sepakat_api;
GRANT USAGE ON SCHEMA public TO sepakat_worker;
GRANT USAGE ON SCHEMA public TO sepakat_feed;
GRANT USAGE ON SCHEMA public TO sepakat_operator;
GRANT USAGE ON SCHEMA public TO sepakat_staff;

REVOKE ALL ON FUNCTION public.accept_merge(p_participant_id uuid, p_merge_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.accept_merge(p_participant_id uuid, p_merge_id uuid) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.acknowledge_merge(p_participant_id uuid, p_merge_id uuid, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.acknowledge_merge(p_participant_id uuid, p_merge_id uuid, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) TO sepakat_api;
GRANT ALL ON FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) TO sepakat_worker;
GRANT ALL ON FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.agree_on_balance(p_participant_id uuid, p_card_id uuid, p_figures jsonb, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.agree_on_balance(p_participant_id uuid, p_card_id uuid, p_figures jsonb, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.allow_clearing(p_for interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.allow_clearing(p_for interval) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.announce_to_some(p_announcement_id uuid, p_most integer, p_window integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.announce_to_some(p_announcement_id uuid, p_most integer, p_window integer) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.answer_enrolment(p_participant_id uuid, p_enrolment_id uuid, p_device_id uuid, p_answer text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.answer_enrolment(p_participant_id uuid, p_enrolment_id uuid, p_device_id uuid, p_answer text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.append_history(p_entries public.history_entry[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.apply_changes(p_changes public.card_change[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.apply_changes(p_changes public.card_change[]) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.apply_contact_change(p_participant_id uuid, p_change_id uuid, p_key_id uuid, p_hold interval, p_before text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.apply_contact_change(p_participant_id uuid, p_change_id uuid, p_key_id uuid, p_hold interval, p_before text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.ask_contact_change(p_participant_id uuid, p_key_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_expires_at timestamp with time zone, p_change_ids uuid[], p_channels text[], p_values bytea[], p_masked text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ask_contact_change(p_participant_id uuid, p_key_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_expires_at timestamp with time zone, p_change_ids uuid[], p_channels text[], p_values bytea[], p_masked text[]) TO sepakat_api;

REVOKE ALL ON FUNCTION public.ask_correction(p_participant_id uuid, p_case_id uuid, p_actor text, p_field text, p_wanted_sealed bytea, p_statement text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ask_correction(p_participant_id uuid, p_case_id uuid, p_actor text, p_field text, p_wanted_sealed bytea, p_statement text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.ask_enrolment(p_enrolment_id uuid, p_nik_hash bytea, p_kpj text, p_birth_date date, p_device_name text, p_platform text, p_public_key jsonb, p_asked_at timestamp with time zone, p_expires_at timestamp with time zone, p_ask_first interval, p_code_ttl interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ask_enrolment(p_enrolment_id uuid, p_nik_hash bytea, p_kpj text, p_birth_date date, p_device_name text, p_platform text, p_public_key jsonb, p_asked_at timestamp with time zone, p_expires_at timestamp with time zone, p_ask_first interval, p_code_ttl interval) TO sepakat_api;

REVOKE ALL ON FUNCTION public.ask_living_phone(p_participant_id uuid, p_enrolment_id uuid, p_most_a_day integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.ask_living_phone(p_participant_id uuid, p_enrolment_id uuid, p_most_a_day integer) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.base64url_to_bytes(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.base64url_to_bytes(p_text text) TO sepakat_api;
GRANT ALL ON FUNCTION public.base64url_to_bytes(p_text text) TO sepakat_writer;

REVOKE ALL ON FUNCTION public.bucket_of(participant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.bucket_of(participant_id uuid) TO sepakat_worker;
GRANT ALL ON FUNCTION public.bucket_of(participant_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.bucket_of(participant_id uuid) TO sepakat_writer;

REVOKE ALL ON FUNCTION public.bulk_apart(p_after uuid, p_upto uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.bulk_row_as_json(event_id text, kpj text, amount bigint, effective_on date, year smallint, month date, employer_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.bulk_row_as_json(event_id text, kpj text, amount bigint, effective_on date, year smallint, month date, employer_id text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.cancel_open_merges(p_participant_id uuid, p_card_id uuid, p_because text, p_cause_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.capture_unexplained_change() FROM PUBLIC;
GRANT ALL ON FUNCTION public.capture_unexplained_change() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.capture_unexplained_data_change() FROM PUBLIC;
GRANT ALL ON FUNCTION public.capture_unexplained_data_change() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.cards_for_staff(p_participant_id uuid, p_card_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.cards_to_stop(p_participant_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.carry_out_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval, p_cause_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.carry_out_proposal(p_case_id uuid, p_decision text, p_second public.staff_member) FROM PUBLIC;
GRANT ALL ON FUNCTION public.carry_out_proposal(p_case_id uuid, p_decision text, p_second public.staff_member) TO sepakat_staff;

REVOKE ALL ON FUNCTION public.case_to_decide(p_case_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.case_to_decide(p_case_id uuid) TO sepakat_staff;

REVOKE ALL ON FUNCTION public.cases_for_staff(p_state text, p_kind text, p_after_due timestamp with time zone, p_after_id uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.cases_for_staff(p_state text, p_kind text, p_after_due timestamp with time zone, p_after_id uuid, p_limit integer) TO sepakat_staff;

REVOKE ALL ON FUNCTION public.field(value bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.field(value bytea) TO sepakat_writer;
GRANT ALL ON FUNCTION public.field(value bytea) TO sepakat_operator;
GRANT ALL ON FUNCTION public.field(value bytea) TO sepakat_worker;
GRANT ALL ON FUNCTION public.field(value bytea) TO sepakat_api;

REVOKE ALL ON FUNCTION public.chain_step(state bytea, head bytea, body bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.chain_step(state bytea, head bytea, body bytea) TO sepakat_writer;
GRANT ALL ON FUNCTION public.chain_step(state bytea, head bytea, body bytea) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.change_cards(p_changes public.card_change[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.change_contact(p_participant_id uuid, p_channel text, p_value bytea, p_since date, p_cause_id uuid, p_data jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.check_execution() FROM PUBLIC;
GRANT ALL ON FUNCTION public.check_execution() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.check_legs_sum_to_zero() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.check_purpose(p_kind text, p_purpose text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.check_transfer() FROM PUBLIC;
GRANT ALL ON FUNCTION public.check_transfer() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.quiet_until(starts_at time without time zone, ends_at time without time zone, time_zone text, instant timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.quiet_until(starts_at time without time zone, ends_at time without time zone, time_zone text, instant timestamp with time zone) TO sepakat_worker;
GRANT ALL ON FUNCTION public.quiet_until(starts_at time without time zone, ends_at time without time zone, time_zone text, instant timestamp with time zone) TO sepakat_writer;

GRANT SELECT ON TABLE public.acknowledgements TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.acknowledgements TO sepakat_api;
GRANT SELECT ON TABLE public.acknowledgements TO sepakat_worker;
GRANT SELECT ON TABLE public.acknowledgements TO sepakat_feed;
GRANT SELECT ON TABLE public.acknowledgements TO sepakat_writer;

GRANT SELECT ON TABLE public.inbox_pointers TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.inbox_pointers TO sepakat_api;
GRANT SELECT ON TABLE public.inbox_pointers TO sepakat_worker;
GRANT SELECT ON TABLE public.inbox_pointers TO sepakat_feed;
GRANT SELECT ON TABLE public.inbox_pointers TO sepakat_writer;

GRANT SELECT ON TABLE public.participants TO sepakat_operator;
GRANT SELECT ON TABLE public.participants TO sepakat_api;
GRANT SELECT ON TABLE public.participants TO sepakat_worker;
GRANT SELECT ON TABLE public.participants TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.participants TO sepakat_writer;

GRANT SELECT ON TABLE public.quiet_hours TO sepakat_operator;
GRANT SELECT ON TABLE public.quiet_hours TO sepakat_api;
GRANT SELECT ON TABLE public.quiet_hours TO sepakat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.quiet_hours TO sepakat_writer;

GRANT SELECT ON TABLE public.switched_off TO sepakat_operator;
GRANT SELECT ON TABLE public.switched_off TO sepakat_api;
GRANT SELECT ON TABLE public.switched_off TO sepakat_worker;
GRANT SELECT,INSERT,DELETE ON TABLE public.switched_off TO sepakat_writer;

REVOKE ALL ON FUNCTION public.choice_about(p_participant_id uuid, p_seq bigint, p_class text, p_mandatory boolean, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.choice_about(p_participant_id uuid, p_seq bigint, p_class text, p_mandatory boolean, p_now timestamp with time zone) TO sepakat_worker;

GRANT SELECT ON TABLE public.entry_kinds TO sepakat_operator;
GRANT SELECT ON TABLE public.entry_kinds TO sepakat_api;
GRANT SELECT ON TABLE public.entry_kinds TO sepakat_worker;
GRANT SELECT ON TABLE public.entry_kinds TO sepakat_feed;
GRANT SELECT ON TABLE public.entry_kinds TO sepakat_writer;

GRANT SELECT ON TABLE public.history TO sepakat_operator;
GRANT SELECT ON TABLE public.history TO sepakat_api;
GRANT SELECT ON TABLE public.history TO sepakat_worker;
GRANT SELECT ON TABLE public.history TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.history TO sepakat_writer;

REVOKE ALL ON FUNCTION public.choice_about_climb(p_participant_id uuid, p_seqs bigint[], p_channel text, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.choice_about_climb(p_participant_id uuid, p_seqs bigint[], p_channel text, p_now timestamp with time zone) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.choose_consent(p_participant_id uuid, p_purpose text, p_choice text, p_wording text, p_actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.choose_consent(p_participant_id uuid, p_purpose text, p_choice text, p_wording text, p_actor text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.claim_clearing(p_wanted integer, p_mismatched integer, p_sent integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_clearing(p_wanted integer, p_mismatched integer, p_sent integer) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.claim_match(p_participant_id uuid, p_match_id uuid, p_case_id uuid, p_actor text, p_documents uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.claim_match(p_participant_id uuid, p_match_id uuid, p_case_id uuid, p_actor text, p_documents uuid[]) TO sepakat_api;

REVOKE ALL ON FUNCTION public.climb_without_a_phone() FROM PUBLIC;
GRANT ALL ON FUNCTION public.climb_without_a_phone() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.count_stoppable_merges(p_participant_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.current_instant() FROM PUBLIC;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_writer;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_api;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_worker;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_feed;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_operator;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_staff;

REVOKE ALL ON FUNCTION public.decide_balance(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decide_balance(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.decide_case(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decide_case(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.decide_correction(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decide_correction(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.decide_heir_case(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text, p_papers jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decide_heir_case(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text, p_papers jsonb) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.decide_match(p_participant_id uuid, p_case_id uuid, p_transfer_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text, p_event_id text, p_occurred_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decide_match(p_participant_id uuid, p_case_id uuid, p_transfer_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text, p_event_id text, p_occurred_at timestamp with time zone) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.decide_refusal(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decide_refusal(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.decide_unreached(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.decide_unreached(p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.delay_confirmed_merges(p_participant_id uuid, p_keys uuid[], p_until timestamp with time zone, p_cause_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.disown_match(p_participant_id uuid, p_match_id uuid, p_actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.disown_match(p_participant_id uuid, p_match_id uuid, p_actor text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.dispute_balance(p_participant_id uuid, p_card_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.dispute_balance(p_participant_id uuid, p_card_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.dispute_merge(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_actor text, p_statement text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.dispute_merge(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_actor text, p_statement text) TO sepakat_api;

GRANT SELECT ON TABLE public.announcements TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.announcements TO sepakat_writer;
GRANT SELECT ON TABLE public.announcements TO sepakat_api;
GRANT SELECT ON TABLE public.announcements TO sepakat_worker;
GRANT SELECT ON TABLE public.announcements TO sepakat_feed;

REVOKE ALL ON FUNCTION public.earlier_announcements(p_announcement_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.earlier_announcements(p_announcement_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.earlier_announcements(p_announcement_id uuid) TO sepakat_worker;
GRANT ALL ON FUNCTION public.earlier_announcements(p_announcement_id uuid) TO sepakat_feed;
GRANT ALL ON FUNCTION public.earlier_announcements(p_announcement_id uuid) TO sepakat_writer;
GRANT ALL ON FUNCTION public.earlier_announcements(p_announcement_id uuid) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.end_climb() FROM PUBLIC;
GRANT ALL ON FUNCTION public.end_climb() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.end_rest() FROM PUBLIC;
GRANT ALL ON FUNCTION public.end_rest() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.enter_by_credential(p_credential_id bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enter_by_credential(p_credential_id bytea) TO sepakat_api;

REVOKE ALL ON FUNCTION public.enter_by_device(p_device_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enter_by_device(p_device_id uuid) TO sepakat_api;

GRANT SELECT ON TABLE public.enrolments TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.enrolments TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.enrolments TO sepakat_writer;

GRANT UPDATE(tries) ON TABLE public.enrolments TO sepakat_api;

GRANT UPDATE(verified_at) ON TABLE public.enrolments TO sepakat_api;

GRANT UPDATE(code_sent_at) ON TABLE public.enrolments TO sepakat_worker;

GRANT UPDATE(code_attempts) ON TABLE public.enrolments TO sepakat_worker;

GRANT UPDATE(code_not_before) ON TABLE public.enrolments TO sepakat_worker;

GRANT UPDATE(phone_asked_at) ON TABLE public.enrolments TO sepakat_worker;

REVOKE ALL ON FUNCTION public.enter_by_enrolment(p_enrolment_id uuid, p_most_tries integer, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enter_by_enrolment(p_enrolment_id uuid, p_most_tries integer, p_now timestamp with time zone) TO sepakat_api;

REVOKE ALL ON FUNCTION public.enter_by_number(p_nik_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enter_by_number(p_nik_hash bytea) TO sepakat_api;

REVOKE ALL ON FUNCTION public.enter_by_stop_link(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enter_by_stop_link(p_token_hash bytea) TO sepakat_api;

REVOKE ALL ON FUNCTION public.lane_of(participant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_writer;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_worker;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_feed;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.thumbprint_of_key(p_public_key jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.thumbprint_of_key(p_public_key jsonb) TO sepakat_api;
GRANT ALL ON FUNCTION public.thumbprint_of_key(p_public_key jsonb) TO sepakat_writer;

GRANT SELECT ON TABLE public.devices TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.devices TO sepakat_api;
GRANT SELECT ON TABLE public.devices TO sepakat_worker;
GRANT SELECT ON TABLE public.devices TO sepakat_writer;

GRANT UPDATE(name) ON TABLE public.devices TO sepakat_api;

GRANT UPDATE(hold_until) ON TABLE public.devices TO sepakat_writer;

GRANT UPDATE(removed_at) ON TABLE public.devices TO sepakat_api;

GRANT UPDATE(cause_id) ON TABLE public.devices TO sepakat_api;

GRANT SELECT ON TABLE public.passkeys TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.passkeys TO sepakat_api;
GRANT SELECT ON TABLE public.passkeys TO sepakat_worker;
GRANT SELECT ON TABLE public.passkeys TO sepakat_writer;

GRANT UPDATE(name) ON TABLE public.passkeys TO sepakat_api;

GRANT UPDATE(synced) ON TABLE public.passkeys TO sepakat_api;

GRANT UPDATE(sign_count) ON TABLE public.passkeys TO sepakat_api;

GRANT UPDATE(last_used_at) ON TABLE public.passkeys TO sepakat_api;

GRANT UPDATE(hold_until) ON TABLE public.passkeys TO sepakat_writer;

GRANT UPDATE(removed_at) ON TABLE public.passkeys TO sepakat_api;

GRANT UPDATE(cause_id) ON TABLE public.passkeys TO sepakat_api;

GRANT SELECT ON TABLE public.keys TO sepakat_operator;
GRANT SELECT ON TABLE public.keys TO sepakat_worker;
GRANT SELECT ON TABLE public.keys TO sepakat_api;
GRANT SELECT ON TABLE public.keys TO sepakat_writer;

GRANT SELECT ON TABLE public.sessions TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.sessions TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.sessions TO sepakat_worker;
GRANT SELECT ON TABLE public.sessions TO sepakat_writer;

GRANT UPDATE(generation) ON TABLE public.sessions TO sepakat_api;

GRANT UPDATE(refreshed_at) ON TABLE public.sessions TO sepakat_api;

GRANT UPDATE(refresh_expires_at) ON TABLE public.sessions TO sepakat_api;

GRANT UPDATE(ended_at) ON TABLE public.sessions TO sepakat_api;

GRANT UPDATE(ended_because) ON TABLE public.sessions TO sepakat_api;

REVOKE ALL ON FUNCTION public.enter_refresh(p_participant_id uuid, p_session_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enter_refresh(p_participant_id uuid, p_session_id uuid) TO sepakat_api;

REVOKE ALL ON FUNCTION public.enter_session(p_participant_id uuid, p_session_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.enter_session(p_participant_id uuid, p_session_id uuid) TO sepakat_api;

REVOKE ALL ON FUNCTION public.entered_participant() FROM PUBLIC;
GRANT ALL ON FUNCTION public.entered_participant() TO sepakat_api;
GRANT ALL ON FUNCTION public.entered_participant() TO sepakat_writer;

REVOKE ALL ON FUNCTION public.entries_since_merge(p_participant_id uuid, p_merge_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.entries_since_merge(p_participant_id uuid, p_merge_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.entries_since_merge(p_participant_id uuid, p_merge_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.entry_body(participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, recorded_at timestamp with time zone, wording text, commitment bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.entry_body(participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, recorded_at timestamp with time zone, wording text, commitment bytea) TO sepakat_writer;
GRANT ALL ON FUNCTION public.entry_body(participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, recorded_at timestamp with time zone, wording text, commitment bytea) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.entry_commitment(salt bytea, data text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.entry_commitment(salt bytea, data text) TO sepakat_writer;
GRANT ALL ON FUNCTION public.entry_commitment(salt bytea, data text) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.execute_reported_merge(p_participant_id uuid, p_merge_id uuid, p_reported jsonb, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.execute_reported_merge(p_participant_id uuid, p_merge_id uuid, p_reported jsonb, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_writer;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_api;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_worker;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_feed;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.explains(p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[], p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.explains(p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[], p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.explains(p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[], p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_worker;
GRANT ALL ON FUNCTION public.explains(p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[], p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_feed;
GRANT ALL ON FUNCTION public.explains(p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[], p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_writer;
GRANT ALL ON FUNCTION public.explains(p_kinds text[], p_from date, p_until date, p_event_ids text[], p_merge_ids uuid[], p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.later_announcements(p_announcement_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.later_announcements(p_announcement_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.later_announcements(p_announcement_id uuid) TO sepakat_worker;
GRANT ALL ON FUNCTION public.later_announcements(p_announcement_id uuid) TO sepakat_feed;
GRANT ALL ON FUNCTION public.later_announcements(p_announcement_id uuid) TO sepakat_writer;
GRANT ALL ON FUNCTION public.later_announcements(p_announcement_id uuid) TO sepakat_operator;

GRANT SELECT ON TABLE public.announced TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.announced TO sepakat_writer;
GRANT SELECT ON TABLE public.announced TO sepakat_api;
GRANT SELECT ON TABLE public.announced TO sepakat_worker;
GRANT SELECT ON TABLE public.announced TO sepakat_feed;

GRANT SELECT ON TABLE public.explanations TO sepakat_operator;
GRANT SELECT ON TABLE public.explanations TO sepakat_api;
GRANT SELECT ON TABLE public.explanations TO sepakat_worker;
GRANT SELECT ON TABLE public.explanations TO sepakat_feed;
GRANT SELECT ON TABLE public.explanations TO sepakat_writer;

REVOKE ALL ON FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_worker;
GRANT ALL ON FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_feed;
GRANT ALL ON FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_writer;
GRANT ALL ON FUNCTION public.explained_by(p_participant_id uuid, p_kind text, p_at timestamp with time zone, p_event_id text, p_merge_id uuid) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.find_heir_case(p_case_id uuid, OUT state text, OUT opened_at timestamp with time zone, OUT due_at timestamp with time zone, OUT decision text, OUT reason text, OUT decided_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_heir_case(p_case_id uuid, OUT state text, OUT opened_at timestamp with time zone, OUT due_at timestamp with time zone, OUT decision text, OUT reason text, OUT decided_at timestamp with time zone) TO sepakat_api;

REVOKE ALL ON FUNCTION public.find_later_merge(p_participant_id uuid, p_merge_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.find_later_merge(p_participant_id uuid, p_merge_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.find_later_merge(p_participant_id uuid, p_merge_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.freeze_by_staff(p_nik_hash bytea, p_act text, p_reason text, p_staff public.staff_member) FROM PUBLIC;
GRANT ALL ON FUNCTION public.freeze_by_staff(p_nik_hash bytea, p_act text, p_reason text, p_staff public.staff_member) TO sepakat_staff;

REVOKE ALL ON FUNCTION public.frozen_by_dispute(p_participant_id uuid, p_merge_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.frozen_by_dispute(p_participant_id uuid, p_merge_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.frozen_by_dispute(p_participant_id uuid, p_merge_id uuid) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.growth_of(p_after uuid, p_upto uuid, p_year integer, p_weights bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.growth_of(p_after uuid, p_upto uuid, p_year integer, p_weights bigint[]) TO sepakat_feed;
GRANT ALL ON FUNCTION public.growth_of(p_after uuid, p_upto uuid, p_year integer, p_weights bigint[]) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.guard_acceptance() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_acceptance() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_acknowledgement() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_acknowledgement() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_card_merge() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_card_merge() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_card_number() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_card_number() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_card_transfer() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_card_transfer() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_contact_change() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_contact_change() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_dispute_step() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_dispute_step() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_growth() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_growth() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_held_participant() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_held_participant() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_merge_step() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_merge_step() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_new_passkey() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_new_passkey() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_new_phone() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_new_phone() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_protected_cards() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.guard_unlock() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_unlock() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.hand_merge_to_core(p_participant_id uuid, p_merge_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.hand_merge_to_core(p_participant_id uuid, p_merge_id uuid) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.has_living_push_target(p_participant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.has_living_push_target(p_participant_id uuid) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.head_leaf(participant_id uuid, seq bigint, hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.head_leaf(participant_id uuid, seq bigint, hash bytea) TO sepakat_worker;
GRANT ALL ON FUNCTION public.head_leaf(participant_id uuid, seq bigint, hash bytea) TO sepakat_api;

REVOKE ALL ON FUNCTION public.history_for_staff(p_participant_id uuid, p_card_ids uuid[], p_merge_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.hold_keys(p_participant_id uuid, p_keys uuid[], p_until timestamp with time zone, OUT devices text[], OUT passkeys text[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.hold_reported_cards(p_participant_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.is_known_credential(p_credential_id bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_known_credential(p_credential_id bytea) TO sepakat_api;

REVOKE ALL ON FUNCTION public.is_passkey_proof(p_passkey_id uuid, p_statement bytea, p_proof jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.is_passkey_proof(p_passkey_id uuid, p_statement bytea, p_proof jsonb) TO sepakat_api;
GRANT ALL ON FUNCTION public.is_passkey_proof(p_passkey_id uuid, p_statement bytea, p_proof jsonb) TO sepakat_writer;

GRANT SELECT ON TABLE public.confirmations TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.confirmations TO sepakat_api;
GRANT SELECT ON TABLE public.confirmations TO sepakat_worker;
GRANT SELECT ON TABLE public.confirmations TO sepakat_feed;
GRANT SELECT ON TABLE public.confirmations TO sepakat_writer;

REVOKE ALL ON FUNCTION public.is_sealed_undo(p_confirmation public.confirmations, p_seal bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.isolate_table(p_table regclass) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.issue_branch_code(p_participant_id uuid, p_code_id uuid, p_code_sha256 bytea, p_branch text, p_staff text, p_expires_at timestamp with time zone, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.issue_branch_code(p_participant_id uuid, p_code_id uuid, p_code_sha256 bytea, p_branch text, p_staff text, p_expires_at timestamp with time zone, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.keep_comparison(p_participant_id uuid, p_card_id uuid, p_as_of date, p_theirs bigint, p_ours bigint, p_status text, p_outcome text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_comparison(p_participant_id uuid, p_card_id uuid, p_as_of date, p_theirs bigint, p_ours bigint, p_status text, p_outcome text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.keep_document(p_participant_id uuid, p_document_id uuid, p_media_type text, p_sha256 bytea, p_bytes integer, p_actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_document(p_participant_id uuid, p_document_id uuid, p_media_type text, p_sha256 bytea, p_bytes integer, p_actor text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.keep_undo_seal(p_inner_pad bytea, p_outer_pad bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_undo_seal(p_inner_pad bytea, p_outer_pad bytea) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.keep_unlock_proof(p_participant_id uuid, p_subject_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_cause_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.keep_unreached_cases(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.keep_unreached_cases(p_limit integer) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.lift_everything(p_participant_id uuid, p_cause_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.lift_stop(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lift_stop(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) TO sepakat_api;

REVOKE ALL ON FUNCTION public.lift_stop_at_branch(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lift_stop_at_branch(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_code text) TO sepakat_api;

GRANT SELECT ON TABLE public.merges TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.merges TO sepakat_api;
GRANT SELECT ON TABLE public.merges TO sepakat_worker;
GRANT SELECT,INSERT ON TABLE public.merges TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.merges TO sepakat_writer;

GRANT UPDATE(state) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(state) ON TABLE public.merges TO sepakat_worker;
GRANT UPDATE(state) ON TABLE public.merges TO sepakat_feed;

GRANT UPDATE(absorb) ON TABLE public.merges TO sepakat_api;

GRANT UPDATE(into_card) ON TABLE public.merges TO sepakat_api;

GRANT UPDATE(plan_digest) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(plan_digest) ON TABLE public.merges TO sepakat_worker;

GRANT UPDATE(plan_expires_at) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(plan_expires_at) ON TABLE public.merges TO sepakat_worker;

GRANT UPDATE(expires_at) ON TABLE public.merges TO sepakat_worker;

GRANT UPDATE(confirmation_id) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(confirmation_id) ON TABLE public.merges TO sepakat_worker;

GRANT UPDATE(confirmed_at) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(confirmed_at) ON TABLE public.merges TO sepakat_worker;

GRANT UPDATE(executes_at) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(executes_at) ON TABLE public.merges TO sepakat_worker;

GRANT UPDATE(closed_at) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(closed_at) ON TABLE public.merges TO sepakat_worker;
GRANT UPDATE(closed_at) ON TABLE public.merges TO sepakat_feed;

GRANT UPDATE(last_refusal) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(last_refusal) ON TABLE public.merges TO sepakat_worker;

GRANT UPDATE(cause_id) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(cause_id) ON TABLE public.merges TO sepakat_worker;
GRANT UPDATE(cause_id) ON TABLE public.merges TO sepakat_feed;

GRANT UPDATE(undo_plan_digest) ON TABLE public.merges TO sepakat_api;

GRANT UPDATE(undo_plan_expires_at) ON TABLE public.merges TO sepakat_api;

REVOKE ALL ON FUNCTION public.list_changes_back(p_merge public.merges, p_action text, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb, p_day date) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.lock_card(p_participant_id uuid, p_card_id uuid, p_actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lock_card(p_participant_id uuid, p_card_id uuid, p_actor text) TO sepakat_api;

GRANT SELECT ON TABLE public.cases TO sepakat_operator;
GRANT SELECT ON TABLE public.cases TO sepakat_api;
GRANT SELECT ON TABLE public.cases TO sepakat_worker;
GRANT SELECT ON TABLE public.cases TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.cases TO sepakat_writer;

REVOKE ALL ON FUNCTION public.lock_case(p_case_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) TO sepakat_api;
GRANT ALL ON FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) TO sepakat_worker;
GRANT ALL ON FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.log_case_look(p_case public.cases, p_staff public.staff_member, p_purpose text, p_what text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.log_look(p_participant_id uuid, p_staff public.staff_member, p_purpose text, p_what text, p_case_id uuid, p_code_id uuid, p_document_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.look_for_streams(p_participants uuid[], p_sessions uuid[], p_afters bigint[], p_most integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.look_for_streams(p_participants uuid[], p_sessions uuid[], p_afters bigint[], p_most integer) TO sepakat_api;

REVOKE ALL ON FUNCTION public.make_support_code(p_participant_id uuid, p_code_id uuid, p_code_hash bytea, p_actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.make_support_code(p_participant_id uuid, p_code_id uuid, p_code_hash bytea, p_actor text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.merges_for_staff(p_participant_id uuid, p_merge_id uuid, p_limit integer) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.never_suggest(p_participant_id uuid, p_merge_id uuid, p_actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.never_suggest(p_participant_id uuid, p_merge_id uuid, p_actor text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.notify_old_contact(p_participant_id uuid, p_channel text, p_contact bytea, p_cause_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.objects_to(p_participant_id uuid, p_purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.objects_to(p_participant_id uuid, p_purpose text) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.open_cards(p_cards public.card_opening[], p_entries public.card_change[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.open_cards(p_cards public.card_opening[], p_entries public.card_change[]) TO sepakat_feed;

GRANT INSERT ON TABLE public.challenges TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.challenges TO sepakat_worker;
GRANT SELECT ON TABLE public.challenges TO sepakat_writer;

GRANT UPDATE(spent_at) ON TABLE public.challenges TO sepakat_writer;

REVOKE ALL ON FUNCTION public.open_challenge(p_nonce bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.open_challenge(p_nonce bytea) TO sepakat_api;

REVOKE ALL ON FUNCTION public.open_heir_case(p_participant_id uuid, p_code text, p_case_id uuid, p_name text, p_phone_sealed bytea, p_relation text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.open_heir_case(p_participant_id uuid, p_code text, p_case_id uuid, p_name text, p_phone_sealed bytea, p_relation text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.open_proposal(p_participant_id uuid, p_case_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.open_refusal_case(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.open_refusal_case(p_participant_id uuid, p_merge_id uuid, p_case_id uuid, p_figures jsonb, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.open_support_view(p_code_hash bytea, p_staff public.staff_member, p_purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.open_support_view(p_code_hash bytea, p_staff public.staff_member, p_purpose text) TO sepakat_staff;

REVOKE ALL ON FUNCTION public.person_for_staff(p_participant_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.post_entries(p_changes public.card_change[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.preferences_of(p_participant_id uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.propose_decision(p_case_id uuid, p_decision text, p_reason text, p_staff public.staff_member) FROM PUBLIC;
GRANT ALL ON FUNCTION public.propose_decision(p_case_id uuid, p_decision text, p_reason text, p_staff public.staff_member) TO sepakat_staff;

REVOKE ALL ON FUNCTION public.prove_inclusion(p_participant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.prove_inclusion(p_participant_id uuid) TO sepakat_api;

REVOKE ALL ON FUNCTION public.publish_announcement(p_announcement_id uuid, p_event_id text, p_severity text, p_audience jsonb, p_niks bytea[], p_canonical bytea, p_explains_kinds text[], p_explains_from date, p_explains_until date, p_explains_events text[], p_explains_merges uuid[], p_replaces uuid, p_staff text, p_second_staff text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.publish_announcement(p_announcement_id uuid, p_event_id text, p_severity text, p_audience jsonb, p_niks bytea[], p_canonical bytea, p_explains_kinds text[], p_explains_from date, p_explains_until date, p_explains_events text[], p_explains_merges uuid[], p_replaces uuid, p_staff text, p_second_staff text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.queue_for_matching() FROM PUBLIC;
GRANT ALL ON FUNCTION public.queue_for_matching() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.read_case_for_staff(p_case_id uuid, p_staff public.staff_member, p_purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_case_for_staff(p_case_id uuid, p_staff public.staff_member, p_purpose text) TO sepakat_staff;

REVOKE ALL ON FUNCTION public.read_document_for_staff(p_case_id uuid, p_document_id uuid, p_staff public.staff_member, p_purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.read_document_for_staff(p_case_id uuid, p_document_id uuid, p_staff public.staff_member, p_purpose text) TO sepakat_staff;

REVOKE ALL ON FUNCTION public.reconcile_agreeing(p_from bigint, p_to bigint, p_as_of date) FROM PUBLIC;
GRANT ALL ON FUNCTION public.reconcile_agreeing(p_from bigint, p_to bigint, p_as_of date) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) TO sepakat_api;
GRANT ALL ON FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) TO sepakat_worker;
GRANT ALL ON FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.record_death(p_participant_id uuid, p_on date, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_death(p_participant_id uuid, p_on date, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.record_ported_number(p_participant_id uuid, p_on date, p_hold interval, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_ported_number(p_participant_id uuid, p_on date, p_hold interval, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.recount_last_contributions(p_participant_id uuid, p_card_ids uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse(constraint_name text, message text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.refuse(constraint_name text, message text) TO sepakat_writer;

REVOKE ALL ON FUNCTION public.refuse_bulk_rows(p_run_id uuid, p_after uuid, p_upto uuid, p_broken text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.refuse_bulk_rows(p_run_id uuid, p_after uuid, p_upto uuid, p_broken text) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.refuse_statement() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.refuse_while_paused() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.register_participant(p_participant_id uuid, p_nik_hash bytea, p_nik_sealed bytea, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.register_participant(p_participant_id uuid, p_nik_hash bytea, p_nik_sealed bytea, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamp with time zone) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.replay_deliveries(p_participant_ids uuid[], p_cause_ids uuid[], p_device_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.replay_deliveries(p_participant_ids uuid[], p_cause_ids uuid[], p_device_ids uuid[]) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.report_merge(p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamp with time zone, p_reported jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.report_merge(p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamp with time zone, p_reported jsonb) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.reseal_contact_change(p_participant_id uuid, p_change_id uuid, p_value_sealed bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.reseal_contact_message(p_participant_id uuid, p_message_id uuid, p_contact_sealed bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.reseal_correction(p_participant_id uuid, p_case_id uuid, p_wanted_sealed bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.reseal_heir(p_case_id uuid, p_phone_sealed bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.reseal_participant(p_participant_id uuid, p_before bytea[], p_nik_sealed bytea, p_phone_sealed bytea, p_email_sealed bytea) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.rest_until_morning(p_lane smallint, p_rows jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.rest_until_morning(p_lane smallint, p_rows jsonb) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.reverse_contribution(p_participant_id uuid, p_kpj text, p_reversed_event text, p_event_id text, p_day date, p_reason text, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.reverse_contribution(p_participant_id uuid, p_kpj text, p_reversed_event text, p_event_id text, p_day date, p_reason text, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.reverse_merge(p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_splits jsonb, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.reverse_merge(p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_splits jsonb, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.send_refused_merge_back(p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_reason text, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.send_refused_merge_back(p_participant_id uuid, p_merge_id uuid, p_plan_digest text, p_reason text, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_actor text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_quiet_hours jsonb, p_channels jsonb, p_actor text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.set_preferences(p_participant_id uuid, p_locale text, p_time_zone text, p_quiet_hours jsonb, p_channels jsonb, p_actor text) TO sepakat_api;

REVOKE ALL ON FUNCTION public.settle_bulk_chunk(p_run_id uuid, p_rows integer, OUT settled bigint, OUT rest_s double precision, OUT state text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.settle_bulk_chunk(p_run_id uuid, p_rows integer, OUT settled bigint, OUT rest_s double precision, OUT state text) TO sepakat_feed;
GRANT ALL ON FUNCTION public.settle_bulk_chunk(p_run_id uuid, p_rows integer, OUT settled bigint, OUT rest_s double precision, OUT state text) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.skip_feed_gap(p_stream text, p_staff text, p_reason text, OUT first bigint, OUT last bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.skip_feed_gap(p_stream text, p_staff text, p_reason text, OUT first bigint, OUT last bigint) TO sepakat_feed;

GRANT SELECT ON TABLE public.branch_codes TO sepakat_operator;
GRANT SELECT ON TABLE public.branch_codes TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.branch_codes TO sepakat_writer;

GRANT SELECT(participant_id) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(code_id) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(branch) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(for_heirs) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(issued_at) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(expires_at) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(replaced_at) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(used_at) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(used_for) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(used_by) ON TABLE public.branch_codes TO sepakat_api;

GRANT SELECT(cause_id) ON TABLE public.branch_codes TO sepakat_api;

REVOKE ALL ON FUNCTION public.spend_branch_code(p_participant_id uuid, p_code text, p_used_for text, p_used_by uuid) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.spend_challenge(p_nonce bytea, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.spend_challenge(p_nonce bytea, p_now timestamp with time zone) TO sepakat_api;

REVOKE ALL ON FUNCTION public.stamp_execution() FROM PUBLIC;
GRANT ALL ON FUNCTION public.stamp_execution() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.stamp_transfer() FROM PUBLIC;
GRANT ALL ON FUNCTION public.stamp_transfer() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.standing_contributions(p_participant_id uuid, p_day date, p_known_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.standing_contributions(p_participant_id uuid, p_day date, p_known_at timestamp with time zone) TO sepakat_api;
GRANT ALL ON FUNCTION public.standing_contributions(p_participant_id uuid, p_day date, p_known_at timestamp with time zone) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.stop_announcement(p_announcement_id uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.stop_announcement(p_announcement_id uuid, p_reason text) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.stop_by_token(p_token_hash bytea, OUT participant_id uuid, OUT lane smallint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.stop_by_token(p_token_hash bytea, OUT participant_id uuid, OUT lane smallint) TO sepakat_api;

REVOKE ALL ON FUNCTION public.stop_everything(p_participant_id uuid, p_cause_id uuid, p_kind text, p_because text) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.suggest_match(p_participant_id uuid, p_match_id uuid, p_other_participant_id uuid, p_other_card_id uuid, p_employer_id text, p_from_year smallint, p_to_year smallint, p_rule text, p_rules_version text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.suggest_match(p_participant_id uuid, p_match_id uuid, p_other_participant_id uuid, p_other_card_id uuid, p_employer_id text, p_from_year smallint, p_to_year smallint, p_rule text, p_rules_version text) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.take_merge_back(p_merge public.merges, p_action text, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.take_merge_from_core() FROM PUBLIC;
GRANT ALL ON FUNCTION public.take_merge_from_core() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.tell_core() FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_core() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.tell_of_balance(p_case public.cases, p_kind text, p_cause_id uuid, p_data jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.tell_of_core_answer(p_merge public.merges, p_kind text, p_cause_id uuid, p_data jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.tell_of_delay() FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_of_delay() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.tell_of_key() FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_of_key() TO sepakat_owner;

GRANT SELECT ON TABLE public.possible_matches TO sepakat_operator;
GRANT SELECT ON TABLE public.possible_matches TO sepakat_feed;
GRANT SELECT ON TABLE public.possible_matches TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.possible_matches TO sepakat_writer;

GRANT SELECT(participant_id) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(match_id) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(employer_id) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(from_year) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(to_year) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(rule) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(rules_version) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(found_at) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(state) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(case_id) ON TABLE public.possible_matches TO sepakat_api;

GRANT SELECT(closed_at) ON TABLE public.possible_matches TO sepakat_api;

REVOKE ALL ON FUNCTION public.tell_of_match(p_match public.possible_matches, p_kind text, p_data jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.tell_of_merge_step() FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_of_merge_step() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.tell_of_name() FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_of_name() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.tell_overdue_cases(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_overdue_cases(p_limit integer) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.tell_unanswered_merges(p_after interval, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_unanswered_merges(p_after interval, p_limit integer) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.transfer_card(p_match public.possible_matches, p_transfer_id uuid, p_case public.cases) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.try_contact_codes(p_participant_id uuid, OUT change_id uuid, OUT channel text, OUT tries integer) FROM PUBLIC;
GRANT ALL ON FUNCTION public.try_contact_codes(p_participant_id uuid, OUT change_id uuid, OUT channel text, OUT tries integer) TO sepakat_api;

REVOKE ALL ON FUNCTION public.undo_follows_lineage(p_merge public.merges, p_splits jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.undo_merge(p_participant_id uuid, p_merge_id uuid, p_confirmation_id uuid, p_seal bytea, p_splits jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.undo_merge(p_participant_id uuid, p_merge_id uuid, p_confirmation_id uuid, p_seal bytea, p_splits jsonb) TO sepakat_api;

REVOKE ALL ON FUNCTION public.undo_plan_fits(p_merge public.merges, p_plan jsonb, p_splits jsonb) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.unlock_card(p_participant_id uuid, p_card_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.unlock_card(p_participant_id uuid, p_card_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) TO sepakat_api;

REVOKE ALL ON FUNCTION public.update_participant(p_participant_id uuid, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_masked jsonb, p_cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.update_participant(p_participant_id uuid, p_name text, p_birth_date date, p_phone_sealed bytea, p_phone_since date, p_email_sealed bytea, p_locale text, p_time_zone text, p_masked jsonb, p_cause_id uuid) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.use_branch_code(p_participant_id uuid, p_code text, p_used_for text, p_device_id uuid, p_device_name text, OUT code_id uuid, OUT branch text, OUT cause_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.use_branch_code(p_participant_id uuid, p_code text, p_used_for text, p_device_id uuid, p_device_name text, OUT code_id uuid, OUT branch text, OUT cause_id uuid) TO sepakat_api;

REVOKE ALL ON FUNCTION public.waits_for_core_since(p_merge public.merges) FROM PUBLIC;
GRANT ALL ON FUNCTION public.waits_for_core_since(p_merge public.merges) TO sepakat_api;
GRANT ALL ON FUNCTION public.waits_for_core_since(p_merge public.merges) TO sepakat_worker;
GRANT ALL ON FUNCTION public.waits_for_core_since(p_merge public.merges) TO sepakat_feed;
GRANT ALL ON FUNCTION public.waits_for_core_since(p_merge public.merges) TO sepakat_operator;
GRANT ALL ON FUNCTION public.waits_for_core_since(p_merge public.merges) TO sepakat_writer;

REVOKE ALL ON FUNCTION public.write_bulk_round(p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamp with time zone, p_apart uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.write_bulk_round_apart(p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamp with time zone, p_apart uuid[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.chain(bytea, bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.chain(bytea, bytea) TO sepakat_writer;
GRANT ALL ON FUNCTION public.chain(bytea, bytea) TO sepakat_operator;

GRANT SELECT ON TABLE public.access_log TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.access_log TO sepakat_writer;

GRANT SELECT(participant_id) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(look_id) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(looked_at) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(what) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(purpose) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(case_id) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(code_id) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(document_id) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(staff_role) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT(shown_as) ON TABLE public.access_log TO sepakat_api;

GRANT SELECT ON TABLE public.announcement_runs TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.announcement_runs TO sepakat_writer;
GRANT SELECT ON TABLE public.announcement_runs TO sepakat_worker;
GRANT SELECT ON TABLE public.announcement_runs TO sepakat_feed;

GRANT SELECT ON TABLE public.balance_comparisons TO sepakat_operator;
GRANT SELECT ON TABLE public.balance_comparisons TO sepakat_api;
GRANT SELECT ON TABLE public.balance_comparisons TO sepakat_worker;
GRANT SELECT ON TABLE public.balance_comparisons TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.balance_comparisons TO sepakat_writer;

GRANT SELECT ON TABLE public.branch_code_tries TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.branch_code_tries TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.branch_code_tries TO sepakat_worker;

GRANT SELECT ON TABLE public.bulk_lines TO sepakat_operator;
GRANT SELECT,INSERT,TRUNCATE ON TABLE public.bulk_lines TO sepakat_feed;

GRANT SELECT ON TABLE public.bulk_refusals TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.bulk_refusals TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.bulk_refusals TO sepakat_writer;

GRANT SELECT ON TABLE public.bulk_rows TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.bulk_rows TO sepakat_feed;
GRANT SELECT,DELETE ON TABLE public.bulk_rows TO sepakat_writer;

GRANT SELECT ON TABLE public.bulk_runs TO sepakat_operator;
GRANT SELECT ON TABLE public.bulk_runs TO sepakat_feed;
GRANT SELECT,UPDATE ON TABLE public.bulk_runs TO sepakat_writer;
GRANT SELECT ON TABLE public.bulk_runs TO sepakat_worker;

GRANT INSERT(name) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT INSERT(kind) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(state) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT INSERT(lines),UPDATE(lines) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT INSERT(content_hash),UPDATE(content_hash) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(rows) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(amount) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(refused) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(refused_amount) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(rows_per_s) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(not_before) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(loaded_at) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(resumed_at) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT UPDATE(resumed_from) ON TABLE public.bulk_runs TO sepakat_feed;

GRANT SELECT ON TABLE public.card_numbers TO sepakat_operator;
GRANT SELECT ON TABLE public.card_numbers TO sepakat_worker;
GRANT SELECT ON TABLE public.card_numbers TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.card_numbers TO sepakat_writer;

GRANT SELECT ON TABLE public.card_transfers TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.card_transfers TO sepakat_writer;

GRANT SELECT(participant_id) ON TABLE public.card_transfers TO sepakat_api;
GRANT SELECT(participant_id) ON TABLE public.card_transfers TO sepakat_feed;

GRANT SELECT(transfer_id) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT(direction) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT(card_id) ON TABLE public.card_transfers TO sepakat_api;
GRANT SELECT(card_id) ON TABLE public.card_transfers TO sepakat_feed;

GRANT SELECT(kpj) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT(other_participant_id) ON TABLE public.card_transfers TO sepakat_feed;

GRANT SELECT(other_card_id) ON TABLE public.card_transfers TO sepakat_feed;

GRANT SELECT(amount) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT(case_id) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT(rules_version) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT(reason) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT(recorded_at) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT(cause_id) ON TABLE public.card_transfers TO sepakat_api;

GRANT SELECT ON TABLE public.cards TO sepakat_operator;
GRANT SELECT ON TABLE public.cards TO sepakat_api;
GRANT SELECT ON TABLE public.cards TO sepakat_worker;
GRANT SELECT ON TABLE public.cards TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.cards TO sepakat_writer;

GRANT SELECT ON TABLE public.case_owners TO sepakat_operator;
GRANT SELECT ON TABLE public.case_owners TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.case_owners TO sepakat_writer;

GRANT SELECT ON TABLE public.case_proposals TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.case_proposals TO sepakat_writer;

GRANT SELECT(participant_id) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(case_id) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(proposal_id) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(decision) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(reason) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(staff_role) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(shown_as) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(proposed_at) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(state) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(second_role) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(second_shown_as) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT(closed_at) ON TABLE public.case_proposals TO sepakat_api;

GRANT SELECT ON TABLE public.causes TO sepakat_operator;
GRANT SELECT ON TABLE public.causes TO sepakat_api;
GRANT SELECT ON TABLE public.causes TO sepakat_worker;
GRANT SELECT ON TABLE public.causes TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.causes TO sepakat_writer;

GRANT SELECT ON TABLE public.claims TO sepakat_operator;
GRANT SELECT ON TABLE public.claims TO sepakat_api;
GRANT SELECT ON TABLE public.claims TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.claims TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.claims TO sepakat_writer;

GRANT SELECT ON TABLE public.clearing TO sepakat_operator;
GRANT SELECT,UPDATE ON TABLE public.clearing TO sepakat_writer;

GRANT SELECT ON TABLE public.climbs TO sepakat_operator;
GRANT SELECT ON TABLE public.climbs TO sepakat_worker;
GRANT SELECT ON TABLE public.climbs TO sepakat_api;
GRANT SELECT,INSERT,UPDATE ON TABLE public.climbs TO sepakat_writer;

GRANT UPDATE(due_at) ON TABLE public.climbs TO sepakat_worker;

GRANT UPDATE(state) ON TABLE public.climbs TO sepakat_worker;

GRANT UPDATE(code) ON TABLE public.climbs TO sepakat_worker;

GRANT UPDATE(attempts) ON TABLE public.climbs TO sepakat_worker;

GRANT UPDATE(not_before) ON TABLE public.climbs TO sepakat_worker;

GRANT UPDATE(message_id) ON TABLE public.climbs TO sepakat_worker;

GRANT UPDATE(ended_at) ON TABLE public.climbs TO sepakat_worker;

GRANT SELECT ON TABLE public.code_failures TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.code_failures TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.code_failures TO sepakat_worker;

GRANT SELECT ON TABLE public.code_tries TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.code_tries TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.code_tries TO sepakat_worker;

GRANT SELECT ON TABLE public.consent_choices TO sepakat_operator;
GRANT SELECT ON TABLE public.consent_choices TO sepakat_api;
GRANT SELECT ON TABLE public.consent_choices TO sepakat_worker;
GRANT SELECT ON TABLE public.consent_choices TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.consent_choices TO sepakat_writer;

GRANT SELECT ON TABLE public.contact_changes TO sepakat_operator;
GRANT SELECT ON TABLE public.contact_changes TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.contact_changes TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.contact_changes TO sepakat_writer;

GRANT SELECT ON TABLE public.contact_messages TO sepakat_operator;
GRANT SELECT ON TABLE public.contact_messages TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.contact_messages TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.contact_messages TO sepakat_writer;

GRANT UPDATE(contact_sealed) ON TABLE public.contact_messages TO sepakat_worker;

GRANT UPDATE(state) ON TABLE public.contact_messages TO sepakat_worker;

GRANT UPDATE(code) ON TABLE public.contact_messages TO sepakat_worker;

GRANT UPDATE(attempts) ON TABLE public.contact_messages TO sepakat_worker;

GRANT UPDATE(not_before) ON TABLE public.contact_messages TO sepakat_worker;

GRANT UPDATE(ended_at) ON TABLE public.contact_messages TO sepakat_worker;

GRANT SELECT ON TABLE public.core_events TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.core_events TO sepakat_writer;
GRANT SELECT ON TABLE public.core_events TO sepakat_worker;

GRANT UPDATE(state) ON TABLE public.core_events TO sepakat_worker;
GRANT UPDATE(state) ON TABLE public.core_events TO sepakat_operator;

GRANT UPDATE(attempts) ON TABLE public.core_events TO sepakat_worker;

GRANT UPDATE(not_before) ON TABLE public.core_events TO sepakat_worker;
GRANT UPDATE(not_before) ON TABLE public.core_events TO sepakat_operator;

GRANT UPDATE(code) ON TABLE public.core_events TO sepakat_worker;
GRANT UPDATE(code) ON TABLE public.core_events TO sepakat_operator;

GRANT UPDATE(ended_at) ON TABLE public.core_events TO sepakat_worker;
GRANT UPDATE(ended_at) ON TABLE public.core_events TO sepakat_operator;

GRANT SELECT ON TABLE public.corrections TO sepakat_operator;
GRANT SELECT ON TABLE public.corrections TO sepakat_api;
GRANT SELECT ON TABLE public.corrections TO sepakat_worker;
GRANT SELECT ON TABLE public.corrections TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.corrections TO sepakat_writer;

GRANT SELECT ON TABLE public.data_exports TO sepakat_operator;

GRANT INSERT(what) ON TABLE public.data_exports TO sepakat_operator;

GRANT INSERT(as_of) ON TABLE public.data_exports TO sepakat_operator;

GRANT INSERT(purpose) ON TABLE public.data_exports TO sepakat_operator;

GRANT UPDATE(ended_at) ON TABLE public.data_exports TO sepakat_operator;

GRANT UPDATE(rows) ON TABLE public.data_exports TO sepakat_operator;

GRANT UPDATE(sha256) ON TABLE public.data_exports TO sepakat_operator;

GRANT SELECT ON TABLE public.deliveries TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.deliveries TO sepakat_worker;
GRANT SELECT ON TABLE public.deliveries TO sepakat_api;
GRANT SELECT ON TABLE public.deliveries TO sepakat_writer;

GRANT UPDATE(state) ON TABLE public.deliveries TO sepakat_writer;

GRANT UPDATE(code) ON TABLE public.deliveries TO sepakat_writer;

GRANT UPDATE(failing_s) ON TABLE public.deliveries TO sepakat_writer;

GRANT SELECT ON TABLE public.device_owners TO sepakat_operator;
GRANT INSERT ON TABLE public.device_owners TO sepakat_api;
GRANT SELECT ON TABLE public.device_owners TO sepakat_writer;

GRANT SELECT ON TABLE public.documents TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.documents TO sepakat_api;
GRANT SELECT ON TABLE public.documents TO sepakat_feed;
GRANT SELECT,DELETE ON TABLE public.documents TO sepakat_worker;
GRANT SELECT,UPDATE ON TABLE public.documents TO sepakat_writer;

GRANT UPDATE(discarded_at) ON TABLE public.documents TO sepakat_worker;

GRANT SELECT ON TABLE public.employers TO sepakat_operator;
GRANT SELECT ON TABLE public.employers TO sepakat_api;
GRANT SELECT ON TABLE public.employers TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.employers TO sepakat_feed;
GRANT SELECT ON TABLE public.employers TO sepakat_writer;

GRANT SELECT ON TABLE public.feed_events TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.feed_events TO sepakat_feed;
GRANT SELECT ON TABLE public.feed_events TO sepakat_worker;
GRANT SELECT ON TABLE public.feed_events TO sepakat_writer;

GRANT SELECT ON TABLE public.feed_held TO sepakat_operator;
GRANT SELECT,INSERT,DELETE ON TABLE public.feed_held TO sepakat_feed;
GRANT SELECT ON TABLE public.feed_held TO sepakat_worker;
GRANT SELECT ON TABLE public.feed_held TO sepakat_writer;

GRANT SELECT ON TABLE public.feed_streams TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.feed_streams TO sepakat_feed;
GRANT SELECT ON TABLE public.feed_streams TO sepakat_worker;
GRANT SELECT,UPDATE ON TABLE public.feed_streams TO sepakat_writer;

GRANT SELECT ON TABLE public.feed_gaps TO sepakat_operator;
GRANT SELECT ON TABLE public.feed_gaps TO sepakat_feed;
GRANT SELECT ON TABLE public.feed_gaps TO sepakat_worker;
GRANT SELECT ON TABLE public.feed_gaps TO sepakat_writer;

GRANT SELECT ON TABLE public.feed_quarantine TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.feed_quarantine TO sepakat_feed;

GRANT SELECT ON TABLE public.feed_skips TO sepakat_operator;
GRANT SELECT ON TABLE public.feed_skips TO sepakat_feed;
GRANT SELECT ON TABLE public.feed_skips TO sepakat_worker;
GRANT SELECT,INSERT ON TABLE public.feed_skips TO sepakat_writer;

GRANT SELECT ON TABLE public.freeze_proposals TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.freeze_proposals TO sepakat_writer;

GRANT SELECT(participant_id) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(proposal_id) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(act) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(reason) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(staff_role) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(shown_as) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(proposed_at) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(state) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(second_role) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(second_shown_as) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT(closed_at) ON TABLE public.freeze_proposals TO sepakat_api;

GRANT SELECT ON TABLE public.growth_rates TO sepakat_operator;
GRANT SELECT ON TABLE public.growth_rates TO sepakat_feed;

GRANT SELECT ON TABLE public.growth_runs TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.growth_runs TO sepakat_feed;
GRANT SELECT ON TABLE public.growth_runs TO sepakat_writer;

GRANT UPDATE(reached) ON TABLE public.growth_runs TO sepakat_feed;

GRANT SELECT ON TABLE public.growth_totals TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.growth_totals TO sepakat_feed;

GRANT SELECT ON TABLE public.heir_claims TO sepakat_operator;
GRANT SELECT ON TABLE public.heir_claims TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.heir_claims TO sepakat_writer;

GRANT SELECT ON TABLE public.history_data TO sepakat_operator;
GRANT SELECT ON TABLE public.history_data TO sepakat_api;
GRANT SELECT ON TABLE public.history_data TO sepakat_worker;
GRANT SELECT ON TABLE public.history_data TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.history_data TO sepakat_writer;

GRANT SELECT ON TABLE public.history_roots TO sepakat_operator;
GRANT SELECT ON TABLE public.history_roots TO sepakat_api;
GRANT SELECT,INSERT ON TABLE public.history_roots TO sepakat_worker;
GRANT SELECT ON TABLE public.history_roots TO sepakat_writer;

GRANT SELECT,INSERT,UPDATE ON TABLE public.idempotency_keys TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.idempotency_keys TO sepakat_worker;

GRANT SELECT ON TABLE public.ladder_steps TO sepakat_operator;
GRANT SELECT ON TABLE public.ladder_steps TO sepakat_worker;
GRANT SELECT ON TABLE public.ladder_steps TO sepakat_writer;

GRANT SELECT ON TABLE public.lanes TO sepakat_operator;
GRANT SELECT ON TABLE public.lanes TO sepakat_worker;
GRANT SELECT ON TABLE public.lanes TO sepakat_writer;

GRANT UPDATE(owner) ON TABLE public.lanes TO sepakat_worker;

GRANT UPDATE(fence) ON TABLE public.lanes TO sepakat_worker;

GRANT UPDATE(rung) ON TABLE public.lanes TO sepakat_worker;
GRANT UPDATE(rung) ON TABLE public.lanes TO sepakat_writer;

GRANT UPDATE(lease_until) ON TABLE public.lanes TO sepakat_worker;

GRANT UPDATE(sent) ON TABLE public.lanes TO sepakat_worker;

GRANT SELECT ON TABLE public.ledger_entries TO sepakat_operator;
GRANT SELECT ON TABLE public.ledger_entries TO sepakat_api;
GRANT SELECT ON TABLE public.ledger_entries TO sepakat_worker;
GRANT SELECT ON TABLE public.ledger_entries TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.ledger_entries TO sepakat_writer;

GRANT SELECT ON TABLE public.local_clock TO sepakat_operator;
GRANT SELECT ON TABLE public.local_clock TO sepakat_api;
GRANT SELECT ON TABLE public.local_clock TO sepakat_worker;
GRANT SELECT ON TABLE public.local_clock TO sepakat_feed;

GRANT SELECT,INSERT,DELETE ON TABLE public.match_keys TO sepakat_worker;

GRANT SELECT ON TABLE public.match_queue TO sepakat_operator;
GRANT SELECT,DELETE ON TABLE public.match_queue TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.match_queue TO sepakat_writer;

GRANT SELECT ON TABLE public.merge_executions TO sepakat_operator;
GRANT SELECT ON TABLE public.merge_executions TO sepakat_api;
GRANT SELECT ON TABLE public.merge_executions TO sepakat_worker;
GRANT SELECT ON TABLE public.merge_executions TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.merge_executions TO sepakat_writer;

GRANT SELECT ON TABLE public.merge_owners TO sepakat_operator;
GRANT INSERT ON TABLE public.merge_owners TO sepakat_api;
GRANT SELECT,INSERT ON TABLE public.merge_owners TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.merge_owners TO sepakat_writer;

GRANT SELECT ON TABLE public.merge_pause TO sepakat_operator;
GRANT SELECT ON TABLE public.merge_pause TO sepakat_api;
GRANT SELECT ON TABLE public.merge_pause TO sepakat_worker;
GRANT SELECT ON TABLE public.merge_pause TO sepakat_feed;
GRANT SELECT ON TABLE public.merge_pause TO sepakat_writer;

GRANT SELECT ON TABLE public.merge_plans TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.merge_plans TO sepakat_api;
GRANT SELECT,INSERT ON TABLE public.merge_plans TO sepakat_worker;
GRANT SELECT,INSERT ON TABLE public.merge_plans TO sepakat_feed;
GRANT SELECT ON TABLE public.merge_plans TO sepakat_writer;

GRANT SELECT ON TABLE public.merge_transitions TO sepakat_operator;
GRANT SELECT ON TABLE public.merge_transitions TO sepakat_writer;
GRANT SELECT ON TABLE public.merge_transitions TO sepakat_api;
GRANT SELECT ON TABLE public.merge_transitions TO sepakat_feed;

GRANT SELECT ON TABLE public.never_suggested_pairs TO sepakat_operator;
GRANT SELECT ON TABLE public.never_suggested_pairs TO sepakat_api;
GRANT SELECT ON TABLE public.never_suggested_pairs TO sepakat_worker;
GRANT SELECT ON TABLE public.never_suggested_pairs TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.never_suggested_pairs TO sepakat_writer;

GRANT SELECT ON TABLE public.open_merge_cards TO sepakat_operator;
GRANT SELECT ON TABLE public.open_merge_cards TO sepakat_api;
GRANT SELECT ON TABLE public.open_merge_cards TO sepakat_worker;
GRANT SELECT ON TABLE public.open_merge_cards TO sepakat_feed;
GRANT SELECT,INSERT,DELETE ON TABLE public.open_merge_cards TO sepakat_writer;

GRANT SELECT ON TABLE public.outbox TO sepakat_operator;
GRANT SELECT,DELETE ON TABLE public.outbox TO sepakat_worker;
GRANT SELECT,INSERT ON TABLE public.outbox TO sepakat_writer;

GRANT UPDATE(class) ON TABLE public.outbox TO sepakat_writer;

GRANT UPDATE(attempts) ON TABLE public.outbox TO sepakat_worker;

GRANT UPDATE(not_before) ON TABLE public.outbox TO sepakat_worker;

GRANT UPDATE(rests_until) ON TABLE public.outbox TO sepakat_writer;

GRANT UPDATE(digest) ON TABLE public.outbox TO sepakat_worker;
GRANT UPDATE(digest) ON TABLE public.outbox TO sepakat_writer;

GRANT SELECT ON TABLE public.overdue_cases TO sepakat_operator;
GRANT SELECT ON TABLE public.overdue_cases TO sepakat_api;
GRANT SELECT ON TABLE public.overdue_cases TO sepakat_worker;
GRANT SELECT ON TABLE public.overdue_cases TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.overdue_cases TO sepakat_writer;

GRANT SELECT ON TABLE public.participant_heads TO sepakat_operator;
GRANT SELECT ON TABLE public.participant_heads TO sepakat_api;
GRANT SELECT ON TABLE public.participant_heads TO sepakat_worker;
GRANT SELECT ON TABLE public.participant_heads TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.participant_heads TO sepakat_writer;

GRANT SELECT ON TABLE public.participant_numbers TO sepakat_operator;
GRANT SELECT ON TABLE public.participant_numbers TO sepakat_worker;
GRANT SELECT ON TABLE public.participant_numbers TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.participant_numbers TO sepakat_writer;

GRANT SELECT ON TABLE public.passkey_owners TO sepakat_operator;
GRANT INSERT ON TABLE public.passkey_owners TO sepakat_api;
GRANT SELECT ON TABLE public.passkey_owners TO sepakat_writer;

GRANT SELECT ON TABLE public.proposal_files TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.proposal_files TO sepakat_feed;

GRANT SELECT ON TABLE public.push_targets TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.push_targets TO sepakat_api;
GRANT SELECT ON TABLE public.push_targets TO sepakat_worker;
GRANT SELECT ON TABLE public.push_targets TO sepakat_writer;

GRANT UPDATE(cleared_at) ON TABLE public.push_targets TO sepakat_worker;

GRANT UPDATE(cleared_because) ON TABLE public.push_targets TO sepakat_worker;

GRANT SELECT ON TABLE public.receipts TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.receipts TO sepakat_api;
GRANT SELECT ON TABLE public.receipts TO sepakat_worker;
GRANT SELECT ON TABLE public.receipts TO sepakat_feed;

GRANT SELECT ON TABLE public.reconciled_cards TO sepakat_operator;
GRANT SELECT,INSERT,TRUNCATE,UPDATE ON TABLE public.reconciled_cards TO sepakat_feed;
GRANT SELECT,UPDATE ON TABLE public.reconciled_cards TO sepakat_writer;

GRANT SELECT ON TABLE public.reconciliations TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.reconciliations TO sepakat_feed;

GRANT SELECT ON TABLE public.reversed_contributions TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.reversed_contributions TO sepakat_writer;
GRANT SELECT ON TABLE public.reversed_contributions TO sepakat_api;
GRANT SELECT ON TABLE public.reversed_contributions TO sepakat_worker;
GRANT SELECT ON TABLE public.reversed_contributions TO sepakat_feed;

GRANT SELECT ON TABLE public.root_buckets TO sepakat_operator;
GRANT SELECT ON TABLE public.root_buckets TO sepakat_api;
GRANT SELECT,INSERT,UPDATE ON TABLE public.root_buckets TO sepakat_worker;
GRANT SELECT ON TABLE public.root_buckets TO sepakat_writer;

GRANT SELECT ON TABLE public.rooted_heads TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.rooted_heads TO sepakat_worker;
GRANT SELECT ON TABLE public.rooted_heads TO sepakat_writer;

GRANT SELECT ON TABLE public.shown_entries TO sepakat_operator;
GRANT SELECT ON TABLE public.shown_entries TO sepakat_api;
GRANT SELECT ON TABLE public.shown_entries TO sepakat_worker;
GRANT SELECT ON TABLE public.shown_entries TO sepakat_writer;

GRANT SELECT ON TABLE public.stop_tokens TO sepakat_operator;
GRANT SELECT,INSERT,DELETE ON TABLE public.stop_tokens TO sepakat_worker;
GRANT SELECT ON TABLE public.stop_tokens TO sepakat_writer;

GRANT UPDATE(first_used_at) ON TABLE public.stop_tokens TO sepakat_writer;

GRANT SELECT ON TABLE public.stopped_cards TO sepakat_operator;
GRANT SELECT ON TABLE public.stopped_cards TO sepakat_api;
GRANT SELECT ON TABLE public.stopped_cards TO sepakat_worker;
GRANT SELECT ON TABLE public.stopped_cards TO sepakat_feed;
GRANT SELECT,INSERT,DELETE ON TABLE public.stopped_cards TO sepakat_writer;

GRANT SELECT,INSERT,DELETE ON TABLE public.support_code_owners TO sepakat_writer;

GRANT SELECT ON TABLE public.support_code_tries TO sepakat_operator;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.support_code_tries TO sepakat_writer;

GRANT SELECT,INSERT,UPDATE ON TABLE public.support_codes TO sepakat_writer;

GRANT SELECT(participant_id) ON TABLE public.support_codes TO sepakat_api;
GRANT SELECT(participant_id) ON TABLE public.support_codes TO sepakat_operator;

GRANT SELECT(code_id) ON TABLE public.support_codes TO sepakat_api;
GRANT SELECT(code_id) ON TABLE public.support_codes TO sepakat_operator;

GRANT SELECT(made_at) ON TABLE public.support_codes TO sepakat_api;
GRANT SELECT(made_at) ON TABLE public.support_codes TO sepakat_operator;

GRANT SELECT(expires_at) ON TABLE public.support_codes TO sepakat_api;
GRANT SELECT(expires_at) ON TABLE public.support_codes TO sepakat_operator;

GRANT SELECT(used_at) ON TABLE public.support_codes TO sepakat_api;
GRANT SELECT(used_at) ON TABLE public.support_codes TO sepakat_operator;

GRANT SELECT(issuer) ON TABLE public.support_codes TO sepakat_operator;

GRANT SELECT(staff) ON TABLE public.support_codes TO sepakat_operator;

GRANT SELECT(view_until) ON TABLE public.support_codes TO sepakat_api;
GRANT SELECT(view_until) ON TABLE public.support_codes TO sepakat_operator;

GRANT SELECT(cause_id) ON TABLE public.support_codes TO sepakat_api;

GRANT SELECT ON TABLE public.unanswered_merges TO sepakat_operator;
GRANT SELECT ON TABLE public.unanswered_merges TO sepakat_api;
GRANT SELECT ON TABLE public.unanswered_merges TO sepakat_worker;
GRANT SELECT ON TABLE public.unanswered_merges TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.unanswered_merges TO sepakat_writer;

GRANT SELECT,INSERT,UPDATE ON TABLE public.undo_seals TO sepakat_writer;

GRANT SELECT ON TABLE public.undo_splits TO sepakat_operator;
GRANT SELECT ON TABLE public.undo_splits TO sepakat_api;
GRANT SELECT ON TABLE public.undo_splits TO sepakat_worker;
GRANT SELECT ON TABLE public.undo_splits TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.undo_splits TO sepakat_writer;

GRANT SELECT ON TABLE public.unlock_proofs TO sepakat_operator;
GRANT SELECT ON TABLE public.unlock_proofs TO sepakat_api;
GRANT SELECT ON TABLE public.unlock_proofs TO sepakat_worker;
GRANT SELECT ON TABLE public.unlock_proofs TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.unlock_proofs TO sepakat_writer;

ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;

ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_writer REVOKE ALL ON FUNCTIONS FROM PUBLIC;

ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_owner GRANT SELECT ON TABLES TO sepakat_operator;
