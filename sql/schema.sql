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

    PERFORM public.post_entries(p_changes);

    UPDATE public.cards AS k SET
        lifecycle = CASE WHEN p.patch ? 'lifecycle' THEN p.patch ->> 'lifecycle' ELSE k.lifecycle END,
        closed_on = CASE WHEN p.patch ? 'closed_on' THEN (p.patch ->> 'closed_on')::date ELSE k.closed_on END,
        employer_id = CASE WHEN p.patch ? 'employer_id' THEN p.patch ->> 'employer_id' ELSE k.employer_id END,
        claim_id = CASE WHEN p.patch ? 'claim_id' THEN p.patch ->> 'claim_id' ELSE k.claim_id END,
        frozen_at = CASE WHEN p.patch ? 'frozen_at' THEN (p.patch ->> 'frozen_at')::timestamptz ELSE k.frozen_at END,
        locked_at = CASE WHEN p.patch ? 'locked_at' THEN (p.patch ->> 'locked_at')::timestamptz ELSE k.locked_at END,
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
            AND m.state = 'executed' AND m.confirmation_id = new.confirmation_id AND m.plan_digest = new.plan_digest
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
        WHERE e.participant_id = new.participant_id AND e.transfer_id = new.transfer_id) <> 0
    THEN
        PERFORM public.refuse('legs_sum_to_zero', format('the legs of %s do not sum to zero', new.transfer_id));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.check_legs_sum_to_zero() OWNER TO sepakat_owner;

CREATE FUNCTION public.current_instant() RETURNS timestamp with time zone
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT now() + ahead FROM local_clock $$;

ALTER FUNCTION public.current_instant() OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.current_instant() IS 'What time it is for participants: the start of this transaction, on the one clock.';

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
DECLARE
    v_merge public.merges;
    v_plan jsonb;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_changes public.card_change[];
BEGIN
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
    v_cause_id := public.record_cause(p_participant_id, 'participant',
        (SELECT c.device_id::text FROM public.confirmations AS c
            WHERE c.participant_id = p_participant_id AND c.confirmation_id = v_merge.confirmation_id),
        v_merge.reason, p_merge_id);

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
        core = 'pending', cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

ALTER FUNCTION public.execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_card_merge() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_was_merged boolean := tg_op = 'UPDATE' AND old.merge_mark IS NOT DISTINCT FROM 'merged';
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.merge_executions AS e
        JOIN public.merge_plans AS p ON p.participant_id = e.participant_id AND p.merge_id = e.merge_id
            AND p.plan_digest = e.plan_digest
        CROSS JOIN LATERAL jsonb_array_elements(convert_from(p.canonical, 'UTF8')::jsonb -> 'cards') AS c
        WHERE e.participant_id = new.participant_id AND e.xact = pg_current_xact_id()
            AND CASE WHEN v_was_merged
                THEN e.merge_id = ANY (new.merged_via) OR e.merge_id = ANY (old.merged_via)
                ELSE c ->> 'kpj' = new.kpj AND c ->> 'role' = 'absorbed' AND c ->> 'status_after' = 'merged'
                    AND e.merge_id = new.merge_id END
    ) THEN
        PERFORM public.refuse('card_merges_only_by_its_confirmed_plan',
            format('card %s is not part of a confirmed merge that is being executed', new.card_id));
    END IF;
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_card_merge() OWNER TO sepakat_writer;

CREATE FUNCTION public.guard_merge_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_from text := CASE WHEN tg_op = 'INSERT' THEN '-' ELSE old.state END;
BEGIN
    IF (v_from <> new.state AND NOT EXISTS (
            SELECT FROM public.merge_transitions AS t WHERE t.from_state = v_from AND t.to_state = new.state))
        -- the core may end an open merge, by telling of one that it did itself; it takes no other step of an open one
        OR (tg_op = 'UPDATE' AND session_user = 'sepakat_feed' AND new.state NOT IN (old.state, 'cancelled'))
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
    RETURN NULL;
END
$$;

ALTER FUNCTION public.guard_merge_step() OWNER TO sepakat_writer;

CREATE FUNCTION public.jakarta_day(instant timestamp with time zone) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((instant AT TIME ZONE 'Asia/Jakarta'::text))::date;

ALTER FUNCTION public.jakarta_day(instant timestamp with time zone) OWNER TO sepakat_owner;

CREATE FUNCTION public.lane_of(participant_id uuid) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((((uuid_hash(participant_id))::bigint + '2147483648'::bigint) >> 26))::smallint;

ALTER FUNCTION public.lane_of(participant_id uuid) OWNER TO sepakat_owner;

COMMENT ON FUNCTION public.lane_of(participant_id uuid) IS 'The lane (0..63): the top six bits of the hash that Citus shards by, so that a lane lies in one shard.';

CREATE FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) RETURNS record
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT h.seq, public.lane_of(h.participant_id) FROM public.participant_heads AS h
    WHERE h.participant_id = p_participant_id FOR UPDATE
$$;

ALTER FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) OWNER TO sepakat_writer;

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

CREATE FUNCTION public.refuse(constraint_name text, message text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'check_violation', MESSAGE = message, CONSTRAINT = constraint_name;
END
$$;

ALTER FUNCTION public.refuse(constraint_name text, message text) OWNER TO sepakat_owner;

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

CREATE FUNCTION public.register_participant(p_participant_id uuid, p_nik text, p_name text, p_birth_date date, p_phone text, p_phone_since date, p_email text, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    v_cause_id uuid;
BEGIN
    INSERT INTO public.participant_numbers (nik, participant_id) VALUES (p_nik, p_participant_id) ON CONFLICT (nik) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO public.participants
        (participant_id, nik, name, birth_date, phone, phone_since, email, locale, time_zone, registered_at, deceased_on)
    VALUES (p_participant_id, p_nik, p_name, p_birth_date, p_phone, p_phone_since, p_email,
        coalesce(p_locale, 'id'), coalesce(p_time_zone, 'Asia/Jakarta'), public.current_instant(), p_deceased_on);
    INSERT INTO public.participant_heads (participant_id) VALUES (p_participant_id);
    v_cause_id := public.record_cause(p_participant_id, p_origin, p_actor, p_event_id => p_event_id, p_occurred_at => p_occurred_at);
    PERFORM public.append_history(ARRAY[
        ROW(p_participant_id, 'participant_registered', NULL, NULL, v_cause_id, jsonb_build_object('name', p_name))::public.history_entry
    ]);
    RETURN true;
END
$$;

ALTER FUNCTION public.register_participant(p_participant_id uuid, p_nik text, p_name text, p_birth_date date, p_phone text, p_phone_since date, p_email text, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamp with time zone) OWNER TO sepakat_writer;

CREATE FUNCTION public.report_merge(p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamp with time zone, p_reported jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
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

CREATE FUNCTION public.tell_of_key() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM public.append_history(ARRAY[ROW(new.participant_id, CASE WHEN tg_op = 'INSERT' THEN 'key_added' ELSE 'key_removed' END,
        NULL, NULL, new.cause_id, jsonb_build_object('device_id', new.device_id, 'device_name', new.name, 'platform', new.platform,
            'hold_until', new.hold_until))::public.history_entry]);
    RETURN NULL;
END
$$;

ALTER FUNCTION public.tell_of_key() OWNER TO sepakat_writer;

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

    SELECT CASE WHEN v_from = new.state THEN 'merge_survivor_chosen'
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
        'executes_at', new.executes_at, 'undo_until', new.undo_until, 'last_refusal', new.last_refusal, 'reported', new.reported
    ))::public.history_entry]);
    RETURN NULL;
