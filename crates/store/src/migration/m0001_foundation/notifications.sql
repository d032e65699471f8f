-- Who is told of what: people in the console, channels to the outside, and the messages to them. Walled.

CREATE TABLE notification (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  user_id UUID NOT NULL,
  entry_id UUID NOT NULL,
  event_type TEXT NOT NULL,
  title TEXT NOT NULL,
  body TEXT NOT NULL,
  resource_type TEXT,
  resource_id TEXT,
  read_at BIGINT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT notification_once_key UNIQUE (tenant_id, entry_id, user_id),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX notification_newest ON notification (tenant_id, user_id, created_at, id);
CREATE INDEX notification_unread ON notification (tenant_id, user_id) WHERE read_at IS NULL;

CREATE TABLE notification_preference (
  tenant_id UUID NOT NULL,
  user_id UUID NOT NULL,
  event_type TEXT NOT NULL,
  channel TEXT NOT NULL CHECK (channel IN ('email', 'slack', 'in_app')),
  enabled BOOLEAN NOT NULL,
  PRIMARY KEY (tenant_id, user_id, event_type, channel),
  FOREIGN KEY (tenant_id, user_id) REFERENCES app_user (tenant_id, id) ON DELETE CASCADE
);

CREATE TABLE notification_channel (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  name TEXT NOT NULL,
  channel_type TEXT NOT NULL,
  config_sealed BYTEA NOT NULL,
  secret_sealed BYTEA,
  former_secret_sealed BYTEA,
  former_until BIGINT,
  enabled BOOLEAN NOT NULL,
  event_filters JSONB NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CHECK ((former_secret_sealed IS NULL) = (former_until IS NULL))
);
CREATE INDEX notification_channel_newest ON notification_channel (tenant_id, created_at, id);

CREATE TABLE delivery (
  tenant_id UUID NOT NULL,
  id UUID NOT NULL,
  channel_id UUID NOT NULL,
  entry_id UUID NOT NULL,
  event_type TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed')),
  attempts INTEGER NOT NULL,
  next_attempt_at BIGINT,
  last_attempt_at BIGINT,
  status_code INTEGER,
  failure TEXT,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_id, id),
  CONSTRAINT delivery_once_key UNIQUE (tenant_id, channel_id, entry_id),
  FOREIGN KEY (tenant_id, channel_id) REFERENCES notification_channel (tenant_id, id) ON DELETE CASCADE,
  CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL))
);
CREATE INDEX delivery_newest ON delivery (tenant_id, channel_id, created_at, id);
CREATE INDEX delivery_over ON delivery (tenant_id, created_at) WHERE state <> 'pending';
