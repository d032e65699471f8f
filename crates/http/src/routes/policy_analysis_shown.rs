//! What an analysis came to, as it is shown.

use curfew_api::{
    NamedRule, PolicyAnalysis, Proof, ProofAnswer, RuleFinding, RulesProof, SolverPresence, SupposedAccount,
    SupposedPermissionSet, SupposedPerson, UnknownRule,
};
use curfew_app::policies::{self, Analyzed, Answered, Counterexample, Idleness, RuleName, RulesAnalyzed};
use curfew_domain::OuId;

use super::policy_simulation_shown::decision;

pub(super) fn shown(analyzed: Analyzed) -> PolicyAnalysis {
    PolicyAnalysis {
        solver: if analyzed.has_solver { SolverPresence::Present } else { SolverPresence::Absent },
        narrows: analyzed.narrows.map(proof),
        reach: analyzed.reach.map(proof),
        rules: analyzed.rules.map(rules),
    }
}

fn proof(answered: Answered) -> Proof {
    match answered {
        Answered::Proved => Proof { answer: ProofAnswer::Proved, reason: None, counterexample: None },
        Answered::Refuted(by) => {
            Proof { answer: ProofAnswer::Refuted, reason: None, counterexample: counterexample(*by) }
        }
        Answered::Unknown(why) => {
            Proof { answer: ProofAnswer::Unknown, reason: Some(why), counterexample: None }
        }
    }
}

/// None without a target, which none is.
fn counterexample(example: Counterexample) -> Option<curfew_api::Counterexample> {
    let question = example.question;
    let target = question.targets.into_iter().next()?;
    let (account, set, person) = (target.account, target.permission_set, question.person);
    let next = |unit: &OuId| question.units.get(unit).cloned().flatten();
    // As many as there are: links that went in circles would have no end.
    let organizational_units =
        std::iter::successors(account.unit.clone(), next).take(question.units.len().max(1)).collect();
    Some(curfew_api::Counterexample {
        summary: example.summary,
        why: example.why,
        person: SupposedPerson {
            user_id: person.id,
            email: person.email,
            name: person.name,
            roles: person.roles,
            groups: person.groups,
            auth_provider: person.auth_provider,
            mfa: person.mfa,
        },
        account: SupposedAccount {
            account_id: account.id,
            name: account.name,
            organizational_units,
            tags: account.tags,
            is_management: account.is_management,
        },
        permission_set: SupposedPermissionSet {
            arn: set.arn,
            name: set.name,
            rank: set.rank,
            session_seconds: set.session,
        },
        action: question.action,
        duration_seconds: question.duration,
        break_glass: question.break_glass,
        requested_at: question.requested_at,
        day_of_week: question.local.day_of_week,
        hour: question.local.hour,
        mfa: question.mfa,
        reason: question.reason,
        ticket: question.ticket,
        source_ip: question.source_ip,
        aws_data_is_fresh: question.facts_are_fresh,
        before: example.before.map(decision),
        after: decision(example.after),
    })
}

fn rules(told: RulesAnalyzed) -> RulesProof {
    RulesProof {
        findings: told.idle.into_iter().map(finding).collect(),
        findings_total: told.idle_total,
        unknown: told.untold.into_iter().map(unknown).collect(),
        unknown_total: told.untold_total,
        matter: told.matter,
        reason: told.unknown,
    }
}

fn finding(idle: policies::IdleRule) -> RuleFinding {
    RuleFinding {
        rule: named(idle.rule),
        finding: match idle.how {
            Idleness::Impossible => curfew_api::Idleness::Impossible,
            Idleness::Shadowed => curfew_api::Idleness::Shadowed,
        },
    }
}

fn unknown(untold: policies::UntoldRule) -> UnknownRule {
    UnknownRule { rule: named(untold.rule), reason: untold.why }
}

fn named(rule: RuleName) -> NamedRule {
    NamedRule {
        policy_id: rule.policy,
        change: rule.change,
        name: rule.name,
        rule_id: rule.rule.rule,
        ordinal: rule.rule.ordinal,
    }
}
