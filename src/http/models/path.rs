//! What paths name: a model, what it can be assigned to.

use ::models::ModelRole;

use crate::input::PathId;
use crate::route::{IdKind, IdParameter};

/// Longest name or hash in a path, in characters.
const MODEL_MAX_CHARS: usize = 80;

/// A model by name, by hash, or by the hash's first eight digits or more.
pub(super) struct ModelPath(pub(super) String);

impl PathId for ModelPath {
    const PARAMETER: IdParameter = IdParameter { name: "model", kind: IdKind::Model };
    const NOT_FOUND: &'static str = "model_not_found";

    fn parse(text: &str) -> Option<Self> {
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':');
        let fits = (1..=MODEL_MAX_CHARS).contains(&text.len()) && text.chars().all(letters);
        fits.then(|| Self(text.to_owned()))
    }
}

/// A tier, `embed` or `rerank`.
pub(super) struct RolePath(pub(super) ModelRole);

impl PathId for RolePath {
    const PARAMETER: IdParameter = IdParameter { name: "tier", kind: IdKind::Tier };
    const NOT_FOUND: &'static str = "tier_not_found";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}
