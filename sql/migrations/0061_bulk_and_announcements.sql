-- What an attack on bulk posting found: a chunk of one row that no rule foresaw was halved to none, and its run never ended.
SET LOCAL ROLE sepakat_writer;

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
        EXCEPTION WHEN integrity_constraint_violation THEN
            GET STACKED DIAGNOSTICS v_broken = CONSTRAINT_NAME;
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
