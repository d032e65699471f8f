//! Tenants, each with an AWS organization, a policy that approves at once, and somebody who asks.

use curfew_sim::world::{CURFEW_ACCESS_KEY, CURFEW_PRINCIPAL, CURFEW_SECRET_KEY};
use curfew_sim::{Instance, Organization, OwnCredentials, PermissionSet, Role, World};
use curfew_tests::{Acme, Backend, Client, Cloud, Json, Server};
use serde_json::json;

use super::ask::Ask;

const SETS: [&str; 2] = ["ReadOnly", "PowerUser"];
/// Longer than any run.
const SECONDS: u32 = 14_400;

/// How large each tenant is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Those who can ask.
    pub(crate) people: usize,
    pub(crate) accounts: usize,
    /// Users of the identity store that nobody asks as.
    pub(crate) holders: usize,
}

impl Size {
    /// Together the tenants need about a thousand assignments, each for some of the requests.
    fn of(tenants: usize) -> Self {
        let (people, accounts) = if tenants == 1 { (20, 25) } else { (1, 10) };
        Self { people, accounts, holders: 0 }
    }
}

/// All that the requests are about.
pub(crate) struct Town {
    pub(crate) estates: Vec<Estate>,
    pub(crate) cloud: Cloud,
}

/// One tenant.
pub(crate) struct Estate {
    pub(crate) people: Vec<Client>,
    pub(crate) admin: Client,
    number: usize,
    organization: Acme,
    accounts: Vec<String>,
    holders: Vec<String>,
}

impl Town {
    pub(crate) async fn build(backend: &Backend, tenants: usize) -> (Self, Server) {
        Self::build_as(backend, tenants, Size::of(tenants)).await
    }

    pub(crate) async fn build_as(backend: &Backend, tenants: usize, size: Size) -> (Self, Server) {
        let cloud = Cloud::start_as(world(tenants, size)).await;
        let server = Server::on(backend.clone()).aws(&cloud.url()).env("LOG_LEVEL", "warn");
        // The same for every node: whoever has logged in at one is known to all.
        let server = server.env("PUBLIC_URL", "http://localhost").start().await;
        let master = server.set_up_as("multi").await;
        let mut estates = vec![Estate::settle(&cloud, master.clone(), 0, size).await];
        for number in 1..tenants {
            let owner = found(&server, &master, number).await;
            estates.push(Estate::settle(&cloud, owner, number, size).await);
        }
        (Self { estates, cloud }, server)
    }

    /// Endless requests: the tenants in turn, each going round its people, accounts and permission sets.
    pub(crate) fn asks(&self) -> impl Iterator<Item = Ask> {
        (0..).map(|number| {
            let estate = &self.estates[number % self.estates.len()];
            estate.ask(number / self.estates.len())
        })
    }
}

impl Estate {
    async fn settle(cloud: &Cloud, admin: Client, number: usize, size: Size) -> Self {
        let organization = cloud.connect_to(&admin, &name(number), &role(number)).await;
        let rule = r#"permit (principal, action == Action::"read", resource is AwsAccount);"#;
        let policy = json!({
            "name": "reading", "max_duration_seconds": SECONDS, "approval_mode": "auto", "cedar_policy_set": rule,
        });
        admin.post("/v1/policies", policy).await.is(201);
        let mut people = Vec::new();
        for person in 0..size.people {
            people.push(admin.person(&email(number, person), &["user"]).await);
        }
        let accounts = (0..size.accounts).map(|account| account_id(number, account)).collect();
        let holders =
            cloud.control().world().instances().find_map(|(_, instance)| {
                (instance.arn == organization.instance).then(|| holders_of(instance))
            });
        Self { people, admin, number, organization, accounts, holders: holders.expect("its instance") }
    }

    /// The instance's ARN.
    pub(crate) fn instance(&self) -> &str {
        &self.organization.instance
    }

