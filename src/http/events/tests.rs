#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use base::{OsEntropy, Timestamp};
use http_body_util::BodyExt as _;

use super::*;

fn request() -> RequestId {
    RequestId::new(Timestamp::from_unix_ms(1), &OsEntropy).unwrap()
}

fn owner() -> Owner {
    let tenant = TenantId::new(Timestamp::from_unix_ms(1), &OsEntropy).unwrap();
    Owner { tenant, actor: Actor::Console, user: None }
}

async fn text(response: axum::response::Response) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_reader_gets_all_events_with_ids_and_then_the_end() {
    let streams = Streams::default();
    let id = request();
    let stream = streams.open(id, owner()).unwrap();
    stream.push("status", r#"{"stage":"searching"}"#.into());
    stream.push("done", "{}".into());
    stream.finish();
    let expected = format!(
        "event: status\nid: {id}:1\ndata: {{\"stage\":\"searching\"}}\n\n\
         event: done\nid: {id}:2\ndata: {{}}\n\n"
    );
    assert_eq!(text(answer(&stream, 0)).await, expected);
}

#[tokio::test]
async fn a_client_that_comes_back_gets_what_followed() {
    let streams = Streams::default();
    let (id, me) = (request(), owner());
    let stream = streams.open(id, me).unwrap();
    for n in 0..5 {
        stream.push("token", n.to_string());
    }
    stream.finish();
    let last: EventId = format!("{id}:3").parse().unwrap();
    let found = streams.find(last.stream, me).unwrap();
    let rest = text(answer(&found, last.number)).await;
    assert_eq!(rest.matches("event: token").count(), 2);
    assert!(rest.contains("data: 3\n") && rest.contains("data: 4\n"));
    // Nobody else finds it.
    assert!(streams.find(id, owner()).is_none());
}

fn quick() -> Streams {
    let timing = Timing {
        keep_finished: Duration::ZERO,
        abandon_after: Duration::from_millis(5),
        heartbeat: Duration::from_millis(5),
    };
    Streams { timing, ..Streams::default() }
}

#[tokio::test]
async fn a_finished_stream_is_kept_for_its_time_and_no_longer() {
    let (id, me) = (request(), owner());
    let (streams, brief) = (Streams::default(), quick());
    for kept in [&streams, &brief] {
        let stream = kept.open(id, me).unwrap();
        assert!(kept.find(id, me).is_some(), "it has not ended");
        stream.finish();
        let later = Instant::now() + Duration::from_secs(59);
        assert!(!stream.buffer.is_over(later, Duration::from_secs(60)));
    }
    assert!(streams.find(id, me).is_some());
    assert!(brief.find(id, me).is_none());
}

#[tokio::test]
async fn a_stream_without_readers_is_abandoned_but_not_one_that_is_read() {
    let stream = quick().open(request(), owner()).unwrap();
    let (first, second) = (answer(&stream, 0), answer(&stream, 0));
    let mut waiting = std::pin::pin!(stream.abandoned());
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    drop(first);
    // A reader is left: the time does not even begin to run.
    let outcome = tokio::time::timeout(Duration::from_millis(50), waiting.as_mut()).await;
    assert!(outcome.is_err());
    drop(second);
    waiting.await;
}

#[tokio::test]
async fn a_silent_stream_sends_heartbeats() {
    let id = request();
    let stream = quick().open(id, owner()).unwrap();
    stream.push("status", "{}".into());
    let mut body = answer(&stream, 0).into_body();
    for name in ["status", "heartbeat", "heartbeat"] {
        let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
        let expected = format!("event: {name}\nid: {id}:1\n");
        assert!(std::str::from_utf8(&frame).unwrap().starts_with(&expected));
    }
}

#[tokio::test]
async fn a_reader_that_is_too_far_behind_is_told() {
    let streams = Streams::default();
    let stream = streams.open(request(), owner()).unwrap();
    for _ in 0..3 {
        stream.push("token", "x".repeat(600 * 1024));
    }
    stream.finish();
    let got = text(answer(&stream, 0)).await;
    assert!(got.starts_with("event: error\n") && got.contains("stream_expired"), "{got:.80}");
}

#[tokio::test]
async fn streams_are_bounded() {
    let streams = Streams::default();
    let me = owner();
    for _ in 0..STREAMS_MAX {
        streams.open(request(), me).unwrap();
    }
    assert!(streams.open(request(), me).is_err());
}
