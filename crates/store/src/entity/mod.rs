//! Rows as they lie in the database: raw columns, private to this crate. Repositories turn them into domain types
//! and refuse what doesn't parse.
//!
//! Relations are not declared: every query says its tenant and its joins itself.
#![expect(unreachable_pub, reason = "SeaORM's derives make the entity's parts `pub`; the modules are not")]

/// The rest of what `SeaORM` wants of an entity.
macro_rules! no_relations {
    () => {
        #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
        pub enum Relation {}

        impl ActiveModelBehavior for ActiveModel {}
    };
}

/// Reads no row of each table: fails when the database lacks a table or a column that this program knows.
macro_rules! tables {
    ($($table:ident),+ $(,)?) => {
        #[cfg(feature = "testing")]
        pub(crate) async fn read_none_of_each(db: &impl sea_orm::ConnectionTrait) -> Result<(), sea_orm::DbErr> {
            use sea_orm::{EntityTrait, QuerySelect};
            $($table::Entity::find().limit(0).all(db).await?;)+
            Ok(())
        }
    };
}

mod access;
mod audit;
mod aws;
mod drift;
mod lockdowns;
mod notifications;
mod people;
mod session_ends;
mod unwalled;

pub(crate) use access::*;
pub(crate) use audit::*;
pub(crate) use aws::*;
pub(crate) use drift::*;
pub(crate) use lockdowns::*;
pub(crate) use notifications::*;
pub(crate) use people::*;
pub(crate) use session_ends::*;
pub(crate) use unwalled::*;

tables! {
    installation, credential, login_name, login_attempt, instance_claim, connection_lease, due, request_due, audit_unsealed, tenant_version, tenant_deletion, tenant, app_user, user_role, user_group, group_member, group_role, custom_role, session, api_key, tenant_domain, oidc_config, setting, idempotency, aws_connection, aws_resource, identity_user, discovery_run, policy, policy_rule, policy_version, access_request, decision, approval, request_message, access_grant, assignment, grant_assignment, assignment_call, finding, drift_listed, session_end, session_policy_state, session_due, lockdown, audit_entry, audit_text, audit_head, outbox_due, notification, notification_preference, notification_channel, delivery,
}
