//! A request that nobody has made, in a sentence.

use std::fmt::Write as _;

use curfew_policy::AccessQuestion;

/// Who asks for what, and when.
pub(super) fn summary(question: &AccessQuestion) -> String {
    let mut said = format!("{} asks for {}", who(question), question.action);
    for target in &question.targets {
        let (account, set) = (&target.account, &target.permission_set);
        let _ = write!(said, " in account {} {:?}", account.id, account.name);
        let _ = match &account.unit {
            Some(unit) => write!(said, " (in {unit}"),
            None => write!(said, " (in no unit that a rule names"),
        };
        for (tag, value) in &account.tags {
            let _ = write!(said, ", {tag}={value}");
        }
        said.push_str(if account.is_management { ", the management account)" } else { ")" });
        let _ = write!(said, " as {:?} ({})", set.name, set.arn);
    }
    if let Some(duration) = question.duration {
        let _ = write!(said, " for {} s", duration.get());
    }
    let local = question.local;
    let _ = write!(said, ", on {} at {:02}h", local.day_of_week.as_str(), local.hour);
    let given = [
        ("reason", question.reason.clone()),
        ("ticket", question.ticket.clone()),
        ("address", question.source_ip.map(|ip| ip.to_string())),
    ];
    for (what, value) in given {
        if let Some(value) = value {
            let _ = write!(said, ", {what} {value:?}");
        }
    }
    let flags = [
        (question.mfa, ", with a second factor shown"),
        (question.break_glass, ", as an emergency"),
        (!question.facts_are_fresh, ", while what is known of AWS is old"),
    ];
    said.extend(flags.into_iter().filter_map(|(is_so, words)| is_so.then_some(words)));
    said.push('.');
    said
}

fn who(question: &AccessQuestion) -> String {
    let person = &question.person;
    let names = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!(
        "{} ({}; roles: {}; groups: {}; second factor {})",
        person.name,
        person.email,
        names(person.roles.iter().map(ToString::to_string).collect()),
        names(person.groups.iter().map(ToString::to_string).collect()),
        if person.mfa { "enrolled" } else { "not enrolled" },
    )
}
