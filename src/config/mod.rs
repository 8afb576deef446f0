//! Configuration: one TOML file with environment overrides, every key declared once in `keys.rs`.
//!
//! Values are merged from three layers, each overriding the one before: the defaults of
//! [`keys::KEYS`], the file, and `MILLWRIGHT_<SECTION>_<KEY>` variables. Whatever the source,
//! unknown keys and wrong types are errors that name the key. Lists of tables ([`keys::LISTS`]) stand in
//! the file alone.

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod issuers;
mod keys;
mod load;
mod telemetry;
mod upstreams;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

pub(crate) use issuers::Issuer;
pub(crate) use keys::{KEYS, LISTS, default_file};
pub(crate) use load::{ConfigError, Loaded, Sources, load};
pub(crate) use telemetry::{CONNECTOR, Telemetry};
pub(crate) use upstreams::UpstreamServer;

/// Where the configuration is looked for when the command line names no file.
pub(crate) const DEFAULT_PATH: &str = "/etc/millwright/millwright.toml";

/// The whole configuration. Every field has its default in [`keys::KEYS`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) environment: Environment,
    pub(crate) data: Data,
    pub(crate) server: Server,
    pub(crate) session: Session,
    pub(crate) api_keys: ApiKeys,
    pub(crate) policy: Policy,
    pub(crate) ingest: Ingest,
    pub(crate) models: Models,
    pub(crate) log: Log,
    pub(crate) telemetry: Telemetry,
    pub(crate) audit: Audit,
    pub(crate) issuer: Vec<Issuer>,
    pub(crate) upstream: Vec<UpstreamServer>,
}

/// The audit logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Audit {
    /// Empty: none.
    pub(crate) witness_path: PathBuf,
    pub(crate) witness_syslog: bool,
    pub(crate) witness_interval_s: u32,
}

/// What is at stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Environment {
    /// People's work and a plant's documents.
    Prod,
    /// Nothing.
    Dev,
}

/// Where things are kept.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(crate) dir: PathBuf,
    /// Empty: `master.key` in the data directory.
    pub(crate) key_file: PathBuf,
    pub(crate) tenant_idle_close_s: u32,
}

/// The HTTPS server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    pub(crate) plain_http: bool,
    pub(crate) names: Vec<String>,
    /// Empty: a certificate of our own.
    pub(crate) certificate_file: PathBuf,
    pub(crate) certificate_key_file: PathBuf,
    pub(crate) cors_allowed_origins: Vec<String>,
    pub(crate) connections_max: u32,
    pub(crate) requests_per_minute_and_user: u32,
    pub(crate) requests_per_minute_and_tenant: u32,
    pub(crate) requests_per_minute_and_address: u32,
    pub(crate) sign_ins_per_minute_and_address: u32,
}

/// Browser sessions and API tokens.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    pub(crate) idle_minutes: u32,
    pub(crate) absolute_hours: u32,
    pub(crate) token_minutes: u32,
    pub(crate) step_up_minutes: u32,
    pub(crate) refresh_idle_hours: u32,
    pub(crate) refresh_absolute_days: u32,
}

/// API keys.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKeys {
    pub(crate) default_days: u32,
    pub(crate) max_days: u32,
    pub(crate) rotation_overlap_hours: u32,
    pub(crate) requests_per_minute: u32,
    pub(crate) requests_per_minute_max: u32,
}

/// What people may do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    pub(crate) withheld_permissions: Vec<String>,
}

/// The parse worker and the ingestion queue.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ingest {
    pub(crate) parse_memory_mib: u32,
    pub(crate) parse_timeout_s: u32,
    pub(crate) jobs_in_parallel: u32,
    pub(crate) queue_length: u32,
}

/// The model worker.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Models {
    pub(crate) threads: u32,
    pub(crate) idle_stop_s: u32,
    pub(crate) context_tokens: u32,
    pub(crate) parallel: u32,
    /// 0: what the machine has.
    pub(crate) memory_mib: u32,
    pub(crate) worker_build: WorkerLevel,
}

/// Which build of the model worker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum WorkerLevel {
    /// The best that this machine computes right with.
    #[serde(rename = "auto")]
    Auto,
    /// SSE4.2.
    #[serde(rename = "x86-64-v2")]
    V2,
    /// AVX2, FMA, F16C.
    #[serde(rename = "x86-64-v3")]
    V3,
    /// AVX-512 with VNNI.
    #[serde(rename = "x86-64-v4")]
    V4,
    /// A graphics processor, by Vulkan.
    #[serde(rename = "vulkan")]
    Vulkan,
}

impl WorkerLevel {
    /// The level's name; `None` leaves the choice to the machine.
    pub(crate) const fn name(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::V2 => Some("x86-64-v2"),
            Self::V3 => Some("x86-64-v3"),
            Self::V4 => Some("x86-64-v4"),
            Self::Vulkan => Some("vulkan"),
        }
    }
}

/// Logs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    pub(crate) format: LogFormat,
    pub(crate) level: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}
