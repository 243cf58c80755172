-- How bulk money is posted: in rounds of one row for each participant, so that the hash before and the balance before are
-- always those that stand in the tables. docs/decisions/0010-bulk-money-is-posted-in-sets.md says why it is done so.
SET LOCAL ROLE sepakat_writer;

-- One row of every participant who has so many, as long as nothing but the card itself is concerned. The caller holds the
-- heads. Everything is one pass: a row with its card and its head becomes a cause, an entry in the ledger, one in history,
-- one in the outbox, and the new state of both. So each reference is to a row that the same pass read or wrote.
CREATE FUNCTION write_bulk_round(
    p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamptz, p_apart uuid[]
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET plan_cache_mode = force_custom_plan SET enable_hashjoin = off SET enable_mergejoin = off SET work_mem = '64MB' SET jit = off
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

-- The rows of a round that concern other cards too: for a number that is merged, or growth on money that the core joined
-- without consent, which is split by balance as app/feed/joined.py has it. Few, so they go the way of single events.
CREATE FUNCTION write_bulk_round_apart(
    p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamptz, p_apart uuid[]
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_growth boolean := p_kind = 'growth';
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
            OR v_growth AND k.merge_mark = 'merged_without_consent' AND k.merged_into = r.living_id AND k.balance IS NOT NULL)
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

-- The next rows of a run, about so many, whole participants: posted or refused, all of them or none. The state is
-- NULL while another session has the run; `rest_s` is how long the pace has everybody wait for the next. Refusals are found by the constraints: only a chunk that met one is looked at row by row.
CREATE FUNCTION settle_bulk_chunk(
    p_run_id uuid, p_rows integer, OUT settled bigint, OUT rest_s double precision, OUT state text
) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
SET lock_timeout = '2s'
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
        EXCEPTION WHEN integrity_constraint_violation THEN
            GET STACKED DIAGNOSTICS v_broken = CONSTRAINT_NAME;
            IF public.refuse_bulk_rows(p_run_id, v_run.reached, v_upto) = 0 THEN
                -- no rule foresaw it: half as many, until it is one participant alone
                IF v_take > 1 THEN
                    v_take := least(v_take, v_rows) / 2;
                ELSE
                    PERFORM public.refuse_bulk_rows(p_run_id, v_run.reached, v_upto, v_broken);
                END IF;
            END IF;
        END;
    END LOOP;
END
$$;

-- Whose growth is not the card's own business alone: something was joined without consent, or money was booked for a number
-- on another card. Few, so that a list will do.
CREATE FUNCTION bulk_apart(p_after uuid, p_upto uuid) RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT array(
        SELECT k.participant_id FROM public.cards AS k
        WHERE k.merge_mark = 'merged_without_consent' AND k.participant_id > p_after AND k.participant_id <= p_upto
        UNION
        SELECT l.participant_id FROM public.ledger_entries AS l
        WHERE l.kind = 'growth' AND l.year IS NOT NULL AND l.received_for_kpj IS NOT NULL
            AND l.participant_id > p_after AND l.participant_id <= p_upto)
$$;

GRANT EXECUTE ON FUNCTION settle_bulk_chunk TO sepakat_feed, sepakat_worker;

-- Where the one who migrates may, the round runs without the triggers that look up each reference by itself, and with all
-- guards. Elsewhere (a database whose provider keeps the superuser) the same function runs with them, slower.
RESET ROLE;
DO $$
BEGIN
    GRANT SET ON PARAMETER session_replication_role TO sepakat_writer;
    SET LOCAL ROLE sepakat_writer;
    ALTER FUNCTION write_bulk_round SET session_replication_role = replica;
    RESET ROLE;
EXCEPTION WHEN insufficient_privilege THEN
    RESET ROLE;
    RAISE NOTICE 'bulk money is posted with every reference looked up row by row: session_replication_role cannot be granted here';
END
$$;
