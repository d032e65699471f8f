//! Settings: gathered, read once into a [`Config`], and trusted from then on.
//!
//! Everything that is wrong is found before anything is done, each with the name of its variable. To add a setting:
//! a line in `variables.rs` (its doc comment is the reference in `docs/configuration.md`), a field here, and a row in
//! the tests.

mod master_key;
mod problem;
mod reader;
mod reference;
mod signing_key;
mod source;
mod variables;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use curfew_app::credentials::{ConsoleCookie, JwtSecret};
use curfew_app::outbound::OutboundAllow;
use curfew_domain::{InstanceArn, Invalid, Region, Seconds};
use curfew_http::TrustedProxies;
use curfew_store::StoreOptions;
use curfew_store::keyring::Keyring;
use secrecy::SecretString;

pub use master_key::MasterKeySource;
pub use problem::ConfigProblem;
pub use reference::reference;
pub use signing_key::SigningKey;
pub use source::Source;

use reader::Reader;
use variables as v;

/// How the server is to run. What each field means stands beside its variable in `variables.rs`.
#[derive(Debug, Clone)]
pub struct Config {
    /// `DATABASE_URL` and `MIGRATE_DATABASE_URL`.
    pub database: DatabaseConfig,
    /// `BIND_ADDRESS` and `SERVER_PORT`.
    pub listen: SocketAddr,
    /// `PUBLIC_URL`.
    pub public: PublicAddress,
    /// `LOG_LEVEL`.
    pub log_level: tracing::Level,
    /// `AWS_REGION`.
    pub aws_region: Region,
    /// The secrets that were given; the others are made on an embedded first run.
    pub secrets: GivenSecrets,
    /// `JWT_TTL`.
    pub jwt_ttl: Seconds,
    /// `CURFEW_AUDIT_HEADS`.
    pub audit_heads: Option<PathBuf>,
    /// `CURFEW_SETUP_TOKEN`.
    pub setup_token: Option<SecretString>,
    /// `CURFEW_TRUSTED_PROXIES`.
    pub trusted_proxies: TrustedProxies,
    /// `CURFEW_RATE_LIMIT`; none for `off`.
    pub requests_a_minute: Option<NonZeroU32>,
    /// `CURFEW_OUTBOUND_ALLOW`.
    pub outbound_allow: OutboundAllow,
    /// `IC_INSTANCE_ARN`.
    pub instance_arn: Option<InstanceArn>,
    /// `CURFEW_SOLVER`.
    pub solver: SolverChoice,
    /// `WORKER_CONCURRENCY`.
    pub worker_concurrency: usize,
    /// `RECONCILIATION_INTERVAL`.
    pub reconciliation_interval: Seconds,
}

/// Which program proves things of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SolverChoice {
    /// `cvc5`, where `PATH` leads to one.
    Usual,
    /// None.
    Off,
    /// This one.
    At(PathBuf),
}

/// Where the database is. Its URLs may hold passwords.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// `DATABASE_URL`.
    pub url: SecretString,
    /// `MIGRATE_DATABASE_URL`.
    pub migrate_url: Option<SecretString>,
    /// The file of an embedded database; none for PostgreSQL.
    pub file: Option<PathBuf>,
}

/// Where people reach the server.
#[derive(Debug, Clone)]
pub struct PublicAddress {
    /// The URL, without a slash at its end.
    pub url: String,
    /// The console's cookie there.
    pub console: ConsoleCookie,
}

/// The secrets that were configured.
#[derive(Debug, Clone, Default)]
pub struct GivenSecrets {
    /// `JWT_SECRET`.
    pub jwt: Option<Rotation<JwtSecret>>,
    /// `CURFEW_MASTER_KEY`.
    pub master: Option<Rotation<MasterKeySource>>,
    /// `CURFEW_SIGNING_KEY`.
    pub signing: Option<Rotation<SigningKey>>,
}

/// A secret that is being replaced, or not.
#[derive(Debug, Clone)]
pub struct Rotation<T> {
    /// The one in use.
    pub current: T,
    /// Those that are still taken.
    pub older: Vec<T>,
}

impl<T> Rotation<T> {
    /// All of them, the one in use first; none when there is not even that.
    fn of(all: impl IntoIterator<Item = T>) -> Option<Self> {
        let mut all = all.into_iter();
        Some(Self { current: all.next()?, older: all.collect() })
    }

    /// All of them, the one in use first.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.current).chain(&self.older)
    }
}

/// A token short enough to be guessed is none.
const SETUP_TOKEN_BYTES: usize = 16;

