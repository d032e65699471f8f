use curfew_store::keyring::MasterKey;

use super::*;

/// What a server on loopback needs: nothing.
fn read(values: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let mut source = Source::default();
    for (name, value) in values {
        source.set(name, value);
    }
    Config::read(&source).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const OTHER: &str = "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

#[test]
fn an_embedded_server_on_loopback_needs_no_setting() {
    let config = read(&[]).unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.database.file.as_deref(), Some("curfew.db".as_ref()));
    assert_eq!(config.audit_heads.as_deref(), Some("curfew.db.heads".as_ref()));
    assert_eq!(config.jwt_ttl, Seconds::of(3_600));
    assert_eq!(config.requests_a_minute.map(NonZeroU32::get), Some(1_200));
    assert_eq!(config.reconciliation_interval, Seconds::of(30));
    assert!(config.secrets.master.is_none() && config.trusted_proxies.is_empty());
}

#[test]
fn every_setting_is_read() {
    let config = read(&[
        ("DATABASE_URL", "postgres://curfew:pw@db:5432/curfew"),
        ("MIGRATE_DATABASE_URL", "postgres://owner:pw@db:5432/curfew"),
        ("SERVER_PORT", "9000"),
        ("BIND_ADDRESS", "::"),
        ("PUBLIC_URL", "https://curfew.example.com/"),
        ("LOG_LEVEL", "debug"),
        ("AWS_REGION", "eu-central-1"),
        ("JWT_SECRET", &format!("{KEY},{OTHER}")),
        ("JWT_TTL", "15m"),
        ("CURFEW_MASTER_KEY", &format!("{KEY}, {OTHER}")),
        ("CURFEW_SIGNING_KEY", KEY),
        ("CURFEW_AUDIT_HEADS", "/var/log/heads"),
        ("CURFEW_SETUP_TOKEN", "0123456789abcdef"),
        ("CURFEW_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8"),
        ("CURFEW_RATE_LIMIT", "off"),
        ("CURFEW_OUTBOUND_ALLOW", "hooks.internal, 10.0.0.7:8443"),
        ("IC_INSTANCE_ARN", "arn:aws:sso:::instance/ssoins-1234567890abcdef"),
        ("CURFEW_SOLVER", "/bin/sh"),
        ("WORKER_CONCURRENCY", "7"),
        ("RECONCILIATION_INTERVAL", "90"),
    ])
    .unwrap();
    assert_eq!(config.listen, "[::]:9000".parse().unwrap());
    assert!(config.database.file.is_none() && config.database.migrate_url.is_some());
    assert_eq!(config.public.url, "https://curfew.example.com");
    assert_eq!(config.log_level, tracing::Level::DEBUG);
    assert_eq!(config.aws_region.as_str(), "eu-central-1");
    assert_eq!(config.secrets.jwt.unwrap().older.len(), 1);
    assert_eq!(config.secrets.master.unwrap().older.len(), 1);
    assert!(config.outbound_allow.covers("10.0.0.7", 8443) && !config.outbound_allow.covers("10.0.0.7", 443));
    assert_eq!(config.jwt_ttl, Seconds::of(900));
    assert_eq!(config.audit_heads.as_deref(), Some("/var/log/heads".as_ref()));
    assert!(config.trusted_proxies.contains([10, 1, 2, 3].into()));
    assert_eq!(config.requests_a_minute, None);
    assert_eq!(config.solver, SolverChoice::At("/bin/sh".into()));
    assert_eq!(config.worker_concurrency, 7);
    assert_eq!(config.reconciliation_interval, Seconds::of(90));
}

