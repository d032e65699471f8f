//! What black-box tests hold in their hands: the real `curfewd` as a process of its own, on SQLite or PostgreSQL,
//! with the simulator as its AWS, and a client for its API.
//!
//! ```ignore
//! on_both_databases! {
//!     async fn a_stranger_learns_nothing(backend: Backend) {
//!         let server = Server::on(backend).start().await;
//!         let admin = server.set_up().await;
//!         let alice = admin.person("alice@acme.example", &["user"]).await;
//!         alice.get("/v1/users").await.refused(403, "forbidden");
//!     }
//! }
//! ```
//!
//! Nobody sleeps for time to pass: [`eventually`] asks until the answer is there. When a [`Server`] is dropped, its
//! process ends, its database goes, and its log is searched for every secret that the clients have seen.

mod acme;
mod client;
mod cluster;
mod database;
mod door;
mod fresh;
mod json;
mod logs;
mod process;
mod server;
mod small_disk;
mod wait;
mod wall_clock;

pub use acme::{Acme, Cloud};
pub use client::{Client, Reply};
pub use cluster::Cluster;
pub use database::{Backend, Database};
pub use door::Door;
pub use fresh::fresh_id;
pub use json::Json;
pub use logs::Logs;
pub use process::{Ended, free_port, program};
pub use server::{Server, ServerBuilder};
pub use wait::{PATIENCE, eventually, holds};

/// Makes one story into two tests, `on_sqlite` and `on_postgresql`, in a module of its name.
#[macro_export]
macro_rules! on_both_databases {
    ($($(#[$attribute:meta])* async fn $name:ident($backend:ident: Backend) $body:block)+) => {
        $(
            $(#[$attribute])*
            mod $name {
                use super::*;

                async fn story($backend: $crate::Backend) $body

                #[tokio::test(flavor = "multi_thread")]
                async fn on_sqlite() {
                    story($crate::Backend::Sqlite).await;
                }

                #[tokio::test(flavor = "multi_thread")]
                async fn on_postgresql() {
                    if let Some(backend) = $crate::Backend::postgresql() {
                        story(backend).await;
                    }
                }
            }
        )+
    };
}
