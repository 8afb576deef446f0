//! From one schema to the next, with rows in it.

use std::os::unix::fs::PermissionsExt as _;

use crate::connection::Connection;
use crate::database::{Database, Layout, Opening, Surroundings};
use crate::ledger::Stamp;
use crate::migrate::Migration;

use super::*;

const AUDIT: &str = include_str!("../migrations/audit.sql");

/// A schema as it was released first: a parent and a child that refers to it.
const V1: Migration = Migration {
    version: 1,
    name: "init",
    sql: &[
        AUDIT,
        "CREATE TABLE documents (id INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT;
         CREATE TABLE chunks (
             id INTEGER PRIMARY KEY,
             document_id INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE
         ) STRICT;",
    ],
};

/// The next one rebuilds the parent, as SQLite wants it done (https://sqlite.org/lang_altertable).
const V2: Migration = Migration {
    version: 2,
    name: "document_state",
    sql: &["CREATE TABLE documents_new (
                id INTEGER PRIMARY KEY, title TEXT NOT NULL, state TEXT NOT NULL
            ) STRICT;
            INSERT INTO documents_new SELECT id, title, 'ready' FROM documents;
            DROP TABLE documents;
            ALTER TABLE documents_new RENAME TO documents;"],
};

const V3: Migration =
    Migration { version: 3, name: "tags", sql: &["CREATE TABLE tags (name TEXT) STRICT;"] };

const V3_BROKEN: Migration = Migration {
    version: 3,
    name: "broken",
    sql: &["CREATE TABLE tags (name TEXT) STRICT; INSERT INTO nothing VALUES (1);"],
};

const V3_ORPHANS: Migration =
    Migration { version: 3, name: "orphans", sql: &["DELETE FROM documents;"] };

const V1_CHANGED: Migration = Migration { version: 1, name: "init", sql: &[AUDIT] };

static FIRST: &[Migration] = &[V1];
static CHANGED_FIRST: &[Migration] = &[V1_CHANGED, V2];
static SECOND: &[Migration] = &[V1, V2];
static THIRD: &[Migration] = &[V1, V2, V3];
static BROKEN: &[Migration] = &[V1, V2, V3_BROKEN];
static ORPHANS: &[Migration] = &[V1, V2, V3_ORPHANS];

struct Shelf {
    dir: tempfile::TempDir,
    key: Arc<DataKey>,
}

