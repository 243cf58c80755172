-- lock: whether this session is now the only reconciliation
SELECT pg_try_advisory_lock(hashtext('sepakat reconcile'));

-- unlock: whether it was
SELECT pg_advisory_unlock(hashtext('sepakat reconcile'));

-- now: the instant on the one clock, and its day in Jakarta
SELECT
    current_instant() AS instant,
    jakarta_day(current_instant()) AS today;

-- forget: nothing; the lines of the run before are gone
TRUNCATE reconciled_cards;

-- mark_doubles: nothing; a card that stands twice in the file is compared with neither figure
UPDATE reconciled_cards
SET outcome = 'stands_twice'
WHERE kpj IN (SELECT d.kpj FROM reconciled_cards AS d GROUP BY d.kpj HAVING count(*) > 1);

-- last_line: the number of the last line, or 0
SELECT coalesce(max(line), 0) FROM reconciled_cards;

-- count_shares: how many cards the file has, and how many have savings here
SELECT
    (SELECT count(*) FROM reconciled_cards) AS in_file,
    (SELECT count(*) FROM cards AS k WHERE k.balance > 0 AND k.transferred_at IS NULL) AS here;

-- agree: nothing; what agrees among the lines $1 to $2, of day $3
SELECT reconcile_agreeing($1, $2, $3);

-- open: up to $2 lines behind the line $1 that are to be compared one by one, and when that is
SELECT
    line,
    kpj,
    theirs,
    status,
    current_instant() AS today
FROM reconciled_cards
WHERE outcome IS NULL AND line > $1
ORDER BY line
LIMIT $2;

-- settle: nothing; what came of lines ($1) and of each ($2)
UPDATE reconciled_cards AS r
SET outcome = done.outcome
FROM unnest($1::bigint[], $2::text[]) AS done (line, outcome)
WHERE r.line = done.line;

-- add_missing: how many cards with savings the file does not have; each stands behind its last line ($1) from now on, as holding
-- nothing, with the outcome $2
WITH missing AS (
    INSERT INTO reconciled_cards (line, kpj, theirs, status, outcome)
    SELECT
        $1 + row_number() OVER (ORDER BY k.participant_id, k.kpj),
        k.kpj,
        0,
        k.lifecycle,
        $2
    FROM cards AS k
    WHERE
        k.balance > 0 AND k.transferred_at IS NULL
        AND NOT EXISTS (SELECT FROM reconciled_cards AS r WHERE r.kpj = k.kpj)
    RETURNING TRUE
)

SELECT count(*) FROM missing;

-- report: by outcome how many cards of the file, the sum of their figures, and of ours: when compared, else now
SELECT
    coalesce(r.outcome, 'not_compared') AS outcome,
    count(*) AS cards,
    sum(r.theirs)::bigint AS theirs,
    coalesce(
        sum(CASE WHEN r.outcome IN ('agrees', 'explained', 'differs') THEN b.ours ELSE k.balance END), 0
    )::bigint AS ours
FROM reconciled_cards AS r
LEFT JOIN card_numbers AS n ON r.kpj = n.kpj
LEFT JOIN cards AS k ON n.participant_id = k.participant_id AND n.card_id = k.card_id
LEFT JOIN balance_comparisons AS b ON n.participant_id = b.participant_id AND n.card_id = b.card_id
GROUP BY coalesce(r.outcome, 'not_compared')
ORDER BY outcome;

-- others: the lines that do not agree, behind the line $1, up to $2 of them
SELECT
    r.line,
    r.kpj,
    r.theirs,
    CASE WHEN r.outcome IN ('explained', 'differs') THEN b.ours ELSE k.balance END AS ours,
    coalesce(r.outcome, 'not_compared') AS outcome
FROM reconciled_cards AS r
LEFT JOIN card_numbers AS n ON r.kpj = n.kpj
LEFT JOIN cards AS k ON n.participant_id = k.participant_id AND n.card_id = k.card_id
LEFT JOIN balance_comparisons AS b ON n.participant_id = b.participant_id AND n.card_id = b.card_id
WHERE r.line > $1 AND r.outcome IS DISTINCT FROM 'agrees'
ORDER BY r.line
LIMIT $2;

-- keep: nothing
INSERT INTO reconciliations (run_id, file_sha256, as_of, started_at, ended_at, report)
VALUES ($1, $2, $3, $4, current_instant(), $5);
