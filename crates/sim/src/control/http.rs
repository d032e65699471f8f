//! The control endpoint, `/_sim/…`: JSON for tests in other languages and for the demo.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Patch, SimControl, portal::ANYTHING};
use crate::{
    call,
    clock::ClockView,
    faults::Fault,
    log::CallRecord,
    server::Shared,
    state::SignIn,
    world::{Behaviour, Limits, World},
};

/// The routes below `/_sim`.
pub(crate) fn routes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/world", get(world).put(put_world).patch(patch_world))
        .route("/behaviour", get(behaviour).put(put_behaviour).patch(patch_behaviour))
        .route("/limits/{which}", post(set_limits))
        .route("/clock", get(clock).put(put_clock))
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/assignments", get(assignments))
        .route("/changes", get(changes))
        .route("/sessions", get(sessions).post(sign_in))
        .route("/sessions/{id}", get(session_may))
        .route("/settle", post(settle))
        .route("/calls", get(calls).delete(clear_calls))
        .route("/counts", get(counts))
        .route("/operations", get(operations))
        .route("/reset", post(reset))
        .fallback(nothing_here)
        .with_state(SimControl::new(shared))
}

async fn nothing_here() -> Response {
    (StatusCode::NOT_FOUND, Json(json!({ "message": "the stand-in's control has no such route" })))
        .into_response()
}

async fn world(State(control): State<SimControl>) -> Json<World> {
    Json(control.world())
}

async fn put_world(State(control): State<SimControl>, Json(world): Json<World>) -> Response {
    done(control.set_world(world))
}

/// One change, or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum Patches {
    One(Box<Patch>),
    Many(Vec<Patch>),
}

async fn patch_world(State(control): State<SimControl>, Json(patches): Json<Patches>) -> Response {
    let patches = match patches {
        Patches::One(patch) => vec![*patch],
        Patches::Many(patches) => patches,
    };
    done(control.apply_all(patches))
}

async fn behaviour(State(control): State<SimControl>) -> Json<Behaviour> {
    Json(control.world().behaviour)
}

async fn put_behaviour(State(control): State<SimControl>, Json(behaviour): Json<Behaviour>) -> StatusCode {
    control.set_behaviour(behaviour);
    StatusCode::NO_CONTENT
}

/// Changes the members that are given; `observed` and `limits` member by member.
async fn patch_behaviour(State(control): State<SimControl>, Json(changes): Json<Value>) -> Response {
    let mut behaviour = json!(control.world().behaviour);
    merge(&mut behaviour, changes);
    done(serde_json::from_value(behaviour).map(|behaviour| control.set_behaviour(behaviour)))
}

/// `real` for AWS's published rates, `off` for none.
async fn set_limits(State(control): State<SimControl>, Path(which): Path<String>) -> Response {
    let limits = match which.as_str() {
        "real" => Limits::published(),
        "off" => Limits::default(),
        other => return refused(&format!("there are no limits `{other}`: `real` or `off`")),
    };
    control.behave(|behaviour| behaviour.limits = limits);
    StatusCode::NO_CONTENT.into_response()
}

async fn clock(State(control): State<SimControl>) -> Json<ClockView> {
    Json(control.clock())
}

/// What to do to the clock; several members are taken in this order.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
#[derive(Default)]
struct ClockChange {
    /// Runs this far from the machine's clock.
    offset_ms: Option<i64>,
    /// Stands still (true) or runs on (false).
    frozen: Option<bool>,
    /// Stands still at this instant.
    freeze_at: Option<String>,
    /// Moves by this much.
    advance_ms: Option<i64>,
}

async fn put_clock(State(control): State<SimControl>, Json(change): Json<ClockChange>) -> Response {
    let freeze_at = match change.freeze_at.as_deref().map(str::parse::<Timestamp>).transpose() {
        Ok(at) => at,
        Err(source) => return refused(&source.to_string()),
    };
    if let Some(offset) = change.offset_ms {
        control.run_clock_at_offset(SignedDuration::from_millis(offset));
    }
    match change.frozen {
        Some(true) => control.freeze_clock(None),
        Some(false) => control.thaw_clock(),
        None => {}
    }
    if freeze_at.is_some() {
        control.freeze_clock(freeze_at);
    }
    if let Some(by) = change.advance_ms {
        control.advance(SignedDuration::from_millis(by));
    }
    Json(control.clock()).into_response()
}

async fn faults(State(control): State<SimControl>) -> Json<Vec<Fault>> {
    Json(control.faults())
}

async fn add_fault(State(control): State<SimControl>, Json(fault): Json<Fault>) -> Response {
    if !call::operations().any(|(service, name)| fault.names(service, name)) {
        return refused(&format!("no operation is called `{}`", fault.operation));
    }
    control.inject(fault);
    StatusCode::NO_CONTENT.into_response()
}

async fn clear_faults(State(control): State<SimControl>) -> StatusCode {
    control.clear_faults();
    StatusCode::NO_CONTENT
}

async fn assignments(State(control): State<SimControl>) -> Json<Value> {
    Json(json!(control.assignments()))
}

async fn changes(State(control): State<SimControl>) -> Json<Value> {
    Json(json!(control.changes_in_progress()))
}

async fn sessions(State(control): State<SimControl>) -> Json<Value> {
    Json(json!(control.person_sessions()))
}

async fn sign_in(State(control): State<SimControl>, Json(who): Json<SignIn>) -> Response {
    match control.sign_in(&who) {
        Ok(session) => Json(session).into_response(),
        Err(error) => refused(&error.to_string()),
    }
}

#[derive(Deserialize)]
struct Act {
    action: Option<String>,
}

async fn session_may(
    State(control): State<SimControl>,
    Path(session): Path<String>,
    Query(act): Query<Act>,
) -> Response {
    match control.session_may(&session, act.action.as_deref().unwrap_or(ANYTHING)) {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => refused(&error.to_string()),
    }
}

async fn settle(State(control): State<SimControl>) -> StatusCode {
    control.settle_all();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct CallsQuery {
    operation: Option<String>,
}

async fn calls(State(control): State<SimControl>, Query(query): Query<CallsQuery>) -> Json<Vec<CallRecord>> {
    Json(query.operation.map_or_else(|| control.calls(), |operation| control.calls_of(&operation)))
}

async fn clear_calls(State(control): State<SimControl>) -> StatusCode {
    control.clear_calls();
    StatusCode::NO_CONTENT
}

async fn counts(State(control): State<SimControl>) -> Json<Value> {
    Json(json!(control.counts()))
}

async fn operations() -> Json<Vec<String>> {
    Json(call::operations().map(|(service, name)| service.action(name)).collect())
}

async fn reset(State(control): State<SimControl>) -> StatusCode {
    control.reset();
    StatusCode::NO_CONTENT
}

fn done<E: std::error::Error>(outcome: Result<(), E>) -> Response {
    match outcome {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(&error.to_string()),
    }
}

fn refused(message: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({ "message": message }))).into_response()
}

fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(members.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, change) => *into = change,
    }
}
