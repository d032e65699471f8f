//! The guided tour: Curfew and a stand-in for AWS in one process, on loopback.
//!
//! `curfew-demo [--tour] [--port PORT]`: `--tour` ends after the tour instead of staying up.

mod caller;
mod embedded;
mod farewell;
mod rules;
mod screen;
mod stage;
mod tour;

use std::process::ExitCode;

use screen::{Screen, Tone};
use stage::Stage;
use tokio::signal::unix::{SignalKind, signal};

/// What can go wrong in a tour.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TourError {
    #[error("the stand-in for AWS does not start: {0}")]
    Sim(#[from] curfew_sim::SimError),
    #[error("the stand-in refuses: {0}")]
    Patch(#[from] curfew_sim::PatchError),
    #[error("Curfew does not start: {0}")]
    Server(#[from] curfewd::ServeError),
    #[error("no answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("{call} answered {status}: {body:#}")]
    Unexpected { call: String, status: u16, body: serde_json::Value },
    #[error("no `{field}` in {body:#}")]
    Missing { field: String, body: serde_json::Value },
    #[error("waited too long for {0}")]
    TooLong(&'static str),
    #[error(transparent)]
    Terminal(#[from] std::io::Error),
    #[error("{0}\nusage: curfew-demo [--tour] [--port PORT]")]
    Usage(String),
}

/// What was asked for.
struct Wishes {
    /// End after the tour.
    tour_only: bool,
    port: u16,
}

#[tokio::main]
async fn main() -> ExitCode {
    let screen = Screen::new();
    match run(&screen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = screen.line(&screen.toned(Tone::Bad, &format!("curfew-demo: {error}")));
            ExitCode::FAILURE
        }
    }
}

async fn run(screen: &Screen) -> Result<(), TourError> {
    let wishes = wishes(std::env::args().skip(1))?;
    // From the start: whoever has seen enough of the tour leaves nothing behind either.
    let mut enough = signal(SignalKind::interrupt())?;
    let stage = tokio::select! {
        stage = Stage::set(wishes.port) => stage?,
        _ = enough.recv() => return Ok(()),
    };
    let toured = tokio::select! {
        toured = play(screen, &stage, &wishes) => toured,
        _ = enough.recv() => Ok(()),
    };
    stage.strike().await?;
    toured?;
    screen.line(&screen.toned(Tone::Good, "\nEvery grant has a curfew."))?;
    Ok(())
}

/// The tour, and then whatever the reader does; it ends by itself only where the tour is all that was asked for.
async fn play(screen: &Screen, stage: &Stage, wishes: &Wishes) -> Result<(), TourError> {
    farewell::welcome(screen, stage)?;
    let people = tour::tell(stage, screen).await?;
    if !wishes.tour_only {
        farewell::go_on(screen, stage, &people)?;
        std::future::pending::<()>().await;
    }
    Ok(())
}

fn wishes(mut arguments: impl Iterator<Item = String>) -> Result<Wishes, TourError> {
    let mut wishes = Wishes { tour_only: false, port: 0 };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--tour" => wishes.tour_only = true,
            "--port" => {
                let port = arguments.next().and_then(|text| text.parse().ok());
                wishes.port = port.ok_or_else(|| TourError::Usage("--port wants a number".to_owned()))?;
            }
            other => return Err(TourError::Usage(format!("what is {other}?"))),
        }
    }
    Ok(wishes)
}
