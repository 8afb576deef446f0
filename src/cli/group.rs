//! `millwright group`

use serde_json::{Map, Value, json};

use super::args::{Group, Who};
use super::error::CliError;
use super::output::Out;
use super::text::{field, row};
use super::{Api, user};

const ROOT: &str = "/api/v1/admin/groups";

pub(crate) const fn who(command: &Group) -> &Who {
    match command {
        Group::List { who }
        | Group::Create { who, .. }
        | Group::Change { who, .. }
        | Group::Remove { who, .. }
        | Group::Members { who, .. }
        | Group::Add { who, .. }
        | Group::Take { who, .. } => who,
    }
}

pub(crate) async fn run(api: &Api, command: &Group, out: Out) -> Result<(), CliError> {
    match command {
        Group::List { .. } => {
            let groups = api.items(ROOT).await?;
            let line = |group| vec![field(group, "name"), field(group, "members"), gives(group)];
            out.table(&["name", "people", "gives"], &groups.iter().map(line).collect::<Vec<_>>());
            out.value(&json!({ "items": groups }));
        }
        Group::Create { name, permissions, .. } => {
            let group = json!({ "name": name, "permissions": permissions });
            let made = api.post(ROOT, &group).await?;
            out.line(&format!("{name} is made; nobody is in it yet."));
            out.value(&made);
        }
        Group::Change { name, rename, permissions, no_permissions, .. } => {
            let id = find(api, name).await?;
            let mut patch = Map::new();
            if let Some(rename) = rename {
                patch.insert("name".into(), json!(rename));
            }
            if !permissions.is_empty() || *no_permissions {
                patch.insert("permissions".into(), json!(permissions));
            }
            if patch.is_empty() {
                let detail = "say what is to change: --rename, --permission or --no-permissions";
                return Err(CliError::Usage(detail.to_owned()));
            }
            let group = api.patch(&format!("{ROOT}/{id}"), &Value::Object(patch)).await?;
            out.line(&format!("{} gives now: {}.", field(&group, "name"), gives(&group)));
            out.value(&group);
        }
        Group::Remove { name, .. } => {
            let id = find(api, name).await?;
            api.delete(&format!("{ROOT}/{id}")).await?;
            out.line(&format!("{name} is removed."));
            out.value(&json!({ "removed": id }));
        }
        Group::Members { name, .. } => {
            let id = find(api, name).await?;
            let people = api.items(&format!("{ROOT}/{id}/members")).await?;
            let names = ["email", "display_name", "role", "status"];
            let rows: Vec<_> = people.iter().map(|person| row(person, &names)).collect();
            out.table(&["e-mail", "name", "role", "status"], &rows);
            out.value(&json!({ "items": people }));
        }
        Group::Add { name, email, .. } => {
            let (id, person) = (find(api, name).await?, user::find(api, email).await?);
            api.put_empty(&format!("{ROOT}/{id}/members/{person}")).await?;
            out.line(&format!("{email} is in {name}."));
            out.value(&json!({ "group": id, "user": person }));
        }
        Group::Take { name, email, .. } => {
            let (id, person) = (find(api, name).await?, user::find(api, email).await?);
            api.delete(&format!("{ROOT}/{id}/members/{person}")).await?;
            out.line(&format!("{email} is in {name} no more."));
            out.value(&json!({ "group": id, "user": person }));
        }
    }
    Ok(())
}

/// The permissions of a group, in one line.
fn gives(group: &Value) -> String {
    let names = group["permissions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(" ") }
}

async fn find(api: &Api, name: &str) -> Result<String, CliError> {
    let groups = api.items(ROOT).await?;
    let same = |group: &&Value| {
        group["name"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(name))
    };
    groups
        .iter()
        .find(same)
        .map(|group| field(group, "id"))
        .ok_or_else(|| CliError::Usage(format!("there is no group '{name}' in this tenant")))
}
