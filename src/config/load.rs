//! Merging the layers of the configuration and saying clearly what is wrong with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use policy::{Permission, may_be_withheld};
use toml::{Table, Value};

use super::keys::{KEYS, LISTS, List, split, variable};
use super::{Config, DEFAULT_PATH, Policy, issuers, upstreams};

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file can't be read.
    #[error("{path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    /// The file is not TOML.
    #[error("{path}: {detail}")]
    Syntax { path: PathBuf, detail: String },
    /// A key that does not exist.
    #[error("{origin}: unknown key '{key}'{}", hint(.nearest.as_deref()))]
    UnknownKey { origin: String, key: String, nearest: Option<String> },
    /// A value of the wrong kind or out of its range.
    #[error("{origin}: '{key}': {detail}")]
    Value { origin: String, key: String, detail: String },
}

impl ConfigError {
    /// An issuer whose keys can't be used.
    pub(crate) fn issuer(name: &str, detail: String) -> Self {
        value_error(&format!("issuer {name}"), "issuer.key_file", detail)
    }
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "; `millwright config default` lists all keys".to_owned(),
        |key| format!("; did you mean '{key}'?"),
    )
}

/// Where the layers come from.
pub(crate) struct Sources {
    /// The file named on the command line; it must exist.
    pub(crate) file: Option<PathBuf>,
    /// `--data-dir` of the command line.
    pub(crate) data_dir: Option<PathBuf>,
    /// The environment.
    pub(crate) variables: Vec<(String, String)>,
}

/// The configuration, and for every key where its value came from.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// By path: the value as TOML and its origin.
    pub(crate) values: BTreeMap<String, (Value, String)>,
}

/// Variables with our prefix that are not configuration keys.
const OTHER_VARIABLES: &[&str] =
    &["MILLWRIGHT_CONFIG", "MILLWRIGHT_DATA_DIR", "MILLWRIGHT_TENANT", "MILLWRIGHT_WEIGHTS_DIR"];

/// Merges defaults, file, environment and command line.
pub(crate) fn load(sources: &Sources) -> Result<Loaded, ConfigError> {
    let mut values = defaults()?;
    let file = match &sources.file {
        Some(path) => Some(path.clone()),
        None => Some(PathBuf::from(DEFAULT_PATH)).filter(|path| path.exists()),
    };
    if let Some(path) = file {
        merge_file(&path, &mut values)?;
    }
    merge_variables(&sources.variables, &mut values)?;
    if let Some(dir) = &sources.data_dir {
        let value = Value::String(dir.display().to_string());
        values.insert("data.dir".into(), (value, "--data-dir".into()));
    }
    let config = build(&values)?;
    check(&config, &values)?;
    Ok(Loaded { config, values })
}

/// As [`load`], with the text of a file that need not be there.
#[cfg(any(test, fuzzing))]
pub(super) fn load_text(text: &str, variables: &[(String, String)]) -> Result<Loaded, ConfigError> {
    let mut values = defaults()?;
    merge_text(Path::new("text"), text, &mut values)?;
    merge_variables(variables, &mut values)?;
    let config = build(&values)?;
    check(&config, &values)?;
    Ok(Loaded { config, values })
}

fn defaults() -> Result<BTreeMap<String, (Value, String)>, ConfigError> {
    let mut values = BTreeMap::new();
    for key in KEYS {
        let value =
            parse_value(key.default).map_err(|detail| value_error("default", key.path, detail))?;
        values.insert(key.path.to_owned(), (value, "default".to_owned()));
    }
    for list in LISTS {
        let none = Value::Array(Vec::new());
        values.insert(list.path.to_owned(), (none, "default".to_owned()));
    }
    Ok(values)
}

fn merge_file(
    path: &Path,
    values: &mut BTreeMap<String, (Value, String)>,
) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.into(), source })?;
    merge_text(path, &text, values)
}

