//! The command line: parses what was typed, opens the way to the API, runs one command.

mod api;
mod api_key;
mod args;
mod args_access;
mod args_agents;
mod args_audit;
mod args_keys;
mod args_model;
mod args_reason;
mod ask;
mod audit;
mod doctor;
mod document;
mod error;
mod eval;
mod group;
mod ingest;
mod key;
mod model;
mod output;
mod plan;
mod reason;
mod serve;
mod settings;
mod tenant;
mod text;
mod think;
mod user;
mod witness;
mod workflow;

use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use http::console::{Console, ConsoleError};

use crate::composition::Appliance;
use crate::config::{self, Config, Loaded, Sources};
use crate::telemetry::Telemetry;
use crate::{logging, memory};

pub(crate) use api::{Api, encode};
pub(crate) use args::Who;
pub(crate) use error::CliError;
pub(crate) use key::ask;
pub(crate) use output::{note, progress};

use args::{Cli, Command, Global, Worker};
use error::Exit;
use output::Out;

/// Runs the command that was typed.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    // Workers speak a protocol on their standard output and must start without anything else.
    if let Command::Worker(worker) = &cli.command {
        return match worker {
            Worker::Parse { self_test: true } => parse::self_test_main(),
            Worker::Parse { self_test: false } => parse::worker_main(),
            Worker::Model { self_test: true, .. } => engine::self_test_main(),
            Worker::Model { prove_generator: true, .. } => engine::prove_main(false),
            Worker::Model { threads, .. } => engine::worker_main(&engine::WorkerOptions {
                threads: *threads,
                ..engine::WorkerOptions::default()
            }),
        };
    }
    let out = Out::new(cli.global.json);
    match run(cli, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if out.is_json() && !matches!(error, CliError::Told(_)) {
                out.value(&error.to_json());
            } else if !matches!(error, CliError::Told(_)) {
                note(&format!("millwright: {error}"));
            }
            error.exit().into()
        }
    }
}

fn run(cli: Cli, out: Out) -> Result<(), CliError> {
    let global = cli.global;
    match cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "millwright", &mut script);
            output::plain(&String::from_utf8_lossy(&script));
            Ok(())
        }
        Command::Man { dir } => write_manual(&dir),
        Command::Config(command) => settings::run(&global, &command, out),
        Command::Audit(args::Audit::Verify { export: Some(file), public_key, .. }) => {
            audit::verify_export(&file, public_key.as_deref(), out)
        }
        command => {
            let loaded = load_config(&global, &command)?;
            let telemetry = match &command {
                Command::Serve(_) => Telemetry::prepare(&loaded.config.telemetry)
                    .map_err(|detail| CliError::Usage(format!("telemetry: {detail}")))?,
                // Only what serves has something to tell.
                _ => None,
            };
            logging::start(&log_settings(&loaded.config, &command), telemetry.as_ref())
                .map_err(|detail| CliError::Usage(format!("log.level: {detail}")))?;
            if matches!(command, Command::Serve(_)) {
                memory::give_back();
            }
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .map_err(|source| CliError::File { what: "starting threads".into(), source })?;
            let result = runtime.block_on(dispatch(loaded.config, command, telemetry, out));
            runtime.shutdown_timeout(std::time::Duration::from_secs(5));
            result
        }
    }
}

