//! The program is killed in the middle of its work, and set right by nothing but being started again.

use curfew_sim::{Fault, FaultKind};
use curfew_tests::{PATIENCE, eventually, holds, on_both_databases};

use crate::access::{HELD, Office};

const LONG: u32 = 3_600;
const SHORT: u32 = 3;

async fn was_called(office: &Office, operation: &str) {
    assert!(office.cloud.control().called(operation, 1, PATIENCE).await, "{operation} was never called");
}

on_both_databases! {
    async fn killed_while_aws_makes_the_assignment_it_sees_it_through(backend: Backend) {
        let mut office = Office::open(backend).await;
        office.cloud.control().inject(Fault::on("CreateAccountAssignment", FaultKind::HangChange).once());
        let grant = office.granted(LONG).await;
        office.becomes(&grant, "active", "provisioning").await;
        office.server.kill();
        office.cloud.control().settle_all();
        office.server.start_again().await;
        office.is_held(&grant).await;
        assert_eq!(office.cloud.control().calls_of("CreateAccountAssignment").len(), 1);
    }

    async fn killed_before_the_reply_to_a_creation_it_finds_what_it_made(backend: Backend) {
        let mut office = Office::open(backend).await;
        let held_back = FaultKind::DelayReply { ms: 60_000 };
        office.cloud.control().inject(Fault::on("CreateAccountAssignment", held_back).once());
        let grant = office.granted(LONG).await;
        was_called(&office, "CreateAccountAssignment").await;
        office.server.kill();
        // Else it may be sent again before a list shows it, and which of the two made it is never told.
        office.cloud.holds_in_the_end(&[HELD]).await;
        office.server.start_again().await;
        office.is_held(&grant).await;
        office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        office.is_gone(&grant, "revoked").await;
    }

    async fn what_it_made_without_knowing_is_removed_when_the_grant_ended_while_it_was_down(backend: Backend) {
        let mut office = Office::open(backend).await;
        let held_back = FaultKind::DelayReply { ms: 60_000 };
        office.cloud.control().inject(Fault::on("CreateAccountAssignment", held_back).once());
        let grant = office.granted(SHORT).await;
        was_called(&office, "CreateAccountAssignment").await;
        office.server.kill();
        office.cloud.holds_in_the_end(&[HELD]).await;
        let asked = std::time::Instant::now();
        eventually("the grant's time to be over", async || holds(asked.elapsed().as_secs() > SHORT.into())).await;
        office.server.start_again().await;
        // Whether it may call that gone depends on what a list showed: the creation could still be on its way.
        office.cloud.holds_in_the_end(&[]).await;
        assert_eq!(office.grant(&grant).await["status"], "expired");
    }

    async fn an_ended_grant_is_removed_even_when_aws_lost_the_reply(backend: Backend) {
        let office = Office::open(backend).await;
        office.cloud.control().inject(Fault::on("CreateAccountAssignment", FaultKind::LoseReply).once());
        let grant = office.granted(LONG).await;
        office.is_held(&grant).await;
        office.cloud.control().inject(Fault::on("DeleteAccountAssignment", FaultKind::LoseReply).once());
        office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        office.cloud.holds_in_the_end(&[]).await;
    }

    async fn killed_while_aws_deletes_it_sees_that_it_is_gone(backend: Backend) {
        let mut office = Office::open(backend).await;
        let grant = office.granted(LONG).await;
        office.is_held(&grant).await;
        office.cloud.control().inject(Fault::on("DeleteAccountAssignment", FaultKind::HangChange).once());
        office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        was_called(&office, "DeleteAccountAssignment").await;
        office.server.kill();
        office.cloud.control().settle_all();
        office.server.start_again().await;
        office.is_gone(&grant, "revoked").await;
    }

    async fn killed_between_the_end_of_a_grant_and_its_deletion_it_deletes_after_the_start(backend: Backend) {
        let mut office = Office::open(backend).await;
        let grant = office.granted(LONG).await;
        office.is_held(&grant).await;
        let refused = FaultKind::ServerError { status: 503 };
        office.cloud.control().inject(Fault::on("DeleteAccountAssignment", refused));
        office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        was_called(&office, "DeleteAccountAssignment").await;
        office.server.kill();
        assert_eq!(office.cloud.held(), [HELD]);
        office.cloud.control().clear_faults();
        office.server.start_again().await;
        office.is_gone(&grant, "revoked").await;
    }

    async fn asked_to_stop_it_ends_well_and_goes_on_after_the_start(backend: Backend) {
        let mut office = Office::open(backend).await;
        let grant = office.granted(LONG).await;
        office.is_held(&grant).await;
        assert!(office.server.terminate().success(), "{}", office.server.logs().text());
        office.server.start_again().await;
        office.admin.delete(&format!("/v1/grants/{grant}")).await.ok();
        office.is_gone(&grant, "revoked").await;
    }
}