fn merge_text(
    path: &Path,
    text: &str,
    values: &mut BTreeMap<String, (Value, String)>,
) -> Result<(), ConfigError> {
    let table: Table = text.parse().map_err(|e: toml::de::Error| ConfigError::Syntax {
        path: path.into(),
        detail: e.to_string(),
    })?;
    let origin = path.display().to_string();
    for (section, content) in table {
        let list = LISTS.iter().find(|list| list.path == section);
        let entries = match (content, list) {
            (content, Some(list)) => {
                values.insert(section, (check_list(&origin, list, content)?, origin.clone()));
                continue;
            }
            (Value::Table(entries), None) => entries,
            (value, None) if values.contains_key(&section) => {
                values.insert(section, (value, origin.clone()));
                continue;
            }
            (_, None) => return Err(unknown(&origin, &section)),
        };
        for (name, value) in entries {
            let key = format!("{section}.{name}");
            if !values.contains_key(&key) {
                return Err(unknown(&origin, &key));
            }
            values.insert(key, (value, origin.clone()));
        }
    }
    Ok(())
}

/// Every table of a list has known names alone.
fn check_list(origin: &str, list: &List, content: Value) -> Result<Value, ConfigError> {
    let tables = match &content {
        Value::Array(tables) if tables.iter().all(Value::is_table) => tables,
        _ => {
            let detail = format!("must be a list of tables: write [[{}]]", list.path);
            return Err(value_error(origin, list.path, detail));
        }
    };
    for name in tables.iter().filter_map(Value::as_table).flat_map(Table::keys) {
        if !list.fields.iter().any(|field| field.path == name) {
            let nearest = nearest(name, list.fields.iter().map(|field| field.path));
            return Err(ConfigError::UnknownKey {
                origin: origin.to_owned(),
                key: format!("{}.{name}", list.path),
                nearest: nearest.map(|name| format!("{}.{name}", list.path)),
            });
        }
    }
    Ok(content)
}

fn merge_variables(
    variables: &[(String, String)],
    values: &mut BTreeMap<String, (Value, String)>,
) -> Result<(), ConfigError> {
    let known: BTreeMap<String, &str> =
        KEYS.iter().map(|key| (variable(key.path), key.path)).collect();
    for (name, text) in variables {
        if !name.starts_with("MILLWRIGHT_") || OTHER_VARIABLES.contains(&name.as_str()) {
            continue;
        }
        if let Some(list) = LISTS.iter().find(|list| name.starts_with(&variable(list.path))) {
            let detail = format!("[[{}]] is a list, which is set in the file alone", list.path);
            return Err(value_error("environment", name, detail));
        }
        let Some(path) = known.get(name) else {
            let nearest = nearest(name, known.keys().map(String::as_str));
            let origin = "environment".to_owned();
            return Err(ConfigError::UnknownKey { origin, key: name.clone(), nearest });
        };
        let is_text = matches!(values.get(*path), Some((Value::String(_), _)));
        let value = if is_text {
            Value::String(text.clone())
        } else {
            parse_value(text).map_err(|detail| value_error(name, path, detail))?
        };
        values.insert((*path).to_owned(), (value, name.clone()));
    }
    Ok(())
}

fn parse_value(text: &str) -> Result<Value, String> {
    let table: Table =
        format!("value = {text}").parse().map_err(|_| format!("'{text}' is not a TOML value"))?;
    table.get("value").cloned().ok_or_else(|| format!("'{text}' is not a TOML value"))
}

