//! The databases of an appliance in the hands of somebody who has its master key: what tests look
//! into, and where they make a fault that nothing of the program's own can make.

use std::path::{Path, PathBuf};

use base::OsEntropy;
use rusqlite::{Connection, OpenFlags};
use seal::{DataKey, KeyPurpose, KeySource, MasterKey, OnMissing, WrappedKey};

/// The control database and those of all tenants, opened beside the running appliance.
pub(crate) struct Databases {
    /// By what they are called: `control` or a tenant's id.
    pub(crate) open: Vec<(String, Connection)>,
}

impl Databases {
    /// Opens all that there are now, with the master key in `key_file`.
    pub(crate) fn open(data: &Path, key_file: &Path) -> Self {
        let source = KeySource {
            credential: None,
            key_file: key_file.to_owned(),
            on_missing: OnMissing::Refuse,
        };
        let (master, _) = MasterKey::obtain(&source, &OsEntropy).unwrap();
        let keys = std::fs::read_to_string(data.join("control.keys")).unwrap();
        let wrapped = hex_bytes(keys.lines().next().unwrap());
        let key = unwrap(&master, KeyPurpose::ControlDatabase, b"appliance", &wrapped);
        let control = connect(&data.join("control.db"), &key);
        let mut tenants = control
            .prepare(
                "SELECT id, wrapped_data_key, key_generation FROM tenants
                 WHERE wrapped_data_key IS NOT NULL",
            )
            .unwrap();
        let rows =
            tenants.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let rows: Vec<([u8; 16], Vec<u8>, u32)> = rows.map(Result::unwrap).collect();
        drop(tenants);
        let mut open = vec![("control".to_owned(), control)];
        for (id, wrapped, generation) in rows {
            let key = unwrap(&master, KeyPurpose::TenantData, &id, &wrapped);
            let name = base::TenantId::from_bytes(id).to_string();
            let file = match generation {
                0 => "tenant.db".to_owned(),
                n => format!("tenant.{n}.db"),
            };
            let path: PathBuf = data.join("tenants").join(&name).join(file);
            open.push((name, connect(&path, &key.derive("tenant database"))));
        }
        Self { open }
    }

    /// Every row of every table.
    pub(crate) fn dump(&self) -> Vec<String> {
        let mut dump = Vec::new();
        for (name, database) in &self.open {
            let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
            let mut tables = database.prepare(sql).unwrap();
            let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
            for table in tables.map(Result::unwrap) {
                let mut rows = database.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
                let columns = rows.column_count();
                let mut rows = rows.query([]).unwrap();
                let first = dump.len();
                while let Some(row) = rows.next().unwrap() {
                    let values = (0..columns).map(|at| format!("{:?}", row.get_ref(at).unwrap()));
                    dump.push(format!("{name} {table}: {}", values.collect::<Vec<_>>().join(", ")));
                }
                dump[first..].sort();
            }
        }
        dump
    }

    /// The database of a tenant.
    pub(crate) fn tenant(&self, id: &str) -> &Connection {
        &self.open.iter().find(|(name, _)| name == id).expect("a tenant of this name").1
    }

    /// Runs SQL in each of them.
    pub(crate) fn execute_in_all(&self, sql: &str) {
        for (name, database) in &self.open {
            database.execute_batch(sql).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

fn unwrap(master: &MasterKey, purpose: KeyPurpose, context: &[u8], wrapped: &[u8]) -> DataKey {
    master.unwrap(purpose, context, &WrappedKey::from_bytes(wrapped).unwrap()).unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the test is somebody who has the keys")]
fn connect(path: &Path, key: &DataKey) -> Connection {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap();
    database.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let key = format!("PRAGMA key = \"x'{}'\"", key.sqlcipher_key().as_str());
    database.execute_batch(&key).unwrap();
    // Folding is the appliance's business.
    let keep = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    database.set_db_config(keep, true).unwrap();
    database.execute_batch("PRAGMA wal_autocheckpoint = 0").unwrap();
    database
}

fn hex_bytes(text: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digit).collect()
}
