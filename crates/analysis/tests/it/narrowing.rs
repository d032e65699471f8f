//! Whether a change only narrows.

use crate::world::*;
use curfew_analysis::{Answer, Why};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{GroupId, Seconds};
use curfew_policy::{Outcome, Shift};
use uuid::Uuid;

const READ: &str = r#"permit (principal, action == Action::"read", resource);"#;
const DEV_ALONE: &str =
    r#"permit (principal, action == Action::"read", resource in AwsOrganizationalUnit::"ou-ab12-11111111");"#;
const NOT_MANAGEMENT: &str =
    "forbid (principal, action, resource is AwsAccount) when { resource.is_management };";

#[tokio::test]
async fn nothing_changed_gives_nothing_more() {
    let policies = [policy(1, 0, READ), requiring(policy(2, 0, DEV_ALONE), 2), policy(3, 10, NOT_MANAGEMENT)];
    assert_eq!(narrows(&policies, &policies).await, Answer::Proved);
}

#[tokio::test]
async fn fewer_accounts_are_narrower_and_more_are_not() {
    let (all, some) = ([policy(1, 0, READ)], [policy(1, 0, DEV_ALONE)]);
    assert_eq!(narrows(&all, &some).await, Answer::Proved);
    let widened = refuted(narrows(&some, &all).await);
    assert_eq!(Shift::between(&widened.before.outcome, &widened.after.outcome), Shift::Wider);
    assert_eq!(widened.question.targets[0].account.unit, None, "an account outside of the unit shows it");
    assert!(!widened.question.break_glass && !widened.question.mfa, "nothing that it does not take");
}

#[tokio::test]
async fn patterns_with_something_in_the_middle_are_understood() {
    let such = |pattern: &str| {
        format!(
            "permit (principal, action, resource) when {{ context has reason && context.reason like \"{pattern}\" }};"
        )
    };
    let (some, more) = (such("*in*cid*ent*"), such("*ent*"));
    assert_eq!(narrows(&[policy(1, 0, &more)], &[policy(1, 0, &some)]).await, Answer::Proved);
    refuted(narrows(&[policy(1, 0, &some)], &[policy(1, 0, &more)]).await);
}

#[tokio::test]
async fn an_example_lies_in_the_units_that_it_must_lie_in() {
    let both = format!(
        r#"permit (principal, action == Action::"read", resource) when {{
        resource in AwsOrganizationalUnit::"{DEV_OU}" && resource in AwsOrganizationalUnit::"{TOP_OU}"
        && resource.hasTag("env") && resource.getTag("env") == "nonprod" && principal.email like "*@acme.example"
        && principal in Group::"{ENGINEERS}" && principal in Role::"admin" && principal.roles.contains("user")
        && context has source_ip && context.source_ip.isInRange(ip("10.1.2.0/30"))
        && context has permission_set && context.permission_set has rank && context.permission_set.rank < -3
        && context.day_of_week == "sunday" && context.hour == 3 && context.mfa }};"#
    );
    let widened = refuted(narrows(&[], &[policy(1, 0, &both)]).await);
    let question = &widened.question;
    assert_eq!(question.units.len(), 2);
    assert_eq!(question.targets[0].account.tags["env"], "nonprod");
    assert!(question.person.email.as_str().ends_with("@acme.example"));
    assert!(question.targets[0].permission_set.rank.unwrap() < -3);
    assert_eq!(question.requested_at.to_string(), "2026-03-08T03:30:00.000000Z", "the next Sunday at three");
}

#[tokio::test]
async fn a_forbid_below_what_permits_stops_nothing() {
    let permit = policy(1, 10, READ);
    let forbid = |priority| policy(2, priority, NOT_MANAGEMENT);
    let with = |priority| [permit.clone(), forbid(priority)];
    assert_eq!(narrows(&with(10), &with(20)).await, Answer::Proved);
    assert_eq!(narrows(&with(20), &with(10)).await, Answer::Proved);
    let widened = refuted(narrows(&with(10), &with(0)).await);
    assert!(widened.question.targets[0].account.is_management);
}

