use std::error::Error;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use curfew_domain::Invalid;
use reqwest::header::HeaderMap;
use reqwest::{Client, ClientBuilder, Response, redirect, retry};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::address::is_public;
use super::resolve::{Lookup, NoPublicAddress, PublicAlone, system_lookup};
use super::target::not_public;
use super::{OutboundAllow, Target};

/// How long a connection may take to come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

/// How long a call may take, from asking where its name leads to the answer's head.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long, and how much of, an answer's body is read, so that whoever writes it is not broken off.
const REST_WITHIN: Duration = Duration::from_secs(1);
const REST_BYTES: usize = 16 * 1_024;

/// How long it may take to find out where a name leads, before it is kept.
const LOOK_WITHIN: Duration = Duration::from_secs(3);

/// How many headers an answer may have.
const MOST_HEADERS: usize = 64;

/// How many callers may wait for a call of theirs at once.
const TRIALS: usize = 8;

/// The client. One for the process; it keeps no connections.
pub struct Outbound {
    allow: OutboundAllow,
    lookup: Lookup,
    closed: OnceLock<Result<Client, NoClient>>,
    open: OnceLock<Result<Client, NoClient>>,
    trials: Semaphore,
    answer_within: Duration,
}

/// What a server answered. Its body is nobody's business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
}

/// Why there was no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// None in time.
    #[error("no answer in time")]
    TimedOut,
    /// The name leads nowhere, or to an address that is not public.
    #[error("the name leads to no public address")]
    NoPublicAddress,
    /// Nobody took the connection, or it could not be secured.
    #[error("the connection failed")]
    ConnectionFailed,
    /// What came was no HTTP, or it broke off.
    #[error("the answer was not HTTP")]
    BadAnswer,
    /// This machine can't make any such call: it has no list of authorities that vouch for servers.
    #[error("this server can't call others")]
    Unable,
}

/// Why there is no client.
#[derive(Debug, Clone, thiserror::Error)]
#[error("no client for calls to the outside")]
struct NoClient(#[source] Arc<reqwest::Error>);

impl Outbound {
    /// A client that asks this machine where names lead.
    pub fn new(allow: OutboundAllow) -> Self {
        Self::with_lookup(allow, system_lookup())
    }

    /// A client that is told where names lead.
    pub fn with_lookup(allow: OutboundAllow, lookup: Lookup) -> Self {
        let (closed, open, trials) = (OnceLock::new(), OnceLock::new(), Semaphore::new(TRIALS));
        Self { allow, lookup, closed, open, trials, answer_within: ANSWER_WITHIN }
    }

    /// The same with less patience, for tests.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn answering_within(self, answer_within: Duration) -> Self {
        Self { answer_within, ..self }
    }

    /// Reads a URL, and refuses one that is not for Curfew to follow. Where its name leads is not asked.
    pub fn read(&self, url: &str) -> Result<Target, Invalid> {
        Target::parse(url, &self.allow)
    }

    /// Reads a URL that is to be kept, and refuses it also where its name leads to an address that is not public now. A
    /// name that leads nowhere yet is taken. What is kept is looked at again at every call.
    pub async fn read_to_keep(&self, url: &str) -> Result<Target, Invalid> {
        let target = self.read(url)?;
        let Some(name) = target.name_to_look_at() else { return Ok(target) };
        let asked = tokio::time::timeout(LOOK_WITHIN, (self.lookup)(name.to_owned()));
        match asked.await {
            Ok(Ok(found)) if !found.iter().copied().all(is_public) => Err(not_public()),
            _ => Ok(target),
        }
    }

    /// Sends a body, and waits for the answer.
    pub async fn post(&self, target: &Target, headers: HeaderMap, body: Vec<u8>) -> Result<Answer, NoAnswer> {
        let client = self.client(target).ok_or(NoAnswer::Unable)?;
        let sent = client.post(target.url().clone()).headers(headers).body(body).send();
        let response = match tokio::time::timeout(self.answer_within, sent).await {
            Ok(answered) => answered.map_err(|error| classify(&error))?,
            Err(_) => return Err(NoAnswer::TimedOut),
        };
        let answer = Answer { status: response.status().as_u16() };
        // Whatever it is, and however long it goes on.
        let _ = tokio::time::timeout(REST_WITHIN, drain(response)).await;
        Ok(answer)
    }

    /// A turn for somebody who waits for a call of theirs; none where too many do.
    pub fn trial(&self) -> Option<SemaphorePermit<'_>> {
        self.trials.try_acquire().ok()
    }

    fn client(&self, target: &Target) -> Option<&Client> {
        let built = if target.is_open() {
            self.open.get_or_init(|| build(plain()))
        } else {
            let public = || plain().dns_resolver(Arc::new(PublicAlone(Arc::clone(&self.lookup))));
            self.closed.get_or_init(|| build(public()))
        };
        built
            .as_ref()
            .inspect_err(|error| {
                tracing::error!(error = crate::with_causes(*error), "calls to the outside are not possible");
            })
            .ok()
    }
}

impl std::fmt::Debug for Outbound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbound").field("allow", &self.allow).finish_non_exhaustive()
    }
}

fn build(client: ClientBuilder) -> Result<Client, NoClient> {
    client.build().map_err(|error| NoClient(Arc::new(error)))
}

/// What holds of every call.
fn plain() -> ClientBuilder {
    Client::builder()
        .user_agent("Curfew")
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .http1_only()
        .http1_max_headers(MOST_HEADERS)
        // A connection that is kept outlives the look at its address.
        .pool_max_idle_per_host(0)
        .connect_timeout(CONNECT_WITHIN)
        .timeout(ANSWER_WITHIN)
}

async fn drain(mut response: Response) {
    let mut left = REST_BYTES;
    while let Ok(Some(chunk)) = response.chunk().await {
        left = left.saturating_sub(chunk.len());
        if left == 0 {
            return;
        }
    }
}

fn classify(error: &reqwest::Error) -> NoAnswer {
    let causes = || std::iter::successors(error.source(), |&cause| cause.source());
    if causes().any(<dyn Error + 'static>::is::<NoPublicAddress>) {
        NoAnswer::NoPublicAddress
    } else if error.is_timeout() {
        NoAnswer::TimedOut
    } else if error.is_connect() {
        NoAnswer::ConnectionFailed
    } else {
        NoAnswer::BadAnswer
    }
}
