//! The worker as the tests start it: the product's own worker, and beside it workers that do what
//! must not happen. Which one is told by the name it is started under, since the client gives a
//! worker neither environment nor arguments of the tests' choosing.

use std::io::{Read, Write};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let name = Path::new(&arguments[0]).file_name().unwrap_or_default().to_string_lossy();
    if arguments.iter().any(|a| a == "--self-test") {
        return match &*name {
            "leak" => {
                write_out(br#"{"landlock":"Absent","acts":[{"name":"fork","outcome":{"Leaked":{"detail":"went through"}}}]}"#);
                ExitCode::FAILURE
            }
            "silent" => ExitCode::SUCCESS,
            _ => parse::self_test_main(),
        };
    }
    match &*name {
        "hang" => hang(),
        "spin" => spin(),
        "oom" => exhaust_memory(),
        "crash" => std::process::abort(),
        "overflow" => overflow(),
        "killed" => kill_self(),
        "garbage" => {
            write_out(b"this is not a frame at all, and long enough to be read as one");
            ExitCode::SUCCESS
        }
        "giant" => {
            write_out(&u32::MAX.to_le_bytes());
            hang()
        }
        "uncaged" => {
            // A page before the cage: the first frame must tell that the cage is closed.
            write_out(&[1, 0, 0, 0, 2]);
            ExitCode::SUCCESS
        }
        "early" => ExitCode::SUCCESS,
        _ => parse::worker_main(),
    }
}

fn write_out(bytes: &[u8]) {
    let mut out = std::io::stdout();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    assert!(written.is_ok(), "the test reads this pipe");
}

/// Reads everything and says nothing, for ever.
fn hang() -> ExitCode {
    let mut sink = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut sink);
    loop {
        std::thread::park();
    }
}

/// Computes for ever.
fn spin() -> ExitCode {
    let mut n = 0u64;
    loop {
        n = std::hint::black_box(n.wrapping_add(1));
    }
}

/// Runs into the limit that the cage of the product sets.
fn exhaust_memory() -> ExitCode {
    let limit = rustix::process::Rlimit { current: Some(256 << 20), maximum: Some(256 << 20) };
    let set = rustix::process::setrlimit(rustix::process::Resource::As, limit);
    assert!(set.is_ok(), "a limit can always be lowered");
    let mut hoard: Vec<Vec<u8>> = Vec::new();
    loop {
        hoard.push(vec![1; 1 << 20]);
    }
}

fn overflow() -> ExitCode {
    fn deeper(n: u64) -> u64 {
        let frame = std::hint::black_box([n; 512]);
        if n == u64::MAX { 0 } else { deeper(n + 1).wrapping_add(frame[7]) }
    }
    ExitCode::from(deeper(0) as u8)
}

/// As the kernel's out-of-memory killer does it.
fn kill_self() -> ExitCode {
    let own = rustix::process::getpid();
    let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    ExitCode::SUCCESS
}
