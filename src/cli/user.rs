//! `millwright user`

use serde_json::json;

use super::Api;
use super::args::{User, Who};
use super::error::CliError;
use super::output::Out;
use super::text::{field, row};

const ROOT: &str = "/api/v1/admin/users";

pub(crate) const fn who(command: &User) -> &Who {
    match command {
        User::Add { who, .. }
        | User::List { who }
        | User::Role { who, .. }
        | User::ResetSecondFactor { who, .. }
        | User::Sessions { who, .. }
        | User::SignOut { who, .. }
        | User::ResetPassword { who, .. } => who,
    }
}

pub(crate) async fn run(api: &Api, command: &User, out: Out) -> Result<(), CliError> {
    match command {
        User::Add { email, name, role, clearance, export_eligible, language, .. } => {
            let user = json!({
                "email": email, "display_name": name, "role": role, "clearance": clearance,
                "export_eligible": export_eligible, "language": language,
            });
            let created = api.post(ROOT, &user).await?;
            out.line(&format!(
                "{email} is added as {role}.\none-time password: {}",
                field(&created, "one_time_password")
            ));
            out.value(&created);
        }
        User::List { .. } => {
            let users = api.items(ROOT).await?;
            let names = ["email", "display_name", "role", "clearance", "export_eligible", "status"];
            let rows: Vec<_> = users.iter().map(|user| row(user, &names)).collect();
            out.table(&["e-mail", "name", "role", "clearance", "export", "status"], &rows);
            out.value(&json!({ "items": users }));
        }
        User::Role { email, role, .. } => {
            let id = find(api, email).await?;
            let user = api.patch(&format!("{ROOT}/{id}"), &json!({ "role": role })).await?;
            out.line(&format!("{email} is now {}.", field(&user, "role")));
            out.value(&user);
        }
        User::ResetSecondFactor { email, .. } => {
            let id = find(api, email).await?;
            let reset = api.post(&format!("{ROOT}/{id}/reset-second-factor"), &json!({})).await?;
            out.line(&match field(&reset, "state").as_str() {
                "done" => format!(
                    "The second factor of {email} is gone; their sessions and tokens have ended."
                ),
                _ => "Noted. Another administrator must ask for the same within a day: repeat the \
                      command with --as and their address."
                    .to_owned(),
            });
            out.value(&reset);
        }
        User::Sessions { email, .. } => {
            let id = find(api, email).await?;
            let places = api.get(&format!("{ROOT}/{id}/sessions")).await?;
            let of = |kind: &str, list: &str, since: &str, seen: &str| -> Vec<Vec<String>> {
                let items = places[list].as_array().map(Vec::as_slice).unwrap_or_default();
                let line = |item| {
                    let cells = [since, seen, "expires_at", "id"].map(|name| field(item, name));
                    std::iter::once(kind.to_owned()).chain(cells).collect()
                };
                items.iter().map(line).collect()
            };
            let mut rows = of("session", "sessions", "created_at", "last_seen_at");
            rows.extend(of("token", "tokens", "issued_at", ""));
            out.table(&["kind", "since", "last seen", "until", "id"], &rows);
            out.value(&places);
        }
        User::SignOut { email, .. } => {
            let id = find(api, email).await?;
            let ended = api.delete(&format!("{ROOT}/{id}/sessions")).await?;
            out.line(&format!(
                "{email} is signed out: {} sessions and {} tokens have ended.",
                field(&ended, "sessions_ended"),
                field(&ended, "tokens_ended")
            ));
            out.value(&ended);
        }
        User::ResetPassword { email, .. } => {
            let id = find(api, email).await?;
            let reset = api.post(&format!("{ROOT}/{id}/reset-password"), &json!({})).await?;
            out.line(&format!(
                "one-time password of {email}: {}\nTheir sessions have ended.",
                field(&reset, "one_time_password")
            ));
            out.value(&reset);
        }
    }
    Ok(())
}

async fn find(api: &Api, email: &str) -> Result<String, CliError> {
    let users = api.items(ROOT).await?;
    let same = |value: &serde_json::Value| {
        value["email"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(email))
    };
    users.iter().find(|user| same(user)).map(|user| field(user, "id")).ok_or_else(|| {
        CliError::Usage(format!("there is nobody with the address '{email}' in this tenant"))
    })
}
