//! Tenants with people, their servers, and their AWS.

use std::time::Duration;

use curfew_tests::{Backend, Client, Cloud, Cluster, Server};
use tokio::task::JoinSet;

use crate::chance::Chance;
use crate::estate::{ESTATES, Estate, world};
use crate::ledger::Ledger;
use crate::misfortune::Misfortunes;
use crate::people::{Deed, Heard, Wish};
use crate::verdict::Calm;

/// How many people want something at once.
const CROWD: usize = 32;

/// Between two looks at who has been answered.
const MOMENT: Duration = Duration::from_millis(10);

/// So many of a node's last errors are shown of a round that was not survived.
const LAST_ERRORS: usize = 20;

/// In so many moments something breaks, on average.
const BREAKS_IN: usize = 30;

pub(crate) struct Town {
    pub(crate) chance: Chance,
    pub(crate) cloud: Cloud,
    pub(crate) nodes: Vec<Server>,
    pub(crate) estates: Vec<Estate>,
    pub(crate) misfortunes: Misfortunes,
    pub(crate) ledger: Ledger,
    /// Where each node listens.
    places: Vec<Client>,
    crowd: JoinSet<(usize, Heard)>,
}

impl Town {
    pub(crate) async fn found(backend: Backend, nodes: usize, chance: Chance) -> Self {
        let cloud = Cloud::start_as(world()).await;
        cloud.control().behave(|aws| aws.assignment_ms = 150);
        let first = Server::on(backend)
            .aws(&cloud.url())
            .env("RECONCILIATION_INTERVAL", "2s")
            .env("LOG_LEVEL", "info")
            .with_its_own_wall_clock()
            .start()
            .await;
        let estates = Estate::found_all(&cloud, &first).await;
        let mut all = vec![first];
        for _ in 1..nodes {
            let mut node = all[0].beside();
            node.start_again().await;
            all.push(node);
        }
        Self {
            chance,
            cloud,
            misfortunes: Misfortunes::of(all.len()),
            places: all.iter().map(Server::stranger).collect(),
            nodes: all,
            estates,
            ledger: Ledger::default(),
            crowd: JoinSet::new(),
        }
    }

    /// A moment: people want something, and now and then something breaks.
    pub(crate) async fn something_happens(&mut self, cluster: Option<&Cluster>) {
        while let Some(ended) = self.crowd.try_join_next() {
            let (estate, heard) = ended.expect("a call does not panic");
            self.ledger.note(estate, heard);
        }
        if self.chance.below(BREAKS_IN) == 0 {
            self.misfortune(cluster);
        }
        self.misfortunes_pass().await;
        while self.crowd.len() < CROWD {
            self.somebody_wants_something();
        }
        tokio::time::sleep(MOMENT).await;
    }

    fn somebody_wants_something(&mut self) {
        let n = self.chance.below(ESTATES);
        let grant = self.ledger.one_of_the_latest(n, &mut self.chance);
        let estate = &self.estates[n];
        let wish = Wish::by(&mut self.chance, grant, estate);
        let deed = Deed::of(n, estate, &mut self.chance, wish);
        let mut places = self.places.clone();
        let first = self.chance.below(places.len());
        places.rotate_left(first);
        self.crowd.spawn(async move { (n, deed.done(places).await) });
    }

    /// Nothing breaks any more, what was broken is mended, and everybody is told what came of what they wanted.
    pub(crate) async fn calms_down(mut self) -> Calm {
        self.all_is_mended().await;
        while let Some(ended) = self.crowd.join_next().await {
            let (estate, heard) = ended.expect("a call does not panic");
            self.ledger.note(estate, heard);
        }
        for deed in std::mem::take(&mut self.ledger.unheard) {
            let estate = deed.estate;
            let heard = deed.done(self.places.clone()).await;
            assert!(!matches!(heard, Heard::Nothing(_)), "nobody answers although nothing is broken");
            self.ledger.note(estate, heard);
        }
        Calm::of(self)
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        for (n, node) in self.nodes.iter().enumerate() {
            let errors: Vec<String> =
                node.logs().lines().into_iter().filter(|line| line.contains("\"level\":\"ERROR\"")).collect();
            let last = errors.len().saturating_sub(LAST_ERRORS);
            eprintln!("--- node {n}'s last errors ---\n{}", errors[last..].join("\n"));
        }
    }
}
