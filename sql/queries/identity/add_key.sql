-- own_device: nothing
INSERT INTO device_owners (participant_id, device_id) VALUES ($1, $2);

-- add_device: nothing
INSERT INTO devices
(participant_id, device_id, name, platform, public_key, added_at, hold_until, cause_id, vouched_by, seal)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);

-- settle: nothing
UPDATE enrolments
SET verified_at = $2
WHERE enrolment_id = $1 AND verified_at IS NULL;
