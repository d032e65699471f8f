//! What a stranger gets from each operation.

use serde_json::{Value, json};

/// A kind of thing that has an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    ApiKey,
    AuditEntry,
    Channel,
    Drift,
    Grant,
    Group,
    GroupRole,
    Lockdown,
    Notification,
    Policy,
    PolicyVersion,
    Request,
    Role,
    Rule,
    Tenant,
    User,
}

/// What a stranger gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    /// It takes no credential, and tells nothing of any tenant that the caller did not name.
    Public,
    /// It is about the caller's own tenant, and takes no ids of things.
    Own,
    /// It names things by id, in this order; another tenant's are as ones that never were.
    Foreign(&'static [Kind]),
}

/// One operation's expectation.
#[derive(Clone, Copy)]
pub(super) struct Line {
    key: &'static str,
    pub(super) expect: Expect,
    /// A good body, where it wants one: what is refused is refused for the id.
    pub(super) body: Option<fn() -> Value>,
}

const fn line(key: &'static str, expect: Expect) -> Line {
    Line { key, expect, body: None }
}

const fn with_body(key: &'static str, expect: Expect, body: fn() -> Value) -> Line {
    Line { key, expect, body: Some(body) }
}

/// The line of an operation.
pub(super) fn expectation(key: &str) -> Option<Line> {
    LINES.iter().find(|line| line.key == key).copied()
}

/// All operations that have a line.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    LINES.iter().map(|line| line.key)
}

use Expect::{Foreign, Own, Public};

