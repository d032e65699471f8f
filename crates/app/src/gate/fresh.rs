//! How a credential stands, read anew for each request and yet not once for each: all requests that came before a
//! read began share it. So a logout or suspension counts from the next call, on every node, at the price of one
//! small query for as many requests as came during the last.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use curfew_store::keyring::KeyedHash;
use curfew_store::{Standing, Store, StoreError, in_time};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::AppError;

/// How long a read may take. One that is never answered would be waited for by every request after it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most requests that share a read: bounds the query's length.
const BATCH: usize = 200;

#[derive(Default)]
pub(super) struct FreshReads(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    asks: Vec<Ask>,
    reading: bool,
}

struct Ask {
    candidates: Vec<KeyedHash>,
    answer: oneshot::Sender<Answer>,
}

type Answer = Result<Option<Standing>, Arc<StoreError>>;

impl FreshReads {
    /// How the credential that one of `candidates` is the hash of stands now.
    pub(super) async fn standing(
        &self,
        store: &Store,
        candidates: Vec<KeyedHash>,
    ) -> Result<Option<Standing>, AppError> {
        let (answer, answered) = oneshot::channel();
        let reading = {
            let mut waiting = self.0.lock();
            waiting.asks.push(Ask { candidates, answer });
            mem::replace(&mut waiting.reading, true)
        };
        if !reading {
            // A task of its own: the first to ask may hang up, and the others still want their answer.
            tokio::spawn(read_while_asked(Reader(Some(Arc::clone(&self.0))), store.clone()));
        }
        match answered.await {
            Ok(Ok(standing)) => Ok(standing),
            Ok(Err(error)) => Err(shared(error)),
            Err(_) => {
                Err(AppError::Unavailable { message: "credentials can't be read; try again", source: None })
            }
        }
    }
}

/// The one that reads. Should it die, whoever waits is told, and the next to ask starts another.
struct Reader(Option<Arc<Mutex<Waiting>>>);

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.0 {
            let mut waiting = unfinished.lock();
            waiting.reading = false;
            waiting.asks.clear();
        }
    }
}

impl Reader {
    /// The next batch; none when nobody asks: then this reader is done, and the next to ask starts another.
    fn next(&mut self) -> Option<Vec<Ask>> {
        let shared = self.0.take()?;
        let mut waiting = shared.lock();
        let count = waiting.asks.len().min(BATCH);
        if count == 0 {
            waiting.reading = false;
            return None;
        }
        let batch = waiting.asks.drain(..count).collect();
        drop(waiting);
        self.0 = Some(shared);
        Some(batch)
    }
}

async fn read_while_asked(mut reader: Reader, store: Store) {
    while let Some(batch) = reader.next() {
        let all: Vec<KeyedHash> = batch.iter().flat_map(|ask| ask.candidates.iter().copied()).collect();
        let found = in_time(PATIENCE, store.unwalled().standings(&all)).await.map_err(Arc::new);
        answer(batch, &found);
    }
}

fn answer(batch: Vec<Ask>, found: &Result<Vec<Standing>, Arc<StoreError>>) {
    let by_hash: Result<HashMap<KeyedHash, Standing>, _> =
        found.as_ref().map(|found| found.iter().map(|one| (one.credential.hash, *one)).collect());
    for Ask { candidates, answer } in batch {
        let one = match &by_hash {
            Ok(by_hash) => Ok(candidates.iter().find_map(|hash| by_hash.get(hash)).copied()),
            Err(error) => Err(Arc::clone(error)),
        };
        // Who hung up needs no answer.
        let _ = answer.send(one);
    }
}

fn shared(error: Arc<StoreError>) -> AppError {
    if error.is_transient() {
        AppError::Unavailable {
            message: "the database can't be reached; try again",
            source: Some(error.into()),
        }
    } else {
        AppError::internal(error)
    }
}
