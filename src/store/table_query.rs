//! SQL over a copy of one table in memory: for questions to a table that somebody brought along. The copy
//! is in a database of its own that nothing else is in, and goes with the call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ffi, params_from_iter};

use crate::StoreError;

/// Name of the table in the SQL.
pub const TABLE_NAME: &str = "data";

/// Most columns of a table.
pub const TABLE_MAX_COLUMNS: usize = 100;
/// Most rows of a table.
pub const TABLE_MAX_ROWS: usize = 100_000;
/// Largest table, in bytes of its texts.
pub const TABLE_MAX_BYTES: usize = 16 * 1024 * 1024;

/// Longest statement, in bytes.
const SQL_MAX_BYTES: i32 = 10_000;
/// Longest value that a statement may make, in bytes.
const VALUE_MAX_BYTES: i32 = 1024 * 1024;
/// Memory that a statement may take beside what is in use already, in bytes.
const MEMORY_MAX_BYTES: i64 = 128 * 1024 * 1024;
/// Instructions of the virtual machine between two looks at the limits.
const LOOK_EVERY_OPS: i32 = 2_000;

/// A value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum TableCell {
    /// Nothing.
    Empty,
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// A table to be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableCopy {
    /// Names of the columns, unique.
    pub columns: Vec<String>,
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<TableCell>>,
}

/// What a statement may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableLimits {
    /// Most rows of the answer.
    pub rows: usize,
    /// Most bytes of the answer.
    pub bytes: usize,
    /// Most instructions of SQLite's virtual machine; a second has some 50 million.
    pub instructions: u64,
}

impl Default for TableLimits {
    fn default() -> Self {
        Self { rows: 200, bytes: 64 * 1024, instructions: 100_000_000 }
    }
}

/// What came out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableAnswer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<TableCell>>,
    /// There are more than the limits let through.
    pub more: bool,
}

/// Why a table could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum TableQueryError {
    /// The statement is wrong; SQLite's words about it.
    #[error("the SQL is wrong: {0}")]
    Statement(String),
    /// It does something else than to select from the table.
    #[error("only one SELECT from {TABLE_NAME} is possible; nothing else can be read or changed")]
    Refused,
    /// It takes too long.
    #[error("the statement takes too long")]
    TooLong,
    /// It takes too much memory.
    #[error("the statement takes too much memory")]
    TooMuchMemory,
    /// The table is larger than may be copied.
    #[error(
        "the table is too large: at most {TABLE_MAX_COLUMNS} columns, {TABLE_MAX_ROWS} rows \
             and {TABLE_MAX_BYTES} bytes"
    )]
    TooLarge,
    /// The copy could not be made.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a statement was interrupted.
const RUNS: u8 = 0;
const TOO_LONG: u8 = 1;
const TOO_MUCH_MEMORY: u8 = 2;

/// Asks `table` with one `SELECT` from `data`. Blocks: call it where blocking is allowed.
///
/// # Errors
/// [`TableQueryError`].
pub fn table_query(
    table: &TableCopy,
    sql: &str,
    limits: TableLimits,
) -> Result<TableAnswer, TableQueryError> {
    let mut connection = copied(table)?;
    let stopped = Arc::new(AtomicU8::new(RUNS));
    watch(&mut connection, limits.instructions, &stopped)?;
    lock_up(&mut connection)?;
    let answer = ask(&connection, sql, limits);
    answer.map_err(|error| match (stopped.load(Ordering::Relaxed), error) {
        (TOO_LONG, _) => TableQueryError::TooLong,
        (TOO_MUCH_MEMORY, _) => TableQueryError::TooMuchMemory,
        (_, error) => error,
    })
}

/// How long a statement of `instructions` may take at most, for whoever waits for it.
#[must_use]
pub const fn table_query_patience(limits: TableLimits) -> Duration {
    // Ten times slower than usual.
    Duration::from_millis(1_000 + limits.instructions / 5_000)
}

