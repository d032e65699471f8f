use std::sync::Arc;
use std::time::Duration;

use curfew_aws::{AwsGateway, MacKeys, SdkGateway, SdkSettings, StaticCredentials};
use curfew_domain::{Clock, Entropy, Timestamp};

use crate::{MonotonicWall, SystemEntropy};

/// What a server takes from outside: time, randomness and AWS.
pub struct Wiring {
    /// What time it is.
    pub clock: ServerClock,
    /// Where secrets and ids come from.
    pub entropy: Arc<dyn Entropy>,
    /// The way into AWS.
    pub aws: Arc<dyn AwsGateway>,
    /// Keys in KMS, for a master key that is there.
    pub keys: Arc<dyn MacKeys>,
    /// Whether this node looks after assignments; `--no-reconcile` says no.
    pub reconciles: bool,
}

impl Wiring {
    /// The system's clock and randomness, and one address as all of AWS: for the demo and for tests, which run a server
    /// in their own process. The program itself takes AWS from its environment.
    pub async fn with_aws_at(endpoint_url: &str, access_key_id: &str, secret_access_key: &str) -> Self {
        let clock = Arc::new(MonotonicWall::from_system(Timestamp::from_micros(0)));
        let credentials = StaticCredentials {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: secret_access_key.into(),
            session_token: None,
        };
        let settings = SdkSettings::at(endpoint_url, credentials);
        let aws = Arc::new(SdkGateway::load(Arc::clone(&clock) as Arc<dyn Clock>, settings).await);
        Self {
            clock: ServerClock::System(clock),
            entropy: Arc::new(SystemEntropy),
            aws: Arc::clone(&aws) as Arc<dyn AwsGateway>,
            keys: aws,
            reconciles: true,
        }
    }
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

    /// Follows the clock that all nodes share, which says this.
    pub(super) fn follow(&self, shared: Timestamp) {
        if let ServerClock::System(clock) = self {
            clock.follow(shared);
        }
    }

    /// What this machine's own clock says, where it is asked at all.
    pub(super) fn wall(&self) -> Option<Timestamp> {
        match self {
            ServerClock::System(clock) => Some(clock.wall()),
            ServerClock::Given(_) => None,
        }
    }

    /// How often it has leapt forward so far.
    pub(super) fn leaps(&self) -> u64 {
        match self {
            ServerClock::System(clock) => clock.leaps(),
            ServerClock::Given(_) => 0,
        }
    }

    /// So many of its leaps were right.
    pub(super) fn trust(&self, leaps: u64) {
        if let ServerClock::System(clock) = self {
            clock.trust(leaps);
        }
    }

    /// How far it is ahead of the clock that it follows.
    pub(super) fn ahead(&self) -> Duration {
        match self {
            ServerClock::System(clock) => clock.ahead(),
            ServerClock::Given(_) => Duration::ZERO,
        }
    }
}
