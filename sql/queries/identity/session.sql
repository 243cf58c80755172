-- live: the key, language and lane behind a session that has neither ended nor run out and whose key was not removed, and
-- what time it is; from here on the transaction is this participant's and sees nobody else
SELECT
    device_id,
    passkey_id,
    locale,
    lane,
    now
FROM enter_session($1, $2);
