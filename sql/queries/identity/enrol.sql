-- ask: nothing; participant_id stays NULL unless all that was said is true of one living person. The device will have
-- the enrolment's id: a phone that never saw the answer to its verification can sign in with its key all the same.
INSERT INTO enrolments
(enrolment_id, participant_id, device_id, device_name, platform, public_key, asked_at, expires_at)
VALUES (
    $1,
    (
        SELECT p.participant_id
        FROM participant_numbers AS n
        INNER JOIN card_numbers AS c ON n.participant_id = c.participant_id
        INNER JOIN participants AS p ON n.participant_id = p.participant_id
        WHERE n.nik_hash = $2 AND c.kpj = $3 AND p.birth_date = $4 AND p.deceased_on IS NULL
    ),
    $1, $5, $6, $7, $8, $9
);
