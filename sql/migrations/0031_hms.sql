-- Phones without Google's services are pushed to through Huawei's Push Kit.
SET LOCAL ROLE sepakat_owner;

-- NOT VALID: every row that is there satisfies what was narrower before.
-- squawk-ignore ban-drop-constraint
ALTER TABLE push_targets DROP CONSTRAINT push_target_kind_is_known;
ALTER TABLE push_targets ADD CONSTRAINT push_target_kind_is_known CHECK (kind IN ('fid', 'token', 'hms')) NOT VALID;
ALTER TABLE push_targets ADD CONSTRAINT hms_is_on_android CHECK (kind <> 'hms' OR platform = 'android') NOT VALID;

RESET ROLE;
