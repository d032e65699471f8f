//! Connecting tenants to AWS and reading it into the cache, against the stand-in, on both databases.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may end at what it did not expect")]

mod configuration;
mod discovery;
mod external_id;
mod people;
mod resources;
mod stage;
mod test_checks;
mod test_runs;
mod test_session_policies;
mod test_sts;

/// Runs each story on a fresh database of both kinds.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let database = curfew_store::testing::TestStore::sqlite().await;
                super::$name(&crate::stage::Stage::on(database).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                let Some(database) = curfew_store::testing::TestStore::postgres().await else { return };
                super::$name(&crate::stage::Stage::on(database).await).await;
            })+
        }
    };
}
pub(crate) use on_both;
