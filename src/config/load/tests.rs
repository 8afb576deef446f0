#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::*;

fn load_text(text: &str, variables: &[(&str, &str)]) -> Result<Loaded, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("millwright.toml");
    std::fs::write(&file, text).unwrap();
    let variables = variables.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    load(&Sources { file: Some(file.clone()), data_dir: None, variables })
        .map_err(|e| e.to_string().replace(&file.display().to_string(), "FILE"))
}

#[test]
fn every_key_has_a_field_and_every_field_a_key() {
    // Names above all sections come first: behind a section they would belong to it.
    let mut sections = KEYS.iter().skip_while(|key| !key.path.contains('.'));
    assert!(sections.all(|key| key.path.matches('.').count() == 1));
    load_text("", &[]).unwrap();
    assert!(load_text(&super::super::default_file(), &[]).is_ok());
}

#[test]
fn an_unknown_key_names_the_nearest() {
    let error = load_text("[server]\nlisten_adress = 'x'\n", &[]).err().unwrap();
    assert_eq!(error, "FILE: unknown key 'server.listen_adress'; did you mean 'server.listen'?");
    let error = load_text("", &[("MILLWRIGHT_SERVER_LISTN", "x")]).err().unwrap();
    assert!(error.ends_with("did you mean 'MILLWRIGHT_SERVER_LISTEN'?"), "{error}");
    assert!(load_text("zzz = 1", &[]).err().unwrap().contains("config default"));
}

#[test]
fn a_wrong_value_names_key_and_origin() {
    let error = load_text("[server]\nlisten = 'nowhere'\n", &[]).err().unwrap();
    assert!(error.starts_with("FILE: 'server.listen': "), "{error}");
    let error = load_text("", &[("MILLWRIGHT_SESSION_IDLE_MINUTES", "0")]).err().unwrap();
    assert_eq!(
        error,
        "MILLWRIGHT_SESSION_IDLE_MINUTES: 'session.idle_minutes': must be from 1 to 43200"
    );
    let error = load_text("[server]\nplain_http = true\nlisten = '0.0.0.0:80'", &[]);
    assert!(error.err().unwrap().contains("loopback"));
    let error = load_text("[telemetry]\notlp_endpoint = 'http://collector.example'", &[]);
    let error = error.err().unwrap();
    assert!(error.starts_with("FILE: 'telemetry.otlp_endpoint': plain http"), "{error}");
    let error = load_text("[audit]\nwitness_path = 'stick'", &[]).err().unwrap();
    assert_eq!(error, "FILE: 'audit.witness_path': must be an absolute path");
    let inside = "[data]\ndir = '/var/lib/m'\n[audit]\nwitness_path = '/var/lib/m/witness'";
    let error = load_text(inside, &[]).err().unwrap();
    assert!(error.contains("must not be in the data directory"), "{error}");
    let error = load_text("[telemetry]\nservice_name = ''", &[]).err().unwrap();
    assert!(error.starts_with("FILE: 'telemetry.service_name': must be"), "{error}");
}

#[test]
fn only_what_nobody_needs_to_get_in_is_withheld_from_everybody() {
    let withhold =
        |names: &str| load_text(&format!("[policy]\nwithheld_permissions = [{names}]\n"), &[]);
    let loaded = withhold("'audit.export', 'documents.delete'").unwrap();
    let withheld = loaded.config.policy.withheld_permissions;
    assert_eq!(withheld, ["audit.export", "documents.delete"]);
    let at = "FILE: 'policy.withheld_permissions': ";
    let error = withhold("'audit.exports'").err().unwrap();
    assert!(error.starts_with(&format!("{at}there is no permission")), "{error}");
    for kept in ["profile.change", "settings.change", "tenants.read"] {
        let error = withhold(&format!("'{kept}'")).err().unwrap();
        assert!(error.starts_with(&format!("{at}{kept} is needed")), "{error}");
    }
    let error = load_text("[api_keys]\ndefault_days = 400\n", &[]).err().unwrap();
    assert_eq!(error, "FILE: 'api_keys.default_days': must be at most api_keys.max_days");
}

#[test]
fn lists_are_checked_name_by_name_and_are_set_in_the_file_alone() {
    let sso = "[[issuer]]\nname = 'sso'\nissuer = 'https://sso.plant.example'\n\
         audience = 'millwright-api'\nalgorithm = 'RS256'\n\
         key_file = '/etc/millwright/sso.json'\ntenant = 'plant'\n";
    let loaded = load_text(sso, &[]).unwrap();
    assert_eq!(loaded.config.issuer[0].clock_skew_s, 30);
    let wrong = |text: &str, with: &str| {
        let text = sso.replacen(text, with, 1);
        assert_ne!(text, sso);
        load_text(&text, &[]).err().unwrap()
    };
    assert_eq!(
        wrong("algorithm", "algoritm"),
        "FILE: unknown key 'issuer.algoritm'; did you mean 'issuer.algorithm'?"
    );
    for (text, with, says) in [
        ("tenant = 'plant'\n", "", "missing field `tenant`"),
        ("'plant'", "7", "FILE: 'issuer': "),
        ("[[issuer]]", "[issuer]", "write [[issuer]]"),
        ("'sso'", "'Plant SSO'", "must have 1 to 32 characters"),
        ("'RS256'", "'none'", "not one of RS256"),
        ("'plant'", "''", "tenant"),
        ("tenant", "clock_skew_s = 301\ntenant", "clock_skew_s"),
        ("tenant", "max_lifetime_minutes = 0\ntenant", "max_lifetime_minutes"),
        ("'https://sso.plant.example'", "'millwright'", "issuer"),
        ("'/etc/millwright/sso.json'", "'sso.json'", "absolute"),
    ] {
        let error = wrong(text, with);
        assert!(error.contains(says), "{with}: {error}");
    }
    let twice = load_text(&format!("{sso}{sso}"), &[]).err().unwrap();
    assert!(twice.contains("twice"), "{twice}");
    let error = load_text(sso, &[("MILLWRIGHT_ISSUER_TENANT", "x")]).err().unwrap();
    assert!(error.contains("file alone"), "{error}");
    assert!(load_text("[[isuer]]", &[]).err().unwrap().ends_with("did you mean 'issuer'?"));
}

#[test]
fn shared_secrets_are_for_development_alone() {
    let hs256 = "[[issuer]]\nname = 'dev'\nissuer = 'dev'\naudience = 'millwright-api'\n\
         algorithm = 'HS256'\nkey_file = '/tmp/secret'\ntenant = 'plant'\n";
    for text in [hs256.to_owned(), format!("environment = 'prod'\n{hs256}")] {
        let error = load_text(&text, &[]).err().unwrap();
        assert!(error.contains("HS256") && error.contains("environment"), "{error}");
    }
    load_text(&format!("environment = 'dev'\n{hs256}"), &[]).unwrap();
    assert!(load_text(hs256, &[("MILLWRIGHT_ENVIRONMENT", "dev")]).is_ok());
    let error = load_text("environment = 'test'", &[]).err().unwrap();
    assert!(error.starts_with("FILE: 'environment': "), "{error}");
}

#[test]
fn the_environment_overrides_the_file() {
    let loaded = load_text(
        "[log]\nlevel = 'debug'\n[models]\nthreads = 2",
        &[("MILLWRIGHT_LOG_LEVEL", "warn")],
    )
    .unwrap();
    assert_eq!(loaded.config.log.level, "warn");
    assert_eq!(loaded.config.models.threads, 2);
    assert_eq!(loaded.values["log.level"].1, "MILLWRIGHT_LOG_LEVEL");
}
