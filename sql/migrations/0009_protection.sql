-- Protection: locks, STOP and the freeze that it brings, deaths, ported numbers, pairs that are never suggested again, and the
-- pause of all executions.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('card_locked', 'inbox', 'card', 'info', 'change', '2026-11'),
    ('card_unlocked', 'push', 'security', 'warning', 'change', '2026-11'),
    ('stopped', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('card_frozen', 'push', 'security', 'warning', 'change', '2026-11'),
    ('card_unfrozen', 'push', 'security', 'warning', 'change', '2026-11'),
    ('participant_deceased', 'inbox', 'notice', 'info', 'change', '2026-11'),
    ('phone_ported', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('merge_delayed', 'push', 'security', 'warning', 'change', '2026-11'),
    ('merge_never_suggested', 'inbox', 'card', 'info', 'change', '2026-11');

-- A link that can only STOP: kept as the hash of its token, keyed by what is looked up.
CREATE TABLE stop_tokens (
    token_hash bytea PRIMARY KEY CONSTRAINT stop_token_hash_has_32_bytes CHECK (length(token_hash) = 32),
    participant_id uuid NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    first_used_at timestamptz
);
CREATE INDEX stop_tokens_by_expiry ON stop_tokens (expires_at);

-- The cards that STOP holds frozen. A dispute freezes cards too; a card is free again when neither holds it.
CREATE TABLE stopped_cards (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    stopped_at timestamptz NOT NULL,
    PRIMARY KEY (participant_id, card_id),
    FOREIGN KEY (participant_id, card_id) REFERENCES cards
);

-- What was signed to lift a lock or a freeze: the exact bytes with their proof.
CREATE TABLE unlock_proofs (
    participant_id uuid NOT NULL,
    nonce bytea NOT NULL,
    subject_id uuid NOT NULL,
    device_id uuid NOT NULL,
    statement bytea NOT NULL,
    proof jsonb NOT NULL,
    proven_at timestamptz NOT NULL,
    cause_id uuid NOT NULL,
    CONSTRAINT nonce_unlocks_once PRIMARY KEY (participant_id, nonce),
    FOREIGN KEY (participant_id, device_id) REFERENCES devices,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
COMMENT ON COLUMN unlock_proofs.subject_id IS 'The card whose lock was lifted, or the participant whose freeze was.';

CREATE TABLE never_suggested_pairs (
    participant_id uuid NOT NULL,
    card_id uuid NOT NULL,
    other_card_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    said_at timestamptz NOT NULL,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, card_id, other_card_id),
    CONSTRAINT pair_is_written_one_way CHECK (card_id < other_card_id),
    FOREIGN KEY (participant_id, card_id) REFERENCES cards,
    FOREIGN KEY (participant_id, other_card_id) REFERENCES cards,
    FOREIGN KEY (participant_id, merge_id) REFERENCES merges,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
COMMENT ON TABLE never_suggested_pairs IS 'Both ways: which of the two would stay does not matter.';

-- While the row is there, nothing is executed.
CREATE TABLE merge_pause (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT merge_pause_has_one_row CHECK (only_row),
    since timestamptz NOT NULL,
    reason text NOT NULL CONSTRAINT pause_reason_is_said CHECK (length(reason) BETWEEN 1 AND 500),
    paused_by name NOT NULL DEFAULT session_user
);

GRANT SELECT ON stop_tokens TO sepakat_api, sepakat_worker;
GRANT INSERT, DELETE ON stop_tokens TO sepakat_worker;
GRANT SELECT ON stopped_cards, unlock_proofs, never_suggested_pairs, merge_pause TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT SELECT, UPDATE (first_used_at) ON stop_tokens TO sepakat_writer;
GRANT SELECT, INSERT, DELETE ON stopped_cards TO sepakat_writer;
GRANT SELECT, INSERT ON unlock_proofs, never_suggested_pairs TO sepakat_writer;
GRANT SELECT ON merge_pause, challenges TO sepakat_writer;
GRANT SELECT, UPDATE (hold_until) ON devices TO sepakat_writer;

CREATE TRIGGER unlock_proofs_are_append_only BEFORE UPDATE OR DELETE ON unlock_proofs
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('unlock_proofs_are_append_only');
CREATE TRIGGER unlock_proofs_are_not_truncated BEFORE TRUNCATE ON unlock_proofs
    EXECUTE FUNCTION refuse_statement('unlock_proofs_are_append_only');
CREATE TRIGGER unlock_proofs_by_function_only BEFORE INSERT ON unlock_proofs
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('unlock_proofs_by_function_only');
CREATE TRIGGER stops_by_function_only BEFORE INSERT OR UPDATE OR DELETE ON stopped_cards
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('stops_by_function_only');
CREATE TRIGGER stops_are_not_truncated BEFORE TRUNCATE ON stopped_cards EXECUTE FUNCTION refuse_statement('stops_by_function_only');
CREATE TRIGGER pairs_by_function_only BEFORE INSERT OR UPDATE OR DELETE ON never_suggested_pairs
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('pairs_by_function_only');
CREATE TRIGGER pairs_are_not_truncated BEFORE TRUNCATE ON never_suggested_pairs EXECUTE FUNCTION refuse_statement('pairs_by_function_only');
-- A hold moves the execution; nothing brings it nearer.
CREATE TRIGGER merge_is_never_hastened BEFORE UPDATE ON merges
    FOR EACH ROW WHEN (old.confirmation_id = new.confirmation_id AND new.executes_at < old.executes_at)
    EXECUTE FUNCTION refuse_statement('merge_is_never_hastened');
ALTER TABLE unlock_proofs ENABLE ALWAYS TRIGGER unlock_proofs_are_append_only;
ALTER TABLE unlock_proofs ENABLE ALWAYS TRIGGER unlock_proofs_are_not_truncated;
ALTER TABLE unlock_proofs ENABLE ALWAYS TRIGGER unlock_proofs_by_function_only;
ALTER TABLE stopped_cards ENABLE ALWAYS TRIGGER stops_by_function_only;
ALTER TABLE stopped_cards ENABLE ALWAYS TRIGGER stops_are_not_truncated;
ALTER TABLE never_suggested_pairs ENABLE ALWAYS TRIGGER pairs_by_function_only;
ALTER TABLE never_suggested_pairs ENABLE ALWAYS TRIGGER pairs_are_not_truncated;
ALTER TABLE merges ENABLE ALWAYS TRIGGER merge_is_never_hastened;

-- A proposal begins, and a merge goes on, only while none of its cards is locked or frozen; the agency does not propose a
-- pair that the participant does not want to see again. What the core did on its own is reported all the same.
CREATE FUNCTION guard_protected_cards() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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
CREATE TRIGGER protected_cards_begin_no_merge AFTER INSERT ON merges
    FOR EACH ROW WHEN (new.state = 'proposed') EXECUTE FUNCTION guard_protected_cards();
CREATE TRIGGER protected_cards_go_on_in_no_merge AFTER UPDATE ON merges
    FOR EACH ROW WHEN (old.state <> new.state AND new.state IN ('confirmed', 'executed', 'accepted'))
    EXECUTE FUNCTION guard_protected_cards();
ALTER TABLE merges ENABLE ALWAYS TRIGGER protected_cards_begin_no_merge;
ALTER TABLE merges ENABLE ALWAYS TRIGGER protected_cards_go_on_in_no_merge;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- ── What ends open merges ─────────────────────────────────────────────────────────────────────────────────────────
-- Cancels a participant's open merges, or those that hold one card; each tells of it. A reported merge stays as it is, but
-- an agreement to it that was not carried out yet ends too.
CREATE FUNCTION cancel_open_merges(p_participant_id uuid, p_card_id uuid, p_because text, p_cause_id uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
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

-- ── Locks ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- A locked card is in no merge, whoever proposes it. Returns false when it was locked already: then nothing is written.
CREATE FUNCTION lock_card(p_participant_id uuid, p_card_id uuid, p_actor text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- Keeps what was signed to lift something. Its challenge must be spent, and be of this purpose, person and subject.
CREATE FUNCTION keep_unlock_proof(
    p_participant_id uuid, p_subject_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_cause_id uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.challenges AS c
        WHERE c.nonce = p_nonce AND c.purpose = 'unlock' AND c.participant_id = p_participant_id
            AND c.subject_id = p_subject_id AND c.spent_at IS NOT NULL
    ) THEN
        PERFORM public.refuse('unlock_takes_its_challenge', 'nothing is lifted without a challenge of its own, spent for it');
    END IF;
    INSERT INTO public.unlock_proofs (participant_id, nonce, subject_id, device_id, statement, proof, proven_at, cause_id)
    VALUES (p_participant_id, p_nonce, p_subject_id, p_device_id, p_statement, p_proof, public.current_instant(), p_cause_id);
END
$$;

-- Returns false when the card was not locked: then nothing is written.
CREATE FUNCTION unlock_card(
    p_participant_id uuid, p_card_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- ── The freeze that STOP brings ───────────────────────────────────────────────────────────────────────────────────
-- Lifts it from all cards. Returns false when there is none: then nothing is written. What a dispute holds stays frozen.
CREATE FUNCTION lift_stop(p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_cause_id uuid;
    v_changes public.card_change[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.stopped_cards AS s WHERE s.participant_id = p_participant_id) THEN
        RETURN false;
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_device_id::text);
    PERFORM public.keep_unlock_proof(p_participant_id, p_participant_id, p_device_id, p_nonce, p_statement, p_proof, v_cause_id);
    WITH lifted AS (
        DELETE FROM public.stopped_cards AS s WHERE s.participant_id = p_participant_id RETURNING s.card_id
    )
    SELECT array_agg(ROW(k.participant_id, k.card_id, v_cause_id, 'card_unfrozen',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"frozen_at": null}', NULL)::public.card_change ORDER BY k.kpj)
    INTO v_changes
    FROM public.cards AS k JOIN lifted ON lifted.card_id = k.card_id
    WHERE k.participant_id = p_participant_id AND k.frozen_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM public.merges AS m
        WHERE m.participant_id = k.participant_id AND m.state = 'disputed' AND k.card_id = ANY (m.absorb || m.into_card));
    PERFORM public.change_cards(coalesce(v_changes, '{}'));
    RETURN true;
END
$$;

-- STOP: cancels every open merge and freezes every card, for whoever holds a link that is good. The hash is the proof: no
-- role can stop anybody without it. Nothing comes back for a link that is unknown or expired; once all is stopped, the same
-- link writes nothing more.
CREATE FUNCTION stop_by_token(p_token_hash bytea, OUT participant_id uuid, OUT lane smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_participant_id uuid;
    v_cause_id uuid;
    v_cards uuid[];
    v_merges bigint;
    v_changes public.card_change[];
BEGIN
    SELECT t.participant_id INTO v_participant_id FROM public.stop_tokens AS t
    WHERE t.token_hash = p_token_hash AND t.expires_at > public.current_instant();
    IF v_participant_id IS NULL THEN
        RETURN;
    END IF;
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = v_participant_id FOR UPDATE;
    participant_id := v_participant_id;
    lane := public.lane_of(v_participant_id);

    SELECT array_agg(k.card_id) INTO v_cards FROM public.cards AS k
    WHERE k.participant_id = v_participant_id AND k.status NOT IN ('merged', 'transferred_away') AND NOT EXISTS (
        SELECT FROM public.stopped_cards AS s WHERE s.participant_id = k.participant_id AND s.card_id = k.card_id);
    SELECT count(*) INTO v_merges FROM public.merges AS m
    WHERE m.participant_id = v_participant_id
        AND (m.state IN ('proposed', 'confirmed') OR (m.state IN ('reported', 'disputed') AND m.confirmation_id IS NOT NULL));
    IF v_cards IS NULL AND v_merges = 0 AND EXISTS (
        SELECT FROM public.stop_tokens AS t WHERE t.token_hash = p_token_hash AND t.first_used_at IS NOT NULL)
    THEN
        RETURN;
    END IF;

    v_cause_id := public.record_cause(v_participant_id, 'participant', 'stop_link');
    PERFORM public.append_history(ARRAY[ROW(v_participant_id, 'stopped', NULL, NULL, v_cause_id,
        jsonb_build_object('cards', coalesce(cardinality(v_cards), 0), 'merges', v_merges))::public.history_entry]);
    INSERT INTO public.stopped_cards (participant_id, card_id, stopped_at)
    SELECT v_participant_id, stopped.card_id, public.current_instant() FROM unnest(v_cards) AS stopped (card_id);
    SELECT array_agg(ROW(k.participant_id, k.card_id, v_cause_id, 'card_frozen',
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        jsonb_build_object('frozen_at', public.current_instant()), NULL)::public.card_change ORDER BY k.kpj) INTO v_changes
    FROM public.cards AS k
    WHERE k.participant_id = v_participant_id AND k.card_id = ANY (v_cards) AND k.frozen_at IS NULL;
    PERFORM public.change_cards(coalesce(v_changes, '{}'));
    PERFORM public.cancel_open_merges(v_participant_id, NULL, 'stopped', v_cause_id);
    UPDATE public.stop_tokens AS t SET first_used_at = coalesce(t.first_used_at, public.current_instant())
    WHERE t.token_hash = p_token_hash;
END
$$;

-- ── What the agency tells of a person ─────────────────────────────────────────────────────────────────────────────
-- A death ends every open merge. It is told once: death_is_told_once.
CREATE FUNCTION record_death(p_participant_id uuid, p_on date, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- A number that was ported is in doubt from that day on, and with it every key that came by a code sent to it: those added
-- since, those whose hold had not ended, and those that such a key vouched for. Their hold begins again, and a merge that
-- one of them confirmed waits for its end.
CREATE FUNCTION record_ported_number(p_participant_id uuid, p_on date, p_hold interval, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_now timestamptz := public.current_instant();
    v_doubtful uuid[];
    v_held text[];
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.participants AS p SET phone_since = greatest(p.phone_since, p_on) WHERE p.participant_id = p_participant_id;

    WITH RECURSIVE doubtful AS (
        SELECT d.device_id FROM public.devices AS d
        WHERE d.participant_id = p_participant_id AND d.vouched_by IS NULL
            AND (public.jakarta_day(d.added_at) >= p_on OR d.hold_until > v_now)
        UNION
        SELECT d.device_id FROM public.devices AS d JOIN doubtful ON d.vouched_by = doubtful.device_id
        WHERE d.participant_id = p_participant_id
    )
    SELECT coalesce(array_agg(device_id), '{}') INTO v_doubtful FROM doubtful;

    WITH held AS (
        UPDATE public.devices AS d SET hold_until = greatest(d.hold_until, v_now + p_hold)
        WHERE d.participant_id = p_participant_id AND d.device_id = ANY (v_doubtful) AND d.removed_at IS NULL
        RETURNING d.name
    )
    SELECT array_agg(name ORDER BY name) INTO v_held FROM held;

    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'phone_ported', NULL, NULL, p_cause_id, jsonb_build_object(
        'on', p_on, 'devices', v_held, 'hold_until', CASE WHEN v_held IS NOT NULL THEN v_now + p_hold END))::public.history_entry]);

    UPDATE public.merges AS m SET executes_at = v_now + p_hold, cause_id = p_cause_id
    FROM public.confirmations AS c
    WHERE m.participant_id = p_participant_id AND m.state IN ('confirmed', 'reported', 'disputed')
        AND m.executes_at < v_now + p_hold
        AND c.participant_id = m.participant_id AND c.confirmation_id = m.confirmation_id AND c.device_id = ANY (v_doubtful);
END
$$;

CREATE FUNCTION tell_of_delay() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- ── Never suggest again ───────────────────────────────────────────────────────────────────────────────────────────
-- Remembers every pair absorbed–survivor of a merge. Returns how many were new; when none was, nothing is written.
CREATE FUNCTION never_suggest(p_participant_id uuid, p_merge_id uuid, p_actor text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- ── The pause ─────────────────────────────────────────────────────────────────────────────────────────────────────
-- Whoever executes asks first. Having read the table, a transaction holds up a pause until it has ended: once a pause is
-- there, no execution commits any more.
CREATE FUNCTION refuse_while_paused() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM public.merge_pause) THEN
        PERFORM public.refuse('merges_are_paused', 'all executions are paused');
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION lock_card(uuid, uuid, text), never_suggest(uuid, uuid, text), stop_by_token(bytea),
    unlock_card(uuid, uuid, uuid, bytea, bytea, jsonb), lift_stop(uuid, uuid, bytea, bytea, jsonb) TO sepakat_api;
GRANT EXECUTE ON FUNCTION record_death(uuid, date, uuid), record_ported_number(uuid, date, interval, uuid) TO sepakat_feed;
GRANT EXECUTE ON FUNCTION tell_of_delay() TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER merge_delay_is_told AFTER UPDATE ON merges
    FOR EACH ROW WHEN (old.confirmation_id = new.confirmation_id AND old.executes_at < new.executes_at)
    EXECUTE FUNCTION tell_of_delay();
RESET ROLE;
