//! What Acme's AWS holds, as if the connection had been tested and discovery had run.

use std::collections::BTreeMap;

use curfew_domain::connection::{SavedConnection, VerifiedConnection};
use curfew_domain::{
    AccessLevel, CachedResourceId, Discovered, DiscoveredAttributes, IdentityUser, ResourceRef, Seconds,
};

use crate::support::Acme;

pub(crate) const ACCOUNT: &str = "111111111111";
pub(crate) const READ_ONLY: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-aaaaaaaaaaaaaaaa";
const INSTANCE: &str = "arn:aws:sso:::instance/ssoins-1234567890abcdef";
const STORE: &str = "d-1234567890";

/// The account Sandbox, the permission set `ReadOnly`, and Root and Dana as people.
pub(crate) async fn aws_is_known(acme: &Acme) {
    let app = &acme.edge.test.app;
    let now = app.now();
    let saved = SavedConnection {
        instance: INSTANCE.parse().unwrap(),
        role: "arn:aws:iam::999999999999:role/Curfew".parse().unwrap(),
        region: "eu-central-1".parse().unwrap(),
    };
    let unit = app.store.tenant(acme.tenant.tenant.id).write().await.unwrap();
    let mut connection = unit.connection().await.unwrap().unwrap();
    connection.verified = Some(VerifiedConnection {
        saved: saved.clone(),
        identity_store: STORE.parse().unwrap(),
        external_id: connection.external_ids.current.clone(),
        at: now,
    });
    connection.saved = Some(saved);
    unit.update_connection(&connection, now).await.unwrap();
    let resources: [(ResourceRef, &str); 2] = [
        (format!("aws_account:{ACCOUNT}").parse().unwrap(), "Sandbox"),
        (format!("aws_permission_set:{READ_ONLY}").parse().unwrap(), "ReadOnly"),
    ];
    for (resource, name) in resources {
        let discovered = Discovered {
            name: name.to_owned(),
            units: Vec::new(),
            tags: BTreeMap::new(),
            state: None,
            attributes: DiscoveredAttributes {
                guessed_level: Some(AccessLevel::Read),
                session: Some(Seconds::of(3_600)),
                ..Default::default()
            },
            seen_at: now,
            gone_at: None,
        };
        let id = CachedResourceId::new(now, app.entropy.as_ref());
        unit.save_discovered(id, &INSTANCE.parse().unwrap(), &resource, None, &discovered).await.unwrap();
    }
    for name in ["root", "dana"] {
        let known = IdentityUser {
            identity_store: STORE.parse().unwrap(),
            principal: format!("principal-{name}").parse().unwrap(),
            user_name: name.to_owned(),
            email: Some(format!("{name}@acme.example")),
            status: None,
            seen_at: now,
            gone_at: None,
        };
        unit.save_identity_user(&known).await.unwrap();
    }
    unit.commit().await.unwrap();
}
