//! Uploads: streaming, fields, idempotency keys, what is left when one fails.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use axum::body::{Body, Bytes};
use futures_util::stream;
use serde_json::Value;

use super::support::{Client, Reply, World};

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
