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

/// Another signing key than the one that a first run makes.
const OTHER_KEY: (&str, &str) = ("CURFEW_SIGNING_KEY", "MTEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=");

#[tokio::test]
async fn heads_of_an_unknown_key_prove_nothing() {
    let place = place_with_a_log().await;
    let ended = place.run(&["audit", "verify", "--heads", "curfew.db.heads"], &[OTHER_KEY]);
    assert_eq!(ended.status, 3, "{}", ended.output);
    assert!(ended.output.contains("1 of unknown keys"), "{}", ended.output);
}

/// A log with heads of two keys, the first of which is kept beside the database.
async fn place_with_a_rotated_key() -> Place {
    let place = place_with_a_log().await;
    sign_in(&place).await;
    let mut running = place.serve(&[OTHER_KEY]);
    running.signal("TERM");
    running.wait_for("server stopped");
    assert_eq!(running.status(), 0);
    place
}

#[tokio::test]
async fn beside_heads_of_an_unknown_key_genuine_ones_do_not_prove_the_end() {
    let place = place_with_a_rotated_key().await;
    let ended = verify(&place, Some("curfew.db.heads"));
    assert_eq!(ended.status, 3, "{}", ended.output);
    assert!(ended.output.contains("1 genuine, 0 not genuine, 1 of unknown keys"), "{}", ended.output);
    assert!(ended.output.contains("give its public key with --keys"), "{}", ended.output);
}

#[tokio::test]
async fn public_keys_are_enough_to_verify_by() {
    let place = place_with_a_rotated_key().await;
    let [first, second] = [&[][..], &[OTHER_KEY]].map(|settings| {
        let keys = place.run(&["audit", "keys"], settings);
        assert_eq!(keys.status, 0, "{}", keys.output);
        keys.output
    });
    let elsewhere = Place::new();
    for name in ["curfew.db", "curfew.db.heads"] {
        fs::copy(place.path(name), elsewhere.path(name)).unwrap();
    }
    let by = |keys: &str| {
        fs::write(elsewhere.path("keys"), keys).unwrap();
        elsewhere.run(&["audit", "verify", "--heads", "curfew.db.heads", "--keys", "keys"], &[])
    };
    let ended = by(&format!("# both of them\n\n{first}{second}"));
    assert_eq!(ended.status, 0, "{}", ended.output);
    assert_eq!(by(&second).status, 3);
    let ended = by(&format!("{first}no key\n"));
    assert_eq!(ended.status, 2, "{}", ended.output);
    assert!(ended.output.contains("keys, line 2: a public key is"), "{}", ended.output);
}

#[tokio::test]
async fn what_could_not_be_looked_at_is_not_called_broken() {
    let place = place_with_a_log().await;
    let running = place.serve(&[]);
    let ended = verify(&place, Some("curfew.db.heads"));
    assert_eq!(ended.status, 2, "{}", ended.output);
    assert!(ended.output.contains("another process has the database"), "{}", ended.output);
    drop(running);
    fs::write(place.path("letter.db"), "Dear Sir or Madam, ".repeat(1_000)).unwrap();
    let ended = place.run(&["audit", "verify"], &[("DATABASE_URL", "sqlite://letter.db")]);
    assert_eq!(ended.status, 2, "{}", ended.output);
}

#[tokio::test]
async fn before_the_first_run_there_is_nothing_to_verify_and_nothing_is_made() {
    let place = Place::new();
    for arguments in [&["audit", "verify"][..], &["audit", "keys"]] {
        let ended = place.run(arguments, &[]);
        assert_eq!(ended.status, 2, "{}", ended.output);
        assert!(
            ended.output.contains("DATABASE_URL: the database curfew.db does not exist"),
            "{}",
            ended.output
        );
    }
    assert_eq!(fs::read_dir(place.directory()).unwrap().count(), 0);
    run_and_stop(&place);
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
    let ended = verify(&place, Some("missing"));
    assert_eq!(ended.status, 2, "{}", ended.output);
    assert!(ended.output.contains("missing can't be read"), "{}", ended.output);
}
