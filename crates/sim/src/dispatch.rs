//! From a request of AWS's to its answer, through the faults that strike it.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{Response, StatusCode, request::Parts},
};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use crate::{
    call, caller,
    faults::{FaultKind, Target},
    log::{CallOutcome, CallRecord},
    protocol::{
        reply,
        request::{Unreadable, WireRequest},
    },
    refusal::Refusal,
    server::Shared,
};

/// More than any call of these services may carry.
const MOST_BYTES: usize = 1024 * 1024;

/// The connection ends without an answer.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the connection was dropped by a fault")]
pub(crate) struct ConnectionDropped;

/// Answers a request.
pub(crate) async fn answer(shared: Arc<Shared>, request: Request) -> Response<Body> {
    let (Parts { method, uri, headers, .. }, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MOST_BYTES).collect().await else {
        return status(StatusCode::PAYLOAD_TOO_LARGE);
    };
    match WireRequest::read(method, uri, headers, body.to_bytes().to_vec()) {
        Ok(request) => Played::arrive(shared, request).play().await,
        Err(Unreadable { service, refusal }) => reply::refuse(service, &refusal),
    }
}

/// A call with the faults that strike it.
struct Played {
    shared: Arc<Shared>,
    request: WireRequest,
    number: u64,
    faults: Vec<FaultKind>,
}

impl Played {
    /// Notes the call and finds its faults.
    fn arrive(shared: Arc<Shared>, request: WireRequest) -> Self {
        let (number, faults) = {
            let mut state = shared.state.lock();
            let at = state.clock.now();
            let caller_account =
                request.access_key.as_deref().and_then(|key| caller::account_of(&state, key));
            let faults = state.faults.strike(Target {
                service: request.service,
                operation: &request.operation,
                by: caller_account.as_deref(),
                about: request.target_account(),
            });
            let record = CallRecord {
                number: 0,
                at,
                service: request.service,
                operation: request.operation.clone(),
                region: request.region.clone(),
                access_key: request.access_key.clone(),
                caller: None,
                caller_account,
                target_account: request.target_account().map(ToOwned::to_owned),
                parameters: request.parameters.clone(),
                outcome: None,
            };
            (state.log.arrived(record), faults)
        };
        shared.moved.send_modify(|count| *count += 1);
        Self { shared, request, number, faults }
    }

    async fn play(self) -> Response<Body> {
        self.wait(|fault| match fault {
            FaultKind::Delay { ms } => Some(*ms),
            _ => None,
        })
        .await;
        let response = match self.unhandled() {
            Some((response, outcome)) => {
                self.end(outcome);
                response
            }
            None => self.handled(),
        };
        self.wait(|fault| match fault {
            FaultKind::DelayReply { ms } => Some(*ms),
            _ => None,
        })
        .await;
        response
    }

    /// What happens instead of handling, if the first such fault says so.
    fn unhandled(&self) -> Option<(Response<Body>, CallOutcome)> {
        self.faults.iter().find_map(|fault| match fault {
            FaultKind::DropConnection => Some((dropped(), CallOutcome::Dropped)),
            FaultKind::Garbage => Some((reply::garbage(), CallOutcome::Garbage)),
            FaultKind::Throttle => Some(self.refused(&Refusal::Throttled)),
            FaultKind::ServerError { status } => {
                Some(self.refused(&Refusal::ServerFault { status: *status }))
            }
            FaultKind::AccessDenied { message } => {
                Some(self.refused(&Refusal::AccessDenied { message: message.clone(), kms: false }))
            }
            FaultKind::Error { code, status, message } => Some(self.refused(&Refusal::Custom {
                code: code.clone(),
                status: *status,
                message: message.clone(),
            })),
            FaultKind::Delay { .. }
            | FaultKind::DelayReply { .. }
            | FaultKind::LoseReply
            | FaultKind::GarbleReply
            | FaultKind::FailChange { .. }
            | FaultKind::HangChange => None,
        })
    }

    fn refused(&self, refusal: &Refusal) -> (Response<Body>, CallOutcome) {
        (reply::refuse(self.request.service, refusal), self.outcome_of(&Err(refusal.clone())))
    }

    fn handled(&self) -> Response<Body> {
        let answer = call::handle(&mut self.shared.state.lock(), &self.request, self.number, &self.faults);
        let outcome = self.outcome_of(&answer);
        let WireRequest { service, operation, .. } = &self.request;
        for fault in &self.faults {
            match fault {
                FaultKind::LoseReply => {
                    self.end(CallOutcome::ReplyLost(outcome.label()));
                    return dropped();
                }
                FaultKind::GarbleReply => {
                    self.end(CallOutcome::ReplyGarbled(outcome.label()));
                    return reply::garbage();
                }
                _ => {}
            }
        }
        self.end(outcome);
        match answer {
            Ok(answer) => reply::answer(*service, operation, &answer),
            Err(refusal) => reply::refuse(*service, &refusal),
        }
    }

    fn outcome_of(&self, answer: &Result<Value, Refusal>) -> CallOutcome {
        match answer {
            Ok(_) => CallOutcome::Answered,
            Err(refusal) => CallOutcome::Refused(refusal.on_wire(self.request.service).code),
        }
    }

    fn end(&self, outcome: CallOutcome) {
        self.shared.state.lock().log.ended(self.number, outcome);
        self.shared.moved.send_modify(|count| *count += 1);
    }

    async fn wait(&self, of: impl Fn(&FaultKind) -> Option<u64>) {
        let ms: u64 = self.faults.iter().filter_map(of).sum();
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }
}

fn dropped() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    response.extensions_mut().insert(ConnectionDropped);
    response
}

fn status(code: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = code;
    response
}
