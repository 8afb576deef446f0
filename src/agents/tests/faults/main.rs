//! Faults of the disk: power cuts, failing calls, and files that somebody has been at. A real
//! store, the real parser in its cage, a model worker whose embeddings are hashed words; and below
//! them a disk of our own (`shim.c`), or images of disks.
//!
//! Each test is bounded so that it belongs to `make test`; `make torture` runs them long.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]
#![allow(clippy::print_stdout, reason = "tests print what they counted")]

mod disk;
mod flow;
mod image;
mod io_faults;
mod power_cut;
mod shim;
mod site;
mod state;
mod tamper;

/// A number that `make torture` sets, or what is enough for `make test`.
fn setting(name: &str, bounded: usize) -> usize {
    std::env::var(name).ok().map_or(bounded, |text| text.parse().unwrap())
}

/// Where images of disks are made: in memory where that can be had, as nothing here is to outlive
/// the test.
fn scratch() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("millwright-faults-");
        builder
    };
    builder().tempdir_in(memory).or_else(|_| builder().tempdir()).unwrap()
}

/// An async runtime for the store and its workers.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}
