/// A variable that the server reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variable {
    /// Its name in the environment, in `.env` and in the TOML file.
    pub(super) name: &'static str,
    /// What is taken when it is not set; none: see its meaning.
    pub(super) default: Option<&'static str>,
    /// What it means, for people.
    pub(super) meaning: &'static str,
}

macro_rules! variables {
    ($($(#[doc = $line:literal])+ $name:ident $(= $default:literal)?;)+) => {
        $($(#[doc = $line])+ pub(super) const $name: Variable = Variable {
            name: stringify!($name),
            default: variables!(@default $($default)?),
            meaning: concat!($($line),+),
        };)+

        /// All of them, in the order of the reference.
        pub(super) const ALL: &[Variable] = &[$($name),+];
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
}

variables! {
    /// The database: `sqlite://path`, or `postgres://user:password@host:port/database`. With PostgreSQL, give Curfew
    /// a role that is neither superuser nor `BYPASSRLS`.
    DATABASE_URL = "sqlite://curfew.db";
    /// The database as a role that may change its schema, for migrations alone. Not set: `DATABASE_URL`.
    MIGRATE_DATABASE_URL;
    /// The port to listen on.
    SERVER_PORT = "8080";
    /// The address to listen on. The server speaks plain HTTP: TLS is a proxy's work.
    BIND_ADDRESS = "127.0.0.1";
    /// Where people reach the server, such as `https://curfew.example.com`: the console's cookie, its `Origin` rule
    /// and every link follow from it. Plain `http://` for loopback alone. Not set: loopback.
    PUBLIC_URL;
    /// How much is logged: `error`, `warn`, `info`, `debug` or `trace`.
    LOG_LEVEL = "info";
    /// The region of Curfew's own calls to AWS: where its credentials come from, if they have a region (web identity,
    /// single sign-on), and where keys in KMS are that are named by an alias alone. Calls for a tenant go to the region of
    /// its connection.
    AWS_REGION = "us-east-1";
    /// What signs the tokens of people who signed in: 32 bytes or more, such as `openssl rand -base64 32` prints.
    /// Several, separated by commas, rotate: the first signs, all are taken. Made on an embedded first run.
    JWT_SECRET;
    /// How long a token lives before it must be refreshed: `45m`, `1h`, or a number of seconds; 1 minute to 12 hours.
    JWT_TTL = "1h";
    /// What every key of the database is derived from: 32 bytes or more, `file:PATH`, or the ARN or alias
    /// (`alias/NAME`, in `AWS_REGION`) of an `HMAC_256` key in AWS KMS. Several, separated by commas, rotate: the
    /// first seals, the others still open. Made on an embedded first run. Lose it, and what is encrypted is lost; keep
    /// a copy apart from the backups.
    CURFEW_MASTER_KEY;
    /// What signs the heads of the audit log: 32 bytes in base64 (an Ed25519 seed), or `file:PATH`. Several, separated
    /// by commas, rotate: the first signs, `audit verify` believes all. Made on an embedded first run.
    CURFEW_SIGNING_KEY;
    /// The file that signed heads of the audit log are appended to every minute. Not set: `DATABASE.heads` beside a
    /// SQLite database, else the log alone.
    CURFEW_AUDIT_HEADS;
    /// What the first-run setup must show as `X-Setup-Token`: 16 characters or more. Required unless `BIND_ADDRESS`
    /// is loopback, and `PUBLIC_URL` too where it is set: whoever comes first would be admin.
    CURFEW_SETUP_TOKEN;
    /// The reverse proxies whose `X-Forwarded-For` says truly whom a request comes from: addresses and networks,
    /// separated by commas, such as `127.0.0.1,10.0.0.0/8`. Not set: none is believed, and behind a proxy all callers
    /// have one address: what slows down one who guesses then slows down everybody.
    CURFEW_TRUSTED_PROXIES;
    /// Requests a minute for one credential and, tenfold, for one address. `off` turns off both.
    CURFEW_RATE_LIMIT = "1200";
    /// The hosts that tenants' URLs (webhooks) may name although their addresses are private, and that may be reached over
    /// plain http: `host` or `host:port`, separated by commas, such as `hooks.internal,10.0.0.7:8443`. Not set: none.
    CURFEW_OUTBOUND_ALLOW;
    /// The Identity Center instance that the master tenant's form begins with.
    IC_INSTANCE_ARN;
    /// The program that proves what is true of policies (`POST /v1/policies/analyze`): the path of cvc5 (a
    /// script around it must `exec` it, or it outlives its question), or `off`. Not set: `cvc5` in `PATH`;
    /// where there is none, nothing is proved, and all else is as ever.
    CURFEW_SOLVER;
    /// How many assignments of one connection to AWS a node works on at a time: 1 to 100; as many more that are being
    /// taken back, and as many again that are about to be.
    WORKER_CONCURRENCY = "5";
    /// How often what is live is compared with AWS: `30s`, `5m`, or a number of seconds; 1 second to 1 hour. It takes
    /// longer rather than more than a fifth of what AWS allows.
    RECONCILIATION_INTERVAL = "30s";
}
