//! `millwright user`

use serde_json::json;

use super::args::{User, Who};
use super::error::CliError;
use super::output::Out;
use super::text::{field, row};
use super::{Api, encode};

const ROOT: &str = "/api/v1/admin/users";

pub(crate) const fn who(command: &User) -> &Who {
    match command {
        User::Add { who, .. }
        | User::List { who }
        | User::Role { who, .. }
        | User::ResetSecondFactor { who, .. }
        | User::Sessions { who, .. }
        | User::SignOut { who, .. }
        | User::Seen { who, .. }
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
            rows.extend(of("family", "families", "created_at", "last_used_at"));
            out.table(&["kind", "since", "last seen", "until", "id"], &rows);
            out.value(&places);
        }
        User::SignOut { email, .. } => {
            let id = find(api, email).await?;
            let ended = api.delete(&format!("{ROOT}/{id}/sessions")).await?;
            out.line(&format!(
                "{email} is signed out: {} sessions, {} tokens and {} families of tokens have ended.",
                field(&ended, "sessions_ended"),
                field(&ended, "tokens_ended"),
                field(&ended, "families_ended")
            ));
            out.value(&ended);
        }
        User::Seen { email, from, until, .. } => {
            let id = find(api, email).await?;
            let mut target = format!("{ROOT}/{id}/disclosures");
            let given = [("from", from), ("until", until)];
            let given = given.iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
            for (at, (name, value)) in given.enumerate() {
                let mark = if at == 0 { '?' } else { '&' };
                target.push_str(&format!("{mark}{name}={}", encode(value)));
            }
            let seen = api.items(&target).await?;
            let rows: Vec<_> = seen.iter().flat_map(seen_rows).collect();
            out.table(&["time", "by", "document", "rev", "pages", "chunks"], &rows);
            out.value(&json!({ "items": seen }));
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

/// A line per document of one showing.
fn seen_rows(one: &serde_json::Value) -> Vec<Vec<String>> {
    let head = || vec![field(one, "time"), field(one, "action")];
    let shown = one["shown"].as_array().map(Vec::as_slice).unwrap_or_default();
    if shown.is_empty() {
        return vec![[head(), vec!["(gone)".to_owned()]].concat()];
    }
    let numbers = |list: &serde_json::Value| {
        let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let line = |part: &serde_json::Value| {
        let named = ["document_key", "document_id", "revision_id"].map(|name| field(part, name));
        let document = named.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let rest =
            [field(part, "revision_number"), numbers(&part["pages"]), numbers(&part["chunk_ids"])];
        [head(), vec![document], rest.to_vec()].concat()
    };
    shown.iter().map(line).collect()
}

/// The id of the person with this address.
pub(crate) async fn find(api: &Api, email: &str) -> Result<String, CliError> {
    let users = api.items(ROOT).await?;
    let same = |value: &serde_json::Value| {
        value["email"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(email))
    };
    users.iter().find(|user| same(user)).map(|user| field(user, "id")).ok_or_else(|| {
        CliError::Usage(format!("there is nobody with the address '{email}' in this tenant"))
    })
}
