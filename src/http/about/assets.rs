//! The embedded files. `build.rs` lists them: the browser face as it was built, with the forms
//! compressed beforehand, our own pages from `pages/`, and the API explorer from the pinned npm
//! package.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};

use crate::call::{Call, Public};
use crate::endpoint::{Input, Signature};
use crate::input::{Id, PathId};
use crate::output::{Media, Raw};
use crate::problem::Problem;
use crate::route::{IdKind, IdParameter};

/// Name and content of every file.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The page that is the browser face, whatever the address inside it.
const FACE: &str = "index.html";

/// Files whose names carry a hash or a version of their content.
const HASHED: &str = "app/";

/// A file in the forms in which it is embedded.
struct Asset {
    content: &'static [u8],
    /// Content coding (RFC 9110 section 8.4.1), suffix of the file, content; the best first.
    compressed: Vec<(&'static str, &'static [u8])>,
    /// Opaque part of the entity tag.
    tag: String,
}

/// By name. What was compressed beforehand stands beside what it was made from.
static BY_NAME: LazyLock<BTreeMap<&str, Asset>> = LazyLock::new(|| {
    let all: BTreeMap<&str, &[u8]> = FILES.iter().copied().collect();
    let plain = all.iter().filter(|(name, _)| !name.ends_with(".br") && !name.ends_with(".gz"));
    plain
        .map(|(name, content)| {
            let form = |coding, suffix: &str| {
                all.get(format!("{name}{suffix}").as_str()).map(|content| (coding, *content))
            };
            let compressed = [form("br", ".br"), form("gzip", ".gz")];
            let compressed = compressed.into_iter().flatten().collect();
            let tag = hex::encode(&Sha256::digest(content)[..16]);
            (*name, Asset { content, compressed, tag })
        })
        .collect()
});

/// The content codings that a caller takes; by default none.
#[derive(Default)]
pub(crate) struct Codings(String);

impl Codings {
    fn of(headers: &HeaderMap) -> Self {
        let fields = headers.get_all(header::ACCEPT_ENCODING).iter();
        let texts: Vec<&str> = fields.filter_map(|value| value.to_str().ok()).collect();
        Self(texts.join(","))
    }

    /// RFC 9110 section 12.5.3; a coding with weight 0 is not taken.
    fn takes(&self, coding: &str) -> bool {
        self.0.split(',').any(|one| {
            let mut parts = one.split(';').map(str::trim);
            let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
            let refused = parts.any(|part| {
                let weight = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
                weight.is_some_and(|weight| weight.trim_matches(['0', '.']).is_empty())
            });
            named && !refused
        })
    }
}

impl Input for Codings {
    fn describe(_: &mut Signature) {}

    async fn read(call: &mut Call) -> Result<Self, Problem> {
        Ok(Self::of(&call.head.parts.headers))
    }
}

/// A page.
pub(crate) struct Html;

impl Media for Html {
    const TYPE: &'static str = "text/html; charset=utf-8";
    const DESCRIPTION: &'static str = "A page";
}

/// A file of any type that pages use.
pub(crate) struct AnyFile;

impl Media for AnyFile {
    const TYPE: &'static str = "*/*";
    const DESCRIPTION: &'static str = "The file";
}

/// The path of a file below `/assets/`.
pub(crate) struct AssetPath(String);

impl PathId for AssetPath {
    const PARAMETER: IdParameter = IdParameter { name: "asset", kind: IdKind::Asset };
    const NOT_FOUND: &'static str = "route_not_found";

    fn parse(text: &str) -> Option<Self> {
        Some(Self(text.to_owned()))
    }
}

pub(super) async fn face_get(_call: Public, codings: Codings) -> Result<Raw<Html>, Problem> {
    embedded(FACE, &codings).map(Raw::of)
}

pub(super) async fn docs_get(_call: Public, codings: Codings) -> Result<Raw<Html>, Problem> {
    embedded("docs.html", &codings).map(Raw::of)
}

pub(super) async fn asset_get(
    _call: Public,
    (Id(AssetPath(path)), codings): (Id<AssetPath>, Codings),
) -> Result<Raw<AnyFile>, Problem> {
    embedded(&path, &codings).map(Raw::of)
}

/// The page of a sealed appliance.
pub(crate) fn sealed_page() -> Result<Response, Problem> {
    embedded("sealed.html", &Codings::default())
}

/// A file below `/assets/`, for a sealed appliance.
pub(crate) fn asset(path: &str) -> Result<Response, Problem> {
    embedded(path, &Codings::default())
}

