-- How AWS differs from what should be there. Walled.

CREATE TABLE drift (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('removed', 'reappeared', 'unmanaged_user', 'unmanaged_group')),
  instance_arn TEXT NOT NULL,
  account_id TEXT NOT NULL,
  permission_set_arn TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  assignment_id UUID,
  outcome TEXT NOT NULL CHECK (outcome IN
    ('grants_ended', 'put_back', 'deleted_again', 'left_alone', 'to_be_removed', 'removed', 'adopted')),
  found_at BIGINT NOT NULL,
  over_at BIGINT,
  resolved_at BIGINT,
  resolved_by TEXT,
  resolve_reason TEXT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, assignment_id) REFERENCES assignment (tenant_id, id)
);
CREATE INDEX drift_newest ON drift (tenant_id, found_at, id);
CREATE INDEX drift_assignment ON drift (tenant_id, assignment_id);
-- What lasts is found once, and not anew in each pass.
CREATE UNIQUE INDEX drift_lasting ON drift (tenant_id, instance_arn, account_id, permission_set_arn, principal_id)
  WHERE over_at IS NULL AND kind IN ('unmanaged_user', 'unmanaged_group');

-- Places that were listed before: what appears there from then on is news.
CREATE TABLE drift_listed (
  tenant_id UUID NOT NULL,
  instance_arn TEXT NOT NULL,
  account_id TEXT NOT NULL,
  permission_set_arn TEXT NOT NULL,
  first_listed_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, instance_arn, account_id, permission_set_arn)
);
