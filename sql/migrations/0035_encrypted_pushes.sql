-- A phone may ask for pushes that it alone can read: it registers a key with its push target.
SET LOCAL ROLE sepakat_owner;

ALTER TABLE push_targets ADD COLUMN encryption_key jsonb;
COMMENT ON COLUMN push_targets.encryption_key IS
    'A JWK to which entries are encrypted on their way (JWE); NULL: a push says that there is something to read, never what.';
-- No member but these: a private part (d) cannot be stored. NOT VALID: no row that is there has a key.
ALTER TABLE push_targets ADD CONSTRAINT encryption_key_is_public CHECK (
    encryption_key @> '{"kty": "EC", "crv": "P-256", "use": "enc"}' AND encryption_key ?& '{x,y}'
    AND encryption_key - '{kty,crv,use,x,y}'::text[] = '{}') NOT VALID;
RESET ROLE;
