//! What can go wrong with people and credentials.

use base::{Code, Coded, EntropyError, Violation};
use policy::Denied;
use store::StoreError;

use crate::TokenFault;

/// Why something about a person or a credential could not be done.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The sign-in failed. On purpose one answer for an unknown tenant, an unknown person, a wrong
    /// password and a disabled account.
    #[error("tenant, e-mail or password is wrong")]
    InvalidCredentials,
    /// The password was guessed at too often: the next guess must wait. Known and unknown people get
    /// the same answer.
    #[error("this password was wrong too often: wait {} s", .wait_ms.div_ceil(1000))]
    GuessDelayed {
        /// How long, in milliseconds.
        wait_ms: u64,
    },
    /// No live session stands behind the cookie.
    #[error("not signed in")]
    Unauthenticated,
    /// The bearer token does not count. The fault is for the log, not for the caller.
    #[error("the token does not count")]
    TokenRefused(#[source] TokenFault),
    /// The person still has a one-time password and must choose their own first.
    #[error("choose a password of your own first")]
    PasswordChangeRequired,
    /// An input field is wrong.
    #[error("{}: {}", .0.field, .0.reason)]
    Invalid(Violation),
    /// Somebody has this e-mail address already.
    #[error("somebody has this e-mail address already")]
    EmailTaken,
    /// The tenant has as many people as it may have.
    #[error("the tenant has as many people as it may have ({limit})")]
    TooManyUsers {
        /// How many those are.
        limit: u32,
    },
    /// There is no such person in this tenant.
    #[error("there is no such person")]
    UserNotFound,
    /// The last active administrator can't be demoted or disabled.
    #[error("this is the last active administrator")]
    LastAdmin,
    /// Nobody changes this about themselves.
    #[error("nobody changes their own {field}: ask another administrator")]
    OwnAccount {
        /// What was to be changed.
        field: &'static str,
    },
    /// Nobody grants more than they have.
    #[error("nobody grants a {field} above their own")]
    AboveOwn {
        /// What was to be granted.
        field: &'static str,
    },
    /// The person may see more than the caller, who could sign in in their place afterwards.
    #[error("this person may see more than you: their password is reset at the console")]
    OutOfReach,
    /// The person has as many live tokens as they may have.
    #[error("there are as many live tokens as there may be ({limit}): revoke one first")]
    TooManyTokens {
        /// How many those are.
        limit: u32,
    },
    /// There is a second factor already.
    #[error("a second factor is enrolled already")]
    FactorEnrolled,
    /// There is no second factor.
    #[error("no second factor is enrolled")]
    FactorNotEnrolled,
    /// The enrolment of a second factor was not begun.
    #[error("the enrolment of a second factor was not begun")]
    FactorNotBegun,
    /// The code is not one that counts now.
    #[error("the code of the second factor is wrong")]
    FactorRefused,
    /// Too many codes were tried within the present step.
    #[error("too many codes were tried; the next may come in {wait_ms} ms")]
    FactorDelayed {
        /// How long to wait, in milliseconds.
        wait_ms: u64,
    },
    /// The person has no such live session.
    #[error("there is no such session")]
    SessionNotFound,
    /// The person has no such live token.
    #[error("there is no such token")]
    TokenNotFound,
    /// The refresh token does not count. On purpose one answer for an unknown, a spent and an ended one.
    #[error("the refresh token does not count")]
    RefreshRefused,
    /// The person has no such live family of tokens.
    #[error("there is no such family of tokens")]
    FamilyNotFound,
    /// A token of another issuer does not give birth to tokens of ours, which live longer.
    #[error("a token of another issuer can't be traded for one of the appliance's own")]
    ForeignToken,
    /// The person has as many live API keys as they may have.
    #[error("there are as many live API keys as there may be ({limit}): revoke one first")]
    TooManyKeys {
        /// How many those are.
        limit: u32,
    },
    /// The person has no such live API key.
    #[error("there is no such API key")]
    KeyNotFound,
    /// What was shown begins like an API key and is none, or not a whole one.
    #[error("this is not a whole API key: its checksum does not fit")]
    KeyMistyped,
    /// The API key does not count.
    #[error("the API key does not count")]
    KeyRefused,
    /// There is no such group.
    #[error("there is no such group")]
    GroupNotFound,
    /// Another group has this name already.
    #[error("another group has this name already")]
    GroupNameTaken,
    /// The tenant has as many groups as it may have.
    #[error("there are as many groups as there may be ({limit})")]
    TooManyGroups {
        /// How many those are.
        limit: u32,
    },
    /// The call acts for a person, and none stands behind the context.
    #[error("this needs a person to act for")]
    PersonRequired,
    /// Too many passwords are being checked.
    #[error("too many people are signing in at this moment")]
    Busy,
    /// A password could not be hashed, or a kept hash not be read.
    #[error("the password could not be hashed or checked")]
    Hashing,
    /// A token could not be signed.
    #[error("the token could not be signed")]
    Signing,
    /// The caller lacks a permission.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No random bytes could be had.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store failed or refused.
    #[error("people can't be read or changed now")]
    Store(#[from] StoreError),
}

impl IdentityError {
    pub(crate) fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid(Violation::new(field, reason))
    }

    /// Whether a rule about people refused the change, which the audit log keeps.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::LastAdmin | Self::OwnAccount { .. } | Self::AboveOwn { .. } | Self::OutOfReach
        )
    }
}

