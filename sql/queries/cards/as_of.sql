-- as_of: the head, and with it every card of one participant that was there: on a day ($2, by what counts from when), as it
-- was known at an instant ($3, by recorded_at); either may be null
WITH told AS (
    -- What became of a status, and of the card that a merged one leads to. An entry counts from its day at the earliest, and
    -- never before what was told of the same card before: it builds on it.
    SELECT
        h.card_id,
        h.seq,
        h.merge_id,
        coalesce(m.proposed_at, h.occurred_at) AS occurred_at,
        coalesce(d.data::jsonb ->> 'of', h.kind) AS kind,
        d.data::jsonb ->> 'status_before' AS status_before,
        d.data::jsonb ->> 'status_after' AS status_after,
        d.data::jsonb ->> 'into' AS into_kpj,
        max(least(
            coalesce(
                (d.data::jsonb ->> 'effective_on')::date,
                (d.data::jsonb ->> 'opened_on')::date,
                jakarta_day(coalesce(m.proposed_at, h.occurred_at))
            ),
            jakarta_day(h.recorded_at)
        )) OVER (PARTITION BY h.card_id ORDER BY h.seq) AS counts_from
    FROM history AS h
    INNER JOIN history_data AS d ON h.participant_id = d.participant_id AND h.seq = d.seq
    INNER JOIN causes AS c ON h.participant_id = c.participant_id AND h.cause_id = c.cause_id
    -- what the core merged on its own, it merged on the day that it reported, whenever it said so
    LEFT JOIN merges AS m
        ON
            h.participant_id = m.participant_id AND h.merge_id = m.merge_id
            AND m.reported IS NOT NULL AND c.origin IN ('core', 'import')
    WHERE
        h.participant_id = $1 AND h.card_id IS NOT NULL AND ($3::timestamptz IS NULL OR h.recorded_at <= $3)
        AND (
            d.data::jsonb ->> 'status_before' IS DISTINCT FROM d.data::jsonb ->> 'status_after'
            OR coalesce(d.data::jsonb ->> 'of', h.kind) IN ('card_forwarded', 'card_forwarded_back')
        )
),

status AS (
    SELECT DISTINCT ON (card_id)
        card_id,
        seq,
        kind,
        status_after
    FROM told
    WHERE status_before IS DISTINCT FROM status_after AND ($2::date IS NULL OR counts_from <= $2)
    ORDER BY card_id, seq DESC
),

first_told AS (
    SELECT DISTINCT ON (card_id)
        card_id,
        kind,
        status_after,
        counts_from
    FROM told
    ORDER BY card_id, seq
),

step AS (
    -- one row for each merge that a merged card has gone through, and whether it has been taken back since
    SELECT
        t.card_id,
        t.merge_id,
        min(t.seq) AS seq,
        max(t.seq) AS last_seq,
        min(t.occurred_at) AS merged_at,
        (array_agg(t.into_kpj ORDER BY t.seq DESC))[1] AS into_kpj,
        (array_agg(t.kind ORDER BY t.seq DESC))[1] = 'card_forwarded_back' AS taken_back
    FROM told AS t
    INNER JOIN status AS s ON t.card_id = s.card_id AND t.seq >= s.seq
    WHERE
        s.status_after IN ('merged', 'merged_without_consent') AND ($2::date IS NULL OR t.counts_from <= $2)
        AND t.kind IN ('card_merged', 'card_merged_without_consent', 'card_forwarded', 'card_forwarded_back')
    GROUP BY t.card_id, t.merge_id
),

merged AS (
    SELECT
        card_id,
        (array_agg(merge_id ORDER BY seq))[1] AS merge_id,
        min(merged_at) AS merged_at,
        array_agg(merge_id ORDER BY seq) FILTER (WHERE NOT taken_back) AS merged_via,
        (array_agg(into_kpj ORDER BY last_seq DESC))[1] AS living_kpj
    FROM step
    GROUP BY card_id
),

