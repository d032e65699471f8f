-- The audit log. Walled.

CREATE TABLE audit_entry (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  body TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  actor_id TEXT NOT NULL,
  person_id UUID,
  action TEXT NOT NULL,
  resource_type TEXT NOT NULL,
  resource_id TEXT NOT NULL,
  sequence BIGINT,
  hash BYTEA,
  previous_hash BYTEA,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT audit_entry_sequence_key UNIQUE (tenant_id, sequence),
  CHECK (sequence > 0),
  CHECK ((sequence IS NULL) = (hash IS NULL) AND (hash IS NULL) = (previous_hash IS NULL))
);
CREATE INDEX audit_entry_newest ON audit_entry (tenant_id, created_at, id);
CREATE INDEX audit_entry_resource ON audit_entry (tenant_id, resource_id);

CREATE TABLE audit_text (
  tenant_id UUID NOT NULL,
  entry_id UUID NOT NULL,
  name TEXT NOT NULL,
  salt BYTEA NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (tenant_id, entry_id, name)
);

CREATE TABLE audit_head (
  tenant_id UUID NOT NULL,
  sequence BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  at BIGINT NOT NULL,
  key_id TEXT NOT NULL,
  signature BYTEA NOT NULL,
  PRIMARY KEY (tenant_id, sequence)
);
