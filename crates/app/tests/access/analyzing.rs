//! What is true of the policies for every request there could be.

use curfew_app::policies::{
    self, Analysis, Analyzed, Answered, Counterexample, DraftChange, Idleness, Outcome, PolicyChange, Reach,
    RulesAsked, Solver,
};
use curfew_app::testing::{TestApp, TestParts};
use curfew_app::{AppError, Caller};
use curfew_domain::{
    Action, BuiltInRole, Change, DiscoveredAttributes, ErrorCode, PermissionSetArn, PolicyId, ResourceRef,
};
use curfew_store::on_both_databases;
use curfew_store::testing::TestStore;

use crate::world::*;

const READ_IN_LAB: &str =
    r#"permit (principal, action == Action::"read", resource in AwsOrganizationalUnit::"ou-ab12-11111111");"#;
const READ_ANYWHERE: &str = r#"permit (principal, action == Action::"read", resource);"#;

const NOTHING: Analysis = Analysis { changes: None, reach: None, rules: None };

impl World {
    /// With a solver, which these tests need.
    async fn with_solver(db: &TestStore) -> Self {
        let path = std::env::var("PATH").unwrap();
        let solver = Solver::find(None, &path, 2);
        assert!(solver.is_some(), "these tests need cvc5: apt-get install cvc5");
        Self::beside(TestApp::with(&db.store, TestParts { solver, ..TestParts::default() }), 1).await
    }

    async fn analyze(&self, wanted: Analysis) -> Result<Analyzed, AppError> {
        self.analyze_as(&self.admin, wanted).await
    }

    async fn analyze_as(&self, caller: &Caller, wanted: Analysis) -> Result<Analyzed, AppError> {
        policies::analyze(&self.test.app, caller, wanted).await
    }
}

fn draft(changes: Vec<DraftChange>) -> Analysis {
    Analysis { changes: Some(changes), ..NOTHING }
}

fn rewrite(policy: PolicyId, statements: &str) -> DraftChange {
    let change = PolicyChange { policy_set: Change::To(statements.to_owned()), ..PolicyChange::default() };
    DraftChange::Change { policy, change: Box::new(change), rules: Change::Keep }
}

fn reach(account: &str) -> Analysis {
    let reach = Reach { account: account.parse().unwrap(), permission_set: None, action: None };
    Analysis { reach: Some(reach), ..NOTHING }
}

fn set(arn: &str) -> ResourceRef {
    arn.parse::<PermissionSetArn>().unwrap().into()
}

fn refuted(answer: Option<Answered>) -> Counterexample {
    match answer {
        Some(Answered::Refuted(by)) => *by,
        other => panic!("{other:?}"),
    }
}

fn rules() -> Analysis {
    Analysis { rules: Some(RulesAsked { policy: None }), ..NOTHING }
}

