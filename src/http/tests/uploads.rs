//! Uploads: streaming, fields, idempotency keys, what is left when one fails.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::support::{Client, PASSWORD, Reply, World};
use crate::Method;

const TARGET: &str = "/api/v1/documents/upload";

fn form(fields: &[(&str, &str)], content: &str) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        body +=
            &format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    body += "--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"note.md\"\r\n\r\n";
    body + content + "\r\n--b--\r\n"
}

async fn upload(client: &Client, body: impl Into<Body>) -> Reply {
    let client = client.clone().with("content-type", "multipart/form-data; boundary=b");
    client.send("POST", TARGET, body.into()).await
}

async fn operator(world: &World) -> Client {
    world.tenant().await;
    world.signed_in("o@alpha.example", "operator").await
}

#[tokio::test]
async fn a_file_becomes_a_queued_revision_and_can_be_fetched_again() {
    let world = World::new();
    let client = operator(&world).await;
    let fields = [("key", "PN-7"), ("tags", "pump"), ("classification", "PUBLIC")];
    let answer = upload(&client, form(&fields, "# Note\n\nThe gap is 3 mm.")).await.expect(202);
    let uploaded = answer.json();
    let job = format!("/api/v1/jobs/{}", uploaded["job_id"].as_str().unwrap());
    assert_eq!(answer.header("location"), job);
    assert_eq!(client.get(&job).await.expect(200).json()["state"], "queued");
    let document = format!("/api/v1/documents/{}", uploaded["document_id"].as_str().unwrap());
    let details = client.get(&document).await.expect(200);
    assert_eq!(details.json()["current"]["tags"][0], "pump");
    let known = client.clone().with("if-none-match", details.header("etag"));
    assert_eq!(known.get(&document).await.status, 304);
    let original =
        format!("{document}/revisions/{}/original", uploaded["revision_id"].as_str().unwrap());
    let file = client.get(&original).await.expect(200);
    assert_eq!(file.text(), "# Note\n\nThe gap is 3 mm.");
    assert!(file.header("content-disposition").starts_with("attachment; filename=\"note.md\""));
    client.send("DELETE", &document, Body::empty()).await.expect(204);
    client.get(&document).await.expect(404);
    client.get(&original).await.expect(404);
}

#[tokio::test]
async fn documents_are_listed_by_a_part_of_their_key_or_title_in_any_case() {
    let world = World::new();
    let client = operator(&world).await;
    let fields = [("key", "PRÜF-7"), ("title", "Převodovka")];
    upload(&client, form(&fields, "The gap is 3 mm.")).await.expect(202);
    for (text, count) in [("pr%C3%BCf", 1), ("P%C5%98EVOD", 1), ("pump", 0)] {
        let listed = client.get(&format!("/api/v1/documents?text={text}")).await.expect(200);
        assert_eq!(listed.json()["items"].as_array().unwrap().len(), count, "{text}");
    }
}

#[tokio::test]
async fn a_repeated_upload_with_the_same_key_gets_the_first_answer() {
    let world = World::new();
    let client = operator(&world).await.with("idempotency-key", "upload-1");
    let first = upload(&client, form(&[("key", "A")], "one")).await.expect(202);
    let again = upload(&client, form(&[("key", "A")], "one")).await.expect(202);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!((again.json(), again.header("location")), (first.json(), first.header("location")));
    let other = upload(&client, form(&[("key", "A")], "two")).await.expect(422);
    assert_eq!(other.json()["code"], "idempotency_key_reused");
    // Without the key it is a duplicate, and the key of somebody else is another key.
    let fresh = client.clone().with("idempotency-key", "upload-2");
    assert_eq!(upload(&fresh, form(&[("key", "A")], "one")).await.status, 409);
    let colleague = world.signed_in("p@alpha.example", "operator").await;
    let colleague = colleague.with("idempotency-key", "upload-1");
    assert_eq!(upload(&colleague, form(&[("key", "B")], "three")).await.status, 202);
    // A request that failed has given its key back.
    assert_eq!(upload(&fresh, form(&[("key", "C")], "four")).await.status, 202);
}

#[tokio::test]
async fn a_keyed_request_without_a_form_is_replayed_too() {
    let world = World::new();
    let client = operator(&world).await;
    let uploaded = upload(&client, form(&[], "text")).await.expect(202).json();
    let cancel = format!("/api/v1/jobs/{}/cancel", uploaded["job_id"].as_str().unwrap());
    let keyed = client.clone().with("idempotency-key", "cancel-1");
    let first = keyed.send("POST", &cancel, Body::empty()).await.expect(200);
    assert_eq!(first.json()["state"], "cancelled");
    let again = keyed.send("POST", &cancel, Body::empty()).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body, first.body);
    assert_eq!(client.send("POST", &cancel, Body::empty()).await.status, 409);
}