#[test]
fn what_is_wrong_is_named_and_never_shown() {
    let postgres = ("DATABASE_URL", "postgres://db/curfew");
    let keys = [("JWT_SECRET", KEY), ("CURFEW_MASTER_KEY", KEY), ("CURFEW_SIGNING_KEY", KEY)];
    let without = |name: &str| {
        let given = keys.iter().filter(|(key, _)| *key != name).copied();
        std::iter::once(postgres).chain(given).collect::<Vec<_>>()
    };
    let twice = format!("{KEY},{KEY}");
    let table: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("DATABASE_URL", vec![("DATABASE_URL", "mysql://root:hunter2@db/x")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "sqlite://curfew.db?mode=ro")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "sqlite::memory:")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "postgres://curfew:hunter2@db:port/curfew")]),
        ("DATABASE_URL", vec![("DATABASE_URL", "postgres://curfew:hunter2@db/curfew?sslmode=perhaps")]),
        ("MIGRATE_DATABASE_URL", vec![("MIGRATE_DATABASE_URL", "hunter2")]),
        ("MIGRATE_DATABASE_URL", vec![("MIGRATE_DATABASE_URL", "postgres://owner:hunter2@db/curfew")]),
        ("SERVER_PORT", vec![("SERVER_PORT", "0")]),
        ("SERVER_PORT", vec![("SERVER_PORT", "65536")]),
        ("SERVER_PORT", vec![("SERVER_PORT", "http")]),
        ("BIND_ADDRESS", vec![("BIND_ADDRESS", "localhost")]),
        ("PUBLIC_URL", vec![("PUBLIC_URL", "curfew.example.com")]),
        (
            "PUBLIC_URL",
            vec![("PUBLIC_URL", "http://curfew.example.com"), ("CURFEW_SETUP_TOKEN", "0123456789abcdef")],
        ),
        ("LOG_LEVEL", vec![("LOG_LEVEL", "loud")]),
        ("AWS_REGION", vec![("AWS_REGION", "mars")]),
        ("JWT_SECRET", vec![("JWT_SECRET", "hunter2")]),
        ("JWT_SECRET", vec![("JWT_SECRET", ",")]),
        ("JWT_SECRET", without("JWT_SECRET")),
        ("JWT_TTL", vec![("JWT_TTL", "soon")]),
        ("JWT_TTL", vec![("JWT_TTL", "59s")]),
        ("JWT_TTL", vec![("JWT_TTL", "13h")]),
        ("JWT_TTL", vec![("JWT_TTL", "4294967295h")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "hunter2")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", &twice)]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "file:/nowhere/at/all")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "arn:aws:kms:us-east-1:12345:key/hunter2")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "arn:aws:kms:mars:123456789012:key/hunter2")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "arn:aws:s3:::hunter2-hunter2-hunter2-hunter2")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "ARN:aws:kms:us-east-1:123456789012:key/hunter2")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "alias/hunter2 hunter2")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "1234abcd-12ab-34cd-56ef-1234567890ab")]),
        ("CURFEW_MASTER_KEY", vec![("CURFEW_MASTER_KEY", "mrk-1234abcd12ab34cd56ef1234567890ab")]),
        ("JWT_SECRET", vec![("JWT_SECRET", "arn:aws:kms:us-east-1:123456789012:key/hunter2")]),
        ("JWT_SECRET", vec![("JWT_SECRET", "alias/hunter2-hunter2-hunter2-hunter2-hunter2")]),
        (
            "CURFEW_SIGNING_KEY",
            vec![("CURFEW_SIGNING_KEY", "arn:aws:kms:us-east-1:123456789012:key/hunter2")],
        ),
        ("CURFEW_MASTER_KEY", without("CURFEW_MASTER_KEY")),
        ("CURFEW_SIGNING_KEY", vec![("CURFEW_SIGNING_KEY", "hunter2")]),
        ("CURFEW_SIGNING_KEY", without("CURFEW_SIGNING_KEY")),
        ("CURFEW_SETUP_TOKEN", vec![("CURFEW_SETUP_TOKEN", "hunter2")]),
        ("CURFEW_SETUP_TOKEN", vec![("BIND_ADDRESS", "0.0.0.0")]),
        // A proxy on the same machine would publish a server that is bound to loopback.
        ("CURFEW_SETUP_TOKEN", vec![("PUBLIC_URL", "https://curfew.example.com")]),
        ("CURFEW_TRUSTED_PROXIES", vec![("CURFEW_TRUSTED_PROXIES", "hunter2")]),
        ("CURFEW_TRUSTED_PROXIES", vec![("CURFEW_TRUSTED_PROXIES", "10.0.0.0/33")]),
        ("CURFEW_RATE_LIMIT", vec![("CURFEW_RATE_LIMIT", "0")]),
        ("CURFEW_RATE_LIMIT", vec![("CURFEW_RATE_LIMIT", "many")]),
        ("CURFEW_OUTBOUND_ALLOW", vec![("CURFEW_OUTBOUND_ALLOW", "https://hooks.internal/")]),
        ("IC_INSTANCE_ARN", vec![("IC_INSTANCE_ARN", "arn:aws:sso:::instance/x")]),
        ("CURFEW_SOLVER", vec![("CURFEW_SOLVER", "/nowhere/cvc5")]),
        ("WORKER_CONCURRENCY", vec![("WORKER_CONCURRENCY", "0")]),
        ("RECONCILIATION_INTERVAL", vec![("RECONCILIATION_INTERVAL", "2h")]),
    ];
    for (name, values) in table {
        let problems = read(&values).unwrap_err();
        assert_eq!(problems.len(), 1, "{name} {values:?}: {problems:?}");
        assert!(problems[0].starts_with(&format!("{name} ")), "{problems:?}");
        assert!(!problems[0].contains("hunter2"), "{problems:?}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let problems = read(&[("SERVER_PORT", "x"), ("LOG_LEVEL", "x"), ("BIND_ADDRESS", "x")]).unwrap_err();
    let names: Vec<_> = problems.iter().map(|problem| problem.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["BIND_ADDRESS", "LOG_LEVEL", "SERVER_PORT"]);
}

#[test]
fn an_empty_setting_is_none() {
    assert!(read(&[("PUBLIC_URL", ""), ("CURFEW_SETUP_TOKEN", " "), ("SERVER_PORT", "")]).is_ok());
}

#[test]
fn a_key_may_lie_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master");
    std::fs::write(&path, format!("{KEY}\n")).unwrap();
    let config = read(&[("CURFEW_MASTER_KEY", &format!("file:{}", path.display()))]).unwrap();
    let master = config.secrets.master.unwrap().current;
    let master = master.given().unwrap();
    let given: MasterKey = KEY.parse().unwrap();
    let id = |key| Keyring::new(key, &[]).unwrap().current_key();
    assert_eq!(id(master), id(&given));
}

