//! The API as the command line uses it: the same routes as everybody else, with the operator's
//! rights, through the socket of a running server or in this process.

use std::io::Write;
use std::path::Path;

use http::console::{Console, ConsoleRequest};
use http::{Body, Method};
use serde_json::{Value, json};

use super::args::Who;
use super::error::{CliError, Problem};

/// A client of the API for one command.
pub(crate) struct Api {
    console: Console,
    who: Who,
}

impl Api {
    pub(crate) const fn new(console: Console, who: Who) -> Self {
        Self { console, who }
    }

    /// The same way in for somebody else.
    pub(crate) fn with(&self, who: Who) -> Self {
        Self { console: self.console.clone(), who }
    }

    pub(crate) async fn get(&self, target: &str) -> Result<Value, CliError> {
        self.answer(ConsoleRequest::new(Method::Get, target)).await
    }

    pub(crate) async fn post(&self, target: &str, body: &Value) -> Result<Value, CliError> {
        self.answer(ConsoleRequest::new(Method::Post, target).json(body)).await
    }

    pub(crate) async fn put(&self, target: &str, body: &Value) -> Result<Value, CliError> {
        self.answer(ConsoleRequest::new(Method::Put, target).json(body)).await
    }

    pub(crate) async fn patch(&self, target: &str, body: &Value) -> Result<Value, CliError> {
        self.answer(ConsoleRequest::new(Method::Patch, target).json(body)).await
    }

    /// PUT where the address says everything.
    pub(crate) async fn put_empty(&self, target: &str) -> Result<Value, CliError> {
        self.answer(ConsoleRequest::new(Method::Put, target)).await
    }

    pub(crate) async fn delete(&self, target: &str) -> Result<Value, CliError> {
        self.answer(ConsoleRequest::new(Method::Delete, target)).await
    }