END
$$;

ALTER FUNCTION public.tell_of_merge_step() OWNER TO sepakat_writer;

CREATE AGGREGATE public.chain(head bytea, body bytea) (
    SFUNC = public.chain_step,
    STYPE = bytea
);

ALTER AGGREGATE public.chain(head bytea, body bytea) OWNER TO sepakat_owner;

COMMENT ON AGGREGATE public.chain(head bytea, body bytea) IS 'The hash after each entry: sha256(field(hash before) || body), starting from the head.';

CREATE TABLE public.acknowledgements (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    device_id uuid NOT NULL,
    acknowledged_at timestamp with time zone NOT NULL
);

ALTER TABLE public.acknowledgements OWNER TO sepakat_owner;

CREATE TABLE public.card_numbers (
    kpj text NOT NULL,
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL
);

ALTER TABLE public.card_numbers OWNER TO sepakat_owner;

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
    balance bigint,
    entries integer DEFAULT 0 NOT NULL,
    last_contribution_month date,
    last_contribution_amount bigint,
    status text GENERATED ALWAYS AS (
CASE
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
    CONSTRAINT segment_is_known CHECK ((segment = ANY (ARRAY['PU'::text, 'BPU'::text, 'JAKON'::text, 'PMI'::text])))
)
WITH (fillfactor='80');

ALTER TABLE public.cards OWNER TO sepakat_owner;

COMMENT ON COLUMN public.cards.merged_into IS 'The living card, in one hop; merged_via keeps the path of merges.';

COMMENT ON COLUMN public.cards.balance IS 'Whole rupiah of JHT savings: the running sum of the ledger. NULL for a card without JHT.';

COMMENT ON COLUMN public.cards.status IS 'Derived: merged or merged_without_consent, frozen, claim_in_progress, else the lifecycle that the core told.';

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

CREATE TABLE public.code_tries (
    participant_id uuid NOT NULL,
    day date NOT NULL,
    tries integer NOT NULL,
    CONSTRAINT ten_tries_a_day CHECK ((tries <= 10))
);

ALTER TABLE public.code_tries OWNER TO sepakat_owner;

CREATE TABLE public.confirmations (
    participant_id uuid NOT NULL,
    confirmation_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    action text NOT NULL,
    plan_digest text NOT NULL,
    acknowledged text[] NOT NULL,
    device_id uuid NOT NULL,
    nonce bytea NOT NULL,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    seal bytea NOT NULL,
    confirmed_at timestamp with time zone NOT NULL,
    CONSTRAINT seal_has_32_bytes CHECK ((length(seal) = 32))
);

ALTER TABLE public.confirmations OWNER TO sepakat_owner;

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
    CONSTRAINT delivery_state_is_known CHECK ((state = ANY (ARRAY['accepted'::text, 'waiting'::text, 'unregistered'::text, 'rejected'::text])))
);

ALTER TABLE public.deliveries OWNER TO sepakat_owner;

COMMENT ON COLUMN public.deliveries.delivery_id IS 'The same on every retry: derived from cause and device.';

CREATE TABLE public.device_owners (
    device_id uuid NOT NULL,
    participant_id uuid NOT NULL
);

ALTER TABLE public.device_owners OWNER TO sepakat_owner;

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
    CONSTRAINT platform_is_known CHECK ((platform = ANY (ARRAY['android'::text, 'ios'::text, 'web'::text])))
);

ALTER TABLE public.devices OWNER TO sepakat_owner;

COMMENT ON COLUMN public.devices.hold_until IS 'This key confirms nothing before; NULL when an older key vouched or it is the first on a settled phone.';

CREATE TABLE public.employers (
    employer_id text NOT NULL,
    name text NOT NULL
);

ALTER TABLE public.employers OWNER TO sepakat_owner;

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
    code_not_before timestamp with time zone
);

ALTER TABLE public.enrolments OWNER TO sepakat_owner;

COMMENT ON COLUMN public.enrolments.participant_id IS 'NULL for somebody who is not known: the answer is the same, no code goes out.';

COMMENT ON COLUMN public.enrolments.code_not_before IS 'Real time, not the local clock: the lease of a worker that sends the code now, or a retry; infinity when it was rejected.';

CREATE TABLE public.entry_kinds (
    kind text NOT NULL,
    reach text NOT NULL,
    class text NOT NULL,
    severity text NOT NULL,
    written_by text NOT NULL,
    wording text NOT NULL,
    CONSTRAINT entry_class_is_known CHECK ((class = ANY (ARRAY['card'::text, 'security'::text, 'notice'::text]))),
    CONSTRAINT reach_is_known CHECK ((reach = ANY (ARRAY['silent'::text, 'inbox'::text, 'push'::text, 'ladder'::text]))),
    CONSTRAINT severity_is_known CHECK ((severity = ANY (ARRAY['info'::text, 'warning'::text, 'critical'::text]))),
    CONSTRAINT written_by_is_known CHECK ((written_by = ANY (ARRAY['change'::text, 'note'::text])))
);

ALTER TABLE public.entry_kinds OWNER TO sepakat_owner;

COMMENT ON COLUMN public.entry_kinds.written_by IS 'change: only together with the change itself; note: by add_note as well.';

COMMENT ON COLUMN public.entry_kinds.wording IS 'The wording version that new entries of this kind are shown with; stored with each entry.';

