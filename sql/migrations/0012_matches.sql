-- Cards that may be somebody's: found by keyed look-ups, claimed with papers, decided by staff, and then moved by a
-- recorded transfer between two participants.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording) VALUES
    ('possible_match_found', 'push', 'notice', 'info', 'change', '2026-11'),
    ('possible_match_not_mine', 'inbox', 'notice', 'info', 'change', '2026-11'),
    ('possible_match_claimed', 'push', 'security', 'warning', 'change', '2026-11'),
    ('possible_match_refused', 'push', 'card', 'warning', 'change', '2026-11'),
    ('card_transferred_here', 'ladder', 'card', 'warning', 'change', '2026-11'),
    ('card_transferred_away', 'ladder', 'security', 'critical', 'change', '2026-11'),
    ('document_received', 'inbox', 'notice', 'info', 'change', '2026-11');

-- Whose identity has to be looked at: the new, those whose name or birth date was corrected, those with a new card.
CREATE TABLE match_queue (
    participant_id uuid PRIMARY KEY,
    queued_at timestamptz NOT NULL
);
-- A look-up: HMAC of name, birth date and a part of the identity number, under a key that no SQL role has.
CREATE TABLE match_keys (
    key bytea NOT NULL CONSTRAINT match_key_has_32_bytes CHECK (length(key) = 32),
    participant_id uuid NOT NULL,
    PRIMARY KEY (key, participant_id)
);
CREATE INDEX match_keys_of_participant ON match_keys (participant_id);

