use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::{get, post};
use curfew_domain::testing::{SeededEntropy, TestClock};
use futures::FutureExt;
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::{ApiJson, ApiQuery};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thing {
    name: String,
}

async fn broken() -> String {
    panic!("secret detail")
}

async fn stuck() -> String {
    std::future::pending().await
}

fn edge(settings: EdgeSettings) -> Arc<Edge> {
    Arc::new(Edge::new(&settings, Arc::new(TestClock::default()), Arc::new(SeededEntropy::new(1))))
}

fn router(settings: EdgeSettings) -> Router {
    let routes = Router::new()
        .route("/v1/things", post(|ApiJson(thing): ApiJson<Thing>| async move { thing.name }))
        .route("/v1/search", get(|ApiQuery(thing): ApiQuery<Thing>| async move { thing.name }))
        .route(
            "/v1/optional",
            post(|thing: Option<ApiJson<Thing>>| async move { thing.map_or("none".into(), |t| t.0.name) }),
        )
        .route("/v1/panic", get(broken))
        .route("/v1/slow", get(stuck))
        .route("/healthz", get(|| async { "ok" }));
    surround(crate::routes::with_fallbacks(routes), &edge(settings))
}

async fn ask(router: &Router, request: Request<Body>) -> Response<Body> {
    router.clone().oneshot(request).await.unwrap()
}

fn get_(uri: &str) -> Request<Body> {
    Request::builder().uri(uri).body(Body::empty()).unwrap()
}

