//! The calls of one pass that looks for drift over many grants, against the fewest: AWS lists who has a permission set in
//! an account, so one call for each of those pairs that Curfew manages.

use std::collections::BTreeSet;
use std::time::Duration;

use curfew_sim::{CallRecord, SimControl};
use curfew_tests::Backend;
use serde_json::Value;

use super::calls::told;
use super::seed::{Seed, connect, finish};
use super::{name, real, scaled};
use crate::figures::against;
use crate::requests::{Size, Town};

const GRANTS: usize = 10_000;
const ACCOUNTS: usize = 60;
const SETS: usize = 2;
/// What AWS gives at once.
const PAGE: usize = 100;

pub(super) async fn run(backend: &Backend) {
    let (grants, accounts) = (scaled(GRANTS, 100), scaled(ACCOUNTS, 5));
    let places = accounts * SETS;
    println!("A drift pass over {grants} grants in {accounts} accounts on {}:", name(backend));
    let holders = grants.div_ceil(places);
    let (town, mut server) = Town::build_as(backend, 1, Size { people: 1, accounts, holders }).await;
    let aws = town.cloud.control();
    aws.behave(|behaviour| behaviour.page_size = Some(PAGE));
    let connection = connect(server.database()).await;
    let seed = Seed::plant(&connection, &town.estates[0], 0).await;
    seed.live(aws, grants).await;
    finish(&connection, backend).await;
    server.terminate();
    aws.clear_calls();
    // The first pass of a new owner is over everything.
    server.start_again().await;
    let patience = Duration::from_mins(3);
    super::calls::until("a pass over every place", patience, || listed(aws).len() >= places).await;
    let calls = aws.calls().len();
    let fewest = places;
    let ratio = real(calls) / real(fewest);
    println!("  {calls} calls, at least {fewest}: {ratio:.2} times ({})", against(ratio, 1.1, false));
    println!("  calls: {}", told(aws));
}

/// The accounts and permission sets that were listed.
fn listed(aws: &SimControl) -> BTreeSet<(String, String)> {
    let place = |call: CallRecord| {
        let text =
            |field: &str| call.parameters.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("AccountId"), text("PermissionSetArn"))
    };
    aws.calls_of("ListAccountAssignments").into_iter().map(place).collect()
}
