//! `curfewd audit verify`: what it finds, and its status.

use std::fs;

use crate::embedded::{set_up, sign_in, try_to_sign_in};
use crate::program::{Ended, Place};

/// A database with a short log, whose heads left it when the server stopped.
async fn place_with_a_log() -> Place {
    let place = Place::new();
    set_up(&place, &[]).await;
    run_and_stop(&place);
    place
}

/// Seals, and sends heads out.
fn run_and_stop(place: &Place) {
    let mut running = place.serve(&[]);
    running.signal("TERM");
    running.wait_for("server stopped");
    assert_eq!(running.status(), 0);
}

fn verify(place: &Place, heads: Option<&str>) -> Ended {
    let mut arguments = vec!["audit", "verify"];
    arguments.extend(heads.into_iter().flat_map(|file| ["--heads", file]));
    place.run(&arguments, &[])
}

#[tokio::test]
async fn a_log_with_its_heads_is_whole() {
    let place = place_with_a_log().await;
    let ended = verify(&place, Some("curfew.db.heads"));
    assert_eq!(ended.status, 0, "{}", ended.output);
    assert!(ended.output.contains("0 not covered by a head yet"), "{}", ended.output);
}

#[tokio::test]
async fn without_heads_the_tail_is_not_proved() {
    let place = place_with_a_log().await;
    let ended = verify(&place, None);
    assert_eq!(ended.status, 3, "{}", ended.output);
    assert!(ended.output.contains("tail not proved"), "{}", ended.output);
    fs::write(place.path("empty"), "").unwrap();
    assert_eq!(verify(&place, Some("empty")).status, 3);
}

#[tokio::test]
async fn heads_of_an_unknown_key_prove_nothing() {
    let place = place_with_a_log().await;
    let key = "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
    let ended = place.run(&["audit", "verify", "--heads", "curfew.db.heads"], &[("CURFEW_SIGNING_KEY", key)]);
    assert_eq!(ended.status, 3, "{}", ended.output);
    assert!(ended.output.contains("1 of unknown keys"), "{}", ended.output);
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_found_by_the_heads() {
    let place = place_with_a_log().await;
    let earlier = Place::new();
    for name in ["curfew.db", "curfew.db.secrets"] {
        fs::copy(place.path(name), earlier.path(name)).unwrap();
    }
    sign_in(&place).await;
    run_and_stop(&place);
    assert_eq!(verify(&place, Some("curfew.db.heads")).status, 0);
    fs::copy(place.path("curfew.db.heads"), earlier.path("heads")).unwrap();
    let ended = verify(&earlier, Some("heads"));
    assert_eq!(ended.status, 1, "{}", ended.output);
    assert!(ended.output.contains("its tail was cut off"), "{}", ended.output);
}

#[tokio::test]
async fn a_line_that_was_torn_takes_no_other_with_it() {
    let place = place_with_a_log().await;
    let heads = fs::read_to_string(place.path("curfew.db.heads")).unwrap();
    fs::write(place.path("curfew.db.heads"), format!("{heads}{}", &heads[..40])).unwrap();
    sign_in(&place).await;
    run_and_stop(&place);
    let ended = verify(&place, Some("curfew.db.heads"));
    assert_eq!(ended.status, 0, "{}", ended.output);
    assert!(ended.output.contains("0 not covered by a head yet"), "{}", ended.output);
    assert!(ended.output.contains("2 genuine, 0 not genuine, 0 of unknown keys, 1 torn"), "{}", ended.output);
}

#[tokio::test]
async fn a_tail_that_was_exchanged_is_found_by_the_heads_of_both() {
    let place = place_with_a_log().await;
    let other = Place::new();
    for name in ["curfew.db", "curfew.db.secrets", "curfew.db.heads"] {
        fs::copy(place.path(name), other.path(name)).unwrap();
    }
    sign_in(&place).await;
    assert!(!try_to_sign_in(&other, "not the password").await);
    for place in [&place, &other] {
        run_and_stop(place);
    }
    let (kept, exchanged) = (
        fs::read_to_string(place.path("curfew.db.heads")).unwrap(),
        fs::read_to_string(other.path("curfew.db.heads")).unwrap(),
    );
    for heads in [format!("{kept}{exchanged}"), format!("{exchanged}{kept}")] {
        fs::write(other.path("both"), heads).unwrap();
        let ended = verify(&other, Some("both"));
        assert_eq!(ended.status, 1, "{}", ended.output);
        assert!(ended.output.contains("is not the one that a head was taken at"), "{}", ended.output);
    }
}

#[tokio::test]
async fn a_head_that_was_changed_is_found_and_one_that_is_torn_passed_over() {
    let place = place_with_a_log().await;
    let heads = fs::read_to_string(place.path("curfew.db.heads")).unwrap();
    fs::write(place.path("torn"), format!("{heads}{}", &heads[..40])).unwrap();
    assert_eq!(verify(&place, Some("torn")).status, 0);
    let forged = heads.replace("\"sequence\":", "\"sequence\":1");
    fs::write(place.path("forged"), forged).unwrap();
    let ended = verify(&place, Some("forged"));
    assert_eq!(ended.status, 1, "{}", ended.output);
    assert!(ended.output.contains("1 not genuine"), "{}", ended.output);
    assert_eq!(verify(&place, Some("missing")).status, 2);
}
