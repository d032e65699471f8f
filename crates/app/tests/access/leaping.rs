//! The wall clock is set far ahead while something is decided.

use curfew_domain::{BuiltInRole, ErrorCode, Seconds};
use curfew_store::on_both_databases;

use crate::world::*;

on_both_databases! {
    async fn what_a_leap_of_the_clock_overtakes_is_not_given(db: &TestStore) {
        let world = World::new(db).await;
        world.policy(auto(), PERMIT_ALL).await;
        let alice = world.person("alice", BuiltInRole::User, None).await;
        // By what is read, and then by what is remembered of that.
        for known in 1..=2 {
            world.test.clock.leap_when_read(Seconds::of(600));
            assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Unavailable);
            assert_eq!(code(world.submit(&alice, to_read(account(DEV))).await), ErrorCode::Unavailable);
            let log = world.logged().await;
            assert_eq!(log.iter().filter(|action| *action == "grant.created").count(), known - 1);
            world.test.clock.trust();
            world.submit(&alice, to_read(account(DEV))).await.unwrap();
        }
    }
}
