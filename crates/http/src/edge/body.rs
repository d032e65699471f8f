//! Whether a request's body was read to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use futures::StreamExt;

/// What became of a body.
pub(super) struct Watch(Option<Arc<AtomicBool>>);

impl Watch {
    /// Whether something of it may still be to come.
    pub(super) fn is_left(&self) -> bool {
        self.0.as_ref().is_some_and(|ended| !ended.load(Ordering::Relaxed))
    }
}

/// Watches the request's body, where it has one.
pub(super) fn watched(request: Request) -> (Request, Watch) {
    if request.body().is_end_stream() {
        return (request, Watch(None));
    }
    let ended = Arc::new(AtomicBool::new(false));
    let end = Arc::clone(&ended);
    let request = request.map(|body| {
        let end = futures::stream::poll_fn(move |_| {
            end.store(true, Ordering::Relaxed);
            std::task::Poll::Ready(None)
        });
        Body::from_stream(body.into_data_stream().chain(end))
    });
    (request, Watch(Some(ended)))
}
