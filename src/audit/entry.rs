//! One line of the log, and the bytes that are hashed.

use base::{Classification, ExportControl, Label, Origin, RequestId, TenantId, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::canonical::{SAFE_INTEGER_MAX, Scanner, write_bounded_value, write_string};
use crate::event::is_action;
use crate::{EntryError, Outcome};

/// Most bytes of an entry: three values of the largest size, and the rest.
pub const ENTRY_MAX_BYTES: usize = 256 * 1024;

/// Version of the encoding.
const VERSION: u64 = 1;

/// Something that happened, as the log keeps it.
///
/// # Encoding, version 1
///
/// One JSON object in canonical form (RFC 8785 with numbers restricted to integers: no white
/// space, members sorted by name in UTF-16 code units, strings escaped as little as JSON allows,
/// integers of at most 2⁵³−1 in size, any other number written as a string). A member that has
/// nothing to say is absent, never `null`. In the order in which they stand:
///
/// | member | value | absent when |
/// |---|---|---|
/// | `action` | string: lower-case words joined by dots | |
/// | `actor` | string: `user:<id>`, `job:<id>`, `console`, `appliance`, `anonymous` | |
/// | `after` | any JSON value | nothing was changed |
/// | `before` | any JSON value | nothing was changed |
/// | `detail` | any JSON value | there is none |
/// | `index` | integer: place in the log, from 0 | |
/// | `label` | object of `classification`, `export_control`, `origin`, strings | nothing was read |
/// | `object` | object of `id` and `kind`, strings | there is none |
/// | `outcome` | string: `success`, `denied`, `failed` | |
/// | `request_id` | string: UUID | no request caused it |
/// | `tenant` | string: UUID | no tenant is concerned |
/// | `time` | string: RFC 3339 in UTC with milliseconds | |
/// | `v` | integer: 1 | |
///
/// A value in `after`, `before` or `detail` whose own encoding is longer than
/// [`VALUE_MAX_BYTES`](crate::VALUE_MAX_BYTES) is replaced by
/// `{"omitted":{"reason":"too_large","sha256":"…","size_bytes":n}}`, one nested deeper than
/// [`VALUE_DEPTH_MAX`](crate::VALUE_DEPTH_MAX) by `{"omitted":{"reason":"too_deep"}}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Place in the log, counted from 0; at most [`SAFE_INTEGER_MAX`].
    pub index: u64,
    /// When it was committed.
    pub time: Timestamp,
    /// Who did it, as [`base::Actor`] is written.
    pub actor: String,
    /// In whose data.
    pub tenant: Option<TenantId>,
    /// In which request.
    pub request_id: Option<RequestId>,
    /// What was done, as [`Action`](crate::Action) is written.
    pub action: String,
    /// To what.
    pub object: Option<Object>,
    /// How it ended.
    pub outcome: Outcome,
    /// How the changed thing was.
    pub before: Option<Value>,
    /// How the changed thing is.
    pub after: Option<Value>,
    /// What else belongs to the record.
    pub detail: Option<Value>,
    /// The label of what was read or changed.
    pub label: Option<Label>,
}

/// What something was done to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// A kind of thing: `document`, `user`, `tenant`.
    pub kind: String,
    /// Which one.
    pub id: String,
}

impl Entry {
    /// The bytes that are stored and hashed.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        let mut members = Members::new();
        members.text("action", &self.action);
        members.text("actor", &self.actor);
        members.value("after", self.after.as_ref());
        members.value("before", self.before.as_ref());
        members.value("detail", self.detail.as_ref());
        members.integer("index", self.index);
        if let Some(label) = &self.label {
            members.begin("label");
            members.nested(&[
                ("classification", label.classification.as_str()),
                ("export_control", label.export_control.as_str()),
                ("origin", origin_str(label.origin)),
            ]);
        }
        if let Some(object) = &self.object {
            members.begin("object");
            members.nested(&[("id", &object.id), ("kind", &object.kind)]);
        }
        members.text("outcome", self.outcome.as_str());
        if let Some(request_id) = &self.request_id {
            members.text("request_id", &request_id.to_string());
        }
        if let Some(tenant) = &self.tenant {
            members.text("tenant", &tenant.to_string());
        }
        members.text("time", &self.time.to_string());
        members.integer("v", VERSION);
        members.end()
    }

    /// Reads canonical bytes; any other spelling of the same entry is refused, so that an entry
    /// has one hash.
    ///
    /// # Errors
    /// [`EntryError`] says what is wrong, without contents.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > ENTRY_MAX_BYTES {
            return Err(EntryError::TooLarge { size_bytes: bytes.len() });
        }
        let wire: Wire = serde_json::from_slice(bytes).map_err(EntryError::Shape)?;
        let entry = wire.into_entry()?;
        if entry.canonical() == bytes { Ok(entry) } else { Err(EntryError::NotCanonical) }
    }
}

/// The members as JSON has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    action: String,
    actor: String,
    after: Option<Value>,
    before: Option<Value>,
    detail: Option<Value>,
    index: u64,
    label: Option<Label>,
    object: Option<Object>,
    outcome: String,
    request_id: Option<RequestId>,
    tenant: Option<TenantId>,
    time: Timestamp,
    v: u64,
}

impl Wire {
    fn into_entry(self) -> Result<Entry, EntryError> {
        if self.v != VERSION {
            return Err(EntryError::Version { version: self.v });
        }
        if self.index > SAFE_INTEGER_MAX {
            return Err(EntryError::Member { member: "index" });
        }
        if !is_action(&self.action) {
            return Err(EntryError::Member { member: "action" });
        }
        let outcome = Outcome::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == self.outcome)
            .ok_or(EntryError::Member { member: "outcome" })?;
        Ok(Entry {
            index: self.index,
            time: self.time,
            actor: self.actor,
            tenant: self.tenant,
            request_id: self.request_id,
            action: self.action,
            object: self.object,
            outcome,
            before: self.before,
            after: self.after,
            detail: self.detail,
            label: self.label,
        })
    }
}

