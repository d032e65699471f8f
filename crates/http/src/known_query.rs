use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use curfew_app::FieldProblem;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

use crate::{ApiError, openapi};

/// The query parameters that each operation describes; others are refused.
///
/// Taken from the OpenAPI document, so that what is accepted and what is described can't part. An operation with
/// a credential is checked after the credential, for nobody else is told anything.
#[derive(Debug, Default)]
pub(crate) struct KnownQuery(HashMap<(Method, String), Known>);

#[derive(Debug)]
struct Known {
    public: bool,
    names: BTreeSet<String>,
}

impl KnownQuery {
    pub(crate) fn of(document: &OpenApi) -> Self {
        let mut known = HashMap::new();
        for (path, item) in &document.paths.paths {
            let operations = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::PATCH, &item.patch),
                (Method::DELETE, &item.delete),
            ];
            for (method, operation) in operations {
                if let Some(operation) = operation {
                    let names = query_names(operation);
                    known.insert(
                        (method, path.clone()),
                        Known { public: openapi::is_public(operation), names },
                    );
                }
            }
        }
        Self(known)
    }

    /// Refuses parameters that the operation does not describe.
    pub(crate) fn check(&self, parts: &Parts) -> Result<(), ApiError> {
        match self.operation(&parts.method, parts.extensions.get()) {
            Some(known) => known.check(parts.uri.query().unwrap_or_default()),
            None => Ok(()),
        }
    }

    fn operation(&self, method: &Method, route: Option<&MatchedPath>) -> Option<&Known> {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        self.0.get(&(method, route?.as_str().to_owned()))
    }
}

impl Known {
    fn check(&self, query: &str) -> Result<(), ApiError> {
        let problems: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .filter(|(name, _)| !self.names.contains(name.as_ref()))
            .map(|(name, _)| FieldProblem {
                path: name.replace('\0', "\u{fffd}"),
                problem: "is not a parameter of this operation".to_owned(),
            })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(ApiError::fields(problems)) }
    }
}

/// The layer that checks public operations; `Authenticated` checks the others.
pub(crate) async fn check_public(
    State(known): State<Arc<KnownQuery>>,
    request: Request,
    next: Next,
) -> Response {
    let operation = known.operation(request.method(), request.extensions().get());
    let query = request.uri().query().unwrap_or_default();
    match operation.filter(|known| known.public).map_or(Ok(()), |known| known.check(query)) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn query_names(operation: &Operation) -> BTreeSet<String> {
    operation
        .parameters
        .iter()
        .flatten()
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
                Some(parameter.name.clone())
            }
            _ => None,
        })
        .collect()
}