    /// The ARNs of its permission sets.
    pub(crate) fn sets(&self) -> Vec<&str> {
        SETS.iter().map(|set| self.organization.set(set)).collect()
    }

    /// The ids, in the identity store, of those that nobody asks as.
    pub(crate) fn holders(&self) -> &[String] {
        &self.holders
    }

    pub(crate) fn accounts(&self) -> &[String] {
        &self.accounts
    }

    /// The addresses of its people.
    pub(crate) fn emails(&self) -> Vec<String> {
        (0..self.people.len()).map(|person| email(self.number, person)).collect()
    }

    pub(crate) fn ask(&self, number: usize) -> Ask {
        let person = &self.people[number % self.people.len()];
        let number = number / self.people.len();
        let account = &self.accounts[number % self.accounts.len()];
        let set = SETS[number / self.accounts.len() % SETS.len()];
        Ask {
            tenant: person.tenant().to_owned(),
            authorization: person.header("Authorization").to_owned(),
            body: self.organization.ask(account, set, "read", SECONDS).to_string(),
        }
    }

    /// How many different assignments its requests need.
    pub(crate) fn assignments(&self) -> usize {
        self.people.len() * self.accounts.len() * SETS.len()
    }
}

fn holders_of(instance: &Instance) -> Vec<String> {
    let holders = instance.users.iter().filter(|user| user.user_name.starts_with("holder"));
    holders.map(|user| user.id.clone()).collect()
}

async fn found(server: &Server, master: &Client, number: usize) -> Client {
    let slug = name(number);
    let email = format!("owner@{slug}.example");
    let body = json!({ "name": slug, "slug": slug, "owner_email": email, "owner_name": "Owner" });
    let link = master.post("/v1/tenants", body).await.is(201).text("owner_setup_url");
    let (_, token) = link.split_once("token=").expect("a token in the link");
    let password = format!("{slug}-long-passphrase-of-its-owner");
    let first = json!({ "token": token, "password": password });
    server.stranger().post("/v1/auth/set-initial-password", first).await.ok();
    server.stranger().login(&email, &password, &slug).await
}

fn world(tenants: usize, size: Size) -> World {
    let own = OwnCredentials::new(CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY, CURFEW_PRINCIPAL);
    (0..tenants).fold(World::empty().with_credentials(own), |world, number| {
        world.with_organization(organization(number, size))
    })
}

fn organization(number: usize, size: Size) -> Organization {
    let name = name(number);
    let mut instance = Instance::new(&name, "us-east-1");
    for person in 0..size.people {
        instance = instance.with_user(&email(number, person), "Alice Archer");
    }
    for holder in 0..size.holders {
        instance = instance.with_user(&format!("holder{holder}@{name}.example"), "Henry Holder");
    }
    for set in SETS {
        instance =
            instance.with_permission_set(PermissionSet::named(set).with_managed_policy("ReadOnlyAccess"));
    }
    let management = management_account(number);
    let role = Role::new(&management, "CurfewAccess").trusting(CURFEW_PRINCIPAL);
    let organization = Organization::new(&name, &management).with_instance(instance);
    let organization = (0..size.accounts).fold(organization, |organization, account| {
        organization.with_account(&account_id(number, account), &format!("{name}-{account}"), None)
    });
    organization.with_role(role.requiring_external_id("until-the-tenant-has-its-own"))
}

fn name(number: usize) -> String {
    if number == 0 { Server::SLUG.to_owned() } else { format!("tenant{number}") }
}

fn email(number: usize, person: usize) -> String {
    format!("alice{person}@{}.example", name(number))
}

fn management_account(number: usize) -> String {
    format!("7{number:05}000000")
}

fn account_id(number: usize, account: usize) -> String {
    format!("7{number:05}{:06}", account + 1)
}

fn role(number: usize) -> String {
    format!("arn:aws:iam::{}:role/CurfewAccess", management_account(number))
}
