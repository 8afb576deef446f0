//! The reader of upload forms, for those who look for bytes that make it panic, wait or blame
//! itself (`fuzz/`).

use axum::body::Body;
use axum::http::HeaderValue;

use crate::documents::read_form;

/// The boundary of fuzzed forms.
pub const BOUNDARY: &str = "fuzz-boundary";

/// Largest form.
const MAX_BYTES: u64 = 1024 * 1024;

/// Reads `data` as the body of an upload. Whatever is wrong with it is the caller's fault.
pub fn multipart(data: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let Ok(runtime) = runtime else { return };
    let kind = HeaderValue::from_static("multipart/form-data; boundary=fuzz-boundary");
    // In two frames, as a network would cut it.
    let (first, second) = data.split_at(data.len() / 2);
    let frames = [first.to_vec(), second.to_vec()].map(Ok::<_, std::io::Error>);
    let body = Body::from_stream(futures_util::stream::iter(frames));
    if let Err(problem) = runtime.block_on(read_form(body, Some(&kind), MAX_BYTES)) {
        assert!(problem.status().is_client_error(), "{problem:?}");
    }
}

#[cfg(test)]
#[path = "../../fuzz/mutate.rs"]
mod mutate;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_multipart() {
        let field = |name: &str, text: &str| {
            format!(
                "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n"
            )
        };
        let file = format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.md\"; \
             filename*=UTF-8''%c3%a4.md\r\ncontent-type: text/markdown\r\n\r\n# Title\r\n"
        );
        let whole = [
            field("classification", "INTERNAL"),
            field("metadata", "{\"line\": 4, \"deep\": [[[{}]]]}"),
            field("tags", "pump, torque"),
            field("effective_from", "2026-03-01T00:00:00Z"),
            file.clone(),
            format!("--{BOUNDARY}--\r\n"),
        ]
        .concat();
        let torn = [field("key", "A-1"), field("key", "A-1"), file].concat();
        let seeds = [whole.as_bytes(), torn.as_bytes(), b"--fuzz-boundary--".as_slice()];
        mutate::run("multipart", &seeds, mutate::rounds(5_000), multipart);
    }
}
