//! A tenant with people, its servers, and its AWS.

use std::collections::BTreeSet;
use std::time::Duration;

use curfew_sim::World;
use curfew_sim::world::{Assignment, PrincipalType};
use curfew_tests::{Acme, Backend, Client, Cloud, Cluster, Json, Server};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::misfortune::Misfortunes;
use crate::people::Deed;
use crate::verdict::Calm;

/// Where access is given.
pub(crate) const ACCOUNTS: [&str; 3] = ["100000000003", "100000000004", "100000000005"];
pub(crate) const SETS: [&str; 2] = ["ReadOnly", "PowerUser"];

/// How many people ask for it.
const PEOPLE: usize = 8;

/// How many calls of theirs are under way at once.
const CROWD: usize = 12;

pub(crate) struct Town {
    pub(crate) chance: Chance,
    pub(crate) cloud: Cloud,
    pub(crate) acme: Acme,
    pub(crate) nodes: Vec<Server>,
    pub(crate) admin: Client,
    pub(crate) people: Vec<Client>,
    /// What was there before Curfew came.
    pub(crate) baseline: BTreeSet<String>,
    pub(crate) misfortunes: Misfortunes,
    calls: JoinSet<Option<String>>,
    /// Grants that somebody was told of.
    pub(crate) grants: Vec<String>,
}

impl Town {
    pub(crate) async fn found(backend: Backend, nodes: usize, chance: Chance) -> Self {
        let cloud = Cloud::start_as(world()).await;
        cloud.control().behave(|aws| aws.assignment_ms = 150);
        let first = Server::on(backend)
            .aws(&cloud.url())
            .env("RECONCILIATION_INTERVAL", "2s")
            .env("LOG_LEVEL", "info")
            .start()
            .await;
        let admin = first.set_up().await;
        let acme = cloud.connect(&admin).await;
        admin.post("/v1/policies", everything_at_once()).await.is(201);
        let mut people = Vec::new();
        for n in 0..PEOPLE {
            people.push(admin.person(&email(n), &["user"]).await);
        }
        let mut all = vec![first];
        for _ in 1..nodes {
            let mut node = all[0].beside();
            node.start_again().await;
            all.push(node);
        }
        let mut town = Self {
            chance,
            cloud,
            acme,
            nodes: all,
            admin,
            people,
            baseline: BTreeSet::new(),
            misfortunes: Misfortunes::default(),
            calls: JoinSet::new(),
            grants: Vec::new(),
        };
        town.some_access_is_there_before();
        town
    }

    /// Standing access, some of which will be asked for as well.
    fn some_access_is_there_before(&mut self) {
        for n in [0, 3, 5] {
            let there = self.assignment(n, ACCOUNTS[n % 3], SETS[n % 2]);
            self.cloud.control().assign(&self.acme.instance, &there);
        }
        self.baseline = self.cloud.held().into_iter().collect();
    }

    fn assignment(&self, person: usize, account: &str, set: &str) -> Assignment {
        let world = self.cloud.control().world();
        let (_, instance) =
            world.instances().find(|(_, one)| one.arn == self.acme.instance).expect("Acme's instance");
        Assignment {
            account: account.to_owned(),
            permission_set: self.acme.set(set).to_owned(),
            principal_type: PrincipalType::User,
            principal_id: instance.user_by_email(&email(person)).expect("a person").id.clone(),
        }
    }

    /// One thing: mostly somebody wants something, and now and then something breaks.
    pub(crate) async fn something_happens(&mut self, cluster: Option<&Cluster>) {
        while let Some(ended) = self.calls.try_join_next() {
            self.grants.extend(ended.expect("a call does not panic"));
        }
        if self.chance.below(100) < 12 {
            self.misfortune(cluster);
        }
        self.misfortunes_pass().await;
        if self.calls.len() < CROWD {
            let deed = self.deed();
            self.calls.spawn(deed);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }

    fn deed(&mut self) -> impl Future<Output = Option<String>> + Send + 'static {
        let running: Vec<usize> = (0..self.nodes.len()).filter(|node| self.nodes[*node].runs()).collect();
        let node = if running.is_empty() { 0 } else { self.chance.one_of(&running) };
        let person = self.chance.below(PEOPLE);
        let asks = |who: &Client| self.nodes[node].asked_by(who);
        let (person, admin) = (asks(&self.people[person]), asks(&self.admin));
        let grant = (!self.grants.is_empty()).then(|| {
            let last = self.grants.len().saturating_sub(60);
            self.grants[last + self.chance.below(self.grants.len() - last)].clone()
        });
        let deed = Deed::by(&mut self.chance, grant, &self.acme);
        async move { deed.done(&person, &admin).await }
    }

    /// Nothing breaks any more, and what was broken is mended.
    pub(crate) async fn calms_down(mut self) -> Calm {
        self.all_is_mended().await;
        while let Some(ended) = self.calls.join_next().await {
            self.grants.extend(ended.expect("a call does not panic"));
        }
        Calm::of(self)
    }
}

fn email(n: usize) -> String {
    format!("person{n}@acme.example")
}

fn world() -> World {
    let mut world = World::demo();
    let acme = &mut world.organizations[0].instances[0];
    *acme = (0..PEOPLE).fold(acme.clone(), |acme, n| acme.with_user(&email(n), &format!("Person {n}")));
    world
}

/// Everybody gets everything at once, for an hour at most.
fn everything_at_once() -> Value {
    json!({
        "name": "Everything at once", "max_duration_seconds": 3_600, "approval_mode": "auto",
        "cedar_policy_set": "permit (principal, action, resource);",
    })
}

/// A body's text, where it has one of that name.
pub(crate) fn text(body: &Value, name: &str) -> Option<String> {
    body[name].is_string().then(|| body.text(name))
}
