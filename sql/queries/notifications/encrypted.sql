-- shown: these entries as the inbox shows them, given by participant and seq
SELECT
    e.participant_id,
    e.seq,
    e.kind,
    e.reach,
    e.severity,
    e.wording,
    e.data,
    e.merge_id,
    e.cause_id,
    e.occurred_at,
    e.hash,
    e.origin,
    e.actor,
    e.reason,
    e.read,
    e.acknowledged,
    explained_by(e.participant_id, e.kind, e.occurred_at, e.event_id, e.merge_id) AS explained_by
FROM unnest($1::uuid[], $2::bigint[]) AS wanted (participant_id, seq)
INNER JOIN shown_entries AS e ON wanted.participant_id = e.participant_id AND wanted.seq = e.seq;
