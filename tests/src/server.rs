//! The real program, started, killed and started again.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::fresh::{fresh_bytes, fresh_password};
use crate::process::{Ended, Launch, free_port, program, run_to_end, wait_for_end};
use crate::small_disk;
use crate::wall_clock::WallClock;
use crate::{Backend, Client, Database, Logs, PATIENCE};
use curfew_domain::KmsKeyName;
use curfew_sim::world::{CURFEW_ACCESS_KEY, CURFEW_SECRET_KEY};
use serde_json::json;

/// How a server is to be started.
pub struct ServerBuilder {
    backend: Backend,
    environment: BTreeMap<String, String>,
    small_disk: bool,
    own_wall_clock: bool,
}

/// A running `curfewd serve` with its database.
pub struct Server {
    process: Option<Child>,
    port: u16,
    environment: BTreeMap<String, String>,
    database: Arc<Database>,
    logs: Logs,
    small_disk: bool,
    wall_clock: Option<WallClock>,
}

impl Server {
    /// A server on this database.
    pub fn on(backend: Backend) -> ServerBuilder {
        ServerBuilder { backend, environment: BTreeMap::new(), small_disk: false, own_wall_clock: false }
    }

    /// A caller without a credential.
    pub fn stranger(&self) -> Client {
        Client::stranger(format!("http://127.0.0.1:{}", self.port), self.logs.clone())
    }

    /// The master's slug, as [`Server::set_up`] chooses it.
    pub const SLUG: &str = "acme";

    /// The first run in mode `single`: the master's admin, logged in.
    pub async fn set_up(&self) -> Client {
        self.set_up_as("single").await
    }

    /// The first run: the master's admin, logged in.
    pub async fn set_up_as(&self, platform_mode: &str) -> Client {
        let email = "admin@acme.example";
        let password = fresh_password();
        let body = json!({
            "tenant_name": "Acme", "tenant_slug": Self::SLUG, "admin_email": email, "admin_name": "Ada Admin",
            "admin_password": password, "platform_mode": platform_mode, "mfa_required": false,
        });
        self.stranger().post("/v1/setup/complete", body).await.is(201);
        self.stranger().login(email, &password, Self::SLUG).await
    }

    /// Another node on the same database, with the same settings. It does not run yet.
    #[must_use]
    pub fn beside(&self) -> Server {
        let (logs, port) = (Logs::default(), free_port());
        let mut environment = self.environment.clone();
        environment.insert("SERVER_PORT".to_owned(), port.to_string());
        let database = Arc::clone(&self.database);
        let wall_clock = self.wall_clock.as_ref().map(|_| WallClock::right(database.folder(), port));
        Server { process: None, port, environment, database, logs, small_disk: self.small_disk, wall_clock }
    }

    /// The same caller, who asks this server.
    #[must_use]
    pub fn asked_by(&self, client: &Client) -> Client {
        client.of(self.stranger())
    }

    /// Lets its process stand still, as a machine does that is out of memory or moves to another host.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    /// Sets the wall clock of its process, so many seconds ahead of the machine's or, below zero, behind.
    ///
    /// # Panics
    /// Without one ([`ServerBuilder::with_its_own_wall_clock`]).
    pub fn set_wall_clock(&self, seconds_ahead: i64) {
        self.wall_clock.as_ref().expect("a wall clock of its own").set(seconds_ahead);
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.process_id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Whether it was started, and nobody ended it.
    pub fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// What it has written.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// Its database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// The small disk that its database is on, as seen from outside ([`ServerBuilder::on_a_small_disk`]).
    ///
    /// # Panics
    /// When it does not run, or not on one.
    pub fn small_disk(&self) -> PathBuf {
        assert!(self.small_disk, "it has the disk of everybody");
        let process = self.process.as_ref().expect("a running server");
        let inside = small_disk::mount_point(&self.database);
        PathBuf::from(format!("/proc/{}/root{}", process.id(), inside.display()))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of its process.
    ///
    /// # Panics
    /// When it does not run.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().expect("a running server").id()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("it is ours");
            process.wait().expect("it is ours");
        }
    }

