//! What happened to a grant, in words.

use curfew_domain::audit::AuditAction;
use serde_json::{Map, Value};

type Details = Map<String, Value>;

/// What an entry of the log says, for whoever has never seen the log.
pub(super) fn in_words(action: AuditAction, details: &Details) -> String {
    match action {
        AuditAction::RequestSubmitted if has(details, "extends_grant_id") => {
            "More time was asked for.".to_owned()
        }
        AuditAction::RequestSubmitted => "The access was asked for.".to_owned(),
        AuditAction::RequestEvaluated => {
            format!("Policy was asked, and said: {}.", outcome_of_policy(details))
        }
        AuditAction::RequestPending => "It waits for people to approve it.".to_owned(),
        AuditAction::RequestApprovalGiven => "Somebody approved it.".to_owned(),
        AuditAction::RequestApproved => "The request was approved.".to_owned(),
        AuditAction::RequestBreakGlass => "It was an emergency: nobody had to approve it.".to_owned(),
        AuditAction::RequestDenied => with_why("The request was denied", details),
        AuditAction::RequestCancelled => "The request was taken back.".to_owned(),
        AuditAction::RequestExpired => "Nobody decided the request in time.".to_owned(),
        AuditAction::RequestMessageAdded => "Somebody wrote a message.".to_owned(),
        AuditAction::RequestReviewOwed => "The emergency has to be reviewed.".to_owned(),
        AuditAction::RequestReviewed => "The emergency was reviewed.".to_owned(),
        AuditAction::GrantCreated if text(details, "request_id").is_none() => {
            with_why(&format!("Somebody gave it by hand, for {}", lasting(details)), details)
        }
        AuditAction::GrantCreated => format!("The grant was made, for {}.", lasting(details)),
        AuditAction::GrantActive => "The access is there.".to_owned(),
        AuditAction::GrantExpiringSoon => format!("It ends soon, at {}.", moment(details, "expires_at")),
        AuditAction::GrantExtended => extended(details),
        AuditAction::GrantExpired => "Its time was up.".to_owned(),
        AuditAction::GrantRevoked => with_why("Somebody ended it", details),
        AuditAction::GrantFailed => with_why("It failed for good", details),
        AuditAction::GrantUpdated => "Whether its sessions are followed was changed.".to_owned(),
        AuditAction::AssignmentCalled => called(details),
        AuditAction::AssignmentConfirmed => confirmed(details),
        AuditAction::AssignmentFailed => failed(details),
        AuditAction::AssignmentGone => {
            format!("AWS no longer lists it in {}: it is gone.", account(details))
        }
        AuditAction::AssignmentReappeared => {
            format!("It was gone from {}, and is there again: it is deleted again.", account(details))
        }
        AuditAction::AssignmentClaimed => format!(
            "AWS had it in {} already, by somebody else's doing: it is Curfew's now, and ends with the grant.",
            account(details)
        ),
        AuditAction::AssignmentUnwatched => {
            "It is gone, and not looked for any more: nothing leads to that AWS any more.".to_owned()
        }
        AuditAction::SessionsEndAsked if has(details, "cannot") => {
            format!("Its sessions in {} can't be ended.", account(details))
        }
        AuditAction::SessionsEndAsked => format!("Its sessions in {} are to end too.", account(details)),
        AuditAction::SessionsDenied => format!("AWS denies its sessions in {}.", account(details)),
        AuditAction::SessionsCutOff => match text(details, "issued_before") {
            Some(moment) => {
                format!("AWS denies its sessions in {} that were issued before {moment}.", account(details))
            }
            None => format!("AWS denies its sessions in {}, and spares later ones.", account(details)),
        },
        AuditAction::SessionsTakenOut => sessions_over(details),
        AuditAction::SessionsLeftOut => format!(
            "AWS does not deny its sessions in {} any longer, for newer ones needed the place: they may live on.",
            account(details)
        ),
        other => format!("{}.", other.as_str().replace(['.', '_'], " ")),
    }
}

fn sessions_over(details: &Details) -> String {
    let account = account(details);
    match text(details, "outcome") {
        Some("opted_out") => {
            format!("AWS does not deny its sessions in {account} any longer: the tenant ends none any more.")
        }
        Some("never_denied") => {
            format!("Its sessions in {account} have ended by themselves, before AWS could deny them.")
        }
        _ => format!("No session of it can be left in {account}: AWS need not deny any longer."),
    }
}