impl Shelf {
    fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, key: Arc::new(DataKey::generate(&OsEntropy).unwrap()) }
    }

    /// A database of the first schema, with rows.
    fn new() -> Self {
        let shelf = Self::empty();
        shelf.open(FIRST, Opening::New).unwrap().close();
        shelf
            .raw("x.db")
            .execute_batch(
                "INSERT INTO documents VALUES (1, 'Pump P-101'), (2, 'Line 4');
                 INSERT INTO chunks VALUES (10, 1), (11, 1), (20, 2);",
            )
            .unwrap();
        shelf
    }

    fn open(&self, steps: &'static [Migration], opening: Opening) -> Result<Database, StoreError> {
        let now = Timestamp::from_unix_ms(1_795_000_000_123);
        let request = base::RequestId::new(now, &OsEntropy).unwrap();
        let actor = base::Actor::Appliance;
        let seed = DataKey::generate(&base::SeededEntropy::new(7)).unwrap();
        Database::open(
            Layout {
                database: self.path("x.db"),
                checkpoint: self.path("checkpoint"),
                origin: "shelf".into(),
                steps,
                key: Arc::clone(&self.key),
                signing: SigningKey::from_seed(&seed),
            },
            opening,
            Surroundings {
                stamp: Stamp { time: now, actor, tenant: None, request, issuer: None },
                settings: &StoreSettings::default(),
                on_jobs_changed: Box::new(|| {}),
                lock: Arc::new(std::fs::File::open(self.dir.path()).unwrap()),
            },
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn raw(&self, name: &str) -> Connection {
        raw(&self.path(name), &self.key)
    }

    /// Number and names of the tables, and how many rows the two first ones have.
    fn contents(&self, name: &str) -> (Vec<String>, u32, u32) {
        let connection = self.raw(name);
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let tables = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
        let count = |table: &str| {
            let sql = format!("SELECT count(*) FROM {table}");
            connection.query_row(&sql, [], |row| row.get::<_, u32>(0)).unwrap()
        };
        (tables.collect(), count("documents"), count("chunks"))
    }

    fn entries(&self) -> Vec<String> {
        let database = self.open(FIRST, Opening::Existing);
        assert!(database.is_ok() || matches!(database, Err(StoreError::NewerSchema { .. })));
        drop(database);
        let connection = self.raw("x.db");
        let sql = "SELECT json_extract(bytes, '$.action') || ' ' || object FROM audit_entries
                   ORDER BY idx";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

const TABLES_1: [&str; 5] =
    ["audit_entries", "audit_frontier", "chunks", "documents", "schema_migrations"];

#[test]
fn rows_survive_and_the_old_database_is_kept_beside() {
    let shelf = Shelf::new();
    let database = shelf.open(THIRD, Opening::Existing).unwrap();
    assert_eq!(*database.health(), Health::Sound);
    let states: Vec<String> = database
        .read_blocking(|tx| {
            tx.query_all("SELECT state FROM documents ORDER BY id", [], |row| row.get(0))
        })
        .unwrap();
    assert_eq!(states, ["ready", "ready"]);
    database.close();
    let (tables, documents, chunks) = shelf.contents("x.db");
    assert!(tables.contains(&"tags".into()), "{tables:?}");
    assert_eq!((documents, chunks), (2, 3), "rebuilding the parent took no child");

    let copy = std::fs::metadata(shelf.path("x.db.v1")).unwrap();
    assert_eq!(copy.permissions().mode() & 0o777, 0o600);
    let (tables, documents, chunks) = shelf.contents("x.db.v1");
    assert_eq!(tables, TABLES_1);
    assert_eq!((documents, chunks), (2, 3));
    assert!(!shelf.path("x.db.v1.part").exists());
    let recorded =
        ["schema.migrated schema:1", "schema.migrated schema:2", "schema.migrated schema:3"];
    assert_eq!(shelf.entries(), recorded);
    // Once done it is not done again.
    std::fs::remove_file(shelf.path("x.db.v1")).unwrap();
    shelf.open(THIRD, Opening::Existing).unwrap().close();
    assert_eq!(shelf.entries().len(), 3);
    assert!(!shelf.path("x.db.v1").exists() && !shelf.path("x.db.v3").exists());
}

#[test]
fn a_step_that_fails_undoes_those_before_it() {
    for broken in [BROKEN, ORPHANS] {
        let shelf = Shelf::new();
        let error = shelf.open(broken, Opening::Existing).err().unwrap();
        assert!(matches!(error, StoreError::Database(_) | StoreError::Corrupt(_)), "{error}");
        assert_eq!(shelf.contents("x.db").0, TABLES_1);
        let database = shelf.open(FIRST, Opening::Existing).unwrap();
        assert_eq!(*database.health(), Health::Sound, "the older program goes on with it");
        database.close();
        assert_eq!(shelf.contents("x.db"), (TABLES_1.map(String::from).to_vec(), 2, 3));
        assert_eq!(shelf.entries(), ["schema.migrated schema:1"]);
    }
}

#[test]
fn a_newer_schema_is_refused_by_name_and_left_alone() {
    let shelf = Shelf::new();
    shelf.open(THIRD, Opening::Existing).unwrap().close();
    let before = std::fs::read(shelf.path("x.db")).unwrap();
    let error = shelf.open(SECOND, Opening::Existing).err().unwrap();
    assert!(matches!(error, StoreError::NewerSchema { found: 3, known: 2 }));
    assert_eq!(error.code(), "schema_unknown");
    assert!(error.to_string().contains("schema 3") && error.to_string().contains("knows 2"));
    assert_eq!(std::fs::read(shelf.path("x.db")).unwrap(), before);
}

#[test]
fn a_step_that_was_changed_after_its_release_is_refused() {
    let shelf = Shelf::new();
    let error = shelf.open(CHANGED_FIRST, Opening::Existing).err().unwrap();
    assert!(matches!(error, StoreError::ChangedMigration(1)), "{error}");
    assert_eq!(shelf.contents("x.db").0, TABLES_1);
    assert!(!shelf.path("x.db.v1").exists());
}

#[test]
fn a_first_start_that_was_killed_is_made_to_its_end() {
    // Killed with the checkpoint made, with an empty file, and before the checkpoint was signed.
    for stage in 0..3 {
        let shelf = Shelf::empty();
        shelf.open(FIRST, Opening::New).unwrap().close();
        let seed = DataKey::generate(&base::SeededEntropy::new(7)).unwrap();
        let signing = SigningKey::from_seed(&seed);
        let checkpoint = shelf.path("checkpoint");
        crate::checkpoint::CheckpointFile::create(&checkpoint, "shelf", &signing).unwrap();
        match stage {
            0 => std::fs::remove_file(shelf.path("x.db")).unwrap(),
            1 => std::fs::write(shelf.path("x.db"), b"").unwrap(),
            _ => {}
        }
        let opening = if stage == 0 { Opening::New } else { Opening::Existing };
        let database = shelf.open(FIRST, opening).unwrap();
        assert_eq!(*database.health(), Health::Sound, "stage {stage}");
        database.close();
        assert_eq!(shelf.entries(), ["schema.migrated schema:1"], "stage {stage}");
    }
}

#[test]
fn the_released_steps_are_numbered_from_one_without_gaps() {
    for steps in [migrate::CONTROL, migrate::TENANT] {
        let versions: Vec<u32> = steps.iter().map(|step| step.version).collect();
        let expected: Vec<u32> = (1..=u32::try_from(steps.len()).unwrap()).collect();
        assert_eq!(versions, expected);
    }
}

#[test]
fn sessions_and_tokens_from_before_the_second_factor_go_on() {
    let shelf = Shelf::empty();
    shelf.open(&migrate::TENANT[..4], Opening::New).unwrap().close();
    let rows = "
        INSERT INTO users VALUES (zeroblob(16), 'a@b', 'A', 'admin', 'INTERNAL', 0, 'en', 'active',
            'x', 0, 0, 0);
        INSERT INTO sessions VALUES (zeroblob(16), zeroblob(32), zeroblob(16), 0, 1, 2, NULL);
        INSERT INTO tokens VALUES (zeroblob(16), zeroblob(32), zeroblob(16), 'viewer', 0, 1, NULL);
        INSERT INTO guesses VALUES (zeroblob(32), 1, 2, 3, 4, 5);";
    shelf.raw("x.db").execute_batch(rows).unwrap();
    shelf.open(migrate::TENANT, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    let kept = "SELECT (SELECT count(*) FROM sessions WHERE second_factor_at IS NULL)
                     + (SELECT count(*) FROM tokens WHERE second_factor_at IS NULL)
                     + (SELECT count(*) FROM guesses WHERE delay_ms = 5)";
    assert_eq!(connection.query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 3);
}

#[test]
fn tokens_from_before_the_families_go_on() {
    let shelf = Shelf::empty();
    let before = migrate::TENANT.iter().position(|step| step.name == "token_families").unwrap();
    shelf.open(&migrate::TENANT[..before], Opening::New).unwrap().close();
    let rows = "
        INSERT INTO users VALUES (zeroblob(16), 'a@b', 'A', 'admin', 'INTERNAL', 0, 'en', 'active',
            'x', 0, 0, 0);
        INSERT INTO tokens VALUES (zeroblob(16), zeroblob(32), zeroblob(16), 'viewer', 0, 1, NULL, 7);";
    shelf.raw("x.db").execute_batch(rows).unwrap();
    shelf.open(migrate::TENANT, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    let kept = "SELECT count(*) FROM tokens WHERE family_id IS NULL AND second_factor_at = 7";
    assert_eq!(connection.query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 1);
}

#[test]
fn people_from_before_groups_and_keys_go_on() {
    let shelf = Shelf::empty();
    let before = migrate::TENANT.iter().position(|step| step.name == "access").unwrap();
    shelf.open(&migrate::TENANT[..before], Opening::New).unwrap().close();
    let rows = "
        INSERT INTO users VALUES (zeroblob(16), 'a@b', 'A', 'admin', 'INTERNAL', 0, 'en', 'active',
            'x', 0, 0, 0);
        INSERT INTO sessions VALUES (zeroblob(16), zeroblob(32), zeroblob(16), 0, 1, 2, NULL, 3);
        INSERT INTO settings VALUES ('second_factor_roles', '[\"admin\"]');";
    shelf.raw("x.db").execute_batch(rows).unwrap();
    shelf.open(migrate::TENANT, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    let kept = "SELECT (SELECT count(*) FROM users WHERE role = 'admin')
                     + (SELECT count(*) FROM sessions WHERE second_factor_at = 3)
                     + (SELECT count(*) FROM settings)";
    assert_eq!(connection.query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 3);
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    connection
        .execute_batch(
            "INSERT INTO user_groups VALUES (zeroblob(16), 'G', '[]', 0, 0);
             INSERT INTO group_members VALUES (zeroblob(16), zeroblob(16), 0);
             INSERT INTO api_keys VALUES (zeroblob(16), zeroblob(16), 'k', '[]', NULL, 0, 1, 1, NULL,
                 NULL);
             INSERT INTO api_key_secrets VALUES (zeroblob(10), zeroblob(16), zeroblob(32), 0, NULL,
                 NULL);",
        )
        .unwrap();
    // What hangs on a group or a key goes with it; what is no list of names is none.
    assert!(connection.execute("UPDATE user_groups SET permissions = '{}'", []).is_err());
    assert!(connection.execute("UPDATE api_keys SET scopes = 'x'", []).is_err());
    connection.execute_batch("DELETE FROM user_groups; DELETE FROM api_keys;").unwrap();
    let left = "SELECT (SELECT count(*) FROM group_members)
                     + (SELECT count(*) FROM api_key_secrets)";
    assert_eq!(connection.query_row(left, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}

#[test]
fn conversations_from_before_pins_and_feedback_go_on() {
    let shelf = Shelf::empty();
    let before = migrate::TENANT.iter().position(|step| step.name == "feedback").unwrap();
    shelf.open(&migrate::TENANT[..before], Opening::New).unwrap().close();
    let rows = "
        INSERT INTO conversations VALUES (zeroblob(16), NULL, 'Pump', 0, 1, NULL);
        INSERT INTO messages VALUES (zeroblob(16), zeroblob(16), 1, 'appliance', 'x', 'INTERNAL',
            'none', NULL, '{}', 0);";
    shelf.raw("x.db").execute_batch(rows).unwrap();
    shelf.open(migrate::TENANT, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    let kept = "SELECT count(*) FROM conversations JOIN messages
                WHERE pinned_at IS NULL AND title = 'Pump' AND updated_at = 1";
    assert_eq!(connection.query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 1);
    let rate = |rating: &str, reason: &str| {
        let sql = format!(
            "INSERT OR REPLACE INTO feedback
             VALUES (zeroblob(16), NULL, '{rating}', {reason}, NULL, 0, 0)"
        );
        connection.execute(&sql, [])
    };
    assert!(rate("down", "'wrong'").is_ok() && rate("up", "NULL").is_ok());
    // Praise needs no reason, and there is no third rating.
    assert!(rate("up", "'wrong'").is_err() && rate("sideways", "NULL").is_err());
    connection.execute_batch("PRAGMA foreign_keys = ON; DELETE FROM conversations;").unwrap();
    let left = "SELECT count(*) FROM feedback";
    assert_eq!(connection.query_row(left, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}

#[test]
fn people_from_before_token_usage_go_on() {
    let shelf = Shelf::empty();
    let before = migrate::TENANT.iter().position(|step| step.name == "token_usage").unwrap();
    shelf.open(&migrate::TENANT[..before], Opening::New).unwrap().close();
    let rows = "
        INSERT INTO users VALUES (zeroblob(16), 'a@b', 'A', 'admin', 'INTERNAL', 0, 'en', 'active',
            'x', 0, 0, 0);
        INSERT INTO settings VALUES ('user_default_language', 'de');";
    shelf.raw("x.db").execute_batch(rows).unwrap();
    shelf.open(migrate::TENANT, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    let kept = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM settings)";
    assert_eq!(connection.query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 2);
    let usage = |user: &str, tier: &str| {
        let sql = format!(
            "INSERT INTO token_usage VALUES (1, {user}, '{tier}', zeroblob(32), 0, 1, 2, 3, 4)"
        );
        connection.execute(&sql, [])
    };
    assert!(usage("zeroblob(16)", "light").is_ok() && usage("x''", "").is_ok());
    // One row per day, person, tier and model; no tier that there is not, nobody by half.
    assert!(usage("x''", "").is_err());
    assert!(usage("x''", "huge").is_err() && usage("zeroblob(3)", "light").is_err());
}

#[test]
fn tenants_from_before_models_go_on() {
    let shelf = Shelf::empty();
    let before = migrate::CONTROL.iter().position(|step| step.name == "models").unwrap();
    shelf.open(&migrate::CONTROL[..before], Opening::New).unwrap().close();
    let rows = "
        INSERT INTO tenants VALUES (zeroblob(16), 'a', 'A', 'active', x'01', x'02', zeroblob(32), 0,
            0, 3);
        INSERT INTO appliance_admins VALUES (zeroblob(16), zeroblob(16), 0);";
    shelf.raw("x.db").execute_batch(rows).unwrap();
    shelf.open(migrate::CONTROL, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    let kept = "SELECT count(*) FROM tenants JOIN appliance_admins WHERE key_generation = 3";
    assert_eq!(connection.query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 1);
    connection
        .execute_batch(
            "PRAGMA foreign_keys = ON;
             INSERT INTO models VALUES (zeroblob(32), 'm', 1, '{}', 0, 'console', NULL, NULL, NULL,
                 NULL);
             INSERT INTO model_assignments VALUES ('light', 0, zeroblob(32));",
        )
        .unwrap();
    assert!(connection.execute("UPDATE models SET facts = '[]'", []).is_err());
    assert!(connection.execute("UPDATE model_assignments SET tier = 'huge'", []).is_err());
    connection.execute_batch("DELETE FROM models;").unwrap();
    let left = "SELECT count(*) FROM model_assignments";
    assert_eq!(connection.query_row(left, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}

/// A tenant's database of the first schema, in which every third of seven chunks has no embedding.
const CHUNKS_V1: &str = "
    INSERT INTO documents (id, key, title, created_at, created_by, updated_at)
    VALUES (zeroblob(16), 'pump', 'Pump P-101', 0, 'console', 0);
    INSERT INTO revisions (id, document_id, number, file_name, size_bytes, sha256, state, validity,
        classification, export_control, tags, metadata, uploaded_at, uploaded_by)
    VALUES (zeroblob(16), zeroblob(16), 1, 'pump.md', 1, zeroblob(32), 'ready', 'valid',
        'INTERNAL', 'none', '[]', '{}', 0, 'console');
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 6)
    INSERT INTO chunks (revision_id, ordinal, page_first, page_last, heading_path, kind, text,
        token_count, boxes, embedding)
    SELECT zeroblob(16), i, 1, 1, '[]', 'prose', 'text ' || i, 2, x'01', NULL FROM n;";

/// A unit vector whose positive numbers differ from seed to seed.
fn unit_vector(seed: u32) -> Vec<f32> {
    let number = |i: u32| if (i * (seed + 3)) % 7 < 3 { 1.0 } else { -1.0 } / 384_f32.sqrt();
    (0..384).map(number).collect()
}

#[test]
fn embeddings_move_out_of_the_chunks_and_get_their_codes() {
    let shelf = Shelf::empty();
    shelf.open(&migrate::TENANT[..1], Opening::New).unwrap().close();
    let connection = shelf.raw("x.db");
    connection.execute_batch(CHUNKS_V1).unwrap();
    let vectors: Vec<Option<Vec<f32>>> =
        (0..7).map(|i| (i % 3 != 2).then(|| unit_vector(i))).collect();
    let bytes = |vector: &[f32]| vector.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    for (ordinal, vector) in vectors.iter().enumerate() {
        connection
            .execute(
                "UPDATE chunks SET embedding = ?2 WHERE ordinal = ?1",
                params![i64::try_from(ordinal).unwrap(), vector.as_deref().map(bytes)],
            )
            .unwrap();
    }
    drop(connection);

    shelf.open(migrate::TENANT, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    let mut statement = connection
        .prepare(
            "SELECT c.text, e.embedding, b.code FROM chunks c
                 LEFT JOIN embeddings e ON e.chunk_id = c.id
                 LEFT JOIN embedding_codes b ON b.chunk_id = c.id ORDER BY c.ordinal",
        )
        .unwrap();
    type Moved = (String, Option<Vec<u8>>, Option<Vec<u8>>);
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let moved: Vec<Moved> = rows.unwrap().map(Result::unwrap).collect();
    let code = |vector: &[f32]| {
        let mut code = vec![0_u8; 48];
        for (i, _) in vector.iter().enumerate().filter(|(_, number)| **number > 0.0) {
            code[i / 8] |= 1 << (i % 8);
        }
        code
    };
    let expected: Vec<Moved> = (0..)
        .zip(&vectors)
        .map(|(i, vector)| {
            let vector = vector.as_deref();
            (format!("text {i}"), vector.map(bytes), vector.map(code))
        })
        .collect();
    assert!(moved == expected, "an embedding or a code is not what it was");
    let columns = "SELECT count(*) FROM pragma_table_info('chunks') WHERE name = 'embedding'";
    assert_eq!(connection.query_row(columns, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}

#[test]
fn vectors_of_another_length_are_refused_and_all_go_with_their_chunk() {
    let shelf = Shelf::empty();
    shelf.open(&migrate::TENANT[..1], Opening::New).unwrap().close();
    shelf.raw("x.db").execute_batch(CHUNKS_V1).unwrap();
    shelf.open(migrate::TENANT, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    for (table, column, length) in
        [("embeddings", "embedding", 1536), ("embedding_codes", "code", 48)]
    {
        let insert = format!("INSERT INTO {table} (chunk_id, {column}) VALUES (1, zeroblob(?1))");
        for wrong in [0, length - 1, length + 1] {
            assert!(connection.execute(&insert, [wrong]).is_err(), "{table}: {wrong}");
        }
        assert_eq!(connection.execute(&insert, [length]).unwrap(), 1);
    }
    connection.execute_batch("DELETE FROM chunks WHERE id = 1").unwrap();
    let left = "SELECT (SELECT count(*) FROM embeddings) + (SELECT count(*) FROM embedding_codes)";
    assert_eq!(connection.query_row(left, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}

#[test]
fn people_from_before_workflows_and_memories_go_on() {
    let shelf = Shelf::empty();
    let before = migrate::TENANT.iter().position(|step| step.name == "composition").unwrap();
    shelf.open(&migrate::TENANT[..before], Opening::New).unwrap().close();
    let rows = "
        INSERT INTO users VALUES (zeroblob(16), 'a@b', 'A', 'admin', 'INTERNAL', 0, 'en', 'active',
            'x', 0, 0, 0);
        INSERT INTO jobs (id, kind, state, payload, subject, queued_by_actor, not_before, created_at,
            updated_at) VALUES (zeroblob(16), 'ingest', 'done', '{}', 'revision:x', 'console', 0, 0, 0);";
    shelf.raw("x.db").execute_batch(rows).unwrap();
    shelf.open(migrate::TENANT, Opening::Existing).unwrap().close();
    let connection = shelf.raw("x.db");
    let kept = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM jobs)";
    assert_eq!(connection.query_row(kept, [], |row| row.get::<_, u32>(0)).unwrap(), 2);
    let run = "
        INSERT INTO workflow_runs (id, workflow, title, definition, input, state, job_id, seed,
            deadline_at, classification, export_control, origin, created_at, updated_at)
        VALUES (zeroblob(16), 'w', 'W', '{}', '{}', 'waiting', zeroblob(16), 1, 0, 'INTERNAL', 'none',
            'user', 0, 0);
        INSERT INTO workflow_steps VALUES (zeroblob(16), 'a', 1, 'value', 'done', '1', NULL, NULL,
            'INTERNAL', 'none', 0, 0, 0, 0);
        INSERT INTO workflow_gates (run_id, key, question, shown, digest, asked_at)
        VALUES (zeroblob(16), 'g', '?', '1', zeroblob(32), 0);
        INSERT INTO workflow_events VALUES (zeroblob(16), 1, 'run.started', '{}', 0);
        INSERT INTO memories (id, user_id, agent, kind, text, importance, classification,
            export_control, source, created_at, updated_at)
        VALUES (zeroblob(16), zeroblob(16), 'generalist', 'fact', 'x', 3, 'PUBLIC', 'none', 'person',
            0, 0);";
    connection.execute_batch(run).unwrap();
    // A state that there is not, and a memory of nobody.
    let wrong = "UPDATE workflow_runs SET state = 'lost'";
    assert!(connection.execute(wrong, []).is_err());
    connection.execute_batch("PRAGMA foreign_keys = ON").unwrap();
    let nobody = "UPDATE memories SET user_id = randomblob(16)";
    assert!(connection.execute(nobody, []).is_err());
    // What belongs to a run goes with it.
    connection.execute_batch("DELETE FROM workflow_runs").unwrap();
    let left =
        "SELECT (SELECT count(*) FROM workflow_steps) + (SELECT count(*) FROM workflow_gates)
                + (SELECT count(*) FROM workflow_events)";
    assert_eq!(connection.query_row(left, [], |row| row.get::<_, u32>(0)).unwrap(), 0);
}
