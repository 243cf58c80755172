-- The core's whole book beside ours, from a file: what agrees is remembered by the thousand, the rest is compared card by card.
SET LOCAL ROLE sepakat_owner;

-- Only what the run under way was given; it begins again after a crash, so that nothing of it need last.
CREATE UNLOGGED TABLE reconciled_cards (
    line bigint PRIMARY KEY,
    kpj text NOT NULL,
    theirs bigint NOT NULL,
    status text NOT NULL,
    outcome text
);
CREATE INDEX reconciled_cards_by_number ON reconciled_cards (kpj);
COMMENT ON TABLE reconciled_cards IS 'The lines of the file that is compared now; outcome is NULL until a line was compared.';
GRANT SELECT, INSERT, UPDATE, TRUNCATE ON reconciled_cards TO sepakat_feed;
GRANT SELECT, UPDATE ON reconciled_cards TO sepakat_writer;

CREATE TABLE reconciliations (
    run_id uuid PRIMARY KEY,
    file_sha256 bytea NOT NULL,
    as_of date NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    report jsonb NOT NULL
);
COMMENT ON TABLE reconciliations IS 'Every comparison of whole books that came to its end, with what it found: by outcome how many cards, and both sums in rupiah.';
GRANT SELECT, INSERT ON reconciliations TO sepakat_feed;
GRANT SELECT ON reconciliations TO sepakat_operator;
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- Of the lines p_from to p_to: those that name no card here, those whose card has no savings, and those whose figure is our balance
-- now and about which no case is open, which are remembered as `balance.reported` would. The others keep a NULL outcome.
CREATE FUNCTION reconcile_agreeing(p_from bigint, p_to bigint, p_as_of date) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    WITH found AS (
        SELECT r.line, r.theirs, r.status, n.participant_id, n.card_id, k.balance,
            b.as_of > p_as_of AS outdated,
            EXISTS (SELECT FROM public.cases AS c
                WHERE c.participant_id = n.participant_id AND c.card_id = n.card_id AND c.state = 'open') AS disputed
        FROM public.reconciled_cards AS r
        LEFT JOIN public.card_numbers AS n ON n.kpj = r.kpj
        LEFT JOIN public.cards AS k ON k.participant_id = n.participant_id AND k.card_id = n.card_id
        LEFT JOIN public.balance_comparisons AS b ON b.participant_id = n.participant_id AND b.card_id = n.card_id
        WHERE r.line BETWEEN p_from AND p_to AND r.outcome IS NULL
    ), settled AS (
        UPDATE public.reconciled_cards AS r SET outcome = CASE
            WHEN f.card_id IS NULL THEN 'unknown_here'
            WHEN f.balance IS NULL THEN 'without_savings'
            ELSE 'agrees' END
        FROM found AS f
        WHERE r.line = f.line AND (f.card_id IS NULL OR f.balance IS NULL
            OR (f.theirs = f.balance AND NOT f.disputed AND f.outdated IS NOT TRUE))
        RETURNING r.line, r.outcome
    )
    INSERT INTO public.balance_comparisons AS b (participant_id, card_id, as_of, theirs, ours, status, outcome, compared_at)
    SELECT f.participant_id, f.card_id, p_as_of, f.theirs, f.theirs, f.status, 'agrees', public.current_instant()
    FROM settled AS s JOIN found AS f ON f.line = s.line
    WHERE s.outcome = 'agrees'
    ORDER BY f.participant_id, f.card_id
    ON CONFLICT (participant_id, card_id) DO UPDATE SET as_of = excluded.as_of, theirs = excluded.theirs,
        ours = excluded.ours, status = excluded.status, outcome = excluded.outcome, compared_at = excluded.compared_at
$$;
GRANT EXECUTE ON FUNCTION reconcile_agreeing(bigint, bigint, date) TO sepakat_feed;
RESET ROLE;
