//! The story of a grant: what happened, oldest first.

use curfew_domain::audit::AuditAction;
use curfew_domain::{ActorType, AuditEntryId, GrantId, Page, PageRequest, Scope, Timestamp};
use curfew_store::StoryCall;
use curfew_store::audit::AuditRecord;
use serde_json::{Map, Value};

use crate::{App, AppError, Caller};

use super::read::visible;
use super::told;

/// Something that happened to a grant, to its requests, or to its assignments in AWS.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// The entry of the log that tells of it.
    pub entry: AuditEntryId,
    /// When.
    pub at: Timestamp,
    /// What, as the log says it.
    pub action: AuditAction,
    /// Who did it: a user, a key, or `system`.
    pub actor: String,
    /// How they proved who they are.
    pub actor_type: ActorType,
    /// What, in words.
    pub what: String,
    /// Facts.
    pub details: Map<String, Value>,
}

/// Facts of entries that tell of others than the grantee, or how policies are made.
const FOR_THOSE_WHO_SEE_ALL: [&str; 4] = ["grants", "policies", "faults", "content"];

/// A page of a grant's story, oldest first, for whoever may see the grant. It is told by the audit log, and by what was
/// written down of each call to AWS.
pub async fn timeline(
    app: &App,
    caller: &Caller,
    id: GrantId,
    page: PageRequest,
) -> Result<Page<Happening>, AppError> {
    let unit = app.store.tenant(caller.tenant).read().await?;
    let view = visible(app, caller, &unit, id, Scope::GrantsRead).await?;
    let story = unit.story_of(&view.grant, app.now()).await?;
    let records = unit.story_page(&story, &page).await?;
    let calls = unit.calls_told_by(&records.items).await?;
    let sees = Sees {
        all: caller.may(Scope::GrantsRead),
        requests: view.grant.grantee == caller.user
            || caller.may(Scope::RequestsRead)
            || caller.may(Scope::RequestsApprove),
    };
    Ok(records.map(|record| happening(record, &calls, sees)))
}

/// What of a story the caller may read.
#[derive(Clone, Copy)]
struct Sees {
    /// What is about others than the grantee.
    all: bool,
    /// What was said of its requests.
    requests: bool,
}

fn happening(record: AuditRecord, calls: &[StoryCall], sees: Sees) -> Happening {
    let call = calls.iter().find(|call| is_told_by(call, &record));
    let mut details = record.body.metadata;
    if !sees.all {
        details.retain(|name, _| !FOR_THOSE_WHO_SEE_ALL.contains(&name.as_str()));
    }
    if sees.requests || record.body.resource_type != "request" {
        details.extend(record.personal.into_iter().map(|text| (text.name, Value::from(text.text))));
    }
    details.extend(call.map(facts_of).unwrap_or_default());
    if record.body.resource_type != "grant" {
        details.insert(format!("{}_id", record.body.resource_type), record.body.resource_id.into());
    }
    let on_behalf_of =
        record.body.on_behalf_of.map(|person| ("on_behalf_of".to_owned(), person.to_string().into()));
    details.extend(on_behalf_of);
    Happening {
        entry: record.id,
        at: record.body.created_at,
        action: record.body.action,
        actor: record.body.actor_id,
        actor_type: record.body.actor_type,
        what: told::in_words(record.body.action, &details),
        details,
    }
}

/// The entry is of the very moment at which the call was written down, or its answer was.
fn is_told_by(call: &StoryCall, record: &AuditRecord) -> bool {
    let at = record.body.created_at;
    record.body.resource_id == call.assignment.to_string()
        && record.body.metadata.get("call").and_then(Value::as_str) == Some(call.kind.as_str())
        && match record.body.action {
            AuditAction::AssignmentCalled => call.sent_at == at,
            _ => call.outcome_at == Some(at),
        }
}

fn facts_of(call: &StoryCall) -> Map<String, Value> {
    let mut facts = Map::from_iter([
        ("sent_at".to_owned(), Value::from(call.sent_at.to_string())),
        ("lease".to_owned(), call.fence.into()),
        ("answered".to_owned(), call.outcome.is_some().into()),
    ]);
    let mut put = |name: &str, fact: Option<String>| {
        facts.extend(fact.map(|fact| (name.to_owned(), Value::from(fact))));
    };
    put("aws_request_id", call.aws_request_id.clone());
    put("outcome", call.outcome.clone());
    put("answered_at", call.outcome_at.map(|at| at.to_string()));
    put("error", call.error.clone());
    facts
}
