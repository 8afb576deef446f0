//! `millwright key` and `millwright unseal`

use std::io::{BufRead as _, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use http::console::Console;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::Who;
use super::args_keys::{Key, Passphrase, Shares, Unseal};
use super::error::CliError;
use super::output::{Out, note, progress};
use super::text::field;
use super::{Api, tenant};
use crate::composition::chain;

const ROOT: &str = "/api/v1/appliance/keys";
/// How often a change of a tenant's key is asked about.
const LOOK: Duration = Duration::from_millis(200);

pub(crate) async fn run(api: &Api, command: &Key, out: Out) -> Result<(), CliError> {
    match command {
        Key::Show => show(api, out).await,
        Key::Rotate { tenant: Some(slug), .. } => rotate_tenant(api, slug, out).await,
        Key::Rotate { tenant: None, new_credential } => {
            rotate_master(api, new_credential.as_deref(), out).await
        }
        Key::Passphrase(Passphrase::Set) => {
            set_passphrase(api, &new_passphrase()?, out).await?;
            out.value(&json!({ "protection": "sealed" }));
            Ok(())
        }
        Key::Passphrase(Passphrase::Remove) => {
            api.delete(&format!("{ROOT}/passphrase")).await?;
            out.line("The passphrase is removed. The master key is a key file again: starts need nobody.");
            out.value(&json!({ "protection": "key_file" }));
            Ok(())
        }
        Key::Shares(Shares::Create { threshold, count }) => {
            make_shares(api, *threshold, *count, out).await
        }
    }
}

/// Puts the master key under a passphrase that was asked for before.
pub(crate) async fn set_passphrase(api: &Api, passphrase: &str, out: Out) -> Result<(), CliError> {
    let body = json!({ "passphrase": passphrase });
    api.put(&format!("{ROOT}/passphrase"), &body).await?;
    out.line(
        "The master key is under the passphrase. The next start waits until somebody unseals it: \
         on the start page, or with `millwright unseal`.\nNothing recovers a passphrase that is \
         forgotten: `millwright key shares create` makes shares for that case.",
    );
    Ok(())
}

async fn show(api: &Api, out: Out) -> Result<(), CliError> {
    let key = api.get(ROOT).await?;
    let protection = match key["protection"].as_str() {
        Some("credential") => "a credential that the service manager supplies",
        Some("sealed") => "sealed: each start waits until somebody unseals it",
        _ => "a key file in the data directory, or where data.key_file says",
    };
    out.line(&format!("master key  {}\nkept as     {protection}", field(&key, "id")));
    if let Some(cost) = key["passphrase"].as_object() {
        out.line(&format!(
            "passphrase  set (argon2id, {} MiB, {} passes)",
            cost["memory_kib"].as_u64().unwrap_or_default() / 1024,
            cost["passes"]
        ));
    }
    if key["shares"].is_object() {
        let shares = &key["shares"];
        out.line(&format!(
            "shares      {} of {} unseal (set {})",
            shares["threshold"],
            shares["count"],
            field(shares, "set")
        ));
    }
    let changed = key["changed_at"].as_str().unwrap_or("never");
    out.line(&format!("changed     {changed}"));
    for warning in key["warnings"].as_array().into_iter().flatten() {
        out.line(&format!("warning     {}", warning.as_str().unwrap_or_default()));
    }
    out.value(&key);
    Ok(())
}

async fn rotate_master(api: &Api, new_credential: Option<&Path>, out: Out) -> Result<(), CliError> {
    let key = api.get(ROOT).await?;
    let mut body = json!({});
    if let Some(file) = new_credential {
        let file = std::path::absolute(file)
            .map_err(|source| CliError::File { what: file.display().to_string(), source })?;
        body["new_credential_file"] = json!(file);
    }
    if key["protection"] == "sealed" {
        body["passphrase"] = json!(*ask("Passphrase of the master key: ")?);
    }
    let changed = api.post(&format!("{ROOT}/rotate"), &body).await?;
    out.line(&format!(
        "The master key is changed from {} to {}; the keys of {} tenants were wrapped anew.",
        field(&changed, "from"),
        field(&changed, "to"),
        changed["tenants"]
    ));
    if changed["shares_ended"] == true {
        out.line("The shares made before open nothing any more: `millwright key shares create`.");
    }
    if let Some(file) = changed["awaits_credential"].as_str() {
        out.line(&format!(
            "Now put {file} in the place of the credential (LoadCredential= or systemd-creds) and \
             restart. Until a start has the new one, the old one still opens everything; keep both."
        ));
    } else if key["protection"] == "key_file" {
        out.line("Back up the new key file. Copies of the old one open only older backups.");
    }
    out.value(&changed);
    Ok(())
}

async fn rotate_tenant(api: &Api, slug: &str, out: Out) -> Result<(), CliError> {
    let id = tenant::find(api, slug).await?;
    let target = format!("/api/v1/appliance/tenants/{id}/key/rotation");
    let mut view = api.post(&target, &json!({})).await?;
    let mut cancelled = false;
    while matches!(view["state"].as_str(), Some("copying" | "switching" | "sweeping")) {
        let mib = |name: &str| view[name].as_u64().unwrap_or_default() / (1024 * 1024);
        progress(&format!(
            "{}: {} of {} MiB encrypted anew; Ctrl-C cancels",
            field(&view, "state"),
            mib("done_bytes"),
            mib("total_bytes")
        ));
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = tokio::signal::ctrl_c(), if !cancelled => {
                cancelled = true;
                // Too late when it has come to its commit meanwhile; then it goes on to its end.
                let _ = api.delete(&target).await;
            }
        }
        view = api.get(&target).await?;
    }
    progress("");
    out.value(&view);
    match view["state"].as_str() {
        Some("done") => {
            out.line(&format!(
                "Everything of {slug} is under a new key. Writing waited {} ms; the index is made \
                 anew by the next search.",
                view["paused_ms"]
            ));
            Ok(())
        }
        Some("cancelled") => Err(CliError::Failed("cancelled: nothing has changed".into())),
        _ => Err(CliError::Failed(format!(
            "the key was not changed: {}",
            view["detail"].as_str().unwrap_or("see the log")
        ))),
    }
}

