-- Staff: people of the agency who look at a case or, let in by a support code, at one participant. They read by functions
-- alone, and each of those writes what was looked at into the participant's access log before it returns anything.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sepakat_staff') THEN
        CREATE ROLE sepakat_staff LOGIN NOINHERIT;
    END IF;
END
$$;
ALTER ROLE sepakat_staff SET lock_timeout = '5s';
ALTER ROLE sepakat_staff SET idle_in_transaction_session_timeout = '15s';
ALTER ROLE sepakat_staff SET statement_timeout = '10s';
GRANT USAGE ON SCHEMA public TO sepakat_staff;

SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('looked_at', 'inbox', 'security', 'info', 'change', '2026-11'),
    ('support_code_made', 'inbox', 'security', 'info', 'change', '2026-11');

-- Who asks, as the agency's identity provider says; `shown_as` is what the participant is told of them.
CREATE TYPE staff_member AS (issuer text, subject text, role text, shown_as text);

CREATE TABLE support_codes (
    participant_id uuid NOT NULL REFERENCES participants,
    code_id uuid NOT NULL,
    code_hash bytea NOT NULL CONSTRAINT support_code_hash_has_32_bytes CHECK (length(code_hash) = 32),
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    issuer text,
    staff text,
    view_until timestamptz,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, code_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT support_code_lives_15_minutes CHECK (expires_at <= made_at + interval '15 minutes'),
    CONSTRAINT used_support_code_names_its_user CHECK (num_nulls(used_at, issuer, staff, view_until) IN (0, 4)),
    CONSTRAINT support_view_lasts_15_minutes CHECK (view_until <= used_at + interval '15 minutes'),
    CONSTRAINT support_code_is_used_while_it_lives CHECK (used_at < expires_at)
);
COMMENT ON COLUMN support_codes.code_hash IS 'HMAC of the code under a key that no SQL role has; the code itself is kept nowhere.';
CREATE TABLE support_code_owners (
    code_hash bytea PRIMARY KEY,
    participant_id uuid NOT NULL,
    code_id uuid NOT NULL
);
-- Guesses of one member of staff in one hour, counted before a code is looked up.
CREATE TABLE support_code_tries (
    issuer text NOT NULL,
    staff text NOT NULL,
    hour timestamptz NOT NULL,
    tries integer NOT NULL CONSTRAINT ten_support_code_tries_an_hour CHECK (tries BETWEEN 0 AND 10),
    PRIMARY KEY (issuer, staff, hour)
);

CREATE TABLE access_log (
    participant_id uuid NOT NULL REFERENCES participants,
    look_id uuid NOT NULL DEFAULT uuidv7(),
    looked_at timestamptz NOT NULL,
    what text NOT NULL CONSTRAINT look_is_at_something_known CHECK (what IN ('case', 'card', 'document', 'person', 'decision')),
    purpose text NOT NULL CONSTRAINT purpose_of_look_is_known
        CHECK (purpose IN ('dispute', 'match', 'unreached', 'support', 'correction', 'heir', 'balance', 'core_refusal')),
    case_id uuid,
    code_id uuid,
    document_id uuid,
    issuer text NOT NULL,
    staff text NOT NULL CONSTRAINT staff_of_look_is_named CHECK (staff <> ''),
    staff_role text NOT NULL CONSTRAINT staff_role_is_known CHECK (staff_role IN ('viewer', 'caseworker', 'supervisor')),
    shown_as text NOT NULL,
    xact xid8 NOT NULL,
    PRIMARY KEY (participant_id, look_id),
    FOREIGN KEY (participant_id, code_id) REFERENCES support_codes,
    CONSTRAINT look_has_a_case_or_a_code CHECK (num_nonnulls(case_id, code_id) = 1),
    CONSTRAINT look_at_a_document_names_it CHECK ((what = 'document') = (document_id IS NOT NULL))
);
COMMENT ON COLUMN access_log.case_id IS 'Of this participant, or, for `card`, of the one who says that a card of this participant is theirs.';
COMMENT ON COLUMN access_log.shown_as IS 'A pseudonym or the name of the member of staff, as the agency had chosen at that time.';
CREATE INDEX access_log_newest_first ON access_log (participant_id, looked_at DESC, look_id DESC);

