//! The loop: what is due is told and sent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use curfew_domain::{ChannelId, Seconds, TenantId};
use curfew_store::{DeliveryRoom, DueDelivery, DueEntry};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{sending, telling};
use crate::patience::in_time;
use crate::{App, AppError, with_causes};

/// How long it sleeps at most: what a write of another node may wait for.
const LONGEST_SLEEP: Duration = Duration::from_secs(2);

/// How long at least, when nothing happens meanwhile.
const SHORTEST_SLEEP: Duration = Duration::from_millis(20);

/// How often it is counted how much waits.
const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// How long it rests when the database failed.
const REST: Duration = Duration::from_secs(1);

/// For how long what was taken up is this node's. Telling ends long before, and so does sending (10 s, and the database).
const CLAIMED_FOR: Seconds = Seconds::of(60);

/// How many entries are taken up at once.
const ENTRIES: u16 = 64;

/// How many messages are under way at once. A tenant that has as many as this under way, or a channel that has any, gets no
/// more for now, and no more than so many at once: a receiver that lets us wait holds its own places, and leaves those of
/// others.
const PLACES: u16 = 16;
const OF_A_TENANT: u16 = 4;
const AT_ONCE: u16 = 2;

/// How long messages that are under way at shutdown may take. What has not ended then is sent again by whoever is next.
const LAST_MESSAGES: Duration = Duration::from_secs(5);

/// How long a message may be under way in all: what takes longer waits for a database that has gone silent.
const LONGEST_SENDING: Duration = Duration::from_secs(45);

/// One node's notifier. As many as there are nodes share the work.
pub struct Notifier {
    app: Arc<App>,
}

/// Messages that are under way.
#[derive(Default)]
struct Sending {
    tasks: JoinSet<DueDelivery>,
    of_tenant: BTreeMap<TenantId, u16>,
    of_channel: BTreeMap<ChannelId, u16>,
}

impl Notifier {
    /// A notifier of this node.
    pub const fn new(app: Arc<App>) -> Self {
        Self { app }
    }

    /// Works until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let (mut sending, mut measure_at) = (Sending::default(), Instant::now());
        while !shutdown.is_cancelled() {
            if measure_at <= Instant::now() {
                measure_at = Instant::now() + MEASURE_EVERY;
                self.measure().await;
            }
            let sleep = match self.round(&mut sending).await {
                Ok(None) => continue,
                Ok(Some(sleep)) => sleep,
                Err(error) => {
                    tracing::warn!(error = with_causes(&error), "what is to be told could not be read");
                    REST
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.app.store.outbox_written() => {}
                () = tokio::time::sleep(sleep) => {}
                Some(ended) = sending.tasks.join_next() => sending.note_end(ended),
            }
        }
        let _ =
            tokio::time::timeout(LAST_MESSAGES, async { while sending.tasks.join_next().await.is_some() {} })
                .await;
    }

    /// What operators watch: how much waits.
    async fn measure(&self) {
        let now = self.app.now();
        let due = in_time::<_, AppError>(async { Ok(self.app.store.outbox_backlog(now).await?) }).await;
        if let Ok(due) = due {
            metrics::gauge!("curfew_outbox_due").set(f64::from(u32::try_from(due).unwrap_or(u32::MAX)));
        }
    }

    /// Tells and sends all that is due now, and waits for the end of it.
    pub async fn pass(&self) -> Result<(), AppError> {
        let mut sending = Sending::default();
        loop {
            let nothing_more = self.round(&mut sending).await?.is_some();
            match sending.tasks.join_next().await {
                Some(ended) => sending.note_end(ended),
                None if nothing_more => return Ok(()),
                None => {}
            }
        }
    }

    /// Takes up some of what is due. Answers how long to sleep; none where there may be more.
    async fn round(&self, sending: &mut Sending) -> Result<Option<Duration>, AppError> {
        let told = self.tell().await?;
        let begun = self.begin_sending(sending).await?;
        if told == usize::from(ENTRIES) || begun > 0 {
            return Ok(None);
        }
        let now = self.app.now();
        let next = in_time::<_, AppError>(async { Ok(self.app.store.next_in_outbox(now).await?) }).await?;
        let sleep = next.map_or(LONGEST_SLEEP, |next| next.since(now));
        Ok(Some(sleep.clamp(SHORTEST_SLEEP, LONGEST_SLEEP)))
    }