async fn make_shares(api: &Api, threshold: u8, count: u8, out: Out) -> Result<(), CliError> {
    let body = json!({ "threshold": threshold, "count": count });
    let made = api.post(&format!("{ROOT}/shares"), &body).await?;
    out.line(&format!(
        "Shares of set {}: any {threshold} of these {count} unseal. They are shown this once. Give \
         each to another person; shares made before open nothing any more.\n",
        field(&made, "set")
    ));
    for (number, share) in made["shares"].as_array().into_iter().flatten().enumerate() {
        out.line(&format!(
            "share {} of {count}\n  {}\n",
            number + 1,
            share.as_str().unwrap_or_default()
        ));
    }
    out.value(&made);
    Ok(())
}

/// Unseals the server that runs on the data directory.
pub(crate) async fn unseal(data_dir: &Path, args: &Unseal, out: Out) -> Result<(), CliError> {
    let console = Console::connect(data_dir).await.map_err(|error| {
        CliError::Unavailable(format!("{}; start it with `millwright serve`", chain(&error)))
    })?;
    let api = Api::new(console, Who::default());
    let seal = api.get("/api/v1/unseal").await?;
    if seal["sealed"] != true {
        out.line("The appliance is open already.");
        out.value(&seal);
        return Ok(());
    }
    let by_share = args.share || seal["passphrase"] != true;
    let mut view: Value;
    loop {
        let body = if by_share {
            json!({ "share": *ask("Share (MW-SHARE-…): ")? })
        } else {
            json!({ "passphrase": *ask("Passphrase: ")? })
        };
        view = api.post("/api/v1/unseal", &body).await?;
        if view["sealed"] != true {
            break;
        }
        note(&format!("{} of {} shares", view["shares_brought"], view["shares"]["threshold"]));
        if args.one {
            out.value(&view);
            return Ok(());
        }
    }
    out.line("The appliance is open.");
    out.value(&view);
    Ok(())
}

/// Asks twice for a passphrase that is going to be set.
pub(crate) fn new_passphrase() -> Result<Zeroizing<String>, CliError> {
    let passphrase = ask("New passphrase (at least 12 characters): ")?;
    if std::io::stdin().is_terminal() && *ask("The same again: ")? != *passphrase {
        return Err(CliError::Usage("the two passphrases differ; nothing has changed".into()));
    }
    Ok(passphrase)
}

/// A secret: typed without echo on a terminal, else the next line of standard input.
pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<String>, CliError> {
    let failed = |source| CliError::File { what: "reading the secret".into(), source };
    let text = if std::io::stdin().is_terminal() {
        Zeroizing::new(rpassword::prompt_password(prompt).map_err(failed)?)
    } else {
        let mut line = Zeroizing::new(String::new());
        std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
        Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    if text.is_empty() {
        return Err(CliError::Usage(
            "nothing was typed; on standard input one line is expected".into(),
        ));
    }
    Ok(text)
}