fn extended(details: &Details) -> String {
    match text(details, "expires_at") {
        Some(end) => format!("It lasts longer: until {end}, {} in all.", lasting(details)),
        None => format!("It will last longer: {}, from when AWS has it.", lasting(details)),
    }
}

fn called(details: &Details) -> String {
    let asked = format!("AWS was asked to {} it in {}", verb(details), account(details));
    if details.get("answered").and_then(Value::as_bool) == Some(false) {
        return format!("{asked}; no answer has come, so AWS is looked at before anything is concluded.");
    }
    format!("{asked}.")
}

fn confirmed(details: &Details) -> String {
    let account = account(details);
    match (text(details, "call"), text(details, "outcome")) {
        (Some("delete"), Some("no_such_entitlement")) => {
            format!("AWS says that {account} has no such access.")
        }
        (Some("delete"), _) => format!("AWS has deleted it in {account}."),
        _ => format!("AWS has created it in {account}."),
    }
}

fn failed(details: &Details) -> String {
    let place = format!("to {} it in {}", verb(details), account(details));
    match (text(details, "call"), text(details, "outcome")) {
        (Some("delete"), Some("refused")) => {
            with_why(&format!("AWS refused {place}, and is asked again"), details)
        }
        (_, Some("refused")) => with_why(&format!("AWS refused {place}"), details),
        (_, Some("unknown")) => {
            with_why(&format!("It is not known what became of the call {place}"), details)
        }
        _ => with_why(&format!("The call {place} came to nothing, and is made again"), details),
    }
}

/// The sentence, with what somebody or AWS said of it.
fn with_why(sentence: &str, details: &Details) -> String {
    let why = ["reason", "reasoning", "why", "error"].into_iter().find_map(|name| text(details, name));
    match why {
        Some(why) => format!("{sentence}: {why}"),
        None => format!("{sentence}."),
    }
}

fn outcome_of_policy(details: &Details) -> &str {
    match text(details, "outcome") {
        Some("approved") => "approved",
        Some("needs_approval") => "people have to approve it",
        _ => "denied",
    }
}

fn verb(details: &Details) -> &str {
    if text(details, "call") == Some("delete") { "delete" } else { "create" }
}

fn account(details: &Details) -> &str {
    text(details, "account_id").unwrap_or("the account")
}

fn lasting(details: &Details) -> String {
    match details.get("duration_seconds").and_then(Value::as_i64) {
        Some(seconds) => format!("{seconds} seconds"),
        None => "a while".to_owned(),
    }
}

fn moment<'a>(details: &'a Details, name: &str) -> &'a str {
    text(details, name).unwrap_or("its end")
}

fn has(details: &Details, name: &str) -> bool {
    text(details, name).is_some()
}

fn text<'a>(details: &'a Details, name: &str) -> Option<&'a str> {
    details.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(action: AuditAction, details: Value) -> String {
        in_words(action, &serde_json::from_value(details).unwrap())
    }

    #[test]
    fn whatever_happens_is_told_in_a_sentence() {
        for action in AuditAction::ALL {
            let told = in_words(*action, &Details::new());
            assert!(told.ends_with('.') && told.len() > 8, "{action}: {told}");
        }
    }

    #[test]
    fn a_call_without_an_answer_says_so() {
        let sent = json!({ "call": "delete", "account_id": "123456789012", "answered": false });
        assert_eq!(
            words(AuditAction::AssignmentCalled, sent),
            "AWS was asked to delete it in 123456789012; no answer has come, so AWS is looked at before anything is \
             concluded."
        );
        let answered = json!({ "call": "create", "account_id": "123456789012", "answered": true });
        assert_eq!(
            words(AuditAction::AssignmentCalled, answered),
            "AWS was asked to create it in 123456789012."
        );
    }

    #[test]
    fn what_aws_said_is_told_in_its_words() {
        let lost =
            json!({ "call": "create", "account_id": "1", "outcome": "unknown", "reason": "timed out" });
        assert_eq!(
            words(AuditAction::AssignmentFailed, lost),
            "It is not known what became of the call to create it in 1: timed out"
        );
    }
}
