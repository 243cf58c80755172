-- Signed roots over the heads of all histories: whoever keeps one can tell that no history was rewritten since.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE history_roots (
    number bigint PRIMARY KEY CONSTRAINT roots_are_numbered_from_one CHECK (number >= 1),
    made_at timestamptz NOT NULL,
    heads bigint NOT NULL CONSTRAINT root_covers_heads CHECK (heads >= 1),
    root bytea NOT NULL CONSTRAINT root_has_32_bytes CHECK (length(root) = 32),
    previous bytea CONSTRAINT previous_root_has_32_bytes CHECK (length(previous) = 32),
    signed jsonb NOT NULL,
    CONSTRAINT only_the_first_root_has_none_before CHECK ((previous IS NULL) = (number = 1))
);
COMMENT ON COLUMN history_roots.previous IS 'SHA-256 of what was signed for the root before: roots are a chain too.';
COMMENT ON COLUMN history_roots.signed IS 'A JWS over number, made_at, heads, root and previous.';

-- The heads as the newest root covers them, and the roots of their 4,096 subtrees: what a proof of inclusion is made of.
-- Keyed by what they are looked up by, the bucket, and not by participant.
CREATE TABLE rooted_heads (
    bucket smallint NOT NULL,
    participant_id uuid NOT NULL,
    seq bigint NOT NULL,
    leaf bytea NOT NULL,
    PRIMARY KEY (bucket, participant_id)
) WITH (fillfactor = 80);
COMMENT ON COLUMN rooted_heads.leaf IS 'SHA-256 of a zero byte and the fields participant_id, seq and hash: it names nobody.';
CREATE TABLE root_buckets (
    bucket smallint PRIMARY KEY,
    heads integer NOT NULL,
    root bytea NOT NULL
) WITH (fillfactor = 80);

CREATE FUNCTION bucket_of(participant_id uuid) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ((uuid_hash(participant_id)::bigint + 2147483648) >> 20)::smallint;
COMMENT ON FUNCTION bucket_of(uuid) IS 'The subtree (0..4095) of a participant: the top twelve bits of the hash whose top six are the lane.';

CREATE FUNCTION head_leaf(participant_id uuid, seq bigint, hash bytea) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN sha256('\x00'::bytea || field(uuid_send(participant_id)) || field(int8send(seq)) || field(hash));

GRANT SELECT ON history_roots, rooted_heads, root_buckets TO sepakat_api, sepakat_worker;
GRANT INSERT ON history_roots TO sepakat_worker;
GRANT INSERT, UPDATE ON rooted_heads, root_buckets TO sepakat_worker;
GRANT EXECUTE ON FUNCTION field(bytea), bucket_of(uuid), head_leaf(uuid, bigint, bytea) TO sepakat_worker, sepakat_api;

CREATE TRIGGER roots_are_append_only BEFORE UPDATE OR DELETE ON history_roots
    FOR EACH ROW EXECUTE FUNCTION refuse_statement('roots_are_append_only');
CREATE TRIGGER roots_are_not_truncated BEFORE TRUNCATE ON history_roots EXECUTE FUNCTION refuse_statement('roots_are_append_only');
ALTER TABLE history_roots ENABLE ALWAYS TRIGGER roots_are_append_only;
ALTER TABLE history_roots ENABLE ALWAYS TRIGGER roots_are_not_truncated;
RESET ROLE;
