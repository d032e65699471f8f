//! What people read: plain sentences, with the names that the tenant's own rows have.

use curfew_domain::audit::EntryBody;
use curfew_domain::{
    AccountId, CachedResource, Event, PermissionSetArn, ResourceRef, Seconds, Timestamp, UserId,
};
use curfew_store::ReadUnit;
use serde_json::Value;

use super::audience::Subject;
use crate::AppError;

/// The longest title and body; names may be long.
const LONGEST_TITLE: usize = 200;
const LONGEST_BODY: usize = 1_000;

/// A notification's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) title: String,
    pub(super) body: String,
}

/// The names that sentences are made of.
struct Names {
    /// Whoever has the access, or asked for it.
    person: String,
    /// What they have, or asked for: `ReadOnly in Development (111111111111)`.
    access: String,
    /// How long it lasts: ` for 2 hours`.
    duration: String,
    /// When it ends: ` until 2026-03-01 14:00 UTC`.
    end: String,
}

/// What is told of an event.
pub(super) async fn words(
    unit: &ReadUnit,
    entry: &EntryBody,
    event: Event,
    subject: &Subject,
) -> Result<Words, AppError> {
    let names = match subject {
        Subject::Request(request) => Names {
            person: person(unit, request.requester).await?,
            access: access(unit, &request.resource, request.account.as_ref(), &request.permission_set)
                .await?,
            duration: request.duration.map(|time| format!(" for {}", length(time))).unwrap_or_default(),
            end: String::new(),
        },
        Subject::Grant(grant) => Names {
            person: person(unit, grant.grantee).await?,
            access: access(unit, &grant.resource, grant.account.as_ref(), &grant.permission_set).await?,
            duration: String::new(),
            end: grant.times.expires_at.map(|end| format!(" until {}", minute(end))).unwrap_or_default(),
        },
        Subject::Other => Names {
            person: "Somebody".to_owned(),
            access: place(unit, entry).await?,
            duration: String::new(),
            end: String::new(),
        },
    };
    let (title, body) = sentences(event, &names, entry);
    Ok(Words { title: cut(title, LONGEST_TITLE), body: cut(body, LONGEST_BODY) })
}

fn sentences(event: Event, names: &Names, entry: &EntryBody) -> (String, String) {
    let Names { person, access, duration, end } = names;
    match event {
        Event::RequestPending => (
            format!("{person} asks for access"),
            format!("{person} asks for {access}{duration}. The request waits for an approval."),
        ),
        Event::RequestApproved => (
            "Your request is approved".to_owned(),
            format!("{access}{duration}: the access is being set up."),
        ),
        Event::RequestDenied => ("Your request is denied".to_owned(), format!("{access}{duration}.")),
        Event::RequestExpired => (
            "Your request has expired".to_owned(),
            format!("{access}{duration}: it was not approved in time. Ask again if you still need it."),
        ),
        Event::RequestCancelled => ("Your request is cancelled".to_owned(), format!("{access}{duration}.")),
        Event::RequestBreakGlass => (
            format!("{person} took emergency access"),
            format!("{person} took {access}{duration} without an approval. Somebody else has to review it."),
        ),
        Event::RequestReviewOwed => (
            "A review of emergency access is owed".to_owned(),
            format!("{person} took {access}{duration} without an approval, and nobody has reviewed it yet."),
        ),
        Event::GrantActive => ("Your access is ready".to_owned(), format!("{access}{end}.")),
        Event::GrantExpiringSoon => (
            "Your access ends soon".to_owned(),
            format!("{access}{end}. Extend it if you need it for longer."),
        ),
        Event::GrantExpired => ("Your access has ended".to_owned(), format!("{access}: its time is over.")),
        Event::GrantRevoked => {
            ("Your access was revoked".to_owned(), format!("{access}: it was ended before its time."))
        }
        Event::GrantFailed => (
            "Access could not be set up".to_owned(),
            format!("{person} did not get {access}. The grant says why."),
        ),
        Event::DriftDetected => (
            "AWS differs from what should be there".to_owned(),
            format!("{access}: see the findings of drift."),
        ),
        Event::RevocationOverdue => (
            "A revocation is overdue".to_owned(),
            format!("{access}: AWS may still hold access that should be gone. Curfew goes on trying."),
        ),
        Event::LockdownStarted => (
            "A lockdown has begun".to_owned(),
            format!("It is of {}: access ends now, and none is given until it is lifted.", locked(entry)),
        ),
        Event::LockdownEnded => ("A lockdown is over".to_owned(), format!("It was of {}.", locked(entry))),
    }
}

