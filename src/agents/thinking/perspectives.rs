//! The sides from which red teams attack and the roles of councils, from `assets/agents/perspectives.toml`.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{COUNCIL_MEMBERS, RED_TEAM_ATTACKERS_MAX};

/// The file that comes with the house.
const BUILTIN: &str = include_str!("../../../assets/agents/perspectives.toml");

/// Longest name of a perspective or role, and longest description, in characters.
const NAME_MAX_CHARS: usize = 60;
/// See [`NAME_MAX_CHARS`].
const TEXT_MAX_CHARS: usize = 600;

/// A side from which a text is attacked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Perspective {
    /// Letters, digits and `_`.
    pub name: String,
    /// Whom it speaks for, and what it looks for.
    pub looks_for: String,
}

/// A role in a council.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Letters, digits and `_`.
    pub name: String,
    /// What it stands for, and how it judges.
    pub stands_for: String,
}

/// All perspectives and roles, in the order in which they are taken.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Perspectives {
    /// For red teams.
    #[serde(rename = "perspective")]
    pub perspectives: Vec<Perspective>,
    /// For councils.
    #[serde(rename = "role")]
    pub roles: Vec<Role>,
}

/// Why the file can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PerspectiveError {
    /// It is not what it should be; with line and column.
    #[error("perspectives can't be read: {0}")]
    Syntax(String),
    /// An entry is wrong.
    #[error("{field} of {name:?}: {reason}")]
    Entry {
        /// Which entry.
        name: String,
        /// Which field of it.
        field: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// There are too few or too many of a kind.
    #[error("{0}")]
    Count(String),
}

impl Perspectives {
    /// Those that come with the house.
    ///
    /// # Errors
    /// [`PerspectiveError`]; a test sees to it that there is none.
    pub fn builtin() -> Result<Self, PerspectiveError> {
        Self::parse(BUILTIN)
    }

    /// Reads perspectives and roles.
    ///
    /// # Errors
    /// [`PerspectiveError`].
    pub fn parse(text: &str) -> Result<Self, PerspectiveError> {
        let read: Self =
            toml::from_str(text).map_err(|error| PerspectiveError::Syntax(error.to_string()))?;
        let mut names = BTreeSet::new();
        let perspectives = read.perspectives.iter().map(|p| (&p.name, "looks_for", &p.looks_for));
        let roles = read.roles.iter().map(|r| (&r.name, "stands_for", &r.stands_for));
        for (name, field, text) in perspectives.chain(roles) {
            check(name, field, text)?;
            if !names.insert(name.as_str()) {
                return Err(wrong(name, "name", "is there twice"));
            }
        }
        let count = read.perspectives.len();
        if !(1..=RED_TEAM_ATTACKERS_MAX).contains(&count) {
            let reason = format!("1 to {RED_TEAM_ATTACKERS_MAX} perspectives, not {count}");
            return Err(PerspectiveError::Count(reason));
        }
        if read.roles.len() < *COUNCIL_MEMBERS.end() {
            let reason = format!("at least {} roles", COUNCIL_MEMBERS.end());
            return Err(PerspectiveError::Count(reason));
        }
        Ok(read)
    }
}

fn check(name: &str, field: &'static str, text: &str) -> Result<(), PerspectiveError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > NAME_MAX_CHARS || !name.chars().all(allowed) {
        let reason = format!("1 to {NAME_MAX_CHARS} of a-z, 0-9 and _");
        return Err(wrong(name, "name", reason));
    }
    if text.trim().is_empty() || text.chars().count() > TEXT_MAX_CHARS {
        return Err(wrong(name, field, format!("must have 1 to {TEXT_MAX_CHARS} characters")));
    }
    Ok(())
}

fn wrong(name: &str, field: &'static str, reason: impl Into<String>) -> PerspectiveError {
    PerspectiveError::Entry { name: name.to_owned(), field, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn the_file_of_the_house_is_whole() {
        let read = Perspectives::builtin().unwrap();
        assert_eq!(read.perspectives.len(), RED_TEAM_ATTACKERS_MAX);
        let texts: BTreeSet<&str> =
            read.perspectives.iter().map(|p| p.looks_for.as_str()).collect();
        assert_eq!(texts.len(), RED_TEAM_ATTACKERS_MAX, "each has something else to look for");
    }

    #[test]
    fn a_bad_file_is_told_by_place() {
        let syntax = Perspectives::parse("[[perspective]]\nname = \n").unwrap_err();
        assert!(syntax.to_string().contains("line 2"), "{syntax}");
        let unknown = Perspectives::parse("[[perspective]]\nname = \"a\"\nlooks = \"b\"\n");
        assert!(unknown.unwrap_err().to_string().contains("looks"));
        let twice = BUILTIN.replace("name = \"operator\"", "name = \"maintainer\"");
        assert!(Perspectives::parse(&twice).unwrap_err().to_string().contains("twice"));
    }
}
