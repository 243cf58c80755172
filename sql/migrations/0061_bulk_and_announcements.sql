-- What an attack on bulk posting found. A chunk of one row that no rule foresaw was halved to none, and its run never ended; a row
-- whose card is another participant's was neither posted nor refused, for ever; and the feed could begin a run half posted.
SET LOCAL ROLE sepakat_owner;
REVOKE INSERT ON bulk_runs FROM sepakat_feed;
GRANT INSERT (name, kind, lines, content_hash) ON bulk_runs TO sepakat_feed;
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Moves to the refusals what cannot be posted, as things stand now: all of it where the caller names what it broke. The
-- caller holds the heads, or counts on a later look. A row that names a card of somebody else is one too: left out here, it
-- would be tried for ever.
CREATE OR REPLACE FUNCTION refuse_bulk_rows(p_run_id uuid, p_after uuid, p_upto uuid, p_broken text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
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

-- The next rows of a run, about so many, whole participants: posted or refused, all of them or none. The state is
-- NULL while another session has the run; `rest_s` is how long the pace has everybody wait for the next. Refusals are found by the constraints: only a chunk that met one is looked at row by row.
CREATE OR REPLACE FUNCTION settle_bulk_chunk(
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
RESET ROLE;
