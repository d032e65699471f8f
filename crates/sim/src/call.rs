//! One call being handled, and the way from an operation's name to what it does.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    caller::{self, Caller},
    faults::FaultKind,
    identity_store, kms, organizations,
    protocol::{
        fields::{Fields, Paging},
        page::{self, Page},
        request::WireRequest,
    },
    refusal::Refusal,
    service::Service,
    sso_admin,
    state::State,
    sts,
};

/// What an operation works with.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) service: Service,
    pub(crate) operation: &'a str,
    pub(crate) region: &'a str,
    pub(crate) fields: Fields<'a>,
    pub(crate) caller: Caller,
    pub(crate) now: Timestamp,
    /// Faults that change how an accepted change ends.
    pub(crate) faults: &'a [FaultKind],
}

/// An operation: from a call to its answer.
pub(crate) type Operation = fn(&mut Call<'_>) -> Result<Value, Refusal>;

/// Handles a call from its signature to its answer.
pub(crate) fn handle(
    state: &mut State,
    request: &WireRequest,
    number: u64,
    faults: &[FaultKind],
) -> Result<Value, Refusal> {
    let now = state.settled_now();
    let operation = find(request)?;
    let caller = caller::authenticate(state, request, now)?;
    state.log.identified(number, &caller.arn, &caller.account);
    let State { buckets, world, .. } = &mut *state;
    if !buckets.admit(&world.behaviour.limits, request.service, &request.operation, &caller.account, now) {
        return Err(Refusal::Throttled);
    }
    let fields = Fields::new(request.service, &request.parameters);
    let (service, region) = (request.service, request.region.as_str());
    let mut call =
        Call { state, service, operation: &request.operation, region, fields, caller, now, faults };
    operation(&mut call)
}

/// Every operation that is played.
pub(crate) fn operations() -> impl Iterator<Item = (Service, &'static str)> {
    let services =
        [Service::Sts, Service::SsoAdmin, Service::IdentityStore, Service::Organizations, Service::Kms];
    services.into_iter().flat_map(|service| table(service).iter().map(move |(name, _)| (service, *name)))
}

fn table(service: Service) -> &'static [(&'static str, Operation)] {
    match service {
        Service::Sts => sts::OPERATIONS,
        Service::SsoAdmin => sso_admin::OPERATIONS,
        Service::IdentityStore => identity_store::OPERATIONS,
        Service::Organizations => organizations::OPERATIONS,
        Service::Kms => kms::OPERATIONS,
    }
}

fn find(request: &WireRequest) -> Result<Operation, Refusal> {
    table(request.service)
        .iter()
        .find(|(name, _)| *name == request.operation)
        .map(|(_, operation)| *operation)
        .ok_or_else(|| Refusal::UnknownOperation { operation: request.operation.clone() })
}

impl Call<'_> {
    /// Refuses unless the caller's permissions name the operation's action.
    pub(crate) fn authorize(&self, resource: &str) -> Result<(), Refusal> {
        let action = self.service.action(self.operation);
        if self.caller.permissions.permit(&action) {
            return Ok(());
        }
        Err(Refusal::not_authorized(&self.caller.arn, &action, resource))
    }

    /// Cuts the page that was asked for out of a list. `of` says what is listed, so that a token fits no other list.
    pub(crate) fn page<T>(
        &self,
        items: Vec<T>,
        key: impl Fn(&T) -> String,
        of: &str,
    ) -> Result<Page<T>, Refusal> {
        let paging: Paging<'_> = self.fields.paging()?;
        let behaviour = &self.state.world.behaviour;
        let listing = format!("{}:{}:{of}", self.service.signing_name(), self.operation);
        let empty_first =
            self.service == Service::Organizations && behaviour.observed.organizations_empty_pages;
        page::cut(
            items,
            key,
            page::Cut { listing: &listing, paging, page_size: behaviour.page_size, empty_first },
        )
    }
}

/// An answer with one list and perhaps a token.
pub(crate) fn listed(name: &str, page: Page<Value>) -> Value {
    let mut answer = serde_json::Map::new();
    answer.insert(name.to_owned(), Value::Array(page.items));
    if let Some(next) = page.next {
        answer.insert("NextToken".to_owned(), Value::String(next));
    }
    Value::Object(answer)
}

/// A structure whose members with null values are left out, as AWS leaves them out.
pub(crate) fn compact(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(|(_, member)| !member.is_null()).collect())
        }
        other => other,
    }
}
