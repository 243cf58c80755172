-- Who vouches for a new key: a phone that is there already and is asked first, or staff who saw the person and handed out a
-- code. What counts failed codes of all people, and the case that heirs open with a code of their own.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('key_asked', 'push', 'security', 'warning', 'change', '2026-11'),
    ('key_approved', 'push', 'security', 'warning', 'change', '2026-11'),
    ('key_refused', 'push', 'security', 'warning', 'change', '2026-11'),
    ('branch_code_issued', 'ladder', 'security', 'warning', 'change', '2026-11'),
    ('branch_code_used', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('heir_code_issued', 'push', 'security', 'warning', 'change', '2026-11'),
    ('heir_reported', 'inbox', 'notice', 'warning', 'change', '2026-11'),
    ('heir_recognised', 'inbox', 'notice', 'warning', 'change', '2026-11'),
    ('heir_refused', 'inbox', 'notice', 'info', 'change', '2026-11');

-- ── A living phone is asked first ─────────────────────────────────────────────────────────────────────────────────
ALTER TABLE enrolments ADD COLUMN code_from timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE enrolments ADD COLUMN code_until timestamptz NOT NULL DEFAULT 'infinity';
ALTER TABLE enrolments ADD COLUMN asks_phone boolean NOT NULL DEFAULT false;
ALTER TABLE enrolments ADD COLUMN phone_asked_at timestamptz;
ALTER TABLE enrolments ADD COLUMN refused_at timestamptz;
COMMENT ON COLUMN enrolments.code_from IS 'The code by SMS goes out then, and is good until code_until: what was asked of a living phone had its time.';
COMMENT ON COLUMN enrolments.asks_phone IS 'Whether, when it was asked for, there was a living key on no hold, which can approve or refuse it.';
COMMENT ON COLUMN enrolments.refused_at IS 'A living phone said no: no code, no approval. A branch code still works, for staff saw the person.';
CREATE INDEX enrolments_to_ask_about ON enrolments (code_from) WHERE asks_phone AND phone_asked_at IS NULL;
COMMENT ON COLUMN devices.vouched_by IS 'The device that approved this key, or the branch code that staff handed out; NULL for a key that came by SMS alone.';

-- ── Branch codes ──────────────────────────────────────────────────────────────────────────────────────────────────
CREATE TABLE branch_codes (
    participant_id uuid NOT NULL REFERENCES participants,
    code_id uuid NOT NULL,
    code_sha256 bytea NOT NULL CONSTRAINT branch_code_hash_has_32_bytes CHECK (length(code_sha256) = 32),
    branch text NOT NULL CONSTRAINT branch_is_named CHECK (length(branch) BETWEEN 1 AND 200),
    staff text,
    for_heirs boolean NOT NULL,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
        CONSTRAINT branch_code_is_short_lived CHECK (expires_at > issued_at AND expires_at <= issued_at + interval '7 days'),
    replaced_at timestamptz,
    used_at timestamptz,
    used_for text CONSTRAINT branch_code_use_is_known CHECK (used_for IN ('new_phone', 'unfreeze', 'heir')),
    used_by uuid,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, code_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT branch_code_is_new UNIQUE (participant_id, code_sha256),
    CONSTRAINT used_branch_code_is_known CHECK (num_nulls(used_at, used_for, used_by) IN (0, 3)),
    CONSTRAINT branch_code_serves_its_person CHECK (for_heirs = (used_for = 'heir')),
    CONSTRAINT replaced_branch_code_is_dead CHECK (used_at IS NULL OR replaced_at IS NULL)
);
COMMENT ON COLUMN branch_codes.code_sha256 IS 'Of the normalised code, which has 80 bits of chance: no key is needed against guessing.';
COMMENT ON COLUMN branch_codes.for_heirs IS 'Issued after the death was told: it opens a case and nothing else. Issued before, it serves nobody any more.';
COMMENT ON COLUMN branch_codes.used_by IS 'The device that was added or that lifted the freeze, or the case that was opened.';
CREATE UNIQUE INDEX one_live_branch_code_per_person ON branch_codes (participant_id) WHERE used_at IS NULL AND replaced_at IS NULL;

-- Tries with a branch code from a phone that is signed in: its own count, so that no other phone can use them up.
CREATE TABLE branch_code_tries (
    participant_id uuid NOT NULL REFERENCES participants,
    device_id uuid NOT NULL,
    day date NOT NULL,
    tries integer NOT NULL CONSTRAINT ten_branch_code_tries_a_day CHECK (tries <= 10),
    PRIMARY KEY (participant_id, device_id, day)
);

-- Failed codes of all people, by the minute: what pauses the checking of codes by SMS. In slots, so that those who fail
-- at once do not wait for one row.
CREATE TABLE code_failures (
    minute timestamptz NOT NULL,
    kind text NOT NULL CONSTRAINT code_failure_kind_is_known CHECK (kind IN ('otp', 'otp_of_nobody', 'branch_code')),
    slot smallint NOT NULL,
    failures integer NOT NULL,
    PRIMARY KEY (minute, kind, slot)
);
COMMENT ON COLUMN code_failures.kind IS
    'otp alone pauses. Nobody''s enrolment has no right code, and 80 bits are not guessed: they are counted to be looked at.';

-- ── Heirs ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- NOT VALID: every row that is there satisfies what was narrower before.
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_kind_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_decision_is_known;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_is_decided_by_staff;
-- squawk-ignore ban-drop-constraint
ALTER TABLE cases DROP CONSTRAINT case_is_restored_by_four_eyes;
ALTER TABLE cases ADD CONSTRAINT case_kind_is_known
    CHECK (kind IN ('dispute', 'match', 'core_refusal', 'balance', 'heir')) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT case_decision_is_known CHECK (decision IN ('restored', 'accepted', 'withdrawn', 'linked', 'refused',
    'acknowledged', 'reversed', 'settled', 'ours', 'theirs_corrected', 'agreed', 'heir_recognised', 'heir_refused')) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT case_is_decided_by_staff
    CHECK ((decision NOT IN ('withdrawn', 'agreed')) = (staff IS NOT NULL)) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT case_is_restored_by_four_eyes CHECK (second_staff IS NOT NULL
    OR decision NOT IN ('restored', 'linked', 'reversed', 'settled', 'theirs_corrected', 'heir_recognised')) NOT VALID;
ALTER TABLE cases ADD CONSTRAINT heir_case_is_decided_as_one
    CHECK ((kind = 'heir') = (decision IN ('heir_recognised', 'heir_refused'))) NOT VALID;

-- Who says to be an heir. The participant is the deceased.
CREATE TABLE heir_claims (
    participant_id uuid NOT NULL,
    case_id uuid NOT NULL,
    code_id uuid NOT NULL,
    name text NOT NULL,
    phone_sealed bytea NOT NULL,
    relation text NOT NULL
        CONSTRAINT heir_relation_is_known CHECK (relation IN ('spouse', 'child', 'parent', 'sibling', 'grandchild', 'other')),
    papers jsonb,
    PRIMARY KEY (participant_id, case_id),
    FOREIGN KEY (participant_id, case_id) REFERENCES cases,
    FOREIGN KEY (participant_id, code_id) REFERENCES branch_codes
);
COMMENT ON COLUMN heir_claims.papers IS 'What staff took in at the branch, as they decided by it: [{kind, reference}], the reference their archive''s.';

GRANT SELECT (participant_id, code_id, branch, for_heirs, issued_at, expires_at, replaced_at, used_at, used_for, used_by, cause_id)
    ON branch_codes TO sepakat_api;
GRANT SELECT ON branch_codes TO sepakat_feed;
GRANT SELECT, INSERT, UPDATE ON branch_code_tries, code_failures TO sepakat_api;
GRANT SELECT, DELETE ON branch_code_tries, code_failures TO sepakat_worker;
GRANT UPDATE (phone_asked_at) ON enrolments TO sepakat_worker;
GRANT SELECT ON heir_claims TO sepakat_feed;
GRANT SELECT, INSERT, UPDATE ON branch_codes, heir_claims TO sepakat_writer;
GRANT SELECT, UPDATE ON enrolments TO sepakat_writer;

CREATE TRIGGER branch_codes_by_function_only BEFORE INSERT OR UPDATE ON branch_codes
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('branch_codes_by_function_only');
CREATE TRIGGER branch_codes_are_used_once BEFORE UPDATE ON branch_codes
    FOR EACH ROW WHEN (num_nonnulls(old.used_at, old.replaced_at) > 0
        OR (old.participant_id, old.code_id, old.code_sha256, old.branch, old.staff, old.for_heirs, old.issued_at, old.expires_at,
            old.cause_id)
        IS DISTINCT FROM (new.participant_id, new.code_id, new.code_sha256, new.branch, new.staff, new.for_heirs, new.issued_at,
            new.expires_at, new.cause_id))
    EXECUTE FUNCTION refuse_statement('branch_codes_are_used_once');
CREATE TRIGGER branch_codes_are_kept BEFORE DELETE ON branch_codes
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('branch_codes_are_kept');
CREATE TRIGGER branch_codes_are_not_truncated BEFORE TRUNCATE ON branch_codes
    EXECUTE FUNCTION refuse_statement('branch_codes_are_kept');
CREATE TRIGGER heir_claims_by_function_only BEFORE INSERT OR UPDATE ON heir_claims
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('heir_claims_by_function_only');
CREATE TRIGGER heir_claims_are_kept BEFORE DELETE ON heir_claims
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('heir_claims_are_kept');
CREATE TRIGGER heir_claims_are_not_truncated BEFORE TRUNCATE ON heir_claims
    EXECUTE FUNCTION refuse_statement('heir_claims_are_kept');
ALTER TABLE branch_codes ENABLE ALWAYS TRIGGER branch_codes_by_function_only;
ALTER TABLE branch_codes ENABLE ALWAYS TRIGGER branch_codes_are_used_once;
ALTER TABLE branch_codes ENABLE ALWAYS TRIGGER branch_codes_are_kept;
ALTER TABLE branch_codes ENABLE ALWAYS TRIGGER branch_codes_are_not_truncated;
ALTER TABLE heir_claims ENABLE ALWAYS TRIGGER heir_claims_by_function_only;
ALTER TABLE heir_claims ENABLE ALWAYS TRIGGER heir_claims_are_kept;
ALTER TABLE heir_claims ENABLE ALWAYS TRIGGER heir_claims_are_not_truncated;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- ── What a living phone is asked, and says ────────────────────────────────────────────────────────────────────────
-- Tells the person of a phone that wants to be added, before any code goes out. False when there is nothing to ask any more.
CREATE FUNCTION ask_living_phone(p_participant_id uuid, p_enrolment_id uuid, p_most_a_day integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- What a living phone says to an enrolment that waits: `approved` or `refused`. Returns the cause, under which an approved
-- key is then added; NULL when there is nothing to answer any more.
CREATE FUNCTION answer_enrolment(p_participant_id uuid, p_enrolment_id uuid, p_device_id uuid, p_answer text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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
            'platform', v_enrolment.platform, 'answered_by', (SELECT d.name FROM public.devices AS d
                WHERE d.participant_id = p_participant_id AND d.device_id = p_device_id)))::public.history_entry]);
    RETURN v_cause_id;
