-- ask: nothing; participant_id stays NULL unless all that was said is true of one living person. The device will have
-- the enrolment's id: a phone that never saw the answer to its verification can sign in with its key all the same.
-- Where a living key can answer, the code waits for $10, until that phone was asked.
WITH person AS (
    SELECT
        p.participant_id,
        EXISTS (
            SELECT FROM keys AS k
            WHERE
                k.participant_id = p.participant_id AND k.removed_at IS NULL
                AND (k.hold_until IS NULL OR k.hold_until <= $8)
        ) AND $10::interval > '0' AS asks_phone
    FROM participant_numbers AS n
    INNER JOIN card_numbers AS c ON n.participant_id = c.participant_id
    INNER JOIN participants AS p ON n.participant_id = p.participant_id
    WHERE n.nik_hash = $2 AND c.kpj = $3 AND p.birth_date = $4 AND p.deceased_on IS NULL
),

asked AS (
    SELECT
        person.participant_id,
        coalesce(person.asks_phone, FALSE) AS asks_phone,
        $8::timestamptz + CASE WHEN person.asks_phone THEN $10 ELSE '0'::interval END AS code_from
    FROM (SELECT TRUE) AS everybody
    LEFT JOIN person ON TRUE
)

INSERT INTO enrolments
(
    enrolment_id, participant_id, device_id, device_name, platform, public_key, asked_at, expires_at,
    asks_phone, code_from, code_until
)
SELECT
    $1 AS enrolment_id,
    asked.participant_id,
    $1 AS device_id,
    $5 AS device_name,
    $6 AS platform,
    $7 AS public_key,
    $8 AS asked_at,
    $9 AS expires_at,
    asked.asks_phone,
    asked.code_from,
    asked.code_from + $11::interval AS code_until
FROM asked;
