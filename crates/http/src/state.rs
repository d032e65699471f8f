use std::sync::Arc;

use bytes::Bytes;
use curfew_app::App;

use crate::MetricsPage;
use crate::edge::Edge;
use crate::known_query::KnownQuery;
use crate::probe::{Shared, Well};

/// What probes were answered last.
#[derive(Default)]
pub(crate) struct Probes {
    pub(crate) alive: Shared<Well>,
    pub(crate) ready: Shared<Well>,
    pub(crate) metrics: Shared<Bytes>,
}

/// What handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct HttpState {
    /// The use cases' own.
    pub app: Arc<App>,
    pub(crate) edge: Arc<Edge>,
    pub(crate) known_query: Arc<KnownQuery>,
    pub(crate) metrics: MetricsPage,
    pub(crate) probes: Arc<Probes>,
    /// The OpenAPI document, rendered once.
    pub(crate) description: Bytes,
}
