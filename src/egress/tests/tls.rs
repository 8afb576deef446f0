//! Whom the door believes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::*;

/// An authority, and where its certificate lies.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(dir: &Path, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let file = dir.join(format!("{name}.pem"));
        std::fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), file }
    }

    /// A server's side of TLS for `name`.
    fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn trusting(url: &str, authority: &Authority) -> Entry {
    Entry { ca_file: Some(authority.file.clone()), ..entry(url) }
}

#[tokio::test]
async fn a_certificate_of_the_entrys_authority_is_believed() {
    let (ground, dir) = (Ground::new().await, tempfile::tempdir().unwrap());
    let authority = Authority::new(dir.path(), "plant");
    let server = Server::start("127.0.0.1:0", Some(authority.acceptor(NAME))).await;
    let names = Names::of(NAME, &["127.0.0.1"]);
    let url = format!("https://{NAME}:{}/", server.port());
    let door = ground.door(trusting(&url, &authority), &names);
    let response = door.send(CONNECTOR, post(&url, "hello")).await.unwrap();
    assert_eq!(response.body().as_ref(), b"answer");
    // The address is pinned; the name stays what certificate, SNI and Host speak of.
    assert_eq!(server.names(), [Some(NAME.to_owned())]);
    assert_eq!(server.requests()[0].headers["host"], format!("{NAME}:{}", server.port()).as_str());
    assert_eq!(Ground::only(ground.records().await)["outcome"], "success");
}

#[tokio::test]
async fn other_authorities_and_other_names_are_not() {
    let (ground, dir) = (Ground::new().await, tempfile::tempdir().unwrap());
    let authority = Authority::new(dir.path(), "plant");
    let stranger = Authority::new(dir.path(), "stranger");
    let names = Names::of(NAME, &["127.0.0.1"]);
    for acceptor in [stranger.acceptor(NAME), authority.acceptor("other.plant.example")] {
        let server = Server::start("127.0.0.1:0", Some(acceptor)).await;
        let url = format!("https://{NAME}:{}/", server.port());
        let door = ground.door(trusting(&url, &authority), &names);
        assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "tls_failed");
        assert!(server.requests().is_empty());
    }
    // Nor is somebody who does not speak TLS at all.
    let server = Server::plain("127.0.0.1:0").await;
    let url = format!("https://{NAME}:{}/", server.port());
    let door = ground.door(trusting(&url, &authority), &names);
    assert_eq!(code(door.send(CONNECTOR, post(&url, "")).await), "tls_failed");
    for record in ground.records().await {
        assert_eq!(record["outcome"], "failed");
        assert_eq!(record["detail"]["request_bytes"], 0);
    }
}

#[tokio::test]
async fn certificates_that_can_not_be_read_keep_the_door_from_opening() {
    let (ground, dir) = (Ground::new().await, tempfile::tempdir().unwrap());
    let (absent, empty) = (dir.path().join("absent.pem"), dir.path().join("empty.pem"));
    let damaged = dir.path().join("damaged.pem");
    std::fs::write(&empty, "no certificate in here\n").unwrap();
    let block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&damaged, block).unwrap();
    for file in [absent, empty, damaged] {
        let entry = Entry { ca_file: Some(file.clone()), ..entry("https://h.example/") };
        let opened = Door::open(vec![entry], ground.store.clone());
        let error = opened.err().unwrap();
        assert_eq!(error.code(), "roots_unreadable", "{}", file.display());
        assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    }
}
