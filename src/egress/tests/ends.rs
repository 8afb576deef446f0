//! How calls end that were allowed: by limits, redirects, dead hosts and closed doors.

use std::time::{Duration, Instant};

use serde_json::json;

use super::server::LARGE_BYTES;
use super::*;

/// A door to a server of its own.
async fn at(ground: &Ground, limits: CallLimits) -> (Server, Door, String) {
    let server = Server::plain("127.0.0.1:0").await;
    let url = format!("http://127.0.0.1:{}", server.port());
    let mut entry = entry(&url);
    entry.limits = limits;
    let door = ground.door(entry, &Names::default());
    (server, door, url)
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let ground = Ground::new().await;
    let (server, door, url) = at(&ground, CallLimits::default()).await;
    let sent = door.send(CONNECTOR, post(&format!("{url}/redirect"), "")).await;
    assert!(matches!(sent, Err(EgressError::Redirected { status: 302 })), "{sent:?}");
    assert_eq!((server.connections(), server.requests().len()), (1, 1));
    let record = Ground::only(ground.records().await);
    assert_eq!(record["outcome"], "failed");
    assert_eq!(record["detail"]["status"], 302);
    assert_eq!(record["detail"]["error"], "redirected");
    assert!(!record.to_string().contains("elsewhere"));
}

#[tokio::test]
async fn an_answer_above_the_limit_is_cut_off() {
    let ground = Ground::new().await;
    let limits = CallLimits { response_max_bytes: LARGE_BYTES - 1, ..CallLimits::default() };
    let (_server, door, url) = at(&ground, limits).await;
    for path in ["/large", "/large/chunked"] {
        let sent = door.send(CONNECTOR, post(&format!("{url}{path}"), "")).await;
        assert_eq!(code(sent), "response_too_large", "{path}");
    }
    let read = |record: &Value| record["detail"]["response_bytes"].as_u64().unwrap();
    let records = ground.records().await;
    // A declared length is believed before anything is read.
    assert_eq!(read(&records[0]), 0, "{records:#?}");
    assert!((LARGE_BYTES as u64..2 * LARGE_BYTES as u64).contains(&read(&records[1])));

    let limits = CallLimits { response_max_bytes: LARGE_BYTES, ..CallLimits::default() };
    let (_server, door, url) = at(&ground, limits).await;
    for path in ["/large", "/large/chunked"] {
        let sent = door.send(CONNECTOR, post(&format!("{url}{path}"), "")).await;
        assert_eq!(sent.unwrap().body().len(), LARGE_BYTES, "{path}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_left_in_time() {
    let ground = Ground::new().await;
    let limits = CallLimits { timeout_ms: 200, ..CallLimits::default() };
    let (server, door, url) = at(&ground, limits).await;
    let started = Instant::now();
    let sent = door.send(CONNECTOR, post(&format!("{url}/never"), "12345678")).await;
    assert_eq!(code(sent), "timed_out");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    assert_eq!(server.connections(), 1);
    let record = Ground::only(ground.records().await);
    assert_eq!(record["detail"]["error"], "timed_out");
    assert_eq!(record["detail"]["request_bytes"], 8);
    assert_eq!(record["detail"]["address"], json!(server.address));
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_an_error_of_its_own() {
    let ground = Ground::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let door = ground.door(entry(&url), &Names::default());
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "connect_failed");
    assert_eq!(Ground::only(ground.records().await)["outcome"], "failed");
}

#[tokio::test]
async fn no_more_calls_than_allowed_are_on_their_way() {
    let ground = Ground::new().await;
    let limits = CallLimits { calls_max: 1, ..CallLimits::default() };
    let (server, door, url) = at(&ground, limits).await;
    let slow = {
        let (door, request) = (door.clone(), post(&format!("{url}/never"), ""));
        tokio::spawn(async move { door.send(CONNECTOR, request).await })
    };
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "busy");
    door.close().await;
    assert_eq!(code(slow.await.unwrap()), "door_closed");
}

#[tokio::test]
async fn a_call_is_recorded_also_when_its_caller_goes_away() {
    let ground = Ground::new().await;
    let (server, door, url) = at(&ground, CallLimits::default()).await;
    let caller = {
        let (door, request) = (door.clone(), post(&format!("{url}/never"), ""));
        tokio::spawn(async move { door.send(CONNECTOR, request).await })
    };
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert!(ground.records().await.is_empty());
    door.close().await;
    let record = Ground::only(ground.records().await);
    assert_eq!(record["detail"]["error"], "door_closed");
    assert_eq!(record["detail"]["address"], json!(server.address));
    // Closed is closed.
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "door_closed");
    assert_eq!(server.connections(), 1);
}
