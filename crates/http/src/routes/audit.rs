//! The tenant's audit log.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use curfew_api::{AuditLogEntry, AuditQuery, AuditVerification, PageBody};
use curfew_app::audit::{self, AuditFilter, AuditRecord, Verification};
use curfew_domain::AuditEntryId;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::{ApiError, ApiList, ApiPath, Authenticated, HttpState, ListQuery};

pub(crate) fn routes() -> OpenApiRouter<HttpState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(verify)).routes(routes!(get))
}

/// List the audit log, newest first.
#[utoipa::path(get, path = "/v1/audit-log", tag = "audit", params(ListQuery, AuditQuery),
    responses((status = 200, body = PageBody<AuditLogEntry>)))]
async fn list(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    list: ApiList<AuditQuery>,
) -> Result<Json<PageBody<AuditLogEntry>>, ApiError> {
    let page = list.page(&state, &caller)?;
    let found = audit::list(&state.app, &caller, &filter(&list.filters), &page).await?;
    Ok(Json(list.body(&state, &caller, found.map(shown))))
}

/// Read one entry.
#[utoipa::path(get, path = "/v1/audit-log/{id}", tag = "audit", params(("id" = Uuid, Path)),
    responses((status = 200, body = AuditLogEntry)))]
async fn get(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
    ApiPath(id): ApiPath<AuditEntryId>,
) -> Result<Json<AuditLogEntry>, ApiError> {
    Ok(Json(shown(audit::entry(&state.app, &caller, id).await?)))
}

/// Walk the tenant's chain and say what is wrong with it.
///
/// This proves that nothing within the chain was changed, removed, inserted or moved. That its end was not cut off is
/// proved only by heads that left the database: `curfewd audit verify --heads`. A long log may take longer than a request
/// may; the walk then goes on, and who asks again waits for its end.
#[utoipa::path(get, path = "/v1/audit-log/verify", tag = "audit",
    responses((status = 200, body = AuditVerification)))]
async fn verify(
    State(state): State<HttpState>,
    Authenticated(caller): Authenticated,
) -> Result<Json<AuditVerification>, ApiError> {
    let found: Arc<Verification> = audit::verify(&state.app, &caller).await?;
    Ok(Json(AuditVerification {
        sound: found.is_sound(),
        sealed: found.sealed,
        unsealed: found.unsealed,
        not_headed: found.not_headed,
        erased_texts: found.erased_texts,
        last_hash: found.last,
        findings: found.findings.iter().map(ToString::to_string).collect(),
    }))
}

fn filter(query: &AuditQuery) -> AuditFilter {
    AuditFilter {
        actor_id: query.actor_id.clone().map(String::from),
        resource_type: query.resource_type.clone().map(String::from),
        resource_id: query.resource_id.clone().map(String::from),
        action: query.action,
        from: query.from,
        to: query.to,
    }
}

/// The names under which entries keep what the contract calls `reasoning`.
const REASONS: [&str; 2] = ["reason", "reasoning"];

fn shown(record: AuditRecord) -> AuditLogEntry {
    let reasoning = REASONS.iter().find_map(|name| record.personal(name)).map(str::to_owned);
    let mut metadata = record.body.metadata;
    if let Some(person) = record.body.on_behalf_of {
        metadata.insert("on_behalf_of".to_owned(), Value::String(person.to_string()));
    }
    for text in record.personal {
        if !REASONS.contains(&text.name.as_str()) {
            metadata.insert(text.name, Value::String(text.text));
        }
    }
    AuditLogEntry {
        id: record.id,
        actor_id: record.body.actor_id,
        actor_type: record.body.actor_type,
        action: record.body.action,
        resource_type: record.body.resource_type,
        resource_id: record.body.resource_id,
        metadata,
        reasoning,
        created_at: record.body.created_at,
        sequence: record.sealed.map(|sealed| sealed.sequence),
        hash: record.sealed.map(|sealed| sealed.hash),
        previous_hash: record.sealed.map(|sealed| sealed.previous),
    }
}
