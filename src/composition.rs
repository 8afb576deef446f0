//! Putting the rooms together: the one place that knows all of them.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agents::memory::{MEMORY_JOB, memory_handler};
use agents::workflow::{WORKFLOW_JOB, workflow_handler};
use agents::{Minds, Workbench};
use base::{Clock, OsEntropy, SystemClock};
use egress::Door;
use http::console::{Console, ConsoleKey};
use http::{AppParts, AppState, CorsOrigins, HttpSettings, Metrics, TlsIdentity, TlsSettings};
use identity::{
    ExternalIssuer, KeySettings, PasswordSettings, Passwords, RefreshSettings, SessionSettings,
};
use knowledge::{EMBED_JOB, INGEST_JOB, Library, LibrarySettings, embed_handler, ingest_handler};
use models::{Encoders, ModelWorker, Tiers, Upstream, upstreams_watch};
use parse::{CageLimits, ParseWorker};
use store::{
    JobRunner, OperatorKey, SYSLOG_SOCKET, Start, Store, StoreError, StoreOptions, StoreSettings,
    Witness, WitnessSettings,
};

use crate::cli::CliError;
use crate::config::{ApiKeys, Config, ConfigError};
use crate::model_parts::{model_command, model_registry, model_worker, upstreams};
use crate::telemetry::Telemetry;
use crate::worker_builds::worker_builds;

/// Everything of one process that has opened a data directory.
pub(crate) struct Appliance {
    pub(crate) store: Store,
    pub(crate) state: Arc<AppState>,
    pub(crate) library: Library,
    pub(crate) runner: Arc<JobRunner>,
    pub(crate) console: ConsoleKey,
    models: ModelWorker,
    /// Models on other machines.
    upstreams: Vec<Upstream>,
    /// The only way out of the process.
    door: Door,
    telemetry: Option<Telemetry>,
    /// Hands checkpoints to a second place, where one is configured.
    witness: Option<Witness>,
}

/// Name of the systemd credential with the master key (`LoadCredential=`).
const KEY_CREDENTIAL: &str = "millwright-master-key";

/// How often idle tenants are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(30);

/// When old audit entries are first looked for: the start has other things to do, and a command that
/// works without a server is over before.
const FIRST_PRUNING: Duration = Duration::from_secs(120);

/// How often they are looked for.
const PRUNING: Duration = Duration::from_secs(24 * 60 * 60);

impl Appliance {
    /// Opens the data directory and builds the rooms over it. Starts no server. A sealed directory is
    /// opened with the passphrase, which is asked for at a terminal.
    pub(crate) async fn open(config: &Config) -> Result<Self, CliError> {
        let (store, operator) = open_store(config).await?;
        let tls = tls_identity(config, store.data_dir(), store.clock())?;
        Self::over(config, store, operator, tls).await
    }

