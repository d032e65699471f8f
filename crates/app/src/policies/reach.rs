//! Who can get this, and what can somebody get?

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use curfew_domain::{AccountId, PermissionSetArn, Scope, TenantId, UserId};
use curfew_policy::{AccessQuestion, CompiledPolicies, Decision, Outcome, Reach};
use tokio::time::Instant;

use super::simulate::Turns;
use super::snapshot::Snapshots;
use crate::requests::{self, PersonName, SetAsked, Survey, WhatIfAnywhere};
use crate::{App, AppError, Caller};

/// So many answers are listed; all are counted.
const MOST_LISTED: usize = 1_000;

/// How much is asked in one piece: rules, counted once for each question. Some milliseconds, whatever they are.
const PIECE: usize = 50_000;

/// What one more question costs besides its rules, and one list of them that nothing permits.
const QUESTION: usize = 100;

/// How long it goes on. Longer, and whoever serves it would answer that it took too long.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long for those who may not read policies, of whom there are many.
const PATIENCE_WITH_MEMBERS: Duration = Duration::from_secs(3);

/// Who can get something, or what somebody can get.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reached {
    /// What would be given, in the order of people or accounts; not more than so many.
    pub listed: Vec<Access>,
    /// How many there are, as far as was asked.
    pub found: u64,
    /// How many were asked about.
    pub checked: u64,
    /// Whether some were not asked about, or are not listed.
    pub is_cut: bool,
}

/// One access that would be given.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// To whom.
    pub person: UserId,
    /// In which account.
    pub account: AccountId,
    /// As what.
    pub permission_set: PermissionSetArn,
    /// How many people would have to approve: the most that one policy asks for.
    pub approvals_required: u16,
    /// How, and by which policies; without its trace. For those who may not read policies without all that names them:
    /// what decides, faults, and who has to approve.
    pub decision: Decision,
}

/// Finds the people who would get a permission set in an account. It shows what others could ask for, so it takes the right
/// to see that too.
pub async fn who_can_access(
    app: &App,
    caller: &Caller,
    (account, set): (AccountId, PermissionSetArn),
    wanted: WhatIfAnywhere,
) -> Result<Reached, AppError> {
    caller.require(Scope::PoliciesRead)?;
    requests::check_sees_all(caller)?;
    let (turns, patience) = app.policies.turns_and_patience(true);
    let _turn = turns.take(caller.tenant).await?;
    let survey = requests::of_everybody(app, caller.tenant, account, set, &wanted).await?;
    asked(app, caller.tenant, survey, patience, Reach::of_people).await
}

/// Finds the accounts and permission sets that a person would get. Whoever may ask for access may ask that of themselves,
/// by id; without the right to read policies they are not told which of them decide, and suppose no groups.
pub async fn what_can_access(
    app: &App,
    caller: &Caller,
    person: PersonName,
    wanted: WhatIfAnywhere,
) -> Result<Reached, AppError> {
    let reads_policies = caller.may(Scope::PoliciesRead);
    if person != PersonName::Id(caller.user) {
        caller.require(Scope::PoliciesRead)?;
        requests::check_sees_all(caller)?;
    } else if !reads_policies {
        caller.require(if wanted.groups.is_empty() { Scope::RequestsCreate } else { Scope::PoliciesRead })?;
    }
    let (turns, patience) = app.policies.turns_and_patience(reads_policies);
    let _turn = turns.take(caller.tenant).await?;
    let survey = requests::of_everything(app, caller.tenant, &person, &wanted).await?;
    let mut reached = asked(app, caller.tenant, survey, patience, Reach::of_places).await?;
    if !reads_policies {
        reached.listed.iter_mut().for_each(Access::hide_policies);
    }
    Ok(reached)
}

impl Access {
    fn hide_policies(&mut self) {
        self.decision.determining.clear();
        self.decision.faults.clear();
        if let Outcome::NeedsApproval { requirements, .. } = &mut self.decision.outcome {
            requirements.clear();
        }
    }
}

impl Snapshots {
    /// Whose turn a question waits for, and how long it goes on. Those who may not read policies wait for one another, so
    /// that they keep nobody waiting who looks after them.
    fn turns_and_patience(&self, reads_policies: bool) -> (&Turns, Duration) {
        if reads_policies {
            (&self.trials, PATIENCE)
        } else {
            (&self.members_questions, PATIENCE_WITH_MEMBERS)
        }
    }
}

