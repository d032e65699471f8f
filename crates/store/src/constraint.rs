//! The unique constraints that callers can run into, by the names that the databases give them.

use std::fmt;

use sea_orm::sqlx::error::DatabaseError;

macro_rules! constraints {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $columns:literal, $words:literal;)+) => {
        /// Which unique constraint a row would have broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Constraint {
            $($(#[$doc])* $variant),+
        }

        impl Constraint {
            /// All of them.
            pub const ALL: &[Constraint] = &[$(Constraint::$variant),+];

            /// PostgreSQL's name of it.
            const fn name(self) -> &'static str {
                match self { $(Constraint::$variant => $name),+ }
            }

            /// SQLite's: the columns.
            const fn columns(self) -> &'static str {
                match self { $(Constraint::$variant => $columns),+ }
            }

            const fn words(self) -> &'static str {
                match self { $(Constraint::$variant => $words),+ }
            }
        }
    };
}

// One line a constraint: PostgreSQL names the constraint, SQLite its columns.
constraints! {
    /// A tenant by that slug.
    TenantSlug = "tenant_slug_key", "tenant.slug", "the slug";
    /// A user of the tenant with that e-mail address.
    UserEmail = "app_user_email_key", "app_user.tenant_id, app_user.email_folded", "the e-mail address";
    /// A group of the tenant by that name.
    GroupName = "user_group_name_key", "user_group.tenant_id, user_group.name_folded", "the group's name";
    /// The person is in the group already.
    GroupMember = "group_member_key", "group_member.tenant_id, group_member.group_id, group_member.user_id", "the membership";
    /// The group gives that role already.
    GroupRole = "group_role_key", "group_role.tenant_id, group_role.group_id, group_role.role_slug", "the group's role";
    /// A role of the tenant by that slug.
    RoleSlug = "custom_role_slug_key", "custom_role.tenant_id, custom_role.slug", "the role's slug";
    /// A domain that the tenant has claimed.
    Domain = "tenant_domain_key", "tenant_domain.tenant_id, tenant_domain.domain", "the domain";
    /// A credential with that hash.
    CredentialHash = "credential_hash_key", "credential.hash", "the credential";
    /// A login name: of another tenant, or of this one.
    LoginName = "login_name_pkey", "login_name.hash", "the login name";
    /// The instance is connected by a tenant.
    InstanceClaim = "instance_claim_pkey", "instance_claim.instance_arn", "the Identity Center instance";
    /// The tenant has connected another instance.
    InstanceClaimTenant = "instance_claim_tenant_key", "instance_claim.tenant_id", "the tenant's connection";
    /// The person decided this request before.
    ApprovalOnce = "approval_once_key", "approval.tenant_id, approval.request_id, approval.approver_id", "the approval";
    /// The request has its grant already.
    GrantOfRequest = "access_grant_request_key", "access_grant.tenant_id, access_grant.request_id", "the request's grant";
    /// A lockdown of the same is in force.
    LockdownInForce = "lockdown_in_force_key", "lockdown.tenant_id, lockdown.scope, lockdown.subject", "the lockdown";
    /// An `Idempotency-Key` in use.
    IdempotencyKey = "idempotency_key", "idempotency.tenant_id, idempotency.principal, idempotency.route, idempotency.key_hash", "the idempotency key";
    /// A policy by that id: it was deleted, and somebody else has restored it.
    Policy = "policy_pkey", "policy.tenant_id, policy.id", "the policy's id";
    /// A cached AWS resource.
    AwsResource = "aws_resource_key", "aws_resource.tenant_id, aws_resource.instance_arn, aws_resource.type, aws_resource.aws_id", "the AWS resource";
    /// An assignment.
    Assignment = "assignment_key", "assignment.tenant_id, assignment.instance_arn, assignment.account_id, assignment.permission_set_arn, assignment.principal_id", "the assignment";
}

impl Constraint {
    /// Reads it off the database's error; none for a constraint that no caller can run into.
    pub(crate) fn violated(error: &dyn DatabaseError) -> Option<Self> {
        let found = |known: &Self| match error.constraint() {
            Some(name) => name == known.name(),
            None => error.message().strip_prefix("UNIQUE constraint failed: ") == Some(known.columns()),
        };
        Self::ALL.iter().copied().find(found)
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}