    /// Builds the rooms over an open store.
    pub(crate) async fn over(
        config: &Config,
        store: Store,
        operator: OperatorKey,
        tls: Option<Arc<TlsIdentity>>,
    ) -> Result<Self, CliError> {
        if let refused @ seal::MemoryLock::Refused(_) = seal::memory_lock() {
            tracing::warn!(reason = %refused, "raise LimitMEMLOCK=, or turn the swap off");
        }
        let issuers = open_issuers(config, &store, &operator)?;
        let console = ConsoleKey::new(operator);
        let door = open_door(config, &store).await?;
        let exe = std::env::current_exe()
            .map_err(|source| CliError::File { what: "own executable".into(), source })?;
        let parser = parse_worker(config, exe.clone());
        let model_command = model_command(config, exe.clone());
        let (cage, model_cage) =
            tokio::join!(parser.self_test(), models::worker_cage_self_test(&model_command));
        let cage = cage.map_err(|error| error.to_string());
        if let Err(reason) = &cage {
            tracing::error!(reason, "the parse cage failed its self-test: nothing is ingested");
        }
        let leaks = model_cage.as_ref().map(|report| report.leaks().join(", "));
        match leaks {
            Ok(leaks) if leaks.is_empty() => {}
            Ok(leaks) => tracing::error!(leaks, "the model worker's cage leaks"),
            Err(reason) => tracing::error!(reason, "the model worker's cage could not be tested"),
        }
        let models =
            model_worker(config, worker_builds(&model_command, config.models.worker_build), &store);
        let tiers = Tiers::new();
        let encoders = Encoders::default();
        let registry = model_registry(config, &store, &models, (&tiers, &encoders)).await;
        let upstreams = upstreams(config, &door, &tiers)?;
        let library = Library::new(parser, models.clone(), encoders, LibrarySettings::default());
        let bench = Workbench::new(Minds::new(tiers.clone()), library.clone())
            .map_err(|error| CliError::Failed(chain(&error)))?;
        let handlers = HashMap::from([
            (INGEST_JOB, ingest_handler(library.clone())),
            (EMBED_JOB, embed_handler(library.clone())),
            (WORKFLOW_JOB, workflow_handler(bench.clone())),
            (MEMORY_JOB, memory_handler(bench)),
        ]);
        let runner = JobRunner::new(store.clone(), handlers);
        let metrics = Metrics::install().map_err(|error| CliError::Failed(chain(&error)))?;
        let state = AppState::new(AppParts {
            store: store.clone(),
            passwords: Passwords::new(PasswordSettings::default()),
            library: library.clone(),
            tiers,
            models: registry,
            upstreams: upstreams.clone(),
            cage,
            model_cage,
            metrics,
            tls,
            issuers,
            settings: http_settings(config)?,
        });
        let telemetry = None;
        let witness = store
            .witness_start(witness_settings(config))
            .map_err(|error| CliError::Failed(chain(&error)))?;
        Ok(Self {
            store,
            state,
            library,
            runner,
            console,
            models,
            upstreams,
            door,
            telemetry,
            witness,
        })
    }

    /// The API in this process, with the operator's rights.
    pub(crate) fn console(&self) -> Console {
        Console::in_process(http::router(Arc::clone(&self.state)), self.console.clone())
    }

    /// Starts the work that goes on beside requests: durable jobs, closing idle tenants, pruning old
    /// audit entries.
    pub(crate) fn start_background(&self) {
        tokio::spawn(Arc::clone(&self.runner).run());
        tokio::spawn(upstreams_watch(self.upstreams.clone()));
        let store = self.store.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(HOUSEKEEPING).await;
                let closed = store.close_idle_tenants().await;
                if closed > 0 {
                    tracing::debug!(closed, "idle tenants closed");
                }
            }
        });
        let store = self.store.clone();
        tokio::spawn(async move {
            tokio::time::sleep(FIRST_PRUNING).await;
            loop {
                store.audit_prune_all().await;
                tokio::time::sleep(PRUNING).await;
            }
        });
    }

    /// Lets traces go to the collector that is configured.
    pub(crate) fn export_traces(&mut self, telemetry: Telemetry) {
        telemetry.connect(self.door.clone());
        self.telemetry = Some(telemetry);
    }

    /// Lets running jobs pause, ends the workers, sends the last traces, shuts the door, closes the
    /// databases, and hands their last checkpoints to the witness.
    pub(crate) async fn shut_down(self) {
        self.runner.stop().await;
        self.models.shut_down().await;
        if let Some(telemetry) = self.telemetry {
            telemetry.shut_down().await;
        }
        self.door.close().await;
        self.store.close().await;
        if let Some(witness) = self.witness {
            let _ = tokio::task::spawn_blocking(move || witness.stop()).await;
        }
    }
}