#[test]
fn a_master_key_may_be_in_kms_beside_others_that_are_given() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("master");
    std::fs::write(&path, "alias/from-a-file\n").unwrap();
    let arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let keys = format!("{arn}, alias/curfew, {KEY}, file:{}", path.display());
    let config = read(&[("CURFEW_MASTER_KEY", &keys)]).unwrap();
    let master = config.secrets.master.unwrap();
    let names: Vec<_> = master
        .all()
        .map(|source| match source {
            MasterKeySource::Kms(name) => name.as_str(),
            MasterKeySource::Given(_) => "given",
        })
        .collect();
    assert_eq!(names, [arn, "alias/curfew", "given", "alias/from-a-file"]);
}

#[test]
fn of_the_secrets_the_master_key_alone_is_said_to_be_able_to_be_in_kms() {
    for name in ["JWT_SECRET", "CURFEW_SIGNING_KEY"] {
        let problems = read(&[(name, "alias/curfew")]).unwrap_err();
        assert!(problems[0].contains("only CURFEW_MASTER_KEY can be in KMS"), "{problems:?}");
    }
}

#[test]
fn the_same_key_twice_is_found_whatever_stands_between() {
    let keys = format!("{KEY},alias/curfew,{KEY}");
    let problems = read(&[("CURFEW_MASTER_KEY", &keys)]).unwrap_err();
    assert!(problems[0].starts_with("CURFEW_MASTER_KEY "), "{problems:?}");
}

#[test]
fn dotenv_wins_over_toml_and_mistakes_in_files_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    file(".env", "SERVER_PORT=9001\n");
    file("curfew.toml", "server_port = 9002\nWORKER_CONCURRENCY = \"6\"\n");
    let config = Config::read(&Source::gather(directory.path()).unwrap()).unwrap();
    assert_eq!((config.listen.port(), config.worker_concurrency), (9_001, 6));

    file("curfew.toml", "server_prot = 1\nlog_level = [1]\n");
    let problems = Source::gather(directory.path()).unwrap_err();
    assert!(problems.iter().any(|problem| problem.problem.contains("server_prot is not a setting")));
    assert!(problems.iter().any(|problem| problem.problem.contains("log_level must be")));

    file("curfew.toml", "jwt_secret = hunter2");
    file(".env", "JWT_SECRET='hunter2");
    let problems = format!("{:?}", Source::gather(directory.path()).unwrap_err());
    assert!(problems.contains("curfew.toml") && problems.contains(".env"), "{problems}");
    assert!(!problems.contains("hunter2"), "{problems}");
}

#[test]
fn the_reference_is_as_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, reference()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == reference(), "docs/configuration.md is stale: UPDATE_DOCS=1 cargo test -p curfewd");
}
