-- look: what there is for each stream ($1 participants, $2 sessions, $3 after which seq, $4 entries at most), at its place in
-- the arrays; none when the session is over, one without an entry when there is no news
SELECT
    place,
    participant_id,
    locale,
    now,
    head,
    read_up_to,
    seq,
    kind,
    reach,
    severity,
    wording,
    data,
    merge_id,
    cause_id,
    occurred_at,
    hash,
    origin,
    actor,
    reason,
    read,
    acknowledged,
    explained_by
FROM look_for_streams($1, $2, $3, $4);