const LINES: &[Line] = &[
    line("GET /healthz", Public),
    line("GET /readyz", Public),
    line("GET /metrics", Public),
    line("GET /openapi.json", Public),
    line("GET /v1/setup/status", Public),
    line("POST /v1/setup/complete", Public),
    line("GET /v1/auth/providers", Public),
    line("POST /v1/auth/login", Public),
    line("POST /v1/auth/set-initial-password", Public),
    line("POST /v1/auth/refresh", Own),
    line("POST /v1/auth/logout", Own),
    line("GET /v1/integrations/aws-identity-center/config", Own),
    line("PUT /v1/integrations/aws-identity-center/config", Own),
    line("DELETE /v1/integrations/aws-identity-center/config", Own),
    line("POST /v1/integrations/aws-identity-center/test", Own),
    line("POST /v1/integrations/aws-identity-center/bootstrap-template", Own),
    line("GET /v1/integrations/aws-identity-center/external-id", Own),
    line("POST /v1/integrations/aws-identity-center/external-id/rotate", Own),
    line("POST /v1/integrations/aws-identity-center/external-id/commit", Own),
    line("POST /v1/integrations/aws-identity-center/external-id/cancel", Own),
    line("GET /v1/aws/accounts", Own),
    line("GET /v1/aws/permission-sets", Own),
    line("GET /v1/aws/organizational-units", Own),
    line("GET /v1/aws/resources", Own),
    line("PUT /v1/aws/accounts", Own),
    line("PUT /v1/aws/permission-sets", Own),
    line("PUT /v1/aws/organizational-units", Own),
    line("PUT /v1/aws/resources", Own),
    line("GET /v1/aws/sync", Own),
    line("POST /v1/aws/sync", Own),
    line("GET /v1/requests", Own),
    line("POST /v1/requests", Own),
    line("GET /v1/requests/{}", Foreign(&[Kind::Request])),
    with_body("POST /v1/requests/{}/approve", Foreign(&[Kind::Request]), || json!({})),
    with_body("POST /v1/requests/{}/deny", Foreign(&[Kind::Request]), || json!({})),
    line("POST /v1/requests/{}/cancel", Foreign(&[Kind::Request])),
    line("GET /v1/requests/{}/decisions", Foreign(&[Kind::Request])),
    line("GET /v1/requests/{}/messages", Foreign(&[Kind::Request])),
    with_body("POST /v1/requests/{}/messages", Foreign(&[Kind::Request]), || json!({ "content": "hello" })),
    with_body(
        "POST /v1/requests/{}/review",
        Foreign(&[Kind::Request]),
        || json!({ "outcome": "justified", "reasoning": "seen" }),
    ),
    line("GET /v1/drift", Own),
    line("POST /v1/drift/{}/resolve", Foreign(&[Kind::Drift])),
    line("POST /v1/access/ensure", Own),
    line("GET /v1/access/requests/{}", Foreign(&[Kind::Request])),
    line("GET /v1/grants", Own),
    line("POST /v1/grants", Own),
    line("GET /v1/grants/{}", Foreign(&[Kind::Grant])),
    line("GET /v1/grants/{}/timeline", Foreign(&[Kind::Grant])),
    with_body("POST /v1/grants/{}/extend", Foreign(&[Kind::Grant]), || json!({ "duration_seconds": 60 })),
    line("DELETE /v1/grants/{}", Foreign(&[Kind::Grant])),
    with_body("PATCH /v1/grants/{}", Foreign(&[Kind::Grant]), || json!({ "audit_enabled": false })),
    line("GET /v1/policies", Own),
    line("POST /v1/policies", Own),
    line("POST /v1/policies/evaluate", Own),
    line("POST /v1/policies/analyze", Own),
    line("POST /v1/policies/simulate", Own),
    line("POST /v1/policies/what-can-access", Own),
    line("POST /v1/policies/who-can-access", Own),
    line("GET /v1/policies/{}", Foreign(&[Kind::Policy])),
    with_body("PATCH /v1/policies/{}", Foreign(&[Kind::Policy]), || json!({ "name": "Taken over" })),
    line("DELETE /v1/policies/{}", Foreign(&[Kind::Policy])),
    line("PATCH /v1/policies/reorder", Own),
    line("GET /v1/policies/schema", Own),
    line("GET /v1/policies/{}/cedar", Foreign(&[Kind::Policy])),
    line("GET /v1/policies/{}/rules", Foreign(&[Kind::Policy])),
    with_body("POST /v1/policies/{}/rules", Foreign(&[Kind::Policy]), || json!({ "effect": "permit" })),
    line("GET /v1/policies/{}/rules/{}", Foreign(&[Kind::Policy, Kind::Rule])),
    with_body(
        "PATCH /v1/policies/{}/rules/{}",
        Foreign(&[Kind::Policy, Kind::Rule]),
        || json!({ "ordinal": 7 }),
    ),
    line("DELETE /v1/policies/{}/rules/{}", Foreign(&[Kind::Policy, Kind::Rule])),
    with_body("PATCH /v1/policies/{}/rules/reorder", Foreign(&[Kind::Policy]), || json!({ "ids": [] })),
    line("GET /v1/policies/{}/versions", Foreign(&[Kind::Policy])),
    line("GET /v1/policies/{}/versions/{}", Foreign(&[Kind::Policy, Kind::PolicyVersion])),
    line("POST /v1/policies/{}/versions/{}/restore", Foreign(&[Kind::Policy, Kind::PolicyVersion])),
    line("GET /v1/api-keys", Own),
    line("POST /v1/api-keys", Own),
    line("DELETE /v1/api-keys/{}", Foreign(&[Kind::ApiKey])),
    line("GET /v1/audit-log", Own),
    line("GET /v1/audit-log/{}", Foreign(&[Kind::AuditEntry])),
    line("GET /v1/audit-log/verify", Own),
    line("GET /v1/lockdowns", Own),
    line("POST /v1/lockdowns", Own),
    line("GET /v1/lockdowns/{}", Foreign(&[Kind::Lockdown])),
    line("DELETE /v1/lockdowns/{}", Foreign(&[Kind::Lockdown])),
    line("GET /v1/tenants", Own),
    line("POST /v1/tenants", Own),
    line("GET /v1/tenants/{}", Foreign(&[Kind::Tenant])),
    with_body("PUT /v1/tenants/{}", Foreign(&[Kind::Tenant]), || json!({ "name": "Taken over" })),
    line("DELETE /v1/tenants/{}", Foreign(&[Kind::Tenant])),
    line("GET /v1/users", Own),
    line("POST /v1/users", Own),
    line("GET /v1/users/{}", Foreign(&[Kind::User])),
    with_body("PUT /v1/users/{}", Foreign(&[Kind::User]), || json!({ "name": "Taken over" })),
    line("DELETE /v1/users/{}", Foreign(&[Kind::User])),
    line("POST /v1/users/{}/suspend", Foreign(&[Kind::User])),
    line("POST /v1/users/{}/activate", Foreign(&[Kind::User])),
    line("GET /v1/users/me", Own),
    line("GET /v1/users/me/notifications", Own),
    line("POST /v1/users/me/notifications/{}/read", Foreign(&[Kind::Notification])),
    line("POST /v1/users/me/notifications/read-all", Own),
    line("GET /v1/users/me/notification-preferences", Own),
    line("PUT /v1/users/me/notification-preferences", Own),
    line("GET /v1/notification-channels", Own),
    line("POST /v1/notification-channels/generic-webhook", Own),
    line("GET /v1/notification-channels/{}", Foreign(&[Kind::Channel])),
    with_body("PUT /v1/notification-channels/{}", Foreign(&[Kind::Channel]), || json!({ "enabled": false })),
    line("DELETE /v1/notification-channels/{}", Foreign(&[Kind::Channel])),
    line("POST /v1/notification-channels/{}/test", Foreign(&[Kind::Channel])),
    line("POST /v1/notification-channels/{}/rotate-secret", Foreign(&[Kind::Channel])),
    line("GET /v1/notification-channels/{}/deliveries", Foreign(&[Kind::Channel])),
    line("GET /v1/groups", Own),
    line("POST /v1/groups", Own),
    line("GET /v1/groups/{}", Foreign(&[Kind::Group])),
    with_body("PATCH /v1/groups/{}", Foreign(&[Kind::Group]), || json!({ "name": "Taken over" })),
    line("DELETE /v1/groups/{}", Foreign(&[Kind::Group])),
    line("GET /v1/groups/{}/members", Foreign(&[Kind::Group])),
    with_body(
        "POST /v1/groups/{}/members",
        Foreign(&[Kind::Group]),
        || json!({ "user_id": "0192f0c1-7a3b-7c4d-8e5f-0123456789ab" }),
    ),
    line("DELETE /v1/groups/{}/members/{}", Foreign(&[Kind::Group, Kind::User])),
    with_body("POST /v1/groups/{}/roles", Foreign(&[Kind::Group]), || json!({ "role": "user" })),
    line("DELETE /v1/groups/{}/roles/{}", Foreign(&[Kind::Group, Kind::GroupRole])),
    line("GET /v1/roles", Own),
    line("POST /v1/roles", Own),
    line("GET /v1/roles/{}", Foreign(&[Kind::Role])),
    with_body("PATCH /v1/roles/{}", Foreign(&[Kind::Role]), || json!({ "name": "Taken over" })),
    line("DELETE /v1/roles/{}", Foreign(&[Kind::Role])),
    line("GET /v1/permissions", Own),
    line("GET /v1/settings", Own),
    line("PUT /v1/settings/{}", Own),
];
