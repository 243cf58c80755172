-- head: the seq of the participant's newest entry, and how far is read
SELECT
    h.seq,
    coalesce(p.read_up_to, 0) AS read_up_to
FROM participant_heads AS h
LEFT JOIN inbox_pointers AS p ON h.participant_id = p.participant_id
WHERE h.participant_id = $1;