impl Coded for IdentityError {
    fn code(&self) -> Code {
        match self {
            Self::InvalidCredentials => "invalid_credentials",
            Self::GuessDelayed { .. } => "login_delayed",
            Self::Unauthenticated => "unauthenticated",
            Self::TokenRefused(_) => "token_refused",
            Self::PasswordChangeRequired => "password_change_required",
            Self::Invalid(_) => "invalid_input",
            Self::EmailTaken => "email_taken",
            Self::TooManyUsers { .. } => "user_limit_reached",
            Self::UserNotFound => "user_not_found",
            Self::LastAdmin => "last_admin",
            Self::OwnAccount { .. } => "own_account",
            Self::AboveOwn { .. } => "above_own_rights",
            Self::OutOfReach => "out_of_reach",
            Self::TooManyTokens { .. } => "token_limit_reached",
            Self::FactorEnrolled => "second_factor_enrolled",
            Self::FactorNotEnrolled => "second_factor_not_enrolled",
            Self::FactorNotBegun => "second_factor_not_begun",
            Self::FactorRefused => "second_factor_refused",
            Self::FactorDelayed { .. } => "second_factor_delayed",
            Self::SessionNotFound => "session_not_found",
            Self::TokenNotFound => "token_not_found",
            Self::RefreshRefused => "refresh_refused",
            Self::FamilyNotFound => "token_family_not_found",
            Self::ForeignToken => "own_sign_in_required",
            Self::TooManyKeys { .. } => "key_limit_reached",
            Self::KeyNotFound => "key_not_found",
            Self::KeyMistyped | Self::KeyRefused => "key_refused",
            Self::GroupNotFound => "group_not_found",
            Self::GroupNameTaken => "group_name_taken",
            Self::TooManyGroups { .. } => "group_limit_reached",
            Self::PersonRequired => "person_required",
            Self::Busy => "sign_in_busy",
            Self::Hashing | Self::Signing => "credential_unusable",
            Self::Denied(denied) => denied.code(),
            Self::Entropy(_) => "store_unavailable",
            Self::Store(error) => error.code(),
        }
    }

    fn violation(&self) -> Option<Violation> {
        match self {
            Self::Invalid(violation) => Some(violation.clone()),
            Self::EmailTaken => Some(Violation::new("email", "somebody has this address already")),
            Self::GroupNameTaken => Some(Violation::new("name", "another group has it already")),
            Self::OwnAccount { field } => {
                Some(Violation::new(*field, "can't be changed for one's own account"))
            }
            Self::AboveOwn { field } => {
                Some(Violation::new(*field, "can't be granted above one's own"))
            }
            Self::Store(error) => error.violation(),
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Busy => Some(1),
            Self::GuessDelayed { wait_ms } | Self::FactorDelayed { wait_ms } => {
                u32::try_from(wait_ms.div_ceil(1000)).ok()
            }
            Self::Store(error) => error.retry_after_s(),
            _ => None,
        }
    }
}
