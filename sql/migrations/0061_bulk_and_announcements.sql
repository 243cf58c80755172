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
SET LOCAL ROLE sepakat_owner;

-- Of three announcements that replace each other, the second may have been ended by the third before it came to somebody whom the
-- first had reached: the third goes to them too, and the first holds no more.
-- What an announcement replaces, and what that replaced in its turn; and the other way. `steps` is 1 for the one next to it.
CREATE FUNCTION earlier_announcements(p_announcement_id uuid) RETURNS TABLE (announcement_id uuid, steps integer)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE earlier (id, steps) AS (
        SELECT a.replaces, 1 FROM announcements AS a WHERE a.announcement_id = p_announcement_id
        UNION ALL
        SELECT a.replaces, e.steps + 1 FROM earlier AS e JOIN announcements AS a ON a.announcement_id = e.id
    )
    SELECT e.id, e.steps FROM earlier AS e WHERE e.id IS NOT NULL;
END;
CREATE FUNCTION later_announcements(p_announcement_id uuid) RETURNS TABLE (announcement_id uuid, steps integer)
LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH RECURSIVE later (id, steps) AS (
        SELECT a.announcement_id, 1 FROM announcements AS a WHERE a.replaces = p_announcement_id
        UNION ALL
        SELECT a.announcement_id, l.steps + 1 FROM later AS l JOIN announcements AS a ON a.replaces = l.id
    )
    SELECT l.id, l.steps FROM later AS l;
END;
GRANT EXECUTE ON FUNCTION earlier_announcements(uuid), later_announcements(uuid)
    TO sepakat_api, sepakat_worker, sepakat_feed, sepakat_writer, sepakat_operator;

-- What explains entries of somebody, with the rights of whoever asks: the announcements that reached them, those left out that
-- another one, which came too, replaces.
CREATE OR REPLACE VIEW explanations WITH (security_invoker = true) AS
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
        SELECT FROM later_announcements(a.announcement_id) AS n
        JOIN announced AS r ON r.announcement_id = n.announcement_id
        WHERE r.participant_id = t.participant_id AND r.seq IS NOT NULL);
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- The next chunk of an announcement: an entry for each of at most p_most people, found among the next p_window. Who was told; how
-- far it has come is kept in the same transaction, so that whoever goes on, after whatever crash, tells nobody twice. What
-- replaces another also goes to all whom that one reached, or one that it replaced in its turn before it came to them.
CREATE OR REPLACE FUNCTION announce_to_some(p_announcement_id uuid, p_most integer, p_window integer)
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
RESET ROLE;
