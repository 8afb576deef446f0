//! The `millwright` executable: command line and composition.

mod cli;
mod composition;
mod config;
mod demo;
mod logging;
mod memory;
mod service_manager;
mod telemetry;

fn main() -> std::process::ExitCode {
    cli::main()
}
