-- Growth is computed here too: the yearly rate as dated data, and what each card earned by it. docs/growth.md tells the rule.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE growth_rates (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    valid_from date NOT NULL,
    millionths integer NOT NULL CONSTRAINT growth_rate_is_a_share CHECK (millionths BETWEEN 0 AND 1000000),
    set_by text NOT NULL CONSTRAINT growth_rate_names_who_set_it CHECK (length(btrim(set_by)) BETWEEN 1 AND 100),
    reason text NOT NULL CONSTRAINT growth_rate_says_why CHECK (length(btrim(reason)) BETWEEN 1 AND 500),
    recorded_at timestamptz NOT NULL DEFAULT current_instant()
);
COMMENT ON TABLE growth_rates IS 'What savings earn in a year, from a day on. A rate is corrected by a later row of the same day, never edited.';
COMMENT ON COLUMN growth_rates.millionths IS 'Of the balance, in a year: 56,600 is 5.66 %.';

CREATE TRIGGER growth_rates_are_append_only BEFORE UPDATE OR DELETE ON growth_rates
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('growth_rates_are_append_only');
CREATE TRIGGER growth_rates_are_not_truncated BEFORE TRUNCATE ON growth_rates
    EXECUTE FUNCTION refuse_statement('growth_rates_are_append_only');
ALTER TABLE growth_rates ENABLE ALWAYS TRIGGER growth_rates_are_append_only;
ALTER TABLE growth_rates ENABLE ALWAYS TRIGGER growth_rates_are_not_truncated;

-- Set with an administrator's URL: no role of the product writes here.
GRANT SELECT ON growth_rates TO sepakat_feed, sepakat_operator;

-- Once a number was somebody else's, what it earned there is its owner's.
GRANT SELECT (participant_id, card_id, other_participant_id, other_card_id) ON card_transfers TO sepakat_feed;
SELECT isolate_table('card_transfers');

-- A run of growth is a run of bulk posting: nothing here writes money.
CREATE TABLE growth_runs (
    run_id uuid PRIMARY KEY REFERENCES bulk_runs,
    year smallint NOT NULL,
    weights bigint[] NOT NULL,
    rates jsonb NOT NULL,
    reached uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    begun_at timestamptz NOT NULL DEFAULT current_instant()
);
COMMENT ON TABLE growth_runs IS 'How the growth of a run was computed.';
COMMENT ON COLUMN growth_runs.rates IS 'The rates of its year as they stood when it was begun: a later row changes no run.';
COMMENT ON COLUMN growth_runs.weights IS 'What one rupiah earned by the beginning of each day of the year and by its end, as app/ledger/growth.py has it.';
COMMENT ON COLUMN growth_runs.reached IS 'Everybody up to this participant is computed.';

CREATE TABLE growth_totals (
    run_id uuid NOT NULL REFERENCES growth_runs,
    outcome text NOT NULL CONSTRAINT growth_outcome_is_known CHECK (outcome IN ('staged', 'nothing_earned', 'credited_already')),
    segment text NOT NULL,
    status text NOT NULL,
    cards bigint NOT NULL,
    amount numeric(30) NOT NULL,
    smallest bigint NOT NULL,
    largest bigint NOT NULL,
    parts numeric(40) NOT NULL,
    known_in_part bigint NOT NULL,
    credited numeric(30) NOT NULL,
    differing bigint NOT NULL,
    PRIMARY KEY (run_id, outcome, segment, status)
);
COMMENT ON TABLE growth_totals IS 'What a run found, by segment and status of the cards; amounts in whole rupiah, as computed.';
COMMENT ON COLUMN growth_totals.parts IS 'The amount before it was rounded down: a rupiah is 10^6 times the days of the year of them.';
COMMENT ON COLUMN growth_totals.known_in_part IS 'Cards whose opening balance begins within the year: what they earned before is not known here.';
COMMENT ON COLUMN growth_totals.differing IS 'Cards on which another amount is credited already than was computed.';

GRANT SELECT, INSERT ON growth_runs TO sepakat_feed;
GRANT UPDATE (reached) ON growth_runs TO sepakat_feed;
GRANT SELECT, INSERT, UPDATE ON growth_totals TO sepakat_feed;
GRANT SELECT ON growth_runs, growth_totals TO sepakat_operator;
GRANT SELECT ON growth_runs TO sepakat_writer;

CREATE FUNCTION growth_of(p_after uuid, p_upto uuid, p_year integer, p_weights bigint[]) RETURNS TABLE (
    participant_id uuid, card_id uuid, kpj text, segment text, status text, living_card_id uuid,
    parts numeric, amount bigint, credited bigint, known_since date)