/// The index that `bytes` name, when [`Entry::parse`] would accept them. Builds nothing, for logs
/// of millions.
pub(crate) fn canonical_index(bytes: &[u8]) -> Option<u64> {
    if bytes.len() > ENTRY_MAX_BYTES {
        return None;
    }
    let mut scanner = Scanner::new(std::str::from_utf8(bytes).ok()?);
    scanner.expect(r#"{"action":"#)?;
    is_action(scanner.string()?).then_some(())?;
    scanner.expect(r#","actor":"#)?;
    scanner.string()?;
    for member in [r#","after":"#, r#","before":"#, r#","detail":"#] {
        if scanner.skip(member) {
            (!scanner.skip("null")).then_some(())?;
            scanner.bounded_value()?;
        }
    }
    scanner.expect(r#","index":"#)?;
    let index = u64::try_from(scanner.integer()?).ok()?;
    if scanner.skip(r#","label":{"classification":"#) {
        one_of(&mut scanner, Classification::ALL.map(Classification::as_str))?;
        scanner.expect(r#","export_control":"#)?;
        let marks = [ExportControl::None, ExportControl::Controlled];
        one_of(&mut scanner, marks.map(ExportControl::as_str))?;
        scanner.expect(r#","origin":"#)?;
        one_of(&mut scanner, ORIGINS.map(origin_str))?;
        scanner.expect("}")?;
    }
    if scanner.skip(r#","object":{"id":"#) {
        scanner.string()?;
        scanner.expect(r#","kind":"#)?;
        scanner.string()?;
        scanner.expect("}")?;
    }
    scanner.expect(r#","outcome":"#)?;
    one_of(&mut scanner, Outcome::ALL.map(Outcome::as_str))?;
    for member in [r#","request_id":"#, r#","tenant":"#] {
        if scanner.skip(member) {
            is_uuid(scanner.string()?).then_some(())?;
        }
    }
    scanner.expect(r#","time":"#)?;
    is_time(scanner.string()?).then_some(())?;
    scanner.expect(r#","v":1}"#)?;
    scanner.is_at_end().then_some(index)
}

fn one_of<const N: usize>(scanner: &mut Scanner<'_>, words: [&str; N]) -> Option<()> {
    words.contains(&scanner.string()?).then_some(())
}

/// Any UUID in the one spelling that ids are written in.
fn is_uuid(text: &str) -> bool {
    text.parse::<TenantId>().is_ok() && !text.bytes().any(|b| b.is_ascii_uppercase())
}

/// A moment in the one spelling that moments are written in: `2026-11-18T11:06:40.123Z`, of the years
/// that a [`Timestamp`] has. Reads the digits alone, since calendars are slow.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let number = |from: usize, until: usize| {
        let digits = bytes.get(from..until)?;
        let value = |sum: u32, digit: &u8| {
            digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
        };
        digits.iter().try_fold(0, value)
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':'), (19, b'.'), (23, b'Z')];
    if bytes.len() != 24 || !marks.iter().all(|(at, mark)| bytes[*at] == *mark) {
        return false;
    }
    let (Some(year), Some(month), Some(day)) = (number(0, 4), number(5, 7), number(8, 10)) else {
        return false;
    };
    let is_below = |from, limit| number(from, from + 2).is_some_and(|value| value < limit);
    year >= 1970
        && (1..=days_of_month(year, month)).contains(&day)
        && is_below(11, 24)
        && is_below(14, 60)
        && is_below(17, 60)
        && number(20, 23).is_some()
}

/// Days of a month of the Gregorian calendar; none of one that does not exist.
const fn days_of_month(year: u32, month: u32) -> u32 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + is_leap as u32,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

const ORIGINS: [Origin; 4] = [Origin::User, Origin::Document, Origin::Connector, Origin::Model];

/// The word that serde reads for an origin.
const fn origin_str(origin: Origin) -> &'static str {
    match origin {
        Origin::User => "user",
        Origin::Document => "document",
        Origin::Connector => "connector",
        Origin::Model => "model",
    }
}

/// Writes the members of an object in the order in which it is told them, which must be theirs.
struct Members {
    out: Vec<u8>,
}

impl Members {
    fn new() -> Self {
        Self { out: Vec::with_capacity(512) }
    }

    fn begin(&mut self, name: &'static str) {
        self.out.push(if self.out.is_empty() { b'{' } else { b',' });
        write_string(&mut self.out, name);
        self.out.push(b':');
    }

    fn text(&mut self, name: &'static str, value: &str) {
        self.begin(name);
        write_string(&mut self.out, value);
    }

    fn integer(&mut self, name: &'static str, value: u64) {
        self.begin(name);
        self.out.extend_from_slice(value.to_string().as_bytes());
    }

    fn value(&mut self, name: &'static str, value: Option<&Value>) {
        if let Some(value) = value.filter(|value| !value.is_null()) {
            self.begin(name);
            write_bounded_value(&mut self.out, value);
        }
    }

    fn nested(&mut self, members: &[(&'static str, &str)]) {
        let mut inner = Self::new();
        members.iter().for_each(|(name, value)| inner.text(name, value));
        self.out.extend_from_slice(&inner.end());
    }

    fn end(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

#[cfg(test)]
mod tests;
