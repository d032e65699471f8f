use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use curfew_app::audit::heads::{Genuine, HeadLine};
use curfew_app::audit::{Verification, all_tenants};
use curfew_domain::TenantId;
use curfew_domain::audit::ChainHead;
use curfew_store::Store;
use ed25519_dalek::VerifyingKey;

use crate::config::{self, Source};
use crate::secrets::verifying_keys;
use crate::serve::{self, ServeError};

/// What a walk over all chains came to.
#[derive(Debug)]
pub(super) struct Verdict {
    chains: Vec<(TenantId, Verification)>,
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
    /// Heads of keys that are not configured.
    unknown: usize,
}

const WHOLE: u8 = 0;
const BROKEN: u8 = 1;
const END_NOT_PROVED: u8 = 3;

/// `curfewd audit verify`: walks every tenant's chain, also those that only heads tell of.
pub(super) async fn verify(source: &Source, file: Option<&Path>) -> Result<Verdict, ServeError> {
    let (database, signing) = config::read_for_audit(source).map_err(ServeError::Config)?;
    let heads = match file {
        None => None,
        Some(file) => Some(Heads::read(file, &verifying_keys(signing, &database)?)?),
    };
    let store = serve::open_as_it_is(&database).await?;
    let chains = walk(&store, heads.as_ref()).await?;
    store.close().await;
    Ok(Verdict { chains, heads })
}

async fn walk(store: &Store, heads: Option<&Heads>) -> Result<Vec<(TenantId, Verification)>, ServeError> {
    let known = heads.map(|heads| heads.genuine.as_slice()).unwrap_or_default();
    let mut tenants: BTreeSet<TenantId> = all_tenants(store).await?.into_iter().collect();
    tenants.extend(known.iter().map(|head| head.tenant));
    let mut chains = Vec::new();
    for tenant in tenants {
        chains.push((tenant, store.tenant(tenant).walk_audit(known).to_end().await?));
    }
    Ok(chains)
}

impl Heads {
    fn read(file: &Path, keys: &[VerifyingKey]) -> Result<Self, ServeError> {
        let bytes =
            std::fs::read(file).map_err(|source| ServeError::Heads { file: file.to_owned(), source })?;
        let text = String::from_utf8_lossy(&bytes);
        let mut heads = Self::default();
        for line in text.lines() {
            match line.parse::<HeadLine>().map(|line| (line.genuine(keys), line.head())) {
                Ok((Genuine::Yes, Ok(head))) => heads.genuine.push(head),
                Ok((Genuine::UnknownKey, _)) => heads.unknown += 1,
                Err(_) if HeadLine::is_torn(line) => heads.torn += 1,
                Ok((Genuine::Yes | Genuine::Forged, _)) | Err(_) => heads.forged += 1,
            }
        }
        Ok(heads)
    }
}

impl Verdict {
    /// Says what was found, and gives the status: 0 whole, 1 broken, 3 whole but its end is not proved.
    pub(super) fn tell(&self) -> ExitCode {
        let mut output = std::io::stdout().lock();
        // Whoever closed the output still gets the status.
        let _ = output.write_all(self.words().as_bytes());
        let _ = output.flush();
        self.status().into()
    }

    fn status(&self) -> u8 {
        let broken = self.chains.iter().any(|(_, chain)| !chain.is_sound());
        let forged = self.heads.as_ref().is_some_and(|heads| heads.forged > 0);
        let proved = self.chains.iter().all(|(_, chain)| chain.sealed == 0 || chain.not_headed.is_some());
        match (broken || forged, self.heads.is_some() && proved) {
            (true, _) => BROKEN,
            (false, true) => WHOLE,
            (false, false) => END_NOT_PROVED,
        }
    }

    /// One line a fact.
    fn words(&self) -> String {
        let mut lines: Vec<String> =
            self.chains.iter().flat_map(|(tenant, chain)| of_chain(*tenant, chain)).collect();
        if let Some(Heads { genuine, forged, unknown, torn }) = &self.heads {
            let genuine = genuine.len();
            lines.push(format!(
                "heads: {genuine} genuine, {forged} not genuine, {unknown} of unknown keys, {torn} torn lines"
            ));
        }
        let verdict = match self.status() {
            WHOLE => "the log is whole",
            BROKEN => "THE LOG IS BROKEN",
            _ => "the log is whole, tail not proved",
        };
        lines.push(format!("{verdict}\n"));
        lines.join("\n")
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
