-- standing: every card with savings of one participant at the end of a day: in our book, in that of a core that has not done
-- what it has not acknowledged, and in that of one that joined what we keep apart; with what was compared last
WITH unanswered AS (
    SELECT
        merge_id,
        absorb
    FROM merges
    WHERE participant_id = $1 AND state IN ('executed', 'undone') AND core IN ('pending', 'refused')
),

moves AS (
    -- the causes of what only we have moved
    SELECT h.cause_id
    FROM history AS h
    INNER JOIN unanswered AS u ON h.merge_id = u.merge_id
    WHERE h.participant_id = $1 AND h.kind IN ('merge_executed', 'merge_undone', 'merge_reversed')
),

entry AS (
    SELECT
        l.card_id,
        l.number,
        l.kind,
        l.amount,
        l.effective_on,
        -- the core that has not merged books on the number that was paid for
        CASE WHEN l.transfer_id IS NULL OR l.cause_id NOT IN (SELECT m.cause_id FROM moves AS m) THEN
            coalesce(own.card_id, l.card_id)
        END AS apart_card_id
    FROM ledger_entries AS l
    LEFT JOIN cards AS own
        ON
            l.participant_id = own.participant_id AND l.received_for_kpj = own.kpj
            AND l.kind IN ('contribution', 'contribution_reversal', 'growth')
            AND EXISTS (SELECT FROM unanswered AS u WHERE own.card_id = any(u.absorb))
    WHERE l.participant_id = $1
),

book AS (
    SELECT
        card_id,
        sum(amount) AS now,
        sum(amount) FILTER (WHERE effective_on <= $2) AS ours,
        min(effective_on) FILTER (WHERE number = 1 AND kind IN ('opening', 'transfer_in')) AS since
    FROM entry
    GROUP BY card_id
),

apart AS (
    SELECT
        apart_card_id AS card_id,
        sum(amount) AS amount
    FROM entry
    WHERE effective_on <= $2 AND apart_card_id IS NOT NULL
    GROUP BY apart_card_id
),

pair AS (
    -- joined by the core, apart here: what it reported, and what the participant took back and it has not
    SELECT
        card_id AS absorbed,
        merged_into AS into_card
    FROM cards
    WHERE participant_id = $1 AND merge_mark = 'merged_without_consent'
    UNION
    SELECT
        unnest(absorb) AS absorbed,
        into_card
    FROM merges
    WHERE participant_id = $1 AND state = 'undone' AND core IN ('pending', 'refused') AND closed_because IS NULL
)

SELECT
    k.card_id,
    k.kpj,
    coalesce(b.ours, 0)::bigint AS ours,
    coalesce(b.now, 0)::bigint AS now,
    coalesce(a.amount, 0)::bigint AS apart,
    CASE
        WHEN EXISTS (SELECT FROM pair AS p WHERE p.absorbed = k.card_id) THEN 0
        WHEN EXISTS (SELECT FROM pair AS p WHERE p.into_card = k.card_id) THEN (
            SELECT coalesce(b.ours, 0) + coalesce(sum(o.ours), 0)
            FROM book AS o
            WHERE o.card_id IN (SELECT p.absorbed FROM pair AS p WHERE p.into_card = k.card_id)
        )
    END::bigint AS joined,
    b.since,
    c.theirs AS told,
    c.ours AS told_ours,
    c.as_of AS told_as_of,
    c.outcome,
    EXISTS(
        SELECT FROM cases AS o
        WHERE o.participant_id = k.participant_id AND o.card_id = k.card_id AND o.state = 'open'
    ) AS case_open
FROM cards AS k
LEFT JOIN book AS b ON k.card_id = b.card_id
LEFT JOIN apart AS a ON k.card_id = a.card_id
LEFT JOIN balance_comparisons AS c ON k.participant_id = c.participant_id AND k.card_id = c.card_id
WHERE k.participant_id = $1 AND k.balance IS NOT NULL AND k.transferred_at IS NULL
ORDER BY k.kpj;

-- keep: nothing
SELECT keep_comparison($1, $2, $3, $4, $5, $6, $7);

-- dispute: nothing
SELECT dispute_balance($1, $2, $3, $4, $5);

-- agree: nothing
SELECT agree_on_balance($1, $2, $3, $4);
