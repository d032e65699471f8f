//! The simulator's Acme as a tenant's AWS: connecting it, and looking at what it holds.

use curfew_sim::world::{ACME_DELEGATED_ROLE, ACME_INSTANCE};
use curfew_sim::{Sim, SimControl, SimHandle, World};
use serde_json::{Value, json};

use crate::{Client, Json, eventually, holds};

/// The simulator, with what tests ask of it.
pub struct Cloud {
    sim: SimHandle,
}

impl Cloud {
    /// Starts it with the demo's world.
    pub async fn start() -> Self {
        Self::start_as(World::demo()).await
    }

    /// Starts it with a world of the caller's.
    pub async fn start_as(world: World) -> Self {
        Self { sim: Sim::start(world).await.expect("the simulator starts") }
    }

    /// The value of `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        self.sim.url()
    }

    /// The hand that moves it.
    pub fn control(&self) -> &SimControl {
        self.sim.control()
    }

    /// The ids of Acme's instance and permission sets.
    pub fn acme(&self) -> Acme {
        self.organization(ACME_INSTANCE)
    }

    /// The ids of another organization's, by the name of its instance.
    pub fn organization(&self, name: &str) -> Acme {
        let world = self.control().world();
        let (_, instance) = world
            .instances()
            .find(|(_, instance)| instance.name.as_deref() == Some(name))
            .expect("an organization of the demo's");
        let sets = instance.permission_sets.iter().map(|set| (set.name.clone(), set.arn.clone())).collect();
        Acme { instance: instance.arn.clone(), region: instance.primary_region.clone(), sets }
    }

    /// Lets a role trust what this tenant's ExternalId says, as its admin would by the template.
    pub async fn trust(&self, admin: &Client, role: &str) {
        let ids = admin.get("/v1/integrations/aws-identity-center/external-id").await.ok();
        let mut trust = self.control().world().role(role).expect("a role of the demo's").trust.clone();
        trust.external_ids = vec![ids.text("external_id")];
        self.control().set_trust(role, trust).expect("a trust policy");
    }

    /// Connects a tenant to Acme: trust, configuration, test, discovery.
    pub async fn connect(&self, admin: &Client) -> Acme {
        self.connect_to(admin, ACME_INSTANCE, ACME_DELEGATED_ROLE).await
    }

    /// Connects a tenant to an organization of the demo's.
    pub async fn connect_to(&self, admin: &Client, organization: &str, role: &str) -> Acme {
        let acme = self.organization(organization);
        self.trust(admin, role).await;
        admin.put("/v1/integrations/aws-identity-center/config", acme.config(role)).await.ok();
        let test = admin.order("/v1/integrations/aws-identity-center/test").await.ok();
        assert_eq!(test["success"], true, "{test:#}");
        discover(admin).await;
        acme
    }

    /// Who has which permission set where, as `alice@acme.example ReadOnly 100000000005`, in order.
    pub fn held(&self) -> Vec<String> {
        let mut held: Vec<String> = self
            .control()
            .assignments()
            .into_iter()
            .map(|one| {
                let (who, what) =
                    (one.principal_name.unwrap_or_default(), one.permission_set_name.unwrap_or_default());
                format!("{who} {what} {}", one.assignment.account)
            })
            .collect();
        held.sort();
        held
    }

    /// Waits until AWS holds exactly this.
    pub async fn holds_in_the_end(&self, expected: &[&str]) {
        eventually(&format!("AWS to hold {expected:?}"), async || holds(self.held() == expected)).await;
    }
}

/// Reads everything from AWS into the cache, and waits until that is done.
async fn discover(admin: &Client) {
    admin.order("/v1/aws/sync").await.is(202);
    eventually("discovery to end", async || {
        let sync = admin.get("/v1/aws/sync").await.ok();
        assert_ne!(sync["state"], "failed", "{sync:#}");
        holds(sync["state"] == "succeeded")
    })
    .await;
}

/// Acme's ids, or those of an organization like it.
pub struct Acme {
    /// Its instance's ARN.
    pub instance: String,
    region: String,
    sets: std::collections::BTreeMap<String, String>,
}

impl Acme {
    /// The account for experiments.
    pub const DEV: &str = "100000000005";
    /// The account with the payments.
    pub const PAYMENTS: &str = "100000000003";

    /// The ARN of a permission set.
    ///
    /// # Panics
    /// When there is none of that name.
    pub fn set(&self, name: &str) -> &str {
        self.sets.get(name).unwrap_or_else(|| panic!("no permission set {name}"))
    }

    /// The name of a permission set.
    ///
    /// # Panics
    /// When there is none of that ARN.
    pub fn name_of(&self, arn: &str) -> &str {
        let found = self.sets.iter().find(|(_, own)| *own == arn);
        found.map_or_else(|| panic!("no permission set {arn}"), |(name, _)| name)
    }

    /// The configuration that names a role of Acme's.
    pub fn config(&self, role: &str) -> Value {
        json!({ "sso_instance_arn": self.instance, "role_arn": role, "region": self.region })
    }

    /// A request for a permission set in an account.
    pub fn ask(&self, account: &str, set: &str, action: &str, seconds: u32) -> Value {
        json!({
            "resource": { "type": "aws_account", "id": account },
            "action": action,
            "permission_set_arn": self.set(set),
            "duration_seconds": seconds,
            "reason": "INC-1042: look at the queue",
        })
    }
}
