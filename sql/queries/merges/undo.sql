-- keep_seal: nothing; the pads of the key by which the database recognises the seal of an undo
SELECT keep_undo_seal($1, $2);

-- later_merge: the merge that stands on this one, or NULL
SELECT find_later_merge($1, $2);

-- entries: every entry on the survivor of an executed merge since its execution, with what is left of each
SELECT
    e.entry_id,
    e.kind,
    e.amount,
    e.effective_on,
    e.employer_id,
    e.month,
    e.received_for_kpj,
    r.entry_id AS reverses
FROM entries_since_merge($1, $2) AS e
LEFT JOIN reversed_contributions AS r ON r.participant_id = $1 AND e.entry_id = r.reversal_entry_id;

-- lineages: every card whose money the cards of a merge held, with the card of the merge that held it
SELECT
    k.kpj,
    k.employer_id,
    holder.kpj AS lineage
FROM merges AS m
INNER JOIN cards AS k ON m.participant_id = k.participant_id
LEFT JOIN merges AS former
    ON
        k.participant_id = former.participant_id AND k.merge_mark = 'merged'
        AND k.merged_via[cardinality(k.merged_via)] = m.merge_id
        AND k.merged_via[cardinality(k.merged_via) - 1] = former.merge_id
INNER JOIN cards AS holder
    ON
        k.participant_id = holder.participant_id
        AND holder.card_id = CASE
            WHEN k.card_id = any(m.absorb || m.into_card) THEN k.card_id
            WHEN former.merge_id IS NOT NULL THEN former.into_card
            WHEN k.merge_mark = 'merged' AND k.merged_into = m.into_card THEN m.into_card
        END
WHERE m.participant_id = $1 AND m.merge_id = $2;

-- shown_plan: the plan of an undo that was shown last, and until when it is good; NULLs when none was
SELECT
    m.undo_plan_digest AS plan_digest,
    m.undo_plan_expires_at AS expires_at,
    p.canonical
FROM merges AS m
LEFT JOIN merge_plans AS p
    ON m.participant_id = p.participant_id AND m.merge_id = p.merge_id AND m.undo_plan_digest = p.plan_digest
WHERE m.participant_id = $1 AND m.merge_id = $2;

-- show_plan: nothing; the plan of an undo that is shown from now on
UPDATE merges
SET undo_plan_digest = $3, undo_plan_expires_at = $4
WHERE participant_id = $1 AND merge_id = $2 AND state = 'executed';

-- undo: nothing; raises merge_can_be_undone, undo_is_sealed, plan_equals_the_cards or undo_follows_the_lineage
SELECT undo_merge($1, $2, $3, $4, $5);
