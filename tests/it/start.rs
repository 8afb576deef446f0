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
    assert!(page.text().contains("<form"), "{}", page.text());
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
