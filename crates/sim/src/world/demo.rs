//! A ready-made world of two customers: the stand-in's default.

use super::{
    Account, AccountState, Instance, KmsKey, Organization, OwnCredentials, PermissionSet, Role, User,
    UserStatus, World,
};

/// The access key of Curfew's own principal.
pub const CURFEW_ACCESS_KEY: &str = "AKIACURFEWSIMEXAMPLE";
/// The secret that belongs to it; it opens nothing but this stand-in.
pub const CURFEW_SECRET_KEY: &str = "curfew/sim/secret/that/opens/nothing/else";
/// Curfew's own principal, which customers' roles trust.
pub const CURFEW_PRINCIPAL: &str = "arn:aws:iam::555500000001:user/curfew";
/// A key of Curfew's own account in KMS that makes MACs (`HMAC_256`).
pub const CURFEW_KMS_KEY: &str =
    "arn:aws:kms:us-east-1:555500000001:key/5f8d1c1e-3f6b-4a35-9d0e-1b7c6a2e4d90";
/// The same key's alias.
pub const CURFEW_KMS_ALIAS: &str = "alias/curfew-master-key";
/// Acme's role in its delegated administrator account.
pub const ACME_DELEGATED_ROLE: &str = "arn:aws:iam::100000000002:role/CurfewAccess";
/// Acme's role in its management account.
pub const ACME_MANAGEMENT_ROLE: &str = "arn:aws:iam::100000000001:role/CurfewAccess";
/// A role of Acme's that forgets to ask for the ExternalId.
pub const ACME_UNSAFE_ROLE: &str = "arn:aws:iam::100000000002:role/CurfewWithoutExternalId";
/// The ExternalId that Acme's roles ask for.
pub const ACME_EXTERNAL_ID: &str = "0b7ac1a5-7b0e-4f0e-9a53-6f1d2c3b4a59";
/// The name of Acme's instance, from which its ids come; primary region eu-west-1.
pub const ACME_INSTANCE: &str = "acme";
/// Globex's role in its management account.
pub const GLOBEX_ROLE: &str = "arn:aws:iam::200000000001:role/CurfewAccess";
/// The ExternalId that Globex's role asks for.
pub const GLOBEX_EXTERNAL_ID: &str = "7d4f6c1e-2a3b-4c5d-8e6f-9a0b1c2d3e4f";
/// The name of Globex's instance, from which its ids come; primary region us-east-1.
pub const GLOBEX_INSTANCE: &str = "globex";

impl World {
    /// Two customers, Acme (a delegated administrator, nested units, groups) and Globex (small), and Curfew's own
    /// access key and KMS key.
    #[must_use]
    pub fn demo() -> Self {
        Self::empty()
            .with_credentials(OwnCredentials::new(CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY, CURFEW_PRINCIPAL))
            .with_kms_key(KmsKey::new(CURFEW_KMS_KEY).with_alias(CURFEW_KMS_ALIAS))
            .with_organization(acme())
            .with_organization(globex())
    }
}

fn acme() -> Organization {
    let mut acme = Organization::new("acme", "100000000001")
        .with_unit("Security", None)
        .with_unit("Workloads", None)
        .with_unit("Prod", Some("Workloads"))
        .with_unit("Dev", Some("Workloads"))
        .with_account("100000000002", "acme-security", Some("Security"))
        .with_account("100000000003", "acme-prod-payments", Some("Prod"))
        .with_account("100000000004", "acme-prod-web", Some("Prod"))
        .with_account("100000000005", "acme-dev", Some("Dev"))
        .with_account("100000000006", "acme-sandbox-old", Some("Dev"))
        .with_delegated_administrator("100000000002")
        .with_instance(acme_instance());
    for account in &mut acme.accounts {
        tag(account);
    }
    for (account, name) in [("100000000002", "CurfewAccess"), ("100000000001", "CurfewAccess")] {
        let role =
            Role::new(account, name).trusting(CURFEW_PRINCIPAL).requiring_external_id(ACME_EXTERNAL_ID);
        acme = acme.with_role(role.with_max_session_seconds(43_200));
    }
    acme.with_role(Role::new("100000000002", "CurfewWithoutExternalId").trusting(CURFEW_PRINCIPAL))
}

fn tag(account: &mut Account) {
    let env = if account.name.contains("-prod") { "prod" } else { "nonprod" };
    account.tags.insert("env".to_owned(), env.to_owned());
    if account.name.ends_with("-old") {
        account.state = AccountState::Suspended;
    }
}

fn acme_instance() -> Instance {
    let instance = Instance::new(ACME_INSTANCE, "eu-west-1")
        .with_additional_region("eu-central-1")
        .with_permission_set(PermissionSet::named("ReadOnly").with_managed_policy("ReadOnlyAccess"))
        .with_permission_set(
            PermissionSet::named("PowerUser")
                .with_managed_policy("PowerUserAccess")
                .with_session_duration("PT4H"),
        )
        .with_permission_set(
            PermissionSet::named("Admin")
                .with_managed_policy("AdministratorAccess")
                .with_session_duration("PT8H"),
        )
        .with_permission_set(
            PermissionSet::named("OrgAdmin")
                .with_managed_policy("AdministratorAccess")
                .provisioned_in("100000000001"),
        )
        .with_user("alice@acme.example", "Alice Archer")
        .with_user("bob@acme.example", "Bob Baker")
        .with_user("carol@acme.example", "Carol Chen");
    let mut dave = User::new(&instance.identity_store_id, "dave@acme.example", "Dave Dubois");
    dave.status = UserStatus::Disabled;
    instance
        .with_user_record(dave)
        .with_group("Engineering", &["alice@acme.example", "bob@acme.example"])
        .with_group("Security", &["carol@acme.example"])
}

fn globex() -> Organization {
    let instance = Instance::new(GLOBEX_INSTANCE, "us-east-1")
        .with_permission_set(PermissionSet::named("ReadOnly").with_managed_policy("ReadOnlyAccess"))
        .with_permission_set(PermissionSet::named("Admin").with_managed_policy("AdministratorAccess"))
        .with_user("gina@globex.example", "Gina Garcia")
        .with_user("hank@globex.example", "Hank Hill");
    Organization::new("globex", "200000000001")
        .with_account("200000000002", "globex-prod", None)
        .with_account("200000000003", "globex-dev", None)
        .with_instance(instance)
        .with_role(
            Role::new("200000000001", "CurfewAccess")
                .trusting(CURFEW_PRINCIPAL)
                .requiring_external_id(GLOBEX_EXTERNAL_ID),
        )
}
