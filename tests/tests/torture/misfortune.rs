//! What breaks: AWS, the network to it, the servers, their clocks, the database, and the peace, by somebody's hand.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use curfew_sim::{Fault, FaultKind};
use curfew_tests::Cluster;

use crate::clocks::Clocks;
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
pub(crate) struct Misfortunes {
    pub(crate) faults: BTreeMap<&'static str, u32>,
    pub(crate) kills: u32,
    pub(crate) pauses: u32,
    pub(crate) restarts: u32,
    pub(crate) removals: u32,
    pub(crate) clocks: Clocks,
    down: Vec<(usize, Instant)>,
    still: Vec<(usize, Instant)>,
    settled_at: Instant,
}

#[derive(Clone, Copy)]
enum Misfortune {
    Fault,
    Lag,
    LateEnds,
    Removal,
    Kill,
    Pause,
    ClockLeap,
    DatabaseRestart,
}

impl Misfortunes {
    /// Nothing has, of so many nodes.
    pub(crate) fn of(nodes: usize) -> Self {
        Self {
            faults: BTreeMap::new(),
            kills: 0,
            pauses: 0,
            restarts: 0,
            removals: 0,
            clocks: Clocks::of(nodes),
            down: Vec::new(),
            still: Vec::new(),
            settled_at: Instant::now(),
        }
    }

    pub(crate) fn stands_still(&self, node: usize) -> bool {
        self.still.iter().any(|(still, _)| *still == node)
    }
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
            (4, Misfortune::ClockLeap),
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
            Misfortune::Kill => {
                let node = self.chance.below(self.nodes.len());
                if self.nodes[node].runs() && !self.misfortunes.stands_still(node) {
                    self.misfortunes.kills += 1;
                    self.a_node_dies(node);
                }
            }
            Misfortune::Pause => self.a_node_stands_still(),
            Misfortune::ClockLeap => self.a_clock_leaps(),
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
        // A throttled connection is called less often for a while: too many of these, and little else happens.
        let (name, kind) = match self.chance.below(16) {
            0 => ("throttled", FaultKind::Throttle),
            1..=3 => ("server errors", FaultKind::ServerError { status: 500 }),
            4..=6 => ("dropped connections", FaultKind::DropConnection),
            7 | 8 => ("late replies", FaultKind::DelayReply { ms: 1_200 }),
            9 | 10 => ("garbage", FaultKind::Garbage),
            _ => ("lost replies", FaultKind::LoseReply),
        };
        let failed = || FaultKind::FailChange { reason: "Internal failure".to_owned() };
        let (name, fault) = match self.chance.below(10) {
            0 => ("hanging changes", Fault::on(self.chance.one_of(&CHANGES), FaultKind::HangChange)),
            1 => ("failed changes", Fault::on(self.chance.one_of(&CHANGES), failed())),
            _ => (name, Fault::on(self.chance.one_of(&ANY), kind)),
        };
        let times = u32::try_from(1 + self.chance.below(3)).expect("a small number");
        self.cloud.control().inject(fault.times(times));
        *self.misfortunes.faults.entry(name).or_default() += times;
    }

    /// Something that Curfew gave; what was there before stays.
    fn somebody_removes_access(&mut self) {
        let n = self.chance.below(self.estates.len());
        let estate = &self.estates[n];
        let given: Vec<_> = self.cloud.control().assignments().into_iter().collect();
        let given: Vec<_> = given
            .into_iter()
            .filter(|one| one.instance == estate.aws.instance)
            .filter(|one| !estate.baseline.contains(&described(one)))
            .collect();
        if !given.is_empty() {
            let one = &given[self.chance.below(given.len())];
            self.cloud.control().unassign(&estate.aws.instance, &one.assignment);
            self.misfortunes.removals += 1;
        }
    }

    /// As a power cut would have it; it is started again soon.
    pub(crate) fn a_node_dies(&mut self, node: usize) {
        self.nodes[node].kill();
        self.misfortunes.clocks.a_node_dies();
        self.misfortunes.down.push((node, Instant::now() + DOWN));
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
        if now >= self.misfortunes.settled_at + HANGS {
            self.cloud.control().settle_all();
            self.misfortunes.settled_at = now;
        }
        let over = |list: &mut Vec<(usize, Instant)>| {
            let ended: Vec<usize> = list.iter().filter(|(_, until)| *until <= now).map(|one| one.0).collect();
            list.retain(|(_, until)| *until > now);
            ended
        };
        for node in over(&mut self.misfortunes.still) {
            self.nodes[node].go_on();
        }
        self.clocks_are_set_right(|due| due <= now);
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
        self.clocks_are_set_right(|_| true);
        for (node, _) in std::mem::take(&mut self.misfortunes.down) {
            self.nodes[node].start_again().await;
        }
    }
}

fn described(held: &curfew_sim::AssignmentView) -> String {
    let (who, what) = (held.principal_name.as_deref(), held.permission_set_name.as_deref());
    format!("{} {} {}", who.unwrap_or(""), what.unwrap_or(""), held.assignment.account)
}