/// What a lockdown is of, as its entry has it.
fn locked(entry: &EntryBody) -> &'static str {
    match entry.metadata.get("scope").and_then(Value::as_str) {
        Some("user") => "a person",
        Some("account") => "an account",
        _ => "the whole tenant",
    }
}

async fn person(unit: &ReadUnit, id: UserId) -> Result<String, AppError> {
    Ok(unit.user(id).await?.map_or_else(|| "Somebody".to_owned(), |user| user.name.to_string()))
}

async fn access(
    unit: &ReadUnit,
    resource: &ResourceRef,
    account: Option<&AccountId>,
    set: &PermissionSetArn,
) -> Result<String, AppError> {
    let place: ResourceRef = account.map_or_else(|| resource.clone(), |account| account.clone().into());
    let set: ResourceRef = set.clone().into();
    let known = known(unit, &[place.clone(), set.clone()]).await?;
    let name = |wanted: &ResourceRef| {
        known.iter().find(|one| one.resource == *wanted).map(CachedResource::shown_name)
    };
    let set_name = name(&set).unwrap_or_else(|| set.id().rsplit('/').next().unwrap_or_default());
    Ok(match name(&place).filter(|name| *name != place.id()) {
        Some(name) => format!("{set_name} in {name} ({})", place.id()),
        None => format!("{set_name} in {}", place.id()),
    })
}

/// Where something was found, as far as its entry says.
async fn place(unit: &ReadUnit, entry: &EntryBody) -> Result<String, AppError> {
    let text = |name: &str| entry.metadata.get(name).and_then(Value::as_str);
    let account = text("account_id").and_then(|id| id.parse::<AccountId>().ok());
    let set = text("permission_set_arn").and_then(|arn| arn.parse::<PermissionSetArn>().ok());
    match (account, set) {
        (Some(account), Some(set)) => access(unit, &account.clone().into(), Some(&account), &set).await,
        (Some(account), None) => Ok(format!("Account {account}")),
        _ => Ok("Your AWS organization".to_owned()),
    }
}

async fn known(unit: &ReadUnit, resources: &[ResourceRef]) -> Result<Vec<CachedResource>, AppError> {
    let Some(connection) = unit.connection().await? else { return Ok(Vec::new()) };
    let instance = connection.verified.map(|verified| verified.saved.instance);
    match instance.or(connection.saved.map(|saved| saved.instance)) {
        Some(instance) => Ok(unit.aws_resources(&instance, resources).await?),
        None => Ok(Vec::new()),
    }
}

/// `2 hours`, `90 minutes`, `1 second`.
fn length(time: Seconds) -> String {
    let seconds = time.get();
    let (number, unit) = match seconds {
        _ if seconds > 0 && seconds % 3_600 == 0 => (seconds / 3_600, "hour"),
        _ if seconds > 0 && seconds % 60 == 0 => (seconds / 60, "minute"),
        _ => (seconds, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

/// `2026-03-01 14:00 UTC`.
fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
}

fn cut(text: String, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text;
    }
    text.chars().take(longest.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_moments_are_told_in_peoples_words() {
        let told = |seconds| length(Seconds::of(seconds));
        assert_eq!(
            [told(3_600), told(7_200), told(5_400), told(60), told(61), told(1)],
            ["1 hour", "2 hours", "90 minutes", "1 minute", "61 seconds", "1 second"]
        );
        assert_eq!(minute(Timestamp::from_micros(1_772_366_400_000_001)), "2026-03-01 12:00 UTC");
    }

    #[test]
    fn a_long_text_is_cut_by_letters() {
        assert_eq!(cut("äöü".to_owned(), 3), "äöü");
        assert_eq!(cut("äöüß".to_owned(), 3), "äö…");
    }
}
