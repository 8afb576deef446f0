//! The real sockets: TLS, plain HTTP, the console.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::support::World;
use crate::console::{Console, ConsoleRequest, socket_path};
use crate::{Method, ServeError, ServeOptions, Server, TlsIdentity, TlsSettings, Transport};

#[expect(clippy::disallowed_methods, reason = "the test is the outside world")]
async fn connect(server: std::net::SocketAddr) -> TcpStream {
    TcpStream::connect(server).await.unwrap()
}

fn client_config(
    world: &World,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let authority = world.dir.path().join("data/tls/ca.pem");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_1_3_is_spoken_and_nothing_older() {
    let world = World::new();
    let store = &world.state.store;
    let identity =
        TlsIdentity::open(store.data_dir(), &TlsSettings::default(), store.clock()).unwrap();
    let transport = Transport::Tls(Arc::new(identity));
    let options = ServeOptions {
        console: Some(world.key.clone()),
        ..ServeOptions::new("127.0.0.1:0".parse().unwrap(), transport)
    };
    let server = Server::bind(Arc::clone(&world.state), options).await.unwrap();
    let address = server.address();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(server.run(shutdown.clone()));

    let connector = TlsConnector::from(client_config(&world, &[&rustls::version::TLS13]));
    for name in ["localhost", "127.0.0.1"] {
        let name = ServerName::try_from(name).unwrap();
        let stream = connector.connect(name, connect(address).await).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, String>(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::get("/health/live").header("host", "x");
        let answer = sender.send_request(request.body(String::new()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let old = TlsConnector::from(client_config(&world, &[&rustls::version::TLS12]));
    let name = ServerName::try_from("localhost").unwrap();
    assert!(old.connect(name, connect(address).await).await.is_err());
    // Somebody who says nothing does not keep the server from stopping.
    let silent = connect(address).await;
    console_works(&world).await;
    shutdown.cancel();
    drop(silent);
    running.await.unwrap();
    assert!(!socket_path(store.data_dir()).exists());
}

async fn console_works(world: &World) {
    let data_dir = world.state.store.data_dir();
    let path = socket_path(data_dir);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let directory = path.parent().unwrap();
    assert_eq!(std::fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);
    let console = Console::connect(data_dir).await.unwrap();
    let create = ConsoleRequest::new(Method::Post, "/api/v1/appliance/tenants")
        .json(&serde_json::json!({ "slug": "alpha", "name": "Alpha" }));
    assert_eq!(console.send(create).await.unwrap().status, 201);
    let list = ConsoleRequest::new(Method::Get, "/api/v1/appliance/tenants");
    let list: serde_json::Value = console.send(list).await.unwrap().json().await.unwrap();
    assert_eq!(list["items"][0]["slug"], "alpha");
}

#[tokio::test]
async fn plain_http_stays_on_the_machine() {
    let world = World::new();
    let open = ServeOptions::new("0.0.0.0:0".parse().unwrap(), Transport::PlainOnLoopback);
    let refused = Server::bind(Arc::clone(&world.state), open).await;
    assert!(matches!(refused, Err(ServeError::PlainOutsideLoopback(_))));

    let local = ServeOptions::new("127.0.0.1:0".parse().unwrap(), Transport::PlainOnLoopback);
    let server = Server::bind(Arc::clone(&world.state), local).await.unwrap();
    let address = server.address();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(server.run(shutdown.clone()));
    let mut stream = connect(address).await;
    stream
        .write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    shutdown.cancel();
    running.await.unwrap();
}

/// Whoever is refused while they still send must get to know it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_waits_for_the_rest_of_the_request() {
    let world = World::new();
    let local = ServeOptions::new("127.0.0.1:0".parse().unwrap(), Transport::PlainOnLoopback);
    let server = Server::bind(Arc::clone(&world.state), local).await.unwrap();
    let address = server.address();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(server.run(shutdown.clone()));
    let body = vec![b'x'; 1024 * 1024];
    for (target, expected) in [
        ("/api/v1/chat", "401"),
        ("/api/v1/documents/upload", "401"),
        ("/no/such/page", "404"),
        ("/health/live", "405"),
    ] {
        let mut stream = connect(address).await;
        // Twice on one connection: it is still good after the refusal.
        for round in 0..2 {
            let head = format!(
                "POST {target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            for piece in body.chunks(300_000) {
                stream.flush().await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                stream.write_all(piece).await.unwrap();
            }
            let mut answer = vec![0; 16 * 1024];
            let mut length = 0;
            while !answer[..length].ends_with(b"}") {
                let count = stream.read(&mut answer[length..]).await.unwrap();
                assert!(count > 0, "{target}: cut off in round {round}");
                length += count;
            }
            let text = String::from_utf8_lossy(&answer[..length]);
            assert!(text.starts_with(&format!("HTTP/1.1 {expected}")), "{target}: {text}");
        }
    }
    // Who announces more than is taken for nothing is answered at once.
    let mut stream = connect(address).await;
    let head = "POST /api/v1/chat HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    drop(stream);
    shutdown.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn no_server_is_told_plainly() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Console::connect(dir.path()).await.err().unwrap();
    assert!(refused.to_string().contains("no server answers"), "{refused}");
}
