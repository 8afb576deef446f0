//! The `millwright` executable: command line and composition.

mod cli;
mod composition;
mod config;
mod demo;
mod logging;

fn main() -> std::process::ExitCode {
    cli::main()
}