CREATE TABLE public.feed_events (
    event_id text NOT NULL,
    content_hash bytea NOT NULL,
    type text NOT NULL,
    occurred_at timestamp with time zone,
    content jsonb NOT NULL,
    outcome text NOT NULL,
    code text,
    detail text,
    received_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
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

CREATE TABLE public.feed_quarantine (
    event_id text NOT NULL,
    content_hash bytea NOT NULL,
    content jsonb NOT NULL,
    received_at timestamp with time zone NOT NULL
);

ALTER TABLE public.feed_quarantine OWNER TO sepakat_owner;

CREATE TABLE public.feed_streams (
    stream text NOT NULL,
    "position" bigint NOT NULL
);

ALTER TABLE public.feed_streams OWNER TO sepakat_owner;

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

CREATE TABLE public.history_data (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    salt bytea NOT NULL,
    data text NOT NULL,
    CONSTRAINT history_data_is_an_object CHECK ((data IS JSON OBJECT))
);

ALTER TABLE public.history_data OWNER TO sepakat_owner;

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

CREATE TABLE public.inbox_pointers (
    participant_id uuid NOT NULL,
    read_up_to bigint NOT NULL
);

ALTER TABLE public.inbox_pointers OWNER TO sepakat_owner;

CREATE TABLE public.lanes (
    lane smallint NOT NULL,
    owner uuid,
    fence bigint DEFAULT 0 NOT NULL,
    rung bigint DEFAULT 0 NOT NULL,
    lease_until timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE public.lanes OWNER TO sepakat_owner;

COMMENT ON COLUMN public.lanes.rung IS 'Counts doorbells that found the lane owned: the owner looks again before it lets go.';

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

CREATE TABLE public.merge_executions (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    action text NOT NULL,
    plan_digest text NOT NULL,
    confirmation_id uuid NOT NULL,
    executed_at timestamp with time zone NOT NULL,
    xact xid8 NOT NULL
);

ALTER TABLE public.merge_executions OWNER TO sepakat_owner;

CREATE TABLE public.merge_plans (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    plan_digest text NOT NULL,
    action text NOT NULL,
    canonical bytea NOT NULL,
    made_at timestamp with time zone NOT NULL,
    CONSTRAINT digest_is_of_the_canonical_plan CHECK ((plan_digest = encode(sha256(canonical), 'hex'::text))),
    CONSTRAINT plan_action_is_known CHECK ((action = ANY (ARRAY['merge'::text, 'undo'::text, 'accept'::text])))
);

ALTER TABLE public.merge_plans OWNER TO sepakat_owner;

CREATE TABLE public.merge_transitions (
    from_state text NOT NULL,
    to_state text NOT NULL,
    kind text NOT NULL
);

ALTER TABLE public.merge_transitions OWNER TO sepakat_owner;

COMMENT ON TABLE public.merge_transitions IS 'Which state may follow which (`-` is a new merge), and the kind of the history entry that tells of the step.';

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
    core text,
    last_refusal jsonb,
    reported jsonb,
    cause_id uuid NOT NULL,
    CONSTRAINT confirmed_merge_has_its_confirmation CHECK (((state = ANY (ARRAY['confirmed'::text, 'executed'::text])) <= (num_nulls(confirmation_id, confirmed_at, plan_digest, executes_at) = 0))),
    CONSTRAINT core_answer_is_known CHECK ((core = ANY (ARRAY['pending'::text, 'acknowledged'::text, 'refused'::text]))),
    CONSTRAINT executed_merge_has_its_instant CHECK (((state = 'executed'::text) <= ((executed_at IS NOT NULL) AND (undo_until IS NOT NULL)))),
    CONSTRAINT merge_absorbs_something CHECK (((cardinality(absorb) >= 1) AND (cardinality(absorb) <= 20))),
    CONSTRAINT merge_does_not_absorb_its_survivor CHECK ((into_card <> ALL (absorb))),
    CONSTRAINT proposer_is_known CHECK ((proposed_by = ANY (ARRAY['participant'::text, 'agency'::text, 'core'::text])))
)
WITH (fillfactor='80');

ALTER TABLE public.merges OWNER TO sepakat_owner;

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
    not_before timestamp with time zone
)
WITH (fillfactor='80');

ALTER TABLE public.outbox OWNER TO sepakat_owner;

COMMENT ON COLUMN public.outbox.class IS '0 urgent, 1 bulk';

COMMENT ON COLUMN public.outbox.not_before IS 'Real time, not the local clock: a row parked for a retry.';

CREATE TABLE public.participant_heads (
    participant_id uuid NOT NULL,
    seq bigint DEFAULT 0 NOT NULL,
    hash bytea DEFAULT decode(repeat('00'::text, 32), 'hex'::text) NOT NULL
)
WITH (fillfactor='70');

ALTER TABLE public.participant_heads OWNER TO sepakat_owner;

CREATE TABLE public.participant_numbers (
    nik text NOT NULL,
    participant_id uuid NOT NULL,
    CONSTRAINT nik_has_16_digits CHECK ((nik ~ '^[0-9]{16}$'::text))
);

ALTER TABLE public.participant_numbers OWNER TO sepakat_owner;

CREATE TABLE public.participants (
    participant_id uuid NOT NULL,
    nik text NOT NULL,
    name text NOT NULL,
    birth_date date NOT NULL,
    phone text,
    phone_since date,
    email text,
    locale text DEFAULT 'id'::text NOT NULL,
    time_zone text DEFAULT 'Asia/Jakarta'::text NOT NULL,
    registered_at timestamp with time zone NOT NULL,
    deceased_on date,
    CONSTRAINT participant_locale_is_known CHECK ((locale = ANY (ARRAY['id'::text, 'en'::text]))),
    CONSTRAINT participant_time_zone_is_indonesian CHECK ((time_zone = ANY (ARRAY['Asia/Jakarta'::text, 'Asia/Makassar'::text, 'Asia/Jayapura'::text])))
);

ALTER TABLE public.participants OWNER TO sepakat_owner;

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
    CONSTRAINT locale_is_known CHECK ((locale = ANY (ARRAY['id'::text, 'en'::text]))),
    CONSTRAINT platform_is_known CHECK ((platform = ANY (ARRAY['android'::text, 'ios'::text, 'web'::text]))),
    CONSTRAINT push_target_kind_is_known CHECK ((kind = ANY (ARRAY['fid'::text, 'token'::text])))
);

ALTER TABLE public.push_targets OWNER TO sepakat_owner;

CREATE TABLE public.receipts (
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    device_id uuid NOT NULL,
    received_at timestamp with time zone NOT NULL
);

ALTER TABLE public.receipts OWNER TO sepakat_owner;

CREATE TABLE public.sessions (
    participant_id uuid NOT NULL,
    session_id uuid NOT NULL,
    device_id uuid NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    started_at timestamp with time zone NOT NULL,
    refreshed_at timestamp with time zone NOT NULL,
    refresh_expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    ended_because text
);

