use std::sync::Arc;

use curfew_domain::NodeId;

use super::reach::Reach;

/// This process, among those that share a database. Its reconciler and its discovery own the same connections.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its name on leases.
    pub id: NodeId,
    /// Whose AWS can't be worked with from here.
    pub(crate) reach: Arc<Reach>,
}

impl Node {
    /// A process by that name, which reaches everything until it finds otherwise.
    pub fn new(id: NodeId) -> Self {
        Self { id, reach: Arc::default() }
    }
}