/// What no route knows: an address inside the face when somebody looks at it in a browser, and a
/// problem otherwise. Programs that mistype a path of the API must not be shown a page.
pub(crate) async fn face_or_problem(request: Request) -> Response {
    const NOT_OURS: [&str; 7] =
        ["api", "assets", "docs", "health", "metrics", "openapi.json", "problems"];
    let first = request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
    let headers = request.headers();
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let looks = matches!(*request.method(), Method::GET | Method::HEAD)
        && accepted.is_some_and(|types| types.contains("text/html"));
    if !looks || NOT_OURS.contains(&first) {
        return Problem::new("route_not_found").into_response();
    }
    embedded(FACE, &Codings::of(headers)).unwrap_or_else(Problem::into_response)
}

/// The file in the best form that the caller takes. What is named by its content is kept for good;
/// of the rest a browser asks each time whether it has changed, and gets 304.
fn embedded(path: &str, codings: &Codings) -> Result<Response, Problem> {
    let asset = BY_NAME.get(path).ok_or_else(|| Problem::new("route_not_found"))?;
    let form = asset.compressed.iter().find(|(coding, _)| codings.takes(coding));
    let content = form.map_or(asset.content, |(_, content)| content);
    let mut response = Response::new(Body::from(Bytes::from_static(content)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    let kept =
        if path.starts_with(HASHED) { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    // Another form is another representation, with a tag of its own.
    let mut tag = asset.tag.clone();
    if !asset.compressed.is_empty() {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Some((coding, _)) = form {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
        tag = format!("{tag}-{coding}");
    }
    headers.insert(
        header::ETAG,
        HeaderValue::from_str(&format!("\"{tag}\""))
            .map_err(|e| Problem::new("internal_error").with_cause(e))?,
    );
    Ok(response)
}

/// Only what is embedded; `nosniff` makes a wrong type useless.
fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ttf") => "font/ttf",
        Some("pfb") => "application/x-font-type1",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn every_page_loads_only_what_is_embedded() {
        for page in [FACE, "docs.html", "sealed.html"] {
            let html = std::str::from_utf8(BY_NAME[page].content).unwrap();
            let mut loaded = 0;
            for attribute in ["src=\"", "href=\""] {
                for reference in html.split(attribute).skip(1) {
                    let reference = reference.split('"').next().unwrap();
                    if let Some(asset) = reference.strip_prefix("/assets/") {
                        assert!(BY_NAME.contains_key(asset), "{page} wants {asset}");
                        loaded += 1;
                    } else {
                        let local = reference.starts_with('/') || reference.starts_with('#');
                        assert!(local, "{page} refers to {reference}");
                    }
                }
            }
            assert!(loaded >= 2, "{page}");
            // The content security policy would refuse both.
            assert!(!html.contains("<style") && !html.contains(" style="), "{page}");
            let inline = html.split("<script").skip(1).any(|tag| !tag.contains("src=\""));
            assert!(!inline && !html.contains(" onclick="), "{page}");
        }
    }

    #[test]
    fn every_embedded_file_has_a_media_type() {
        assert!(BY_NAME.len() > 8);
        for path in BY_NAME.keys() {
            assert_ne!(media_type(path), "application/octet-stream", "{path}");
        }
    }

    #[test]
    fn the_best_form_that_is_taken_is_sent_with_a_tag_of_its_own() {
        let mut tags = std::collections::BTreeSet::new();
        for (accepted, coding) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip;q=1.0, br;q=0", "gzip"),
            ("BR;q=0.5", "br"),
            ("identity", ""),
            ("", ""),
        ] {
            let response = embedded(FACE, &Codings(accepted.to_owned())).unwrap();
            let text = |name| response.headers().get(name).map_or("", |v| v.to_str().unwrap());
            assert_eq!(text(header::CONTENT_ENCODING), coding, "{accepted}");
            assert_eq!(text(header::VARY), "accept-encoding");
            assert_eq!(text(header::CACHE_CONTROL), "no-cache");
            tags.insert(text(header::ETAG).to_owned());
        }
        assert_eq!(tags.len(), 3);
    }

    #[test]
    fn files_named_by_their_content_are_kept_for_good() {
        let hashed = BY_NAME.keys().find(|name| name.starts_with(HASHED)).unwrap();
        let response = embedded(hashed, &Codings(String::new())).unwrap();
        let kept = response.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(kept.ends_with("immutable"), "{kept}");
        // The compressed forms are no files of their own.
        assert!(embedded("index.html.br", &Codings(String::new())).is_err());
    }
}
