-- Undo: the participant takes an executed merge back. Checked here against what was confirmed, as an execution is.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('merge_undone', 'ladder', 'card', 'warning', 'change', '2026-11'),
    ('card_undone', 'push', 'card', 'warning', 'change', '2026-11'),
    ('card_gave_back', 'push', 'card', 'info', 'change', '2026-11'),
    ('card_forwarded_back', 'push', 'card', 'info', 'change', '2026-11');
INSERT INTO merge_transitions (from_state, to_state, kind) VALUES ('executed', 'undone', 'merge_undone');

ALTER TABLE merges ADD COLUMN undo_plan_digest text, ADD COLUMN undo_plan_expires_at timestamptz;
COMMENT ON COLUMN merges.undo_plan_digest IS 'Of the plan of an undo that was shown last; plan_digest stays that of the merge.';

-- What left the survivor, entry by entry: an undo of an earlier merge reads from it what is still there.
CREATE TABLE undo_splits (
    participant_id uuid NOT NULL,
    merge_id uuid NOT NULL,
    entry_id uuid NOT NULL,
    from_card uuid NOT NULL,
    to_card uuid NOT NULL,
    amount bigint NOT NULL CONSTRAINT split_moves_something CHECK (amount <> 0),
    rule text NOT NULL CONSTRAINT split_rule_is_known CHECK (rule IN ('brought', 'received_for', 'employer', 'day_balance')),
    PRIMARY KEY (participant_id, merge_id, entry_id, to_card),
    FOREIGN KEY (participant_id, merge_id) REFERENCES merges,
    FOREIGN KEY (participant_id, from_card) REFERENCES cards,
    FOREIGN KEY (participant_id, to_card) REFERENCES cards
);
COMMENT ON COLUMN undo_splits.entry_id IS 'The ledger entry that the money came in by, on whichever card that was.';

-- With what the database recognises the seal of the API process, which verified the proof: HMAC-SHA256 with the key
-- already laid over its two pads. Written by the worker, which may not undo; the API, which may, cannot read it.
CREATE TABLE undo_seals (
    only_row boolean PRIMARY KEY DEFAULT true CONSTRAINT undo_seals_has_one_row CHECK (only_row),
    inner_pad bytea NOT NULL CONSTRAINT inner_pad_is_a_block CHECK (length(inner_pad) = 64),
    outer_pad bytea NOT NULL CONSTRAINT outer_pad_is_a_block CHECK (length(outer_pad) = 64)
);

GRANT UPDATE (undo_plan_digest, undo_plan_expires_at) ON merges TO sepakat_api;
GRANT SELECT ON undo_splits TO sepakat_api, sepakat_worker, sepakat_feed;
GRANT SELECT, INSERT ON undo_splits TO sepakat_writer;
GRANT SELECT, INSERT, UPDATE ON undo_seals TO sepakat_writer;
GRANT SELECT ON devices TO sepakat_writer;
REVOKE ALL ON undo_seals FROM sepakat_operator;

CREATE TRIGGER splits_are_append_only BEFORE UPDATE OR DELETE ON undo_splits
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('splits_are_append_only');
CREATE TRIGGER splits_are_not_truncated BEFORE TRUNCATE ON undo_splits EXECUTE FUNCTION refuse_statement('splits_are_append_only');
CREATE TRIGGER splits_by_function_only BEFORE INSERT ON undo_splits
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('splits_by_function_only');
CREATE TRIGGER undo_seals_by_function_only BEFORE INSERT OR UPDATE OR DELETE ON undo_seals
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('undo_seals_by_function_only');
CREATE TRIGGER undo_seals_are_not_truncated BEFORE TRUNCATE ON undo_seals
    EXECUTE FUNCTION refuse_statement('undo_seals_by_function_only');
