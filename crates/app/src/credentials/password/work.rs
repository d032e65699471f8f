use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use curfew_domain::{Entropy, Invalid};
use secrecy::ExposeSecret;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{NewPassword, PresentedPassword};
use crate::AppError;

/// How long a password waits for its turn before its owner is asked to come back.
const WAIT: Duration = Duration::from_secs(2);

/// A password as it is kept: argon2id with its parameters and salt, in PHC's format.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(phc::PasswordHash);

impl FromStr for PasswordHash {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        phc::PasswordHash::new(text)
            .map(Self)
            .map_err(|_| Invalid::new("not a password hash in PHC's format"))
    }
}

/// The form that is stored.
impl fmt::Display for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// Why a password was neither taken nor refused.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// As many are being worked on as there are cores, and none ended in time.
    #[error("too many passwords are being checked")]
    Busy,
    /// argon2 did not run.
    #[error("argon2 failed: {0}")]
    Argon2(argon2::password_hash::Error),
    /// The thread that worked on it is gone.
    #[error("the password's thread ended")]
    Thread(#[from] tokio::task::JoinError),
}

impl From<PasswordError> for AppError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Busy => AppError::RateLimited { retry_after_seconds: WAIT.as_secs() },
            PasswordError::Argon2(_) | PasswordError::Thread(_) => AppError::internal(error),
        }
    }
}

/// Hashes and checks passwords, as many at a time as there are cores: each takes 19 MiB and tens of milliseconds
/// (argon2's defaults, which are OWASP's first choice), and all of them at once would stop everything else.
#[derive(Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    /// One more, for those who signed in from where they are before: strangers can't keep them out.
    known: Arc<Semaphore>,
    /// Checked when there is no such user, so that the answer takes the same time.
    nobody: PasswordHash,
}

impl Passwords {
    /// For `cores` at a time.
    pub fn new(cores: usize, entropy: &dyn Entropy) -> Result<Self, PasswordError> {
        let mut secret = [0_u8; 32];
        entropy.fill(&mut secret);
        let nobody = hash(&secret, salt(entropy))?;
        Ok(Self { turns: Arc::new(Semaphore::new(cores.max(1))), known: Arc::new(Semaphore::new(1)), nobody })
    }

    /// The form to keep of a password.
    pub async fn hash(
        &self,
        password: &NewPassword,
        entropy: &dyn Entropy,
    ) -> Result<PasswordHash, PasswordError> {
        let turn = self.turn(false).await?;
        let (secret, salt) = (password.secret().clone(), salt(entropy));
        in_thread(turn, move || hash(secret.expose_secret().as_bytes(), salt)).await?
    }

    /// Whether the password is the one that is kept; never, and after the same time, when none is. `known` says that
    /// its owner signed in from there before.
    pub async fn check(
        &self,
        password: &PresentedPassword,
        kept: Option<&PasswordHash>,
        known: bool,
    ) -> Result<bool, PasswordError> {
        let turn = self.turn(known).await?;
        let secret = password.secret().clone();
        let expected = kept.unwrap_or(&self.nobody).clone();
        let matches = in_thread(turn, move || {
            Argon2::default().verify_password(secret.expose_secret().as_bytes(), &expected.0).is_ok()
        })
        .await?;
        Ok(matches && kept.is_some())
    }

    /// Takes every turn but the one of those who are known.
    #[cfg(feature = "testing")]
    pub(crate) fn take_all_turns(&self) -> Option<OwnedSemaphorePermit> {
        let all = u32::try_from(self.turns.available_permits()).ok()?;
        Arc::clone(&self.turns).try_acquire_many_owned(all).ok()
    }

    async fn turn(&self, known: bool) -> Result<OwnedSemaphorePermit, PasswordError> {
        let acquiring = async {
            tokio::select! {
                biased;
                turn = Arc::clone(&self.turns).acquire_owned() => turn,
                turn = Arc::clone(&self.known).acquire_owned(), if known => turn,
            }
        };
        match tokio::time::timeout(WAIT, acquiring).await {
            Ok(Ok(turn)) => Ok(turn),
            // Nobody closes the semaphore: what remains is that the wait was too long.
            Ok(Err(_)) | Err(_) => Err(PasswordError::Busy),
        }
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords")
            .field("free_turns", &self.turns.available_permits())
            .finish_non_exhaustive()
    }
}

/// The turn ends with the work, not with the caller's patience: a caller who hangs up frees no core.
async fn in_thread<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PasswordError> {
    let task = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(turn);
        result
    });
    Ok(task.await?)
}

fn salt(entropy: &dyn Entropy) -> [u8; 16] {
    let mut salt = [0_u8; 16];
    entropy.fill(&mut salt);
    salt
}

fn hash(secret: &[u8], salt: [u8; 16]) -> Result<PasswordHash, PasswordError> {
    Argon2::default().hash_password_with_salt(secret, &salt).map(PasswordHash).map_err(PasswordError::Argon2)
}

#[cfg(test)]
mod tests {
    use curfew_domain::testing::SeededEntropy;
    use secrecy::SecretString;

    use super::*;

    static ENTROPY: SeededEntropy = SeededEntropy::new(5);

    fn new(text: &str) -> NewPassword {
        NewPassword::accept(&SecretString::from(text), &[]).unwrap()
    }

    fn presented(text: &str) -> PresentedPassword {
        PresentedPassword::new(&SecretString::from(text))
    }

    #[tokio::test]
    async fn a_kept_password_is_recognised_in_its_stored_form() {
        let passwords = Passwords::new(1, &ENTROPY).unwrap();
        let kept = passwords.hash(&new("granite-otter-lamp"), &ENTROPY).await.unwrap();
        let stored = kept.to_string();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        let kept: PasswordHash = stored.parse().unwrap();
        assert!(passwords.check(&presented("granite-otter-lamp"), Some(&kept), false).await.unwrap());
        assert!(!passwords.check(&presented("granite-otter-lamq"), Some(&kept), false).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_no_password_that_could_be_right() {
        let passwords = Passwords::new(1, &SeededEntropy::new(5)).unwrap();
        // Even the very secret behind the stand-in's hash.
        let mut secret = [0_u8; 32];
        SeededEntropy::new(5).fill(&mut secret);
        let text = String::from_utf8_lossy(&secret).into_owned();
        assert!(!passwords.check(&presented(&text), None, false).await.unwrap());
    }

    #[tokio::test]
    async fn the_stand_in_for_nobody_costs_what_a_true_hash_costs() {
        let passwords = Passwords::new(1, &ENTROPY).unwrap();
        let kept = passwords.hash(&new("granite-otter-lamp"), &ENTROPY).await.unwrap();
        assert_eq!(kept.0.params, passwords.nobody.0.params);
        assert_eq!(kept.0.algorithm, passwords.nobody.0.algorithm);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_for_a_turn_is_asked_to_come_back() {
        let passwords = Passwords::new(1, &ENTROPY).unwrap();
        let _all = passwords.turn(false).await.unwrap();
        let refused = passwords.check(&presented("granite-otter-lamp"), None, false).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
        // Who signed in from there before has a turn that strangers can't take.
        let _known = passwords.turn(true).await.unwrap();
        let refused = passwords.check(&presented("granite-otter-lamp"), None, true).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
    }
}
