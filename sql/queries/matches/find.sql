-- queued: participants whose identity is to be looked at, with it, longest waiting first
SELECT
    q.participant_id,
    q.queued_at,
    p.nik_sealed,
    p.name,
    p.birth_date,
    p.deceased_on IS NULL AND NOT objects_to(p.participant_id, 'possible_matches') AS looking
FROM match_queue AS q
INNER JOIN participants AS p ON q.participant_id = p.participant_id
ORDER BY q.queued_at, q.participant_id
LIMIT $1;

-- forget_keys: nothing; keys that these participants had and that their identity no longer gives
DELETE FROM match_keys
WHERE participant_id = any($1::uuid[]) AND key <> all($2::bytea[]);

-- keep_keys: nothing
INSERT INTO match_keys (key, participant_id)
SELECT
    k.key,
    k.participant_id
FROM unnest($1::bytea[], $2::uuid[]) AS k (key, participant_id)
ON CONFLICT (key, participant_id) DO NOTHING;

-- candidates: others who are found under the keys that somebody looks for
SELECT DISTINCT
    looking.participant_id AS looking,
    p.participant_id,
    p.nik_sealed,
    p.name,
    p.birth_date
FROM unnest($1::bytea[], $2::uuid[]) AS looking (key, participant_id)
INNER JOIN match_keys AS k ON looking.key = k.key AND looking.participant_id <> k.participant_id
INNER JOIN participants AS p ON k.participant_id = p.participant_id
WHERE p.deceased_on IS NULL;

-- cards: what could be somebody else's among the cards of a participant: employer and years
SELECT
    k.card_id,
    k.employer_id,
    extract(YEAR FROM k.opened_on)::smallint AS from_year,
    extract(YEAR FROM k.closed_on)::smallint AS to_year
FROM cards AS k
WHERE k.participant_id = $1 AND k.transferred_at IS NULL AND k.merge_mark IS NULL
ORDER BY k.kpj;

-- suggest: whether this was not suggested before, and the lane; nothing for somebody who objects to being suggested cards
SELECT
    suggest_match($1, $2, $3, $4, $5, $6, $7, $8, $9) AS is_new,
    lane_of($1) AS lane
WHERE NOT objects_to($1, 'possible_matches');

-- done: nothing; somebody queued anew meanwhile stays
DELETE FROM match_queue AS q
USING unnest($1::uuid[], $2::timestamptz[]) AS looked (participant_id, queued_at)
WHERE q.participant_id = looked.participant_id AND q.queued_at = looked.queued_at;