CREATE TABLE possible_matches (
    participant_id uuid NOT NULL REFERENCES participants,
    match_id uuid NOT NULL,
    other_participant_id uuid NOT NULL,
    other_card_id uuid NOT NULL,
    employer_id text,
    from_year smallint NOT NULL,
    to_year smallint,
    rule text NOT NULL,
    rules_version text NOT NULL,
    found_at timestamptz NOT NULL,
    state text NOT NULL CONSTRAINT match_state_is_known CHECK (state IN ('suggested', 'not_mine', 'claimed', 'linked', 'refused')),
    case_id uuid,
    closed_at timestamptz,
    cause_id uuid NOT NULL,
    PRIMARY KEY (participant_id, match_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    FOREIGN KEY (participant_id, case_id) REFERENCES cases,
    CONSTRAINT match_is_with_another_participant CHECK (other_participant_id <> participant_id),
    CONSTRAINT card_is_suggested_once UNIQUE (participant_id, other_card_id),
    CONSTRAINT claimed_match_has_its_case CHECK ((state IN ('claimed', 'linked', 'refused')) = (case_id IS NOT NULL))
);
COMMENT ON COLUMN possible_matches.employer_id IS
    'With from_year and to_year all that the participant is shown: copied, because the card lies with another participant.';
CREATE INDEX possible_matches_newest_first ON possible_matches (participant_id, found_at DESC, match_id DESC);

-- The bytes lie in the document store under the document's id; here is what is known of them.
CREATE TABLE documents (
    participant_id uuid NOT NULL REFERENCES participants,
    document_id uuid NOT NULL,
    about text NOT NULL CONSTRAINT document_is_about_something_known CHECK (about IN ('match', 'merge')),
    subject_id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT document_kind_is_known CHECK (kind IN ('paklaring', 'card', 'ktp', 'kk', 'hr_letter', 'other')),
    request_key text NOT NULL,
    body_sha256 bytea NOT NULL CONSTRAINT body_hash_has_32_bytes CHECK (length(body_sha256) = 32),
    begun_at timestamptz NOT NULL DEFAULT now(),
    discarded_at timestamptz,
    stored_at timestamptz,
    media_type text,
    sha256 bytea,
    bytes integer,
    cause_id uuid,
    PRIMARY KEY (participant_id, document_id),
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes,
    CONSTRAINT document_is_received_once UNIQUE (participant_id, about, subject_id, request_key),
    CONSTRAINT stored_document_is_known CHECK (num_nulls(stored_at, media_type, sha256, bytes, cause_id) IN (0, 5)),
    CONSTRAINT stored_document_is_not_discarded CHECK (stored_at IS NULL OR discarded_at IS NULL)
);
COMMENT ON COLUMN documents.begun_at IS 'Real time, not the local clock: what is not stored an hour later is swept away.';
COMMENT ON COLUMN documents.request_key IS 'The Idempotency-Key of the upload: sent again, it goes on where it stopped.';
CREATE INDEX documents_begun ON documents (begun_at) WHERE stored_at IS NULL;

-- A transfer is two rows with one id, one at each participant.
CREATE TABLE card_transfers (
    participant_id uuid NOT NULL REFERENCES participants,
    transfer_id uuid NOT NULL,
    direction text NOT NULL CONSTRAINT transfer_direction_is_known CHECK (direction IN ('out', 'in')),
    card_id uuid NOT NULL,
    kpj text NOT NULL,
    other_participant_id uuid NOT NULL,
    other_card_id uuid NOT NULL,
    amount bigint,
    case_id uuid NOT NULL,
    rules_version text NOT NULL,
    reason text,
    staff text NOT NULL,
    second_staff text NOT NULL,
    recorded_at timestamptz NOT NULL,
    cause_id uuid NOT NULL,
    xact xid8 NOT NULL,
    CONSTRAINT transfer_has_one_side_at_each PRIMARY KEY (participant_id, transfer_id),
    FOREIGN KEY (participant_id, card_id) REFERENCES cards,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
CREATE INDEX transfers_of_card ON card_transfers (participant_id, card_id);

GRANT SELECT (participant_id, match_id, employer_id, from_year, to_year, rule, rules_version, found_at, state, case_id, closed_at)
    ON possible_matches TO sepakat_api;
GRANT SELECT ON possible_matches TO sepakat_feed, sepakat_worker;
GRANT SELECT, INSERT ON documents TO sepakat_api;
GRANT SELECT (participant_id, transfer_id, direction, card_id, kpj, amount, case_id, rules_version, reason, recorded_at, cause_id)
    ON card_transfers TO sepakat_api;
GRANT SELECT ON documents TO sepakat_feed;
GRANT SELECT, DELETE, UPDATE (discarded_at) ON documents TO sepakat_worker;
GRANT SELECT, DELETE ON match_queue TO sepakat_worker;
GRANT SELECT, INSERT, DELETE ON match_keys TO sepakat_worker;
GRANT SELECT, INSERT, UPDATE ON match_queue, possible_matches TO sepakat_writer;
GRANT SELECT, UPDATE ON documents TO sepakat_writer;
GRANT SELECT, INSERT ON card_transfers TO sepakat_writer;
GRANT UPDATE ON card_numbers TO sepakat_writer;
GRANT INSERT ON claims TO sepakat_writer;
REVOKE ALL ON match_keys FROM sepakat_operator;

CREATE TRIGGER matches_by_function_only BEFORE INSERT OR UPDATE ON possible_matches
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('matches_by_function_only');
CREATE TRIGGER matches_are_decided_once BEFORE UPDATE ON possible_matches
    FOR EACH ROW WHEN (
        (old.state, new.state) NOT IN (('suggested', 'not_mine'), ('suggested', 'claimed'), ('claimed', 'linked'), ('claimed', 'refused'))
        OR (old.participant_id, old.match_id, old.other_participant_id, old.other_card_id, old.rule, old.rules_version, old.found_at)
        IS DISTINCT FROM
        (new.participant_id, new.match_id, new.other_participant_id, new.other_card_id, new.rule, new.rules_version, new.found_at))
    EXECUTE FUNCTION refuse_statement('matches_are_decided_once');
CREATE TRIGGER matches_are_kept BEFORE DELETE ON possible_matches FOR EACH ROW EXECUTE FUNCTION refuse_statement('matches_are_kept');
CREATE TRIGGER matches_are_not_truncated BEFORE TRUNCATE ON possible_matches EXECUTE FUNCTION refuse_statement('matches_are_kept');
CREATE TRIGGER documents_begin_empty BEFORE INSERT ON documents
    FOR EACH ROW WHEN (num_nonnulls(new.stored_at, new.discarded_at) > 0)
    EXECUTE FUNCTION refuse_statement('documents_are_stored_by_function');
CREATE TRIGGER documents_are_stored_by_function BEFORE UPDATE ON documents
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer' AND (old.participant_id, old.document_id, old.about, old.subject_id, old.kind,
        old.request_key, old.body_sha256, old.begun_at, old.stored_at, old.media_type, old.sha256, old.bytes, old.cause_id)
        IS DISTINCT FROM (new.participant_id, new.document_id, new.about, new.subject_id, new.kind,
        new.request_key, new.body_sha256, new.begun_at, new.stored_at, new.media_type, new.sha256, new.bytes, new.cause_id))
    EXECUTE FUNCTION refuse_statement('documents_are_stored_by_function');
