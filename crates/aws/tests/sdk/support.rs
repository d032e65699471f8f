//! Curfew's gateway, pointed at a stand-in with the demo's world.

use std::sync::Arc;
use std::time::Duration;

use curfew_aws::{
    AssumeRole, AwsError, AwsGateway, Patience, Patiences, Purpose, RoleAccess, SdkGateway, SdkSettings,
    SessionCredentials, SessionName, StaticCredentials,
};
use curfew_domain::testing::TestClock;
use curfew_domain::{ExternalId, Region, RoleArn, Seconds, TenantId};
use curfew_sim::world::{ACME_DELEGATED_ROLE, ACME_EXTERNAL_ID, CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY};
use curfew_sim::{Sim, SimControl, SimHandle, World};

pub(crate) struct Aws {
    pub(crate) sim: SimHandle,
    pub(crate) gateway: SdkGateway,
    pub(crate) clock: Arc<TestClock>,
}

impl Aws {
    pub(crate) async fn demo() -> Self {
        Self::playing(World::demo(), Patiences::default()).await
    }

    /// With so little patience that a test need not wait for it to end.
    pub(crate) async fn impatient() -> Self {
        let soon = |tries| Patience {
            connect: Duration::from_millis(200),
            attempt: Duration::from_millis(200),
            call: Duration::from_millis(500),
            tries,
        };
        let patiences = Patiences { test: soon(1), read: soon(1), change: soon(1), look: soon(1) };
        Self::playing(World::demo(), patiences).await
    }

    pub(crate) async fn playing(world: World, patiences: Patiences) -> Self {
        let sim = Sim::start(world).await.unwrap();
        let clock = Arc::new(TestClock::default());
        let settings = SdkSettings { patiences, ..SdkSettings::at(sim.url(), curfew()) };
        let gateway = SdkGateway::load(clock.clone(), settings).await;
        Self { sim, gateway, clock }
    }

    pub(crate) fn control(&self) -> &SimControl {
        self.sim.control()
    }

    /// What the connection test does first.
    pub(crate) async fn assume(&self, external_id: Option<&str>) -> Result<SessionCredentials, AwsError> {
        self.assume_for(external_id, Seconds::of(900)).await
    }

    pub(crate) async fn assume_for(
        &self,
        external_id: Option<&str>,
        duration: Seconds,
    ) -> Result<SessionCredentials, AwsError> {
        let external_id: Option<ExternalId> = external_id.map(|id| id.parse().unwrap());
        let ask = AssumeRole {
            role: &role(),
            external_id: external_id.as_ref(),
            session_name: SessionName::new(Purpose::Test, tenant()),
            duration,
        };
        self.gateway.trust(&region()).assume_role(&ask).await
    }

    pub(crate) fn assumed(&self) -> usize {
        self.control().calls_of("AssumeRole").len()
    }
}

pub(crate) fn curfew() -> StaticCredentials {
    StaticCredentials {
        access_key_id: CURFEW_ACCESS_KEY.to_owned(),
        secret_access_key: CURFEW_SECRET_KEY.into(),
        session_token: None,
    }
}

pub(crate) fn tenant() -> TenantId {
    "0192f0c1-7a3b-7c4d-8e5f-0123456789ab".parse().unwrap()
}

pub(crate) fn role() -> RoleArn {
    ACME_DELEGATED_ROLE.parse().unwrap()
}

pub(crate) fn region() -> Region {
    "eu-west-1".parse().unwrap()
}

pub(crate) fn access() -> RoleAccess {
    access_with(&[ACME_EXTERNAL_ID])
}

pub(crate) fn access_with(external_ids: &[&str]) -> RoleAccess {
    RoleAccess {
        tenant: tenant(),
        role: role(),
        region: region(),
        external_ids: external_ids.iter().map(|id| id.parse().unwrap()).collect(),
    }
}