async fn dispatch(
    config: Config,
    command: Command,
    telemetry: Option<Telemetry>,
    out: Out,
) -> Result<(), CliError> {
    match command {
        Command::Serve(args) => serve::run(config, &args, telemetry).await,
        Command::Doctor => doctor::run(&config, out).await,
        Command::Init(args) => {
            let passphrase = args.passphrase.then(key::new_passphrase).transpose()?;
            let init = async |api: &Api| {
                tenant::init(api, &args, out).await?;
                match &passphrase {
                    // One result for programs: the tenant's.
                    Some(words) => key::set_passphrase(api, words, out).await,
                    None => Ok(()),
                }
            };
            with_api(&config, Who::default(), init).await
        }
        Command::Key(command) => {
            with_api(&config, Who::default(), async |api| key::run(api, &command, out).await).await
        }
        Command::Unseal(args) => key::unseal(&config.data.dir, &args, out).await,
        Command::Ask(args) => {
            with_api(&config, args.who.clone(), async |api| ask::ask(api, &args, out).await).await
        }
        Command::Search(args) => {
            with_api(&config, args.who.clone(), async |api| ask::search(api, &args, out).await)
                .await
        }
        Command::Ingest(args) => {
            with_api(&config, args.who.clone(), async |api| ingest::run(api, &args, out).await)
                .await
        }
        Command::Document(command) => {
            let who = document::who(&command).clone();
            with_api(&config, who, async |api| document::run(api, &command, out).await).await
        }
        Command::Tenant(command) => {
            with_api(&config, Who::default(), async |api| tenant::run(api, &command, out).await)
                .await
        }
        Command::User(command) => {
            let who = user::who(&command).clone();
            with_api(&config, who, async |api| user::run(api, &command, out).await).await
        }
        Command::Audit(command) => {
            let who = audit::who(&command);
            with_api(&config, who, async |api| audit::run(api, &command, out).await).await
        }
        Command::ApiKey(command) => {
            let who = api_key::who(&command);
            with_api(&config, who, async |api| api_key::run(api, &command, out).await).await
        }
        Command::Group(command) => {
            let who = group::who(&command).clone();
            with_api(&config, who, async |api| group::run(api, &command, out).await).await
        }
        Command::Model(command) => {
            with_api(&config, Who::default(), async |api| model::run(api, &command, out).await)
                .await
        }
        Command::Reason(args) => {
            with_api(&config, args.who.clone(), async |api| reason::run(api, &args, out).await)
                .await
        }
        Command::Workflow(command) => {
            let who = workflow::who(&command).clone();
            with_api(&config, who, async |api| workflow::run(api, &command, out).await).await
        }
        Command::Plan(command) => {
            let who = plan::who(&command).clone();
            with_api(&config, who, async |api| plan::run(api, &command, out).await).await
        }
        Command::Eval(args) => eval::run(config, &args, out).await,
        Command::Completions { .. }
        | Command::Man { .. }
        | Command::Config(_)
        | Command::Worker(_) => Ok(()),
    }
}

/// Runs `work` against the server of the data directory, or against the rooms in this process
/// when no server runs.
async fn with_api(
    config: &Config,
    who: Who,
    work: impl AsyncFnOnce(&Api) -> Result<(), CliError>,
) -> Result<(), CliError> {
    match Console::connect(&config.data.dir).await {
        Ok(console) => work(&Api::new(console, who)).await,
        Err(ConsoleError::NotRunning { .. }) => {
            let appliance = Appliance::open(config).await?;
            appliance.start_background();
            let result = work(&Api::new(appliance.console(), who)).await;
            appliance.shut_down().await;
            result
        }
        Err(error) => Err(CliError::Unavailable(crate::composition::chain(&error))),
    }
}

pub(crate) fn load_config(global: &Global, command: &Command) -> Result<Loaded, CliError> {
    let mut variables: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    if let Command::Serve(args::Serve { listen: Some(listen), .. }) = command {
        // The command line has the last word.
        variables.retain(|(name, _)| name != "MILLWRIGHT_SERVER_LISTEN");
        variables.push(("MILLWRIGHT_SERVER_LISTEN".into(), listen.to_string()));
    }
    let sources =
        Sources { file: global.config.clone(), data_dir: global.data_dir.clone(), variables };
    Ok(config::load(&sources)?)
}

/// Commands that people wait for say what they do themselves; only trouble is logged there.
fn log_settings(config: &Config, command: &Command) -> config::Log {
    let mut log = config.log.clone();
    if log.level == "info" {
        match command {
            // The demo talks to its reader: a line per request would drown what it says.
            Command::Serve(serve) if serve.demo => log.level = "warn,millwright=info".into(),
            Command::Serve(_) => {}
            _ => log.level = "error".into(),
        }
    }
    log
}

fn write_manual(dir: &Path) -> Result<(), CliError> {
    let failed = |source| CliError::File { what: dir.display().to_string(), source };
    std::fs::create_dir_all(dir).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), dir).map_err(failed)
}

/// Turns an unmet expectation into an exit status after the result was printed.
const fn told(exit: Exit) -> Result<(), CliError> {
    Err(CliError::Told(exit))
}
