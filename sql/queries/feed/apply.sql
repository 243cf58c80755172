-- find_participant: participant_id and lane of an identity number, by its hash
SELECT
    participant_id,
    lane_of(participant_id) AS lane
FROM participant_numbers
WHERE nik_hash = $1;

-- find_owners: whose these card numbers are
SELECT
    n.kpj,
    n.card_id,
    n.participant_id,
    p.nik_sealed,
    lane_of(n.participant_id) AS lane
FROM card_numbers AS n
INNER JOIN participants AS p ON n.participant_id = p.participant_id
WHERE n.kpj = any($1::text[]);

-- lock_participant: nothing; the participant's head, until the transaction ends
SELECT lock_participant($1);

-- record_cause: cause_id
SELECT record_cause($1, $2, 'core', $3, $4, $5, $6);

-- record_bulk_cause: cause_id, of one among many
SELECT record_cause($1, $2, 'core', $3, $4, $5, $6, true);

-- read_card: a card as it stands, with the card that its money goes to
SELECT
    k.card_id,
    k.kpj,
    k.lifecycle,
    k.closed_on,
    k.claim_id,
    k.merge_mark,
    living.card_id AS living_card_id,
    living.kpj AS living_kpj,
    living.balance AS living_balance
FROM cards AS k
INNER JOIN cards AS living
    ON
        k.participant_id = living.participant_id
        AND living.card_id = CASE WHEN k.merge_mark = 'merged' THEN k.merged_into ELSE k.card_id END
WHERE k.participant_id = $1 AND k.card_id = $2;

-- joined_cards: a card, and after it those that the core merged into it without consent, as they stand
SELECT
    card_id,
    balance
FROM cards
WHERE
    participant_id = $1 AND balance IS NOT NULL
    AND (card_id = $2 OR (merge_mark = 'merged_without_consent' AND merged_into = $2))
ORDER BY card_id <> $2, kpj;

-- register_participant: whether it is new, and the lane
SELECT
    register_participant($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, NULL, 'core', 'core', $11, $12) AS is_new,
    lane_of($1) AS lane;

-- add_employer: nothing; an employer that is there keeps its name
INSERT INTO employers (employer_id, name)
VALUES ($1, $2)
ON CONFLICT (employer_id) DO NOTHING;

-- employer_name: the name of an employer; nothing when it is not known
SELECT name
FROM employers
WHERE employer_id = $1;

-- open_cards: nothing
SELECT
    open_cards(
        array(SELECT c FROM jsonb_populate_recordset(NULL::card_opening, $1) AS c),
        array(SELECT e FROM jsonb_populate_recordset(NULL::card_change, $2) AS e)
    );

-- apply_changes: nothing
SELECT apply_changes(array(SELECT c FROM jsonb_populate_recordset(NULL::card_change, $1) AS c));

-- reverse_contribution: nothing
SELECT reverse_contribution($1, $2, $3, $4, $5, $6, $7);
