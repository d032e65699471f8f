//! Where names lead.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_public;

/// Asks where a name leads.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Asks this machine's own resolver.
pub fn system_lookup() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// A name that leads nowhere, or to an address that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name leads to no public address")]
pub(super) struct NoPublicAddress;

/// The connector's resolver. What it answers is what the connection goes to: nobody asks again in between.
pub(super) struct PublicAlone(pub(super) Lookup);

impl Resolve for PublicAlone {
    fn resolve(&self, name: Name) -> Resolving {
        let asked = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            let found = asked.await.unwrap_or_default();
            if found.is_empty() || !found.iter().copied().all(is_public) {
                return Err(NoPublicAddress.into());
            }
            let addresses = found.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
