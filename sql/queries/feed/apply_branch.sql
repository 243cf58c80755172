-- issue: nothing; raises branch_code_is_short_lived, branch_code_is_new
SELECT issue_branch_code($1, $2, $3, $4, $5, $6, $7);
