//! Wall clocks that somebody sets, far ahead and far back, under running nodes. Time passes as ever meanwhile.

use std::time::{Duration, Instant};

use crate::town::Town;

/// How long it takes until somebody sees it, and sets the clock right.
const SEEN_IN: Duration = Duration::from_secs(6);

/// How long it takes at most until a leap is kept: some moments of a node that does not stand still meanwhile.
const KEPT_IN: Duration = Duration::from_secs(30);

/// By how much, in seconds: within what nodes may differ by (5 minutes), just beyond, and far.
const LEAPS: [i64; 5] = [20, 420, 780, 3_600, 5 * 3_600];

/// What the nodes' wall clocks say, in seconds ahead of the machine's.
pub(crate) struct Clocks {
    /// What each says while nothing is wrong with it.
    usual: Vec<i64>,
    leapt: Vec<Leap>,
    /// When the only node's clock last leapt ahead, and whether it was killed so soon after that the leap is forgotten.
    ahead_since: Option<Instant>,
    forgets: bool,
    pub(crate) forward: u32,
    pub(crate) back: u32,
}

struct Leap {
    node: usize,
    seen_at: Instant,
}

impl Clocks {
    pub(crate) fn of(nodes: usize) -> Self {
        Self {
            usual: vec![0; nodes],
            leapt: Vec::new(),
            ahead_since: None,
            forgets: false,
            forward: 0,
            back: 0,
        }
    }
}

impl Clocks {
    /// A node dies: what it had not kept yet of a leap ahead, by which nothing began, it forgets.
    pub(crate) fn a_node_dies(&mut self) {
        self.forgets |= self.ahead_since.is_some_and(|leapt| leapt.elapsed() < KEPT_IN);
    }

    /// Whether what was written by a clock that had leapt may come before what was written later, by one that had not.
    pub(crate) fn may_go_back(&self) -> bool {
        self.forgets
    }
}

impl Town {
    pub(crate) fn a_clock_leaps(&mut self) {
        let (node, by) = (self.chance.below(self.nodes.len()), self.chance.one_of(&LEAPS));
        let forward = self.chance.below(2) == 0;
        let clocks = &mut self.misfortunes.clocks;
        if clocks.leapt.iter().any(|leap| leap.node == node) {
            return;
        }
        let by = if forward { by } else { -by };
        self.nodes[node].set_wall_clock(clocks.usual[node] + by);
        *(if forward { &mut clocks.forward } else { &mut clocks.back }) += 1;
        if forward && self.nodes.len() == 1 {
            // Nobody is there who could say that it is wrong: it stays. Set back, nothing more would be decided.
            clocks.usual[node] += by;
            clocks.ahead_since = Some(Instant::now());
        } else {
            clocks.leapt.push(Leap { node, seen_at: Instant::now() + SEEN_IN });
        }
    }

    /// Those that `it_is_time` for.
    pub(crate) fn clocks_are_set_right(&mut self, it_is_time: impl Fn(Instant) -> bool) {
        let leapt = std::mem::take(&mut self.misfortunes.clocks.leapt);
        let (right, wrong) = leapt
            .into_iter()
            .partition(|leap| it_is_time(leap.seen_at) && !self.misfortunes.stands_still(leap.node));
        self.misfortunes.clocks.leapt = wrong;
        for Leap { node, .. } in Vec::from_iter::<Vec<Leap>>(right) {
            self.nodes[node].set_wall_clock(self.misfortunes.clocks.usual[node]);
        }
    }
}
