-- lock: nothing of this participant changes until the export is written
SELECT lock_participant($1);

-- participant: who they are
SELECT
    participant_id,
    nik_sealed,
    name,
    birth_date,
    phone_sealed,
    phone_since,
    email_sealed,
    locale,
    time_zone,
    registered_at,
    deceased_on
FROM participants
WHERE participant_id = $1;

-- head: the newest entry of the history
SELECT
    seq,
    hash
FROM participant_heads
WHERE participant_id = $1;

-- cards: every card, as it stands now
SELECT
    card_id,
    kpj,
    status,
    segment,
    employer_id,
    programmes,
    opened_on,
    closed_on,
    lifecycle,
    claim_id,
    merge_mark,
    merge_id,
    merged_into,
    merged_at,
    merged_via,
    frozen_at,
    locked_at,
    balance,
    entries,
    last_contribution_month,
    last_contribution_amount
FROM cards
WHERE participant_id = $1
ORDER BY kpj;

-- employers: those that stand on a card or in the ledger
SELECT
    employer_id,
    name
FROM employers
WHERE
    employer_id IN (SELECT k.employer_id FROM cards AS k WHERE k.participant_id = $1)
    OR employer_id IN (SELECT l.employer_id FROM ledger_entries AS l WHERE l.participant_id = $1)
ORDER BY employer_id;

-- ledger: every entry of every card
SELECT
    card_id,
    number,
    entry_id,
    kind,
    amount,
    balance_after,
    effective_on,
    recorded_at,
    employer_id,
    month,
    year,
    received_for_kpj,
    transfer_id,
    source_event,
    cause_id
FROM ledger_entries
WHERE participant_id = $1
ORDER BY card_id, number
LIMIT $2;

-- claims: every claim
SELECT
    claim_id,
    card_id,
    kind,
    amount,
    state,
    opened_on,
    paid_on
FROM claims
WHERE participant_id = $1
ORDER BY claim_id;

-- history: every entry with what it committed to; salt and data are null once erased
SELECT
    h.seq,
    h.kind,
    h.card_id,
    h.merge_id,
    h.cause_id,
    h.occurred_at,
    h.recorded_at,
    h.wording,
    d.salt,
    d.data,
    h.commitment,
    h.hash
FROM history AS h
LEFT JOIN history_data AS d ON h.participant_id = d.participant_id AND h.seq = d.seq
WHERE h.participant_id = $1
ORDER BY h.seq
LIMIT $2;

-- announcements: those that reached them, each text as its canonical form, by the entry that names its digest
SELECT
    t.seq,
    t.announcement_id,
    a.severity,
    convert_from(a.canonical, 'UTF8') AS canonical,
    a.text_sha256,
    a.published_at
FROM announced AS t
INNER JOIN announcements AS a ON t.announcement_id = a.announcement_id
WHERE t.participant_id = $1 AND t.seq IS NOT NULL
ORDER BY t.seq
LIMIT $2;

-- causes: who did each thing, and why
SELECT
    cause_id,
    origin,
    actor,
    reason,
    merge_id,
    event_id,
    bulk,
    occurred_at,
    recorded_at,
    database_role
FROM causes
WHERE participant_id = $1
ORDER BY cause_id
LIMIT $2;

-- merges: every merge, in whatever state
SELECT
    merge_id,
    state,
    proposed_by,
    reason,
    absorb,
    into_card,
    plan_digest,
    plan_expires_at,
    proposed_at,
    expires_at,
    confirmation_id,
    confirmed_at,
    executes_at,
    executed_at,
    undo_until,
    closed_at,
    closed_because,
    core,
    last_refusal,
    reported,
    cause_id
FROM merges
WHERE participant_id = $1
ORDER BY proposed_at, merge_id;

-- open_merge_cards: the cards that stand in an open merge now
SELECT
    card_id,
    merge_id
FROM open_merge_cards
WHERE participant_id = $1
ORDER BY card_id;

-- plans: every plan that was ever shown, as its canonical text
SELECT
    merge_id,
    plan_digest,
    action,
    convert_from(canonical, 'UTF8') AS canonical,
    made_at
FROM merge_plans
WHERE participant_id = $1
ORDER BY made_at, merge_id, plan_digest
LIMIT $2;

-- confirmations: every statement that was signed, as its bytes, and its proof
SELECT
    confirmation_id,
    merge_id,
    action,
    plan_digest,
    acknowledged,
    device_id,
    passkey_id,
    nonce,
    convert_from(statement, 'UTF8') AS statement,
    proof,
    confirmed_at
FROM confirmations
WHERE participant_id = $1
ORDER BY confirmed_at, confirmation_id;

-- executions: every confirmation that was carried out, and every reversal
SELECT
    merge_id,
    action,
    plan_digest,
    confirmation_id,
    executed_at
FROM merge_executions
WHERE participant_id = $1
ORDER BY executed_at, merge_id, action;

