//! A door before PostgreSQL, through which a server's connections go.

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::Backend;

/// Lets connections through, and may forget those that there are: they are neither closed nor served any more, as after
/// a failover that moves the database's address. New ones are let through.
pub struct Door {
    url: String,
    forgotten: watch::Sender<()>,
    forwarding: JoinHandle<()>,
}

impl Door {
    /// Before PostgreSQL, or `None` where that is to be skipped.
    pub async fn before_postgresql() -> Option<Self> {
        let Backend::Postgresql(url) = Backend::postgresql()? else { return None };
        let server = url.split(['@', '/']).nth(3).expect("a URL with a user and a server").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let url = url.replace(&server, &format!("127.0.0.1:{port}"));
        let forgotten = watch::Sender::new(());
        let forwarding = tokio::spawn(forward(listener, server, forgotten.clone()));
        Some(Self { url, forgotten, forwarding })
    }

    /// PostgreSQL through it.
    pub fn backend(&self) -> Backend {
        Backend::Postgresql(self.url.clone())
    }

    /// From now on nothing is heard on the connections that there are.
    pub fn forget_connections(&self) {
        self.forgotten.send_replace(());
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.forwarding.abort();
    }
}

async fn forward(listener: TcpListener, server: String, forgotten: watch::Sender<()>) {
    let mut connections = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let server = server.clone();
        let mut forgotten = forgotten.subscribe();
        connections.spawn(async move {
            let Ok(mut behind) = TcpStream::connect(server).await else { return };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut behind) => {}
                _ = forgotten.changed() => std::future::pending().await,
            }
        });
    }
}
