//! The secrets that a server runs with: those that were given, and on an embedded first run those it makes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use curfew_app::credentials::JwtSecret;
use curfew_aws::MacKeys;
use curfew_domain::Entropy;
use curfew_store::keyring::MasterKey;
use ed25519_dalek::VerifyingKey;

use crate::KmsError;
use crate::config::{Config, DatabaseConfig, GivenSecrets, Rotation, SigningKey};
use crate::kms;

/// All the secrets there are.
#[derive(Debug)]
pub struct Secrets {
    /// What signs tokens.
    pub jwt: Rotation<JwtSecret>,
    /// What the database's keys are derived from.
    pub master: Rotation<MasterKey>,
    /// What signs the heads of the audit log.
    pub signing: Rotation<SigningKey>,
}

/// Why the secrets could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The database is there, and what it is encrypted with is not: new keys would not open it.
    #[error("{variable} is not set, and {} does not hold it, but the database exists: give it the key that it was made with", file.display())]
    Lost {
        /// Which.
        variable: &'static str,
        /// The file that should hold it.
        file: PathBuf,
    },
    /// Others can read the file.
    #[error("{} can be read by others than its owner; run: chmod 600 {}", file.display(), file.display())]
    TooOpen {
        /// The file.
        file: PathBuf,
    },
    /// The master key is in KMS, and can't be had from there.
    #[error(transparent)]
    Kms(#[from] KmsError),
    /// What the file holds is not a secret of its kind.
    #[error("{variable} in {} is not valid", file.display())]
    Malformed {
        /// Which.
        variable: &'static str,
        /// The file.
        file: PathBuf,
    },
    /// The file can't be read.
    #[error("DATABASE_URL: the secrets beside the database, {}, can't be read: {source}", file.display())]
    Unread {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file can't be written.
    #[error("DATABASE_URL: the secrets beside the database, {}, can't be kept: {source}", file.display())]
    Unwritten {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// PostgreSQL, and a secret is missing; the configuration says so before.
    #[error("{0} is required with PostgreSQL")]
    Required(&'static str),
}

const JWT: &str = "JWT_SECRET";
const MASTER: &str = "CURFEW_MASTER_KEY";
const SIGNING: &str = "CURFEW_SIGNING_KEY";

impl Secrets {
    /// What was given, then what lies beside an embedded database; what is still missing is made, where the database
    /// does not exist yet. To be called before the database is opened, for opening makes it. KMS is asked where a
    /// master key is there, before anything is written, and not at all otherwise.
    pub async fn find_or_make(
        config: &Config,
        entropy: &dyn Entropy,
        keys: &dyn MacKeys,
    ) -> Result<Self, SecretsError> {
        let GivenSecrets { jwt, master, signing } = config.secrets.clone();
        let master = match master {
            Some(master) => Some(kms::resolve(&master, &config.aws_region, keys).await?),
            None => None,
        };
        if let (Some(jwt), Some(master), Some(signing)) = (&jwt, &master, &signing) {
            return Ok(Self { jwt: jwt.clone(), master: master.clone(), signing: signing.clone() });
        }
        let Some(database) = &config.database.file else {
            let missing = if jwt.is_none() {
                JWT
            } else if master.is_none() {
                MASTER
            } else {
                SIGNING
            };
            return Err(SecretsError::Required(missing));
        };
        Self::make_for_new(&config.database, entropy)?;
        let kept = SecretsFile::beside(database);
        let lines = kept.read()?;
        Ok(Self {
            jwt: jwt.map_or_else(|| kept.rotation(&lines, JWT), Ok)?,
            master: master.map_or_else(|| kept.rotation(&lines, MASTER), Ok)?,
            signing: signing.map_or_else(|| kept.rotation(&lines, SIGNING), Ok)?,
        })
    }

    /// Makes the secrets of an embedded database that does not exist yet, for whoever is about to make it. Otherwise
    /// a first run after `migrate` would find a database, and could not tell new from one whose secrets are lost.
    pub fn make_for_new(database: &DatabaseConfig, entropy: &dyn Entropy) -> Result<(), SecretsError> {
        match &database.file {
            Some(file) if !file.exists() => SecretsFile::beside(file).make_if_missing(entropy),
            _ => Ok(()),
        }
    }
}

/// The keys that heads of the audit log are believed of: those that were given, else the one beside an embedded
/// database.
pub(crate) fn verifying_keys(
    given: Option<Rotation<SigningKey>>,
    database: &DatabaseConfig,
) -> Result<Vec<VerifyingKey>, SecretsError> {
    let keys = match (given, &database.file) {
        (Some(keys), _) => keys,
        (None, None) => return Err(SecretsError::Required(SIGNING)),
        (None, Some(file)) => {
            let kept = SecretsFile::beside(file);
            kept.rotation(&kept.read()?, SIGNING)?
        }
    };
    Ok(std::iter::once(keys.current).chain(keys.older).map(|key| key.key().verifying_key()).collect())
}

/// `NAME=value` lines in a file that its owner alone can read.
struct SecretsFile(PathBuf);

impl SecretsFile {
    fn beside(database: &Path) -> Self {
        let mut name = database.as_os_str().to_owned();
        name.push(".secrets");
        Self(name.into())
    }

    /// Writes new secrets, all at once: a crash leaves all or nothing, and of two servers that start together the
    /// second takes what the first has made.
    fn make_if_missing(&self, entropy: &dyn Entropy) -> Result<(), SecretsError> {
        if self.0.exists() {
            return Ok(());
        }
        let mut text =
            "# Made on the first run. Whoever has these can read the database and forge logins.\n".to_owned();
        for name in [JWT, MASTER, SIGNING] {
            let mut secret = [0_u8; 32];
            entropy.fill(&mut secret);
            text.extend([name, "=", &BASE64_STANDARD.encode(secret), "\n"]);
        }
        self.publish(&text).map_err(|source| SecretsError::Unwritten { file: self.0.clone(), source })?;
        tracing::info!(file = %self.0.display(), "secrets were made: keep a copy apart from the backups");
        Ok(())
    }

    fn publish(&self, text: &str) -> io::Result<()> {
        let mut draft = self.0.as_os_str().to_owned();
        draft.push(format!(".{}", std::process::id()));
        let draft = PathBuf::from(draft);
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            match fs::hard_link(&draft, &self.0) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                linked => linked,
            }
        })();
        let removed = fs::remove_file(&draft);
        written?;
        removed?;
        let directory = self.0.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }

    /// The lines, or none where there is no file.
    fn read(&self) -> Result<Vec<(String, String)>, SecretsError> {
        let metadata = match fs::metadata(&self.0) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(self.unread(source)),
        };
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(SecretsError::TooOpen { file: self.0.clone() });
        }
        let text = fs::read_to_string(&self.0).map_err(|source| self.unread(source))?;
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Ok(lines
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect())
    }

    /// A secret, or several, separated by commas, as in the settings: the first is in use.
    fn rotation<T: FromStr>(
        &self,
        lines: &[(String, String)],
        variable: &'static str,
    ) -> Result<Rotation<T>, SecretsError> {
        let file = || self.0.clone();
        let (_, text) = lines
            .iter()
            .find(|(name, _)| name == variable)
            .ok_or_else(|| SecretsError::Lost { variable, file: file() })?;
        let malformed = |_| SecretsError::Malformed { variable, file: file() };
        let mut secrets = text.split(',').map(|secret| secret.trim().parse().map_err(malformed));
        let current = secrets.next().ok_or_else(|| SecretsError::Lost { variable, file: file() })??;
        Ok(Rotation { current, older: secrets.collect::<Result<_, _>>()? })
    }

    fn unread(&self, source: io::Error) -> SecretsError {
        SecretsError::Unread { file: self.0.clone(), source }
    }
}