LANGUAGE sql STABLE SET search_path = public, pg_temp SET work_mem = '64MB' SET jit = off
AS $$
    WITH RECURSIVE card AS MATERIALIZED (
        SELECT k.* FROM cards AS k
        WHERE k.participant_id > p_after AND k.participant_id <= p_upto AND k.balance IS NOT NULL AND k.transferred_at IS NULL
    ), book AS (
        -- where a card's money was booked: on the card itself, and before a transfer on that of somebody else
        SELECT c.participant_id AS owner_id, c.card_id AS owned, c.participant_id, c.card_id FROM card AS c
        UNION
        SELECT b.owner_id, b.owned, t.other_participant_id, t.other_card_id
        FROM book AS b JOIN card_transfers AS t ON t.participant_id = b.participant_id AND t.card_id = b.card_id
    ), entry AS (
        SELECT b.owner_id, b.owned, l.number, l.kind, l.amount, l.effective_on,
            least(
                l.effective_on + CASE l.kind WHEN 'growth' THEN 1 ELSE 0 END,
                min(l.effective_on) FILTER (WHERE l.kind IN ('merge_out', 'undo_out', 'transfer_out')) OVER (
                    PARTITION BY b.participant_id, b.card_id ORDER BY l.number
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING)
            ) - make_date(p_year, 1, 1) AS day
        FROM book AS b JOIN ledger_entries AS l ON l.participant_id = b.participant_id AND l.card_id = b.card_id
    ), moved AS (
        SELECT e.owner_id, e.owned, greatest(e.day, 0) AS day, sum(e.amount) AS amount,
            min(e.effective_on) FILTER (WHERE e.number = 1 AND e.kind = 'opening' AND e.amount > 0) AS known_since
        FROM entry AS e WHERE e.day < make_date(p_year + 1, 1, 1) - make_date(p_year, 1, 1)
        GROUP BY e.owner_id, e.owned, greatest(e.day, 0)
    ), span AS (
        SELECT m.owner_id, m.owned, m.known_since, m.day, sum(m.amount) OVER days AS balance,
            lead(m.day, 1, make_date(p_year + 1, 1, 1) - make_date(p_year, 1, 1)) OVER days AS until
        FROM moved AS m
        WINDOW days AS (PARTITION BY m.owner_id, m.owned ORDER BY m.day)
    ), earned AS (
        SELECT s.owner_id, s.owned, min(s.known_since) AS known_since,
            sum(greatest(s.balance, 0) * (p_weights[s.until + 1] - p_weights[s.day + 1])) AS parts
        FROM span AS s GROUP BY s.owner_id, s.owned
    ), credit AS (
        -- What is split over cards that the core joined is credited on each of them; all else on the number that it was for.
        SELECT l.participant_id, sum(l.amount)::bigint AS amount,
            CASE WHEN EXISTS (
                SELECT FROM merges AS m
                WHERE m.participant_id = l.participant_id AND m.reported IS NOT NULL AND l.card_id = ANY (m.absorb)
            ) AND EXISTS (
                SELECT FROM ledger_entries AS o
                WHERE o.participant_id = l.participant_id AND o.kind = 'growth' AND o.year = l.year
                    AND o.source_event = l.source_event AND o.card_id <> l.card_id
            ) THEN k.kpj ELSE coalesce(l.received_for_kpj, k.kpj) END AS kpj
        FROM ledger_entries AS l
        JOIN cards AS k ON k.participant_id = l.participant_id AND k.card_id = l.card_id
        WHERE l.kind = 'growth' AND l.year = p_year AND l.participant_id IN (SELECT b.participant_id FROM book AS b)
        GROUP BY 1, 3
    ), credited AS (
        SELECT b.owner_id, b.owned, sum(r.amount)::bigint AS amount
        FROM book AS b
        JOIN cards AS k ON k.participant_id = b.participant_id AND k.card_id = b.card_id
        JOIN credit AS r ON r.participant_id = k.participant_id AND r.kpj = k.kpj
        GROUP BY b.owner_id, b.owned
    )
    SELECT c.participant_id, c.card_id, c.kpj, c.segment, c.status,
        CASE c.merge_mark WHEN 'merged' THEN c.merged_into ELSE c.card_id END,
        coalesce(e.parts, 0), div(coalesce(e.parts, 0), 1000000 * (make_date(p_year + 1, 1, 1) - make_date(p_year, 1, 1))::numeric)::bigint,
        r.amount, e.known_since
    FROM card AS c
    LEFT JOIN earned AS e ON e.owner_id = c.participant_id AND e.owned = c.card_id
    LEFT JOIN credited AS r ON r.owner_id = c.participant_id AND r.owned = c.card_id