/// Opens the store alone, for commands that need nothing else.
pub(crate) async fn open_store(config: &Config) -> Result<(Store, OperatorKey), CliError> {
    match start_store(config).await? {
        Start::Open(store, operator) => Ok((store, operator)),
        Start::Sealed(sealed) => {
            let at_terminal = std::io::IsTerminal::is_terminal(&std::io::stdin());
            if !at_terminal || !sealed.has_passphrase() {
                return Err(CliError::Unavailable(
                    "the appliance is sealed: start it with `millwright serve`, then run \
                     `millwright unseal`"
                        .into(),
                ));
            }
            let passphrase = crate::cli::ask("Passphrase of the master key: ")?;
            let opened = tokio::task::spawn_blocking(move || {
                let master = sealed.open_with_passphrase(&passphrase)?;
                sealed.open(master, seal::KeyOrigin::Passphrase)
            });
            let opened = opened.await.map_err(|_| opening_failed())?;
            opened.map_err(|error| CliError::Failed(chain(&error)))
        }
    }
}

fn opening_failed() -> CliError {
    CliError::Failed("opening the store failed".into())
}

/// Opens the store, unless somebody has to unseal it.
pub(crate) async fn start_store(config: &Config) -> Result<Start, CliError> {
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let key_file = &config.data.key_file;
    let options = StoreOptions {
        data_dir: config.data.dir.clone(),
        key_credential: credentials.map(|dir| dir.join(KEY_CREDENTIAL)).filter(|p| p.exists()),
        key_file: (!key_file.as_os_str().is_empty()).then(|| key_file.clone()),
        clock: Arc::new(SystemClock),
        entropy: Arc::new(OsEntropy),
        settings: StoreSettings {
            idle_close_ms: i64::from(config.data.tenant_idle_close_s) * 1000,
            jobs_in_parallel: config.ingest.jobs_in_parallel as usize,
            job_queue_length: config.ingest.queue_length,
            withheld_permissions: config.policy.withheld_permissions.clone(),
            ..StoreSettings::default()
        },
    };
    let opened = tokio::task::spawn_blocking(move || Store::start(options)).await;
    opened.map_err(|_| opening_failed())?.map_err(|error| match error {
        StoreError::InUse => CliError::Unavailable(format!(
            "the data directory {} is in use by another process that can't be reached through \
             its console socket; wait for it to start, or end it",
            config.data.dir.display()
        )),
        other => CliError::Failed(chain(&other)),
    })
}

fn witness_settings(config: &Config) -> WitnessSettings {
    let audit = &config.audit;
    WitnessSettings {
        folder: (!audit.witness_path.as_os_str().is_empty()).then(|| audit.witness_path.clone()),
        syslog: audit.witness_syslog.then(|| PathBuf::from(SYSLOG_SOCKET)),
        interval: Duration::from_secs(audit.witness_interval_s.into()),
    }
}

