-- Tenants, people, and how they prove who they are. Walled.

CREATE TABLE tenant (
  id UUID PRIMARY KEY,
  parent_id UUID REFERENCES tenant (id),
  name TEXT NOT NULL,
  slug TEXT NOT NULL CONSTRAINT tenant_slug_key UNIQUE,
  locale TEXT NOT NULL,
  owner_email TEXT,
  owner_user_id UUID,
  sso_start_url TEXT,
  sso_region TEXT,
  is_master BOOLEAN NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('active', 'deleting')),
  mfa_required BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);
CREATE INDEX tenant_children ON tenant (parent_id, created_at, id);

CREATE TABLE app_user (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  email TEXT NOT NULL,
  email_folded TEXT NOT NULL,
  name TEXT NOT NULL,
  auth_provider TEXT NOT NULL CHECK (auth_provider IN ('local', 'oidc', 'saml')),
  active BOOLEAN NOT NULL,
  email_verified BOOLEAN NOT NULL,
  is_owner BOOLEAN NOT NULL,
  password_hash TEXT,
  account_set_by UUID,
  account_set_at BIGINT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT app_user_email_key UNIQUE (tenant_id, email_folded)
);
CREATE INDEX app_user_newest ON app_user (tenant_id, created_at, id);

CREATE TABLE user_role (
  tenant_id UUID NOT NULL,
  user_id UUID NOT NULL,
  role_slug TEXT NOT NULL,
  PRIMARY KEY (tenant_id, user_id, role_slug),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX user_role_slug ON user_role (tenant_id, role_slug);

CREATE TABLE user_group (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  name TEXT NOT NULL,
  name_folded TEXT NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('local', 'scim')),
  description TEXT,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT user_group_name_key UNIQUE (tenant_id, name_folded)
);
CREATE INDEX user_group_newest ON user_group (tenant_id, created_at, id);

CREATE TABLE group_member (
  tenant_id UUID NOT NULL,
  group_id UUID NOT NULL,
  user_id UUID NOT NULL,
  source TEXT NOT NULL CHECK (source IN ('local', 'scim')),
  joined_at BIGINT NOT NULL,
  CONSTRAINT group_member_key PRIMARY KEY (tenant_id, group_id, user_id),
  FOREIGN KEY (tenant_id, group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE,
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX group_member_user ON group_member (tenant_id, user_id);

CREATE TABLE group_role (
  tenant_id UUID NOT NULL,
  group_id UUID NOT NULL,
  role_slug TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT group_role_key PRIMARY KEY (tenant_id, group_id, role_slug),
  FOREIGN KEY (tenant_id, group_id) REFERENCES user_group (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX group_role_slug ON group_role (tenant_id, role_slug);

CREATE TABLE custom_role (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  slug TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  scopes JSONB NOT NULL,
  created_by UUID NOT NULL,
  updated_by UUID NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT custom_role_slug_key UNIQUE (tenant_id, slug)
);

CREATE TABLE session (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  user_id UUID NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('bearer', 'cookie')),
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  chain_ends_at BIGINT NOT NULL,
  ended_at BIGINT,
  address TEXT,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX session_of_user ON session (tenant_id, user_id);

CREATE TABLE api_key (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  name TEXT NOT NULL,
  scopes JSONB NOT NULL,
  created_by UUID NOT NULL,
  last_used_at BIGINT,
  expires_at BIGINT,
  revoked_at BIGINT,
  revoked_by UUID,
  created_at BIGINT NOT NULL,
  identity_provider_id UUID,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX api_key_newest ON api_key (tenant_id, created_at, id);
CREATE INDEX api_key_maker ON api_key (tenant_id, created_by);

CREATE TABLE tenant_domain (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  domain TEXT NOT NULL,
  verified_at BIGINT,
  verification_token TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT tenant_domain_key UNIQUE (tenant_id, domain)
);

CREATE TABLE oidc_config (
  tenant_id UUID PRIMARY KEY,
  issuer_url TEXT NOT NULL,
  client_id TEXT NOT NULL,
  client_secret_sealed BYTEA NOT NULL,
  scopes JSONB NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE setting (
  tenant_id UUID NOT NULL,
  key TEXT NOT NULL,
  value JSONB NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, key)
);

CREATE TABLE idempotency (
  tenant_id UUID NOT NULL,
  principal TEXT NOT NULL,
  route TEXT NOT NULL,
  key_hash BYTEA NOT NULL,
  body_hash BYTEA NOT NULL,
  status INTEGER,
  resource_id TEXT,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  CONSTRAINT idempotency_key PRIMARY KEY (tenant_id, principal, route, key_hash)
);
CREATE INDEX idempotency_expiry ON idempotency (tenant_id, expires_at);
