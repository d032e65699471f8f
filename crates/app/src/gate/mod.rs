//! The gate: who is let in, and by what.

mod authenticate;
mod fresh;
mod known;
mod presented;
mod session;
mod settings;

use std::fmt;

pub use authenticate::{authenticate, refuse_foreign_origin, refuse_foreign_page};
pub use presented::Presented;
pub use session::SignedIn;
pub use settings::{GateSettings, SetupToken};

pub(crate) use session::{OpenSession, renew_session};

use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use crate::credentials::password::Passwords;
use crate::credentials::{ConsoleCookie, JwtIssuer};
use fresh::FreshReads;
use known::KnownCredentials;

/// What it takes to tell who is asking.
pub struct Gate {
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Signs and checks the tokens of people who signed in.
    pub jwt: JwtIssuer,
    /// The console's cookie.
    pub console: ConsoleCookie,
    /// What the installation has chosen.
    pub settings: GateSettings,
    fresh: FreshReads,
    known: KnownCredentials,
    /// What is written down off the path.
    behind: TaskTracker,
    /// Held by the call that is completing the first run, so that others wait for what comes of it.
    pub(crate) setup: Mutex<()>,
}

impl Gate {
    /// A gate that knows nobody yet.
    pub fn new(passwords: Passwords, jwt: JwtIssuer, console: ConsoleCookie, settings: GateSettings) -> Self {
        Self {
            passwords,
            jwt,
            console,
            settings,
            fresh: FreshReads::default(),
            known: KnownCredentials::default(),
            behind: TaskTracker::new(),
            setup: Mutex::new(()),
        }
    }

    /// Waits until what uses left behind is written down: for a graceful stop.
    pub async fn idle(&self) {
        self.behind.close();
        self.behind.wait().await;
        self.behind.reopen();
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("settings", &self.settings).finish_non_exhaustive()
    }
}