CREATE TRIGGER stored_documents_are_kept BEFORE UPDATE OR DELETE ON documents
    FOR EACH ROW WHEN (old.stored_at IS NOT NULL) EXECUTE FUNCTION refuse_statement('stored_documents_are_kept');
CREATE TRIGGER documents_are_not_truncated BEFORE TRUNCATE ON documents EXECUTE FUNCTION refuse_statement('stored_documents_are_kept');
CREATE TRIGGER transfers_are_append_only BEFORE UPDATE OR DELETE ON card_transfers
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('transfers_are_append_only');
CREATE TRIGGER transfers_are_not_truncated BEFORE TRUNCATE ON card_transfers EXECUTE FUNCTION refuse_statement('transfers_are_append_only');
CREATE TRIGGER transfers_by_function_only BEFORE INSERT ON card_transfers
    FOR EACH ROW WHEN (current_user <> 'sepakat_writer') EXECUTE FUNCTION refuse_statement('transfers_by_function_only');
ALTER TABLE possible_matches ENABLE ALWAYS TRIGGER matches_by_function_only;
ALTER TABLE possible_matches ENABLE ALWAYS TRIGGER matches_are_decided_once;
ALTER TABLE possible_matches ENABLE ALWAYS TRIGGER matches_are_kept;
ALTER TABLE possible_matches ENABLE ALWAYS TRIGGER matches_are_not_truncated;
ALTER TABLE documents ENABLE ALWAYS TRIGGER documents_begin_empty;
ALTER TABLE documents ENABLE ALWAYS TRIGGER documents_are_stored_by_function;
ALTER TABLE documents ENABLE ALWAYS TRIGGER stored_documents_are_kept;
ALTER TABLE documents ENABLE ALWAYS TRIGGER documents_are_not_truncated;
ALTER TABLE card_transfers ENABLE ALWAYS TRIGGER transfers_are_append_only;
ALTER TABLE card_transfers ENABLE ALWAYS TRIGGER transfers_are_not_truncated;
ALTER TABLE card_transfers ENABLE ALWAYS TRIGGER transfers_by_function_only;

RESET ROLE;
SET LOCAL ROLE sepakat_writer;

CREATE FUNCTION queue_for_matching() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO public.match_queue (participant_id, queued_at) VALUES (new.participant_id, clock_timestamp())
    ON CONFLICT (participant_id) DO UPDATE SET queued_at = excluded.queued_at;
    RETURN NULL;
END
$$;

