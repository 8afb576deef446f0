//! `millwright serve`

use std::sync::Arc;
use std::time::Instant;

use http::{SealedGate, ServeOptions, Server, Takeover, TlsIdentity, Transport, Unsealing};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use store::Start;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::args::Serve;
use super::error::CliError;
use super::output::note;
use crate::composition::{Appliance, chain, start_store, tls_identity};
use crate::config::Config;
use crate::telemetry::Telemetry;
use crate::{demo, service_manager};

pub(crate) async fn run(
    config: Config,
    args: &Serve,
    telemetry: Option<Telemetry>,
) -> Result<(), CliError> {
    let started = Instant::now();
    keep_memory_private()?;
    let listener = service_manager::listener().map_err(CliError::Usage)?;
    let start = start_store(&config).await?;
    let (data_dir, clock) = match &start {
        Start::Open(store, _) => (store.data_dir().to_owned(), store.clock()),
        Start::Sealed(sealed) => (sealed.data_dir().to_owned(), sealed.clock()),
    };
    let tls = tls_identity(&config, &data_dir, clock)?;
    let transport = match &tls {
        Some(identity) => Transport::Tls(identity.clone()),
        None => Transport::PlainOnLoopback,
    };
    let options = ServeOptions {
        connections_max: config.server.connections_max as usize,
        listener,
        ..ServeOptions::new(config.server.listen, transport)
    };
    let shutdown = CancellationToken::new();
    stop_on_signal(shutdown.clone())?;
    let unavailable = |error: http::ServeError| CliError::Unavailable(chain(&error));
    let scheme = if tls.is_some() { "https" } else { "http" };
    let mut alive = None;
    let (serving, appliance, url) = match start {
        Start::Open(store, operator) => {
            let appliance = Appliance::over(&config, store, operator, tls).await?;
            let options = ServeOptions { console: Some(appliance.console.clone()), ..options };
            let bound = Server::bind(appliance.state.clone(), options).await;
            let server = bound.map_err(unavailable)?;
            let url = format!("{scheme}://{}", server.address());
            (tokio::spawn(server.run(shutdown.clone())), Some(appliance), url)
        }
        Start::Sealed(sealed) => {
            let (gate, openings) = SealedGate::new(*sealed);
            let server = Server::bind_sealed(&gate, options).await.map_err(unavailable)?;
            let (url, takeover) = (format!("{scheme}://{}", server.address()), server.takeover());
            let serving = tokio::spawn(server.run(shutdown.clone()));
            tracing::warn!(
                url,
                "sealed: unseal on the start page, or with `millwright unseal` on this machine"
            );
            service_manager::tell_sealed(&url);
            alive = Some(tokio::spawn(service_manager::keep_alive()));
            let opened = tokio::select! {
                opened = opened(&config, gate, openings, &takeover, tls) => Some(opened?),
                () = shutdown.cancelled() => None,
            };
            (serving, opened, url)
        }
    };
    let Some(mut appliance) = appliance else {
        service_manager::tell_stopping();
        return serving.await.map_err(|_| ended_unexpectedly());
    };
    if let Some(telemetry) = telemetry {
        appliance.export_traces(telemetry);
    }
    appliance.start_background();
    tracing::info!(url, ready_ms = started.elapsed().as_millis(), "ready");
    service_manager::tell_ready(&url);
    let alive = alive.unwrap_or_else(|| tokio::spawn(service_manager::keep_alive()));
    if args.demo {
        tokio::select! {
            prepared = prepare_demo(&appliance, &config, &url) => prepared?,
            () = shutdown.cancelled() => {}
        }
    }
    let ended = serving.await;
    service_manager::tell_stopping();
    appliance.shut_down().await;
    alive.abort();
    ended.map_err(|_| ended_unexpectedly())
}

fn ended_unexpectedly() -> CliError {
    CliError::Failed("the server ended unexpectedly".into())
}

/// Waits until somebody has unsealed the appliance, opens it, and lets the whole of it answer on the
/// sockets that are open already.
async fn opened(
    config: &Config,
    gate: Arc<SealedGate>,
    mut openings: mpsc::Receiver<Unsealing>,
    takeover: &Takeover,
    tls: Option<Arc<TlsIdentity>>,
) -> Result<Appliance, CliError> {
    while let Some(Unsealing { master, origin, done }) = openings.recv().await {
        let opening = Arc::clone(&gate);
        let store = tokio::task::spawn_blocking(move || opening.store().open(master, origin));
        let opened = match store.await {
            Ok(Ok((store, operator))) => {
                Appliance::over(config, store, operator, tls.clone()).await
            }
            Ok(Err(error)) => Err(CliError::Failed(chain(&error))),
            Err(_) => Err(CliError::Failed("opening the store failed".into())),
        };
        match opened {
            Ok(appliance) => {
                takeover.install(appliance.state.clone(), appliance.console.clone());
                // Whoever unsealed may have gone.
                let _ = done.send(Ok(()));
                return Ok(appliance);
            }
            Err(error) => {
                tracing::error!(%error, "unsealed, but the appliance does not open");
                let _ = done.send(Err(error.to_string()));
            }
        }
    }
    Err(ended_unexpectedly())
}

/// The memory of this process holds keys: it is dumped nowhere, and nobody but root looks into it.
fn keep_memory_private() -> Result<(), CliError> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none)
        .and_then(|()| rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable))
        .map_err(|error| CliError::Failed(format!("core dumps can't be turned off: {error}")))
}

async fn prepare_demo(appliance: &Appliance, config: &Config, url: &str) -> Result<(), CliError> {
    let console = appliance.console();
    let passwords = demo::prepare(&console, &config.data.dir).await?;
    if let Some(passwords) = passwords.filter(|text| !text.is_empty()) {
        note("\nOne-time passwords, shown only now (each must be changed at the first login):\n");
        note(&format!(
            "  {:<10} {:<34} {:<9} {:<13} {}",
            "tenant", "e-mail", "role", "clearance", "password"
        ));
        note(passwords.trim_end());
    }
    let data_dir = config.data.dir.display();
    let exe = std::env::current_exe()
        .map_or_else(|_| "millwright".to_owned(), |path| path.display().to_string());
    note(&format!(
        "\nMillwright answers on {url}\n\
         \nThree things to try, in another terminal:\n\
         \n  {exe} ask --data-dir {data_dir} --tenant rauental \\\n    \
             \"What is the tightening torque of the P-101 flange bolts?\"\n\
         \n  {exe} search --data-dir {data_dir} --tenant rauental \"F30001\"\n\
         \n  {exe} audit verify --data-dir {data_dir}\n\
         \nOr open {url} in a browser (its certificate is the appliance's own). Ctrl-C ends it.\n"
    ));
    Ok(())
}

/// SIGINT and SIGTERM ask for an orderly end; a second one ends the process at once.
fn stop_on_signal(shutdown: CancellationToken) -> Result<(), CliError> {
    let failed = |source| CliError::File { what: "listening for signals".into(), source };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    tokio::spawn(async move {
        for round in 0..2 {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if round == 0 {
                tracing::info!("stopping: open requests are finished, jobs pause");
                shutdown.cancel();
            } else {
                std::process::exit(130);
            }
        }
    });
    Ok(())
}
