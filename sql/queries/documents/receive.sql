-- lock: nothing; the participant's head, until the transaction ends
SELECT lock_participant($1);

-- has_match: true when this possible match is the participant's
SELECT true AS found
FROM possible_matches
WHERE participant_id = $1 AND match_id = $2;

-- has_merge: true when this merge is the participant's
SELECT true AS found
FROM merges
WHERE participant_id = $1 AND merge_id = $2;

-- find: the upload with this Idempotency-Key, as far as it came
SELECT
    document_id,
    kind,
    body_sha256,
    stored_at IS NOT NULL AS stored,
    discarded_at IS NOT NULL AS discarded
FROM documents
WHERE participant_id = $1 AND about = $2 AND subject_id = $3 AND request_key = $4;

-- count: how many documents there are about something
SELECT count(*)
FROM documents
WHERE participant_id = $1 AND about = $2 AND subject_id = $3 AND discarded_at IS NULL;

-- begin: nothing
INSERT INTO documents (participant_id, document_id, about, subject_id, kind, request_key, body_sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7);

-- keep: since when it is stored
SELECT keep_document($1, $2, $3, $4, $5, $6);
