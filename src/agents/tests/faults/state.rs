//! What must hold on any data directory that a fault left behind.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Mutex;

use audit::{Action, Event};
use base::{RevisionId, TenantId};
use knowledge::{Library, SearchFilters, SearchInput, search};
use policy::authorize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{
    AuditFilter, Health, NewTenant, ReadTx, StoreError, TenantCtx, TenantStatus, VerifyOutcome,
    audit_entries, verify_data_dir,
};

use crate::image::Image;
use crate::site::{Failure, Site};

/// What was acknowledged so far: the length of each log when it was. Every change is an entry of a
/// log, so a log that is as long holds all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) appliance: u64,
    pub(crate) tenants: BTreeMap<String, u64>,
    /// Tenants whose removal was begun; they may be there or not.
    pub(crate) going: BTreeSet<String>,
}

impl Acknowledged {
    /// As the site says now, when whatever was asked of it has been answered.
    pub(crate) async fn now(site: &Site) -> Result<Self, Failure> {
        let scope = site.store.appliance_scope(&site.operator);
        let newest = site.store.appliance_audit(&scope, AuditFilter::default(), 1).await?;
        let mut this = Self { appliance: length(newest.rows.first()), ..Self::default() };
        for tenant in site.store.active_tenants() {
            let ctx = site.console_in(tenant, None).await?;
            let newest = ctx.read(|tx| audit_entries(tx, &AuditFilter::default(), 1)).await?;
            this.tenants.insert(tenant.to_string(), length(newest.rows.first()));
        }
        Ok(this)
    }

    pub(crate) fn to_json(&self) -> String {
        json!({ "appliance": self.appliance, "tenants": self.tenants, "going": self.going })
            .to_string()
    }

    pub(crate) fn parse(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).unwrap();
        let tenants = value["tenants"].as_object().unwrap().iter();
        let going = value["going"].as_array().unwrap().iter();
        Self {
            appliance: value["appliance"].as_u64().unwrap(),
            tenants: tenants.map(|(id, size)| (id.clone(), size.as_u64().unwrap())).collect(),
            going: going.map(|id| id.as_str().unwrap().to_owned()).collect(),
        }
    }
}

fn length(newest: Option<&store::AuditRow>) -> u64 {
    newest.map_or(0, |row| row.entry.index + 1)
}

/// What was found with each root of a log. Two databases whose logs are the same must be the same
/// in all their tables: a change that is there by half gives itself away.
#[derive(Default)]
pub(crate) struct Known {
    dumps: Mutex<HashMap<String, u64>>,
    /// Indexes that were searched through already.
    indexes: Mutex<HashSet<u64>>,
}

impl Known {
    fn agree(&self, what: &str, log: &VerifyOutcome, found: u64) -> Result<(), Failure> {
        let root = log.report.as_ref().map_err(ToString::to_string)?.root;
        let key = format!("{what} of {} at {root}", log.name);
        let mut dumps = self.dumps.lock().unwrap();
        let before = *dumps.entry(key.clone()).or_insert(found);
        if before == found { Ok(()) } else { Err(format!("{key} is there by half").into()) }
    }

    fn is_new_index(&self, fingerprint: u64) -> bool {
        self.indexes.lock().unwrap().insert(fingerprint)
    }

    /// Distinct states of databases that were seen.
    pub(crate) fn states(&self) -> usize {
        self.dumps.lock().unwrap().len()
    }

    /// Distinct indexes that were searched.
    pub(crate) fn indexes(&self) -> usize {
        self.indexes.lock().unwrap().len()
    }
}

/// Opens the directory as the next start would and says what is wrong with it.
pub(crate) async fn check(
    data: &Path,
    library: &Library,
    acknowledged: &Acknowledged,
    known: &Known,
) -> Result<(), Failure> {
    let (path, shared) = (data.to_owned(), library.clone());
    let opened = tokio::task::spawn_blocking(move || Site::open(&path, &shared)).await?;
    let site = opened.map_err(|error| format!("it does not open: {}", chain(&*error)))?;
    let found = look(&site, data, acknowledged, known).await;
    site.close().await;
    found
}

async fn look(
    site: &Site,
    data: &Path,
    acknowledged: &Acknowledged,
    known: &Known,
) -> Result<(), Failure> {
    if *site.store.health() != Health::Sound {
        return Err(format!("the appliance is {:?}", site.store.health()).into());
    }
    let store = site.store.clone();
    let logs = tokio::task::spawn_blocking(move || verify_data_dir(&store, None)).await??;
    for log in &logs {
        check_log(log, acknowledged)?;
    }
    let there: BTreeSet<String> =
        logs.iter().filter_map(|log| log.tenant.map(|id| id.to_string())).collect();
    let must = acknowledged.tenants.keys().filter(|id| !acknowledged.going.contains(*id));
    if let Some(lost) = must.into_iter().find(|id| !there.contains(*id)) {
        return Err(format!("tenant {lost} is lost").into());
    }
    let scope = site.store.appliance_scope(&site.operator);
    let tenants = format!("{:?}", site.store.tenant_list(&scope));
    known.agree("the tenants", &logs[0], hash(tenants.as_bytes()))?;
    for log in &logs {
        if let Some(tenant) = log.tenant {
            check_tenant(site, data, tenant, log, known).await?;
        }
    }
    check_writable(site).await
}