ALTER TABLE undo_splits ENABLE ALWAYS TRIGGER splits_are_append_only;
ALTER TABLE undo_splits ENABLE ALWAYS TRIGGER splits_are_not_truncated;
ALTER TABLE undo_splits ENABLE ALWAYS TRIGGER splits_by_function_only;
ALTER TABLE undo_seals ENABLE ALWAYS TRIGGER undo_seals_by_function_only;
ALTER TABLE undo_seals ENABLE ALWAYS TRIGGER undo_seals_are_not_truncated;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- The key in force from now on; the same again changes nothing.
CREATE FUNCTION keep_undo_seal(p_inner_pad bytea, p_outer_pad bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    INSERT INTO public.undo_seals AS s (inner_pad, outer_pad) VALUES (p_inner_pad, p_outer_pad)
    ON CONFLICT (only_row) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad
    WHERE (s.inner_pad, s.outer_pad) IS DISTINCT FROM (excluded.inner_pad, excluded.outer_pad)
$$;

-- The executed or accepted merge that stands on this one, the latest if there are several; NULL when none does.
CREATE FUNCTION find_later_merge(p_participant_id uuid, p_merge_id uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
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

-- Every entry on the survivor since the execution with what is left of it, its sum being what the balance has gained.
-- Legs of later merges that were undone are left out: what they moved is told by their splits, entry by entry.
CREATE FUNCTION entries_since_merge(p_participant_id uuid, p_merge_id uuid)
RETURNS TABLE (entry_id uuid, kind text, amount bigint, effective_on date, employer_id text, month date, received_for_kpj text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
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
            ON told.participant_id = s.participant_id AND told.merge_id = s.merge_id AND told.kind = 'merge_undone'
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

-- Does the seal, of the statement that was signed, come from a process that knows the key, and does the confirmation say
-- what the statement says, with a key that lives and may confirm?
CREATE FUNCTION is_sealed_undo(p_confirmation public.confirmations, p_seal bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM public.undo_seals AS s
        WHERE sha256(s.outer_pad || sha256(s.inner_pad || p_confirmation.statement)) = p_seal
    ) AND p_confirmation.action = 'undo'
        AND convert_from(p_confirmation.statement, 'UTF8')::jsonb = jsonb_build_object(
            'version', 1, 'purpose', 'undo', 'device_id', p_confirmation.device_id, 'merge_id', p_confirmation.merge_id,
            'plan_digest', p_confirmation.plan_digest, 'acknowledged', p_confirmation.acknowledged,
            'nonce', translate(rtrim(encode(p_confirmation.nonce, 'base64'), '='), '+/', '-_'))
        AND EXISTS (
            SELECT FROM public.devices AS d
            WHERE d.participant_id = p_confirmation.participant_id AND d.device_id = p_confirmation.device_id
                AND d.removed_at IS NULL AND coalesce(d.hold_until, '-infinity') <= public.current_instant())
$$;

-- Is the plan what the cards are now, and what the splits make of them? Every card of the merge, and no other.
CREATE FUNCTION undo_plan_fits(p_merge public.merges, p_plan jsonb, p_splits jsonb) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
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

-- Do the splits take only what is there? Of every entry since the merge at most all of it and never the other way, to
-- absorbed cards; and what a card brought goes back to it whole.
CREATE FUNCTION undo_follows_lineage(p_merge public.merges, p_splits jsonb) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
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

-- The changes of an undo: the absorbed cards come back with their money, the survivor gives it, and cards that this
-- merge had forwarded lead to their former card again.
CREATE FUNCTION list_undo_changes(p_merge public.merges, p_cause_id uuid, p_transfer_id uuid, p_splits jsonb, p_day date)
RETURNS public.card_change[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH given AS (
        SELECT k.kpj, k.card_id, (SELECT nullif(sum(s.amount), 0) FROM jsonb_to_recordset(p_splits) AS s (to_card uuid, amount bigint)
            WHERE s.to_card = k.card_id)::bigint AS amount
        FROM public.cards AS k WHERE k.participant_id = p_merge.participant_id AND k.card_id = ANY (p_merge.absorb)
    ), change AS (
        SELECT given.kpj, given.card_id, 'card_undone' AS kind, 'undo_in' AS ledger_kind, given.amount, NULL AS for_kpj,
            '{"merge_mark": null, "merged_into": null, "merged_via": null}'::jsonb AS patch,
            jsonb_build_object('from', survivor.kpj) AS data
        FROM given JOIN public.cards AS survivor
            ON survivor.participant_id = p_merge.participant_id AND survivor.card_id = p_merge.into_card
        UNION ALL
        SELECT given.kpj, p_merge.into_card, 'card_gave_back', 'undo_out', -given.amount, given.kpj, NULL,
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

-- Undoes an executed merge exactly as the confirmed plan says, or raises and changes nothing: merges_are_paused,
-- merge_can_be_undone, undo_is_sealed, plan_equals_the_cards or undo_follows_the_lineage. The confirmation's id is that of the transfer.
CREATE FUNCTION undo_merge(p_participant_id uuid, p_merge_id uuid, p_confirmation_id uuid, p_seal bytea, p_splits jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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
    v_cause_id := public.record_cause(p_participant_id, 'participant', v_confirmation.device_id::text, NULL, p_merge_id);
    INSERT INTO public.undo_splits (participant_id, merge_id, entry_id, from_card, to_card, amount, rule)
    SELECT p_participant_id, p_merge_id, s.entry_id, v_merge.into_card, s.to_card, s.amount, s.rule
    FROM jsonb_to_recordset(p_splits) AS s (entry_id uuid, to_card uuid, amount bigint, rule text);
    PERFORM public.change_cards(
        public.list_undo_changes(v_merge, v_cause_id, p_confirmation_id, p_splits, public.jakarta_day(v_now)));
    UPDATE public.merges AS m SET state = 'undone', closed_at = v_now, core = 'pending', cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.merge_id = p_merge_id;
END
$$;

GRANT EXECUTE ON FUNCTION find_later_merge(uuid, uuid), entries_since_merge(uuid, uuid),
    undo_merge(uuid, uuid, uuid, bytea, jsonb) TO sepakat_api;
GRANT EXECUTE ON FUNCTION keep_undo_seal(bytea, bytea) TO sepakat_worker;
RESET ROLE;