-- What one member of staff would decide; it counts once a second one agrees.
CREATE TABLE case_proposals (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    proposal_id uuid NOT NULL DEFAULT uuidv7(),
    decision text NOT NULL CONSTRAINT proposed_decision_is_known CHECK (decision IN
        ('restored', 'accepted', 'linked', 'refused', 'acknowledged', 'settled', 'ours', 'theirs_corrected')),
    reason text NOT NULL,
    issuer text NOT NULL,
    staff text NOT NULL,
    staff_role text NOT NULL,
    shown_as text NOT NULL,
    proposed_at timestamptz NOT NULL,
    state text NOT NULL CONSTRAINT proposal_state_is_known CHECK (state IN ('open', 'confirmed', 'replaced')),
    second_issuer text,
    second_staff text,
    second_role text,
    second_shown_as text,
    closed_at timestamptz,
    PRIMARY KEY (participant_id, case_id, proposal_id),
    FOREIGN KEY (participant_id, case_id) REFERENCES cases,
    CONSTRAINT proposal_is_made_by_those_who_decide CHECK (staff_role IN ('caseworker', 'supervisor')),
    CONSTRAINT proposal_is_confirmed_by_those_who_decide CHECK (second_role IN ('caseworker', 'supervisor')),
    CONSTRAINT closed_proposal_says_when CHECK ((state = 'open') = (closed_at IS NULL)),
    CONSTRAINT second_person_is_named_whole
        CHECK (num_nulls(second_issuer, second_staff, second_role, second_shown_as) IN (0, 4)),
    CONSTRAINT only_a_confirmed_proposal_has_a_second CHECK (state = 'confirmed' OR second_staff IS NULL),
    -- what gives nothing away may be decided by one supervisor; cards move by two people only
    CONSTRAINT proposal_is_confirmed_by_a_second CHECK (
        state <> 'confirmed' OR second_staff IS NOT NULL
        OR (staff_role = 'supervisor' AND decision IN ('accepted', 'refused', 'acknowledged', 'ours'))),
    CONSTRAINT proposal_and_confirmation_are_of_two_people CHECK (lower(second_staff) <> lower(staff)),
    CONSTRAINT both_come_from_one_issuer CHECK (second_issuer = issuer)
);
CREATE UNIQUE INDEX one_open_proposal_per_case ON case_proposals (participant_id, case_id) WHERE state = 'open';

GRANT SELECT (participant_id, look_id, looked_at, what, purpose, case_id, code_id, document_id, staff_role, shown_as)
    ON access_log TO sepakat_api;
GRANT SELECT (participant_id, code_id, made_at, expires_at, used_at, view_until, cause_id) ON support_codes TO sepakat_api;
GRANT SELECT (participant_id, case_id, proposal_id, decision, reason, staff_role, shown_as, proposed_at, state, second_role,
    second_shown_as, closed_at) ON case_proposals TO sepakat_api;
GRANT SELECT, INSERT ON access_log TO sepakat_writer;
GRANT SELECT, INSERT, UPDATE ON support_codes, case_proposals TO sepakat_writer;
GRANT SELECT, INSERT, DELETE ON support_code_owners TO sepakat_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON support_code_tries TO sepakat_writer;
GRANT EXECUTE ON FUNCTION current_instant() TO sepakat_staff;
REVOKE ALL ON support_codes, support_code_owners FROM sepakat_operator;
GRANT SELECT (participant_id, code_id, made_at, expires_at, used_at, issuer, staff, view_until) ON support_codes TO sepakat_operator;

