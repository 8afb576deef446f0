//! The SQL vocabulary that a room's `store.rs` needs, so that no other file and no other crate
//! depends on the database library.

pub use rusqlite::params_from_iter;
pub use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Value, ValueRef};
pub use rusqlite::{OptionalExtension, Params, Result, Row, ToSql, named_params, params};

use crate::StoreError;

/// A typed id from a 16-byte column.
///
/// # Errors
/// [`StoreError::Corrupt`] when the column does not hold 16 bytes.
pub fn id_bytes(bytes: &[u8], column: &'static str) -> std::result::Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Corrupt(column))
}
