//! `millwright serve`

use std::time::Instant;

use http::{ServeOptions, Server, Transport};
use rustix::process::{DumpableBehavior, Resource, Rlimit};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::args::Serve;
use super::error::CliError;
use super::output::note;
use crate::composition::{Appliance, chain};
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
    let mut appliance = Appliance::open(&config).await?;
    if let Some(telemetry) = telemetry {
        appliance.export_traces(telemetry);
    }
    let transport = match &appliance.tls {
        Some(identity) => Transport::Tls(identity.clone()),
        None => Transport::PlainOnLoopback,
    };
    let options = ServeOptions {
        console: Some(appliance.console.clone()),
        connections_max: config.server.connections_max as usize,
        ..ServeOptions::new(config.server.listen, transport)
    };
    let server = Server::bind(appliance.state.clone(), options)
        .await
        .map_err(|error| CliError::Unavailable(chain(&error)))?;
    let scheme = if appliance.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", server.address());
    let shutdown = CancellationToken::new();
    stop_on_signal(shutdown.clone())?;
    let serving = tokio::spawn(server.run(shutdown.clone()));
    appliance.start_background();
    tracing::info!(url, ready_ms = started.elapsed().as_millis(), "ready");
    service_manager::tell_ready(&url);
    let alive = tokio::spawn(service_manager::keep_alive());
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
    ended.map_err(|_| CliError::Failed("the server ended unexpectedly".into()))
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
