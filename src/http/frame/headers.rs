//! Headers that every answer has, and the strict allow-list of foreign origins.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// Everything comes from the appliance itself; nothing is framed, nothing is inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; \
                                       frame-ancestors 'none'; object-src 'none'";

/// The API explorer brings inline styles and images in `data:` URLs.
const EXPLORER_CONTENT_SECURITY_POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
     object-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:";

const FIXED: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    // Ignored by browsers on plain HTTP (RFC 6797 section 8.1).
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

pub(super) fn set_security_headers(headers: &mut HeaderMap, route: &str) {
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let policy = if route.starts_with("/docs") {
        EXPLORER_CONTENT_SECURITY_POLICY
    } else {
        CONTENT_SECURITY_POLICY
    };
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    // Answers of the API are somebody's own; pages and assets say themselves what may be kept.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Foreign origins whose pages may call the API, with a bearer token: the session cookie never
/// goes across sites.
#[derive(Clone, Debug, Default)]
pub struct CorsOrigins(Vec<HeaderValue>);

/// The text is not an origin.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an origin such as https://tools.plant.example (scheme and host, no path)")]
pub struct CorsOriginsError(String);

impl CorsOrigins {
    /// The list of `origins`, each written as browsers write it (RFC 6454 section 6.2). There is
    /// no wildcard.
    ///
    /// # Errors
    /// [`CorsOriginsError`] for a text that is no origin.
    pub fn parse(origins: &[String]) -> Result<Self, CorsOriginsError> {
        let checked = origins.iter().map(|origin| {
            let refused = || CorsOriginsError(origin.clone());
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let host = host.ok_or_else(refused)?;
            let plain = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
            if host.is_empty() || !host.bytes().all(plain) {
                return Err(refused());
            }
            HeaderValue::from_str(&origin.to_ascii_lowercase()).map_err(|_| refused())
        });
        Ok(Self(checked.collect::<Result<_, _>>()?))
    }
}

/// The layer for a list that is not empty.
pub(crate) fn cors_layer(origins: &CorsOrigins) -> Option<CorsLayer> {
    if origins.0.is_empty() {
        return None;
    }
    let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::IF_NONE_MATCH,
        crate::idempotency::HEADER,
        HeaderName::from_static("last-event-id"),
    ];
    let exposed = [
        header::ETAG,
        header::LOCATION,
        header::RETRY_AFTER,
        crate::call::RATE_LIMIT,
        crate::call::RATE_LIMIT_POLICY,
        HeaderName::from_static("x-request-id"),
    ];
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins.0.iter().cloned()))
            .allow_methods(methods)
            .allow_headers(headers)
            .expose_headers(exposed),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_origins_are_listed() {
        for good in ["https://tools.example", "http://10.0.0.1:8080", "https://[::1]:1"] {
            assert!(CorsOrigins::parse(&[good.to_owned()]).is_ok(), "{good}");
        }
        for bad in ["*", "null", "tools.example", "https://a/b", "https://", "ftp://a"] {
            assert!(CorsOrigins::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
