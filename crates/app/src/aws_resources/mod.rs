//! The cache of AWS resources, as people see it and as automation adds to it.

mod list;
mod push;

pub use list::{ResourceQuery, list};
pub use push::{PushedResource, push};

use curfew_domain::InstanceArn;
use curfew_store::ReadUnit;

use crate::AppError;

/// Through which instance the tenant's cache is seen: the verified one, else the saved one.
async fn instance_of(unit: &ReadUnit) -> Result<Option<InstanceArn>, AppError> {
    let Some(connection) = unit.connection().await? else { return Ok(None) };
    let verified = connection.verified.map(|verified| verified.saved);
    Ok(verified.or(connection.saved).map(|saved| saved.instance))
}
