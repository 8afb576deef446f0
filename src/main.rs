//! The `millwright` executable: command line and composition.

mod cli;
mod composition;
mod config;
mod demo;
mod logging;
mod memory;
mod model_parts;
mod service_manager;
mod telemetry;
mod worker_builds;

fn main() -> std::process::ExitCode {
    cli::main()
}