#[expect(clippy::disallowed_methods, reason = "a database in memory, with nothing but the copy")]
fn copied(table: &TableCopy) -> Result<Connection, TableQueryError> {
    let bytes: usize = table.rows.iter().flatten().map(cell_bytes).sum();
    let columns = table.columns.len();
    if columns == 0
        || columns > TABLE_MAX_COLUMNS
        || table.rows.len() > TABLE_MAX_ROWS
        || bytes > TABLE_MAX_BYTES
    {
        return Err(TableQueryError::TooLarge);
    }
    let connection = Connection::open_in_memory().map_err(StoreError::from)?;
    let insert = || -> rusqlite::Result<()> {
        connection.execute_batch("PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;")?;
        // Without types: numbers and texts stay what they are.
        let names: Vec<String> = table.columns.iter().map(|name| quoted(name)).collect();
        connection
            .execute_batch(&format!("CREATE TABLE {TABLE_NAME} ({}); BEGIN", names.join(", ")))?;
        let places = vec!["?"; columns].join(", ");
        let mut insert =
            connection.prepare(&format!("INSERT INTO {TABLE_NAME} VALUES ({places})"))?;
        for row in &table.rows {
            let cells = (0..columns).map(|i| row.get(i).map_or(Value::Null, value_of));
            insert.execute(params_from_iter(cells))?;
        }
        connection.execute_batch("COMMIT; PRAGMA query_only = ON;")
    };
    insert().map_err(StoreError::from)?;
    Ok(connection)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

fn value_of(cell: &TableCell) -> Value {
    match cell {
        TableCell::Empty => Value::Null,
        // Whole numbers compare and print as such.
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        TableCell::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => Value::Integer(*n as i64),
        TableCell::Number(n) => Value::Real(*n),
        TableCell::Text(text) => Value::Text(text.clone()),
    }
}

const fn cell_bytes(cell: &TableCell) -> usize {
    match cell {
        TableCell::Empty | TableCell::Number(_) => 8,
        TableCell::Text(text) => text.len(),
    }
}

/// Interrupts what takes too long or too much.
fn watch(
    connection: &mut Connection,
    instructions: u64,
    stopped: &Arc<AtomicU8>,
) -> Result<(), TableQueryError> {
    let done = AtomicU64::new(0);
    let stopped = Arc::clone(stopped);
    let begun_bytes = memory_bytes();
    let look = move || {
        let ops = done.fetch_add(LOOK_EVERY_OPS.unsigned_abs().into(), Ordering::Relaxed);
        let reason = if ops > instructions {
            TOO_LONG
        } else if memory_bytes() - begun_bytes > MEMORY_MAX_BYTES {
            TOO_MUCH_MEMORY
        } else {
            return false;
        };
        stopped.store(reason, Ordering::Relaxed);
        true
    };
    connection.progress_handler(LOOK_EVERY_OPS, Some(look)).map_err(StoreError::from)?;
    Ok(())
}

/// What SQLite has in use in this process, for all its databases.
#[expect(unsafe_code, reason = "a function of the C library that has no safe wrapper")]
fn memory_bytes() -> i64 {
    // SAFETY: takes nothing, and only reads a counter under SQLite's own lock.
    unsafe { ffi::sqlite3_memory_used() }
}

/// From here on nothing but reading the table can be prepared.
fn lock_up(connection: &mut Connection) -> Result<(), TableQueryError> {
    let limits = [
        (Limit::SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, SQL_MAX_BYTES),
        (Limit::SQLITE_LIMIT_COLUMN, 200),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 50),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 10),
        (Limit::SQLITE_LIMIT_FUNCTION_ARG, 32),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000),
        (Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 1),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 0),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ];
    for (limit, value) in limits {
        connection.set_limit(limit, value).map_err(StoreError::from)?;
    }
    let guard = |context: AuthContext<'_>| {
        if may(&context.action) { Authorization::Allow } else { Authorization::Deny }
    };
    connection.authorizer(Some(guard)).map_err(StoreError::from)?;
    Ok(())
}

/// Functions that reach beyond the values they are given.
const NO_FUNCTIONS: [&str; 5] =
    ["load_extension", "sqlcipher_export", "fts3_tokenizer", "randomblob", "zeroblob"];

fn may(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Select => true,
        AuthAction::Read { table_name, .. } => *table_name == TABLE_NAME || table_name.is_empty(),
        AuthAction::Function { function_name } => {
            !NO_FUNCTIONS.iter().any(|name| function_name.eq_ignore_ascii_case(name))
        }
        // Above all no schema, no pragma, no other database, no recursion without an end.
        _ => false,
    }
}

