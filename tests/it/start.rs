//! Starting, health, and the pages that need no sign-in.

use serde_json::Value;

use crate::support::Appliance;

#[test]
fn a_fresh_directory_becomes_a_ready_appliance() {
    let mut appliance = Appliance::started();
    let client = appliance.client();
    client.get("/health/live").expect(200);
    let ready = client.get("/health/ready").expect(200).json();
    assert!(ready.to_string().contains("store"), "{ready:#}");
    let metrics = client.get("/metrics").expect(200).text();
    assert!(metrics.contains("http_requests_total"), "{metrics}");
    let openapi = client.get("/openapi.json").expect(200).json();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
    for route in http::routes().iter().filter(|route| route.path.starts_with("/api/")) {
        let method = route.method.as_str().to_ascii_lowercase();
        assert!(openapi["paths"][route.path][&method].is_object(), "{} {}", method, route.path);
    }
    let page = client.get("/").expect(200);
    let html = page.text();
    assert!(html.contains("id=\"root\""), "{html}");
    let script = html.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
    let script = client.get(script).expect(200);
    assert!(script.headers["cache-control"].to_str().unwrap().contains("immutable"));
    client.get("/docs").expect(200);
    appliance.stop();
}

#[test]
fn every_answer_carries_a_request_id_and_the_security_headers() {
    let appliance = Appliance::started();
    let client = appliance.client();
    for target in ["/", "/health/live", "/api/v1/documents", "/no/such/page", "/openapi.json"] {
        let answer = client.get(target);
        for header in [
            "x-request-id",
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
            "strict-transport-security",
        ] {
            assert!(answer.headers.contains_key(header), "{target} lacks {header}");
        }
        if answer.status >= 400 {
            let kind = answer.headers["content-type"].to_str().unwrap();
            assert!(kind.starts_with("application/problem+json"), "{target}: {kind}");
        }
    }
}

#[test]
fn a_second_process_on_the_same_directory_uses_the_first_ones_socket() {
    let appliance = Appliance::started();
    appliance.tenant("alpha");
    let tenants = appliance.json(&["tenant", "list"]);
    assert_eq!(tenants["items"][0]["slug"], "alpha");
    let second = appliance.command(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(6), "{}", String::from_utf8_lossy(&second.stderr));
}

#[test]
fn a_restart_keeps_certificate_people_and_documents() {
    let mut appliance = Appliance::started();
    appliance.tenant("alpha");
    let authority = std::fs::read(appliance.data_dir().join("tls/ca.pem")).unwrap();
    appliance.stop();
    appliance.start();
    assert_eq!(std::fs::read(appliance.data_dir().join("tls/ca.pem")).unwrap(), authority);
    let tenants: Value = appliance.json(&["tenant", "list"]);
    assert_eq!(tenants["items"].as_array().unwrap().len(), 1);
}

#[test]
fn the_service_manager_hears_that_the_server_is_ready_lives_and_stops() {
    let mut appliance = Appliance::stopped();
    let path = appliance.scratch().join("notify");
    let manager = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let heard = || {
        let mut message = [0; 4096];
        let length = manager.recv(&mut message).expect("nothing is heard");
        String::from_utf8_lossy(&message[..length]).into_owned()
    };
    let socket = path.to_str().unwrap().to_owned();
    appliance.start_with(&[("NOTIFY_SOCKET", &socket), ("WATCHDOG_USEC", "100000")]);
    let ready = heard();
    assert!(ready.contains("READY=1") && ready.contains("STATUS=answers on https://"), "{ready}");
    for _ in 0..3 {
        assert_eq!(heard().trim(), "WATCHDOG=1");
    }
    appliance.stop();
    let last = std::iter::repeat_with(heard).find(|message| !message.contains("WATCHDOG=1"));
    assert!(last.unwrap().contains("STOPPING=1"));
}

/// Exposure that systemd may see in the unit, in tenths (`systemd-analyze security`).
const EXPOSURE_MAX_TENTHS: u32 = 15;

#[test]
fn the_unit_leaves_little_open() {
    let unit = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/millwright.service");
    let analysed = std::process::Command::new("systemd-analyze")
        .args(["security", "--offline=true"])
        .arg(&unit)
        .output();
    let Ok(output) = analysed else {
        println!("skipped: systemd-analyze is not installed");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let level = said.lines().find_map(|line| line.split_once("Overall exposure level for"));
    let level = level.unwrap_or_else(|| panic!("no level: {said}")).1;
    let number = level.split_whitespace().nth(1).unwrap();
    let (whole, tenth) = number.split_once('.').unwrap();
    let tenths = whole.parse::<u32>().unwrap() * 10 + tenth.parse::<u32>().unwrap();
    println!("exposure: {number}");
    assert!(tenths <= EXPOSURE_MAX_TENTHS, "{said}");
}

#[test]
fn the_memory_of_the_server_is_dumped_nowhere() {
    let mut appliance = Appliance::started();
    let limits = format!("/proc/{}/limits", appliance.process_id());
    let limits = std::fs::read_to_string(limits).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let values: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(values, ["0", "0"], "{core}");
    appliance.stop();
}
