-- set: the number of a new rate
INSERT INTO growth_rates (valid_from, millionths, set_by, reason) VALUES ($1, $2, $3, $4) RETURNING number;

-- list: every rate that was ever set, newest day first, and whether it stands
SELECT
    number,
    valid_from,
    millionths,
    set_by,
    reason,
    recorded_at,
    number = max(number) OVER (PARTITION BY valid_from) AS stands
FROM growth_rates
ORDER BY valid_from DESC, number DESC;

-- of_year: the rates that stand for the days of a year
SELECT DISTINCT ON (valid_from)
    valid_from,
    millionths,
    number
FROM growth_rates
WHERE valid_from < make_date($1 + 1, 1, 1)
ORDER BY valid_from, number DESC;
