use std::sync::Arc;

use curfew_analysis::Solver;
use curfew_aws::AwsGateway;
use curfew_domain::{Clock, Entropy, InstanceArn, Timestamp};
use curfew_store::Store;
use curfew_store::keyring::Keyring;

use crate::audit::AuditWalks;
use crate::connection::TestRuns;
use crate::directory::Lookups;
use crate::gate::Gate;
use crate::health::Health;
use crate::nudge::Nudge;
use crate::outbound::Outbound;
use crate::policies::Snapshots;
use crate::requests::{Doors, Memories};

/// What every use case works with: the database, time, randomness, keys, and the way into AWS.
///
/// One for the process, shared by all of it. Whatever a single use case needs alone belongs to that use case.
pub struct App {
    /// The database.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where ids, tokens and salts come from.
    pub entropy: Arc<dyn Entropy>,
    /// The keys of what is kept secret in the database.
    pub keyring: Arc<Keyring>,
    /// Who is let in, and by what.
    pub gate: Gate,
    /// The way into AWS.
    pub aws: Arc<dyn AwsGateway>,
    /// Wakes this node's reconciler.
    pub nudge: Nudge,
    /// Whether this node's background work is alive.
    pub health: Health,
    /// Walks along audit chains that go on now.
    pub audit_walks: AuditWalks,
    /// Connection tests that run now.
    pub connection_tests: TestRuns,
    /// How often people are looked up in Identity Center.
    pub lookups: Lookups,
    /// The instance that the master tenant's form begins with, where whoever runs Curfew has named one.
    pub offered_instance: Option<InstanceArn>,
    /// What each tenant's policies compile to.
    pub policies: Snapshots,
    /// What proves things of policies, where it is installed.
    pub solver: Option<Solver>,
    /// What requests were decided by.
    pub memories: Memories,
    /// Where people's submissions queue.
    pub doors: Doors,
    /// The way to URLs that tenants chose.
    pub outbound: Outbound,
}

impl App {
    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
