-- Unwalled: what must be found before the tenant is known. Ids, keyed hashes and times; no e-mail, no text.

CREATE TABLE installation (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  platform_mode TEXT NOT NULL CHECK (platform_mode IN ('single', 'multi')),
  setup_completed_at BIGINT,
  master_tenant_id UUID,
  kept_clock BIGINT NOT NULL
);
INSERT INTO installation (id, platform_mode, kept_clock) VALUES (1, 'single', 0);

CREATE TABLE credential (
  id UUID PRIMARY KEY,
  hash BYTEA NOT NULL CONSTRAINT credential_hash_key UNIQUE,
  key_id BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('session', 'api_key', 'setup_link')),
  tenant_id UUID NOT NULL,
  subject_id UUID NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT,
  version BIGINT NOT NULL
);
CREATE INDEX credential_subject ON credential (tenant_id, subject_id);

CREATE TABLE login_name (
  hash BYTEA PRIMARY KEY,
  key_id BIGINT NOT NULL,
  tenant_id UUID NOT NULL
);
CREATE INDEX login_name_tenant ON login_name (tenant_id);

CREATE TABLE login_attempt (
  scope TEXT NOT NULL,
  key_hash BYTEA NOT NULL,
  key_id BIGINT NOT NULL,
  failures BIGINT NOT NULL,
  last_failure_at BIGINT,
  last_success_at BIGINT,
  forget_at BIGINT NOT NULL,
  PRIMARY KEY (scope, key_hash)
);
CREATE INDEX login_attempt_forget ON login_attempt (forget_at);

CREATE TABLE instance_claim (
  instance_arn TEXT PRIMARY KEY,
  tenant_id UUID NOT NULL CONSTRAINT instance_claim_tenant_key UNIQUE,
  claimed_at BIGINT NOT NULL
);

CREATE TABLE connection_lease (
  tenant_id UUID PRIMARY KEY,
  node_id UUID NOT NULL,
  fence BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  is_watched BOOLEAN NOT NULL DEFAULT FALSE
);

CREATE TABLE due (
  assignment_id UUID PRIMARY KEY,
  tenant_id UUID NOT NULL,
  due_at BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  take_back_at BIGINT
);
CREATE INDEX due_tenant ON due (tenant_id, due_at);

-- Whose denies of AWS's sessions are to be looked at, and when.
CREATE TABLE session_due (
  tenant_id UUID PRIMARY KEY,
  due_at BIGINT NOT NULL,
  generation BIGINT NOT NULL
);

CREATE TABLE request_due (
  request_id UUID PRIMARY KEY,
  tenant_id UUID NOT NULL,
  due_at BIGINT NOT NULL
);
CREATE INDEX request_due_next ON request_due (due_at);

CREATE TABLE audit_unsealed (
  entry_id UUID PRIMARY KEY,
  tenant_id UUID NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX audit_unsealed_tenant ON audit_unsealed (tenant_id, created_at, entry_id);

CREATE TABLE tenant_version (
  tenant_id UUID PRIMARY KEY,
  version BIGINT NOT NULL
);

CREATE TABLE tenant_aws_version (
  tenant_id UUID PRIMARY KEY,
  version BIGINT NOT NULL
);

-- Child tenants that are being deleted, and those that were: their ids are never given again.
CREATE TABLE tenant_deletion (
  tenant_id UUID PRIMARY KEY,
  parent_id UUID NOT NULL,
  requested_at BIGINT NOT NULL,
  assignments_left BIGINT NOT NULL,
  waits_for TEXT CHECK (waits_for IN ('aws', 'refused_by_aws', 'connection')),
  looked_at BIGINT,
  erased_at BIGINT
);
CREATE INDEX tenant_deletion_parent ON tenant_deletion (parent_id, erased_at);
-- What is to be told: an entry of the audit log, or a message to a channel. Whoever takes a row up moves its time.
CREATE TABLE outbox_due (
  id UUID PRIMARY KEY,
  tenant_id UUID NOT NULL,
  channel_id UUID,
  -- 0 is told before 1.
  rank INTEGER NOT NULL,
  due_at BIGINT NOT NULL,
  claims BIGINT NOT NULL
);
CREATE INDEX outbox_due_at ON outbox_due (due_at);
CREATE INDEX outbox_due_channel ON outbox_due (tenant_id, channel_id);
