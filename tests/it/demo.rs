//! The demo as a newcomer meets it: an empty directory, one command, cited answers.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::executable;

const TIMEOUT: Duration = Duration::from_secs(600);

#[test]
fn the_demo_answers_and_the_golden_set_is_no_worse_than_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("demo");
    let log = dir.path().join("log");
    let mut server = Command::new(executable())
        .args(["serve", "--demo", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(&data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let started = Instant::now();
    loop {
        let said = std::fs::read_to_string(&log).unwrap();
        if said.contains("Three things to try") {
            assert!(said.contains("One-time passwords"), "{said}");
            break;
        }
        assert!(server.try_wait().unwrap().is_none(), "{said}");
        assert!(started.elapsed() < TIMEOUT, "{said}");
        std::thread::sleep(Duration::from_millis(200));
    }
    let run = |args: &[&str]| {
        let mut command = Command::new(executable());
        command.args(args).arg("--data-dir").arg(&data).output().unwrap()
    };
    let question = "What is the tightening torque of the P-101 flange bolts?";
    let answer = run(&["ask", question, "--tenant", "rauental"]);
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(text.contains("90 N·m") && text.contains("MM-PS1-001"), "{text}");
    assert!(text.contains("revision 1, page 12"), "{text}");
    // What is reached today, so that it can't get worse unseen; the goals (85 and 90) are the
    // defaults of `millwright eval`.
    let report = run(&["eval", "--json", "--min-answered", "65", "--min-refused", "80"]);
    let figures: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!(report.status.code(), Some(0), "{figures:#}");
    let verified = run(&["audit", "verify", "--json"]);
    assert!(verified.status.success());
    server.kill().unwrap();
    server.wait().unwrap();
}
