//! The role that customers create: whom it trusts, and what it may do.

#![expect(clippy::unwrap_used, reason = "a test may end at what it did not expect")]

use std::collections::BTreeSet;
use std::path::Path;

use curfew_aws::TrustedPrincipal;
use curfew_aws::bootstrap::{Bootstrap, Permissions, References, TemplateOption, Templates};
use curfew_domain::{AccountId, ExternalId, InstanceArn, Region};

const IDS: [&str; 2] = ["0192f0c1-7a3b-7c4d-8e5f-0123456789ab", "0192f0c1-7a3b-7c4d-8e5f-ba9876543210"];

struct Customer {
    account: AccountId,
    instance: InstanceArn,
    region: Region,
    external_ids: Vec<ExternalId>,
}

impl Customer {
    fn with(external_ids: &[&str]) -> Self {
        Self {
            account: "123456789012".parse().unwrap(),
            instance: "arn:aws:sso:::instance/ssoins-1234567890abcdef".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            external_ids: external_ids.iter().map(|id| id.parse().unwrap()).collect(),
        }
    }

    fn bootstrap<'a>(&'a self, principal: &'a TrustedPrincipal) -> Bootstrap<'a> {
        let Self { account, instance, region, external_ids } = self;
        Bootstrap { account, instance, region, external_ids, principal }
    }
}

fn user() -> TrustedPrincipal {
    TrustedPrincipal::Exactly("arn:aws:iam::210987654321:user/curfew".to_owned())
}

fn render(ids: &[&str], principal: &TrustedPrincipal) -> Templates {
    Customer::with(ids).bootstrap(principal).render()
}

#[test]
fn the_role_may_do_what_the_adapter_calls_and_nothing_else() {
    let mut called = BTreeSet::new();
    collect_operations(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sdk"), &mut called);
    // Needs no permission to ask who one is, and the role's trust policy is what allows AssumeRole.
    let needs_none = ["sts:AssumeRole", "sts:GetCallerIdentity"].map(str::to_owned);
    called.retain(|operation| !needs_none.contains(operation));
    let references = References { instance_key: "KEY", session_policies: &["POLICY"] };
    let customer = Customer::with(&IDS[..1]);
    let called_for = [None, Some(TemplateOption::SessionPolicies)];
    let allowed: BTreeSet<String> = Permissions::of(&customer.bootstrap(&user()), references)
        .0
        .into_iter()
        .filter(|statement| called_for.contains(&statement.option))
        .flat_map(|statement| statement.actions.iter().map(|action| (*action).to_owned()))
        .collect();
    assert!(called.len() > 20, "{called:?}");
    assert_eq!(called, allowed);
}

/// Operations are named where they are called, as string constants of IAM's form.
fn collect_operations(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_operations(&path, found);
        } else {
            let source = std::fs::read_to_string(&path).unwrap();
            let quoted = source.split('"').skip(1).step_by(2);
            found.extend(quoted.filter(|text| is_operation(text)).map(str::to_owned));
        }
    }
}

fn is_operation(text: &str) -> bool {
    let service = |name| ["sso", "sts", "organizations", "identitystore"].contains(&name);
    text.split_once(':').is_some_and(|(name, operation)| {
        service(name)
            && operation.starts_with(|c: char| c.is_ascii_uppercase())
            && operation.chars().all(|c| c.is_ascii_alphanumeric())
    })
}

#[test]
fn both_templates_demand_each_external_id_of_a_rotation() {
    let one = render(&IDS[..1], &user());
    for text in [&one.cloudformation_yaml, &one.terraform_hcl] {
        assert!(text.contains(IDS[0]) && !text.contains(IDS[1]), "{text}");
    }
    let two = render(&IDS, &user());
    for text in [&two.cloudformation_yaml, &two.terraform_hcl] {
        assert!(text.contains(IDS[0]) && text.contains(IDS[1]), "{text}");
    }
}

#[test]
fn a_role_is_trusted_through_its_account_narrowed_to_its_name_at_any_path() {
    let account = "210987654321".parse().unwrap();
    let role = TrustedPrincipal::Role { account, partition: "aws".to_owned(), name: "Curfew".to_owned() };
    let templates = render(&IDS[..1], &role);
    for text in [&templates.cloudformation_yaml, &templates.terraform_hcl] {
        for part in [
            "arn:aws:iam::210987654321:root",
            "aws:PrincipalArn",
            "arn:aws:iam::210987654321:role/Curfew",
            "arn:aws:iam::210987654321:role/*/Curfew",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    assert!(!render(&IDS[..1], &user()).cloudformation_yaml.contains("PrincipalArn"));
}

#[test]
fn the_console_opens_where_the_instance_is() {
    let url = render(&IDS[..1], &user()).launch_stack_url;
    assert!(
        url.starts_with(
            "https://eu-central-1.console.aws.amazon.com/cloudformation/home?region=eu-central-1#"
        )
    );
}
