use std::sync::Arc;
use std::time::Duration;

use curfew_aws::AwsGateway;
use curfew_domain::{Clock, Entropy, Timestamp};

use crate::MonotonicWall;

/// What a server takes from outside: time, randomness and AWS.
pub struct Wiring {
    /// What time it is.
    pub clock: ServerClock,
    /// Where secrets and ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// The way into AWS.
    pub aws: Arc<dyn AwsGateway>,
    /// Whether this node looks after assignments; `--no-reconcile` says no.
    pub reconciles: bool,
}

/// A server's clock.
#[derive(Clone)]
pub enum ServerClock {
    /// The system's, checked against the wall.
    System(Arc<MonotonicWall>),
    /// Somebody else's, whose word is taken.
    Given(Arc<dyn Clock>),
}

impl ServerClock {
    /// The clock.
    pub fn clock(&self) -> Arc<dyn Clock> {
        match self {
            ServerClock::System(clock) => Arc::clone(clock) as Arc<dyn Clock>,
            ServerClock::Given(clock) => Arc::clone(clock),
        }
    }

    /// Goes on from what was kept of it before.
    pub(super) fn not_before(&self, kept: Timestamp) {
        if let ServerClock::System(clock) = self {
            clock.not_before(kept);
        }
    }

    /// How far it is ahead of the wall.
    pub(super) fn ahead(&self) -> Duration {
        match self {
            ServerClock::System(clock) => clock.ahead(),
            ServerClock::Given(_) => Duration::ZERO,
        }
    }
}