    /// Every item of a list, page by page.
    pub(crate) async fn items(&self, target: &str) -> Result<Vec<Value>, CliError> {
        let mut items = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let join = if target.contains('?') { '&' } else { '?' };
            let page = match &cursor {
                Some(cursor) => {
                    self.get(&format!("{target}{join}cursor={}", encode(cursor))).await?
                }
                None => self.get(target).await?,
            };
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// Uploads a file with its fields (RFC 7578 multipart).
    pub(crate) async fn upload(
        &self,
        file_name: &str,
        content: Vec<u8>,
        fields: &[(&str, String)],
    ) -> Result<Value, CliError> {
        let (content_type, body) = multipart(file_name, &content, fields);
        let request = ConsoleRequest::new(Method::Post, "/api/v1/documents/upload");
        self.answer(request.bytes(content_type, body)).await
    }

    /// POST of a body that is sent as it is read.
    pub(crate) async fn send(
        &self,
        target: &str,
        content_type: &str,
        body: Body,
    ) -> Result<Value, CliError> {
        self.answer(ConsoleRequest::new(Method::Post, target).body(content_type, body)).await
    }

    /// Whether a server answers, and not this process.
    pub(crate) const fn is_served(&self) -> bool {
        self.console.is_served()
    }

    /// Writes what a route answers to `out`, piece by piece; returns its length.
    pub(crate) async fn download(
        &self,
        target: &str,
        out: &mut impl Write,
    ) -> Result<u64, CliError> {
        let request = self.addressed(ConsoleRequest::new(Method::Get, target));
        let mut response = self.console.send(request).await.map_err(unreachable_server)?;
        let status = response.status;
        if !status.is_success() {
            let bytes = response.bytes().await.map_err(unreachable_server)?;
            let body = serde_json::from_slice(&bytes).unwrap_or_default();
            return Err(CliError::Problem(Box::new(Problem { status: status.as_u16(), body })));
        }
        let failed = |source| CliError::File { what: "writing the file".to_owned(), source };
        let mut written = 0;
        while let Some(piece) = response.chunk().await.map_err(unreachable_server)? {
            out.write_all(&piece).map_err(failed)?;
            written += piece.len() as u64;
        }
        out.flush().map_err(failed)?;
        Ok(written)
    }

    /// The data of `done` in the event stream that a POST answers with; `each` sees name and data of the events
    /// before it.
    pub(crate) async fn run(
        &self,
        target: &str,
        body: &Value,
        mut each: impl FnMut(&str, &Value),
    ) -> Result<Value, CliError> {
        let mut ended = None;
        let request = ConsoleRequest::new(Method::Post, target).json(body);
        self.stream(request, |name, data| {
            match name {
                "done" => ended = Some(Ok(data.clone())),
                "error" => ended = Some(Err(failure(data))),
                _ => each(name, data),
            }
            false
        })
        .await?;
        ended.unwrap_or_else(|| Err(CliError::Failed("it was broken off before its end".into())))
    }

    /// Calls `each` with name and data of the events that a GET answers with, until it says that it is enough.
    pub(crate) async fn events_until(
        &self,
        target: &str,
        each: impl FnMut(&str, &Value) -> bool,
    ) -> Result<(), CliError> {
        self.stream(ConsoleRequest::new(Method::Get, target), each).await
    }

    async fn stream(
        &self,
        request: ConsoleRequest,
        mut each: impl FnMut(&str, &Value) -> bool,
    ) -> Result<(), CliError> {
        let request = self.addressed(request);
        let mut response = self.console.send(request).await.map_err(unreachable_server)?;
        let status = response.status;
        if !status.is_success() {
            let bytes = response.bytes().await.map_err(unreachable_server)?;
            let body = serde_json::from_slice(&bytes).unwrap_or_default();
            return Err(CliError::Problem(Box::new(Problem { status: status.as_u16(), body })));
        }
        let mut waiting = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(unreachable_server)? {
            waiting.extend_from_slice(&piece);
            // An event ends with an empty line.
            while let Some(end) = waiting.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = waiting.drain(..end + 2).collect();
                let (name, data) = event_of(&String::from_utf8_lossy(&event));
                if each(&name, &data) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn answer(&self, request: ConsoleRequest) -> Result<Value, CliError> {
        let response =
            self.console.send(self.addressed(request)).await.map_err(unreachable_server)?;
        let status = response.status;
        let bytes = response.bytes().await.map_err(unreachable_server)?;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .map_err(|_| CliError::Failed("the answer is not JSON".into()))?
        };
        if status.is_success() {
            Ok(body)
        } else {
            Err(CliError::Problem(Box::new(Problem { status: status.as_u16(), body })))
        }
    }

    fn addressed(&self, request: ConsoleRequest) -> ConsoleRequest {
        request.tenant(self.who.tenant.clone()).act_as(self.who.acting_as.clone())
    }
}

/// Name and data of one server-sent event.
fn event_of(text: &str) -> (String, Value) {
    let (mut name, mut data) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("event: ") {
            rest.clone_into(&mut name);
        } else if let Some(rest) = line.strip_prefix("data: ") {
            data.push_str(rest);
        }
    }
    (name, serde_json::from_str(&data).unwrap_or_default())
}

/// What the last event of a stream says went wrong, as if it had been answered at once.
fn failure(event: &Value) -> CliError {
    let status = event["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let body = json!({ "code": event["code"], "title": event["message"] });
    CliError::Problem(Box::new(Problem { status: status.unwrap_or(500), body }))
}

fn unreachable_server(error: impl std::error::Error) -> CliError {
    CliError::Unavailable(format!("the appliance can't be asked: {error}"))
}

/// Percent-encodes a value for a path segment or query (RFC 3986 unreserved characters stay).
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Reads a file that the caller named.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path)
        .map_err(|source| CliError::File { what: path.display().to_string(), source })
}

fn multipart(file_name: &str, content: &[u8], fields: &[(&str, String)]) -> (String, Vec<u8>) {
    let mut boundary = "millwright-part".to_owned();
    while content.windows(boundary.len()).any(|w| w == boundary.as_bytes()) {
        boundary.push('x');
    }
    let mut body = Vec::with_capacity(content.len() + 1024);
    for (name, value) in fields {
        let part = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        );
        body.extend_from_slice(part.as_bytes());
    }
    // WHATWG form-data: a quote and line breaks in a file name are percent-encoded.
    let safe = file_name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let head = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{safe}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(content);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn the_boundary_never_stands_in_the_content() {
        let (kind, body) = multipart("a\"b.txt", b"--millwright-part\r\n", &[("key", "K".into())]);
        let boundary = kind.split("boundary=").nth(1).unwrap();
        let text = String::from_utf8(body).unwrap();
        assert_eq!(text.matches(&format!("--{boundary}\r\n")).count(), 2, "{text}");
        assert!(text.contains("filename=\"a%22b.txt\""));
    }
}
