//! What may go out does, and leaves its record.

use serde_json::json;

use super::*;

#[tokio::test]
async fn an_allowed_call_gets_its_answer_and_its_record() {
    let ground = Ground::new().await;
    let server = Server::plain("127.0.0.1:0").await;
    let names = Names::of(NAME, &["127.0.0.1"]);
    let url = format!("http://{NAME}:{}", server.port());
    let door = ground.door(entry(&format!("{url}/v1")), &names);
    let request = Request::post(format!("{url}/v1/values?tag=secret-query"))
        .header("authorization", "secret-header")
        .header("host", "somewhere.else")
        .header("connection", "keep-alive")
        .body(Bytes::from("secret-body"));
    let response = door.send(CONNECTOR, request.unwrap()).await.unwrap();
    assert_eq!((response.status().as_u16(), response.body().as_ref()), (200, &b"answer"[..]));

    let arrived = &server.requests()[0];
    assert_eq!(arrived.target, "/v1/values?tag=secret-query");
    assert_eq!(arrived.headers["host"], format!("{NAME}:{}", server.port()).as_str());
    assert_eq!(arrived.headers["authorization"], "secret-header");
    assert_eq!(arrived.headers["connection"], "close");
    assert_eq!(arrived.body, "secret-body");

    let record = Ground::only(ground.records().await);
    assert_eq!(record["action"], "egress.called");
    assert_eq!(record["actor"], "appliance");
    assert_eq!(record["outcome"], "success");
    assert_eq!(record["object"], json!({ "kind": "connector", "id": CONNECTOR }));
    let mut detail = record["detail"].clone();
    assert!(detail["duration_ms"].as_u64().is_some_and(|ms| ms < 5_000), "{record:#}");
    detail["duration_ms"] = json!(0);
    let expected = json!({
        "connector": CONNECTOR,
        "host": NAME,
        "port": server.port(),
        "address": format!("127.0.0.1:{}", server.port()),
        "method": "POST",
        "status": 200,
        "request_bytes": 11,
        "response_bytes": 6,
        "duration_ms": 0,
    });
    assert_eq!(detail, expected);
    let text = record.to_string();
    assert!(!text.contains("secret") && !text.contains("values"), "{text}");
}

#[tokio::test]
async fn a_failure_of_the_other_side_is_an_answer_too() {
    let ground = Ground::new().await;
    let server = Server::plain("127.0.0.1:0").await;
    let url = format!("http://127.0.0.1:{}/teapot", server.port());
    let door = ground.door(entry(&url), &Names::default());
    let response = door.send(CONNECTOR, post(&url, "")).await.unwrap();
    assert_eq!(response.status().as_u16(), 418);
    let record = Ground::only(ground.records().await);
    assert_eq!((&record["outcome"], &record["detail"]["status"]), (&json!("success"), &json!(418)));
}

#[tokio::test]
async fn the_address_that_was_resolved_is_the_one_connected_to_and_asked_for_once() {
    let ground = Ground::new().await;
    // Two servers on the same port: only the address tells them apart. The operating system would
    // lead to the other one.
    let meant = Server::plain("127.0.0.2:0").await;
    let other = Server::plain(&format!("127.0.0.1:{}", meant.port())).await;
    let names = Names::of("localhost", &["127.0.0.2"]);
    let url = format!("http://localhost:{}/", meant.port());
    let door = ground.door(entry(&url), &names);
    door.send(CONNECTOR, post(&url, "")).await.unwrap();
    assert_eq!((meant.connections(), names.times_asked()), (1, 1));
    // The next call asks again: what was true a minute ago need not be.
    names.say("localhost", &["169.254.1.1"]);
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "address_refused");
    assert_eq!((meant.connections(), names.times_asked()), (1, 2));
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn the_next_address_is_tried_when_one_does_not_accept() {
    let ground = Ground::new().await;
    let server = Server::plain("127.0.0.2:0").await;
    let names = Names::of(NAME, &["127.0.0.3", "127.0.0.2"]);
    let url = format!("http://{NAME}:{}/", server.port());
    let door = ground.door(entry(&url), &names);
    door.send(CONNECTOR, post(&url, "")).await.unwrap();
    let record = Ground::only(ground.records().await);
    assert_eq!(record["detail"]["address"], format!("127.0.0.2:{}", server.port()));
}

#[tokio::test]
async fn the_operating_system_is_asked_when_nobody_else_is_named() {
    let ground = Ground::new().await;
    let server = Server::plain("127.0.0.1:0").await;
    let url = format!("http://localhost:{}/", server.port());
    let mut entry = entry(&url);
    let door = Door::open(vec![entry.clone()], ground.store.clone()).unwrap();
    let response = door.send(CONNECTOR, post(&url, "")).await.unwrap();
    assert_eq!(response.status().as_u16(), 200);
    entry.loopback = Loopback::Refuse;
    let door = Door::open(vec![entry], ground.store.clone()).unwrap();
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "address_refused");
    assert_eq!(server.connections(), 1);
}
