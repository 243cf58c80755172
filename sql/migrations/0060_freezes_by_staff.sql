-- Staff may freeze the cards of somebody whose account may be in other hands, and lift that again: two people each time. It is the
-- freeze of STOP, and what lifts that one lifts it too.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('frozen_by_agency', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('unfrozen_by_agency', 'ladder', 'security', 'critical', 'change', '2026-11');

-- What one member of staff would do; it is done once a second one agrees, within a day.
CREATE TABLE freeze_proposals (
    participant_id uuid NOT NULL REFERENCES participants,
    proposal_id uuid NOT NULL DEFAULT uuidv7(),
    act text NOT NULL CONSTRAINT act_of_freeze_is_known CHECK (act IN ('freeze', 'lift')),
    reason text NOT NULL CONSTRAINT freeze_has_its_reason CHECK (reason <> ''),
    issuer text NOT NULL,
    staff text NOT NULL,
    staff_role text NOT NULL,
    shown_as text NOT NULL,
    proposed_at timestamptz NOT NULL,
    state text NOT NULL CONSTRAINT freeze_proposal_state_is_known CHECK (state IN ('open', 'confirmed', 'ended')),
    second_issuer text,
    second_staff text,
    second_role text,
    second_shown_as text,
    closed_at timestamptz,
    PRIMARY KEY (participant_id, proposal_id),
    CONSTRAINT freeze_is_by_those_who_decide
    CHECK (staff_role IN ('caseworker', 'supervisor') AND second_role IN ('caseworker', 'supervisor')),
    CONSTRAINT closed_freeze_proposal_says_when CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT freeze_takes_a_second_person
    CHECK (num_nulls(second_issuer, second_staff, second_role, second_shown_as) = CASE state WHEN 'confirmed' THEN 0 ELSE 4 END),
    CONSTRAINT freeze_is_of_two_people CHECK (lower(second_staff) <> lower(staff) AND second_issuer = issuer),
    CONSTRAINT freeze_is_confirmed_within_a_day CHECK (state <> 'confirmed' OR closed_at < proposed_at + interval '24 hours')
);
COMMENT ON COLUMN freeze_proposals.state IS 'open, confirmed by a second person, or ended: a day passed before one came.';
CREATE UNIQUE INDEX one_open_freeze_proposal ON freeze_proposals (participant_id, act) WHERE state = 'open';

GRANT SELECT (participant_id, proposal_id, act, reason, staff_role, shown_as, proposed_at, state, second_role, second_shown_as,
    closed_at) ON freeze_proposals TO sepakat_api;
GRANT SELECT ON freeze_proposals TO sepakat_operator;
GRANT SELECT, INSERT, UPDATE ON freeze_proposals TO sepakat_writer;
SELECT isolate_table('freeze_proposals');

CREATE TRIGGER freezes_by_function_only BEFORE INSERT OR UPDATE ON freeze_proposals
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('freezes_by_function_only');
CREATE TRIGGER freezes_are_closed_once BEFORE UPDATE ON freeze_proposals
    FOR EACH ROW WHEN (old.state <> 'open' OR new.state = 'open' OR
        (old.participant_id, old.proposal_id, old.act, old.reason, old.issuer, old.staff, old.staff_role, old.shown_as,
            old.proposed_at) IS DISTINCT FROM
        (new.participant_id, new.proposal_id, new.act, new.reason, new.issuer, new.staff, new.staff_role, new.shown_as,
            new.proposed_at))
    EXECUTE FUNCTION refuse_statement('freezes_are_closed_once');
CREATE TRIGGER freezes_are_kept BEFORE DELETE ON freeze_proposals
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('freezes_are_kept');
CREATE TRIGGER freezes_are_not_truncated BEFORE TRUNCATE ON freeze_proposals EXECUTE FUNCTION refuse_statement('freezes_are_kept');
ALTER TABLE freeze_proposals ENABLE ALWAYS TRIGGER freezes_by_function_only;
ALTER TABLE freeze_proposals ENABLE ALWAYS TRIGGER freezes_are_closed_once;
ALTER TABLE freeze_proposals ENABLE ALWAYS TRIGGER freezes_are_kept;
ALTER TABLE freeze_proposals ENABLE ALWAYS TRIGGER freezes_are_not_truncated;

-- NOT VALID: every row that is there satisfies what was narrower before.
-- squawk-ignore ban-drop-constraint
ALTER TABLE access_log DROP CONSTRAINT look_has_a_case_or_a_code;
-- squawk-ignore ban-drop-constraint
ALTER TABLE access_log DROP CONSTRAINT look_is_at_something_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE access_log DROP CONSTRAINT purpose_of_look_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE merges DROP CONSTRAINT closing_reason_is_known;
ALTER TABLE access_log ADD CONSTRAINT look_has_a_case_or_a_code
CHECK (num_nonnulls(case_id, code_id) = CASE what WHEN 'freeze' THEN 0 ELSE 1 END) NOT VALID;
ALTER TABLE access_log ADD CONSTRAINT look_is_at_something_known
CHECK (what IN ('case', 'card', 'document', 'person', 'decision', 'freeze')) NOT VALID;
ALTER TABLE access_log ADD CONSTRAINT purpose_of_look_is_known CHECK (purpose IN (
    'dispute', 'match', 'unreached', 'support', 'correction', 'heir', 'balance', 'core_refusal', 'takeover')) NOT VALID;
ALTER TABLE merges ADD CONSTRAINT closing_reason_is_known CHECK (closed_because IN (
    'card_locked', 'stopped', 'card_frozen', 'participant_deceased', 'core_refused')) NOT VALID;
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- The cards that a freeze of everything would freeze: all that live here and are in none yet.
CREATE FUNCTION cards_to_stop(p_participant_id uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $$
    SELECT k.card_id FROM public.cards AS k
    WHERE k.participant_id = p_participant_id AND k.status NOT IN ('merged', 'transferred_away') AND NOT EXISTS (
        SELECT FROM public.stopped_cards AS s WHERE s.participant_id = k.participant_id AND s.card_id = k.card_id)
$$;

-- Freezes every card and ends what is agreed to and not done, under an entry of the kind p_kind. The participant must be locked.
CREATE FUNCTION stop_everything(p_participant_id uuid, p_cause_id uuid, p_kind text, p_because text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

CREATE FUNCTION count_stoppable_merges(p_participant_id uuid) RETURNS bigint
LANGUAGE sql STABLE SET search_path = public, pg_temp
AS $$
    SELECT count(*) FROM public.merges AS m
    WHERE m.participant_id = p_participant_id
        AND (m.state IN ('proposed', 'confirmed') OR (m.state IN ('reported', 'disputed') AND m.confirmation_id IS NOT NULL))
$$;

-- Ends that freeze. A card that a dispute holds stays frozen. The participant must be locked.
CREATE FUNCTION lift_everything(p_participant_id uuid, p_cause_id uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- As before, by stop_everything.
CREATE OR REPLACE FUNCTION stop_by_token(p_token_hash bytea, OUT participant_id uuid, OUT lane smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- As before, by lift_everything.
CREATE OR REPLACE FUNCTION lift_stop(
    p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- One member of staff would freeze the cards of a participant, or lift that; the second one who says the same has it done, with the
-- reason of the first. Each is a look. NULL: nobody has this identity number. Sent again by one of the two, it changes nothing.
CREATE FUNCTION freeze_by_staff(p_nik_hash bytea, p_act text, p_reason text, p_staff staff_member) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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
GRANT EXECUTE ON FUNCTION freeze_by_staff(bytea, text, text, staff_member) TO sepakat_staff;
RESET ROLE;
