#![no_main]
#![allow(dead_code, unused_imports, reason = "the executable has no library: its module is taken in here")]

#[path = "../../src/config/mod.rs"]
mod config;

libfuzzer_sys::fuzz_target!(|data: &[u8]| config::fuzzing::config(data));