#[tokio::test]
async fn an_upload_that_is_wrong_or_cut_off_leaves_nothing() {
    let world = World::new();
    let client = operator(&world).await;
    let wrong = upload(&client, form(&[("classification", "SECRET")], "x")).await.expect(422);
    assert_eq!(wrong.json()["errors"][0]["field"], "classification");
    let unknown = upload(&client, form(&[("colour", "red")], "x")).await.expect(422);
    assert_eq!(unknown.json()["errors"][0]["field"], "colour");
    let missing = upload(
        &client,
        "--b\r\ncontent-disposition: form-data; name=\"key\"\r\n\r\nA\r\n--b--\r\n",
    );
    assert_eq!(missing.await.expect(422).json()["errors"][0]["field"], "file");
    let whole = form(&[], &"line\n".repeat(50_000));
    let cut = upload(&client, whole[..whole.len() / 2].to_owned()).await.expect(400);
    assert_eq!(cut.json()["code"], "malformed_request");
    let pieces = [Ok(Bytes::from(whole[..5000].to_owned())), Err(std::io::Error::other("gone"))];
    let broken = upload(&client, Body::from_stream(stream::iter(pieces))).await;
    assert_eq!(broken.status, 400, "{}", broken.text());
    let no_form = client.clone().with("content-type", "application/pdf");
    assert_eq!(no_form.send("POST", TARGET, Body::from("x")).await.status, 415);

    let listed: Value = client.get("/api/v1/documents").await.expect(200).json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 0);
    let blobs = std::fs::read_dir(world.dir.path().join("data/tenants")).unwrap();
    for tenant in blobs {
        let files = std::fs::read_dir(tenant.unwrap().path().join("blobs")).unwrap();
        assert_eq!(files.count(), 0, "a file was left behind");
    }
}

#[tokio::test]
async fn a_repeat_counts_only_under_the_rights_of_the_first() {
    let world = World::new();
    let mut client = operator(&world).await.with("idempotency-key", "upload-1");
    upload(&client, form(&[("key", "A")], "one")).await.expect(202);
    let me = client.get("/api/v1/auth/me").await.expect(200).json();
    let person = format!("/api/v1/admin/users/{}", me["id"].as_str().unwrap());
    let change = json!({ "clearance": "RESTRICTED" });
    let changed = world.operator(Method::Patch, &person, change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    client.log_in("o@alpha.example", PASSWORD).await.expect(200);
    let again = upload(&client, form(&[("key", "A")], "one")).await.expect(422);
    assert_eq!(again.json()["code"], "idempotency_key_reused");
}

#[tokio::test]
async fn a_part_whose_head_has_no_end_is_refused_before_it_fills_the_memory() {
    let world = World::new();
    let client = operator(&world).await;
    let start = Bytes::from_static(b"--b\r\nx-endless: ");
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let endless = stream::repeat(Bytes::from(vec![b'a'; 64 * 1024])).inspect(move |piece| {
        count.fetch_add(piece.len(), Ordering::Relaxed);
    });
    let pieces = stream::iter([start]).chain(endless).map(Ok::<_, std::io::Error>);
    let refused = upload(&client, Body::from_stream(pieces)).await.expect(400);
    assert!(refused.json()["detail"].as_str().unwrap().contains("has no end"));
    // What the head may have, and what is taken and thrown away so that the refusal is read.
    assert!(sent.load(Ordering::Relaxed) < 6 * 1024 * 1024);
}

#[tokio::test]
async fn uploads_beyond_the_places_for_them_are_told_to_come_back() {
    let world = World::new();
    let client = operator(&world).await;
    let places = Arc::clone(&world.state.uploads);
    let count = u32::try_from(places.available_permits()).unwrap();
    let taken = places.acquire_many_owned(count).await.unwrap();
    let refused = upload(&client, form(&[], "text")).await.expect(503);
    assert_eq!(refused.json()["code"], "too_many_uploads");
    assert_eq!(refused.header("retry-after"), "5");
    drop(taken);
    upload(&client, form(&[], "text")).await.expect(202);
}

#[tokio::test]
async fn a_caller_who_leaves_in_the_middle_finds_the_answer_at_the_repeat() {
    let world = World::new();
    let client = operator(&world).await;
    let uploaded = upload(&client, form(&[], "text")).await.expect(202).json();
    let cancel = format!("/api/v1/jobs/{}/cancel", uploaded["job_id"].as_str().unwrap());
    // It leaves at each of the first points where the work waits.
    for polls in 1..8 {
        let keyed = client.clone().with("idempotency-key", &format!("cancel-{polls}"));
        let mut sending = Box::pin(keyed.send("POST", &cancel, Body::empty()));
        for _ in 0..polls {
            if futures_util::poll!(sending.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(sending);
        let repeat = async {
            loop {
                let answer = keyed.send("POST", &cancel, Body::empty()).await;
                if answer.json()["code"] != "idempotency_key_in_use" {
                    return answer;
                }
                tokio::task::yield_now().await;
            }
        };
        let repeat = tokio::time::timeout(std::time::Duration::from_secs(60), repeat).await;
        // The first one cancelled the job, or found that an earlier one had.
        let answer = repeat.expect("the key stays blocked");
        assert!(answer.status == 200 || answer.json()["code"] == "job_ended", "{}", answer.text());
    }
}