ALTER TABLE public.sessions OWNER TO sepakat_owner;

COMMENT ON COLUMN public.sessions.generation IS 'The refresh token of this generation is the newest; tokens are derived from it, never stored.';

ALTER TABLE ONLY public.acknowledgements
    ADD CONSTRAINT acknowledgements_pkey PRIMARY KEY (participant_id, seq);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT card_number_is_unique_for_its_owner UNIQUE (participant_id, kpj);

ALTER TABLE ONLY public.card_numbers
    ADD CONSTRAINT card_numbers_pkey PRIMARY KEY (kpj);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_pkey PRIMARY KEY (participant_id, card_id);

ALTER TABLE ONLY public.causes
    ADD CONSTRAINT causes_pkey PRIMARY KEY (participant_id, cause_id);

ALTER TABLE ONLY public.challenges
    ADD CONSTRAINT challenges_pkey PRIMARY KEY (nonce);

ALTER TABLE ONLY public.claims
    ADD CONSTRAINT claims_pkey PRIMARY KEY (participant_id, claim_id);

ALTER TABLE ONLY public.code_tries
    ADD CONSTRAINT code_tries_pkey PRIMARY KEY (participant_id, day);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmation_is_of_one_plan UNIQUE (participant_id, merge_id, plan_digest, confirmation_id);

ALTER TABLE ONLY public.merge_executions
    ADD CONSTRAINT confirmation_is_used_once UNIQUE (participant_id, confirmation_id);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmations_pkey PRIMARY KEY (participant_id, confirmation_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (participant_id, cause_id, device_id);

ALTER TABLE ONLY public.device_owners
    ADD CONSTRAINT device_owners_pkey PRIMARY KEY (device_id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (participant_id, device_id);

ALTER TABLE ONLY public.employers
    ADD CONSTRAINT employers_pkey PRIMARY KEY (employer_id);

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

ALTER TABLE ONLY public.feed_streams
    ADD CONSTRAINT feed_streams_pkey PRIMARY KEY (stream);

ALTER TABLE ONLY public.history_data
    ADD CONSTRAINT history_data_pkey PRIMARY KEY (participant_id, seq);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (participant_id, seq);

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (participant_id, request);

ALTER TABLE ONLY public.inbox_pointers
    ADD CONSTRAINT inbox_pointers_pkey PRIMARY KEY (participant_id);

ALTER TABLE ONLY public.lanes
    ADD CONSTRAINT lanes_pkey PRIMARY KEY (lane);

ALTER TABLE ONLY public.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (participant_id, card_id, number);

ALTER TABLE ONLY public.local_clock
    ADD CONSTRAINT local_clock_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.merge_executions
    ADD CONSTRAINT merge_is_executed_once PRIMARY KEY (participant_id, merge_id, action);

ALTER TABLE ONLY public.merge_plans
    ADD CONSTRAINT merge_plans_pkey PRIMARY KEY (participant_id, merge_id, plan_digest);

ALTER TABLE ONLY public.merge_transitions
    ADD CONSTRAINT merge_transitions_pkey PRIMARY KEY (from_state, to_state);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT merges_pkey PRIMARY KEY (participant_id, merge_id);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT nonce_confirms_once UNIQUE (participant_id, nonce);

ALTER TABLE ONLY public.open_merge_cards
    ADD CONSTRAINT one_open_merge_per_card PRIMARY KEY (participant_id, card_id);

ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (lane, class, participant_id, seq);

ALTER TABLE ONLY public.participant_heads
    ADD CONSTRAINT participant_heads_pkey PRIMARY KEY (participant_id);

ALTER TABLE ONLY public.participant_numbers
    ADD CONSTRAINT participant_numbers_pkey PRIMARY KEY (nik);

ALTER TABLE ONLY public.participants
    ADD CONSTRAINT participants_pkey PRIMARY KEY (participant_id);

ALTER TABLE ONLY public.push_targets
    ADD CONSTRAINT push_targets_pkey PRIMARY KEY (participant_id, device_id);

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (participant_id, seq, device_id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (participant_id, session_id);

CREATE INDEX challenges_by_expiry ON public.challenges USING btree (expires_at);

CREATE INDEX enrolments_by_expiry ON public.enrolments USING btree (expires_at);

CREATE INDEX enrolments_of_participant ON public.enrolments USING btree (participant_id, asked_at) WHERE (participant_id IS NOT NULL);

CREATE INDEX enrolments_waiting_for_their_code ON public.enrolments USING btree (code_not_before NULLS FIRST) WHERE ((participant_id IS NOT NULL) AND (code_sent_at IS NULL));

CREATE INDEX held_streams_of_event ON public.feed_held USING btree (event_id);

CREATE INDEX history_of_card ON public.history USING btree (participant_id, card_id, seq) WHERE (card_id IS NOT NULL);

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (kept_at);

CREATE INDEX ledger_legs_of_transfer ON public.ledger_entries USING btree (participant_id, transfer_id) WHERE (transfer_id IS NOT NULL);

CREATE INDEX merges_due ON public.merges USING btree (executes_at) WHERE (state = 'confirmed'::text);

CREATE INDEX merges_open_until ON public.merges USING btree (expires_at) WHERE (state = 'proposed'::text);

CREATE UNIQUE INDEX one_entry_per_card_and_cause ON public.history USING btree (participant_id, cause_id, card_id) WHERE (card_id IS NOT NULL);

CREATE UNIQUE INDEX one_open_claim_per_card ON public.claims USING btree (participant_id, card_id) WHERE (state = 'open'::text);

CREATE UNIQUE INDEX source_event_is_posted_once ON public.ledger_entries USING btree (participant_id, source_event, card_id) WHERE (source_event IS NOT NULL);

CREATE TRIGGER a_merge_step_is_guarded AFTER INSERT OR UPDATE ON public.merges FOR EACH ROW EXECUTE FUNCTION public.guard_merge_step();

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER a_merge_step_is_guarded;

CREATE TRIGGER balance_is_the_sum_of_its_entries AFTER UPDATE ON public.cards FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND ((old.balance IS DISTINCT FROM new.balance) OR (old.entries IS DISTINCT FROM new.entries)))) EXECUTE FUNCTION public.refuse_statement('balance_is_the_sum_of_its_entries');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER balance_is_the_sum_of_its_entries;

CREATE TRIGGER card_merges_only_by_its_confirmed_plan AFTER UPDATE ON public.cards FOR EACH ROW WHEN (((('merged'::text = old.merge_mark) OR ('merged'::text = new.merge_mark)) AND ((((old.merge_mark IS DISTINCT FROM new.merge_mark) OR (old.merge_id IS DISTINCT FROM new.merge_id)) OR (old.merged_into IS DISTINCT FROM new.merged_into)) OR (old.merged_via IS DISTINCT FROM new.merged_via)))) EXECUTE FUNCTION public.guard_card_merge();

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER card_merges_only_by_its_confirmed_plan;

CREATE TRIGGER card_never_changes_its_participant AFTER UPDATE ON public.cards FOR EACH ROW WHEN ((((old.participant_id IS DISTINCT FROM new.participant_id) OR (old.card_id IS DISTINCT FROM new.card_id)) OR (old.kpj IS DISTINCT FROM new.kpj))) EXECUTE FUNCTION public.refuse_statement('card_never_changes_its_participant');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER card_never_changes_its_participant;

CREATE TRIGGER card_numbers_are_kept BEFORE DELETE OR UPDATE ON public.card_numbers FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('card_numbers_are_kept');

ALTER TABLE public.card_numbers ENABLE ALWAYS TRIGGER card_numbers_are_kept;

CREATE TRIGGER card_numbers_are_not_truncated BEFORE TRUNCATE ON public.card_numbers FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('card_numbers_are_kept');

ALTER TABLE public.card_numbers ENABLE ALWAYS TRIGGER card_numbers_are_not_truncated;

CREATE TRIGGER cards_are_not_truncated BEFORE TRUNCATE ON public.cards FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('cards_are_opened_by_function');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER cards_are_not_truncated;

CREATE TRIGGER cards_are_opened_by_function BEFORE INSERT OR DELETE ON public.cards FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('cards_are_opened_by_function');

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER cards_are_opened_by_function;

CREATE TRIGGER causes_are_append_only BEFORE DELETE OR UPDATE ON public.causes FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('causes_are_append_only');

ALTER TABLE public.causes ENABLE ALWAYS TRIGGER causes_are_append_only;

CREATE TRIGGER causes_are_not_truncated BEFORE TRUNCATE ON public.causes FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('causes_are_append_only');

ALTER TABLE public.causes ENABLE ALWAYS TRIGGER causes_are_not_truncated;

CREATE TRIGGER causes_by_function_only BEFORE INSERT ON public.causes FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('causes_by_function_only');

ALTER TABLE public.causes ENABLE ALWAYS TRIGGER causes_by_function_only;

CREATE TRIGGER confirmations_are_append_only BEFORE DELETE OR UPDATE ON public.confirmations FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('confirmations_are_append_only');

ALTER TABLE public.confirmations ENABLE ALWAYS TRIGGER confirmations_are_append_only;

CREATE TRIGGER confirmations_are_not_truncated BEFORE TRUNCATE ON public.confirmations FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('confirmations_are_append_only');

ALTER TABLE public.confirmations ENABLE ALWAYS TRIGGER confirmations_are_not_truncated;

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

CREATE TRIGGER heads_are_not_truncated BEFORE TRUNCATE ON public.participant_heads FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('heads_by_function_only');

ALTER TABLE public.participant_heads ENABLE ALWAYS TRIGGER heads_are_not_truncated;

CREATE TRIGGER heads_by_function_only BEFORE INSERT OR DELETE OR UPDATE ON public.participant_heads FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('heads_by_function_only');

ALTER TABLE public.participant_heads ENABLE ALWAYS TRIGGER heads_by_function_only;

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

CREATE TRIGGER key_removed_is_told AFTER UPDATE ON public.devices FOR EACH ROW WHEN (((old.removed_at IS NULL) AND (new.removed_at IS NOT NULL))) EXECUTE FUNCTION public.tell_of_key();

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

CREATE TRIGGER merge_step_is_told AFTER UPDATE ON public.merges FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR (old.into_card IS DISTINCT FROM new.into_card))) EXECUTE FUNCTION public.tell_of_merge_step();