impl Config {
    /// Reads all settings, or says everything that is wrong with them.
    pub fn read(source: &Source) -> Result<Self, Vec<ConfigProblem>> {
        let mut reader = Reader::of(source);
        let database = database(&mut reader);
        let secrets = secrets(&mut reader, database.as_ref());
        let bind = reader.read::<IpAddr>(&v::BIND_ADDRESS);
        let port = reader.read_with(&v::SERVER_PORT, |text| reader::number(text, 1_u16, u16::MAX));
        let public = public(&mut reader, port);
        let log_level = reader.read_with(&v::LOG_LEVEL, log_level);
        let aws_region = reader.read(&v::AWS_REGION);
        let jwt_ttl = reader
            .read_with(&v::JWT_TTL, |text| reader::duration(text, Seconds::of(60), Seconds::of(43_200)));
        let setup_token = setup_token(&mut reader, bind, public.as_ref());
        let trusted_proxies = trusted_proxies(&mut reader);
        let requests_a_minute = reader.read_with(&v::CURFEW_RATE_LIMIT, rate_limit);
        let outbound_allow = outbound_allow(&mut reader);
        let instance_arn = reader.read(&v::IC_INSTANCE_ARN);
        let solver = solver(&mut reader);
        let worker_concurrency =
            reader.read_with(&v::WORKER_CONCURRENCY, |text| reader::number(text, 1_usize, 100));
        let reconciliation_interval = reader.read_with(&v::RECONCILIATION_INTERVAL, |text| {
            reader::duration(text, Seconds::of(1), Seconds::of(3_600))
        });
        let audit_heads = audit_heads(&reader, database.as_ref());
        let config = || {
            Some(Config {
                database: database?,
                listen: SocketAddr::new(bind?, port?),
                public: public?,
                log_level: log_level?,
                aws_region: aws_region?,
                secrets,
                jwt_ttl: jwt_ttl?,
                audit_heads,
                setup_token,
                trusted_proxies: trusted_proxies?,
                requests_a_minute: requests_a_minute?,
                outbound_allow: outbound_allow?,
                instance_arn,
                solver: solver?,
                worker_concurrency: worker_concurrency?,
                reconciliation_interval: reconciliation_interval?,
            })
        };
        let config = config();
        reader.finish(config)
    }
}

/// Whether every secret is given, so that none will be made.
pub fn gives_all_secrets(source: &Source) -> bool {
    let reader = Reader::of(source);
    [&v::JWT_SECRET, &v::CURFEW_MASTER_KEY, &v::CURFEW_SIGNING_KEY]
        .into_iter()
        .all(|name| reader.is_set(name))
}

/// Reads what the commands need that only touch the database.
pub fn read_database(source: &Source) -> Result<DatabaseConfig, Vec<ConfigProblem>> {
    let mut reader = Reader::of(source);
    let database = database(&mut reader);
    reader.finish(database)
}

/// Reads what proving the audit log needs: the database, and the keys of its heads where they were given.
pub fn read_for_audit(
    source: &Source,
) -> Result<(DatabaseConfig, Option<Rotation<SigningKey>>), Vec<ConfigProblem>> {
    let mut reader = Reader::of(source);
    let database = database(&mut reader);
    let signing = reader.secrets::<SigningKey>(&v::CURFEW_SIGNING_KEY);
    reader.finish(database.map(|database| (database, signing)))
}

fn solver(reader: &mut Reader<'_>) -> Option<SolverChoice> {
    if !reader.is_set(&v::CURFEW_SOLVER) {
        return Some(SolverChoice::Usual);
    }
    reader.read_with(&v::CURFEW_SOLVER, |text| match text {
        "off" => Ok(SolverChoice::Off),
        path if Path::new(path).is_file() => Ok(SolverChoice::At(path.into())),
        path => Err(Invalid::new(format!("there is no program {path}; `off` does without"))),
    })
}

fn database(reader: &mut Reader<'_>) -> Option<DatabaseConfig> {
    let place = reader.read_with(&v::DATABASE_URL, database_url);
    let migrate = reader.read_with(&v::MIGRATE_DATABASE_URL, database_url);
    let (url, file) = place?;
    if migrate.as_ref().is_some_and(|(_, other)| other.is_some() != file.is_some()) {
        reader.refuse(
            &v::MIGRATE_DATABASE_URL,
            "must lead to the same database as DATABASE_URL, as another role",
        );
    }
    Some(DatabaseConfig { url, migrate_url: migrate.map(|(url, _)| url), file })
}

/// The URL, and the file of an embedded database. Nothing is opened.
fn database_url(text: &str) -> Result<(SecretString, Option<PathBuf>), Invalid> {
    let file = StoreOptions::new(text).file().map_err(|error| Invalid::new(error.to_string()))?;
    Ok((SecretString::from(text), file))
}

