-- ask: nothing; participant_id stays NULL unless all that was said is true of one living person. The device will have
-- the enrolment's id: a phone that never saw the answer to its verification can sign in with its key all the same.
-- Where a living key can answer, the code waits for $10, until that phone was asked.
SELECT ask_enrolment($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