CREATE TRIGGER access_log_by_function_only BEFORE INSERT ON access_log
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('access_log_by_function_only');
CREATE TRIGGER access_log_is_append_only BEFORE UPDATE OR DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('access_log_is_append_only');
CREATE TRIGGER access_log_is_not_truncated BEFORE TRUNCATE ON access_log EXECUTE FUNCTION refuse_statement('access_log_is_append_only');
CREATE TRIGGER proposals_by_function_only BEFORE INSERT OR UPDATE ON case_proposals
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('proposals_by_function_only');
CREATE TRIGGER proposals_are_closed_once BEFORE UPDATE ON case_proposals
    FOR EACH ROW WHEN (old.state <> 'open' OR new.state = 'open' OR
        (old.participant_id, old.case_id, old.proposal_id, old.decision, old.reason, old.issuer, old.staff, old.staff_role,
            old.shown_as, old.proposed_at) IS DISTINCT FROM
        (new.participant_id, new.case_id, new.proposal_id, new.decision, new.reason, new.issuer, new.staff, new.staff_role,
            new.shown_as, new.proposed_at))
    EXECUTE FUNCTION refuse_statement('proposals_are_closed_once');
CREATE TRIGGER proposals_are_kept BEFORE DELETE ON case_proposals FOR EACH ROW EXECUTE FUNCTION refuse_statement('proposals_are_kept');
CREATE TRIGGER proposals_are_not_truncated BEFORE TRUNCATE ON case_proposals EXECUTE FUNCTION refuse_statement('proposals_are_kept');
CREATE TRIGGER support_codes_by_function_only BEFORE INSERT OR UPDATE OR DELETE ON support_codes
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('support_codes_by_function_only');
CREATE TRIGGER support_codes_are_used_once BEFORE UPDATE ON support_codes
    FOR EACH ROW WHEN (old.used_at IS NOT NULL OR new.expires_at > old.expires_at OR
        (old.participant_id, old.code_id, old.code_hash, old.made_at, old.cause_id) IS DISTINCT FROM
        (new.participant_id, new.code_id, new.code_hash, new.made_at, new.cause_id))
    EXECUTE FUNCTION refuse_statement('support_codes_are_used_once');
CREATE TRIGGER support_codes_are_not_truncated BEFORE TRUNCATE ON support_codes
    EXECUTE FUNCTION refuse_statement('support_codes_by_function_only');