/// Deserialises key by key first, so that an error names the key and its origin.
fn build(values: &BTreeMap<String, (Value, String)>) -> Result<Config, ConfigError> {
    let mut root = Table::new();
    for (path, (value, _)) in values {
        set(&mut root, path.split_once('.').unwrap_or(("", path)), value.clone());
    }
    Config::deserialize_table(root.clone()).map_err(|first| {
        // Put the defaults back one at a time: the key whose default mends it is at fault.
        for key in KEYS {
            let Some((_, origin)) = values.get(key.path).filter(|(_, o)| o != "default") else {
                continue;
            };
            let mut mended = root.clone();
            if let Ok(value) = parse_value(key.default) {
                set(&mut mended, split(key.path), value);
            }
            let still = Config::deserialize_table(mended).err();
            if still.as_deref() != Some(first.as_str()) {
                return value_error(origin, key.path, first);
            }
        }
        for list in LISTS {
            let Some((Value::Array(tables), origin)) = values.get(list.path) else { continue };
            let mut mended = root.clone();
            mended.insert(list.path.to_owned(), Value::Array(Vec::new()));
            let still = Config::deserialize_table(mended).err();
            if !tables.is_empty() && still.as_deref() != Some(first.as_str()) {
                return value_error(origin, list.path, first);
            }
        }
        value_error("configuration", "?", first)
    })
}

fn set(root: &mut Table, (section, name): (&str, &str), value: Value) {
    if section.is_empty() {
        root.insert(name.to_owned(), value);
    } else if let Value::Table(table) =
        root.entry(section).or_insert_with(|| Value::Table(Table::new()))
    {
        table.insert(name.to_owned(), value);
    }
}

impl Config {
    fn deserialize_table(table: Table) -> Result<Self, String> {
        table.try_into().map_err(|e: toml::de::Error| e.message().to_owned())
    }
}

/// Rules between keys, and ranges.
fn check(config: &Config, values: &BTreeMap<String, (Value, String)>) -> Result<(), ConfigError> {
    let fail = |key: &str, detail: &str| {
        let origin = values.get(key).map_or("configuration", |(_, origin)| origin.as_str());
        Err(value_error(origin, key, detail.to_owned()))
    };
    let server = &config.server;
    if server.plain_http && !server.listen.ip().is_loopback() {
        return fail("server.plain_http", "only allowed when server.listen is a loopback address");
    }
    let own = !server.certificate_file.as_os_str().is_empty();
    if own == server.certificate_key_file.as_os_str().is_empty() {
        return fail(
            "server.certificate_key_file",
            "certificate_file and certificate_key_file belong together: set both or neither",
        );
    }
    for origin in &server.cors_allowed_origins {
        if !(origin.starts_with("https://") || origin.starts_with("http://"))
            || origin.contains('*')
        {
            return fail(
                "server.cors_allowed_origins",
                "must be full origins such as https://portal.plant.example; no wildcards",
            );
        }
    }
    if let Err(detail) = issuers::check(config) {
        return fail("issuer", &detail);
    }
    if let Err(detail) = upstreams::check(config) {
        return fail("upstream", &detail);
    }
    if let Err(detail) = config.telemetry.collector() {
        return fail("telemetry.otlp_endpoint", &detail);
    }
    if let Err(detail) = config.telemetry.check_service_name() {
        return fail("telemetry.service_name", detail);
    }
    let witness = &config.audit.witness_path;
    if !witness.as_os_str().is_empty() && !witness.is_absolute() {
        return fail("audit.witness_path", "must be an absolute path");
    }
    if !witness.as_os_str().is_empty() && witness.starts_with(&config.data.dir) {
        return fail(
            "audit.witness_path",
            "must not be in the data directory: a witness there is rolled back with it",
        );
    }
    if let Some(detail) = config.policy.fault() {
        return fail("policy.withheld_permissions", &detail);
    }
    let api_keys = &config.api_keys;
    if api_keys.default_days > api_keys.max_days {
        return fail("api_keys.default_days", "must be at most api_keys.max_days");
    }
    if api_keys.requests_per_minute > api_keys.requests_per_minute_max {
        return fail(
            "api_keys.requests_per_minute",
            "must be at most api_keys.requests_per_minute_max",
        );
    }
    for (key, value, least, most) in ranges(config) {
        if !(least..=most).contains(&value) {
            return fail(key, &format!("must be from {least} to {most}"));
        }
    }
    Ok(())
}

