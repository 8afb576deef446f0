//! People, credentials, sessions and tokens: everything that turns a password, a cookie or a bearer
//! token into a scope of the store, and that keeps the people behind them.
//!
//! [`login()`] checks a password and opens a session; [`authenticate_cookie`],
//! [`authenticate_bearer`] and [`authenticate_key`] lead from what a request carries to a
//! [`store::TenantScope`]. The rest takes a permit: `user_…` and `group_…` for administrators,
//! `profile_…`, `token_…` and `key_…` for oneself.
//!
//! Never:
//! - keeps a secret: of passwords the argon2id hash, of session secrets, refresh tokens, tokens
//!   and keys the SHA-256;
//! - takes a refresh token twice, or lets anything of its family go on after somebody tried;
//! - lets a token of another issuer open another tenant than that issuer's, or widen a role;
//! - tells an unknown tenant, an unknown person, a wrong password and a disabled account apart;
//! - lets a token choose its algorithm, its key or where to find one;
//! - writes an e-mail address, a name, a password or a token into a log, or shows one in `Debug`;
//! - leaves a tenant without an active administrator, lets anybody change their own rights, or
//!   grant more than they have;
//! - hashes more passwords at once than configured: each takes 19 MiB;
//! - lets a password be guessed faster than [`GuessSettings`] says, however many try at once.
//!
//! ```compile_fail
//! // A permit to look at people is none to change them.
//! async fn disable(permit: policy::Permit<'_, policy::users::Read>, id: base::UserId) {
//!     let _ = identity::user_change(permit, id, identity::UserChange::default()).await;
//! }
//! ```
//! ```compile_fail
//! // A password can't be shown by accident.
//! fn log(password: &identity::Password) -> String { password.to_string() }
//! ```

mod api_keys;
mod claims;
mod error;
mod events;
mod factor_codes;
mod federation;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod groups;
mod guessable;
mod guesses;
mod hashing;
mod issuer;
mod jwt;
mod key_file;
mod key_making;
mod key_set;
mod key_text;
mod login;
mod model;
mod password;
mod profile;
mod refresh;
mod second_factor;
mod sessions;
mod signed_in;
mod store_credentials;
mod store_factors;
mod store_families;
mod store_groups;
mod store_keys;
mod store_users;
mod strict_json;
mod tokens;
mod totp;
mod user_rules;
mod users;
mod weak_rsa;

#[cfg(test)]
mod tests;

pub use api_keys::{
    ApiKey, KEYS_PER_PERSON_MAX, KeySecret, KeySettings, TENANT_KEYS_LISTED_MAX, authenticate_key,
    key_list, key_revoke, key_touch, tenant_keys, user_key_revoke, user_keys,
};
pub use error::IdentityError;
pub use factor_codes::{Enrolment, FactorCode, RECOVERY_CODES, RecoveryCodes};
pub use federation::{ClaimRules, ExternalIssuer, FederationSettings};
pub use groups::{
    GROUPS_PER_TENANT_MAX, Group, GroupChange, GroupName, group_change, group_create, group_get,
    group_list, group_member_add, group_member_list, group_member_remove, group_remove,
};
pub use guesses::GuessSettings;
pub use hashing::{PasswordSettings, Passwords};
pub use issuer::{Issuer, TenantBinding, TokenSettings, TokenSigner, TokenVerifier};
pub use jwt::{TOKEN_MAX_BYTES, TokenFault};
pub use key_file::KeyFileError;
pub use key_making::{
    KEY_LIFETIME_MIN_S, KEY_OVERLAP_MAX_S, KeyInput, KeyRotation, MadeKey, key_create, key_rotate,
};
pub use key_set::{
    AlgorithmError, JoseAlgorithm, KEY_FILE_MAX_BYTES, KEYS_MAX, KeyFault, KeySet, SECRET_MIN_BYTES,
};
pub use key_text::KEY_MARK;
pub use login::{Login, LoginInput, login};
pub use model::{DisplayName, Email, Language, User, UserStatus};
pub use password::{OneTimePassword, PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, Password};
pub use profile::{
    PasswordChange, ProfileChange, change_own_password, profile_change, profile_get,
};
pub use refresh::{
    FAMILIES_PER_PERSON_MAX, IssuedRefresh, RefreshSettings, RefreshToken, TokenFamily,
    family_list, family_revoke, token_refresh,
};
pub use second_factor::{
    FactorReset, FactorState, factor_begin, factor_confirm, factor_get, factor_remove, factor_show,
    recovery_codes_renew, user_reset_factor,
};
pub use sessions::{
    CookieValue, SessionSettings, Touched, authenticate_cookie, logout, session_touch,
};
pub use signed_in::{
    Ended, Ending, Session, SignedInPlaces, session_end, session_list, user_sign_out,
    user_signed_in,
};
pub use tokens::{
    ApiToken, IssuedToken, TOKEN_LIFETIME_MAX_S, TOKEN_LIFETIME_MIN_S, TOKENS_PER_PERSON_MAX,
    TokenInput, authenticate_bearer, token_issue, token_list, token_revoke,
};
pub use users::{
    CreatedUser, NewUser, USERS_PER_TENANT_MAX, UserChange, UserPage, UserQuery, user_change,
    user_create, user_get, user_list, user_reset_password,
};
