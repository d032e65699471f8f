//! First run and credentials, at the edge of the application, on both databases.
#![cfg(test)]

use std::fmt::Debug;

use curfew_app::AppError;
use curfew_domain::ErrorCode;

mod api_keys;
mod gate;
mod login;
mod setup;
mod suspension;
mod tenants;
mod upkeep;
mod users;

/// The code of a refusal.
fn code<T: Debug>(result: Result<T, AppError>) -> ErrorCode {
    match result {
        Err(error) => error.code(),
        Ok(value) => panic!("not refused: {value:?}"),
    }
}
