-- What was sent to whom, and what came of it: one row per cause and device.
SET LOCAL ROLE sepakat_owner;

CREATE TABLE deliveries (
    participant_id uuid NOT NULL,
    cause_id uuid NOT NULL,
    device_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    up_to_seq bigint NOT NULL,
    state text NOT NULL CONSTRAINT delivery_state_is_known
        CHECK (state IN ('accepted', 'waiting', 'unregistered', 'rejected')),
    code text,
    attempts integer NOT NULL,
    message_id text,
    first_tried_at timestamptz NOT NULL,
    last_tried_at timestamptz NOT NULL,
    PRIMARY KEY (participant_id, cause_id, device_id),
    FOREIGN KEY (participant_id, device_id) REFERENCES devices,
    FOREIGN KEY (participant_id, cause_id) REFERENCES causes
);
COMMENT ON COLUMN deliveries.delivery_id IS 'The same on every retry: derived from cause and device.';
GRANT SELECT, INSERT, UPDATE ON deliveries TO sepakat_worker;
GRANT SELECT ON deliveries TO sepakat_api;
RESET ROLE;