fn secrets(reader: &mut Reader<'_>, database: Option<&DatabaseConfig>) -> GivenSecrets {
    let jwt = reader.secrets::<JwtSecret>(&v::JWT_SECRET);
    let master = reader.secrets_with(&v::CURFEW_MASTER_KEY, str::parse::<MasterKeySource>);
    let signing = reader.secrets::<SigningKey>(&v::CURFEW_SIGNING_KEY);
    // Those in KMS are compared when they are known.
    let given = master.iter().flat_map(|keys| keys.all().filter_map(MasterKeySource::given).cloned());
    if let Some(Err(problem)) = Rotation::of(given).map(|keys| Keyring::new(&keys.current, &keys.older)) {
        reader.refuse(&v::CURFEW_MASTER_KEY, format!("is not valid: {problem}"));
    }
    // Several nodes must have the same keys, so none can make its own.
    if database.is_some_and(|database| database.file.is_none()) {
        for variable in [&v::JWT_SECRET, &v::CURFEW_MASTER_KEY, &v::CURFEW_SIGNING_KEY] {
            if !reader.is_set(variable) {
                reader.refuse(variable, "is required with PostgreSQL; `openssl rand -base64 32` makes one");
            }
        }
    }
    GivenSecrets { jwt, master, signing }
}

/// Where people reach the server, and the console's cookie there.
fn public(reader: &mut Reader<'_>, port: Option<u16>) -> Option<PublicAddress> {
    if reader.is_set(&v::PUBLIC_URL) {
        return reader.read_with(&v::PUBLIC_URL, |text| {
            let console = ConsoleCookie::for_url(text).map_err(|error| Invalid::new(error.to_string()))?;
            if !console.is_secure() && !console.is_on_loopback() {
                return Err(Invalid::new(
                    "over plain http only loopback is served: passwords and tokens would cross the network in the clear",
                ));
            }
            Ok(PublicAddress { url: text.trim_end_matches('/').to_owned(), console })
        });
    }
    let port = port?;
    Some(PublicAddress {
        url: format!("http://127.0.0.1:{port}"),
        console: ConsoleCookie::for_loopback(port),
    })
}

fn log_level(text: &str) -> Result<tracing::Level, Invalid> {
    match text {
        "error" => Ok(tracing::Level::ERROR),
        "warn" => Ok(tracing::Level::WARN),
        "info" => Ok(tracing::Level::INFO),
        "debug" => Ok(tracing::Level::DEBUG),
        "trace" => Ok(tracing::Level::TRACE),
        _ => Err(Invalid::new("it must be error, warn, info, debug or trace")),
    }
}

fn setup_token(
    reader: &mut Reader<'_>,
    bind: Option<IpAddr>,
    public: Option<&PublicAddress>,
) -> Option<SecretString> {
    let token = reader.read_with(&v::CURFEW_SETUP_TOKEN, |text| {
        if text.len() < SETUP_TOKEN_BYTES {
            return Err(Invalid::new(format!("it must have {SETUP_TOKEN_BYTES} characters or more")));
        }
        Ok(SecretString::from(text))
    });
    let reachable = bind.is_some_and(|address| !address.is_loopback())
        || public.is_some_and(|public| !public.console.is_on_loopback());
    if !reader.is_set(&v::CURFEW_SETUP_TOKEN) && reachable {
        reader.refuse(
            &v::CURFEW_SETUP_TOKEN,
            "is required, since BIND_ADDRESS or PUBLIC_URL is not loopback: without it, whoever comes first is admin",
        );
    }
    token
}

fn trusted_proxies(reader: &mut Reader<'_>) -> Option<TrustedProxies> {
    if reader.is_set(&v::CURFEW_TRUSTED_PROXIES) {
        reader.read(&v::CURFEW_TRUSTED_PROXIES)
    } else {
        Some(TrustedProxies::default())
    }
}

fn outbound_allow(reader: &mut Reader<'_>) -> Option<OutboundAllow> {
    if reader.is_set(&v::CURFEW_OUTBOUND_ALLOW) {
        reader.read(&v::CURFEW_OUTBOUND_ALLOW)
    } else {
        Some(OutboundAllow::default())
    }
}

fn rate_limit(text: &str) -> Result<Option<NonZeroU32>, Invalid> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = || Invalid::new("it must be off, or a whole number of requests a minute");
    text.parse().map(Some).map_err(|_| wrong())
}

fn audit_heads(reader: &Reader<'_>, database: Option<&DatabaseConfig>) -> Option<PathBuf> {
    if let Some(path) = reader.text(&v::CURFEW_AUDIT_HEADS) {
        return Some(path.into());
    }
    let mut path = database?.file.clone()?.into_os_string();
    path.push(".heads");
    Some(path.into())
}

#[cfg(test)]
mod tests;
