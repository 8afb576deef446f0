//! The socket of `systemd/millwright.socket`: handed over as systemd does it, by number and
//! environment.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Appliance, Client, executable};

/// The executable with these descriptors as 3, 4 … and what systemd says of them.
fn with_sockets(appliance: &Appliance, listen: SocketAddr, sockets: &[i32]) -> Command {
    let mut redirects = String::new();
    for (index, socket) in sockets.iter().enumerate() {
        redirects.push_str(&format!(" {}<&{socket}", index + 3));
    }
    // The shell keeps its process id when it becomes the server.
    let script = format!("export LISTEN_PID=$$; exec \"$0\" \"$@\"{redirects}");
    let mut command = Command::new("sh");
    command
        .args(["-c", &script])
        .arg(executable())
        .args(["serve", "--listen", &listen.to_string(), "--data-dir"])
        .arg(appliance.data_dir())
        .env("LISTEN_FDS", sockets.len().to_string())
        .stdin(Stdio::null());
    command
}

/// A socket that children inherit.
fn socket() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).unwrap();
    listener
}

/// A port that nobody listens on.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_server_answers_on_the_socket_of_a_socket_unit_and_opens_none_itself() {
    let appliance = Appliance::stopped();
    let (handed_over, unused) = (socket(), free());
    let address = handed_over.local_addr().unwrap();
    let start = || {
        let mut command = with_sockets(&appliance, unused, &[handed_over.as_raw_fd()]);
        Served(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    };
    let mut served = start();
    let authority = appliance.data_dir().join("tls/ca.pem");
    let started = Instant::now();
    while !authority.exists() {
        assert!(started.elapsed() < Duration::from_secs(60), "no certificate is made");
        assert!(served.0.try_wait().unwrap().is_none(), "the server ended");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Whoever connects before the server is ready waits for it.
    let client = Client::new(&address.to_string(), &authority);
    client.get("/health/live").expect(200);
    assert!(refuses(unused), "it listens where it was told not to");
    // So does who comes while it is away.
    drop(served);
    let waiting = std::thread::spawn(move || client.get("/health/live").status);
    let again = start();
    assert_eq!(waiting.join().unwrap(), 200);
    drop(again);
}

#[expect(clippy::disallowed_methods, reason = "the test is the outside world")]
fn refuses(address: SocketAddr) -> bool {
    std::net::TcpStream::connect(address).is_err()
}

fn refusal(appliance: &Appliance, sockets: &[i32]) -> String {
    let output: Output = with_sockets(appliance, free(), sockets).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn what_is_no_socket_or_more_than_one_is_refused_with_a_reason() {
    let appliance = Appliance::stopped();
    let (one, two) = (socket(), socket());
    let said = refusal(&appliance, &[one.as_raw_fd(), two.as_raw_fd()]);
    assert!(said.contains("more than one"), "{said}");
    let file = tempfile::tempfile().unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    let said = refusal(&appliance, &[file.as_raw_fd()]);
    assert!(said.contains("ListenStream="), "{said}");
    let path = appliance.scratch().join("unix");
    let unix = std::os::unix::net::UnixListener::bind(path).unwrap();
    rustix::io::fcntl_setfd(&unix, rustix::io::FdFlags::empty()).unwrap();
    let said = refusal(&appliance, &[unix.as_raw_fd()]);
    assert!(said.contains("TCP"), "{said}");
}

#[test]
fn the_units_are_understood_by_systemd() {
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd");
    let dir = tempfile::tempdir().unwrap();
    for name in ["millwright.service", "millwright.socket"] {
        // The executable is where it was built, not where it will be installed.
        let text = std::fs::read_to_string(units.join(name)).unwrap();
        let text = text.replace("/usr/local/bin/millwright", &executable().display().to_string());
        std::fs::write(
            dir.path().join(name),
            text.replace("Documentation=man:millwright(1)\n", ""),
        )
        .unwrap();
    }
    let verified = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "millwright.socket", "millwright.service"])
        .current_dir(dir.path())
        .output();
    let Ok(output) = verified else {
        println!("skipped: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let about_ours: Vec<&str> = said.lines().filter(|line| line.contains("millwright")).collect();
    assert!(output.status.success() && about_ours.is_empty(), "{said}");
}