END
$$;

-- ── Branch codes ──────────────────────────────────────────────────────────────────────────────────────────────────
-- A code that staff handed to somebody whom they saw: the person, or after a death an heir. It replaces the one before.
CREATE FUNCTION issue_branch_code(
    p_participant_id uuid, p_code_id uuid, p_code_sha256 bytea, p_branch text, p_staff text, p_expires_at timestamptz, p_cause_id uuid
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- Uses up a live code, for the caller's purpose; an empty row when there is none. A wrong code locks nothing: strangers
-- who try do not hold up the person.
CREATE FUNCTION spend_branch_code(p_participant_id uuid, p_code text, p_used_for text, p_used_by uuid) RETURNS branch_codes
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- The code of somebody whom staff saw, for a phone that is added or that lifts the freeze. Returns the code's id, the branch
-- and the cause of what follows; nothing for a code that is wrong, used, replaced or expired.
CREATE FUNCTION use_branch_code(
    p_participant_id uuid, p_code text, p_used_for text, p_device_id uuid, p_device_name text,
    OUT code_id uuid, OUT branch text, OUT cause_id uuid
) RETURNS record
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- Lifts the freeze of STOP with a branch code in place of an old key. Returns `lifted`, `nothing_frozen` (the code is kept for
-- another use) or `code_invalid`; in the last two nothing is written.
CREATE FUNCTION lift_stop_at_branch(
    p_participant_id uuid, p_device_id uuid, p_nonce bytea, p_statement bytea, p_proof jsonb, p_code text
) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_used record;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.stopped_cards AS s WHERE s.participant_id = p_participant_id) THEN
        RETURN 'nothing_frozen';
    END IF;
    SELECT * INTO v_used FROM public.use_branch_code(p_participant_id, p_code, 'unfreeze', p_device_id,
        (SELECT d.name FROM public.devices AS d WHERE d.participant_id = p_participant_id AND d.device_id = p_device_id));
    IF v_used.code_id IS NULL THEN
        RETURN 'code_invalid';
    END IF;
    PERFORM public.lift_stop(p_participant_id, p_device_id, p_nonce, p_statement, p_proof);
    RETURN 'lifted';
