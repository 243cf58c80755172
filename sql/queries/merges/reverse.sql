-- reported: the merge that the core did on its own and that holds one of these cards; nothing when none does
SELECT merge_id
FROM merges
WHERE participant_id = $1 AND state IN ('reported', 'disputed') AND (absorb || into_card) && $2::uuid[]
ORDER BY proposed_at, merge_id
LIMIT 1;

-- reverse: nothing; raises merges_are_paused, merge_can_be_reversed, plan_equals_the_cards or undo_follows_the_lineage
SELECT reverse_merge($1, $2, $3, $4, $5);
