use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use curfew_app::audit::heads::{Genuine, HeadLine};
use curfew_app::audit::{self, Verification, all_tenants};
use curfew_domain::TenantId;
use curfew_domain::audit::ChainHead;
use curfew_store::{Store, StoreError};
use ed25519_dalek::VerifyingKey;

use super::{MISTAKE, keys};
use crate::config::{self, Source};
use crate::secrets::verifying_keys;
use crate::serve::{self, ServeError};

/// Against what the chains are held.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Against<'f> {
    /// A file of heads.
    pub(super) heads: Option<&'f Path>,
    /// A file of the public keys that alone are believed; none for the server's own.
    pub(super) keys: Option<&'f Path>,
}

/// What a walk over all chains came to.
#[derive(Debug)]
pub(super) struct Verdict {
    /// A chain that can't be walked at all keeps no other from being.
    chains: Vec<(TenantId, Result<Verification, StoreError>)>,
    heads: Option<Heads>,
}

/// The heads of a file.
#[derive(Debug, Default)]
struct Heads {
    genuine: Vec<ChainHead>,
    /// Heads that a known key did not sign though they name it, and other JSON.
    forged: usize,
    /// Lines that are no JSON: a full disk or a power cut tore them. Each was repeated.
    torn: usize,
    /// Heads of keys that are not known, which may tell of more entries than there are.
    unknown: usize,
    /// What those keys are called.
    unknown_keys: BTreeSet<String>,
}

const WHOLE: u8 = 0;
const BROKEN: u8 = 1;
/// Nothing is said of the log: it, or something that it is to be held against, could not be looked at.
const NOT_LOOKED_AT: u8 = MISTAKE;
const END_NOT_PROVED: u8 = 3;

/// `curfewd audit verify`: walks every tenant's chain, also those that only heads tell of.
pub(super) async fn verify(source: &Source, against: Against<'_>) -> Result<Verdict, ServeError> {
    let (database, signing) = config::read_for_audit(source).map_err(ServeError::Config)?;
    let store = serve::open_as_it_is(&database).await?;
    let heads = match (against.heads, against.keys) {
        (None, _) => None,
        (Some(file), Some(known)) => Some(Heads::read(file, &keys::read(known)?)?),
        (Some(file), None) => Some(Heads::read(file, &verifying_keys(signing, &database)?)?),
    };
    let chains = walk(&store, heads.as_ref()).await?;
    store.close().await;
    Ok(Verdict { chains, heads })
}

/// The genuine heads of a file, by this server's own keys.
pub(super) fn genuine_heads(source: &Source, file: &Path) -> Result<Vec<ChainHead>, ServeError> {
    let (database, signing) = config::read_for_audit(source).map_err(ServeError::Config)?;
    Ok(Heads::read(file, &verifying_keys(signing, &database)?)?.genuine)
}

async fn walk(
    store: &Store,
    heads: Option<&Heads>,
) -> Result<Vec<(TenantId, Result<Verification, StoreError>)>, ServeError> {
    let known = heads.map(|heads| heads.genuine.as_slice()).unwrap_or_default();
    let mut tenants = all_tenants(store).await?;
    tenants.extend(known.iter().map(|head| head.tenant));
    let mut chains = Vec::new();
    for tenant in tenants {
        if let Some(erased) = audit::end_of_erased(store, tenant, known).await? {
            chains.push((tenant, Ok(erased)));
            continue;
        }
        match store.tenant(tenant).walk_audit(known).to_end().await {
            Err(error) if error.is_transient() => return Err(error.into()),
            walked => chains.push((tenant, walked)),
        }
    }
    Ok(chains)
}

impl Heads {
    fn read(file: &Path, keys: &[VerifyingKey]) -> Result<Self, ServeError> {
        let bytes =
            std::fs::read(file).map_err(|source| ServeError::Unread { file: file.to_owned(), source })?;
        let text = String::from_utf8_lossy(&bytes);
        let mut heads = Self::default();
        for line in text.lines() {
            match line.parse::<HeadLine>() {
                Ok(head) => heads.take(&head, keys),
                Err(_) if HeadLine::is_torn(line) => heads.torn += 1,
                Err(_) => heads.forged += 1,
            }
        }
        Ok(heads)
    }