CREATE TRIGGER merges_are_kept BEFORE DELETE ON public.merges FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('merges_are_kept');

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER merges_are_kept;

CREATE TRIGGER merges_are_not_truncated BEFORE TRUNCATE ON public.merges FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('merges_are_kept');

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER merges_are_not_truncated;

CREATE TRIGGER new_merge_is_told AFTER INSERT ON public.merges FOR EACH ROW EXECUTE FUNCTION public.tell_of_merge_step();

CREATE TRIGGER open_merge_cards_by_trigger_only BEFORE INSERT OR DELETE OR UPDATE ON public.open_merge_cards FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('open_merge_cards_by_trigger_only');

ALTER TABLE public.open_merge_cards ENABLE ALWAYS TRIGGER open_merge_cards_by_trigger_only;

CREATE TRIGGER opened_card_is_not_merged AFTER INSERT ON public.cards FOR EACH ROW WHEN ((new.merge_mark = 'merged'::text)) EXECUTE FUNCTION public.guard_card_merge();

ALTER TABLE public.cards ENABLE ALWAYS TRIGGER opened_card_is_not_merged;

CREATE TRIGGER outbox_by_function_only BEFORE INSERT ON public.outbox FOR EACH ROW WHEN ((CURRENT_USER <> 'sepakat_writer'::name)) EXECUTE FUNCTION public.refuse_statement('outbox_by_function_only');

ALTER TABLE public.outbox ENABLE ALWAYS TRIGGER outbox_by_function_only;

CREATE TRIGGER outbox_is_not_truncated BEFORE TRUNCATE ON public.outbox FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('outbox_by_function_only');

ALTER TABLE public.outbox ENABLE ALWAYS TRIGGER outbox_is_not_truncated;

CREATE TRIGGER plans_are_append_only BEFORE DELETE OR UPDATE ON public.merge_plans FOR EACH ROW EXECUTE FUNCTION public.refuse_statement('plans_are_append_only');

ALTER TABLE public.merge_plans ENABLE ALWAYS TRIGGER plans_are_append_only;

CREATE TRIGGER plans_are_not_truncated BEFORE TRUNCATE ON public.merge_plans FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_statement('plans_are_append_only');

ALTER TABLE public.merge_plans ENABLE ALWAYS TRIGGER plans_are_not_truncated;

CREATE TRIGGER reported_by_function_only BEFORE INSERT ON public.merges FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND (new.state = 'reported'::text))) EXECUTE FUNCTION public.refuse_statement('reported_by_function_only');

ALTER TABLE public.merges ENABLE ALWAYS TRIGGER reported_by_function_only;