fn post_(uri: &str, content_type: Option<&str>, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::builder().method(Method::POST).uri(uri);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.body(body.into()).unwrap()
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[track_caller]
fn refused(status: StatusCode, body: &Value, expected: u16, code: &str) {
    assert_eq!((status.as_u16(), body["code"].as_str()), (expected, Some(code)), "{body}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
}

async fn refusal(response: Response<Body>, expected: u16, code: &str) -> Value {
    let status = response.status();
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    refused(status, &body, expected, code);
    body
}

#[tokio::test]
async fn an_unknown_path_is_answered_in_the_one_error_body() {
    let router = router(EdgeSettings::default());
    refusal(ask(&router, get_("/v1/nothing")).await, 404, "not_found").await;
    refusal(ask(&router, get_("/")).await, 404, "not_found").await;
}

#[tokio::test]
async fn a_wrong_method_is_refused_and_told_which_are_right() {
    let response = ask(&router(EdgeSettings::default()), get_("/v1/things")).await;
    assert_eq!(response.headers()["allow"], "POST");
    refusal(response, 405, "method_not_allowed").await;
}

#[tokio::test]
async fn a_body_that_is_not_announced_as_json_is_refused() {
    let router = router(EdgeSettings::default());
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("json")] {
        let response = ask(&router, post_("/v1/things", content_type, r#"{"name":"a"}"#)).await;
        refusal(response, 415, "unsupported_media_type").await;
    }
    for content_type in ["application/json", "Application/JSON; charset=utf-8", "application/problem+json"] {
        let response = ask(&router, post_("/v1/things", Some(content_type), r#"{"name":"a"}"#)).await;
        assert_eq!(text(response).await, "a");
    }
}

#[tokio::test]
async fn a_body_of_more_than_a_mebibyte_is_refused_announced_or_not() {
    let router = router(EdgeSettings::default());
    let large = format!(r#"{{"name":"{}"}}"#, "a".repeat(2 * 1024 * 1024));
    let announced = post_("/v1/things", Some("application/json"), large.clone());
    refusal(ask(&router, announced).await, 413, "payload_too_large").await;
    let chunks = large.as_bytes().chunks(64 * 1024).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()));
    let streamed = Body::from_stream(futures::stream::iter(chunks.collect::<Vec<_>>()));
    let streamed = post_("/v1/things", Some("application/json"), streamed);
    refusal(ask(&router, streamed).await, 413, "payload_too_large").await;
}

#[tokio::test]
async fn unsound_json_is_refused_with_the_path_of_what_is_wrong() {
    let router = router(EdgeSettings::default());
    let deep = format!(r#"{{"name":{}"#, "[".repeat(100_000));
    for (json, path) in [
        ("", ""),
        ("{", ""),
        ("null", ""),
        ("[]", ""),
        (r#"{"name":"a"} {}"#, ""),
        (r#"{"name":7}"#, "name"),
        ("{}", "name"),
        (r#"{"name":"a","nickname":"b"}"#, "nickname"),
        (r#"{"name":"a","name":"b"}"#, "name"),
        (r#"{"name":"a\u0000"}"#, "name"),
        (r#"{"name":"\ud800"}"#, "name"),
        (deep.as_str(), "name"),
    ] {
        let response = ask(&router, post_("/v1/things", Some("application/json"), json.to_owned())).await;
        let body = refusal(response, 400, "invalid_request").await;
        let fields = body["details"]["fields"].as_object().unwrap();
        assert_eq!(fields.keys().collect::<Vec<_>>(), [path], "{json:.40}: {body}");
    }
}

#[tokio::test]
async fn a_body_may_be_left_out_only_where_the_operation_says_so() {
    let router = router(EdgeSettings::default());
    assert_eq!(text(ask(&router, post_("/v1/optional", None, "")).await).await, "none");
    let given = post_("/v1/optional", Some("application/json"), r#"{"name":"a"}"#);
    assert_eq!(text(ask(&router, given).await).await, "a");
    refusal(ask(&router, post_("/v1/optional", None, "{}")).await, 415, "unsupported_media_type").await;
    refusal(ask(&router, post_("/v1/things", None, "")).await, 415, "unsupported_media_type").await;
}

#[tokio::test]
async fn unknown_and_repeated_parameters_are_refused() {
    let router = router(EdgeSettings::default());
    assert_eq!(text(ask(&router, get_("/v1/search?name=a%20b")).await).await, "a b");
    for query in ["", "name=a&x=1", "name=a&name=b", "name=%00"] {
        let response = ask(&router, get_(&format!("/v1/search?{query}"))).await;
        refusal(response, 400, "invalid_request").await;
    }
}

#[tokio::test]
async fn a_panic_tells_the_caller_an_incident_id_and_nothing_else() {
    let response = ask(&router(EdgeSettings::default()), get_("/v1/panic")).await;
    let body = refusal(response, 500, "internal").await;
    assert!(!body.to_string().contains("secret detail"), "{body}");
    assert_eq!(body["details"].as_object().unwrap().keys().collect::<Vec<_>>(), ["incident_id"]);
    assert!(body["details"]["incident_id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
}

#[tokio::test]
async fn a_sane_request_id_is_echoed_and_another_replaced() {
    let router = router(EdgeSettings::default());
    let with = |id: &str| Request::builder().uri("/healthz").header("x-request-id", id).body(Body::empty());
    let echoed = ask(&router, with("build-7.retry_2").unwrap()).await;
    assert_eq!(echoed.headers()["x-request-id"], "build-7.retry_2");
    let long = "a".repeat(129);
    for bad in ["", "a b", "a;b", "é", long.as_str()] {
        let made = ask(&router, with(bad).unwrap()).await;
        let id = made.headers()["x-request-id"].to_str().unwrap();
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{bad}: {id}");
    }
    let refused = ask(&router, get_("/v1/nothing")).await;
    assert!(refused.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn urls_and_headers_have_limits() {
    let router = router(EdgeSettings::default());
    let long = get_(&format!("/v1/search?name={}", "a".repeat(9 * 1024)));
    refusal(ask(&router, long).await, 413, "payload_too_large").await;
    let mut many = Request::builder().uri("/healthz");
    for n in 0..65 {
        many = many.header(format!("x-{n}"), "1");
    }
    refusal(ask(&router, many.body(Body::empty()).unwrap()).await, 413, "payload_too_large").await;
    let wide = Request::builder().uri("/healthz").header("x-wide", "a".repeat(33 * 1024));
    refusal(ask(&router, wide.body(Body::empty()).unwrap()).await, 413, "payload_too_large").await;
}

#[tokio::test]
async fn an_address_that_asks_too_much_is_told_when_to_come_back() {
    let settings = EdgeSettings { requests_a_minute: NonZeroU32::new(1), ..EdgeSettings::default() };
    let router = router(settings);
    let from = |address: &str, uri: &str| {
        let mut request = get_(uri);
        let address: SocketAddr = address.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(address));
        request
    };
    for _ in 0..10 {
        assert_eq!(ask(&router, from("192.0.2.1:1000", "/v1/search?name=a")).await.status(), 200);
    }
    let response = ask(&router, from("192.0.2.1:1001", "/v1/search?name=a")).await;
    assert_eq!(response.headers()["retry-after"], "6");
    refusal(response, 429, "rate_limited").await;
    assert_eq!(ask(&router, from("192.0.2.2:1000", "/v1/search?name=a")).await.status(), 200);
    assert_eq!(ask(&router, from("192.0.2.1:1000", "/healthz")).await.status(), 200);
}

#[tokio::test]
async fn a_credential_that_asks_too_much_is_refused_whatever_its_address() {
    let settings = EdgeSettings { requests_a_minute: NonZeroU32::new(2), ..EdgeSettings::default() };
    let edge = edge(settings);
    let credential = |n| CredentialId::from_uuid(uuid::Uuid::from_u128(n));
    assert!(edge.count_credential(credential(1)).is_ok());
    assert!(edge.count_credential(credential(1)).is_ok());
    assert!(edge.count_credential(credential(1)).is_err());
    assert!(edge.count_credential(credential(2)).is_ok());
}

#[tokio::test]
async fn without_a_limit_nobody_is_refused() {
    let edge = edge(EdgeSettings { requests_a_minute: None, ..EdgeSettings::default() });
    let credential = CredentialId::from_uuid(uuid::Uuid::nil());
    for _ in 0..5_000 {
        assert!(edge.count_credential(credential).is_ok());
    }
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let settings = EdgeSettings { patience: Duration::ZERO, ..EdgeSettings::default() };
    let response = ask(&router(settings), get_("/v1/slow")).await;
    assert_eq!(response.headers()["retry-after"], "1");
    refusal(response, 503, "unavailable").await;
}

#[tokio::test]
async fn a_full_server_says_so_at_once_but_answers_probes() {
    let router = router(EdgeSettings { at_a_time: 1, ..EdgeSettings::default() });
    let slow = tokio::spawn({
        let router = router.clone();
        async move { ask(&router, get_("/v1/slow")).await }
    });
    let mut busy = ask(&router, get_("/v1/search?name=a")).await;
    while busy.status() == StatusCode::OK {
        tokio::task::yield_now().await;
        busy = ask(&router, get_("/v1/search?name=a")).await;
    }
    refusal(busy, 503, "unavailable").await;
    assert_eq!(ask(&router, get_("/healthz")).await.status(), 200);
    slow.abort();
}

#[tokio::test]
async fn answers_carry_the_headers_that_keep_browsers_in_check() {
    let plain = ask(&router(EdgeSettings::default()), get_("/v1/search?name=a")).await;
    assert_eq!(plain.headers()["x-content-type-options"], "nosniff");
    assert_eq!(plain.headers()["cache-control"], "no-store");
    assert_eq!(plain.headers()["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    assert!(!plain.headers().contains_key("strict-transport-security"));
    let settings = EdgeSettings { over_tls: true, ..EdgeSettings::default() };
    let tls = ask(&router(settings), get_("/v1/search?name=a")).await;
    assert!(tls.headers().contains_key("strict-transport-security"));
}

fn from(peer: &str, mut request: Request<Body>) -> Request<Body> {
    let peer: SocketAddr = peer.parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_caller_has_their_own_quota() {
    let settings = EdgeSettings {
        requests_a_minute: NonZeroU32::new(1),
        trusted_proxies: "10.0.0.1".parse().unwrap(),
        ..EdgeSettings::default()
    };
    let router = router(settings);
    let forwarded = |peer: &str, by: &str| {
        let mut request = from(peer, get_("/v1/search?name=a"));
        request.headers_mut().insert("x-forwarded-for", by.parse().unwrap());
        request
    };
    for _ in 0..10 {
        assert_eq!(ask(&router, forwarded("10.0.0.1:1", "192.0.2.1")).await.status(), 200);
    }
    // What the caller wrote themselves, to the left, is no new address.
    for by in ["192.0.2.1", "198.51.100.1, 192.0.2.1"] {
        refusal(ask(&router, forwarded("10.0.0.1:2", by)).await, 429, "rate_limited").await;
    }
    assert_eq!(ask(&router, forwarded("10.0.0.1:3", "192.0.2.2")).await.status(), 200);
    // Nobody else is believed.
    for n in 0..10 {
        assert_eq!(ask(&router, forwarded("203.0.113.9:1", &format!("192.0.2.{n}"))).await.status(), 200);
    }
    refusal(ask(&router, forwarded("203.0.113.9:1", "192.0.2.77")).await, 429, "rate_limited").await;
}

#[tokio::test]
async fn one_address_does_not_take_all_turns() {
    let router = router(EdgeSettings { at_a_time: 2, at_a_time_for_one: 1, ..EdgeSettings::default() });
    let endless = || Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let post = || from("192.0.2.1:1", post_("/v1/things", Some("application/json"), endless()));
    let slow = tokio::spawn({
        let (router, request) = (router.clone(), post());
        async move { ask(&router, request).await }
    });
    let search = |peer: &str| from(peer, get_("/v1/search?name=a"));
    let mut more = ask(&router, search("192.0.2.1:2")).await;
    while more.status() == StatusCode::OK {
        tokio::task::yield_now().await;
        more = ask(&router, search("192.0.2.1:2")).await;
    }
    refusal(more, 429, "rate_limited").await;
    assert_eq!(ask(&router, search("192.0.2.2:1")).await.status(), 200);
    slow.abort();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let router = router(EdgeSettings::default());
    let endless = Body::from_stream(futures::stream::pending::<Result<Vec<u8>, std::io::Error>>());
    let response = ask(&router, post_("/v1/things", Some("application/json"), endless)).await;
    let body = refusal(response, 400, "invalid_request").await;
    assert!(body.to_string().contains("10 seconds"), "{body}");
}

#[tokio::test]
async fn a_caller_who_does_not_wait_for_the_answer_is_counted() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let router = router(EdgeSettings::default());
    metrics::with_local_recorder(&recorder, || {
        assert!(ask(&router, get_("/v1/slow")).now_or_never().is_none());
        assert!(ask(&router, get_("/v1/search?name=a")).now_or_never().is_some());
    });
    let page = recorder.handle().render();
    for status in ["499", "200"] {
        assert!(page.contains(&format!(r#"status="{status}"}} 1"#)), "{page}");
    }
}

#[tokio::test]
async fn whoever_sends_a_body_that_is_not_read_is_told_that_the_connection_ends() {
    let router = router(EdgeSettings::default());
    let connection = |response: &Response<Body>| response.headers().get("connection").cloned();
    let json = Some("application/json");
    let read = ask(&router, post_("/v1/things", json, r#"{"name":"a"}"#)).await;
    assert_eq!((read.status().as_u16(), connection(&read)), (200, None));
    let unsound = ask(&router, post_("/v1/things", json, "{")).await;
    assert_eq!((unsound.status().as_u16(), connection(&unsound)), (400, None));
    let none = ask(&router, get_("/v1/nothing")).await;
    assert_eq!((none.status().as_u16(), connection(&none)), (404, None));
    for (uri, content_type, status) in [("/v1/nothing", json, 404), ("/v1/things", Some("text/plain"), 415)] {
        let refused = ask(&router, post_(uri, content_type, r#"{"name":"a"}"#)).await;
        assert_eq!(refused.status().as_u16(), status);
        assert_eq!(connection(&refused).unwrap(), "close", "{uri}");
    }
}