#[tokio::test]
async fn terms_are_part_of_what_is_given() {
    let plain = || policy(1, 0, READ);
    let stricter_first = [
        (requiring(plain(), 2), requiring(plain(), 1)),
        (requiring(plain(), 1), plain()),
        (on(plain(), |terms| terms.maximum = Seconds::of(60)), plain()),
        (
            on(requiring(plain(), 1), |terms| terms.approval_timeout = Some(Seconds::of(60))),
            requiring(plain(), 1),
        ),
        (
            on(requiring(plain(), 1), |terms| {
                terms.approver_groups = vec![GroupId::from_uuid(Uuid::from_u128(5))];
            }),
            requiring(plain(), 1),
        ),
        (requiring(plain(), 1), on(requiring(plain(), 1), |terms| terms.allow_break_glass = true)),
        (
            on(requiring(plain(), 1), |terms| {
                terms.allow_break_glass = true;
                terms.break_glass_maximum = Some(Seconds::of(600));
            }),
            on(requiring(plain(), 1), |terms| terms.allow_break_glass = true),
        ),
    ];
    for (number, (strict, easy)) in stricter_first.into_iter().enumerate() {
        let (strict, easy) = ([strict], [easy]);
        assert_eq!(narrows(&easy, &strict).await, Answer::Proved, "{number}");
        refuted(narrows(&strict, &easy).await);
    }
}

#[tokio::test]
async fn an_emergency_in_the_place_of_what_old_facts_hold_up_is_wider() {
    let auto = policy(1, 0, READ);
    let emergency = on(policy(1, 0, READ), |terms| terms.mode = ApprovalMode::BreakGlass);
    let widened = refuted(narrows(&[auto], &[emergency]).await);
    assert!(!widened.question.facts_are_fresh && widened.question.break_glass);
    assert!(matches!(widened.before.outcome, Outcome::NeedsApproval { .. }));
}

#[tokio::test]
async fn a_longer_usual_duration_is_wider_where_none_is_named() {
    let usually = |number, seconds: u32| {
        on(policy(number, 0, READ), |terms| terms.default = Some(Seconds::of(seconds)))
    };
    let (short, long) = ([usually(1, 600)], [usually(1, 7_200)]);
    let widened = refuted(narrows(&short, &long).await);
    assert_eq!(widened.question.duration, None);
    assert_eq!(narrows(&long, &short).await, Answer::Proved);
    let both = [usually(1, 7_200), usually(2, 600)];
    assert_eq!(narrows(&short, &both).await, Answer::Proved, "the shorter one counts");
    // What lasts shorter at most does not count for long requests, and does where nobody says how long.
    let brief = || on(usually(2, 600), |terms| terms.maximum = Seconds::of(900));
    assert_eq!(narrows(&[usually(1, 1_200), brief()], &[usually(1, 7_200), brief()]).await, Answer::Proved);
}

#[tokio::test]
async fn sessions_that_are_no_longer_followed_are_wider() {
    let (followed, quiet) = ([policy(1, 0, READ)], [unfollowed(policy(1, 0, READ))]);
    let widened = refuted(narrows(&followed, &quiet).await);
    assert!(widened.before.audit_session && !widened.after.audit_session);
    assert_eq!(narrows(&quiet, &followed).await, Answer::Proved);
    let both = [unfollowed(policy(1, 0, READ)), policy(2, 0, READ)];
    assert_eq!(narrows(&followed, &both).await, Answer::Proved, "one that follows is enough");
    assert_eq!(narrows(&followed, &[]).await, Answer::Proved, "where nothing is given there is no session");
}

#[tokio::test]
async fn what_can_not_be_evaluated_forbids() {
    // It never matches: for a second it is false, and for more it is more than a number can be.
    let overflow =
        "forbid (principal, action, resource) when { context.duration_seconds * 9223372036854775807 < 0 };";
    let (with, without) = ([policy(1, 0, READ), policy(2, 0, overflow)], [policy(1, 0, READ)]);
    assert_eq!(narrows(&without, &with).await, Answer::Proved);
    refuted(narrows(&with, &without).await);
    let broken = [policy(1, 0, READ), policy(2, 0, "permit (")];
    assert_eq!(narrows(&[], &broken).await, Answer::Proved);
}

