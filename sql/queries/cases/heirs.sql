-- find_deceased: participant_id and lane of an identity number, by its hash; from here on the transaction is this participant's
SELECT
    participant_id,
    lane
FROM enter_by_number($1);

-- open: whether the code was right; nothing is written when it was not
SELECT open_heir_case($1, $2, $3, $4, $5, $6);

-- show: the clock of an heir's case and its answer
SELECT
    state,
    opened_at,
    due_at,
    decision,
    reason,
    decided_at
FROM find_heir_case($1);
