use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use curfew_aws::{AwsGateway, SdkGateway, SdkSettings};
use curfew_domain::{Clock, Timestamp};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Source};
use crate::serve::{ServeError, Server, ServerClock, Wiring};
use crate::{MonotonicWall, SystemEntropy, logs};

/// `curfewd serve`: everything is opened and checked before the port is.
pub(super) async fn serve(source: &Source, reconciles: bool) -> Result<(), ServeError> {
    let config = Config::read(source).map_err(ServeError::Config)?;
    logs::begin(config.log_level);
    let shutdown = CancellationToken::new();
    stop_on_signals(&shutdown).map_err(ServeError::Signals)?;
    let address = config.listen;
    let wiring = wiring(&config, reconciles).await;
    let server = Server::prepare(config, wiring).await?;
    let listener = take_port(address).await?;
    server.run(listener, shutdown).await
}

/// What a program takes from outside that works as this server would.
pub(super) async fn wiring(config: &Config, reconciles: bool) -> Wiring {
    let clock = Arc::new(MonotonicWall::from_system(Timestamp::from_micros(0)));
    let settings = SdkSettings { region: Some(config.aws_region.clone()), ..SdkSettings::default() };
    let aws = Arc::new(SdkGateway::load(Arc::clone(&clock) as Arc<dyn Clock>, settings).await);
    Wiring {
        clock: ServerClock::System(clock),
        entropy: Arc::new(SystemEntropy),
        aws: Arc::clone(&aws) as Arc<dyn AwsGateway>,
        keys: aws,
        reconciles,
    }
}

async fn take_port(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        ErrorKind::AddrInUse => ServeError::PortTaken { address },
        _ => ServeError::Listen { address, source },
    })
}

/// The first SIGTERM or SIGINT asks the server to stop; the second ends it where it stands.
fn stop_on_signals(shutdown: &CancellationToken) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::info!("server was told to stop");
        shutdown.cancel();
        either(&mut terminate, &mut interrupt).await;
        tracing::warn!("server was told to stop at once");
        std::process::exit(1);
    });
    Ok(())
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
