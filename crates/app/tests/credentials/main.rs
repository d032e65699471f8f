//! First run and credentials, at the edge of the application, on both databases.
#![cfg(test)]

use std::fmt::Debug;
use std::time::Duration;

use curfew_app::AppError;
use curfew_domain::ErrorCode;
use tokio::task::JoinHandle;

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

/// Lets a task go on until it waits for what the test has in hand.
async fn still_waits<T: Debug>(task: &mut JoinHandle<T>) {
    let early = tokio::time::timeout(Duration::from_millis(500), task).await;
    assert!(early.is_err(), "it did not wait: {early:?}");
}

/// The code of a refusal.
fn code<T: Debug>(result: Result<T, AppError>) -> ErrorCode {
    match result {
        Err(error) => error.code(),
        Ok(value) => panic!("not refused: {value:?}"),
    }
}