-- What a person is told of a possible match: employer and years, and nothing else.
CREATE FUNCTION tell_of_match(p_match possible_matches, p_kind text, p_data jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT public.append_history(ARRAY[ROW(p_match.participant_id, p_kind, NULL, NULL, p_match.cause_id, jsonb_build_object(
        'match_id', p_match.match_id, 'from_year', p_match.from_year, 'to_year', p_match.to_year,
        'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = p_match.employer_id)
    ) || p_data)::public.history_entry])
$$;

-- A card of somebody else that may be this participant's. Suggested once and never again: false when it was before.
CREATE FUNCTION suggest_match(
    p_participant_id uuid, p_match_id uuid, p_other_participant_id uuid, p_other_card_id uuid,
    p_employer_id text, p_from_year smallint, p_to_year smallint, p_rule text, p_rules_version text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_match public.possible_matches;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF EXISTS (
        SELECT FROM public.possible_matches AS m WHERE m.participant_id = p_participant_id AND m.other_card_id = p_other_card_id
    ) THEN
        RETURN false;
    END IF;
    INSERT INTO public.possible_matches (participant_id, match_id, other_participant_id, other_card_id, employer_id, from_year,
        to_year, rule, rules_version, found_at, state, cause_id)
    VALUES (p_participant_id, p_match_id, p_other_participant_id, p_other_card_id, p_employer_id, p_from_year,
        p_to_year, p_rule, p_rules_version, public.current_instant(), 'suggested',
        public.record_cause(p_participant_id, 'system', 'matching rules ' || p_rules_version, p_bulk => true))
    RETURNING * INTO v_match;
    PERFORM public.tell_of_match(v_match, 'possible_match_found', '{}');
    RETURN true;
END
$$;

-- `not_mine` is remembered for ever: the card is never suggested to this participant again.
CREATE FUNCTION disown_match(p_participant_id uuid, p_match_id uuid, p_actor text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_match public.possible_matches;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    UPDATE public.possible_matches AS m SET state = 'not_mine', closed_at = public.current_instant(),
        cause_id = public.record_cause(p_participant_id, 'participant', p_actor)
    WHERE m.participant_id = p_participant_id AND m.match_id = p_match_id AND m.state = 'suggested'
    RETURNING * INTO v_match;
    IF v_match.match_id IS NULL THEN
        PERFORM public.refuse('match_is_suggested', 'only a suggested match can be answered');
    END IF;
    PERFORM public.tell_of_match(v_match, 'possible_match_not_mine', '{}');
END
$$;

-- The participant says that the card is theirs, with papers: a case opens whose clock runs for 3×24 hours.
CREATE FUNCTION claim_match(p_participant_id uuid, p_match_id uuid, p_case_id uuid, p_actor text, p_documents uuid[])
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_match public.possible_matches;
    v_cause_id uuid;
    v_now timestamptz := public.current_instant();
    v_due_at timestamptz := public.current_instant() + interval '72 hours';
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    IF NOT EXISTS (SELECT FROM public.possible_matches AS m
        WHERE m.participant_id = p_participant_id AND m.match_id = p_match_id AND m.state = 'suggested')
    THEN
        PERFORM public.refuse('match_is_suggested', 'only a suggested match can be answered');
    END IF;
    IF coalesce(cardinality(p_documents), 0) = 0 OR EXISTS (
        SELECT FROM unnest(p_documents) AS given (document_id)
        LEFT JOIN public.documents AS d ON d.participant_id = p_participant_id AND d.document_id = given.document_id
            AND d.about = 'match' AND d.subject_id = p_match_id
        WHERE d.stored_at IS NULL)
    THEN
        PERFORM public.refuse('claim_has_its_documents', 'a claim names documents that were received about this match');
    END IF;
    v_cause_id := public.record_cause(p_participant_id, 'participant', p_actor);
    INSERT INTO public.case_owners (case_id, participant_id) VALUES (p_case_id, p_participant_id);
    INSERT INTO public.cases (participant_id, case_id, kind, match_id, opened_at, due_at, state, cause_id, xact)
    VALUES (p_participant_id, p_case_id, 'match', p_match_id, v_now, v_due_at, 'open', v_cause_id, pg_current_xact_id());
    UPDATE public.possible_matches AS m SET state = 'claimed', case_id = p_case_id, cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.match_id = p_match_id
    RETURNING * INTO v_match;
    PERFORM public.tell_of_match(v_match, 'possible_match_claimed',
        jsonb_build_object('due_at', v_due_at, 'documents', cardinality(p_documents)));
    RETURN v_due_at;
END
$$;

-- The bytes are in the store: from now on the document is evidence, and is kept. Returns since when.
CREATE FUNCTION keep_document(
    p_participant_id uuid, p_document_id uuid, p_media_type text, p_sha256 bytea, p_bytes integer, p_actor text
) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_document public.documents;
BEGIN
    PERFORM FROM public.participant_heads AS h WHERE h.participant_id = p_participant_id FOR UPDATE;
    SELECT * INTO v_document FROM public.documents AS d
    WHERE d.participant_id = p_participant_id AND d.document_id = p_document_id FOR UPDATE;
    IF v_document.stored_at IS NOT NULL THEN
        RETURN v_document.stored_at;
    END IF;
    UPDATE public.documents AS d SET stored_at = public.current_instant(), media_type = p_media_type, sha256 = p_sha256,
        bytes = p_bytes, cause_id = public.record_cause(p_participant_id, 'participant', p_actor)
    WHERE d.participant_id = p_participant_id AND d.document_id = p_document_id AND d.discarded_at IS NULL
    RETURNING * INTO v_document;
    IF v_document.stored_at IS NULL THEN
        PERFORM public.refuse('document_was_discarded', 'this document was swept away before it was stored');
    END IF;
    PERFORM public.append_history(ARRAY[ROW(p_participant_id, 'document_received', NULL,
        CASE WHEN v_document.about = 'merge' THEN v_document.subject_id END, v_document.cause_id, jsonb_build_object(
            'document_id', p_document_id, 'document_kind', v_document.kind, 'about', v_document.about,
            'sha256', encode(p_sha256, 'hex')))::public.history_entry]);
    RETURN v_document.stored_at;
END
$$;

-- The whole card goes from the participant under whom it was registered by mistake to the right one: closed there, opened
-- here under the same number, its savings by two legs with one id. Heads, match and decision are the caller's.
CREATE FUNCTION transfer_card(p_match possible_matches, p_transfer_id uuid, p_case cases) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_from public.cards;
    v_card_id uuid;
    v_came_back boolean;
    v_amount bigint;
    v_cause_there uuid;
    v_now timestamptz := public.current_instant();
    v_day date := public.jakarta_day(public.current_instant());
    v_decided public.causes;
BEGIN
    PERFORM FROM public.cards AS k
    WHERE k.participant_id IN (p_match.participant_id, p_match.other_participant_id)
    ORDER BY k.participant_id, k.kpj FOR UPDATE;
    SELECT * INTO v_from FROM public.cards AS k
    WHERE k.participant_id = p_match.other_participant_id AND k.card_id = p_match.other_card_id
        AND num_nonnulls(k.transferred_at, k.merge_mark, k.frozen_at, k.locked_at, k.claim_id) = 0
        AND NOT EXISTS (SELECT FROM public.open_merge_cards AS o
            WHERE o.participant_id = k.participant_id AND o.card_id = k.card_id)
        AND NOT EXISTS (SELECT FROM public.cards AS a WHERE a.participant_id = k.participant_id AND a.merged_into = k.card_id);
    IF v_from.card_id IS NULL THEN
        PERFORM public.refuse('card_is_free_to_go', 'a card in a merge or claim, frozen, locked or gone is not transferred');
    END IF;
    v_amount := nullif(v_from.balance, 0);
    SELECT * INTO v_decided FROM public.causes AS c
    WHERE c.participant_id = p_match.participant_id AND c.cause_id = p_case.cause_id;
    v_cause_there := public.record_cause(v_from.participant_id, 'agency', p_case.staff, p_case.reason,
        p_event_id => v_decided.event_id, p_occurred_at => v_decided.occurred_at);

    -- a card that comes back to somebody who had it before is that same card again
    SELECT k.card_id INTO v_card_id FROM public.cards AS k
    WHERE k.participant_id = p_match.participant_id AND k.kpj = v_from.kpj;
    v_came_back := v_card_id IS NOT NULL;
    IF NOT v_came_back THEN
        INSERT INTO public.cards (participant_id, card_id, kpj, segment, employer_id, programmes, opened_on, closed_on, lifecycle,
            last_contribution_month, last_contribution_amount, balance)
        VALUES (p_match.participant_id, gen_random_uuid(), v_from.kpj, v_from.segment, v_from.employer_id, v_from.programmes,
            v_from.opened_on, v_from.closed_on, v_from.lifecycle, v_from.last_contribution_month,
            v_from.last_contribution_amount, CASE WHEN v_from.balance IS NOT NULL THEN 0 END)
        RETURNING card_id INTO v_card_id;
    END IF;
    INSERT INTO public.card_transfers (participant_id, transfer_id, direction, card_id, kpj, other_participant_id, other_card_id,
        amount, case_id, rules_version, reason, staff, second_staff, recorded_at, cause_id, xact)
    SELECT side.participant_id, p_transfer_id, side.direction, side.card_id, v_from.kpj, side.other_participant_id,
        side.other_card_id, v_from.balance, p_case.case_id, p_match.rules_version, p_case.reason, p_case.staff,
        p_case.second_staff, v_now, side.cause_id, pg_current_xact_id()
    FROM (VALUES
        (v_from.participant_id, 'out', v_from.card_id, p_match.participant_id, v_card_id, v_cause_there),
        (p_match.participant_id, 'in', v_card_id, v_from.participant_id, v_from.card_id, p_case.cause_id)
    ) AS side (participant_id, direction, card_id, other_participant_id, other_card_id, cause_id);
    IF v_came_back THEN
        UPDATE public.cards AS k SET transferred_at = NULL, transfer_id = NULL, lifecycle = v_from.lifecycle,
            closed_on = v_from.closed_on, employer_id = v_from.employer_id
        WHERE k.participant_id = p_match.participant_id AND k.card_id = v_card_id;
    END IF;
    UPDATE public.card_numbers AS n SET participant_id = p_match.participant_id, card_id = v_card_id
    WHERE n.kpj = v_from.kpj AND n.participant_id = v_from.participant_id;
    -- a part of the savings that was claimed once in a life stays claimed
    INSERT INTO public.claims (participant_id, claim_id, card_id, kind, amount, state, opened_on, paid_on)
    SELECT p_match.participant_id, c.claim_id, v_card_id, c.kind, c.amount, c.state, c.opened_on, c.paid_on
    FROM public.claims AS c WHERE c.participant_id = v_from.participant_id AND c.card_id = v_from.card_id AND c.state = 'paid'
    ON CONFLICT (participant_id, claim_id) DO NOTHING;

    PERFORM public.change_cards(ARRAY[ROW(v_from.participant_id, v_from.card_id, v_cause_there, 'card_transferred_away',
        CASE WHEN v_amount > 0 THEN 'transfer_out' END, -v_amount, v_day, NULL, NULL, NULL, NULL,
        CASE WHEN v_amount > 0 THEN p_transfer_id END, NULL,
        jsonb_build_object('transferred_at', v_now, 'transfer_id', p_transfer_id, 'closed_on', coalesce(v_from.closed_on, v_day)),
        jsonb_build_object('transfer_id', p_transfer_id, 'effective_on', v_day))::public.card_change]);
    PERFORM public.post_entries(ARRAY[ROW(p_match.participant_id, v_card_id, p_case.cause_id, 'card_transferred_here',
        'transfer_in', v_amount, v_day, NULL, NULL, NULL, NULL, p_transfer_id, NULL, NULL, NULL)::public.card_change]);
    PERFORM public.append_history(ARRAY[ROW(p_match.participant_id, 'card_transferred_here', v_card_id, NULL, p_case.cause_id,
        jsonb_build_object('kpj', v_from.kpj, 'status_before', CASE WHEN v_came_back THEN 'transferred_away' END,
            'status_after', v_from.status, 'balance_before', CASE WHEN v_came_back AND v_from.balance IS NOT NULL THEN 0 END,
            'balance_after', v_from.balance, 'transfer_id', p_transfer_id, 'match_id', p_match.match_id, 'effective_on', v_day,
            'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = v_from.employer_id)
        ))::public.history_entry]);
END
$$;

-- What staff decided about a claimed match: `linked` by two of them transfers the card, `refused` leaves everything as it is.
-- Returns the other participant when their history grew too.
CREATE FUNCTION decide_match(
    p_participant_id uuid, p_case_id uuid, p_transfer_id uuid, p_decision text, p_reason text, p_staff text, p_second_staff text,
    p_event_id text, p_occurred_at timestamptz
) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    v_case public.cases;
    v_match public.possible_matches;
    v_cause_id uuid;
BEGIN
    SELECT m.* INTO v_match FROM public.cases AS c
    JOIN public.possible_matches AS m ON m.participant_id = c.participant_id AND m.match_id = c.match_id
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id;
    PERFORM FROM public.participant_heads AS h
    WHERE h.participant_id IN (p_participant_id, v_match.other_participant_id)
    ORDER BY h.participant_id FOR UPDATE;
    SELECT * INTO v_case FROM public.cases AS c
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id FOR UPDATE;
    IF v_case.state IS DISTINCT FROM 'open' OR v_case.kind <> 'match' OR p_decision IS NULL
        OR p_decision NOT IN ('linked', 'refused')
    THEN
        PERFORM public.refuse('case_is_open', 'only an open case is decided, and once');
    END IF;

    v_cause_id := public.record_cause(p_participant_id, 'agency', p_staff, p_reason,
        p_event_id => p_event_id, p_occurred_at => p_occurred_at);
    UPDATE public.cases AS c SET state = 'decided', decision = p_decision, reason = p_reason, staff = p_staff,
        second_staff = p_second_staff, decided_at = public.current_instant(), cause_id = v_cause_id, xact = pg_current_xact_id()
    WHERE c.participant_id = p_participant_id AND c.case_id = p_case_id
    RETURNING * INTO v_case;
    UPDATE public.possible_matches AS m SET state = p_decision, closed_at = public.current_instant(), cause_id = v_cause_id
    WHERE m.participant_id = p_participant_id AND m.match_id = v_case.match_id
    RETURNING * INTO v_match;
    IF p_decision = 'refused' THEN
        PERFORM public.tell_of_match(v_match, 'possible_match_refused', '{}');
        RETURN NULL;
    END IF;
    PERFORM public.transfer_card(v_match, p_transfer_id, v_case);
    RETURN v_match.other_participant_id;
END
$$;

-- A number gets another owner, and a card leaves or comes back, only inside the transfer that is recorded with it.
CREATE FUNCTION guard_card_number() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF new.kpj <> old.kpj OR NOT EXISTS (
        SELECT FROM public.card_transfers AS t
        WHERE t.participant_id = old.participant_id AND t.card_id = old.card_id AND t.kpj = old.kpj AND t.direction = 'out'
            AND t.other_participant_id = new.participant_id AND t.other_card_id = new.card_id AND t.xact = pg_current_xact_id())
    THEN
        PERFORM public.refuse('card_numbers_are_kept', 'UPDATE on card_numbers is refused: card_numbers_are_kept');
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION guard_card_transfer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.card_transfers AS t
        WHERE t.participant_id = new.participant_id AND t.card_id = new.card_id AND t.xact = pg_current_xact_id()
            AND CASE t.direction WHEN 'out' THEN new.transfer_id = t.transfer_id ELSE new.transfer_id IS NULL END)
    THEN
        PERFORM public.refuse('card_goes_by_recorded_transfer', format('card %s is not being transferred', new.card_id));
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION stamp_transfer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    new.xact := pg_current_xact_id();
    RETURN new;
END
$$;

-- Looked at once more when the transaction commits: the card stands at one of the two, whole, and its number says so.
CREATE FUNCTION check_transfer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.card_transfers AS back
        WHERE back.participant_id = new.other_participant_id AND back.transfer_id = new.transfer_id
            AND back.direction <> new.direction AND back.card_id = new.other_card_id AND back.other_card_id = new.card_id
            AND back.other_participant_id = new.participant_id AND back.kpj = new.kpj
            AND back.amount IS NOT DISTINCT FROM new.amount
    ) OR NOT EXISTS (
        SELECT FROM public.cards AS k
        LEFT JOIN public.card_numbers AS n ON n.kpj = k.kpj AND n.participant_id = k.participant_id AND n.card_id = k.card_id
        WHERE k.participant_id = new.participant_id AND k.card_id = new.card_id AND k.kpj = new.kpj
            AND CASE new.direction
                WHEN 'out' THEN k.transfer_id = new.transfer_id AND n.kpj IS NULL
                ELSE k.transfer_id IS NULL AND n.kpj IS NOT NULL END
    ) OR (SELECT coalesce(sum(e.amount), 0) FROM public.ledger_entries AS e
        WHERE e.participant_id = new.participant_id AND e.transfer_id = new.transfer_id)
        <> (CASE new.direction WHEN 'out' THEN -1 ELSE 1 END) * coalesce(new.amount, 0)
    THEN
        PERFORM public.refuse('transfer_moves_the_whole_card', format('transfer %s did not move the whole card', new.transfer_id));
    END IF;
    RETURN NULL;
END
$$;

GRANT EXECUTE ON FUNCTION suggest_match(uuid, uuid, uuid, uuid, text, smallint, smallint, text, text) TO sepakat_worker;
GRANT EXECUTE ON FUNCTION disown_match(uuid, uuid, text), claim_match(uuid, uuid, uuid, text, uuid[]),
    keep_document(uuid, uuid, text, bytea, integer, text) TO sepakat_api;
GRANT EXECUTE ON FUNCTION decide_match(uuid, uuid, uuid, text, text, text, text, text, timestamptz) TO sepakat_feed;
GRANT EXECUTE ON FUNCTION queue_for_matching(), guard_card_number(), guard_card_transfer(), stamp_transfer(), check_transfer()
    TO sepakat_owner;
RESET ROLE;
SET LOCAL ROLE sepakat_owner;

CREATE TRIGGER participant_is_queued_for_matching AFTER INSERT OR UPDATE OF nik, name, birth_date ON participants
    FOR EACH ROW EXECUTE FUNCTION queue_for_matching();
CREATE TRIGGER card_is_queued_for_matching AFTER INSERT ON cards FOR EACH ROW EXECUTE FUNCTION queue_for_matching();
CREATE TRIGGER card_number_changes_its_owner AFTER UPDATE ON card_numbers FOR EACH ROW EXECUTE FUNCTION guard_card_number();
CREATE TRIGGER opened_card_is_not_gone AFTER INSERT ON cards
    FOR EACH ROW WHEN (new.transferred_at IS NOT NULL) EXECUTE FUNCTION refuse_statement('card_goes_by_recorded_transfer');
CREATE TRIGGER card_goes_by_recorded_transfer AFTER UPDATE ON cards
    FOR EACH ROW WHEN ((old.transferred_at, old.transfer_id) IS DISTINCT FROM (new.transferred_at, new.transfer_id))
    EXECUTE FUNCTION guard_card_transfer();
CREATE TRIGGER transfer_is_stamped BEFORE INSERT ON card_transfers FOR EACH ROW EXECUTE FUNCTION stamp_transfer();
CREATE CONSTRAINT TRIGGER transfer_moves_the_whole_card AFTER INSERT ON card_transfers DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION check_transfer();
ALTER TABLE card_numbers ENABLE ALWAYS TRIGGER card_number_changes_its_owner;
ALTER TABLE cards ENABLE ALWAYS TRIGGER opened_card_is_not_gone;
ALTER TABLE cards ENABLE ALWAYS TRIGGER card_goes_by_recorded_transfer;
ALTER TABLE card_transfers ENABLE ALWAYS TRIGGER transfer_is_stamped;
ALTER TABLE card_transfers ENABLE ALWAYS TRIGGER transfer_moves_the_whole_card;
RESET ROLE;
