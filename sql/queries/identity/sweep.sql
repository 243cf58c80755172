-- challenges: how many were deleted, expired for 24 hours
WITH gone AS (
    DELETE FROM challenges
    WHERE
        nonce IN (
            SELECT c.nonce
            FROM challenges AS c
            WHERE c.expires_at < current_instant() - interval '1 day'
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- enrolments: how many were deleted, expired for 24 hours; the devices they led to stay
WITH gone AS (
    DELETE FROM enrolments
    WHERE
        enrolment_id IN (
            SELECT e.enrolment_id
            FROM enrolments AS e
            WHERE e.expires_at < current_instant() - interval '1 day'
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- contact_changes: how many that came to nothing were deleted, expired for 24 hours
WITH gone AS (
    DELETE FROM contact_changes
    WHERE
        (participant_id, change_id) IN (
            SELECT
                c.participant_id,
                c.change_id
            FROM contact_changes AS c
            WHERE c.state <> 'applied' AND c.expires_at < current_instant() - interval '1 day'
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- contact_codes: how many messages with a code were deleted, expired for 24 hours; notices to old contacts stay
WITH gone AS (
    DELETE FROM contact_messages
    WHERE
        (participant_id, message_id) IN (
            SELECT
                m.participant_id,
                m.message_id
            FROM contact_messages AS m
            WHERE m.what = 'code' AND m.expires_at < current_instant() - interval '1 day'
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- code_tries: how many were deleted, of days before yesterday
WITH gone AS (
    DELETE FROM code_tries
    WHERE
        (participant_id, day) IN (
            SELECT
                t.participant_id,
                t.day
            FROM code_tries AS t
            WHERE t.day < jakarta_day(current_instant()) - 1
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- idempotency_keys: how many were deleted, kept for 24 hours of real time
WITH gone AS (
    DELETE FROM idempotency_keys
    WHERE
        (participant_id, request) IN (
            SELECT
                k.participant_id,
                k.request
            FROM idempotency_keys AS k
            WHERE k.kept_at < now() - interval '1 day'
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- stop_tokens: how many were deleted, expired for 24 hours
WITH gone AS (
    DELETE FROM stop_tokens
    WHERE
        token_hash IN (
            SELECT s.token_hash
            FROM stop_tokens AS s
            WHERE s.expires_at < current_instant() - interval '1 day'
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- branch_code_tries: how many were deleted, of days before yesterday
WITH gone AS (
    DELETE FROM branch_code_tries
    WHERE
        (participant_id, device_id, day) IN (
            SELECT
                t.participant_id,
                t.device_id,
                t.day
            FROM branch_code_tries AS t
            WHERE t.day < jakarta_day(current_instant()) - 1
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- code_failures: how many were deleted, of a week ago
WITH gone AS (
    DELETE FROM code_failures
    WHERE
        (minute, kind, slot) IN (
            SELECT
                f.minute,
                f.kind,
                f.slot
            FROM code_failures AS f
            WHERE f.minute < current_instant() - interval '7 days'
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;

-- sessions: how many were deleted, over for 90 days
WITH gone AS (
    DELETE FROM sessions
    WHERE
        (participant_id, session_id) IN (
            SELECT
                s.participant_id,
                s.session_id
            FROM sessions AS s
            WHERE least(s.ended_at, s.refresh_expires_at) < current_instant() - interval '90 days'
            LIMIT $1
        )
    RETURNING TRUE
)

SELECT count(*) FROM gone;
