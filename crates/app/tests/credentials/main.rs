//! First run and credentials, at the edge of the application, on both databases.
#![cfg(test)]

use std::fmt::Debug;
use std::time::Duration;

use curfew_app::testing::{TestApp, TestTenant};
use curfew_app::{AppError, Caller};
use curfew_domain::{ErrorCode, TenantId};
use tokio::task::JoinHandle;
use uuid::Uuid;

mod api_keys;
mod gate;
mod groups;
mod login;
mod roles;
mod setup;
mod suspension;
mod tenants;
mod upkeep;
mod users;
mod waiting;

/// Lets a task go on until it waits for what the test has in hand.
async fn still_waits<T: Debug>(task: &mut JoinHandle<T>) {
    let early = tokio::time::timeout(Duration::from_millis(500), task).await;
    assert!(early.is_err(), "it did not wait: {early:?}");
}

/// An admin of another tenant, who may do there what that of `acme` may here.
async fn stranger(test: &TestApp, acme: &TestTenant) -> Caller {
    let tenant = TenantId::from_uuid(Uuid::from_u128(9));
    let unit = test.app.store.tenant(tenant).write().await.unwrap();
    unit.insert_user(&acme.admin, None).await.unwrap();
    unit.commit().await.unwrap();
    Caller { tenant, ..acme.caller.clone() }
}

/// The code of a refusal.
fn code<T: Debug>(result: Result<T, AppError>) -> ErrorCode {
    match result {
        Err(error) => error.code(),
        Ok(value) => panic!("not refused: {value:?}"),
    }
}
