//! A page of another site must not be able to act with somebody's session.
//!
//! The session cookie is `SameSite=Strict`, which alone would do in today's browsers. Beside it,
//! what a browser says about a request's origin is checked: `Sec-Fetch-Site` (W3C Fetch Metadata),
//! or `Origin` against `Host` where that is missing. A caller that sends neither is no browser.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};

use crate::call::ConsolePeer;
use crate::problem::Problem;

/// Whether a method may change something (RFC 9110 section 9.2.1 names the safe ones).
fn is_state_changing(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses a state-changing request that a browser sends for another site.
pub(crate) fn check(request: &Request) -> Result<(), Problem> {
    let exempt = !is_state_changing(request.method())
        // A page can't set this header for another site without being allowed by CORS.
        || request.headers().contains_key(header::AUTHORIZATION)
        || request.extensions().get::<ConsolePeer>().is_some();
    let host = request.uri().host().map(|host| match request.uri().port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    if exempt || is_same_origin(request.headers(), host.as_deref()) {
        Ok(())
    } else {
        Err(Problem::new("cross_site_request"))
    }
}

/// `authority` is the host of the request line (HTTP/2's `:authority`).
fn is_same_origin(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let Some(host) = authority.or_else(|| text(header::HOST)) else { return false };
    let Some(origin) = text(header::ORIGIN) else { return false };
    let origin = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use axum::body::Body;

    use super::*;

    fn allowed(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/api/v1/chat");
        request = request.header("host", "mill:8443");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(Body::empty()).unwrap()).is_ok()
    }

    #[test]
    fn what_a_browser_says_of_another_site_is_refused() {
        assert!(!allowed("POST", &[("sec-fetch-site", "cross-site")]));
        assert!(!allowed("DELETE", &[("sec-fetch-site", "same-site")]));
        assert!(!allowed("POST", &[("origin", "https://evil.example")]));
        assert!(!allowed("POST", &[("origin", "null")]));
        assert!(!allowed("PATCH", &[("origin", "https://mill:9999")]));
        // The stronger statement counts.
        let both = [("sec-fetch-site", "cross-site"), ("origin", "https://mill:8443")];
        assert!(!allowed("POST", &both));
    }

    #[test]
    fn the_own_pages_scripts_and_reads_go_through() {
        assert!(allowed("POST", &[("sec-fetch-site", "same-origin")]));
        assert!(allowed("POST", &[("origin", "https://mill:8443")]));
        assert!(allowed("POST", &[]));
        assert!(allowed("GET", &[("sec-fetch-site", "cross-site")]));
        let token = [("authorization", "Bearer x"), ("origin", "https://tools.example")];
        assert!(allowed("POST", &token));
    }

    #[test]
    fn http_2_names_the_host_in_the_request_line() {
        let request = Request::builder()
            .method("POST")
            .uri("https://mill:8443/api/v1/chat")
            .header("origin", "https://mill:8443")
            .body(Body::empty())
            .unwrap();
        assert!(check(&request).is_ok());
    }
}