    /// Tells of entries that are due. Answers how many were.
    async fn tell(&self) -> Result<usize, AppError> {
        let (store, now) = (&self.app.store, self.app.now());
        let claim = async { Ok::<_, AppError>(store.claim_entries(now, now + CLAIMED_FOR, ENTRIES).await?) };
        let due = in_time(claim).await?;
        for entry in &due {
            if let Err(error) = in_time(telling::tell(&self.app, *entry)).await {
                note_untold(entry, &error);
            }
        }
        Ok(due.len())
    }

    /// Begins to send what is due, as far as there are places. Answers how much was begun.
    async fn begin_sending(&self, sending: &mut Sending) -> Result<usize, AppError> {
        while let Some(ended) = sending.tasks.try_join_next() {
            sending.note_end(ended);
        }
        let (room, now) = (sending.room(), self.app.now());
        let claim = async {
            Ok::<_, AppError>(self.app.store.claim_deliveries(now, now + CLAIMED_FOR, &room).await?)
        };
        let due = in_time(claim).await?;
        let begun = due.len();
        for one in due {
            sending.begin(Arc::clone(&self.app), one);
        }
        Ok(begun)
    }
}

impl Sending {
    /// What may be begun beside what is under way.
    fn room(&self) -> DeliveryRoom {
        let under_way = u16::try_from(self.tasks.len()).unwrap_or(u16::MAX);
        DeliveryRoom {
            places: PLACES.saturating_sub(under_way),
            of_a_channel: AT_ONCE,
            of_a_tenant: AT_ONCE,
            busy_channels: self.of_channel.keys().copied().collect(),
            busy_tenants: over(&self.of_tenant, OF_A_TENANT),
            under_way: self.of_tenant.iter().map(|(tenant, count)| (*tenant, *count)).collect(),
        }
    }

    fn begin(&mut self, app: Arc<App>, due: DueDelivery) {
        *self.of_tenant.entry(due.tenant).or_default() += 1;
        *self.of_channel.entry(due.channel).or_default() += 1;
        self.tasks.spawn(async move {
            match tokio::time::timeout(LONGEST_SENDING, sending::deliver(&app, due)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => note_unsent(&due, &with_causes(&error)),
                Err(_) => note_unsent(&due, "it took too long"),
            }
            due
        });
    }

    /// A task that broke where nothing caught it breaks the loop too, which is begun anew: its places would be taken for
    /// ever.
    fn note_end(&mut self, ended: Result<DueDelivery, JoinError>) {
        match ended.map_err(JoinError::try_into_panic) {
            Ok(due) => {
                less_one(&mut self.of_tenant, due.tenant);
                less_one(&mut self.of_channel, due.channel);
            }
            Err(Ok(panic)) => std::panic::resume_unwind(panic),
            Err(Err(_cancelled)) => {}
        }
    }
}

fn over<K: Copy + Ord>(counts: &BTreeMap<K, u16>, limit: u16) -> Vec<K> {
    counts.iter().filter(|(_, count)| **count >= limit).map(|(key, _)| *key).collect()
}

fn less_one<K: Ord>(counts: &mut BTreeMap<K, u16>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

/// It is still in the outbox, and taken up again once its time here is over.
fn note_untold(entry: &DueEntry, error: &AppError) {
    metrics::counter!("curfew_outbox_faults_total").increment(1);
    tracing::error!(tenant_id = %entry.tenant, entry_id = %entry.entry, claims = entry.claims,
        error = with_causes(error), "an event could not be told; it is tried again");
}

fn note_unsent(due: &DueDelivery, problem: &str) {
    metrics::counter!("curfew_outbox_faults_total").increment(1);
    tracing::warn!(tenant_id = %due.tenant, channel_id = %due.channel, delivery_id = %due.delivery, problem,
        "a message could not be dealt with; it is taken up again");
}
