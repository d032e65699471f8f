//! What is supposed of every request is true of those that a decision itself makes.

use std::collections::BTreeMap;

use curfew_domain::policy::{Policy, PolicyRule, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    AccountId, Action, AuthProvider, DayOfWeek, GroupId, LocalMoment, PolicyId, ResourceRef, RuleId, UserId,
};
use curfew_policy::{
    AccessQuestion, CompiledPolicies, NamedResource, Outcome, PermissionSetFacts, PersonFacts, Target, decide,
};
use uuid::Uuid;

use super::*;
use crate::text_of;

const UNITS: [&str; 3] = ["ou-ab12-11111111", "ou-ab12-00000000", "ou-ab12-22222222"];
const ACCOUNT: &str = "111111111111";
const LONGEST: Seconds = Seconds::of(28_800);

/// Rules that speak of all that suppositions depend on.
const RULES: &str = r#"permit (principal in Role::"admin", action, resource) when {
    principal.roles.contains("user") && context has account && context.account.hasTag("env") && context.account in
    [AwsOrganizationalUnit::"ou-ab12-11111111", AwsOrganizationalUnit::"ou-ab12-00000000",
     AwsOrganizationalUnit::"ou-ab12-22222222"] };"#;

fn permitting(rules: &[String]) -> CompiledPolicies {
    let at = "2026-03-02T07:30:00Z".parse().unwrap();
    let rule = |(number, text): (u32, &String)| PolicyRule {
        id: RuleId::from_uuid(Uuid::from_u128(u128::from(number) + 1)),
        ordinal: number,
        text: text.clone(),
        resolved: text.clone(),
        notice: None,
        audit_session: true,
        created_at: at,
    };
    CompiledPolicies::new(&[Policy {
        id: PolicyId::from_uuid(Uuid::from_u128(1)),
        name: "suppositions".parse().unwrap(),
        description: None,
        enabled: true,
        priority: 0,
        terms: PolicyTerms { mode: ApprovalMode::Auto, ..PolicyTerms::lasting_up_to(LONGEST) },
        notification_channel: None,
        rules: (0..).zip(rules).map(rule).collect(),
        version: 1,
        created_at: at,
        updated_at: at,
    }])
}

fn question(number: usize) -> AccessQuestion {
    let unit = UNITS.get(number % 4);
    let roles = [vec![], vec!["user"], vec!["admin"], vec!["admin", "user", "approver"]];
    let provider = AuthProvider::ALL[number % AuthProvider::ALL.len()];
    let unit_of = |unit: &&str| unit.parse::<OuId>().unwrap();
    AccessQuestion {
        person: PersonFacts {
            id: UserId::from_uuid(Uuid::from_u128(7)),
            email: "alice@acme.example".parse().unwrap(),
            name: "Alice".parse().unwrap(),
            roles: roles[number / 4 % 4].iter().map(|role| role.parse().unwrap()).collect(),
            groups: vec![GroupId::from_uuid(Uuid::from_u128(8))],
            auth_provider: provider,
            mfa: number.is_multiple_of(2),
        },
        action: Action::ALL[number % Action::ALL.len()],
        targets: vec![Target {
            account: AccountFacts {
                id: ACCOUNT.parse().unwrap(),
                name: "Payments \"é\"\n".to_owned(),
                tags: BTreeMap::from([("env".to_owned(), "prod".to_owned())]),
                is_management: number.is_multiple_of(3),
                unit: unit.map(unit_of),
            },
            permission_set: PermissionSetFacts {
                arn: "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef"
                    .parse()
                    .unwrap(),
                name: "ReadOnly".to_owned(),
                rank: number.is_multiple_of(2).then_some(-3),
                session: Seconds::of(3_600),
            },
        }],
        named: None,
        units: BTreeMap::from([
            (unit_of(&UNITS[0]), Some(unit_of(&UNITS[1]))),
            (unit_of(&UNITS[1]), None),
            (unit_of(&UNITS[2]), Some(unit_of(&UNITS[1]))),
        ]),
        duration: [None, Some(LONGEST), Some(Seconds::of(1))][number % 3],
        longest: LONGEST,
        break_glass: number % 2 == 1,
        requested_at: "2026-03-02T07:30:00Z".parse().unwrap(),
        local: LocalMoment { day_of_week: DayOfWeek::Sunday, hour: u8::try_from(number % 24).unwrap() },
        mfa: number % 2 == 1,
        reason: None,
        source_ip: number.is_multiple_of(2).then(|| "10.0.0.1".parse().unwrap()),
        ticket: None,
        facts_are_fresh: true,
    }
}

/// Whether each supposition of this kind of request matches what `question` asks of it.
fn holds(world: &World, kind: ResourceType, question: &AccessQuestion) {
    for supposed in &world.all {
        let of_others =
            format!("permit (principal, action, resource) unless {{ resource is {} }};", kind.entity_type());
        let policies = permitting(&[text_of(supposed), of_others]);
        let outcome = decide(&policies, question).outcome;
        assert!(matches!(outcome, Outcome::Approved { .. }), "{supposed} {question:?} {outcome:?}");
    }
}

#[test]
fn what_is_supposed_of_every_request_is_true_of_those_that_are_decided() {
    let spoken = Spoken::of(&[&CedarPolicy::parse(None, RULES).unwrap()]).unwrap();
    let bucket = |account: &str| NamedResource {
        resource: ResourceRef::new(ResourceType::AwsS3Bucket, "payments-logs").unwrap(),
        account: Some(account.parse::<AccountId>().unwrap()),
    };
    let unit = || NamedResource {
        resource: ResourceRef::new(ResourceType::AwsOrganizationalUnit, UNITS[1]).unwrap(),
        account: None,
    };
    for number in 0..24 {
        let question = question(number);
        let scene = |kind| Scene::of(question.action, kind).unwrap();
        let world = |kind| World::of(&scene(kind), &spoken, LONGEST).unwrap();
        let mut of_account = world(ResourceType::AwsAccount);
        let target = &question.targets[0];
        let above: Vec<OuId> = match &target.account.unit {
            None => Vec::new(),
            Some(top) if top.as_str() == UNITS[1] => vec![top.clone()],
            Some(low) => vec![low.clone(), UNITS[1].parse().unwrap()],
        };
        of_account.suppose_account(&target.account, &above, &spoken).unwrap();
        of_account.suppose_permission_sets(&[&target.permission_set]).unwrap();
        of_account.all.extend(of_account.one_of.concat());
        holds(&of_account, ResourceType::AwsAccount, &question);
        let named = AccessQuestion { named: Some(bucket(ACCOUNT)), ..question.clone() };
        holds(&world(ResourceType::AwsS3Bucket), ResourceType::AwsS3Bucket, &named);
        if !above.is_empty() {
            let named = AccessQuestion { named: Some(unit()), ..question.clone() };
            holds(&world(ResourceType::AwsOrganizationalUnit), ResourceType::AwsOrganizationalUnit, &named);
        }
    }
}
