-- The tenant's AWS: its connection, and what was seen there. Walled.

CREATE TABLE aws_connection (
  tenant_id UUID PRIMARY KEY,
  saved_instance TEXT,
  saved_role TEXT,
  saved_region TEXT,
  saved_version BIGINT NOT NULL,
  verified_instance TEXT,
  verified_role TEXT,
  verified_region TEXT,
  verified_identity_store TEXT,
  verified_external_id TEXT,
  verified_at BIGINT,
  suspended TEXT,
  external_id TEXT NOT NULL,
  external_id_pending TEXT,
  pending_proved_at BIGINT,
  last_test JSONB,
  last_test_at BIGINT,
  updated_at BIGINT NOT NULL
);

CREATE TABLE aws_resource (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  instance_arn TEXT NOT NULL,
  type TEXT NOT NULL,
  aws_id TEXT NOT NULL,
  account_id TEXT,
  discovered_name TEXT,
  parents JSONB,
  tags JSONB,
  state TEXT,
  attributes JSONB,
  seen_at BIGINT,
  gone_at BIGINT,
  pushed_name TEXT,
  rank INTEGER,
  metadata JSONB,
  access_level TEXT CHECK (access_level IN ('read', 'write', 'admin')),
  exclusive BOOLEAN NOT NULL,
  exclusive_since BIGINT,
  pushed_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT aws_resource_key UNIQUE (tenant_id, instance_arn, type, aws_id)
);

CREATE TABLE identity_user (
  tenant_id UUID NOT NULL,
  identity_store_id TEXT NOT NULL,
  principal_id TEXT NOT NULL,
  user_name TEXT NOT NULL,
  email TEXT,
  email_folded TEXT,
  status TEXT,
  seen_at BIGINT NOT NULL,
  gone_at BIGINT,
  PRIMARY KEY (tenant_id, identity_store_id, principal_id)
);
CREATE INDEX identity_user_email ON identity_user (tenant_id, identity_store_id, email_folded);

CREATE TABLE discovery_run (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  instance_arn TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'succeeded', 'failed')),
  started_at BIGINT NOT NULL,
  ended_at BIGINT,
  counts JSONB NOT NULL,
  error TEXT,
  requested_by UUID,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX discovery_run_newest ON discovery_run (tenant_id, started_at, id);