money AS (
    SELECT
        card_id,
        sum(amount) FILTER (WHERE $2::date IS NULL OR counts_from <= $2)::bigint AS balance,
        min(effective_on) FILTER (WHERE number = 1 AND kind = 'opening') AS known_since
    FROM (
        -- An entry counts from its day; one of a day to come, no later than the merge, undo or transfer that it left with.
        SELECT
            card_id,
            number,
            kind,
            amount,
            effective_on,
            least(
                effective_on,
                min(effective_on) FILTER (WHERE kind IN ('merge_out', 'undo_out', 'transfer_out')) OVER (
                    PARTITION BY card_id ORDER BY number
                    ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
                )
            ) AS counts_from
        FROM ledger_entries
        WHERE participant_id = $1 AND ($3::timestamptz IS NULL OR recorded_at <= $3)
    ) AS entry
    GROUP BY card_id
),

lock AS (
    SELECT DISTINCT ON (card_id)
        card_id,
        kind = 'card_locked' AS locked
    FROM history
    WHERE
        participant_id = $1 AND kind IN ('card_locked', 'card_unlocked')
        AND ($2::date IS NULL OR jakarta_day(recorded_at) <= $2)
        AND ($3::timestamptz IS NULL OR recorded_at <= $3)
    ORDER BY card_id, seq DESC
),

contribution AS (
    SELECT DISTINCT ON (card_id)
        card_id,
        month,
        amount
    FROM standing_contributions($1, $2, $3)
    ORDER BY card_id, month DESC, recorded_at DESC, entry_id DESC
),

present AS (
    SELECT
        k.*,
        least($2, jakarta_day($3)) AS day
    FROM cards AS k
    WHERE
        k.participant_id = $1 AND ($2::date IS NULL OR k.opened_on <= $2)
        AND ($3::timestamptz IS NULL OR EXISTS (
            SELECT FROM history AS h
            WHERE h.participant_id = k.participant_id AND h.card_id = k.card_id AND h.recorded_at <= $3
        ))
)

SELECT
    h.seq AS head_seq,
    encode(h.hash, 'hex') AS head_hash,
    k.card_id,
    k.kpj,
    CASE
        -- what a card was opened with here says how it ended; before that day it had not
        WHEN s.kind = 'card_opened' AND s.status_after IN ('inactive', 'claimed') AND k.closed_on > k.day THEN 'active'
        WHEN
            s.kind = 'card_opened' AND s.status_after = 'claim_in_progress' AND NOT EXISTS (
                SELECT FROM claims AS o
                WHERE o.participant_id = k.participant_id AND o.card_id = k.card_id AND o.opened_on <= k.day
            )
            THEN CASE WHEN k.closed_on <= k.day THEN 'inactive' ELSE 'active' END
        -- and nor had one that stood with somebody else until it was transferred here
        WHEN s.card_id IS NULL AND k.closed_on > k.day THEN 'active'
        ELSE coalesce(s.status_after, f.status_after, k.status)
    END AS status,
    k.segment,
    k.employer_id,
    e.name AS employer_name,
    k.programmes,
    CASE
        WHEN f.kind = 'card_transferred_here' AND f.counts_from > k.day THEN NULL
        WHEN k.balance IS NOT NULL AND (m.known_since <= k.day OR m.known_since IS NULL) THEN coalesce(m.balance, 0)
    END AS balance,
    k.opened_on,
    CASE WHEN k.closed_on <= k.day THEN k.closed_on END AS closed_on,
    c.month AS last_contribution_month,
    c.amount AS last_contribution_amount,
    living.card_id AS living_card_id,
    living.kpj AS living_kpj,
    g.merge_id,
    g.merged_at,
    g.merged_via,
    coalesce(l.locked, false) AS locked
FROM participant_heads AS h
LEFT JOIN present AS k ON h.participant_id = k.participant_id
LEFT JOIN status AS s ON k.card_id = s.card_id
LEFT JOIN first_told AS f ON k.card_id = f.card_id
LEFT JOIN lock AS l ON k.card_id = l.card_id
LEFT JOIN merged AS g ON k.card_id = g.card_id
LEFT JOIN cards AS living ON h.participant_id = living.participant_id AND g.living_kpj = living.kpj
LEFT JOIN money AS m ON k.card_id = m.card_id
LEFT JOIN contribution AS c ON k.card_id = c.card_id
LEFT JOIN employers AS e ON k.employer_id = e.employer_id
WHERE h.participant_id = $1
ORDER BY k.opened_on DESC, k.kpj;
