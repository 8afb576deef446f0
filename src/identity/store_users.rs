//! Rows of `users`.

use base::{Role, Timestamp, UserId};
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::hashing::PasswordHash;
use crate::users::UserQuery;
use crate::{DisplayName, Email, Language, User, UserStatus};

const COLUMNS: &str = "id, email, display_name, role, clearance, export_eligible, language, \
                       status, must_change_password, created_at, updated_at";

pub(crate) fn user_insert(
    tx: &WriteTx<'_>,
    user: &User,
    password: &PasswordHash,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO users (id, email, display_name, role, clearance, export_eligible, language,
                            status, must_change_password, created_at, updated_at, password_hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            user.id.as_bytes(),
            user.email.as_str(),
            user.display_name.as_str(),
            user.role.as_str(),
            user.clearance.as_str(),
            user.export_eligible,
            user.language.as_str(),
            user.status.as_str(),
            user.must_change_password,
            user.created_at.unix_ms(),
            user.updated_at.unix_ms(),
            password.as_str(),
        ],
    )?;
    Ok(())
}

pub(crate) fn user_get(tx: &ReadTx<'_>, id: UserId) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1");
    tx.query_optional(&sql, [id.as_bytes()], raw_user)?.map(RawUser::checked).transpose()
}

pub(crate) fn user_exists_with_email(tx: &ReadTx<'_>, email: &Email) -> Result<bool, StoreError> {
    tx.query_row("SELECT count(*) > 0 FROM users WHERE email = ?1", [email.as_str()], |row| {
        row.get(0)
    })
}

pub(crate) fn user_count(tx: &ReadTx<'_>) -> Result<u32, StoreError> {
    tx.query_row("SELECT count(*) FROM users", [], |row| row.get(0))
}

/// Active administrators besides `id`.
pub(crate) fn user_count_other_admins(tx: &ReadTx<'_>, id: UserId) -> Result<u32, StoreError> {
    tx.query_row(
        "SELECT count(*) FROM users WHERE role = ?2 AND status = ?3 AND id <> ?1",
        params![id.as_bytes(), Role::Admin.as_str(), UserStatus::Active.as_str()],
        |row| row.get(0),
    )
}

/// One more than `limit` people, oldest first, so that the caller sees whether there are more.
pub(crate) fn user_list(
    tx: &ReadTx<'_>,
    query: &UserQuery,
    limit: u32,
) -> Result<Vec<User>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM users
         WHERE (?1 IS NULL OR id > ?1) AND (?2 IS NULL OR role = ?2) AND (?3 IS NULL OR status = ?3)
         ORDER BY id LIMIT ?4"
    );
    let raw = tx.query_all(
        &sql,
        params![
            query.after.map(|id| *id.as_bytes()),
            query.role.map(Role::as_str),
            query.status.map(UserStatus::as_str),
            i64::from(limit) + 1,
        ],
        raw_user,
    )?;
    raw.into_iter().map(RawUser::checked).collect()
}

/// Writes everything that may change besides the password.
pub(crate) fn user_update(tx: &WriteTx<'_>, user: &User) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE users SET display_name = ?2, role = ?3, clearance = ?4, export_eligible = ?5,
                          language = ?6, status = ?7, updated_at = ?8
         WHERE id = ?1",
        params![
            user.id.as_bytes(),
            user.display_name.as_str(),
            user.role.as_str(),
            user.clearance.as_str(),
            user.export_eligible,
            user.language.as_str(),
            user.status.as_str(),
            user.updated_at.unix_ms(),
        ],
    )?;
    Ok(())
}

pub(crate) fn password_get(
    tx: &ReadTx<'_>,
    id: UserId,
) -> Result<Option<PasswordHash>, StoreError> {
    let sql = "SELECT password_hash FROM users WHERE id = ?1";
    let text = tx.query_optional(sql, [id.as_bytes()], |row| row.get::<_, String>(0))?;
    Ok(text.map(PasswordHash::from_row))
}

/// Whether the person must change the password that is set.
#[derive(Clone, Copy)]
pub(crate) enum PasswordKind {
    OneTime,
    Chosen,
}

pub(crate) fn password_set(
    tx: &WriteTx<'_>,
    id: UserId,
    password: &PasswordHash,
    kind: PasswordKind,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE users SET password_hash = ?2, must_change_password = ?3, updated_at = ?4
         WHERE id = ?1",
        params![
            id.as_bytes(),
            password.as_str(),
            matches!(kind, PasswordKind::OneTime),
            tx.now().unix_ms(),
        ],
    )?;
    Ok(())
}

/// Puts another hash of the same password in the place of `old`; returns whether that was still it.
pub(crate) fn password_rehash(
    tx: &WriteTx<'_>,
    id: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2",
        params![id.as_bytes(), old.as_str(), new.as_str()],
    )?;
    Ok(changed == 1)
}

struct RawUser {
    id: Vec<u8>,
    email: String,
    display_name: String,
    role: String,
    clearance: String,
    export_eligible: bool,
    language: String,
    status: String,
    must_change_password: bool,
    created_at: i64,
    updated_at: i64,
}

fn raw_user(row: &Row<'_>) -> store::sql::Result<RawUser> {
    Ok(RawUser {
        id: row.get(0)?,
        email: row.get(1)?,
        display_name: row.get(2)?,
        role: row.get(3)?,
        clearance: row.get(4)?,
        export_eligible: row.get(5)?,
        language: row.get(6)?,
        status: row.get(7)?,
        must_change_password: row.get(8)?,
        created_at: row.get(9)?,
        updated_at: row.get(10)?,
    })
}

impl RawUser {
    fn checked(self) -> Result<User, StoreError> {
        Ok(User {
            id: UserId::from_bytes(id_bytes(&self.id, "users.id")?),
            email: Email::from_row(self.email),
            display_name: DisplayName::from_row(self.display_name),
            role: self.role.parse().map_err(|_| StoreError::Corrupt("users.role"))?,
            clearance: self
                .clearance
                .parse()
                .map_err(|_| StoreError::Corrupt("users.clearance"))?,
            export_eligible: self.export_eligible,
            language: Language::from_row(self.language),
            status: self.status.parse().map_err(|_| StoreError::Corrupt("users.status"))?,
            must_change_password: self.must_change_password,
            created_at: Timestamp::from_unix_ms(self.created_at),
            updated_at: Timestamp::from_unix_ms(self.updated_at),
        })
    }
}