-- devices: every key that could ever speak for them
SELECT
    device_id,
    name,
    platform,
    public_key,
    added_at,
    vouched_by,
    hold_until,
    removed_at,
    cause_id
FROM devices
WHERE participant_id = $1
ORDER BY added_at, device_id;

-- passkeys: every passkey that could ever speak for them, and what was signed to add it
SELECT
    passkey_id,
    name,
    credential_id,
    public_key,
    transports,
    synced,
    sign_count,
    added_at,
    last_used_at,
    vouched_by,
    nonce,
    convert_from(statement, 'UTF8') AS statement,
    proof,
    hold_until,
    removed_at,
    cause_id
FROM passkeys
WHERE participant_id = $1
ORDER BY added_at, passkey_id;

-- quiet_hours: when pushes wait, by the clock where they live
SELECT
    to_char(starts_at, 'HH24:MI') AS starts_at,
    to_char(ends_at, 'HH24:MI') AS ends_at
FROM quiet_hours
WHERE participant_id = $1;

-- switched_off: what they do not want, by class and channel
SELECT
    class,
    channel
FROM switched_off
WHERE participant_id = $1
ORDER BY class, channel;

-- push_targets: where pushes go
SELECT
    device_id,
    kind,
    value,
    platform,
    locale,
    encryption_key,
    set_at,
    cleared_at,
    cleared_because
FROM push_targets
WHERE participant_id = $1
ORDER BY device_id;

-- sessions: where they were signed in
SELECT
    session_id,
    device_id,
    passkey_id,
    started_at,
    refreshed_at,
    refresh_expires_at,
    ended_at,
    ended_because
FROM sessions
WHERE participant_id = $1
ORDER BY started_at, session_id
LIMIT $2;

-- enrolments: phones that asked to be added, as long as they are kept
SELECT
    enrolment_id,
    device_id,
    device_name,
    platform,
    asked_at,
    expires_at,
    tries,
    verified_at,
    code_sent_at
FROM enrolments
WHERE participant_id = $1
ORDER BY asked_at, enrolment_id
LIMIT $2;

-- contact_changes: contacts that were to change, masked, and what was signed to ask for it
SELECT
    change_id,
    channel,
    masked,
    key_id,
    nonce,
    convert_from(statement, 'UTF8') AS statement,
    proof,
    asked_at,
    expires_at,
    tries,
    state,
    closed_at,
    cause_id
FROM contact_changes
WHERE participant_id = $1
ORDER BY asked_at, change_id
LIMIT $2;

-- contact_messages: codes that went to new contacts and notices that went to old ones, and what came of them
SELECT
    message_id,
    what,
    channel,
    expires_at,
    state,
    code,
    attempts,
    ended_at,
    cause_id
FROM contact_messages
WHERE participant_id = $1
ORDER BY what, message_id
LIMIT $2;

-- code_tries: how often a code was tried, by day
SELECT
    day,
    tries
FROM code_tries
WHERE participant_id = $1
ORDER BY day;

-- deliveries: what was sent to which phone, and what came of it
SELECT
    cause_id,
    device_id,
    delivery_id,
    up_to_seq,
    state,
    code,
    attempts,
    message_id,
    first_tried_at,
    last_tried_at
FROM deliveries
WHERE participant_id = $1
ORDER BY first_tried_at, delivery_id
LIMIT $2;

-- climbs: which mail and SMS followed, when each was due, and what came of it
SELECT
    cause_id,
    channel,
    step,
    seqs,
    due_at,
    state,
    code,
    attempts,
    message_id,
    ended_at
FROM climbs
WHERE participant_id = $1
ORDER BY cause_id, step
LIMIT $2;

-- arrivals: which entry arrived on which phone
SELECT
    seq,
    device_id,
    received_at
FROM receipts
WHERE participant_id = $1
ORDER BY seq, device_id
LIMIT $2;

-- acknowledgements: which entry was acknowledged
SELECT
    seq,
    device_id,
    acknowledged_at
FROM acknowledgements
WHERE participant_id = $1
ORDER BY seq
LIMIT $2;

-- read_up_to: how far the inbox was read
SELECT read_up_to
FROM inbox_pointers
WHERE participant_id = $1;

-- undo_splits: which part of which entry went back to which card
SELECT
    merge_id,
    entry_id,
    from_card,
    to_card,
    amount,
    rule
FROM undo_splits
WHERE participant_id = $1
ORDER BY merge_id, entry_id, to_card
LIMIT $2;

-- reversed_contributions: which contribution was taken back by which entry
SELECT
    entry_id,
    reversal_entry_id,
    card_id,
    effective_on,
    recorded_at,
    cause_id
FROM reversed_contributions
WHERE participant_id = $1
ORDER BY recorded_at, entry_id
LIMIT $2;

-- balance_comparisons: what the core last told of each card's balance, and how it compared
SELECT
    card_id,
    as_of,
    theirs,
    ours,
    status,
    outcome,
    compared_at
FROM balance_comparisons
WHERE participant_id = $1
ORDER BY card_id;