on_both_databases! {
    async fn a_draft_that_only_narrows_is_proved_to_and_another_is_refuted(db: &TestStore) {
        let world = World::with_solver(db).await;
        let anywhere = world.policy(auto(), READ_ANYWHERE).await.policy;
        let narrower = world.analyze(draft(vec![rewrite(anywhere.id, READ_IN_LAB)])).await.unwrap();
        assert_eq!(narrower.narrows, Some(Answered::Proved));
        let with_another = DraftChange::New(Box::new(new_policy(auto(), "permit (principal, action, resource);")));
        let wider = world.analyze(draft(vec![with_another])).await.unwrap();
        let example = refuted(wider.narrows);
        assert_ne!(example.question.action, Action::Read);
        assert!(matches!(example.before.as_ref().unwrap().outcome, Outcome::Denied { .. }));
        assert!(matches!(example.after.outcome, Outcome::Approved { .. }));
        assert_eq!((example.after.policies[0].policy, example.after.policies[0].change), (None, Some(0)));
        assert!(example.why.contains("With the draft it is approved at once"), "{}", example.why);
        assert!(example.summary.contains("asks for"), "{}", example.summary);
    }

    async fn an_account_is_reached_as_aws_tells_of_it(db: &TestStore) {
        let world = World::with_solver(db).await;
        let made = world.policy(auto(), READ_IN_LAB).await.policy;
        let example = refuted(world.analyze(reach(DEV)).await.unwrap().reach);
        let target = &example.question.targets[0];
        assert_eq!((target.account.id.as_str(), target.account.name.as_str()), (DEV, "Dev"));
        assert_eq!(target.permission_set.arn.as_str(), READ, "the other set can't be had by reading");
        assert_eq!(world.analyze(reach(PROD)).await.unwrap().reach, Some(Answered::Proved));
        let off = PolicyChange { enabled: Change::To(false), ..PolicyChange::default() };
        let off = DraftChange::Change { policy: made.id, change: Box::new(off), rules: Change::Keep };
        let drafted = Analysis { changes: Some(vec![off]), ..reach(DEV) };
        let drafted = world.analyze(drafted).await.unwrap();
        assert_eq!((drafted.narrows, drafted.reach), (Some(Answered::Proved), Some(Answered::Proved)));
        let unknown = world.analyze(reach("999999999999")).await;
        assert_eq!(fields(unknown), ["reach.account_id"]);
    }

    async fn what_can_not_be_had_is_not_asked_about(db: &TestStore) {
        let world = World::with_solver(db).await;
        world.policy(auto(), READ_ANYWHERE).await;
        let elsewhere = || DiscoveredAttributes { out_of_reach: Some("elsewhere".to_owned()), ..Default::default() };
        world.discovered(account(PROD), "Prod", Vec::new(), elsewhere()).await;
        assert_eq!(fields(world.analyze(reach(PROD)).await), ["reach.account_id"]);
        world.discovered(set(READ), "ReadOnly", Vec::new(), elsewhere()).await;
        let as_reader = Reach { permission_set: Some(READ.parse().unwrap()), ..reach(DEV).reach.unwrap() };
        let as_reader = Analysis { reach: Some(as_reader), ..NOTHING };
        assert_eq!(fields(world.analyze(as_reader).await), ["reach.permission_set_arn"]);
        let reading = Reach { action: Some(Action::Read), ..reach(DEV).reach.unwrap() };
        let told = world.analyze(Analysis { reach: Some(reading), ..NOTHING }).await.unwrap();
        assert!(matches!(told.reach, Some(Answered::Unknown(_))), "nothing is left to have by reading");
    }

    async fn of_many_permission_sets_none_is_made_up(db: &TestStore) {
        let world = World::with_solver(db).await;
        for number in 0..100 {
            let arn = format!("arn:aws:sso:::permissionSet/ssoins-1234567890abcdef/ps-{number:016x}");
            world.discovered(set(&arn), "Another", Vec::new(), DiscoveredAttributes::default()).await;
        }
        assert_eq!(world.analyze(reach(PROD)).await.unwrap().reach, Some(Answered::Proved));
        world.policy(auto(), READ_ANYWHERE).await;
        let told = world.analyze(reach(PROD)).await.unwrap();
        assert!(matches!(told.reach, Some(Answered::Unknown(_))), "{told:?}");
    }

    async fn rules_that_never_matter_are_named(db: &TestStore) {
        let world = World::with_solver(db).await;
        let statements = format!(
            "{READ_ANYWHERE}\n{READ_IN_LAB}\nforbid (principal, action, resource) when {{ context.hour > 23 }};"
        );
        let made = world.policy(auto(), &statements).await.policy;
        let told = world.analyze(rules()).await.unwrap().rules.unwrap();
        let idle: Vec<_> = told.idle.iter().map(|idle| (idle.rule.rule.rule, idle.how)).collect();
        let (in_lab, late) = (made.rules[1].id, made.rules[2].id);
        assert_eq!(idle, [(Some(in_lab), Idleness::Shadowed), (Some(late), Idleness::Impossible)]);
        assert_eq!((told.idle_total, told.matter, told.untold_total), (2, 1, 0));
        let elsewhere = RulesAsked { policy: Some(PolicyId::from_uuid(uuid::Uuid::from_u128(7))) };
        let unknown = world.analyze(Analysis { rules: Some(elsewhere), ..NOTHING }).await;
        assert_eq!(code(unknown), ErrorCode::NotFound);
    }

    async fn without_a_solver_that_is_the_answer(db: &TestStore) {
        let world = World::new(db).await;
        let made = world.policy(auto(), READ_ANYWHERE).await.policy;
        let wanted = Analysis { rules: rules().rules, reach: reach(DEV).reach, ..draft(vec![DraftChange::Delete(made.id)]) };
        let told = world.analyze(wanted).await.unwrap();
        assert!(!told.has_solver);
        assert!(matches!(told.narrows, Some(Answered::Unknown(_))) && matches!(told.reach, Some(Answered::Unknown(_))));
        assert!(told.rules.unwrap().unknown.is_some());
        let broken = world.analyze(draft(vec![rewrite(made.id, "permit (")])).await;
        assert_eq!(code(broken), ErrorCode::PolicyInvalid);
    }

    async fn an_analysis_takes_the_right_to_read_policies(db: &TestStore) {
        let world = World::new(db).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        assert_eq!(code(world.analyze_as(&alice, rules()).await), ErrorCode::Forbidden);
        let approver = world.person("bob", BuiltInRole::Approver, None).await;
        assert!(world.analyze_as(&approver, rules()).await.is_ok());
    }

    async fn another_tenants_policies_are_not_there(db: &TestStore) {
        let world = World::with_solver(db).await;
        let other = World::beside(world.test.clone(), 2).await;
        let theirs = other.policy(auto(), READ_ANYWHERE).await.policy;
        let asked = Analysis { rules: Some(RulesAsked { policy: Some(theirs.id) }), ..NOTHING };
        assert_eq!(code(world.analyze(asked).await), ErrorCode::NotFound);
        assert_eq!(code(world.analyze(draft(vec![DraftChange::Delete(theirs.id)])).await), ErrorCode::NotFound);
        assert_eq!(world.analyze(reach(DEV)).await.unwrap().reach, Some(Answered::Proved));
    }
}
