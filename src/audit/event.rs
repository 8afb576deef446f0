//! What a room says happened, before the store adds who, when and where in the log.

use std::fmt;

use base::{Actor, Label, RequestId, TenantId, Timestamp};
use serde_json::{Map, Value};

use crate::{Entry, Object};

/// Longest object id in an entry, in characters; what is longer is cut and ends in `…`.
pub const OBJECT_ID_MAX_CHARS: usize = 256;

/// Longest action, in bytes.
const ACTION_MAX_BYTES: usize = 64;

/// What was done, as `noun.verb`: lower-case words of letters, digits and underscores, joined by
/// dots (`document.upload`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Action(&'static str);

impl Action {
    /// The action with this name. Meant for constants, where a wrong name does not compile:
    ///
    /// ```
    /// const UPLOAD: audit::Action = audit::Action::new("document.upload");
    /// assert_eq!(UPLOAD.as_str(), "document.upload");
    /// ```
    ///
    /// ```compile_fail
    /// const UPLOAD: audit::Action = audit::Action::new("Document Upload");
    /// ```
    ///
    /// # Panics
    /// When the name is not built that way; in a constant that is a compile error.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        assert!(is_action(name), "an action is lower-case words joined by dots: document.upload");
        Self(name)
    }

    /// The name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// Whether `name` is two or more words of `a-z`, `0-9`, `_`, each beginning with a letter.
pub(crate) const fn is_action(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.len() > ACTION_MAX_BYTES {
        return false;
    }
    let (mut at, mut dots, mut at_word_start) = (0, 0, true);
    while at < bytes.len() {
        match bytes[at] {
            b'a'..=b'z' => at_word_start = false,
            b'0'..=b'9' | b'_' if !at_word_start => {}
            b'.' if !at_word_start => {
                dots += 1;
                at_word_start = true;
            }
            _ => return false,
        }
        at += 1;
    }
    dots > 0 && !at_word_start
}

/// How it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done.
    #[default]
    Success,
    /// It was not allowed.
    Denied,
    /// It was allowed and did not succeed.
    Failed,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 3] = [Self::Success, Self::Denied, Self::Failed];

    /// The word used in entries, API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that happened, as the room that did it tells it.
///
/// Values must carry no content and no personal data beyond ids: the log is kept for years and
/// cannot be changed. How values are encoded, and what becomes of large ones, stands at [`Entry`].
#[derive(Clone, Debug)]
#[must_use = "an event that is not committed is not recorded"]
pub struct Event {
    action: Action,
    object: Option<Object>,
    outcome: Outcome,
    before: Option<Value>,
    after: Option<Value>,
    detail: Option<Value>,
    label: Option<Label>,
}

impl Event {
    /// A success of `action`, with nothing else known yet.
    pub const fn new(action: Action) -> Self {
        Self {
            action,
            object: None,
            outcome: Outcome::Success,
            before: None,
            after: None,
            detail: None,
            label: None,
        }
    }

    /// What it was done to: a kind of thing (`document`) and which one.
    pub fn object(mut self, kind: &'static str, id: impl fmt::Display) -> Self {
        self.object = Some(Object { kind: kind.to_owned(), id: bounded(id.to_string()) });
        self
    }

    /// How the changed thing was before. `null` says nothing and is left out.
    pub fn before(mut self, value: Value) -> Self {
        self.before = present(value);
        self
    }

    /// How the changed thing is now. `null` says nothing and is left out.
    pub fn after(mut self, value: Value) -> Self {
        self.after = present(value);
        self
    }

    /// What else belongs to the record: counts, ids of chunks shown, a reason code. `null` says
    /// nothing and is left out.
    pub fn detail(mut self, value: Value) -> Self {
        self.detail = present(value);
        self
    }

    /// Adds one member to the detail; a detail that is no object becomes the member `value`.
    pub fn detail_also(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let mut members = match self.detail.take() {
            Some(Value::Object(members)) => members,
            Some(other) => Map::from_iter([("value".to_owned(), other)]),
            None => Map::new(),
        };
        members.insert(name.to_owned(), value.into());
        self.detail = Some(Value::Object(members));
        self
    }

    /// The label of what was read or changed.
    pub const fn label(mut self, label: Label) -> Self {
        self.label = Some(label);
        self
    }

    /// How it ended, when not in success.
    pub const fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }

    /// What was done.
    #[must_use]
    pub const fn action(&self) -> Action {
        self.action
    }

    /// The entry that this event becomes.
    #[must_use]
    pub fn into_entry(self, stamp: Stamp) -> Entry {
        Entry {
            index: stamp.index,
            time: stamp.time,
            actor: stamp.actor.to_string(),
            tenant: stamp.tenant,
            request_id: stamp.request_id,
            action: self.action.as_str().to_owned(),
            object: self.object,
            outcome: self.outcome,
            before: self.before,
            after: self.after,
            detail: self.detail,
            label: self.label,
        }
    }
}

/// What the store adds to an event.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// Place in the log, counted from 0.
    pub index: u64,
    /// When it was committed.
    pub time: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// In whose data; none in the appliance's own log when no tenant is concerned.
    pub tenant: Option<TenantId>,
    /// In which request; none for what the appliance does by itself.
    pub request_id: Option<RequestId>,
}

fn present(value: Value) -> Option<Value> {
    if value.is_null() { None } else { Some(value) }
}

/// Cuts an id that is longer than [`OBJECT_ID_MAX_CHARS`].
fn bounded(id: String) -> String {
    match id.char_indices().nth(OBJECT_ID_MAX_CHARS) {
        None => id,
        Some(_) => id.chars().take(OBJECT_ID_MAX_CHARS - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn actions_are_words_joined_by_dots() {
        for name in ["document.upload", "user.reset_password", "a.b2.c", "audit.verify"] {
            assert!(is_action(name), "{name}");
        }
        let long = format!("a.{}", "b".repeat(ACTION_MAX_BYTES));
        for name in [
            "",
            "document",
            ".upload",
            "document.",
            "document..upload",
            "Document.upload",
            "document upload",
            "document.2nd",
            "document._x",
            "dokument.löschen",
            &long,
        ] {
            assert!(!is_action(name), "{name}");
        }
    }

    #[test]
    fn a_member_is_added_to_whatever_detail_there_is() {
        const DONE: Action = Action::new("test.done");
        let detail = |event: Event| event.detail_also("issuer", "sso").detail;
        for (before, after) in [
            (Value::Null, json!({ "issuer": "sso" })),
            (json!({ "count": 1 }), json!({ "count": 1, "issuer": "sso" })),
            (json!(["a"]), json!({ "value": ["a"], "issuer": "sso" })),
        ] {
            assert_eq!(detail(Event::new(DONE).detail(before)), Some(after));
        }
    }

    #[test]
    fn long_ids_are_cut_and_say_so() {
        assert_eq!(bounded("ä".repeat(OBJECT_ID_MAX_CHARS)), "ä".repeat(OBJECT_ID_MAX_CHARS));
        let cut = bounded("ä".repeat(OBJECT_ID_MAX_CHARS + 1));
        assert_eq!(cut.chars().count(), OBJECT_ID_MAX_CHARS);
        assert!(cut.ends_with("ä…"));
    }
}
