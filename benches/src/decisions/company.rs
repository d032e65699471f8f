//! A company with so many rules, as large as its rules make it.

use std::collections::BTreeMap;

use curfew_domain::policy::{Policy, PolicyRule, PolicyTerms};
use curfew_domain::request::ApprovalMode;
use curfew_domain::{
    Action, AuthProvider, BuiltInRole, DayOfWeek, GroupId, LocalMoment, OuId, PolicyId, RuleId, Seconds,
    Timestamp, UserId,
};
use curfew_policy::{AccessQuestion, AccountFacts, PermissionSetFacts, PersonFacts, Target};
use uuid::Uuid;

const RULES_OF_A_POLICY: usize = 50;
const SET: &str = "arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-1234567890abcdef";
const NOW: Timestamp = Timestamp::from_micros(1_772_366_400_000_000);
const HOUR: Seconds = Seconds::of(3_600);

/// Its policies, and how many there are of what they speak of.
pub(crate) struct Company {
    pub(crate) policies: Vec<Policy>,
    rules: usize,
    groups: usize,
    accounts: usize,
    units: usize,
    people: usize,
}

impl Company {
    pub(crate) fn of(rules: usize) -> Self {
        let at_least = |least: usize, count: usize| count.max(least);
        let mut company = Self {
            policies: Vec::new(),
            rules,
            groups: at_least(5, rules / 20),
            accounts: at_least(5, rules / 10),
            units: at_least(3, rules / 50),
            people: at_least(10, rules / 2),
        };
        company.policies =
            (0..rules.div_ceil(RULES_OF_A_POLICY)).map(|number| company.policy(number)).collect();
        company
    }

    pub(crate) fn rules(&self) -> usize {
        self.rules
    }

    fn policy(&self, number: usize) -> Policy {
        let first = number * RULES_OF_A_POLICY;
        let numbers = first..self.rules.min(first + RULES_OF_A_POLICY);
        let terms = PolicyTerms { mode: ApprovalMode::Auto, ..PolicyTerms::lasting_up_to(HOUR) };
        Policy {
            id: PolicyId::from_uuid(id(1, number)),
            name: format!("policy {number}").parse().expect("a name"),
            description: None,
            enabled: true,
            priority: i32::try_from(number % 3).expect("small"),
            terms,
            notification_channel: None,
            rules: numbers.map(|number| rule(number, self.statement(number))).collect(),
            version: 1,
            created_at: NOW,
            updated_at: NOW,
        }
    }

    /// By group and unit, by group and account, by role and unit on conditions, by person and account; each tenth forbids.
    fn statement(&self, number: usize) -> String {
        let group = format!("Group::\"{}\"", group(mixed(number, 1) % self.groups));
        let unit = format!("AwsOrganizationalUnit::\"{}\"", unit(mixed(number, 2) % self.units));
        let account = format!("AwsAccount::\"{}\"", account(mixed(number, 3) % self.accounts));
        let person = format!("User::\"{}\"", person(mixed(number, 4) % self.people));
        match number % 10 {
            0..=2 => {
                format!("permit (principal in {group}, action == Action::\"read\", resource in {unit});")
            }
            3..=5 => format!(
                "permit (principal in {group}, action in [Action::\"read\", Action::\"write\"], resource == {account}) \
                 when {{ context.hour >= 8 && context.hour < 18 }};"
            ),
            6 | 7 => format!(
                "permit (principal in Role::\"approver\", action == Action::\"write\", resource in {unit}) \
                 when {{ context has ticket && context.ticket like \"OPS-*\" && resource.hasTag(\"env\") }};"
            ),
            8 => format!("permit (principal == {person}, action, resource == {account});"),
            _ => format!(
                "forbid (principal, action, resource == {account}) unless {{ principal in {group} }};"
            ),
        }
    }

    /// A policy with another text in one of its rules.
    pub(crate) fn with_one_rule_changed(&self, turn: usize) -> Policy {
        let mut policy = self.policies[turn % self.policies.len()].clone();
        policy.version += 1;
        let place = turn % policy.rules.len();
        policy.rules[place].resolved = self.statement(mixed(turn, 5) % self.rules);
        policy
    }

    /// People who ask to read in accounts, each in four groups; accounts lie three units deep.
    pub(crate) fn questions(&self, count: usize) -> impl Iterator<Item = AccessQuestion> + '_ {
        (0..count).map(|number| self.question(number))
    }

    fn question(&self, number: usize) -> AccessQuestion {
        let unit = mixed(number, 6) % self.units;
        let groups = (0..4).map(|turn| GroupId::from_uuid(group(mixed(number, 7 + turn) % self.groups)));
        AccessQuestion {
            person: PersonFacts {
                id: UserId::from_uuid(person(mixed(number, 11) % self.people)),
                email: "alice@acme.example".parse().expect("an address"),
                name: "Alice".parse().expect("a name"),
                roles: vec![BuiltInRole::User.slug()],
                groups: groups.collect(),
                auth_provider: AuthProvider::Local,
                mfa: false,
            },
            action: Action::Read,
            targets: vec![target(mixed(number, 12) % self.accounts, unit)],
            named: None,
            units: self.units_above(unit),
            duration: Some(HOUR),
            longest: Seconds::of(43_200),
            break_glass: false,
            requested_at: NOW,
            local: LocalMoment { day_of_week: DayOfWeek::Sunday, hour: 12 },
            mfa: false,
            reason: Some("to look at it".to_owned()),
            source_ip: None,
            ticket: Some("OPS-1".to_owned()),
            facts_are_fresh: true,
        }
    }

    fn units_above(&self, lowest: usize) -> BTreeMap<OuId, Option<OuId>> {
        let chain = [lowest, (lowest + 1) % self.units, (lowest + 2) % self.units];
        let parents = chain.iter().skip(1).map(|number| Some(unit(*number))).chain([None]);
        chain.iter().map(|number| unit(*number)).zip(parents).collect()
    }
}

fn rule(number: usize, text: String) -> PolicyRule {
    PolicyRule {
        id: RuleId::from_uuid(id(2, number)),
        ordinal: u32::try_from(number % RULES_OF_A_POLICY).expect("small"),
        text: text.clone(),
        resolved: text,
        notice: None,
        audit_session: true,
        created_at: NOW,
    }
}

fn target(number: usize, lies_in: usize) -> Target {
    Target {
        account: AccountFacts {
            id: account(number).parse().expect("an account"),
            name: format!("account {number}"),
            tags: BTreeMap::from([("env".to_owned(), "dev".to_owned())]),
            is_management: false,
            unit: Some(unit(lies_in)),
        },
        permission_set: PermissionSetFacts {
            arn: SET.parse().expect("an ARN"),
            name: "ReadOnly".to_owned(),
            rank: Some(1),
            session: HOUR,
        },
    }
}

/// A number that has nothing to do with its neighbours' (the finalizer of `SplitMix64`), the same in each run.
fn mixed(number: usize, salt: u64) -> usize {
    let mut bits = (number as u64).wrapping_mul(31).wrapping_add(salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((bits ^ (bits >> 31)) >> 1).expect("64 bits")
}

fn id(kind: u128, number: usize) -> Uuid {
    Uuid::from_u128((kind << 64) + number as u128)
}

fn group(number: usize) -> Uuid {
    id(3, number)
}

fn person(number: usize) -> Uuid {
    id(4, number)
}

fn account(number: usize) -> String {
    format!("{:012}", 100_000_000_000 + number)
}

fn unit(number: usize) -> OuId {
    format!("ou-ab12-{number:08}").parse().expect("a unit")
}
