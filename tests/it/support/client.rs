//! An HTTPS client of our own over hyper and rustls, trusting the appliance's authority alone.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use hyper::{HeaderMap, Request};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

/// One person's way to the appliance.
#[derive(Clone)]
pub(crate) struct Client {
    address: String,
    tls: Arc<ClientConfig>,
    headers: HeaderMap,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The answer, if its status is this one.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| {
            panic!("{e}: {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The cookie that the answer sets, as it goes back.
    pub(crate) fn cookie(&self) -> Option<String> {
        let value = self.headers.get(SET_COOKIE)?.to_str().ok()?;
        Some(value.split(';').next()?.to_owned())
    }
}

impl Client {
    pub(crate) fn new(address: &str, authority: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { address: address.to_owned(), tls: Arc::new(tls), headers: HeaderMap::new() }
    }

    /// The same person after a restart on another port.
    pub(crate) fn move_to(&mut self, address: &str) {
        address.clone_into(&mut self.address);
    }

    pub(crate) fn use_token(&mut self, token: &str) {
        self.headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    }

    pub(crate) fn use_cookie(&mut self, cookie: &str) {
        self.headers.insert(COOKIE, cookie.parse().unwrap());
        // What a browser says of a request that a page of ours makes.
        self.headers.insert("sec-fetch-site", "same-origin".parse().unwrap());
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        self.send("GET", target, None)
    }

    pub(crate) fn post(&self, target: &str, body: &Value) -> Answer {
        self.send("POST", target, Some(("application/json", body.to_string().into())))
    }

    /// Uploads a file with fields (RFC 7578).
    pub(crate) fn upload(&self, name: &str, content: &[u8], fields: &[(&str, &str)]) -> Answer {
        self.try_upload(name, content, fields).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// As [`Client::upload`], to a server that may go away meanwhile.
    pub(crate) fn try_upload(
        &self,
        name: &str,
        content: &[u8],
        fields: &[(&str, &str)],
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let boundary = "it-boundary-5d1c0a";
        let mut body = Vec::new();
        for (field, value) in fields {
            let part = format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             content-type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.try_send("POST", "/api/v1/documents/upload", Some((&kind, body.into())))
    }

    /// Uploads a file and waits until its job has ended; returns upload and job.
    #[track_caller]
    pub(crate) fn ingest(
        &self,
        name: &str,
        content: &[u8],
        fields: &[(&str, &str)],
    ) -> (Value, Value) {
        let uploaded = self.upload(name, content, fields).expect(202).json();
        let job = self.wait_for_job(uploaded["job_id"].as_str().unwrap());
        (uploaded, job)
    }

    /// Waits until a job has ended.
    #[track_caller]
    pub(crate) fn wait_for_job(&self, id: &str) -> Value {
        let started = Instant::now();
        loop {
            let job = self.get(&format!("/api/v1/jobs/{id}")).expect(200).json();
            if !matches!(job["state"].as_str(), Some("queued" | "running")) {
                return job;
            }
            assert!(started.elapsed() < REQUEST_TIMEOUT, "{job:#}");
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// One request on a connection of its own.
    pub(crate) fn send(&self, method: &str, target: &str, body: Option<(&str, Bytes)>) -> Answer {
        self.try_send(method, target, body)
            .unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// As [`Client::send`], to a server that may go away meanwhile.
    pub(crate) fn try_send(
        &self,
        method: &str,
        target: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            tokio::time::timeout(REQUEST_TIMEOUT, self.exchange(method, target, body)).await?
        })
    }

    #[expect(clippy::disallowed_methods, reason = "the test is the outside world")]
    async fn exchange(
        &self,
        method: &str,
        target: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<Answer, Box<dyn std::error::Error>> {
        let stream = TcpStream::connect(&self.address).await?;
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(target).header(HOST, &self.address);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = match body {
            Some((kind, body)) => request.header(CONTENT_TYPE, kind).body(Full::new(body)),
            None => request.body(Full::default()),
        };
        let response = sender.send_request(request?).await?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }
}
