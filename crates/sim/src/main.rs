//! `curfew-sim`: the stand-in for AWS as a program of its own.

use std::{io::Write, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use curfew_sim::{Sim, SimError, World};
use tracing_subscriber::EnvFilter;

/// A stand-in for AWS on loopback: STS, SSO Admin, Identity Store, Organizations, KMS's MACs.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The port; 0 takes a free one.
    #[arg(long, default_value_t = 4599)]
    port: u16,
    /// The address, which must be loopback.
    #[arg(long, default_value = "127.0.0.1")]
    host: std::net::IpAddr,
    /// A world as JSON (`GET /_sim/world` shows its form) instead of the demo's.
    #[arg(long)]
    world: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("can't read the world from {path}: {source}")]
    Unread { path: PathBuf, source: std::io::Error },
    #[error("{path} is no world: {source}")]
    NoWorld { path: PathBuf, source: serde_json::Error },
    #[error(transparent)]
    Sim(#[from] SimError),
    #[error(transparent)]
    Terminal(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(std::io::stderr(), "curfew-sim: {failure}");
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let world = arguments.world.map_or_else(|| Ok(World::demo()), read)?;
    let sim = Sim::start_on(SocketAddr::new(arguments.host, arguments.port), world).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", sim.url())?;
    out.flush()?;
    tokio::signal::ctrl_c().await?;
    sim.stop().await;
    Ok(())
}

fn read(path: PathBuf) -> Result<World, Failure> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(Failure::Unread { path, source }),
    };
    serde_json::from_str(&text).map_err(|source| Failure::NoWorld { path, source })
}
