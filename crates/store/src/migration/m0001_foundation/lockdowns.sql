-- Lockdowns. Walled.

-- `subject` is a user's id or an account's; empty for the tenant.
CREATE TABLE lockdown (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  scope TEXT NOT NULL CHECK (scope IN ('user', 'account', 'tenant')),
  subject TEXT NOT NULL,
  reason TEXT,
  created_by UUID NOT NULL,
  created_at BIGINT NOT NULL,
  grants_revoked BIGINT NOT NULL,
  lifted_by UUID,
  lifted_at BIGINT,
  PRIMARY KEY (tenant_id, id),
  CHECK ((lifted_by IS NULL) = (lifted_at IS NULL)),
  CHECK ((subject = '') = (scope = 'tenant'))
);
CREATE INDEX lockdown_newest ON lockdown (tenant_id, created_at, id);
CREATE UNIQUE INDEX lockdown_in_force_key ON lockdown (tenant_id, scope, subject) WHERE lifted_at IS NULL;