END
$$;

-- ── Heirs ─────────────────────────────────────────────────────────────────────────────────────────────────────────
-- Opens a case of 3×24 hours in the history of the deceased. Returns whether the code was right; else nothing is written.
CREATE FUNCTION open_heir_case(
    p_participant_id uuid, p_code text, p_case_id uuid, p_name text, p_phone_sealed bytea, p_relation text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- `heir_recognised` by two people, who name the papers that they took in, or `heir_refused`. It is recorded and nothing else
-- follows: no key is added, no card changes, no money moves. The cause is the caller's.
CREATE FUNCTION decide_heir_case(
    p_participant_id uuid, p_case_id uuid, p_cause_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text,
    p_papers jsonb
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
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

-- What an heir may see of the case whose id they were given: the clock and the answer.
CREATE FUNCTION find_heir_case(
    p_case_id uuid, OUT state text, OUT opened_at timestamptz, OUT due_at timestamptz, OUT decision text, OUT reason text,
    OUT decided_at timestamptz
) RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT c.state, c.opened_at, c.due_at, c.decision, c.reason, c.decided_at
    FROM public.case_owners AS o
    JOIN public.cases AS c ON c.participant_id = o.participant_id AND c.case_id = o.case_id
    WHERE o.case_id = p_case_id AND c.kind = 'heir'
$$;

GRANT EXECUTE ON FUNCTION ask_living_phone(uuid, uuid, integer) TO sepakat_worker;
GRANT EXECUTE ON FUNCTION answer_enrolment(uuid, uuid, uuid, text), use_branch_code(uuid, text, text, uuid, text),
    lift_stop_at_branch(uuid, uuid, bytea, bytea, jsonb, text), open_heir_case(uuid, text, uuid, text, bytea, text),
    find_heir_case(uuid) TO sepakat_api;
GRANT EXECUTE ON FUNCTION issue_branch_code(uuid, uuid, bytea, text, text, timestamptz, uuid),
    decide_heir_case(uuid, uuid, uuid, text, text, text, text, jsonb) TO sepakat_feed;
RESET ROLE;
