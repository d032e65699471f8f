//! How a request was decided, as it was kept: what explains it, and proves it.

use std::collections::BTreeMap;

use curfew_domain::audit::AuditAction;
use curfew_domain::{AuditEntryId, DecisionId, Page, PageLimit, PageRequest, RequestId, Scope};
use curfew_policy::DeterminingPolicy;
use curfew_store::audit::{AuditFilter, AuditRecord};
use curfew_store::{DecisionRecord, ReadUnit};
use serde::Deserialize;
use serde_json::Value;

use super::read::visible;
use crate::{App, AppError, Caller};

/// A time that policy was asked about a request.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptDecision {
    /// What was kept.
    pub record: DecisionRecord,
    /// The policies that decided, in which version, and by which rules.
    pub determining: Vec<DeterminingPolicy>,
    /// The hash of what was kept, as it is now.
    pub content: String,
    /// The log's entry that proves it.
    pub logged: Option<Logged>,
    /// Whether the caller may see what policies were told, and how each group answered.
    pub shows_all: bool,
}

/// The log's entry of a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Which.
    pub entry: AuditEntryId,
    /// The hash that it holds: that of what was kept then.
    pub content: String,
}

/// Each time that policy was asked about a request, the first time first, for whoever may see the request. What it was
/// told and how it answered is for those who may read policies or decide requests.
pub async fn decisions(
    app: &App,
    caller: &Caller,
    request: RequestId,
    page: PageRequest,
) -> Result<Page<KeptDecision>, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let request = unit.request(request).await?.ok_or(AppError::NotFound("request"))?;
    let request = visible(caller, request)?;
    let found = unit.decisions_page(request.id, &page).await?;
    let mut logged = logged(&unit, request.id).await?;
    let shows_all = caller.may(Scope::PoliciesRead) || caller.may(Scope::RequestsApprove);
    let mut items = Vec::with_capacity(found.items.len());
    for record in found.items {
        let determining = Vec::<DeterminingPolicy>::deserialize(&record.rules).map_err(AppError::internal)?;
        let content = record.content().map_err(AppError::internal)?;
        let logged = logged.remove(&record.id);
        items.push(KeptDecision { record, determining, content, logged, shows_all });
    }
    Ok(Page { items, next: found.next })
}

/// What the log says of the request's decisions.
async fn logged(unit: &ReadUnit, request: RequestId) -> Result<BTreeMap<DecisionId, Logged>, AppError> {
    let filter = AuditFilter {
        resource_type: Some("request".to_owned()),
        resource_id: Some(request.to_string()),
        action: Some(AuditAction::RequestEvaluated),
        ..AuditFilter::default()
    };
    let (mut found, mut after) = (BTreeMap::new(), None);
    loop {
        let page = unit.audit_page(&filter, &PageRequest { limit: PageLimit::MAX, after }).await?;
        found.extend(page.items.iter().filter_map(of_decision));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn of_decision(entry: &AuditRecord) -> Option<(DecisionId, Logged)> {
    let told = |name: &str| entry.body.metadata.get(name).and_then(Value::as_str);
    let decision = told("decision_id")?.parse().ok()?;
    Some((decision, Logged { entry: entry.id, content: told("content")?.to_owned() }))
}