/// Asks all questions, in pieces, so that others of the tenant are asked in between.
async fn asked(
    app: &App,
    tenant: TenantId,
    survey: Survey,
    patience: Duration,
    narrowed: impl FnOnce(&CompiledPolicies, &AccessQuestion) -> Reach + Send + 'static,
) -> Result<Reached, AppError> {
    let (end, labour) = (Instant::now() + patience, &app.policies.labour);
    let Survey { questions, sets, snapshot, is_cut } = survey;
    let reached = Reached { is_cut, ..Reached::default() };
    let like = questions.first().zip(sets.first());
    let Some(like) = like.map(|(question, set)| set.put_into(question)) else { return Ok(reached) };
    let reach = labour.of(tenant, move || narrowed(&snapshot.policies, &like)).await?;
    let mut asking = Asking { reach, left: questions.into(), sets, next_set: 0, reached };
    while !asking.left.is_empty() {
        if Instant::now() >= end {
            asking.reached.is_cut = true;
            break;
        }
        asking = labour.of(tenant, || asking.piece()).await?;
    }
    Ok(asking.reached)
}

/// Questions under way.
struct Asking {
    reach: Reach,
    left: VecDeque<AccessQuestion>,
    sets: Arc<[SetAsked]>,
    /// Up to which the first of those that are left was asked with the others.
    next_set: usize,
    reached: Reached,
}

impl Asking {
    /// Asks as many as go into one piece; the others are left.
    fn piece(mut self) -> Self {
        let each = QUESTION.saturating_add(self.reach.rules());
        let mut spent = 0_usize;
        while spent < PIECE
            && let Some(question) = self.left.front()
        {
            spent = spent.saturating_add(QUESTION);
            let left = &self.sets[self.next_set..];
            // Whether anything permits it is the same of all permission sets.
            if self.next_set == 0 && !self.reach.may_permit(question) {
                self.reached.checked += left.len() as u64;
                self.left.pop_front();
                continue;
            }
            let some = left.len().min(1 + (PIECE - spent.min(PIECE)) / each);
            for set in &left[..some] {
                self.reached.ask(&self.reach, set.put_into(question));
            }
            spent = spent.saturating_add(each.saturating_mul(some));
            self.next_set += some;
            if self.next_set == self.sets.len() {
                self.next_set = 0;
                self.left.pop_front();
            }
        }
        self
    }
}

impl Reached {
    fn ask(&mut self, reach: &Reach, question: AccessQuestion) {
        self.checked += 1;
        let decision = reach.decide(&question);
        let approvals_required = match &decision.outcome {
            Outcome::Denied { .. } => return,
            Outcome::Approved { .. } => 0,
            Outcome::NeedsApproval { requirements, .. } => {
                requirements.iter().map(|one| one.approvals).max().unwrap_or_default()
            }
        };
        self.found += 1;
        let Some(target) = question.targets.into_iter().next().filter(|_| self.listed.len() < MOST_LISTED)
        else {
            self.is_cut = true;
            return;
        };
        self.listed.push(Access {
            person: question.person.id,
            account: target.account.id,
            permission_set: target.permission_set.arn,
            approvals_required,
            decision,
        });
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_may_not_read_policies_keeps_nobody_waiting_who_may() {
        let (snapshots, tenant) = (Snapshots::default(), TenantId::from_uuid(Uuid::from_u128(1)));
        let (of_members, briefly) = snapshots.turns_and_patience(false);
        let (of_others, longer) = snapshots.turns_and_patience(true);
        assert!(briefly * 5 < longer);
        let asking = of_members.take(tenant).await.unwrap();
        drop(of_others.take(tenant).await.unwrap());
        drop(snapshots.trials.take(tenant).await.unwrap());
        assert!(of_members.take(tenant).await.is_err(), "members wait for one another");
        drop(asking);
        let trying = snapshots.trials.take(tenant).await.unwrap();
        drop(of_members.take(tenant).await.unwrap());
        assert!(of_others.take(tenant).await.is_err(), "who reads policies waits for trials");
        drop(trying);
    }
}