/// Keys with numbers: value, least, most.
fn ranges(config: &Config) -> Vec<(&'static str, u32, u32, u32)> {
    let (server, api_keys) = (&config.server, &config.api_keys);
    vec![
        ("server.connections_max", server.connections_max, 1, 65_536),
        ("server.requests_per_minute_and_user", server.requests_per_minute_and_user, 1, 100_000),
        (
            "server.requests_per_minute_and_tenant",
            server.requests_per_minute_and_tenant,
            1,
            1_000_000,
        ),
        (
            "server.requests_per_minute_and_address",
            server.requests_per_minute_and_address,
            1,
            1_000_000,
        ),
        (
            "server.sign_ins_per_minute_and_address",
            server.sign_ins_per_minute_and_address,
            1,
            100_000,
        ),
        ("api_keys.default_days", api_keys.default_days, 1, 3_650),
        ("api_keys.max_days", api_keys.max_days, 1, 3_650),
        ("api_keys.rotation_overlap_hours", api_keys.rotation_overlap_hours, 0, 720),
        ("api_keys.requests_per_minute", api_keys.requests_per_minute, 1, 100_000),
        ("api_keys.requests_per_minute_max", api_keys.requests_per_minute_max, 1, 100_000),
        ("session.idle_minutes", config.session.idle_minutes, 1, 43_200),
        ("session.absolute_hours", config.session.absolute_hours, 1, 720),
        ("session.token_minutes", config.session.token_minutes, 1, 527_040),
        ("session.step_up_minutes", config.session.step_up_minutes, 1, 1_440),
        ("session.refresh_idle_hours", config.session.refresh_idle_hours, 1, 8_784),
        ("session.refresh_absolute_days", config.session.refresh_absolute_days, 1, 366),
        ("ingest.parse_memory_mib", config.ingest.parse_memory_mib, 64, 16_384),
        ("ingest.parse_timeout_s", config.ingest.parse_timeout_s, 1, 3_600),
        ("ingest.jobs_in_parallel", config.ingest.jobs_in_parallel, 1, 64),
        ("ingest.queue_length", config.ingest.queue_length, 1, 1_000_000),
        ("models.threads", config.models.threads, 0, 1_024),
        ("models.idle_stop_s", config.models.idle_stop_s, 10, 604_800),
        ("models.context_tokens", config.models.context_tokens, 512, 4_194_304),
        ("models.parallel", config.models.parallel, 1, 64),
        ("models.memory_mib", config.models.memory_mib, 0, 67_108_864),
        ("data.tenant_idle_close_s", config.data.tenant_idle_close_s, 10, 604_800),
        ("telemetry.export_interval_s", config.telemetry.export_interval_s, 1, 3_600),
        ("audit.witness_interval_s", config.audit.witness_interval_s, 1, 86_400),
    ]
}

impl Policy {
    /// What is wrong with the permissions that are to be withheld.
    fn fault(&self) -> Option<String> {
        self.withheld_permissions.iter().find_map(|name| match name.parse::<Permission>() {
            Err(_) => Some(format!(
                "there is no permission {name:?}; GET /api/v1/auth/me lists an administrator's"
            )),
            Ok(permission) if !may_be_withheld(None, permission) => {
                Some(format!("{permission} is needed to sign in or to administer a tenant"))
            }
            Ok(_) => None,
        })
    }
}

fn unknown(origin: &str, key: &str) -> ConfigError {
    let known = KEYS.iter().map(|known| known.path).chain(LISTS.iter().map(|list| list.path));
    let nearest = nearest(key, known);
    ConfigError::UnknownKey { origin: origin.to_owned(), key: key.to_owned(), nearest }
}

fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    /// Jaro-Winkler similarity below which a suggestion would only confuse.
    const LEAST_SIMILARITY: f64 = 0.75;
    known
        .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
        .filter(|(similarity, _)| *similarity >= LEAST_SIMILARITY)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

fn value_error(origin: &str, key: &str, detail: String) -> ConfigError {
    ConfigError::Value { origin: origin.to_owned(), key: key.to_owned(), detail }
}

#[cfg(test)]
mod tests;