ALTER TABLE access_log ENABLE ALWAYS TRIGGER access_log_by_function_only;
ALTER TABLE access_log ENABLE ALWAYS TRIGGER access_log_is_append_only;
ALTER TABLE access_log ENABLE ALWAYS TRIGGER access_log_is_not_truncated;
ALTER TABLE case_proposals ENABLE ALWAYS TRIGGER proposals_by_function_only;
ALTER TABLE case_proposals ENABLE ALWAYS TRIGGER proposals_are_closed_once;
ALTER TABLE case_proposals ENABLE ALWAYS TRIGGER proposals_are_kept;
ALTER TABLE case_proposals ENABLE ALWAYS TRIGGER proposals_are_not_truncated;
ALTER TABLE support_codes ENABLE ALWAYS TRIGGER support_codes_by_function_only;
ALTER TABLE support_codes ENABLE ALWAYS TRIGGER support_codes_are_used_once;
ALTER TABLE support_codes ENABLE ALWAYS TRIGGER support_codes_are_not_truncated;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- As before, and staff: they act as the agency only upon somebody whose access log names them in this very transaction.
CREATE OR REPLACE FUNCTION record_cause(
    p_participant_id uuid, p_origin text, p_actor text, p_reason text DEFAULT NULL, p_merge_id uuid DEFAULT NULL,
    p_event_id text DEFAULT NULL, p_occurred_at timestamptz DEFAULT NULL, p_bulk boolean DEFAULT false
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- ── The access log ────────────────────────────────────────────────────────────────────────────────────────────────
-- One look: a row of the access log, and the entry that tells of it. Returns whom to wake.
CREATE FUNCTION log_look(
    p_participant_id uuid, p_staff staff_member, p_purpose text, p_what text,
    p_case_id uuid DEFAULT NULL, p_code_id uuid DEFAULT NULL, p_document_id uuid DEFAULT NULL
) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- A case by its id, with everybody whom it is about locked, in order. NULL when there is no such case.
CREATE FUNCTION lock_case(p_case_id uuid) RETURNS cases
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- A case is looked at for what it is about, or because its participant asks for help with it.
CREATE FUNCTION check_purpose(p_kind text, p_purpose text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF p_kind IN ('dispute', 'match', 'unreached', 'correction', 'heir', 'balance', 'core_refusal')
        AND p_purpose IS DISTINCT FROM p_kind AND p_purpose IS DISTINCT FROM 'support'
    THEN
        PERFORM public.refuse('purpose_fits_the_case', format('a case of kind %s is not looked at for %s', p_kind, p_purpose));
    END IF;
END
$$;

-- A look at a case: at its participant, and for a claimed match at the one under whom the card stands too.
CREATE FUNCTION log_case_look(p_case cases, p_staff staff_member, p_purpose text, p_what text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- ── What staff see; nothing below is granted but the functions that log ────────────────────────────────────────────
-- The one place that gives a participant's numbers and contacts to staff; they are masked in app/staff/person.py.
CREATE FUNCTION person_for_staff(p_participant_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object('name', p.name, 'birth_date', p.birth_date, 'nik', p.nik, 'phone', p.phone, 'email', p.email,
        'locale', p.locale, 'deceased_on', p.deceased_on)
    FROM public.participants AS p WHERE p.participant_id = p_participant_id
$$;

CREATE FUNCTION cards_for_staff(p_participant_id uuid, p_card_ids uuid[]) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
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

CREATE FUNCTION merges_for_staff(p_participant_id uuid, p_merge_id uuid, p_limit integer) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
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

-- The newest entries of a participant, or those about these cards and this merge; not those about looks.
CREATE FUNCTION history_for_staff(p_participant_id uuid, p_card_ids uuid[], p_merge_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT coalesce(jsonb_agg(t.shown ORDER BY t.seq DESC), '[]')
    FROM (
        SELECT h.seq, jsonb_build_object('seq', h.seq, 'kind', h.kind, 'wording', h.wording, 'data', coalesce(d.data, '{}'),
            'occurred_at', h.occurred_at, 'origin', c.origin, 'actor', c.actor, 'reason', c.reason) AS shown
        FROM public.history AS h
        JOIN public.causes AS c ON c.participant_id = h.participant_id AND c.cause_id = h.cause_id
        LEFT JOIN public.history_data AS d ON d.participant_id = h.participant_id AND d.seq = h.seq
        WHERE h.participant_id = p_participant_id AND h.kind <> 'looked_at'
            AND ((p_card_ids IS NULL AND p_merge_id IS NULL) OR h.card_id = ANY (p_card_ids) OR h.merge_id = p_merge_id)
        ORDER BY h.seq DESC LIMIT 20
    ) AS t
$$;

CREATE FUNCTION open_proposal(p_participant_id uuid, p_case_id uuid) RETURNS jsonb
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT jsonb_build_object('decision', p.decision, 'reason', p.reason, 'issuer', p.issuer, 'staff', p.staff,
        'staff_role', p.staff_role, 'proposed_at', p.proposed_at)
    FROM public.case_proposals AS p
    WHERE p.participant_id = p_participant_id AND p.case_id = p_case_id AND p.state = 'open'
$$;

-- The work that waits: nothing in it is about anybody in particular, so it is no look. By when they are due.
CREATE FUNCTION cases_for_staff(p_state text, p_kind text, p_after_due timestamptz, p_after_id uuid, p_limit integer)
RETURNS TABLE (
    id uuid, kind text, state text, opened_at timestamptz, due_at timestamptz, decision text, decided_at timestamptz,
    proposal jsonb
)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT c.case_id, c.kind, c.state, c.opened_at, c.due_at, c.decision, c.decided_at,
        CASE WHEN c.state = 'open' THEN public.open_proposal(c.participant_id, c.case_id) - 'reason' END
    FROM public.cases AS c
    WHERE (p_state IS NULL OR c.state = p_state) AND (p_kind IS NULL OR c.kind = p_kind)
        AND (p_after_due IS NULL OR (c.due_at, c.case_id) > (p_after_due, p_after_id))
    ORDER BY c.due_at, c.case_id LIMIT least(p_limit, 101)
$$;

-- A case with what is needed to decide it, logged as a look at everybody in it. NULL, and no look, when there is none.
CREATE FUNCTION read_case_for_staff(p_case_id uuid, p_staff staff_member, p_purpose text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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
            'decision', v_case.decision, 'reason', v_case.reason, 'decided_at', v_case.decided_at),
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

-- A document of a case, logged as a look: what its bytes in the store must be. NULL, and no look, when it is not of this case.
CREATE FUNCTION read_document_for_staff(p_case_id uuid, p_document_id uuid, p_staff staff_member, p_purpose text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- ── Deciding ──────────────────────────────────────────────────────────────────────────────────────────────────────
-- How a case stands, locked until this transaction ends, for somebody who is about to decide it: nothing of its participant.
CREATE FUNCTION case_to_decide(p_case_id uuid) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- Somebody's decision, which waits for a second person. It takes the place of their own earlier one; of somebody else's
-- only when a supervisor says so. Returns whom to wake.
CREATE FUNCTION propose_decision(p_case_id uuid, p_decision text, p_reason text, p_staff staff_member) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases := public.lock_case(p_case_id);
BEGIN
    IF v_case.state IS DISTINCT FROM 'open' THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;
    IF (v_case.kind, p_decision) NOT IN (
        ('dispute', 'restored'), ('dispute', 'accepted'), ('match', 'linked'), ('match', 'refused'),
        ('core_refusal', 'acknowledged'), ('core_refusal', 'settled'), ('balance', 'ours'), ('balance', 'theirs_corrected'))
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

-- Carries out the open proposal of a case: confirmed by a second person, or, without p_second, by its own supervisor where
-- nothing is given away. The constraints of case_proposals say who may; decide_case and decide_match do what follows.
CREATE FUNCTION carry_out_proposal(p_case_id uuid, p_decision text, p_second staff_member) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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
        END CASE;
    END IF;
    RETURN v_told;
END
$$;

-- ── Support codes ─────────────────────────────────────────────────────────────────────────────────────────────────
-- A code that the participant reads out. The one before, if nobody used it, ends with it. Returns until when it lives.
CREATE FUNCTION make_support_code(p_participant_id uuid, p_code_id uuid, p_code_hash bytea, p_actor text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- One try of a support code: counted first, and given back when the code holds. The first who uses a code has it alone, for
-- 15 minutes. `tries_left` without a view: nobody lives behind this code, for this member of staff at least.
CREATE FUNCTION open_support_view(p_code_hash bytea, p_staff staff_member, p_purpose text) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

GRANT EXECUTE ON FUNCTION make_support_code(uuid, uuid, bytea, text) TO sepakat_api;
GRANT EXECUTE ON FUNCTION cases_for_staff(text, text, timestamptz, uuid, integer), read_case_for_staff(uuid, staff_member, text),
    read_document_for_staff(uuid, uuid, staff_member, text), case_to_decide(uuid),
    propose_decision(uuid, text, text, staff_member), carry_out_proposal(uuid, text, staff_member),
    open_support_view(bytea, staff_member, text) TO sepakat_staff;
RESET ROLE;
