//! A realistic mix of rules: by account, by organizational unit, by person and by role, some with conditions.

use serde_json::{Value, json};

use crate::requests::Estate;

/// What the rules speak of.
pub(super) struct Rules {
    accounts: Vec<String>,
    people: Vec<String>,
}

impl Rules {
    pub(super) fn of(estate: &Estate) -> Self {
        Self { accounts: estate.accounts().to_vec(), people: estate.emails() }
    }

    /// Policy number `number` of `policies`, which have `rules` rules together.
    pub(super) fn policy(&self, number: usize, policies: usize, rules: usize) -> Value {
        let each = rules / policies;
        json!({
            "name": format!("rules {number}"), "max_duration_seconds": 28_800, "approval_mode": "auto",
            "cedar_policy_set": self.set(number * each, each),
        })
    }

    /// The last policy's rules again, and one of the accounts closed by one of them.
    pub(super) fn draft(&self, policy: &str) -> Value {
        let closed = &self.accounts[0];
        let forbid =
            format!("@notice(\"Closed.\") forbid (principal, action, resource == AwsAccount::\"{closed}\");");
        let set = [self.set(900, 99), forbid].join("\n");
        json!({ "changes": [{ "policy_id": policy, "cedar_policy_set": set }], "limit": 10_000 })
    }

    fn set(&self, first: usize, count: usize) -> String {
        (first..first + count).map(|number| self.rule(number)).collect::<Vec<_>>().join("\n")
    }

    fn rule(&self, number: usize) -> String {
        let account = match number % 40 {
            0 => self.accounts[number / 40 % self.accounts.len()].clone(),
            _ => format!("5{number:011}"),
        };
        let person = &self.people[number / 5 % self.people.len()];
        match number % 5 {
            0 => format!(
                "permit (principal, action == Action::\"read\", resource == AwsAccount::\"{account}\");"
            ),
            1 => format!(
                "permit (principal in Role::\"approver\", action, \
                 resource in AwsOrganizationalUnit::\"ou-ab12-{number:08}\");"
            ),
            2 => format!(
                "permit (principal == User::\"{person}\", action in [Action::\"write\", Action::\"admin\"], \
                 resource == AwsAccount::\"{account}\") when {{ context has ticket && context.ticket like \"OPS-*\" }};"
            ),
            3 => format!(
                "permit (principal in Role::\"user\", action == Action::\"write\", \
                 resource in AwsOrganizationalUnit::\"ou-ab12-{number:08}\") \
                 when {{ context.hour >= 8 && context.hour < 18 }};"
            ),
            _ => format!(
                "forbid (principal, action == Action::\"admin\", resource == AwsAccount::\"{account}\") \
                 unless {{ principal in Role::\"admin\" }};"
            ),
        }
    }
}