/// The server's certificate; `None` for plain HTTP.
pub(crate) fn tls_identity(
    config: &Config,
    data_dir: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<TlsIdentity>>, CliError> {
    if config.server.plain_http {
        return Ok(None);
    }
    let identity = TlsIdentity::open(data_dir, &tls_settings(config)?, clock)
        .map_err(|error| CliError::Failed(chain(&error)))?;
    Ok(Some(Arc::new(identity)))
}

/// The issuers whose tokens are taken, each with its keys and the right to one tenant.
fn open_issuers(
    config: &Config,
    store: &Store,
    operator: &OperatorKey,
) -> Result<Vec<ExternalIssuer>, CliError> {
    let mut issuers = Vec::new();
    for issuer in &config.issuer {
        let (name, settings) = issuer.settings().map_err(CliError::Failed)?;
        let key = store.federation_key(operator, name, &issuer.tenant);
        if key.tenant_id(store).is_none() {
            tracing::warn!(issuer.name = %name, tenant.slug = issuer.tenant,
                "there is no tenant of this name yet: the issuer's tokens open nothing");
        }
        let opened = ExternalIssuer::open(settings, key, store.now());
        issuers.push(
            opened.map_err(|error| {
                CliError::Config(ConfigError::issuer(&issuer.name, chain(&error)))
            })?,
        );
    }
    Ok(issuers)
}

/// The way out, with what the configuration allows.
async fn open_door(config: &Config, store: &Store) -> Result<Door, CliError> {
    let collector = config.telemetry.collector().map_err(CliError::Failed)?;
    let mut allow_list: Vec<_> = collector.map(|collector| collector.entry).into_iter().collect();
    for upstream in &config.upstream {
        allow_list.push(upstream.entry().map_err(CliError::Failed)?);
    }
    let store = store.clone();
    let opened = tokio::task::spawn_blocking(move || Door::open(allow_list, store)).await;
    let opened = opened.map_err(|_| CliError::Failed("opening the door failed".into()))?;
    opened.map_err(|error| CliError::Failed(chain(&error)))
}

/// The parse worker, which is this executable again.
pub(crate) fn parse_worker(config: &Config, exe: PathBuf) -> ParseWorker {
    let limits = CageLimits {
        memory_bytes: u64::from(config.ingest.parse_memory_mib) * 1024 * 1024,
        wall_clock_ms: u64::from(config.ingest.parse_timeout_s) * 1000,
        ..CageLimits::default()
    };
    ParseWorker::new(exe, limits)
}

pub(crate) fn tls_settings(config: &Config) -> Result<TlsSettings, CliError> {
    let server = &config.server;
    let own = (!server.certificate_file.as_os_str().is_empty()).then(|| http::OwnCertificate {
        certificate_file: server.certificate_file.clone(),
        key_file: server.certificate_key_file.clone(),
    });
    let mut names = server.names.clone();
    if !server.listen.ip().is_unspecified() {
        names.push(server.listen.ip().to_string());
    }
    Ok(TlsSettings { own, names })
}

fn http_settings(config: &Config) -> Result<HttpSettings, CliError> {
    let cors_origins = CorsOrigins::parse(&config.server.cors_allowed_origins)
        .map_err(|error| CliError::Failed(chain(&error)))?;
    let per_minute = |limit| NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
    let (server, session) = (&config.server, config.session);
    Ok(HttpSettings {
        requests_per_minute: per_minute(server.requests_per_minute_and_user),
        tenant_requests_per_minute: per_minute(server.requests_per_minute_and_tenant),
        address_requests_per_minute: per_minute(server.requests_per_minute_and_address),
        logins_per_minute: per_minute(server.sign_ins_per_minute_and_address),
        keys: key_settings(config.api_keys),
        cors_origins,
        sessions: SessionSettings {
            idle_ms: i64::from(session.idle_minutes) * 60_000,
            absolute_ms: i64::from(session.absolute_hours) * 3_600_000,
            ..SessionSettings::default()
        },
        login_token_lifetime_ms: i64::from(session.token_minutes) * 60_000,
        refresh: RefreshSettings {
            idle_ms: i64::from(session.refresh_idle_hours) * 3_600_000,
            absolute_ms: i64::from(session.refresh_absolute_days) * 86_400_000,
        },
        step_up_window_ms: i64::from(session.step_up_minutes) * 60_000,
        ..HttpSettings::default()
    })
}

fn key_settings(keys: ApiKeys) -> KeySettings {
    const HOUR_MS: i64 = 3_600_000;
    KeySettings {
        lifetime_ms: i64::from(keys.default_days) * 24 * HOUR_MS,
        lifetime_max_ms: i64::from(keys.max_days) * 24 * HOUR_MS,
        overlap_ms: i64::from(keys.rotation_overlap_hours) * HOUR_MS,
        requests_per_minute: keys.requests_per_minute,
        requests_per_minute_max: keys.requests_per_minute_max,
        ..KeySettings::default()
    }
}

/// An error with its causes, for people.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
