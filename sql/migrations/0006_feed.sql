-- What the agency's core system told us: every event once, in the order of its streams.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE feed_events (
    event_id text PRIMARY KEY,
    content_hash bytea NOT NULL,
    type text NOT NULL,
    occurred_at timestamptz,
    content jsonb NOT NULL,
    outcome text NOT NULL CONSTRAINT outcome_is_known CHECK (outcome IN ('applied', 'held', 'rejected')),
    code text,
    detail text,
    received_at timestamptz NOT NULL,
    settled_at timestamptz
);
COMMENT ON COLUMN feed_events.content_hash IS 'SHA-256 of the event as canonical JSON: the same id with another content is quarantined.';
CREATE TABLE feed_quarantine (
    event_id text NOT NULL,
    content_hash bytea NOT NULL,
    content jsonb NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, content_hash)
);
CREATE TABLE feed_streams (
    stream text PRIMARY KEY,
    position bigint NOT NULL
);
-- An event that came early waits here, once for each stream it is numbered in.
CREATE TABLE feed_held (
    stream text NOT NULL,
    position bigint NOT NULL,
    event_id text NOT NULL REFERENCES feed_events,
    PRIMARY KEY (stream, position, event_id)
);
CREATE INDEX held_streams_of_event ON feed_held (event_id);
GRANT SELECT, INSERT, UPDATE ON feed_events, feed_streams TO sepakat_feed;
GRANT SELECT, INSERT ON feed_quarantine TO sepakat_feed;
GRANT SELECT, INSERT, DELETE ON feed_held TO sepakat_feed;
GRANT SELECT ON feed_events, feed_held, feed_streams TO sepakat_worker;
RESET ROLE;