fn check_log(log: &VerifyOutcome, acknowledged: &Acknowledged) -> Result<(), Failure> {
    let report = log.report.as_ref().map_err(|error| format!("{}: {error}", log.name))?;
    if let Some(finding) = &report.finding {
        return Err(format!("the log of {}: {}", log.name, finding.what).into());
    }
    let least = match log.tenant {
        None => acknowledged.appliance,
        Some(id) => acknowledged.tenants.get(&id.to_string()).copied().unwrap_or(0),
    };
    if report.size < least {
        return Err(format!(
            "{} has {} entries of {least} that were acknowledged",
            log.name, report.size
        )
        .into());
    }
    Ok(())
}

async fn check_tenant(
    site: &Site,
    data: &Path,
    tenant: TenantId,
    log: &VerifyOutcome,
    known: &Known,
) -> Result<(), Failure> {
    let ctx = site.console_in(tenant, None).await?;
    if *ctx.health() != Health::Sound {
        return Err(format!("{} is {:?}", log.name, ctx.health()).into());
    }
    known.agree("the tables", log, ctx.read(dump).await?)?;
    check_blobs(&ctx).await?;
    let dir = data.join("tenants").join(tenant.to_string()).join("index");
    if dir.exists() && known.is_new_index(Image::of(&dir).fingerprint()) {
        known.agree("what is found", log, found_in(&ctx, &site.library).await?)?;
    }
    put(&ctx).await
}

/// All rows of all tables.
pub(crate) fn dump(tx: &ReadTx<'_>) -> Result<u64, StoreError> {
    let mut hasher = Sha256::new();
    for table in tables(tx)? {
        hasher.update(table.as_bytes());
        let mut rows = rows_of(tx, &table)?;
        rows.sort_unstable();
        rows.iter().for_each(|row| hasher.update(row));
    }
    Ok(short(&hasher.finalize()))
}

/// The names of all tables that hold rows of their own.
pub(crate) fn tables(tx: &ReadTx<'_>) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    tx.query_all(sql, [], |row| row.get(0))
}

/// The rows of a table, each as its values.
pub(crate) fn rows_of(tx: &ReadTx<'_>, table: &str) -> Result<Vec<Vec<u8>>, StoreError> {
    tx.query_all(&format!("SELECT * FROM \"{table}\""), [], |row| {
        let mut text = Vec::new();
        let columns = row.as_ref().column_count();
        for column in 0..columns {
            text.extend_from_slice(format!("{:?}|", row.get_ref(column)?).as_bytes());
        }
        Ok(text)
    })
}

/// Each revision has its file, whole.
pub(crate) async fn check_blobs(ctx: &TenantCtx) -> Result<(), Failure> {
    let sql = "SELECT r.id, r.sha256 FROM revisions r JOIN documents d ON d.id = r.document_id
               WHERE d.deleted_at IS NULL";
    let rows = ctx.read(move |tx| {
        tx.query_all(sql, [], |row| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 32]>(1)?)))
    });
    let rows: Vec<([u8; 16], [u8; 32])> = rows.await.map_err(|error: StoreError| error)?;
    for (id, sha256) in rows {
        let id = RevisionId::from_bytes(id);
        let reader = ctx.blobs().open(id).map_err(|error| format!("the file of {id}: {error}"))?;
        let bytes =
            reader.read_all(1 << 20).map_err(|error| format!("the file of {id}: {error}"))?;
        if Sha256::digest(&bytes)[..] != sha256 {
            return Err(format!("the file of {id} is another one").into());
        }
    }
    Ok(())
}

/// What searching finds, through the index.
pub(crate) async fn found_in(ctx: &TenantCtx, library: &Library) -> Result<u64, Failure> {
    let input = SearchInput {
        query: "torque bearing pump".to_owned(),
        filters: SearchFilters::default(),
        limit: 50,
    };
    let results = search(authorize(ctx)?, library, input).await?;
    if results.degraded.is_some() {
        return Err(format!("a search is {:?}", results.degraded).into());
    }
    let mut texts: Vec<String> = results
        .passages
        .iter()
        .map(|passage| format!("{} {} {}", passage.chunk_id.0, passage.revision_id, passage.text))
        .collect();
    texts.sort_unstable();
    Ok(hash(texts.join("\n").as_bytes()))
}

/// The tenant takes a change.
pub(crate) async fn put(ctx: &TenantCtx) -> Result<(), Failure> {
    const PROBED: Action = Action::new("setting.changed");
    let written = ctx.write(|tx| {
        let sql = "INSERT OR REPLACE INTO settings (name, value) VALUES ('probe', ?1)";
        tx.execute(sql, store::sql::params![tx.audit_index().to_string()])?;
        tx.commit(Event::new(PROBED).object("setting", "probe"), ())
    });
    written.await.map_err(|error| format!("a tenant takes no change: {}", chain(&error)).into())
}

/// The appliance takes a change.
async fn check_writable(site: &Site) -> Result<(), Failure> {
    let scope = site.store.appliance_scope(&site.operator);
    let request = site.store.new_request_id()?;
    let written = match site.store.active_tenants().first() {
        Some(tenant) => {
            let active = TenantStatus::Active;
            site.store.tenant_set_suspended(&scope, request, *tenant, active).await
        }
        None => {
            let new = NewTenant { slug: "probe".into(), name: "Probe".into() };
            site.store.tenant_create(&scope, request, new).await
        }
    };
    written.map_err(|error| format!("the appliance takes no change: {}", chain(&error)))?;
    Ok(())
}

/// An error with its causes.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn hash(bytes: &[u8]) -> u64 {
    short(&Sha256::digest(bytes))
}

fn short(digest: &[u8]) -> u64 {
    u64::from_le_bytes(digest[..8].try_into().unwrap())
}
