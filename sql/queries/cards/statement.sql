-- statement: a page of one card's entries, newest first, below a number, within a span of effective days
SELECT
    l.entry_id AS id,
    l.number,
    l.kind,
    l.amount,
    l.balance_after,
    l.effective_on,
    l.recorded_at,
    l.employer_id,
    e.name AS employer_name,
    l.month,
    l.received_for_kpj
FROM ledger_entries AS l
LEFT JOIN employers AS e ON l.employer_id = e.employer_id
WHERE
    l.participant_id = $1 AND l.card_id = $2
    AND ($3::integer IS NULL OR l.number < $3)
    AND ($4::date IS NULL OR l.effective_on >= $4)
    AND ($5::date IS NULL OR l.effective_on <= $5)
ORDER BY l.number DESC
LIMIT $6;

-- owned: true when the card is this participant's
SELECT true AS owned
FROM cards
WHERE participant_id = $1 AND card_id = $2;
