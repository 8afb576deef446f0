//! sqlite-vec: SQL functions over vectors, on every connection that the store opens.
//!
//! Used is `vec_quantize_binary` over plain tables; why not its virtual table, nor its distances, is
//! measured in ARCHITECTURE.md. The guard lets rooms call functions, and
//! nobody but a migration make a table of any kind.

use std::ffi::{c_char, c_int, c_void};
use std::ptr;

use rusqlite::ffi;
// The C code comes with this crate, whose own declaration of the entry point lacks its parameters.
use sqlite_vec as _;

use crate::StoreError;

#[expect(unsafe_code, reason = "the entry point of C code")]
unsafe extern "C" {
    /// As in `sqlite-vec.h`. The last parameter is for a library that is loaded at run time; built
    /// in (`SQLITE_CORE`), it is not looked at.
    fn sqlite3_vec_init(
        db: *mut ffi::sqlite3,
        error: *mut *mut c_char,
        api: *const c_void,
    ) -> c_int;
}

/// Adds the functions to a fresh connection. Before the guard: it hears of what is prepared, and
/// what is prepared may name them.
pub(crate) fn install(connection: &rusqlite::Connection) -> Result<(), StoreError> {
    let mut message: *mut c_char = ptr::null_mut();
    #[expect(unsafe_code, reason = "the entry point of C code")]
    // SAFETY: the handle is open as long as `connection` lives, which outlives the call, and no
    // other thread has it. What is registered is static code without state of its own. On failure
    // `message` is null or memory of SQLite's allocator, freed here and not used again.
    let code = unsafe {
        let code = sqlite3_vec_init(connection.handle(), &raw mut message, ptr::null());
        ffi::sqlite3_free(message.cast());
        code
    };
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(StoreError::Database(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)))
    }
}
