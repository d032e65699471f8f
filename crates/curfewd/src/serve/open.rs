//! From settings to an [`App`]: secrets, the database, its schema, the clock.

use std::num::NonZeroUsize;
use std::sync::Arc;

use curfew_app::App;
use curfew_app::audit::AuditWalks;
use curfew_app::connection::TestRuns;
use curfew_app::credentials::JwtIssuer;
use curfew_app::credentials::password::Passwords;
use curfew_app::directory::Lookups;
use curfew_app::gate::{Gate, GateSettings, SetupToken};
use curfew_app::health::Health;
use curfew_app::nudge::Nudge;
use curfew_app::outbound::Outbound;
use curfew_app::policies::{Snapshots, Solver};
use curfew_app::requests::{Doors, Memories};
use curfew_domain::{Entropy, PlatformMode, Timestamp};
use curfew_store::keyring::Keyring;
use curfew_store::{Installation, MigrateError, OpenError, Store, StoreOptions};
use secrecy::{ExposeSecret, SecretString};

use super::heads_file::HeadsFile;
use super::{ServeError, ServerClock, Wiring};
use crate::Secrets;
use crate::config::{Config, DatabaseConfig, SigningKey, SolverChoice};

/// Everything that a server works with.
pub(super) struct Opened {
    pub(super) app: App,
    pub(super) clock: ServerClock,
    pub(super) signing: SigningKey,
    pub(super) heads: HeadsFile,
}

/// Opens it.
pub(super) async fn open(config: &Config, wiring: Wiring) -> Result<Opened, ServeError> {
    let secrets = Secrets::find_or_make(config, wiring.entropy.as_ref(), wiring.keys.as_ref()).await?;
    let keyring = Keyring::new(&secrets.master.current, &secrets.master.older)?;
    let store = open_database(&config.database).await?;
    // Before anything is read or written by this machine's clock, which may be wrong.
    if let Some(shared) = store.unwalled().read().await?.database_clock().await? {
        wiring.clock.follow(shared);
    }
    let installation = check(&store, &keyring, wiring.clock.clock().now()).await?;
    wiring.clock.not_before(installation.kept_clock);
    let gate = gate(config, &secrets, wiring.entropy.as_ref())?;
    let app = App {
        store,
        clock: wiring.clock.clock(),
        entropy: wiring.entropy,
        keyring: Arc::new(keyring),
        gate,
        aws: wiring.aws,
        nudge: Nudge::default(),
        audit_walks: AuditWalks::default(),
        connection_tests: TestRuns::default(),
        lookups: Lookups::default(),
        offered_instance: config.instance_arn.clone(),
        policies: Snapshots::default(),
        solver: solver(&config.solver),
        memories: Memories::default(),
        doors: Doors::default(),
        outbound: Outbound::new(config.outbound_allow.clone()),
        health: if wiring.reconciles { Health::default() } else { Health::of_answering_node() },
    };
    Ok(Opened { app, clock: wiring.clock, signing: secrets.signing.current, heads: HeadsFile::open(config)? })
}

/// What proves things of policies, found once. No more run at once than there are cores.
fn solver(choice: &SolverChoice) -> Option<Solver> {
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    let path = std::env::var("PATH").unwrap_or_default();
    match choice {
        SolverChoice::Off => None,
        SolverChoice::Usual => Solver::find(None, &path, at_once),
        SolverChoice::At(program) => Solver::find(Some(program), &path, at_once),
    }
}

/// `curfewd migrate`: brings the schema up to this program, as the role that may.
pub(crate) async fn migrate(database: &DatabaseConfig) -> Result<(), ServeError> {
    let store = open_database(database).await?;
    store.close().await;
    Ok(())
}

/// Opens the database without changing it; one that is not there is not made.
pub(crate) async fn open_as_it_is(database: &DatabaseConfig) -> Result<Store, ServeError> {
    let as_it_is = StoreOptions { make_missing: false, ..options(&database.url) };
    Store::open(as_it_is).await.map_err(ServeError::Open)
}

/// Refuses an embedded database that is not there: what lies beside it can't be there either.
pub(crate) fn check_is_there(database: &DatabaseConfig) -> Result<(), ServeError> {
    match &database.file {
        Some(path) if !path.exists() => Err(ServeError::Open(OpenError::NotThere { path: path.clone() })),
        _ => Ok(()),
    }
}

/// Opens the database and brings its schema up to this program.
async fn open_database(database: &DatabaseConfig) -> Result<Store, ServeError> {
    let store = Store::open(options(&database.url)).await.map_err(ServeError::Open)?;
    let migrated = match &database.migrate_url {
        Some(url) => store.migrate_as(options(url)).await,
        None => store.migrate().await,
    };
    match migrated {
        Ok(()) => Ok(store),
        Err(error @ MigrateError::NotAllowed(_)) => Err(ServeError::NotMigrated(error)),
        Err(MigrateError::Open(error)) => Err(ServeError::OpenToMigrate(error)),
        Err(error) => Err(ServeError::Migrate(error)),
    }
}

fn options(url: &SecretString) -> StoreOptions {
    StoreOptions::new(url.expose_secret())
}

/// Refuses a database that this server can't be safe or right on.
async fn check(store: &Store, keyring: &Keyring, now: Timestamp) -> Result<Installation, ServeError> {
    let unit = store.unwalled().read().await?;
    let installation = unit.installation().await?;
    if let Some(missing) = unit.missing_master_key(keyring, now).await? {
        let (key, count) = (missing.key.to_string(), missing.names_and_credentials);
        return Err(ServeError::OtherMasterKey { key, count });
    }
    drop(unit);
    if store.role_bypasses_rls().await? {
        if installation.platform_mode == PlatformMode::Multi {
            return Err(ServeError::RoleBypassesWalls);
        }
        tracing::warn!("the database role passes row-level security: use one that does not");
    }
    Ok(installation)
}

fn gate(config: &Config, secrets: &Secrets, entropy: &dyn Entropy) -> Result<Gate, ServeError> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let passwords = Passwords::new(cores, entropy)?;
    let jwt = JwtIssuer::new(config.public.url.clone(), &secrets.jwt.current, &secrets.jwt.older);
    let settings = GateSettings {
        token_lives: config.jwt_ttl,
        setup_token: config.setup_token.clone().map(SetupToken::new),
        public_url: config.public.url.clone(),
    };
    Ok(Gate::new(passwords, jwt, config.public.console.clone(), settings))
}