CREATE TRIGGER unexplained_change_is_captured AFTER UPDATE ON public.cards FOR EACH ROW WHEN (((CURRENT_USER <> 'sepakat_writer'::name) AND ((((((((old.status IS DISTINCT FROM new.status) OR (old.lifecycle IS DISTINCT FROM new.lifecycle)) OR (old.claim_id IS DISTINCT FROM new.claim_id)) OR (old.frozen_at IS DISTINCT FROM new.frozen_at)) OR (old.locked_at IS DISTINCT FROM new.locked_at)) OR (old.merge_mark IS DISTINCT FROM new.merge_mark)) OR (old.merged_into IS DISTINCT FROM new.merged_into)) OR (old.closed_on IS DISTINCT FROM new.closed_on)))) EXECUTE FUNCTION public.capture_unexplained_change();

ALTER TABLE ONLY public.acknowledgements
    ADD CONSTRAINT acknowledgements_participant_id_seq_fkey FOREIGN KEY (participant_id, seq) REFERENCES public.history(participant_id, seq);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.causes
    ADD CONSTRAINT causes_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.claims
    ADD CONSTRAINT claims_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.code_tries
    ADD CONSTRAINT code_tries_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.merges
    ADD CONSTRAINT confirmation_is_of_this_plan FOREIGN KEY (participant_id, merge_id, plan_digest, confirmation_id) REFERENCES public.confirmations(participant_id, merge_id, plan_digest, confirmation_id);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmations_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

