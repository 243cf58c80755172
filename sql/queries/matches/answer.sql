-- lock: nothing; the participant's head, until the transaction ends
SELECT lock_participant($1);

-- disown: nothing
SELECT disown_match($1, $2, $3);

-- claim: until when the case is to be decided
SELECT claim_match($1, $2, $3, $4, $5::uuid[]);
