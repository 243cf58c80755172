-- orphans: uploads that never ended, given up from here on: nothing can store them any more
UPDATE documents
SET discarded_at = now()
WHERE
    (participant_id, document_id) IN (
        SELECT
            d.participant_id,
            d.document_id
        FROM documents AS d
        WHERE d.stored_at IS NULL AND d.begun_at < now() - interval '1 hour'
        LIMIT $1
    )
RETURNING participant_id, document_id;

-- forget: nothing
DELETE FROM documents
WHERE participant_id = $1 AND document_id = $2 AND discarded_at IS NOT NULL;
