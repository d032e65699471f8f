//! The load: a few connections, each asking again as soon as it was answered.

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
    // What listens there is behind no proxy, whatever the environment says of others.
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(CONNECTIONS).build();
    let client = client.expect("a client");
    let url = format!("http://127.0.0.1:{port}/v1/requests");
    // Some to warm up: connections, caches, statements.
    for ask in town.asks().take(CONNECTIONS * 4) {
        send(&client, &url, &ask).await;
    }
    let begun = Instant::now();
    let workers = (0..CONNECTIONS).map(|worker| {
        let (client, url) = (client.clone(), url.clone());
        let asks: Vec<_> = town.asks().take(requests).skip(worker).step_by(CONNECTIONS).collect();
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
    let mut driven = Driven { answered: requests, ..Driven::default() };
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
