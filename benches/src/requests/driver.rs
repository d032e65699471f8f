//! The load: a few connections, each asking again as soon as it was answered.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::ask::Ask;
use super::town::Town;
use crate::figures::Times;

const CONNECTIONS: usize = 16;

/// How it went.
#[derive(Default)]
pub(crate) struct Driven {
    pub(crate) times: Times,
    answered: usize,
    took: Duration,
}

impl Driven {
    pub(crate) fn extend(&mut self, other: Driven) {
        self.times.extend(other.times);
        self.answered += other.answered;
        self.took += other.took;
    }

    pub(crate) fn per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let answered = self.answered as f64;
        answered / self.took.as_secs_f64()
    }
}

/// Sends so many requests of the town's, in turn, to whatever listens there.
///
/// # Panics
/// When one is not answered 201.
pub(crate) async fn drive(port: u16, town: &Town, requests: usize) -> Driven {
    let (client, url) = client(port);
    // Some to warm up: connections, caches, statements.
    for ask in town.asks().take(CONNECTIONS * 4) {
        send(&client, &url, &ask).await;
    }
    drive_with(client, url, town, 0..requests).await
}

/// Sends just those of the town's requests, each once.
///
/// # Panics
/// When one is not answered 201.
pub(crate) async fn drive_from(port: u16, town: &Town, requests: Range<usize>) -> Driven {
    let (client, url) = client(port);
    drive_with(client, url, town, requests).await
}

fn client(port: u16) -> (reqwest::Client, String) {
    // What listens there is behind no proxy, whatever the environment says of others.
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(CONNECTIONS).build();
    (client.expect("a client"), format!("http://127.0.0.1:{port}/v1/requests"))
}

async fn drive_with(client: reqwest::Client, url: String, town: &Town, requests: Range<usize>) -> Driven {
    let count = requests.len();
    let begun = Instant::now();
    let workers = (0..CONNECTIONS).map(|worker| {
        let (client, url) = (client.clone(), url.clone());
        let asks = town.asks().skip(requests.start).take(count);
        let asks: Vec<_> = asks.skip(worker).step_by(CONNECTIONS).collect();
        tokio::spawn(async move {
            let mut times = Times::default();
            for ask in &asks {
                let begun = Instant::now();
                send(&client, &url, ask).await;
                times.add(begun.elapsed());
            }
            times
        })
    });
    let mut driven = Driven { answered: count, ..Driven::default() };
    for worker in workers.collect::<Vec<_>>() {
        driven.times.extend(worker.await.expect("a worker does not panic"));
    }
    driven.took = begun.elapsed();
    driven
}

async fn send(client: &reqwest::Client, url: &str, ask: &Ask) {
    let request = client
        .post(url)
        .header("Authorization", &ask.authorization)
        .header("X-Tenant-ID", &ask.tenant)
        .header("Content-Type", "application/json")
        .body(ask.body.clone());
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let body = answer.text().await.expect("a body");
    assert_eq!(status, 201, "{body}");
}
