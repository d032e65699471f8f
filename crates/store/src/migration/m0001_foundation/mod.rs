//! The first schema, with the walls.

use sea_orm_migration::prelude::*;

use super::ddl;

/// Tables whose rows belong to one tenant by their `tenant_id`; none stands before one that it refers to.
pub(crate) const WALLED: &[&str] = &[
    "app_user",
    "user_role",
    "user_group",
    "group_member",
    "group_role",
    "custom_role",
    "session",
    "api_key",
    "tenant_domain",
    "oidc_config",
    "setting",
    "idempotency",
    "aws_connection",
    "aws_resource",
    "identity_user",
    "discovery_run",
    "policy",
    "policy_rule",
    "policy_version",
    "access_request",
    "decision",
    "approval",
    "request_message",
    "access_grant",
    "assignment",
    "grant_assignment",
    "assignment_call",
    "lockdown",
    "drift",
    "drift_listed",
    "session_end",
    "session_policy_state",
    "audit_entry",
    "audit_text",
    "audit_head",
    "notification",
    "notification_preference",
    "notification_channel",
    "delivery",
];

pub(super) struct Foundation;

impl MigrationName for Foundation {
    fn name(&self) -> &'static str {
        "m0001_foundation"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Foundation {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for group in [
            include_str!("unwalled.sql"),
            include_str!("people.sql"),
            include_str!("aws.sql"),
            include_str!("access.sql"),
            include_str!("lockdowns.sql"),
            include_str!("drift.sql"),
            include_str!("session_ends.sql"),
            include_str!("audit.sql"),
            include_str!("notifications.sql"),
        ] {
            ddl::create(manager, group).await?;
        }
        ddl::wall_tenant_table(manager).await?;
        for table in WALLED {
            ddl::wall(manager, table).await?;
        }
        Ok(())
    }
}
