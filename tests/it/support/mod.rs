//! A real appliance per test: the built executable on a fresh data directory and a free port.

pub(crate) mod client;
pub(crate) mod fixtures;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) use client::{Answer, Client};

/// How long an appliance may take to answer. Far above the goal: builds of the test profile share
/// two cores with each other.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The executable under test: the one that was just built, or the file that `TEST_RELEASE_FILE`
/// names.
pub(crate) fn executable() -> PathBuf {
    let built = || PathBuf::from(env!("CARGO_BIN_EXE_millwright"));
    std::env::var_os("TEST_RELEASE_FILE").map_or_else(built, PathBuf::from)
}

/// A data directory and, while it runs, the appliance on it.
pub(crate) struct Appliance {
    dir: TempDir,
    server: Option<Child>,
    pub(crate) address: String,
}

impl Appliance {
    /// A fresh data directory; nothing runs on it yet.
    pub(crate) fn stopped() -> Self {
        let dir = tempfile::Builder::new().prefix("millwright-it-").tempdir().unwrap();
        Self { dir, server: None, address: String::new() }
    }

    /// A running appliance on a fresh data directory.
    pub(crate) fn started() -> Self {
        let mut appliance = Self::stopped();
        appliance.start();
        appliance
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn scratch(&self) -> &Path {
        self.dir.path()
    }

    /// Starts the server and waits until it is ready. The port is the kernel's choice.
    pub(crate) fn start(&mut self) {
        self.start_with(&[]);
    }

    /// As [`Appliance::start`], of one that then waits for its passphrase or shares.
    pub(crate) fn start_sealed(&mut self) {
        self.start_until(&[], "sealed: unseal on the start page");
    }

    /// As [`Appliance::start`], with these variables in its environment.
    pub(crate) fn start_with(&mut self, variables: &[(&str, &str)]) {
        self.start_until(variables, "ready");
    }

    /// Starts the server and waits for the log line that begins so.
    fn start_until(&mut self, variables: &[(&str, &str)], message: &str) {
        self.launch(variables);
        self.wait_until(message);
    }

    /// Starts the server and waits for nothing.
    pub(crate) fn launch(&mut self, variables: &[(&str, &str)]) {
        let log = std::fs::File::create(self.dir.path().join("server.log")).unwrap();
        let child = Command::new(executable())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.data_dir())
            .env("MILLWRIGHT_LOG_FORMAT", "json")
            .env("MILLWRIGHT_SERVER_REQUESTS_PER_MINUTE_AND_USER", "100000")
            .env("MILLWRIGHT_SERVER_REQUESTS_PER_MINUTE_AND_TENANT", "1000000")
            .env("MILLWRIGHT_SERVER_REQUESTS_PER_MINUTE_AND_ADDRESS", "1000000")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.server = Some(child);
    }

    /// Waits until the server that was launched answers.
    pub(crate) fn wait_until_ready(&mut self) {
        self.wait_until("ready");
    }

    fn wait_until(&mut self, message: &str) {
        let started = Instant::now();
        loop {
            if let Some(url) = self.url_told_with(message) {
                self.address = url.trim_start_matches("https://").to_owned();
                return;
            }
            let ended = self.server.as_mut().and_then(|child| child.try_wait().unwrap());
            assert!(ended.is_none(), "the server ended: {}", self.log());
            assert!(started.elapsed() < START_TIMEOUT, "not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The log line that says where the server listens.
    fn url_told_with(&self, message: &str) -> Option<String> {
        self.log().lines().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let told = line["message"].as_str()?.starts_with(message);
            told.then(|| line["url"].as_str().unwrap().to_owned())
        })
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("server.log")).unwrap_or_default()
    }

    /// The running server's process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.server.as_ref().unwrap().id()
    }

    /// SIGKILL: nothing gets a chance to tidy up.
    pub(crate) fn kill(&mut self) {
        let mut child = self.server.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM, and the wait for an orderly end.
    pub(crate) fn stop(&mut self) {
        let mut child = self.server.take().unwrap();
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let status = child.wait().unwrap();
        assert!(status.success(), "{status}: {}", self.log());
    }

    /// Runs a command of the executable on this data directory.
    pub(crate) fn command(&self, args: &[&str]) -> Output {
        Command::new(executable())
            .args(args)
            .arg("--data-dir")
            .arg(self.data_dir())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// As [`Appliance::command`], with something to read on standard input.
    pub(crate) fn command_with(&self, args: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut child = Command::new(executable())
            .args(args)
            .arg("--data-dir")
            .arg(self.data_dir())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Starts a command and does not wait for it.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        Command::new(executable())
            .args(args)
            .arg("--data-dir")
            .arg(self.data_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// As [`Appliance::command`], for one that must succeed with JSON.
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let mut args = args.to_vec();
        args.push("--json");
        let output = self.command(&args);
        assert!(
            output.status.success(),
            "{args:?}: {}\n{}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Nobody signed in.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.address, &self.data_dir().join("tls/ca.pem"))
    }

    /// Makes a tenant.
    pub(crate) fn tenant(&self, slug: &str) -> Value {
        self.json(&["tenant", "create", slug, "--name", slug])
    }

    /// Makes a person, changes the one-time password, and signs them in with a token.
    pub(crate) fn person(&self, tenant: &str, person: Person<'_>) -> Client {
        let mut args = vec![
            "user",
            "add",
            person.email,
            "--tenant",
            tenant,
            "--name",
            person.email,
            "--role",
            person.role,
            "--clearance",
            person.clearance,
        ];
        if person.export_eligible {
            args.push("--export-eligible");
        }
        let created = self.json(&args);
        let once = created["one_time_password"].as_str().unwrap();
        let mut client = self.client();
        let login = serde_json::json!({
            "tenant": tenant, "email": person.email, "password": once,
        });
        let cookie = client.post("/api/v1/auth/login", &login).expect(200).cookie().unwrap();
        client.use_cookie(&cookie);
        let change = serde_json::json!({ "current_password": once, "new_password": PASSWORD });
        assert!(client.post("/api/v1/auth/password", &change).status < 300);
        let mut client = self.client();
        let login = serde_json::json!({
            "tenant": tenant, "email": person.email, "password": PASSWORD, "token": true,
        });
        let token = client.post("/api/v1/auth/login", &login).expect(200).json();
        client.use_token(token["access_token"].as_str().unwrap());
        client
    }
}

impl Drop for Appliance {
    fn drop(&mut self) {
        if let Some(mut child) = self.server.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The password that everybody in the tests takes instead of the one-time password.
pub(crate) const PASSWORD: &str = "a long enough passphrase 4711";

/// A person to be made.
#[derive(Clone, Copy)]
pub(crate) struct Person<'a> {
    pub(crate) email: &'a str,
    pub(crate) role: &'a str,
    pub(crate) clearance: &'a str,
    pub(crate) export_eligible: bool,
}

impl<'a> Person<'a> {
    pub(crate) const fn new(email: &'a str, role: &'a str) -> Self {
        Self { email, role, clearance: "INTERNAL", export_eligible: false }
    }

    pub(crate) const fn clearance(mut self, clearance: &'a str) -> Self {
        self.clearance = clearance;
        self
    }
}
