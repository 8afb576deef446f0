//! Which statements may be prepared by whom: rooms read and change rows, the store does the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use crate::StoreError;

/// Says no, while a room's closure runs, to everything but reading rows and changing rows of
/// tables that are the rooms' own. So nothing can smuggle in a `COMMIT`, another key, another
/// database or a pragma, and nobody but the ledger writes to the audit log.
///
/// SQLite asks when it prepares a statement, not when it runs one, so this costs nothing on the
/// cached path.
pub(crate) struct Guard {
    on_duty: Arc<AtomicBool>,
}

impl Guard {
    pub(crate) fn install(connection: &mut rusqlite::Connection) -> Result<Self, StoreError> {
        let on_duty = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&on_duty);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if !asked.load(Ordering::Relaxed) || is_for_rooms(&context.action) {
                Authorization::Allow
            } else {
                Authorization::Deny
            }
        }))?;
        Ok(Self { on_duty })
    }

    /// Runs the closure of a room.
    pub(crate) fn watching<T>(&self, work: impl FnOnce() -> T) -> T {
        let _back = Back { guard: self, to: self.on_duty.swap(true, Ordering::Relaxed) };
        work()
    }

    /// Runs the store's own statements, also in the middle of a room's closure.
    pub(crate) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        let _back = Back { guard: self, to: self.on_duty.swap(false, Ordering::Relaxed) };
        work()
    }
}

/// Restores the guard, also when the closure panics.
struct Back<'a> {
    guard: &'a Guard,
    to: bool,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.guard.on_duty.store(self.to, Ordering::Relaxed);
    }
}

fn is_for_rooms(action: &AuthAction<'_>) -> bool {
    match action {
        AuthAction::Select | AuthAction::Recursive | AuthAction::Read { .. } => true,
        AuthAction::Function { function_name } => !NOT_FOR_ROOMS.contains(function_name),
        AuthAction::Insert { table_name }
        | AuthAction::Delete { table_name }
        | AuthAction::Update { table_name, .. } => !is_store_table(table_name),
        _ => false,
    }
}

/// Functions that reach beyond the rows of the database.
const NOT_FOR_ROOMS: [&str; 2] = ["load_extension", "sqlcipher_export"];

fn is_store_table(name: &str) -> bool {
    name.starts_with("audit_") || name.starts_with("sqlite_") || name == "schema_migrations"
}
