-- find_due: the merge that was handed to the core and holds one of these cards as absorbed; nothing when none does
SELECT merge_id
FROM merges
WHERE participant_id = $1 AND state = 'confirmed' AND core = 'pending' AND absorb && $2::uuid[];

-- execute: nothing; raises report_equals_the_confirmed_plan, plan_equals_the_cards, core_executes_what_it_was_handed or
-- merges_are_paused
SELECT execute_reported_merge($1, $2, $3, $4);
