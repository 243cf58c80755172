-- describe_server: the server's version number, and whether we are a superuser there
SELECT
    current_setting('server_version_num')::integer AS version,
    current_setting('is_superuser') = 'on' AS administrator;
