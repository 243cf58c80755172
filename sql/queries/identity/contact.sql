-- on_file: the sealed contacts that stand now
SELECT
    phone_sealed,
    email_sealed
FROM participants
WHERE participant_id = $1;

-- ask: nothing; raises ten_contact_changes_a_day
SELECT ask_contact_change($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- try_codes: the changes whose code may be looked at, each with this try counted; none when no try is left
SELECT
    change_id,
    channel,
    tries
FROM try_contact_codes($1);

-- apply: nothing; raises contact_change_is_open
SELECT apply_contact_change($1, $2, $3, $4::interval, $5);
