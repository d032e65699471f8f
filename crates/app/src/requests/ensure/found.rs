//! What somebody has of an entitlement already.

use curfew_domain::grant::notice_before_the_end;
use curfew_domain::{
    AccessRequest, AccountId, Action, PermissionSetArn, ResourceRef, ResourceType, Seconds, Timestamp, UserId,
};
use curfew_store::{GrantView, ReadUnit};
use serde_json::{Map, Value};

use crate::AppError;
use crate::requests::NewRequest;

use super::Justification;

/// Where somebody needs access, as what, and for how long from now.
#[derive(Debug, Clone)]
pub(in crate::requests) struct Place {
    pub(super) account: AccountId,
    pub(super) permission_set: PermissionSetArn,
    pub(super) duration: Option<Seconds>,
}

/// What there is of it.
pub(in crate::requests) enum Found {
    /// A live grant that lasts long enough.
    Enough(Box<GrantView>),
    /// A live grant of just that, which must last so much longer.
    TooShort(Box<GrantView>, Seconds),
    /// A request that waits for people.
    Waits(Box<AccessRequest>),
    /// Nothing that would do.
    Nothing,
}

impl Found {
    /// Looks for the caller's own. Of several grants the one that ends last counts.
    pub(in crate::requests) async fn look(
        unit: &ReadUnit,
        person: UserId,
        place: &Place,
        now: Timestamp,
    ) -> Result<Self, AppError> {
        let (account, set) = (&place.account, &place.permission_set);
        let mut grants = unit.live_grants_to(person, account, set, now).await?;
        grants.sort_by_key(|view| remaining(view, now));
        if let Some(at) = grants.iter().rposition(|view| place.suffices(remaining(view, now))) {
            return Ok(Self::Enough(Box::new(grants.swap_remove(at))));
        }
        // One over a whole unit is not made longer for the sake of one of its accounts.
        if let (Some(at), Some(asked)) = (grants.iter().rposition(is_of_one_account), place.duration) {
            let view = grants.swap_remove(at);
            let by = asked.less(remaining(&view, now));
            return Ok(Self::TooShort(Box::new(view), by));
        }
        let waiting = unit.pending_request_for(person, account, set, now).await?;
        Ok(waiting.map_or(Self::Nothing, |request| Self::Waits(Box::new(request))))
    }
}

impl Place {
    /// What is left of a grant may be a little less than what is asked for, or who asks again a moment later would get a
    /// little more each time: by as much as its end is told ahead.
    fn suffices(&self, remaining: Seconds) -> bool {
        self.duration.is_none_or(|asked| asked.less(notice_before_the_end(asked)) <= remaining)
    }

    /// The request for it.
    pub(super) fn wanted(&self, why: &Justification) -> NewRequest {
        let mut metadata = Map::new();
        if !why.attachments.is_empty() {
            metadata.insert("attachments".to_owned(), Value::Array(why.attachments.clone()));
        }
        metadata.extend(why.ticket.clone().map(|ticket| ("ticket".to_owned(), Value::String(ticket))));
        NewRequest {
            resource: ResourceRef::from(self.account.clone()),
            // Names no level: the permission set has one.
            action: Action::RequestAccess,
            permission_set: Some(self.permission_set.clone()),
            account: None,
            reason: why.reason.clone(),
            duration: self.duration,
            break_glass: false,
            metadata,
        }
    }
}

/// How long a live grant still lasts; all of it where AWS does not have it yet.
fn remaining(view: &GrantView, now: Timestamp) -> Seconds {
    let times = &view.grant.times;
    times.expires_at.map_or(times.duration, |end| end.seconds_since(now))
}

fn is_of_one_account(view: &GrantView) -> bool {
    view.grant.resource.kind() != ResourceType::AwsOrganizationalUnit
}
