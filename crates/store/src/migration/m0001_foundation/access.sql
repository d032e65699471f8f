-- Policies, requests, grants, and the assignments that AWS holds for them. Walled.

CREATE TABLE policy (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  enabled BOOLEAN NOT NULL,
  priority INTEGER NOT NULL,
  max_duration_seconds BIGINT NOT NULL,
  default_duration_seconds BIGINT,
  notification_channel TEXT,
  approval_mode TEXT NOT NULL CHECK (approval_mode IN ('auto', 'require', 'break_glass')),
  approval_timeout_seconds BIGINT,
  approvals_required INTEGER NOT NULL,
  approver_groups JSONB NOT NULL,
  allow_break_glass BOOLEAN NOT NULL,
  break_glass_max_duration_seconds BIGINT,
  version BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX policy_newest ON policy (tenant_id, created_at, id);

CREATE TABLE policy_rule (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  policy_id UUID NOT NULL,
  ordinal INTEGER NOT NULL,
  written_text TEXT NOT NULL,
  resolved_text TEXT NOT NULL,
  notice TEXT,
  audit_session BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, policy_id) REFERENCES policy (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX policy_rule_policy ON policy_rule (tenant_id, policy_id, ordinal);

-- Every version that a policy had, whole; it outlives the policy, for decisions name versions.
CREATE TABLE policy_version (
  tenant_id UUID NOT NULL,
  policy_id UUID NOT NULL,
  version BIGINT NOT NULL,
  body JSONB NOT NULL,
  changed JSONB NOT NULL,
  made_by TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  change_reason TEXT,
  PRIMARY KEY (tenant_id, policy_id, version)
);

CREATE TABLE access_request (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  requester_id UUID NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  action TEXT NOT NULL,
  account_id TEXT,
  permission_set_arn TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  reason TEXT,
  status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'denied', 'expired', 'cancelled')),
  decision_reasoning TEXT,
  decided_by TEXT,
  decided_at BIGINT,
  approval_mode TEXT CHECK (approval_mode IN ('auto', 'require', 'break_glass')),
  approval_rules JSONB NOT NULL,
  break_glass BOOLEAN NOT NULL,
  requested_seconds BIGINT,
  duration_seconds BIGINT,
  expires_at BIGINT,
  grant_id UUID,
  extends_grant_id UUID,
  policy_id UUID,
  notices JSONB NOT NULL,
  review JSONB,
  owes_review BOOLEAN NOT NULL,
  metadata JSONB NOT NULL,
  source_ip TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX access_request_newest ON access_request (tenant_id, created_at, id);
CREATE INDEX access_request_requester ON access_request (tenant_id, requester_id, created_at);
CREATE INDEX access_request_requester_status ON access_request (tenant_id, requester_id, status);
CREATE INDEX access_request_owes_review ON access_request (tenant_id, created_at, id) WHERE owes_review;
CREATE INDEX access_request_extends ON access_request (tenant_id, extends_grant_id) WHERE extends_grant_id IS NOT NULL;

CREATE TABLE decision (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  request_id UUID NOT NULL,
  outcome TEXT NOT NULL,
  policy_ids JSONB NOT NULL,
  rules JSONB NOT NULL,
  notices JSONB NOT NULL,
  context JSONB NOT NULL,
  personal JSONB,
  trace JSONB NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, request_id) REFERENCES access_request (tenant_id, id)
);
CREATE INDEX decision_request ON decision (tenant_id, request_id, created_at);

CREATE TABLE approval (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  request_id UUID NOT NULL,
  approver_id UUID NOT NULL,
  approver_groups JSONB NOT NULL,
  verdict TEXT NOT NULL CHECK (verdict IN ('approved', 'denied')),
  reasoning TEXT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT approval_once_key UNIQUE (tenant_id, request_id, approver_id),
  FOREIGN KEY (tenant_id, request_id) REFERENCES access_request (tenant_id, id)
);

-- What is said about requests. `content` is emptied when it is erased.
CREATE TABLE request_message (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  request_id UUID NOT NULL,
  author_type TEXT NOT NULL CHECK (author_type IN ('user', 'approver', 'system', 'ai')),
  author_id TEXT NOT NULL,
  content TEXT NOT NULL,
  metadata JSONB NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, request_id) REFERENCES access_request (tenant_id, id)
);
CREATE INDEX request_message_newest ON request_message (tenant_id, request_id, created_at, id);
CREATE INDEX request_message_author ON request_message (tenant_id, author_id);

CREATE TABLE access_grant (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  request_id UUID,
  grantee_id UUID NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  action TEXT NOT NULL,
  account_id TEXT,
  permission_set_arn TEXT NOT NULL,
  duration_seconds BIGINT NOT NULL CHECK (duration_seconds > 0),
  decided_at BIGINT NOT NULL,
  start_by BIGINT NOT NULL,
  started_at BIGINT,
  succeeded_at BIGINT,
  expires_at BIGINT,
  failed_at BIGINT,
  end_noted_at BIGINT,
  expiring_noted_at BIGINT,
  revoked_at BIGINT,
  is_open BOOLEAN GENERATED ALWAYS AS (revoked_at IS NULL AND failed_at IS NULL AND end_noted_at IS NULL) STORED,
  revoked_by TEXT,
  revoke_reason TEXT,
  failure TEXT,
  audit_enabled BOOLEAN NOT NULL,
  metadata JSONB NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT access_grant_request_key UNIQUE (tenant_id, request_id),
  CHECK ((started_at IS NULL) = (expires_at IS NULL))
);
CREATE INDEX access_grant_newest ON access_grant (tenant_id, created_at, id);
CREATE INDEX access_grant_grantee ON access_grant (tenant_id, grantee_id, created_at);
CREATE INDEX access_grant_open ON access_grant (tenant_id, grantee_id) WHERE is_open;

CREATE TABLE assignment (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  instance_arn TEXT NOT NULL,
  region TEXT NOT NULL,
  identity_store_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  permission_set_arn TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('unseen', 'creating', 'present', 'deleting', 'standing', 'gone')),
  observed JSONB NOT NULL,
  fence BIGINT NOT NULL,
  claim_wanted_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT assignment_key UNIQUE (tenant_id, instance_arn, account_id, permission_set_arn, principal_id)
);
CREATE INDEX assignment_phase ON assignment (tenant_id, phase);

CREATE TABLE grant_assignment (
  tenant_id UUID NOT NULL,
  grant_id UUID NOT NULL,
  assignment_id UUID NOT NULL,
  standing BOOLEAN NOT NULL,
  PRIMARY KEY (tenant_id, grant_id, assignment_id),
  FOREIGN KEY (tenant_id, grant_id) REFERENCES access_grant (tenant_id, id),
  FOREIGN KEY (tenant_id, assignment_id) REFERENCES assignment (tenant_id, id)
);
CREATE INDEX grant_assignment_assignment ON grant_assignment (tenant_id, assignment_id);

CREATE TABLE assignment_call (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  assignment_id UUID NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('create', 'delete')),
  fence BIGINT NOT NULL,
  sent_at BIGINT NOT NULL,
  aws_request_id TEXT,
  outcome TEXT CHECK (outcome IN ('accepted', 'succeeded', 'no_such_entitlement', 'again', 'refused', 'unknown')),
  outcome_at BIGINT,
  error TEXT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, assignment_id) REFERENCES assignment (tenant_id, id)
);
CREATE INDEX assignment_call_assignment ON assignment_call (tenant_id, assignment_id, sent_at);
