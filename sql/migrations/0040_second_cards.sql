-- A second card is prevented where it would be made: the worker is told when an employer asks which card to register.
-- And the core finds merges by their state.
SET LOCAL ROLE sepakat_owner;

INSERT INTO entry_kinds (kind, reach, class, severity, written_by, wording, mandatory) VALUES
    ('registration_checked', 'push', 'card', 'info', 'note', '2026-11', false);

CREATE INDEX merges_by_state ON merges (state, merge_id);

RESET ROLE;
