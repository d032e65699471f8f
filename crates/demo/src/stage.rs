//! What the tour plays on: a stand-in for AWS and a Curfew of its own, in this process, on loopback.

use std::time::Duration;

use curfew_sim::world::{ACME_DELEGATED_ROLE, ACME_INSTANCE};
use curfew_sim::{Sim, SimHandle, World};
use tempfile::TempDir;

use crate::TourError;
use crate::embedded::Embedded;

/// How long the tour waits for what should take seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The running pair. Both end with it, and the database is removed.
pub(crate) struct Stage {
    sim: SimHandle,
    server: Embedded,
    _folder: TempDir,
}

impl Stage {
    /// Starts both. Port 0 takes a free one.
    pub(crate) async fn set(port: u16) -> Result<Self, TourError> {
        let sim = Sim::start(World::demo()).await?;
        let folder = TempDir::new()?;
        let server = Embedded::start(folder.path(), port, &sim.url()).await?;
        Ok(Self { sim, server, _folder: folder })
    }

    /// Curfew's address, `http://127.0.0.1:PORT`.
    pub(crate) fn url(&self) -> String {
        self.server.url().to_owned()
    }

    /// The stand-in's address.
    pub(crate) fn aws_url(&self) -> String {
        self.sim.url()
    }

    /// The ARN of Acme's Identity Center instance.
    pub(crate) fn instance(&self) -> String {
        let world = self.sim.control().world();
        let found = world.instances().find(|(_, one)| one.name.as_deref() == Some(ACME_INSTANCE));
        found.map(|(_, one)| one.arn.clone()).unwrap_or_default()
    }

    /// What Acme's administrator does with the template: the role asks for this ExternalId from now on.
    pub(crate) fn deploy_template(&self, external_id: &str) -> Result<(), TourError> {
        let control = self.sim.control();
        let world = control.world();
        let mut trust = world.role(ACME_DELEGATED_ROLE).map(|role| role.trust.clone()).unwrap_or_default();
        trust.external_ids = vec![external_id.to_owned()];
        Ok(control.set_trust(ACME_DELEGATED_ROLE, trust)?)
    }

    /// Who holds what in AWS, for people.
    pub(crate) fn held(&self) -> Vec<String> {
        let world = self.sim.control().world();
        let name = |id: &str| {
            let accounts = world.organizations.iter().flat_map(|organization| &organization.accounts);
            accounts.into_iter().find(|account| account.id == id).map_or("?", |account| &account.name)
        };
        let mut held: Vec<String> = self
            .sim
            .control()
            .assignments()
            .into_iter()
            .map(|one| {
                let who = one.principal_name.unwrap_or(one.assignment.principal_id);
                let what = one.permission_set_name.unwrap_or(one.assignment.permission_set);
                format!("{who}  {what}  {} ({})", one.assignment.account, name(&one.assignment.account))
            })
            .collect();
        held.sort();
        held
    }

    /// Waits until AWS holds so many assignments.
    pub(crate) async fn until_held(&self, count: usize) -> Result<Vec<String>, TourError> {
        let there = self.sim.control().assigned(PATIENCE, |held| held.len() == count).await;
        if there {
            Ok(self.held())
        } else {
            Err(TourError::TooLong("AWS to hold what was granted, and no more"))
        }
    }

    /// Asks until there is an answer.
    pub(crate) async fn until<T>(
        what: &'static str,
        mut look: impl AsyncFnMut() -> Result<Option<T>, TourError>,
    ) -> Result<T, TourError> {
        let asked = async {
            loop {
                if let Some(answer) = look().await? {
                    return Ok(answer);
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or(Err(TourError::TooLong(what)))
    }

    /// Ends both.
    pub(crate) async fn strike(self) -> Result<(), TourError> {
        self.server.stop().await?;
        self.sim.stop().await;
        Ok(())
    }
}