fn ask(
    connection: &Connection,
    sql: &str,
    limits: TableLimits,
) -> Result<TableAnswer, TableQueryError> {
    let mut statement = connection.prepare(sql).map_err(told)?;
    if statement.column_count() == 0 || !statement.readonly() {
        return Err(TableQueryError::Refused);
    }
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let count = columns.len();
    let mut answer = TableAnswer { columns, ..TableAnswer::default() };
    let mut bytes = 0;
    let mut rows = statement.query([]).map_err(told)?;
    while let Some(row) = rows.next().map_err(told)? {
        let cells: Result<Vec<TableCell>, _> =
            (0..count).map(|i| row.get_ref(i).map(cell_of)).collect();
        let cells = cells.map_err(told)?;
        bytes += cells.iter().map(cell_bytes).sum::<usize>();
        if answer.rows.len() >= limits.rows || bytes > limits.bytes {
            answer.more = true;
            break;
        }
        answer.rows.push(cells);
    }
    Ok(answer)
}

fn cell_of(value: ValueRef<'_>) -> TableCell {
    match value {
        ValueRef::Null => TableCell::Empty,
        #[expect(clippy::cast_precision_loss, reason = "what a table holds was an f64 before")]
        ValueRef::Integer(n) => TableCell::Number(n as f64),
        ValueRef::Real(n) => TableCell::Number(n),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            TableCell::Text(String::from_utf8_lossy(bytes).into_owned())
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "errors are mapped by it")]
fn told(error: rusqlite::Error) -> TableQueryError {
    use rusqlite::ErrorCode;
    if matches!(error, rusqlite::Error::MultipleStatement) {
        return TableQueryError::Refused;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly) => {
            TableQueryError::Refused
        }
        _ => TableQueryError::Statement(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn pumps() -> TableCopy {
        let rows = [("P-101", Some(90.0)), ("P-102", Some(55.5)), ("P-103", None)];
        let cells = rows.into_iter().map(|(tag, torque)| {
            let torque = torque.map_or(TableCell::Empty, TableCell::Number);
            vec![TableCell::Text(tag.to_owned()), torque]
        });
        TableCopy { columns: vec!["Tag".into(), "Torque [Nm]".into()], rows: cells.collect() }
    }

    fn asked(sql: &str) -> Result<TableAnswer, TableQueryError> {
        let limits = TableLimits { instructions: 2_000_000, ..TableLimits::default() };
        table_query(&pumps(), sql, limits)
    }

    #[test]
    fn selects_from_the_copy() {
        let answer = asked("SELECT Tag FROM data WHERE \"Torque [Nm]\" > 60;").unwrap();
        assert_eq!(answer.rows, [[TableCell::Text("P-101".into())]]);
        let answer = asked("SELECT count(*) AS n, sum(\"Torque [Nm]\") FROM data").unwrap();
        assert_eq!(answer.columns[0], "n");
        assert_eq!(answer.rows, [[TableCell::Number(3.0), TableCell::Number(145.5)]]);
    }

    #[test]
    fn nothing_else_can_be_done() {
        for sql in [
            "DELETE FROM data",
            "INSERT INTO data VALUES (1, 2)",
            "UPDATE data SET Tag = 'x'",
            "DROP TABLE data",
            "CREATE TABLE other (a)",
            "ATTACH 'control.db' AS other",
            "PRAGMA table_info(data)",
            "SELECT * FROM pragma_database_list",
            "SELECT * FROM sqlite_master",
            "SELECT load_extension('x.so')",
            "SELECT sqlcipher_export('main')",
            "VACUUM INTO '/tmp/copy'",
            "SELECT 1; SELECT 2",
            "SELECT 1; DELETE FROM data",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
            "BEGIN",
            "EXPLAIN DELETE FROM data",
            "",
        ] {
            let error = asked(sql).unwrap_err();
            assert!(
                matches!(error, TableQueryError::Refused | TableQueryError::Statement(_)),
                "{sql}: {error}"
            );
        }
    }

    #[test]
    fn what_takes_too_much_is_interrupted() {
        let joined = "SELECT count(*) FROM data a, data b, data c, data d, data e, data f, data g, \
                      data h, data i, data j, data k, data l, data m, data n";
        assert!(matches!(asked(joined), Err(TableQueryError::TooLong)));
        let long = format!("SELECT {} FROM data", "'x'||".repeat(5_000) + "'x'");
        assert!(asked(&long).is_err());
        let wide = "SELECT replace(printf('%1000000s', 'x'), ' ', 'xxxxxxxx') FROM data";
        assert!(asked(wide).is_err());
        let limits = TableLimits { rows: 2, ..TableLimits::default() };
        let cut = table_query(&pumps(), "SELECT * FROM data", limits).unwrap();
        assert!(cut.more && cut.rows.len() == 2);
    }
}