$$;
COMMENT ON FUNCTION growth_of(uuid, uuid, integer, bigint[]) IS 'What every card with savings of the participants after p_after, up to p_upto, earned in a year: exactly (parts) and in whole rupiah; and what is credited for that year already (NULL: nothing). Weights as app/ledger/growth.py gives them.';
REVOKE EXECUTE ON FUNCTION growth_of(uuid, uuid, integer, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION growth_of(uuid, uuid, integer, bigint[]) TO sepakat_feed, sepakat_operator;
RESET ROLE;
SET LOCAL ROLE sepakat_writer;

-- What was computed here is each card's own: only what came as one sum for money that the core joined is split over its cards.
-- The rows of a round that concern other cards too, as 0051 has it.
CREATE OR REPLACE FUNCTION write_bulk_round_apart(
    p_run_id uuid, p_kind text, p_after uuid, p_upto uuid, p_round bigint, p_now timestamptz, p_apart uuid[]
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_growth boolean := p_kind = 'growth';
    v_computed boolean := EXISTS (SELECT FROM public.growth_runs AS g WHERE g.run_id = p_run_id);
    v_changes public.card_change[];
    v_rows bigint;
BEGIN
    WITH row_to_post AS MATERIALIZED (
        SELECT b.*, own.kpj, living.card_id AS living_id, uuidv7() AS cause_id,
            CASE WHEN living.card_id <> own.card_id THEN own.kpj END AS received_for_kpj
        FROM (
            SELECT r.*, row_number() OVER (PARTITION BY r.participant_id ORDER BY r.line) AS nth
            FROM public.bulk_rows AS r
            WHERE r.run_id = p_run_id AND r.participant_id > p_after AND r.participant_id <= p_upto
        ) AS b
        JOIN public.cards AS own ON own.participant_id = b.participant_id AND own.card_id = b.card_id
        JOIN public.cards AS living ON living.participant_id = own.participant_id
            AND living.card_id = CASE WHEN own.merge_mark = 'merged' THEN own.merged_into ELSE own.card_id END
        WHERE b.nth = p_round AND own.transferred_at IS NULL
            AND (own.merge_mark = 'merged' OR b.participant_id = ANY (p_apart))
    ), caused AS (
        INSERT INTO public.causes
            (participant_id, cause_id, origin, actor, event_id, bulk, occurred_at, recorded_at, database_role, xact)
        SELECT participant_id, cause_id, 'core', 'core', event_id, true, p_now, p_now, session_user, pg_current_xact_id()
        FROM row_to_post
    ), spread AS (
        SELECT r.*, k.card_id AS target_id, k.balance::numeric AS balance,
            row_number() OVER (PARTITION BY r.line ORDER BY k.card_id <> r.living_id, k.kpj) AS place,
            count(*) OVER (PARTITION BY r.line) AS cards, sum(k.balance) OVER (PARTITION BY r.line) AS total
        FROM row_to_post AS r
        JOIN public.cards AS k ON k.participant_id = r.participant_id AND (k.card_id = r.living_id
            OR v_growth AND NOT v_computed AND k.merge_mark = 'merged_without_consent' AND k.merged_into = r.living_id AND k.balance IS NOT NULL)
    ), rounded AS (
        SELECT s.*,
            CASE WHEN s.total > 0 THEN div(s.amount * s.balance, s.total) WHEN s.place = 1 THEN s.amount ELSE 0 END AS whole,
            row_number() OVER (PARTITION BY s.line
                ORDER BY CASE WHEN s.total > 0 THEN mod(s.amount * s.balance, s.total) END DESC, s.place) AS rank
        FROM spread AS s
    ), shared AS (
        SELECT r.*, (r.whole + (r.rank <= r.amount - sum(r.whole) OVER (PARTITION BY r.line))::integer)::bigint AS share,
            CASE WHEN r.target_id = r.living_id THEN r.received_for_kpj ELSE r.kpj END AS received_for
        FROM rounded AS r
    )
    SELECT array_agg(ROW(
            s.participant_id, s.target_id, s.cause_id,
            CASE WHEN v_growth THEN 'growth_credited'
                WHEN s.received_for IS NULL THEN 'contribution_posted' ELSE 'late_contribution_posted' END,
            CASE WHEN v_growth THEN 'growth' ELSE 'contribution' END,
            s.share, s.effective_on, s.employer_id, s.month, s.year, s.received_for, NULL, s.event_id, NULL,
            CASE WHEN v_growth THEN jsonb_build_object('amount', s.share, 'year', s.year,
                'received_for_kpj', s.received_for, 'joined_amount', CASE WHEN s.cards > 1 THEN s.amount END)
            ELSE jsonb_build_object('amount', s.share, 'month', to_char(s.month, 'YYYY-MM'),
                'employer', (SELECT e.name FROM public.employers AS e WHERE e.employer_id = s.employer_id),
                'paid_on', s.effective_on, 'received_for_kpj', s.received_for) END
        )::public.card_change ORDER BY s.participant_id, s.place), count(DISTINCT s.line)
    INTO v_changes, v_rows FROM shared AS s;
    IF v_rows > 0 THEN
        PERFORM public.change_cards(v_changes);
    END IF;
    RETURN v_rows;
END
$$;
RESET ROLE;
