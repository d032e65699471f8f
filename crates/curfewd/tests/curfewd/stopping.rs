//! A server that is told to stop finishes what it does.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::program::Place;

#[test]
fn on_sigterm_and_sigint_it_stops_with_status_0() {
    for signal in ["TERM", "INT"] {
        let place = Place::new();
        let mut running = place.serve(&[]);
        running.signal(signal);
        let last = running.wait_for("server stopped");
        assert!(last.contains(r#""answered":true"#) && last.contains(r#""handed_over":true"#), "{last}");
        assert_eq!(running.status(), 0);
    }
}

#[test]
fn a_request_that_is_under_way_is_answered_and_no_other_taken() {
    let place = Place::new();
    let mut running = place.serve(&[]);
    let address = place.url("").replace("http://", "");
    let mut under_way = TcpStream::connect(&address).unwrap();
    let head = "POST /v1/setup/complete HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 2\r\nexpect: 100-continue\r\n\r\n";
    under_way.write_all(head.as_bytes()).unwrap();
    // The server says so once it waits for the body (RFC 9110, section 10.1.1): the request is under way.
    let mut go_on = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    under_way.read_exact(&mut go_on).unwrap();
    running.signal("TERM");
    running.wait_for("server was told to stop");
    under_way.write_all(b"{}").unwrap();
    let mut answer = String::new();
    under_way.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    running.wait_for("server stopped");
    assert_eq!(running.status(), 0);
    assert!(TcpStream::connect(&address).is_err());
}

fn ask_for_health(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn slow_and_absurd_heads_do_no_harm() {
    let place = Place::new();
    let _running = place.serve(&[]);
    let address = place.url("").replace("http://", "");
    let mut absurd = TcpStream::connect(&address).unwrap();
    let head = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx-wide: {}\r\n\r\n", "a".repeat(200 * 1024));
    // The server may close before all is written.
    let _ = absurd.write_all(head.as_bytes());
    let mut answer = String::new();
    let _ = absurd.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let mut garbage = TcpStream::connect(&address).unwrap();
    garbage.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n").unwrap();
    let mut answer = String::new();
    let _ = garbage.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(ask_for_health(&address).starts_with("HTTP/1.1 200"));
}