#[cfg(test)]
mod tests {
    use curfew_domain::testing::SeededEntropy;
    use curfew_store::keyring::Keyring;

    use super::*;
    use crate::config::Source;
    use crate::kms::stand_in::Keys;

    /// With a KMS that nobody may ask.
    async fn find_or_make(config: &Config, seed: u64) -> Result<Secrets, SecretsError> {
        let keys = Keys::default();
        let found = Secrets::find_or_make(config, &SeededEntropy::new(seed), &keys).await;
        assert_eq!(keys.asked(), 0);
        found
    }

    fn config(database: &Path, values: &[(&str, &str)]) -> Config {
        let mut source = Source::default();
        source.set("DATABASE_URL", &format!("sqlite://{}", database.display()));
        for (name, value) in values {
            source.set(name, value);
        }
        Config::read(&source).unwrap()
    }

    fn key_id(secrets: &Secrets) -> String {
        Keyring::new(&secrets.master.current, &[]).unwrap().current_key().to_string()
    }

    const KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";

    #[tokio::test]
    async fn a_first_run_makes_secrets_that_only_their_owner_can_read_and_the_next_run_takes_them() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("curfew.db");
        let config = config(&database, &[]);
        let made = find_or_make(&config, 1).await.unwrap();
        let file = directory.path().join("curfew.db.secrets");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        fs::write(&database, "").unwrap();
        let taken = find_or_make(&config, 2).await.unwrap();
        assert_eq!(key_id(&made), key_id(&taken));
    }

    #[tokio::test]
    async fn a_given_secret_goes_before_a_kept_one() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("curfew.db");
        let made = find_or_make(&config(&database, &[]), 1).await.unwrap();
        let given = config(&database, &[("CURFEW_MASTER_KEY", KEY)]);
        let given = find_or_make(&given, 1).await.unwrap();
        assert_ne!(key_id(&made), key_id(&given));
    }

    #[tokio::test]
    async fn a_database_whose_secrets_are_gone_gets_no_new_ones() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("curfew.db");
        fs::write(&database, "").unwrap();
        let lost = find_or_make(&config(&database, &[]), 1).await.unwrap_err();
        assert!(matches!(lost, SecretsError::Lost { variable: "JWT_SECRET", .. }), "{lost}");
        assert!(!directory.path().join("curfew.db.secrets").exists());
    }

    #[tokio::test]
    async fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("curfew.db");
        let config = config(&database, &[]);
        find_or_make(&config, 1).await.unwrap();
        let file = directory.path().join("curfew.db.secrets");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let refused = find_or_make(&config, 1).await.unwrap_err();
        assert!(matches!(refused, SecretsError::TooOpen { .. }), "{refused}");
    }

    #[tokio::test]
    async fn of_servers_that_start_together_all_have_the_same_secrets() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("curfew.db");
        let config = config(&database, &[]);
        let file = SecretsFile::beside(&database);
        file.publish("JWT_SECRET=first\n").unwrap();
        file.publish("JWT_SECRET=second\n").unwrap();
        assert_eq!(file.read().unwrap(), [("JWT_SECRET".to_owned(), "first".to_owned())]);
        let malformed = find_or_make(&config, 1).await.unwrap_err();
        assert!(matches!(malformed, SecretsError::Malformed { .. }), "{malformed}");
    }

    #[tokio::test]
    async fn a_refusal_of_kms_comes_before_anything_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let config = config(&directory.path().join("curfew.db"), &[("CURFEW_MASTER_KEY", "alias/curfew")]);
        let refused = Secrets::find_or_make(&config, &SeededEntropy::new(1), &Keys::default()).await;
        assert!(matches!(refused, Err(SecretsError::Kms(_))), "{refused:?}");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