-- never_suggested: pairs of cards whose merge is never suggested again
SELECT
    card_id,
    other_card_id,
    merge_id,
    said_at,
    cause_id
FROM never_suggested_pairs
WHERE participant_id = $1
ORDER BY card_id, other_card_id;

-- branch_codes: codes that staff at a branch handed out to them, without the codes themselves
SELECT
    code_id,
    branch,
    for_heirs,
    issued_at,
    expires_at,
    replaced_at,
    used_at,
    used_for,
    used_by,
    cause_id
FROM branch_codes
WHERE participant_id = $1
ORDER BY issued_at, code_id;

-- branch_code_tries: how often a branch code was tried, by phone and day
SELECT
    device_id,
    day,
    tries
FROM branch_code_tries
WHERE participant_id = $1
ORDER BY day, device_id;

-- consent_choices: every choice about processing, as it was made
SELECT
    purpose,
    chosen_at,
    choice,
    wording,
    cause_id
FROM consent_choices
WHERE participant_id = $1
ORDER BY chosen_at, cause_id
LIMIT $2;

-- stopped_cards: cards that STOP holds frozen
SELECT
    card_id,
    stopped_at
FROM stopped_cards
WHERE participant_id = $1
ORDER BY card_id;

-- unlocks: every statement that was signed to lift a lock or a freeze, as its bytes, and its proof
SELECT
    subject_id,
    device_id,
    passkey_id,
    nonce,
    convert_from(statement, 'UTF8') AS statement,
    proof,
    proven_at,
    cause_id
FROM unlock_proofs
WHERE participant_id = $1
ORDER BY proven_at, nonce;

-- cases: disputes, possible matches that were claimed, refusals by the core, balances that differ; and what was decided
SELECT
    case_id,
    kind,
    merge_id,
    match_id,
    card_id,
    figures,
    statement,
    opened_at,
    due_at,
    state,
    decision,
    reason,
    staff,
    second_staff,
    decided_at,
    cause_id
FROM cases
WHERE participant_id = $1
ORDER BY opened_at, case_id;

-- corrections: what they said is wrong about them, and what it should be
SELECT
    case_id,
    field,
    wanted_sealed
FROM corrections
WHERE participant_id = $1
ORDER BY case_id;

-- overdue_cases: cases that were not decided in time, and when that was told
SELECT
    case_id,
    told_at,
    cause_id
FROM overdue_cases
WHERE participant_id = $1
ORDER BY told_at, case_id;

-- unanswered_merges: waits for the core's answer to a merge that became long, since when, and when that was told
SELECT
    merge_id,
    since,
    told_at,
    cause_id
FROM unanswered_merges
WHERE participant_id = $1
ORDER BY told_at, merge_id;

-- possible_matches: cards that may be theirs, as they are shown
SELECT
    match_id,
    employer_id,
    from_year,
    to_year,
    rule,
    rules_version,
    found_at,
    state,
    case_id,
    closed_at
FROM possible_matches
WHERE participant_id = $1
ORDER BY found_at, match_id;

-- documents: evidence that was handed in; the files themselves lie in the document store
SELECT
    document_id,
    about,
    subject_id,
    kind,
    begun_at,
    discarded_at,
    stored_at,
    media_type,
    sha256,
    bytes,
    cause_id
FROM documents
WHERE participant_id = $1
ORDER BY begun_at, document_id;

-- transfers: cards that came from, or went to, another participant, who is not named
SELECT
    transfer_id,
    direction,
    card_id,
    kpj,
    amount,
    case_id,
    rules_version,
    reason,
    recorded_at,
    cause_id
FROM card_transfers
WHERE participant_id = $1
ORDER BY recorded_at, transfer_id;

-- access_log: who of the agency's staff looked at what, and what for
SELECT
    look_id,
    looked_at,
    what,
    purpose,
    case_id,
    code_id,
    document_id,
    staff_role,
    shown_as
FROM access_log
WHERE participant_id = $1
ORDER BY look_id
LIMIT $2;

-- support_codes: codes that let staff look, without the codes
SELECT
    code_id,
    made_at,
    expires_at,
    used_at,
    view_until,
    cause_id
FROM support_codes
WHERE participant_id = $1
ORDER BY made_at, code_id
LIMIT $2;

-- case_proposals: what staff would have decided, and who agreed
SELECT
    case_id,
    proposal_id,
    decision,
    reason,
    staff_role,
    shown_as,
    proposed_at,
    state,
    second_role,
    second_shown_as,
    closed_at
FROM case_proposals
WHERE participant_id = $1
ORDER BY proposal_id
LIMIT $2;

-- freeze_proposals: the freezes by staff, and who agreed
SELECT
    proposal_id,
    act,
    reason,
    staff_role,
    shown_as,
    proposed_at,
    state,
    second_role,
    second_shown_as,
    closed_at
FROM freeze_proposals
WHERE participant_id = $1
ORDER BY proposal_id
LIMIT $2;