ALTER TABLE ONLY public.confirmations
    ADD CONSTRAINT confirmations_participant_id_merge_id_plan_digest_fkey FOREIGN KEY (participant_id, merge_id, plan_digest) REFERENCES public.merge_plans(participant_id, merge_id, plan_digest);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_participant_id_cause_id_fkey FOREIGN KEY (participant_id, cause_id) REFERENCES public.causes(participant_id, cause_id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.merge_executions
    ADD CONSTRAINT execution_has_its_confirmation FOREIGN KEY (participant_id, merge_id, plan_digest, confirmation_id) REFERENCES public.confirmations(participant_id, merge_id, plan_digest, confirmation_id);

ALTER TABLE ONLY public.feed_held
    ADD CONSTRAINT feed_held_event_id_fkey FOREIGN KEY (event_id) REFERENCES public.feed_events(event_id);

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

ALTER TABLE ONLY public.open_merge_cards
    ADD CONSTRAINT open_merge_cards_participant_id_card_id_fkey FOREIGN KEY (participant_id, card_id) REFERENCES public.cards(participant_id, card_id);

ALTER TABLE ONLY public.open_merge_cards
    ADD CONSTRAINT open_merge_cards_participant_id_merge_id_fkey FOREIGN KEY (participant_id, merge_id) REFERENCES public.merges(participant_id, merge_id);

ALTER TABLE ONLY public.participant_heads
    ADD CONSTRAINT participant_heads_participant_id_fkey FOREIGN KEY (participant_id) REFERENCES public.participants(participant_id);

ALTER TABLE ONLY public.push_targets
    ADD CONSTRAINT push_targets_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_participant_id_seq_fkey FOREIGN KEY (participant_id, seq) REFERENCES public.history(participant_id, seq);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_participant_id_device_id_fkey FOREIGN KEY (participant_id, device_id) REFERENCES public.devices(participant_id, device_id);

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO sepakat_owner;
GRANT ALL ON SCHEMA public TO sepakat_writer;
GRANT USAGE ON SCHEMA public TO sepakat_api;
GRANT USAGE ON SCHEMA public TO sepakat_worker;
GRANT USAGE ON SCHEMA public TO sepakat_feed;
GRANT USAGE ON SCHEMA public TO sepakat_operator;

REVOKE ALL ON FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) TO sepakat_api;
GRANT ALL ON FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) TO sepakat_worker;
GRANT ALL ON FUNCTION public.add_note(p_participant_id uuid, p_cause_id uuid, p_kind text, p_data jsonb) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.append_history(p_entries public.history_entry[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.apply_changes(p_changes public.card_change[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.apply_changes(p_changes public.card_change[]) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.capture_unexplained_change() FROM PUBLIC;
GRANT ALL ON FUNCTION public.capture_unexplained_change() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.field(value bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.field(value bytea) TO sepakat_writer;
GRANT ALL ON FUNCTION public.field(value bytea) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.chain_step(state bytea, head bytea, body bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.chain_step(state bytea, head bytea, body bytea) TO sepakat_writer;
GRANT ALL ON FUNCTION public.chain_step(state bytea, head bytea, body bytea) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.change_cards(p_changes public.card_change[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.check_execution() FROM PUBLIC;
GRANT ALL ON FUNCTION public.check_execution() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.check_legs_sum_to_zero() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.current_instant() FROM PUBLIC;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_writer;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_api;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_worker;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_feed;
GRANT ALL ON FUNCTION public.current_instant() TO sepakat_operator;

REVOKE ALL ON FUNCTION public.entry_body(participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, recorded_at timestamp with time zone, wording text, commitment bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.entry_body(participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, recorded_at timestamp with time zone, wording text, commitment bytea) TO sepakat_writer;
GRANT ALL ON FUNCTION public.entry_body(participant_id uuid, seq bigint, kind text, card_id uuid, merge_id uuid, cause_id uuid, occurred_at timestamp with time zone, recorded_at timestamp with time zone, wording text, commitment bytea) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.entry_commitment(salt bytea, data text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.entry_commitment(salt bytea, data text) TO sepakat_writer;
GRANT ALL ON FUNCTION public.entry_commitment(salt bytea, data text) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) FROM PUBLIC;
GRANT ALL ON FUNCTION public.execute_merge(p_participant_id uuid, p_merge_id uuid, p_undo_window interval) TO sepakat_worker;

REVOKE ALL ON FUNCTION public.guard_card_merge() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_card_merge() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.guard_merge_step() FROM PUBLIC;
GRANT ALL ON FUNCTION public.guard_merge_step() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_writer;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_api;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_worker;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_feed;
GRANT ALL ON FUNCTION public.jakarta_day(instant timestamp with time zone) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.lane_of(participant_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_writer;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_api;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_worker;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_feed;
GRANT ALL ON FUNCTION public.lane_of(participant_id uuid) TO sepakat_operator;

REVOKE ALL ON FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) FROM PUBLIC;
GRANT ALL ON FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) TO sepakat_api;
GRANT ALL ON FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) TO sepakat_worker;
GRANT ALL ON FUNCTION public.lock_participant(p_participant_id uuid, OUT seq bigint, OUT lane smallint) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.open_cards(p_cards public.card_opening[], p_entries public.card_change[]) FROM PUBLIC;
GRANT ALL ON FUNCTION public.open_cards(p_cards public.card_opening[], p_entries public.card_change[]) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.post_entries(p_changes public.card_change[]) FROM PUBLIC;

REVOKE ALL ON FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) TO sepakat_api;
GRANT ALL ON FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) TO sepakat_worker;
GRANT ALL ON FUNCTION public.record_cause(p_participant_id uuid, p_origin text, p_actor text, p_reason text, p_merge_id uuid, p_event_id text, p_occurred_at timestamp with time zone, p_bulk boolean) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.refuse(constraint_name text, message text) FROM PUBLIC;
GRANT ALL ON FUNCTION public.refuse(constraint_name text, message text) TO sepakat_writer;

REVOKE ALL ON FUNCTION public.refuse_statement() FROM PUBLIC;

REVOKE ALL ON FUNCTION public.register_participant(p_participant_id uuid, p_nik text, p_name text, p_birth_date date, p_phone text, p_phone_since date, p_email text, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION public.register_participant(p_participant_id uuid, p_nik text, p_name text, p_birth_date date, p_phone text, p_phone_since date, p_email text, p_locale text, p_time_zone text, p_deceased_on date, p_origin text, p_actor text, p_event_id text, p_occurred_at timestamp with time zone) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.report_merge(p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamp with time zone, p_reported jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION public.report_merge(p_participant_id uuid, p_merge_id uuid, p_absorbed uuid, p_into uuid, p_cause_id uuid, p_merged_at timestamp with time zone, p_reported jsonb) TO sepakat_feed;

REVOKE ALL ON FUNCTION public.stamp_execution() FROM PUBLIC;
GRANT ALL ON FUNCTION public.stamp_execution() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.tell_of_key() FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_of_key() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.tell_of_merge_step() FROM PUBLIC;
GRANT ALL ON FUNCTION public.tell_of_merge_step() TO sepakat_owner;

REVOKE ALL ON FUNCTION public.chain(bytea, bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION public.chain(bytea, bytea) TO sepakat_writer;
GRANT ALL ON FUNCTION public.chain(bytea, bytea) TO sepakat_operator;

GRANT SELECT ON TABLE public.acknowledgements TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.acknowledgements TO sepakat_api;
GRANT SELECT ON TABLE public.acknowledgements TO sepakat_worker;
GRANT SELECT ON TABLE public.acknowledgements TO sepakat_feed;

GRANT SELECT ON TABLE public.card_numbers TO sepakat_operator;
GRANT SELECT ON TABLE public.card_numbers TO sepakat_api;
GRANT SELECT ON TABLE public.card_numbers TO sepakat_worker;
GRANT SELECT ON TABLE public.card_numbers TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.card_numbers TO sepakat_writer;

GRANT SELECT ON TABLE public.cards TO sepakat_operator;
GRANT SELECT ON TABLE public.cards TO sepakat_api;
GRANT SELECT ON TABLE public.cards TO sepakat_worker;
GRANT SELECT ON TABLE public.cards TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.cards TO sepakat_writer;

GRANT SELECT ON TABLE public.causes TO sepakat_operator;
GRANT SELECT ON TABLE public.causes TO sepakat_api;
GRANT SELECT ON TABLE public.causes TO sepakat_worker;
GRANT SELECT ON TABLE public.causes TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.causes TO sepakat_writer;

GRANT SELECT,INSERT,UPDATE ON TABLE public.challenges TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.challenges TO sepakat_worker;

GRANT SELECT ON TABLE public.claims TO sepakat_operator;
GRANT SELECT ON TABLE public.claims TO sepakat_api;
GRANT SELECT ON TABLE public.claims TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.claims TO sepakat_feed;
GRANT SELECT ON TABLE public.claims TO sepakat_writer;

GRANT SELECT ON TABLE public.code_tries TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.code_tries TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.code_tries TO sepakat_worker;

GRANT SELECT ON TABLE public.confirmations TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.confirmations TO sepakat_api;
GRANT SELECT ON TABLE public.confirmations TO sepakat_worker;
GRANT SELECT ON TABLE public.confirmations TO sepakat_feed;
GRANT SELECT ON TABLE public.confirmations TO sepakat_writer;

GRANT SELECT ON TABLE public.deliveries TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.deliveries TO sepakat_worker;
GRANT SELECT ON TABLE public.deliveries TO sepakat_api;

GRANT SELECT ON TABLE public.device_owners TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.device_owners TO sepakat_api;

GRANT SELECT ON TABLE public.devices TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.devices TO sepakat_api;
GRANT SELECT ON TABLE public.devices TO sepakat_worker;

GRANT SELECT ON TABLE public.employers TO sepakat_operator;
GRANT SELECT ON TABLE public.employers TO sepakat_api;
GRANT SELECT ON TABLE public.employers TO sepakat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.employers TO sepakat_feed;
GRANT SELECT ON TABLE public.employers TO sepakat_writer;

GRANT SELECT,INSERT,UPDATE ON TABLE public.enrolments TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.enrolments TO sepakat_worker;

GRANT UPDATE(code_sent_at) ON TABLE public.enrolments TO sepakat_worker;

GRANT UPDATE(code_attempts) ON TABLE public.enrolments TO sepakat_worker;

GRANT UPDATE(code_not_before) ON TABLE public.enrolments TO sepakat_worker;

GRANT SELECT ON TABLE public.entry_kinds TO sepakat_operator;
GRANT SELECT ON TABLE public.entry_kinds TO sepakat_api;
GRANT SELECT ON TABLE public.entry_kinds TO sepakat_worker;
GRANT SELECT ON TABLE public.entry_kinds TO sepakat_feed;
GRANT SELECT ON TABLE public.entry_kinds TO sepakat_writer;

GRANT SELECT ON TABLE public.feed_events TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.feed_events TO sepakat_feed;
GRANT SELECT ON TABLE public.feed_events TO sepakat_worker;

GRANT SELECT ON TABLE public.feed_held TO sepakat_operator;
GRANT SELECT,INSERT,DELETE ON TABLE public.feed_held TO sepakat_feed;
GRANT SELECT ON TABLE public.feed_held TO sepakat_worker;

GRANT SELECT ON TABLE public.feed_quarantine TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.feed_quarantine TO sepakat_feed;

GRANT SELECT ON TABLE public.feed_streams TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.feed_streams TO sepakat_feed;
GRANT SELECT ON TABLE public.feed_streams TO sepakat_worker;

GRANT SELECT ON TABLE public.history TO sepakat_operator;
GRANT SELECT ON TABLE public.history TO sepakat_api;
GRANT SELECT ON TABLE public.history TO sepakat_worker;
GRANT SELECT ON TABLE public.history TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.history TO sepakat_writer;

GRANT SELECT ON TABLE public.history_data TO sepakat_operator;
GRANT SELECT ON TABLE public.history_data TO sepakat_api;
GRANT SELECT ON TABLE public.history_data TO sepakat_worker;
GRANT SELECT ON TABLE public.history_data TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.history_data TO sepakat_writer;

GRANT SELECT,INSERT,UPDATE ON TABLE public.idempotency_keys TO sepakat_api;
GRANT SELECT,DELETE ON TABLE public.idempotency_keys TO sepakat_worker;

GRANT SELECT ON TABLE public.inbox_pointers TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.inbox_pointers TO sepakat_api;
GRANT SELECT ON TABLE public.inbox_pointers TO sepakat_worker;
GRANT SELECT ON TABLE public.inbox_pointers TO sepakat_feed;

GRANT SELECT ON TABLE public.lanes TO sepakat_operator;
GRANT SELECT ON TABLE public.lanes TO sepakat_worker;

GRANT UPDATE(owner) ON TABLE public.lanes TO sepakat_worker;

GRANT UPDATE(fence) ON TABLE public.lanes TO sepakat_worker;

GRANT UPDATE(rung) ON TABLE public.lanes TO sepakat_worker;

GRANT UPDATE(lease_until) ON TABLE public.lanes TO sepakat_worker;

GRANT SELECT ON TABLE public.ledger_entries TO sepakat_operator;
GRANT SELECT ON TABLE public.ledger_entries TO sepakat_api;
GRANT SELECT ON TABLE public.ledger_entries TO sepakat_worker;
GRANT SELECT ON TABLE public.ledger_entries TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.ledger_entries TO sepakat_writer;

GRANT SELECT ON TABLE public.local_clock TO sepakat_operator;
GRANT SELECT ON TABLE public.local_clock TO sepakat_api;
GRANT SELECT ON TABLE public.local_clock TO sepakat_worker;
GRANT SELECT ON TABLE public.local_clock TO sepakat_feed;

GRANT SELECT ON TABLE public.merge_executions TO sepakat_operator;
GRANT SELECT ON TABLE public.merge_executions TO sepakat_api;
GRANT SELECT ON TABLE public.merge_executions TO sepakat_worker;
GRANT SELECT ON TABLE public.merge_executions TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.merge_executions TO sepakat_writer;

GRANT SELECT ON TABLE public.merge_plans TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.merge_plans TO sepakat_api;
GRANT SELECT,INSERT ON TABLE public.merge_plans TO sepakat_worker;
GRANT SELECT,INSERT ON TABLE public.merge_plans TO sepakat_feed;
GRANT SELECT ON TABLE public.merge_plans TO sepakat_writer;

GRANT SELECT ON TABLE public.merge_transitions TO sepakat_operator;
GRANT SELECT ON TABLE public.merge_transitions TO sepakat_writer;

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

GRANT UPDATE(core) ON TABLE public.merges TO sepakat_feed;

GRANT UPDATE(last_refusal) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(last_refusal) ON TABLE public.merges TO sepakat_worker;

GRANT UPDATE(cause_id) ON TABLE public.merges TO sepakat_api;
GRANT UPDATE(cause_id) ON TABLE public.merges TO sepakat_worker;
GRANT UPDATE(cause_id) ON TABLE public.merges TO sepakat_feed;

GRANT SELECT ON TABLE public.open_merge_cards TO sepakat_operator;
GRANT SELECT ON TABLE public.open_merge_cards TO sepakat_api;
GRANT SELECT ON TABLE public.open_merge_cards TO sepakat_worker;
GRANT SELECT ON TABLE public.open_merge_cards TO sepakat_feed;
GRANT SELECT,INSERT,DELETE ON TABLE public.open_merge_cards TO sepakat_writer;

GRANT SELECT ON TABLE public.outbox TO sepakat_operator;
GRANT SELECT,DELETE ON TABLE public.outbox TO sepakat_worker;
GRANT SELECT,INSERT ON TABLE public.outbox TO sepakat_writer;

GRANT UPDATE(attempts) ON TABLE public.outbox TO sepakat_worker;

GRANT UPDATE(not_before) ON TABLE public.outbox TO sepakat_worker;

GRANT SELECT ON TABLE public.participant_heads TO sepakat_operator;
GRANT SELECT ON TABLE public.participant_heads TO sepakat_api;
GRANT SELECT ON TABLE public.participant_heads TO sepakat_worker;
GRANT SELECT ON TABLE public.participant_heads TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.participant_heads TO sepakat_writer;

GRANT SELECT ON TABLE public.participant_numbers TO sepakat_operator;
GRANT SELECT ON TABLE public.participant_numbers TO sepakat_api;
GRANT SELECT ON TABLE public.participant_numbers TO sepakat_worker;
GRANT SELECT ON TABLE public.participant_numbers TO sepakat_feed;
GRANT SELECT,INSERT ON TABLE public.participant_numbers TO sepakat_writer;

GRANT SELECT ON TABLE public.participants TO sepakat_operator;
GRANT SELECT ON TABLE public.participants TO sepakat_api;
GRANT SELECT ON TABLE public.participants TO sepakat_worker;
GRANT SELECT ON TABLE public.participants TO sepakat_feed;
GRANT SELECT,INSERT,UPDATE ON TABLE public.participants TO sepakat_writer;

GRANT SELECT ON TABLE public.push_targets TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.push_targets TO sepakat_api;
GRANT SELECT ON TABLE public.push_targets TO sepakat_worker;

GRANT UPDATE(cleared_at) ON TABLE public.push_targets TO sepakat_worker;

GRANT UPDATE(cleared_because) ON TABLE public.push_targets TO sepakat_worker;

GRANT SELECT ON TABLE public.receipts TO sepakat_operator;
GRANT SELECT,INSERT ON TABLE public.receipts TO sepakat_api;
GRANT SELECT ON TABLE public.receipts TO sepakat_worker;
GRANT SELECT ON TABLE public.receipts TO sepakat_feed;

GRANT SELECT ON TABLE public.sessions TO sepakat_operator;
GRANT SELECT,INSERT,UPDATE ON TABLE public.sessions TO sepakat_api;

ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_owner REVOKE ALL ON FUNCTIONS FROM PUBLIC;

ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_writer REVOKE ALL ON FUNCTIONS FROM PUBLIC;

ALTER DEFAULT PRIVILEGES FOR ROLE sepakat_owner GRANT SELECT ON TABLES TO sepakat_operator;
