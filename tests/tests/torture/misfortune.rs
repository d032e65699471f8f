//! What breaks: AWS, the network to it, the servers, the database, and the peace, by somebody's hand.

use std::time::{Duration, Instant};

use curfew_sim::{Fault, FaultKind};
use curfew_tests::Cluster;

use crate::town::Town;

/// A node that stands still for so long has lost its lease (15 s) when it goes on.
const STANDS_STILL: Duration = Duration::from_secs(17);

/// Changes that hang in AWS end so often.
const HANGS: Duration = Duration::from_secs(6);

/// How long a node is down.
const DOWN: Duration = Duration::from_millis(1_500);

const CHANGES: [&str; 2] = ["CreateAccountAssignment", "DeleteAccountAssignment"];
const ANY: [&str; 5] = [
    "CreateAccountAssignment",
    "DeleteAccountAssignment",
    "ListAccountAssignments",
    "DescribeAccountAssignmentCreationStatus",
    "DescribeAccountAssignmentDeletionStatus",
];

/// What has broken so far, and what is broken now.
#[derive(Default)]
pub(crate) struct Misfortunes {
    pub(crate) faults: u32,
    pub(crate) kills: u32,
    pub(crate) pauses: u32,
    pub(crate) restarts: u32,
    pub(crate) removals: u32,
    down: Vec<(usize, Instant)>,
    still: Vec<(usize, Instant)>,
    settled_at: Option<Instant>,
}

#[derive(Clone, Copy)]
enum Misfortune {
    Fault,
    Lag,
    LateEnds,
    Removal,
    Kill,
    Pause,
    DatabaseRestart,
}

impl Town {
    pub(crate) fn misfortune(&mut self, cluster: Option<&Cluster>) {
        let what = self.chance.weighed(&[
            (60, Misfortune::Fault),
            (6, Misfortune::Lag),
            (6, Misfortune::LateEnds),
            (8, Misfortune::Removal),
            (5, Misfortune::Kill),
            (2, Misfortune::Pause),
            (1, Misfortune::DatabaseRestart),
        ]);
        match what {
            Misfortune::Fault => self.aws_fails(),
            Misfortune::Lag => {
                let lag = self.chance.one_of(&[0, 300, 2_000]);
                self.cloud.control().behave(|aws| aws.list_lag_ms = lag);
            }
            Misfortune::LateEnds => {
                let takes = self.chance.one_of(&[20, 150, 1_000]);
                self.cloud.control().behave(|aws| aws.assignment_ms = takes);
            }
            Misfortune::Removal => self.somebody_removes_access(),
            Misfortune::Kill => self.a_node_dies(),
            Misfortune::Pause => self.a_node_stands_still(),
            Misfortune::DatabaseRestart => {
                if let Some(cluster) = cluster {
                    cluster.stop();
                    cluster.resume();
                    self.misfortunes.restarts += 1;
                }
            }
        }
    }

    fn aws_fails(&mut self) {
        let kind = match self.chance.below(8) {
            0 | 1 => FaultKind::Throttle,
            2 => FaultKind::ServerError { status: 500 },
            3 => FaultKind::DropConnection,
            4 => FaultKind::DelayReply { ms: 1_200 },
            5 => FaultKind::Garbage,
            _ => FaultKind::LoseReply,
        };
        let fault = match self.chance.below(10) {
            0 => Fault::on(self.chance.one_of(&CHANGES), FaultKind::HangChange),
            1 => Fault::on(
                self.chance.one_of(&CHANGES),
                FaultKind::FailChange { reason: "Internal failure".to_owned() },
            ),
            _ => Fault::on(self.chance.one_of(&ANY), kind),
        };
        let times = u32::try_from(1 + self.chance.below(3)).expect("a small number");
        self.cloud.control().inject(fault.times(times));
        self.misfortunes.faults += times;
    }

    /// Something that Curfew gave; what was there before stays.
    fn somebody_removes_access(&mut self) {
        let held = self.cloud.control().assignments();
        let given: Vec<_> = held
            .into_iter()
            .filter(|one| {
                let (who, what) = (one.principal_name.as_deref(), one.permission_set_name.as_deref());
                let named =
                    format!("{} {} {}", who.unwrap_or(""), what.unwrap_or(""), one.assignment.account);
                !self.baseline.contains(&named)
            })
            .collect();
        if !given.is_empty() {
            let one = &given[self.chance.below(given.len())];
            self.cloud.control().unassign(&self.acme.instance, &one.assignment);
            self.misfortunes.removals += 1;
        }
    }

    fn a_node_dies(&mut self) {
        let node = self.chance.below(self.nodes.len());
        if self.nodes[node].runs() && !self.misfortunes.still.iter().any(|(still, _)| *still == node) {
            self.nodes[node].kill();
            self.misfortunes.kills += 1;
            self.misfortunes.down.push((node, Instant::now() + DOWN));
        }
    }

    fn a_node_stands_still(&mut self) {
        let node = self.chance.below(self.nodes.len());
        if self.nodes[node].runs() && self.misfortunes.still.is_empty() {
            self.nodes[node].pause();
            self.misfortunes.pauses += 1;
            self.misfortunes.still.push((node, Instant::now() + STANDS_STILL));
        }
    }

    /// Whatever has lasted long enough is over.
    pub(crate) async fn misfortunes_pass(&mut self) {
        let now = Instant::now();
        let hung_since = *self.misfortunes.settled_at.get_or_insert(now);
        if now >= hung_since + HANGS {
            self.cloud.control().settle_all();
            self.misfortunes.settled_at = Some(now);
        }
        let over = |list: &mut Vec<(usize, Instant)>| {
            let ended: Vec<usize> = list.iter().filter(|(_, until)| *until <= now).map(|one| one.0).collect();
            list.retain(|(_, until)| *until > now);
            ended
        };
        for node in over(&mut self.misfortunes.still) {
            self.nodes[node].go_on();
        }
        for node in over(&mut self.misfortunes.down) {
            self.nodes[node].start_again().await;
        }
    }

    pub(crate) async fn all_is_mended(&mut self) {
        let control = self.cloud.control();
        control.clear_faults();
        control.behave(|aws| (aws.list_lag_ms, aws.assignment_ms) = (0, 20));
        control.settle_all();
        for (node, _) in std::mem::take(&mut self.misfortunes.still) {
            self.nodes[node].go_on();
        }
        for (node, _) in std::mem::take(&mut self.misfortunes.down) {
            self.nodes[node].start_again().await;
        }
    }
}
