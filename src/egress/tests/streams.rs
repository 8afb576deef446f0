//! Answers that come piece by piece.

use std::time::Duration;

use tokio::sync::mpsc;

use super::server::LARGE_BYTES;
use super::*;

async fn at(ground: &Ground, limits: CallLimits) -> (Server, Door, String) {
    let server = Server::plain("127.0.0.1:0").await;
    let url = format!("http://127.0.0.1:{}", server.port());
    let mut entry = entry(&url);
    entry.limits = limits;
    let door = ground.door(entry, &Names::default());
    (server, door, url)
}

#[tokio::test]
async fn pieces_are_there_before_the_end_and_both_ends_are_recorded() {
    let ground = Ground::new().await;
    let (server, door, url) = at(&ground, CallLimits::default()).await;
    let (sink, mut pieces) = mpsc::channel(4);
    let request = post(&format!("{url}/slow"), "secret question");
    let calling = tokio::spawn({
        let door = door.clone();
        async move { door.stream(CONNECTOR, request, sink).await }
    });
    // The server says the second word only when it is told to.
    assert_eq!(pieces.recv().await.unwrap(), "one ");
    let opened = Ground::only(ground.records().await);
    assert_eq!(
        (&opened["action"], &opened["detail"]["status"]),
        (&"egress.opened".into(), &200.into())
    );
    server.go_on();
    assert_eq!(pieces.recv().await.unwrap(), "two");
    assert_eq!(pieces.recv().await, None);
    let answer = calling.await.unwrap().unwrap();
    assert!(answer.status().is_success() && answer.body().is_empty());
    let records = ground.records().await;
    assert_eq!(records.len(), 2, "{records:#?}");
    assert_eq!(records[1]["action"], "egress.called");
    assert_eq!(records[1]["detail"]["response_bytes"], 7);
    assert!(!format!("{records:?}").contains("question"));
}

#[tokio::test]
async fn whoever_listens_no_more_ends_the_call() {
    let ground = Ground::new().await;
    let (_server, door, url) = at(&ground, CallLimits::default()).await;
    let (sink, mut pieces) = mpsc::channel(4);
    let request = post(&format!("{url}/slow"), "");
    let calling = tokio::spawn({
        let door = door.clone();
        async move { door.stream(CONNECTOR, request, sink).await }
    });
    assert_eq!(pieces.recv().await.unwrap(), "one ");
    drop(pieces);
    let ended = tokio::time::timeout(Duration::from_secs(5), calling).await.unwrap().unwrap();
    assert_eq!(code(ended), "caller_gone");
    assert_eq!(ground.records().await[1]["detail"]["error"], "caller_gone");
}

#[tokio::test]
async fn limits_and_refusals_are_those_of_other_calls() {
    let ground = Ground::new().await;
    let limits = CallLimits { response_max_bytes: LARGE_BYTES - 1, ..CallLimits::default() };
    let (server, door, url) = at(&ground, limits).await;
    for (path, expected) in [
        ("/large", "response_too_large"),
        ("/large/chunked", "response_too_large"),
        ("/redirect", "redirected"),
    ] {
        let (sink, mut pieces) = mpsc::channel(1_000);
        let sent = door.stream(CONNECTOR, post(&format!("{url}{path}"), ""), sink).await;
        assert_eq!(code(sent), expected, "{path}");
        let mut read = 0;
        while let Some(piece) = pieces.recv().await {
            read += piece.len();
        }
        assert!(read < LARGE_BYTES, "{path}: {read}");
    }
    // What is no success comes back whole, and goes to nobody piece by piece.
    let (sink, mut pieces) = mpsc::channel(4);
    let sent = door.stream(CONNECTOR, post(&format!("{url}/teapot"), ""), sink).await.unwrap();
    assert_eq!((sent.status().as_u16(), sent.body().as_ref()), (418, &b"short"[..]));
    assert_eq!(pieces.recv().await, None);
    let before = server.requests().len();
    let (sink, _pieces) = mpsc::channel(4);
    let sent = door.stream(CONNECTOR, post("http://127.0.0.2:1/x", ""), sink).await;
    assert_eq!(code(sent), "host_refused");
    assert_eq!((before, server.requests().len()), (4, 0));
}