    /// Asks it to end, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("a running server");
        let asked = Command::new("kill").args(["-TERM", &process.id().to_string()]).status();
        assert!(asked.expect("kill").success());
        wait_for_end(&mut process, &self.logs)
    }

    /// Starts it where it was, after it ended.
    pub async fn start_again(&mut self) {
        assert!(self.process.is_none(), "it still runs");
        self.process = Some(self.spawn());
        self.wait_until_healthy().await;
    }

    /// The same with another setting from now on.
    pub async fn start_again_with(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
        self.start_again().await;
    }

    /// Runs another of the program's commands on the same database and settings but for the port, to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let mut environment = self.environment.clone();
        environment.insert("SERVER_PORT".to_owned(), free_port().to_string());
        run_to_end(arguments, &environment, &self.database)
    }

    /// Runs another of the program's commands with another setting, to its end.
    pub fn run_with(&self, name: &str, value: &str, arguments: &[&str]) -> Ended {
        let mut environment = self.environment.clone();
        environment.insert("SERVER_PORT".to_owned(), free_port().to_string());
        environment.insert(name.to_owned(), value.to_owned());
        run_to_end(arguments, &environment, &self.database)
    }

    /// Runs a command exactly as this server is configured, to its end.
    pub fn run_as_configured(&self, arguments: &[&str]) -> Ended {
        run_to_end(arguments, &self.environment, &self.database)
    }

    fn spawn(&self) -> Child {
        let mut command = if self.small_disk {
            small_disk::command(&program(), &self.database)
        } else {
            Command::new(program())
        };
        command.arg("serve").envs_only(&self.environment, &self.database);
        command.envs(self.wall_clock.iter().flat_map(WallClock::environment)).follow(&self.logs)
    }

    async fn wait_until_healthy(&mut self) {
        let stranger = self.stranger();
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let process = self.process.as_mut().expect("a running server");
            if let Some(status) = process.try_wait().expect("it is ours") {
                panic!("curfewd ended with {status}:\n{}", self.logs.text());
            }
            let asked = stranger.try_send(reqwest::Method::GET, "/healthz", None).await;
            if asked.is_ok_and(|reply| reply.status == 200) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("curfewd is not healthy after {PATIENCE:?}:\n{}", self.logs.text());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if !std::thread::panicking() {
            self.logs.assert_no_secret();
        }
    }
}

impl ServerBuilder {
    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// With this address as all of AWS.
    #[must_use]
    pub fn aws(self, url: &str) -> Self {
        self.env("AWS_ENDPOINT_URL", url)
    }

    /// With its database on a disk of its own that is soon full. SQLite only.
    #[must_use]
    pub fn on_a_small_disk(mut self) -> Self {
        self.small_disk = true;
        self
    }

    /// With a wall clock that [`Server::set_wall_clock`] sets.
    #[must_use]
    pub fn with_its_own_wall_clock(mut self) -> Self {
        self.own_wall_clock = true;
        self
    }

    /// Starts it and waits until it is healthy.
    pub async fn start(self) -> Server {
        let mut server = self.ready().await;
        server.start_again().await;
        server
    }

    /// Makes everything but the process: the test starts it, or runs another command.
    pub async fn ready(self) -> Server {
        let database = Arc::new(Database::create(&self.backend).await);
        let logs = Logs::default();
        let mut environment = common_environment(&database);
        if matches!(self.backend, Backend::Postgresql(_)) {
            environment.extend(own_keys());
        }
        if self.small_disk {
            environment.insert("DATABASE_URL".to_owned(), small_disk::database_url(&database));
        }
        environment.extend(self.environment);
        for name in ["JWT_SECRET", "CURFEW_MASTER_KEY", "AWS_SECRET_ACCESS_KEY", "CURFEW_SIGNING_KEY"] {
            // What names a key in KMS is no secret.
            for secret in environment.get(name).iter().flat_map(|value| value.split(',')) {
                if !KmsKeyName::is_meant_by(secret) {
                    logs.keep_out(secret);
                }
            }
        }
        let port =
            environment.get("SERVER_PORT").map_or_else(free_port, |port| port.parse().expect("a port"));
        environment.insert("SERVER_PORT".to_owned(), port.to_string());
        let wall_clock = self.own_wall_clock.then(|| WallClock::right(database.folder(), port));
        Server { process: None, port, environment, database, logs, small_disk: self.small_disk, wall_clock }
    }
}

/// Nothing of the machine's own settings, credentials or AWS profile gets in.
fn common_environment(database: &Database) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::from(
        [
            ("AWS_ACCESS_KEY_ID", CURFEW_ACCESS_KEY),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_SECRET_ACCESS_KEY", CURFEW_SECRET_KEY),
            ("BIND_ADDRESS", "127.0.0.1"),
            ("CURFEW_RATE_LIMIT", "off"),
            ("LOG_LEVEL", "debug"),
            ("PATH", "/usr/bin:/bin"),
            // Nobody listens there: a call that was meant for the simulator fails at once, and in the log.
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    environment.insert("DATABASE_URL".to_owned(), database.url().to_owned());
    environment.insert("HOME".to_owned(), database.folder().display().to_string());
    environment
}

/// What an embedded first run makes for itself, several nodes must be given.
fn own_keys() -> [(String, String); 3] {
    use base64::Engine;
    let key = || base64::engine::general_purpose::STANDARD.encode(fresh_bytes::<32>());
    ["JWT_SECRET", "CURFEW_MASTER_KEY", "CURFEW_SIGNING_KEY"].map(|name| (name.to_owned(), key()))
}
