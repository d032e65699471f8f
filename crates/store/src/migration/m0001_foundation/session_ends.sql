-- Ends of AWS's sessions: denies in policies of the organization's. Walled.

CREATE TABLE session_end (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  assignment_id UUID NOT NULL,
  instance_arn TEXT NOT NULL,
  account_id TEXT NOT NULL,
  permission_set_arn TEXT NOT NULL,
  permission_set_name TEXT,
  principal_id TEXT NOT NULL,
  cause TEXT NOT NULL CHECK (cause IN ('revoked', 'taken_back', 'removed', 'reappeared', 'unmanaged', 'break_glass', 'failed')),
  asked_at BIGINT NOT NULL,
  denied_at BIGINT,
  cut_off_at BIGINT,
  cut_off_written_at BIGINT,
  over_at BIGINT,
  outcome TEXT CHECK (outcome IN ('taken_out', 'left_out', 'opted_out', 'superseded', 'never_denied', 'management_account', 'unknown_set')),
  place TEXT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, assignment_id) REFERENCES assignment (tenant_id, id),
  CHECK ((over_at IS NULL) = (outcome IS NULL)),
  CHECK (permission_set_name IS NOT NULL OR over_at IS NOT NULL)
);
CREATE INDEX session_end_assignment ON session_end (tenant_id, assignment_id, asked_at);
-- The newest end of an access says all that older ones do.
CREATE UNIQUE INDEX session_end_held ON session_end (tenant_id, assignment_id) WHERE over_at IS NULL;

-- What stands in the way of writing the policies, where something does.
CREATE TABLE session_policy_state (
  tenant_id UUID PRIMARY KEY,
  problem TEXT,
  since BIGINT NOT NULL
);