#[tokio::test]
async fn what_can_not_be_analysed_is_said_to_be_so() {
    let odd = format!(r#"permit (principal, action, resource) when {{ User::"{ALICE}".mfa }};"#);
    let answer = narrows(&[policy(1, 0, READ)], &[policy(1, 0, READ), policy(2, 0, &odd)]).await;
    assert!(matches!(answer, Answer::Unknown(Why::Unsupported(_))), "{answer:?}");
}

/// Asks aside, with a stack as large as an analysis gets.
fn on_a_large_stack(policy: curfew_domain::policy::Policy) -> Answer<curfew_analysis::Widened> {
    let asking = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(narrows(&[], &[policy]))
    };
    std::thread::Builder::new().stack_size(64 << 20).spawn(asking).unwrap().join().unwrap()
}

#[test]
fn long_rules_are_analysed_or_refused_before_they_take_long() {
    let answer = |condition: String| {
        on_a_large_stack(policy(
            1,
            0,
            &format!("permit (principal, action, resource) when {{ {condition} }};"),
        ))
    };
    refuted(answer(["context.hour < 25"; 140].join(" || ")));
    refuted(answer((30..170).map(|n| format!("context.hour != {n}")).collect::<Vec<_>>().join(" && ")));
    refuted(answer(["context has ticket && context.ticket like \"a*\""; 8].join(" && ")));
    for long in [
        format!("context.hour{} > 0", " + 1".repeat(100)),
        ["context has ticket && context.ticket like \"a*\""; 9].join(" && "),
        ["resource is AwsAccount && resource.hasTag(\"a\") && resource.getTag(\"a\") == \"b\""; 9]
            .join(" && "),
        format!("context.requested_at{} > context.requested_at", ".toDate()".repeat(9)),
    ] {
        let answer = answer(long);
        assert!(matches!(answer, Answer::Unknown(Why::TooLarge(_))), "{answer:?}");
    }
}

#[tokio::test]
async fn more_rules_than_can_be_analysed_are_said_to_be_too_many() {
    let rules: Vec<String> = (0..501)
        .map(|n| format!("permit (principal, action, resource) when {{ context.hour == {n} }};"))
        .collect();
    let answer = narrows(&[], &[policy(1, 0, &rules.join("\n\n"))]).await;
    assert!(matches!(answer, Answer::Unknown(Why::TooLarge(_))), "{answer:?}");
}

#[tokio::test]
async fn a_change_narrows_whatever_the_longest_duration_is_set_to() {
    let long = |rule: &str| [on(policy(1, 0, rule), |terms| terms.maximum = Seconds::of(86_400))];
    let only_short = r#"permit (principal, action == Action::"read", resource)
        when { context.duration_seconds <= 43200 };"#;
    let widened = refuted(narrows(&long(only_short), &long(READ)).await);
    assert!(widened.question.duration.unwrap() > LONGEST);
}

#[tokio::test]
async fn a_text_that_a_solver_might_misread_is_told_as_it_is() {
    let odd = r#"permit (principal, action, resource) when { context has reason && context.reason == "a\r\n\u{7f}b" };"#;
    let widened = refuted(narrows(&[], &[policy(1, 0, odd)]).await);
    assert_eq!(widened.question.reason.as_deref(), Some("a\r\n\u{7f}b"));
}

#[test]
fn rules_that_name_more_than_can_be_analysed_are_refused_before_anything_is_built() {
    let all = |kind: &str, count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!(r#"{kind}::"{n:012}""#)).collect();
        format!("[{}]", all.join(", "))
    };
    let rule = |condition: String| format!("permit (principal, action, resource) when {{ {condition} }};");
    let answer = |rules: &[String]| on_a_large_stack(policy(1, 0, &rules.join("\n\n")));
    refuted(answer(&[rule(format!("{}.contains(resource)", all("AwsAccount", 300)))]));
    let texts: Vec<String> = (0..2_000).map(|n| format!(r#""r{n}""#)).collect();
    let roles =
        format!(r#"principal in Role::"admin" && principal.roles.containsAny([{}])"#, texts.join(", "));
    for rules in [
        vec![rule(format!("resource in {}", all("AwsOrganizationalUnit", 1_300)))],
        (0..101).map(|n| rule(format!(r#"resource in AwsOrganizationalUnit::"{n}""#))).collect(),
        vec![rule(format!("{}.contains(principal)", all("User", 1_100)))],
        vec![rule(format!("{}.contains(resource)", all("AwsS3Bucket", 1_100)))],
        vec![rule(roles)],
    ] {
        let answer = answer(&rules);
        assert!(matches!(answer, Answer::Unknown(Why::TooLarge(_))), "{answer:?}");
    }
}
