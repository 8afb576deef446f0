//! The embedded pages. `build.rs` lists them: our own from `pages/`, the API explorer from the
//! pinned npm package.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use sha2::{Digest as _, Sha256};

use crate::call::Public;
use crate::input::{Id, PathId};
use crate::output::{Media, Raw};
use crate::problem::Problem;
use crate::route::{IdKind, IdParameter};

/// Name and content of every file.
const FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Content and entity tag by name. Files change with the program and have no other version.
static BY_NAME: LazyLock<BTreeMap<&str, (&[u8], String)>> = LazyLock::new(|| {
    let tag = |content: &[u8]| format!("\"{}\"", hex::encode(&Sha256::digest(content)[..16]));
    FILES.iter().map(|(name, content)| (*name, (*content, tag(content)))).collect()
});

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

pub(super) async fn start_page_get(_call: Public, (): ()) -> Result<Raw<Html>, Problem> {
    embedded("start.html")
}

pub(super) async fn docs_get(_call: Public, (): ()) -> Result<Raw<Html>, Problem> {
    embedded("docs.html")
}

pub(super) async fn asset_get(
    _call: Public,
    Id(AssetPath(path)): Id<AssetPath>,
) -> Result<Raw<AnyFile>, Problem> {
    embedded(&path)
}

/// The page of a sealed appliance.
pub(crate) fn sealed_page() -> Result<Response, Problem> {
    Ok(embedded::<Html>("sealed.html")?.response)
}

/// A file below `/assets/`, for a sealed appliance.
pub(crate) fn asset(path: &str) -> Result<Response, Problem> {
    Ok(embedded::<AnyFile>(path)?.response)
}

/// The file with its tag, so that a browser asks again and gets 304.
fn embedded<M: Media>(path: &str) -> Result<Raw<M>, Problem> {
    let (content, tag) = BY_NAME.get(path).ok_or_else(|| Problem::new("route_not_found"))?;
    let mut response = Response::new(Body::from(Bytes::from_static(content)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(
        header::ETAG,
        HeaderValue::from_str(tag).map_err(|e| Problem::new("internal_error").with_cause(e))?,
    );
    Ok(Raw::of(response))
}

/// Only what is embedded; `nosniff` makes a wrong type useless.
fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("json") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
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
        for page in ["start.html", "docs.html", "sealed.html"] {
            let html = std::str::from_utf8(BY_NAME[page].0).unwrap();
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
        assert!(FILES.len() > 8);
        for (path, _) in FILES {
            assert_ne!(media_type(path), "application/octet-stream", "{path}");
        }
    }
}
