//! A tenant: its admin, its people, its organization in AWS, and what was there before Curfew came.

use std::collections::BTreeSet;

use curfew_sim::World;
use curfew_sim::world::{
    ACME_EXTERNAL_ID, Assignment, CURFEW_ACCESS_KEY, CURFEW_PRINCIPAL, CURFEW_SECRET_KEY, Instance,
    Organization, OwnCredentials, PermissionSet, PrincipalType, Role,
};
use curfew_tests::{Acme, Client, Cloud, Json, Server, fresh_id};
use serde_json::{Value, json};

/// How many tenants there are: each has AWS's rate, and a turn of each of its accounts, to itself.
pub(crate) const ESTATES: usize = 4;

/// How many people of each ask for access, and where.
const PEOPLE: usize = 5;
const ACCOUNTS: usize = 16;
const SETS: [&str; 2] = ["ReadOnly", "PowerUser"];

/// What a key may do that somebody asks for access with, and what their admin's may.
const PERSON: [&str; 1] = ["requests:create"];
const ADMIN: [&str; 7] = [
    "audit:read",
    "drift:read",
    "grants:delete",
    "grants:read",
    "notification_channels:read",
    "requests:read",
    "users:read",
];

pub(crate) struct Estate {
    pub(crate) aws: Acme,
    pub(crate) admin: Client,
    pub(crate) people: Vec<Client>,
    /// What nobody but Curfew changes, and Curfew must not: what was there before it came, and what nobody asks for.
    pub(crate) baseline: BTreeSet<String>,
    accounts: Vec<String>,
}

impl Estate {
    /// The tenants, the master first.
    pub(crate) async fn found_all(cloud: &Cloud, server: &Server) -> Vec<Self> {
        let master = server.set_up_as("multi").await;
        let mut all = Vec::new();
        for n in 0..ESTATES {
            let admin = if n == 0 { master.clone() } else { found_child(server, &master, n).await };
            all.push(Self::settle(cloud, n, &admin).await);
        }
        all
    }

    /// All of them call with keys: a token ends after an hour, by a clock that leaps too.
    async fn settle(cloud: &Cloud, n: usize, admin: &Client) -> Self {
        let role = format!("arn:aws:iam::{}:role/CurfewAccess", account(n, 0));
        let aws = cloud.connect_to(admin, &name(n), &role).await;
        admin.post("/v1/policies", everything_at_once()).await.is(201);
        let key_holder = json!({ "slug": "key-holder", "name": "Has keys", "scopes": ["api_keys:create"] });
        admin.post("/v1/roles", key_holder).await.is(201);
        let mut people = Vec::new();
        for person in 0..PEOPLE {
            let person = admin.person(&email(n, person), &["user", "key-holder"]).await;
            people.push(with_key(&person, &PERSON).await);
        }
        let admin = with_key(admin, &ADMIN).await;
        let accounts = (1..=ACCOUNTS).map(|place| account(n, place)).collect();
        let mut estate = Self { aws, admin, people, baseline: BTreeSet::new(), accounts };
        estate.some_access_is_there_before(cloud, n);
        estate
    }

    /// Some of it will be asked for as well, and some of it never.
    fn some_access_is_there_before(&mut self, cloud: &Cloud, n: usize) {
        let world = cloud.control().world();
        let (_, instance) = world.instances().find(|(_, one)| one.arn == self.aws.instance).expect("its own");
        for (person, place, set) in [(0, 1, 0), (1, 2, 1), (3, 3, 0), (2, ACCOUNTS + 1, 0)] {
            let (who, place) = (email(n, person), account(n, place));
            let there = Assignment {
                account: place.clone(),
                permission_set: self.aws.set(SETS[set]).to_owned(),
                principal_type: PrincipalType::User,
                principal_id: instance.user_by_email(&who).expect("a person").id.clone(),
            };
            cloud.control().assign(&self.aws.instance, &there);
            self.baseline.insert(format!("{who} {} {place}", SETS[set]));
        }
    }

    /// Somewhere: mostly where many ask, so that grants overlap.
    pub(crate) fn somewhere(&self, chance: &mut crate::chance::Chance) -> (&str, &'static str) {
        let places = if chance.below(3) > 0 { 4 } else { self.accounts.len() };
        (&self.accounts[chance.below(places)], chance.one_of(&SETS))
    }
}

async fn with_key(caller: &Client, scopes: &[&str]) -> Client {
    let made = caller.post("/v1/api-keys", json!({ "name": "torture", "scopes": scopes })).await.is(201);
    caller.holding(&made.text("raw_key"))
}

/// The master makes the child, whose owner follows the link.
async fn found_child(server: &Server, master: &Client, n: usize) -> Client {
    let (slug, owner) = (name(n), format!("owner@{}.example", name(n)));
    let child = json!({ "name": slug, "slug": slug, "owner_email": owner });
    let made = master.post("/v1/tenants", child).await.is(201);
    let link = made.text("owner_setup_url");
    let (_, token) = link.split_once("token=").expect("a token in the link");
    master.keep_out_of_the_log(token);
    let (stranger, password) = (server.stranger(), format!("owner's {}", fresh_id()));
    let first = json!({ "token": token, "password": password });
    stranger.post("/v1/auth/set-initial-password", first).await.ok();
    stranger.login(&owner, &password, &slug).await
}

/// Everybody gets everything at once, for an hour at most.
fn everything_at_once() -> Value {
    json!({
        "name": "Everything at once", "max_duration_seconds": 3_600, "approval_mode": "auto",
        "cedar_policy_set": "permit (principal, action, resource);",
    })
}

pub(crate) fn world() -> World {
    let credentials = OwnCredentials::new(CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY, CURFEW_PRINCIPAL);
    (0..ESTATES)
        .map(organization)
        .fold(World::empty().with_credentials(credentials), World::with_organization)
}

fn organization(n: usize) -> Organization {
    let instance = Instance::new(&name(n), "eu-west-1");
    let instance = SETS.iter().fold(instance, |all, set| all.with_permission_set(PermissionSet::named(set)));
    let instance =
        (0..PEOPLE).fold(instance, |all, person| all.with_user(&email(n, person), &email(n, person)));
    let organization = Organization::new(&name(n), &account(n, 0));
    (1..=ACCOUNTS + 1)
        .fold(organization, |all, place| {
            all.with_account(&account(n, place), &format!("place-{place}"), None)
        })
        .with_instance(instance)
        .with_role(
            Role::new(&account(n, 0), "CurfewAccess")
                .trusting(CURFEW_PRINCIPAL)
                .requiring_external_id(ACME_EXTERNAL_ID),
        )
}

fn name(n: usize) -> String {
    format!("estate{n}")
}

fn email(n: usize, person: usize) -> String {
    format!("person{person}@{}.example", name(n))
}

/// The account of that number; 0 is the organization's own.
fn account(n: usize, place: usize) -> String {
    format!("{}{place:011}", n + 1)
}
