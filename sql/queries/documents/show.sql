-- documents: what was stored about one match or merge of a participant, newest first; or the one with an id
SELECT
    document_id AS id,
    kind,
    media_type,
    bytes,
    encode(sha256, 'hex') AS sha256,
    stored_at
FROM documents
WHERE
    participant_id = $1 AND stored_at IS NOT NULL
    AND about = $2 AND subject_id = $3
    AND ($4::uuid IS NULL OR document_id = $4)
ORDER BY stored_at DESC, document_id DESC;
