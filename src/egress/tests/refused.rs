//! What may not go out does not, and the attempt is recorded.

use serde_json::json;

use super::*;

#[tokio::test]
async fn what_the_entry_does_not_allow_is_refused_before_a_connection() {
    let ground = Ground::new().await;
    let server = Server::plain("127.0.0.1:0").await;
    let names = Names::of(NAME, &["127.0.0.1"]);
    names.say("evil.example", &["127.0.0.1"]);
    let port = server.port();
    let mut entry = entry(&format!("http://{NAME}:{port}/v1"));
    entry.limits.request_max_bytes = 4;
    let door = ground.door(entry, &names);
    let cases = [
        (format!("https://{NAME}:{port}/v1"), "scheme_refused"),
        (format!("http://evil.example:{port}/v1"), "host_refused"),
        (format!("http://{NAME}@evil.example:{port}/v1"), "url_refused"),
        (format!("http://127.0.0.1:{port}/v1"), "host_refused"),
        (format!("http://{NAME}:1/v1"), "port_refused"),
        (format!("http://{NAME}:{port}/v2"), "path_refused"),
        (format!("http://{NAME}:{port}/v1/../v2"), "path_refused"),
    ];
    for (url, expected) in &cases {
        assert_eq!(code(door.send(CONNECTOR, post(url, "")).await), *expected, "{url}");
    }
    let url = format!("http://{NAME}:{port}/v1");
    assert_eq!(code(door.send("mail", post(&url, "")).await), "connector_unknown");
    assert_eq!(code(door.send(CONNECTOR, post(&url, "12345")).await), "request_too_large");
    let connect = Request::builder().method("CONNECT").uri(&url).body(Bytes::new()).unwrap();
    assert_eq!(code(door.send(CONNECTOR, connect).await), "method_refused");
    assert_eq!((server.connections(), names.times_asked()), (0, 0));

    let records = ground.records().await;
    let codes: Vec<_> = records.iter().map(|r| r["detail"]["error"].as_str().unwrap()).collect();
    let mut expected: Vec<_> = cases.iter().map(|(_, code)| *code).collect();
    expected.extend(["connector_unknown", "request_too_large", "method_refused"]);
    assert_eq!(codes, expected);
    for record in &records {
        assert_eq!(record["outcome"], "denied", "{record:#}");
        assert_eq!(record["detail"]["request_bytes"], 0, "{record:#}");
        assert!(record["detail"]["address"].is_null(), "{record:#}");
    }
    assert_eq!(records[1]["detail"]["host"], "evil.example");
    assert_eq!(records[7]["object"]["id"], "mail");

    // The same door lets through what its entry says.
    door.send(CONNECTOR, post(&url, "1234")).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_empty_allow_list_refuses_everything() {
    let ground = Ground::new().await;
    let door = Door::open(Vec::new(), ground.store.clone()).unwrap();
    let sent = door.send(CONNECTOR, post("https://example.org/", "")).await;
    assert_eq!(code(sent), "connector_unknown");
}

#[tokio::test]
async fn addresses_that_no_connector_means_are_refused() {
    let ground = Ground::new().await;
    let server = Server::plain("127.0.0.1:0").await;
    let names = Names::default();
    let url = format!("http://{NAME}:{}/", server.port());
    let mut allowed = entry(&url);
    allowed.loopback = Loopback::Refuse;
    let door = ground.door(allowed, &names);
    let cases: [&[&str]; 6] = [
        &["169.254.169.254"],
        &["fe80::1"],
        &["0.0.0.0"],
        &["224.0.0.1"],
        &["127.0.0.1"],
        // One bad address among good ones condemns them all.
        &["192.0.2.1", "::ffff:127.0.0.1"],
    ];
    for addresses in cases {
        names.say(NAME, addresses);
        let sent = door.send(CONNECTOR, post(&url, "")).await;
        assert_eq!(code(sent), "address_refused", "{addresses:?}");
    }
    names.say(NAME, &[]);
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "name_unresolved");
    assert_eq!(server.connections(), 0);
    let records = ground.records().await;
    assert_eq!(records[0]["outcome"], "denied");
    let tried = format!("169.254.169.254:{}", server.port());
    assert_eq!(records[0]["detail"]["address"], tried);
    assert_eq!(records[6]["outcome"], "failed");

    // An address instead of a name takes the same way.
    let url = format!("http://169.254.169.254:{}/latest/meta-data", server.port());
    let door = ground.door(entry(&url), &names);
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "address_refused");
}

#[tokio::test]
async fn entries_that_make_no_sense_are_refused_when_the_door_is_built() {
    let ground = Ground::new().await;
    let open = |list| Door::open(list, ground.store.clone()).err().map(|e| e.code());
    let good = entry("http://127.0.0.1:1/");
    assert_eq!(open(vec![good.clone(), good.clone()]), Some("entry_invalid"));
    let wrong: [fn(&mut Entry); 5] = [
        |entry| entry.host = "Upper.example".into(),
        |entry| entry.host = "[::1]".into(),
        |entry| entry.path_prefix = "v1".into(),
        |entry| entry.limits.timeout_ms = 0,
        |entry| entry.connector = "a b".into(),
    ];
    for spoil in wrong {
        let mut entry = good.clone();
        spoil(&mut entry);
        assert_eq!(open(vec![entry.clone()]), Some("entry_invalid"), "{entry:?}");
    }
    assert_eq!(open(vec![good]), None);
}

#[tokio::test]
async fn a_call_that_can_not_be_recorded_fails_its_caller() {
    let ground = Ground::new().await;
    let server = Server::plain("127.0.0.1:0").await;
    let url = format!("http://127.0.0.1:{}/", server.port());
    let door = ground.door(entry(&url), &Names::default());
    door.send(CONNECTOR, post(&url, "")).await.unwrap();
    assert_eq!(Ground::only(ground.records().await)["detail"]["status"], json!(200));
    ground.store.close().await;
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "not_recorded");
}

#[tokio::test]
async fn nothing_goes_out_while_the_log_can_not_be_written() {
    let ground = Ground::new().await.damaged().await;
    assert!(matches!(ground.store.health(), store::Health::ReadOnly(_)));
    let server = Server::plain("127.0.0.1:0").await;
    let url = format!("http://127.0.0.1:{}/", server.port());
    let door = ground.door(entry(&url), &Names::default());
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "not_recorded");
    assert_eq!(server.connections(), 0);
}
