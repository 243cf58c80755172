-- today: the day in Jakarta
SELECT jakarta_day(current_instant());

-- begin: nothing; a run of bulk posting that is being loaded, unless the name is taken
WITH run AS (
    -- as if a line had been taken in that no file has: so nobody loads a file into it
    INSERT INTO bulk_runs (name, kind, lines, content_hash)
    VALUES ($1, 'growth', 1, sha256('computed'))
    ON CONFLICT DO NOTHING
    RETURNING run_id
)

INSERT INTO growth_runs (run_id, year, weights, rates)
SELECT
    run_id,
    $2,
    $3,
    $4
FROM run;

-- run: a run by its name
SELECT
    r.run_id,
    r.state,
    r.rows,
    r.amount::bigint,
    r.posted,
    r.posted_amount::bigint,
    r.refused,
    r.refused_amount::bigint,
    g.year,
    g.rates,
    g.begun_at
FROM bulk_runs AS r
INNER JOIN growth_runs AS g ON r.run_id = g.run_id
WHERE r.name = $1;

-- hold: how far a run has been computed; held until the chunk is there
SELECT
    g.reached,
    g.year,
    g.weights
FROM growth_runs AS g
INNER JOIN bulk_runs AS r ON g.run_id = r.run_id
WHERE g.run_id = $1 AND r.state = 'loading'
FOR UPDATE OF g;

-- upto: the last of the next so many participants, null when there are none left
SELECT participant_id
FROM (SELECT participant_id FROM participant_heads WHERE participant_id > $1 ORDER BY participant_id LIMIT $2) AS next
ORDER BY participant_id DESC
LIMIT 1;

-- chunk: how many cards were looked at; what the participants after $2, up to $3, earned is staged and counted
WITH card AS MATERIALIZED (
    SELECT
        c.*,
        CASE
            WHEN c.credited IS NOT NULL THEN 'credited_already' WHEN c.amount = 0 THEN 'nothing_earned' ELSE 'staged'
        END AS outcome
    FROM growth_of($2, $3, $4, $5) AS c
),

staged AS (
    INSERT INTO bulk_rows (participant_id, run_id, line, card_id, event_id, amount, effective_on, year)
    SELECT
        c.participant_id,
        $1,
        r.rows + row_number() OVER (ORDER BY c.participant_id, c.kpj),
        c.card_id,
        'growth:' || $4 || ':' || c.kpj,
        c.amount,
        make_date($4, 12, 31),
        $4
    FROM card AS c
    CROSS JOIN (SELECT rows FROM bulk_runs WHERE run_id = $1) AS r
    WHERE c.outcome = 'staged'
    RETURNING amount
),

counted AS (
    UPDATE bulk_runs AS r SET
        rows = r.rows + s.rows,
        amount = r.amount + s.amount
    FROM (SELECT count(*) AS rows, coalesce(sum(amount), 0) AS amount FROM staged) AS s
    WHERE r.run_id = $1
),

told AS (
    INSERT INTO growth_totals AS t (
        run_id, outcome, segment, status, cards, amount, smallest, largest, parts, known_in_part, credited, differing
    )
    SELECT
        $1,
        c.outcome,
        c.segment,
        c.status,
        count(*),
        sum(c.amount),
        min(c.amount),
        max(c.amount),
        sum(c.parts),
        count(*) FILTER (WHERE c.known_since > make_date($4, 1, 1)),
        coalesce(sum(c.credited), 0),
        count(*) FILTER (WHERE c.credited <> c.amount)
    FROM card AS c
    GROUP BY c.outcome, c.segment, c.status
    ON CONFLICT (run_id, outcome, segment, status) DO UPDATE SET
        cards = t.cards + excluded.cards,
        amount = t.amount + excluded.amount,
        smallest = least(t.smallest, excluded.smallest),
        largest = greatest(t.largest, excluded.largest),
        parts = t.parts + excluded.parts,
        known_in_part = t.known_in_part + excluded.known_in_part,
        credited = t.credited + excluded.credited,
        differing = t.differing + excluded.differing
),

reached AS (
    UPDATE growth_runs SET reached = $3 WHERE run_id = $1
)

SELECT count(*) FROM card;

-- finish: nothing; from here on the run can be posted
UPDATE bulk_runs SET
    state = 'staged',
    loaded_at = clock_timestamp()
WHERE run_id = $1 AND state = 'loading';

-- totals: what a run found, by outcome, segment and status
SELECT
    outcome,
    segment,
    status,
    cards,
    amount::bigint,
    smallest,
    largest,
    parts,
    known_in_part,
    credited::bigint,
    differing
FROM growth_totals
WHERE run_id = $1
ORDER BY outcome DESC, segment, status;

-- differences: the cards of some participants on which another amount is credited for a year than is computed now
SELECT
    kpj,
    amount AS computed,
    credited,
    amount - credited AS difference
FROM growth_of($1, $2, $3, $4)
WHERE credited <> amount
ORDER BY participant_id, kpj;