    fn take(&mut self, line: &HeadLine, keys: &[VerifyingKey]) {
        match (line.genuine(keys), line.head()) {
            (Genuine::Yes, Ok(head)) => self.genuine.push(head),
            (Genuine::UnknownKey, _) => {
                self.unknown += 1;
                self.unknown_keys.insert(line.key_id().to_owned());
            }
            (Genuine::Yes | Genuine::Forged, _) => self.forged += 1,
        }
    }

    fn lines(&self) -> Vec<String> {
        let Self { genuine, forged, torn, unknown, unknown_keys } = self;
        let genuine = genuine.len();
        let mut lines = vec![format!(
            "heads: {genuine} genuine, {forged} not genuine, {unknown} of unknown keys, {torn} torn lines"
        )];
        // The names come from a file that somebody else may have written to.
        lines.extend(unknown_keys.iter().map(|key| {
            format!("heads of key {} are not taken: give its public key with --keys", key.escape_debug())
        }));
        lines
    }
}

impl Verdict {
    /// Says what was found, and gives the status: 0 whole, 1 broken, 2 not looked at, 3 whole but its end is not proved.
    pub(super) fn tell(&self) -> ExitCode {
        let mut output = std::io::stdout().lock();
        // Whoever closed the output still gets the status.
        let _ = output.write_all(self.words().as_bytes());
        let _ = output.flush();
        self.status().into()
    }

    fn status(&self) -> u8 {
        let walked = || self.chains.iter().filter_map(|(_, walked)| walked.as_ref().ok());
        let forged = self.heads.as_ref().is_some_and(|heads| heads.forged > 0);
        let known = self.heads.as_ref().is_some_and(|heads| heads.unknown == 0);
        if forged || walked().any(|chain| !chain.is_sound()) {
            BROKEN
        } else if walked().count() < self.chains.len() {
            NOT_LOOKED_AT
        } else if known && walked().all(|chain| chain.sealed == 0 || chain.not_headed.is_some()) {
            WHOLE
        } else {
            END_NOT_PROVED
        }
    }

    /// One line a fact.
    fn words(&self) -> String {
        let mut lines: Vec<String> =
            self.chains.iter().flat_map(|(tenant, walked)| of_tenant(*tenant, walked)).collect();
        lines.extend(self.heads.iter().flat_map(Heads::lines));
        let verdict = match self.status() {
            WHOLE => "the log is whole",
            BROKEN => "THE LOG IS BROKEN",
            NOT_LOOKED_AT => "NOT ALL OF THE LOG COULD BE LOOKED AT",
            _ => "the log is whole, tail not proved",
        };
        lines.push(format!("{verdict}\n"));
        lines.join("\n")
    }
}

fn of_tenant(tenant: TenantId, walked: &Result<Verification, StoreError>) -> Vec<String> {
    match walked {
        Ok(chain) => of_chain(tenant, chain),
        Err(error) => vec![format!("tenant {tenant}: its log can't be looked at: {error}")],
    }
}

fn of_chain(tenant: TenantId, chain: &Verification) -> Vec<String> {
    let Verification { sealed, unsealed, erased_texts, not_headed, findings, .. } = chain;
    let covered = match not_headed {
        Some(count) => format!("{count} not covered by a head yet"),
        None => "tail not proved: no heads".to_owned(),
    };
    let counts =
        format!("{sealed} entries sealed, {unsealed} not sealed yet, {covered}, {erased_texts} texts erased");
    let findings = findings.iter().map(|finding| format!("tenant {tenant}: {finding}"));
    std::iter::once(format!("tenant {tenant}: {counts}")).chain(findings).collect()
}
