//! Access comes and goes in AWS as grants say, whatever goes wrong on the way. Against the stand-in, on both
//! databases.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end at what it did not expect")]

mod connection;
mod drift;
mod endings;
mod exclusive;
mod faults;
mod leaping;
mod recovering;
mod sessions;
mod stage;
mod stories;
mod telling;
mod together;

/// Runs each story on a fresh database of both kinds.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let database = curfew_store::testing::TestStore::sqlite().await;
                super::$name(&mut crate::stage::Stage::on(database).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let Some(database) = curfew_store::testing::TestStore::postgres().await else { return };
                super::$name(&mut crate::stage::Stage::on(database).await).await;
            })+
        }
    };
}
pub(crate) use on_both;
