//! `millwright tenant` and `millwright init`

use serde_json::{Value, json};

use super::args::{Init, Tenant, Who};
use super::error::CliError;
use super::output::Out;
use super::text::{field, row};
use super::{Api, encode};

const ROOT: &str = "/api/v1/appliance/tenants";

pub(crate) async fn run(api: &Api, command: &Tenant, out: Out) -> Result<(), CliError> {
    let shown = match command {
        Tenant::Create { slug, name } => create(api, slug, name.as_deref()).await?,
        Tenant::List => {
            let tenants = api.items(ROOT).await?;
            let rows: Vec<_> =
                tenants.iter().map(|t| row(t, &["slug", "name", "status", "id"])).collect();
            out.table(&["tenant", "name", "status", "id"], &rows);
            out.value(&json!({ "items": tenants }));
            return Ok(());
        }
        Tenant::Show { tenant } => {
            let id = find(api, tenant).await?;
            api.get(&format!("{ROOT}/{id}")).await?
        }
        Tenant::Suspend { tenant } => {
            let id = find(api, tenant).await?;
            api.post(&format!("{ROOT}/{id}/suspend"), &json!({})).await?
        }
        Tenant::Resume { tenant } => {
            let id = find(api, tenant).await?;
            api.post(&format!("{ROOT}/{id}/resume"), &json!({})).await?
        }
        Tenant::Remove { tenant, confirm } => {
            let id = find(api, tenant).await?;
            let slug = field(&api.get(&format!("{ROOT}/{id}")).await?, "slug");
            if slug != *confirm {
                return Err(CliError::Usage(format!(
                    "--confirm must repeat the tenant's short name '{slug}': its key is destroyed \
                     and nothing brings it back"
                )));
            }
            api.delete(&format!("{ROOT}/{id}")).await?;
            out.line(&format!("The tenant {slug} is removed: its key is destroyed."));
            out.value(&json!({ "removed": id }));
            return Ok(());
        }
    };
    out.line(&format!(
        "{} ({}) is {}\nid {}",
        field(&shown, "slug"),
        field(&shown, "name"),
        field(&shown, "status"),
        field(&shown, "id")
    ));
    out.value(&shown);
    Ok(())
}

pub(crate) async fn init(api: &Api, args: &Init, out: Out) -> Result<(), CliError> {
    let tenant = create(api, &args.tenant, args.name.as_deref()).await?;
    let api = api.with(Who { tenant: Some(args.tenant.clone()), acting_as: None });
    let user = json!({
        "email": args.admin, "display_name": "Administrator", "role": "admin",
        "clearance": "RESTRICTED", "export_eligible": false, "language": "en",
    });
    let created = api.post("/api/v1/admin/users", &user).await?;
    out.line(&format!(
        "The tenant {} is ready.\n\n  administrator      {}\n  one-time password  {}\n\nIt must be \
         changed at the first login. Next: `millwright serve`, `millwright ingest FILES`.",
        args.tenant,
        args.admin,
        field(&created, "one_time_password")
    ));
    out.value(&json!({ "tenant": tenant, "administrator": created }));
    Ok(())
}

async fn create(api: &Api, slug: &str, name: Option<&str>) -> Result<Value, CliError> {
    api.post(ROOT, &json!({ "slug": slug, "name": name.unwrap_or(slug) })).await
}

pub(crate) async fn find(api: &Api, named: &str) -> Result<String, CliError> {
    if named.parse::<base::TenantId>().is_ok() {
        return Ok(encode(named));
    }
    let tenants = api.items(ROOT).await?;
    let found = tenants.iter().find(|tenant| tenant["slug"].as_str() == Some(named));
    found.map(|tenant| field(tenant, "id")).ok_or_else(|| {
        CliError::Usage(format!("there is no tenant '{named}'; `millwright tenant list` shows all"))
    })
}
