//! What the appliance's audit log keeps of a call.

use std::net::SocketAddr;
use std::time::Duration;

use audit::{Action, Event, Outcome};
use hyper::Request;
use hyper::body::Bytes;
use serde_json::json;

use crate::EgressError;
use crate::entry::{method_name, place_for_record};

const CALLED: Action = Action::new("egress.called");
const OPENED: Action = Action::new("egress.opened");

/// How far a call has come. Kept beside it, so that a call that is cut off still tells.
pub(crate) struct Progress {
    host: Option<String>,
    port: Option<u16>,
    method: &'static str,
    /// The address that was connected to, tried last, or refused.
    pub(crate) address: Option<SocketAddr>,
    /// The answer's.
    pub(crate) status: Option<u16>,
    /// Bytes of the request's body, once it is on its way.
    pub(crate) request_bytes: usize,
    /// Bytes of the answer's body that were read.
    pub(crate) response_bytes: usize,
}

impl Progress {
    pub(crate) fn of(request: &Request<Bytes>) -> Self {
        let (host, port) = place_for_record(request.uri());
        Self {
            host,
            port,
            method: method_name(request.method()).unwrap_or("other"),
            address: None,
            status: None,
            request_bytes: 0,
            response_bytes: 0,
        }
    }

    /// The record of a call whose answer begins to come: where it went. How it ended follows.
    pub(crate) fn opened(&self, connector: &str) -> Event {
        Event::new(OPENED).object("connector", connector).detail(json!({
            "connector": connector,
            "method": self.method,
            "host": self.host,
            "port": self.port,
            "address": self.address,
            "status": self.status,
        }))
    }

    /// The record: where it went, how much, how it ended. No path, query, header or body.
    pub(crate) fn event(
        &self,
        connector: &str,
        error: Option<&EgressError>,
        duration: Duration,
    ) -> Event {
        let mut detail = json!({
            "connector": connector,
            "method": self.method,
            "request_bytes": self.request_bytes,
            "response_bytes": self.response_bytes,
            "duration_ms": u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        });
        let mut tell = |name: &str, value: serde_json::Value| {
            if !value.is_null() {
                detail[name] = value;
            }
        };
        tell("host", json!(self.host));
        tell("port", json!(self.port));
        tell("address", json!(self.address));
        tell("status", json!(self.status));
        tell("error", json!(error.map(EgressError::code)));
        Event::new(CALLED)
            .object("connector", connector)
            .outcome(error.map_or(Outcome::Success, EgressError::outcome))
            .detail(detail)
    }
}
