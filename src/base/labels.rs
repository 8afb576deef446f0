//! The label that every text carries on its way to a reader or a model.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How secret a text is. Ordered: the later, the more secret.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum Classification {
    /// May leave the company.
    Public,
    /// For everybody in the company.
    #[default]
    Internal,
    /// For those who need it for their work.
    Confidential,
    /// For named people.
    Restricted,
}

/// A word that is not one of a label's values.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not one of {1}")]
pub struct LabelError(String, &'static str);

impl Classification {
    /// All values, least secret first.
    pub const ALL: [Self; 4] = [Self::Public, Self::Internal, Self::Confidential, Self::Restricted];

    /// The word used in API, SQL and UI.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Internal => "INTERNAL",
            Self::Confidential => "CONFIDENTIAL",
            Self::Restricted => "RESTRICTED",
        }
    }
}

impl fmt::Display for Classification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Classification {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        Self::ALL
            .into_iter()
            .find(|c| c.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| LabelError(text.into(), "PUBLIC, INTERNAL, CONFIDENTIAL, RESTRICTED"))
    }
}

/// Whether a text falls under export control and may be shown to eligible people only.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ExportControl {
    /// Not under export control.
    #[default]
    None,
    /// Under export control.
    Controlled,
}

impl ExportControl {
    /// Whether the text is under export control.
    #[must_use]
    pub const fn is_controlled(self) -> bool {
        matches!(self, Self::Controlled)
    }

    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Controlled => "controlled",
        }
    }
}

impl fmt::Display for ExportControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ExportControl {
    type Err = LabelError;

    fn from_str(text: &str) -> Result<Self, LabelError> {
        match text.to_ascii_lowercase().as_str() {
            "none" | "false" => Ok(Self::None),
            "controlled" | "true" => Ok(Self::Controlled),
            _ => Err(LabelError(text.into(), "none, controlled")),
        }
    }
}

/// Where a text came from. Ordered by how far it may be trusted: the later, the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Typed by the person who asks.
    User,
    /// Taken from an ingested document.
    Document,
    /// Delivered by a connector.
    Connector,
    /// Written by a model.
    Model,
}

/// The label of a text. Labels join upward: what is made of two texts is as secret as the more
/// secret one and as untrusted as the less trusted one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Label {
    /// How secret the text is.
    pub classification: Classification,
    /// Whether it falls under export control.
    pub export_control: ExportControl,
    /// Where it came from.
    pub origin: Origin,
}

impl Label {
    /// The label of words that a person typed: public until joined with something else.
    pub const TYPED: Self = Self {
        classification: Classification::Public,
        export_control: ExportControl::None,
        origin: Origin::User,
    };

    /// The least label that is at least as strict as both.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            classification: self.classification.max(other.classification),
            export_control: self.export_control.max(other.export_control),
            origin: self.origin.max(other.origin),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use proptest::prelude::*;

    use super::*;

    fn label() -> impl Strategy<Value = Label> {
        (
            proptest::sample::select(&Classification::ALL[..]),
            proptest::sample::select(&[ExportControl::None, ExportControl::Controlled][..]),
            proptest::sample::select(
                &[Origin::User, Origin::Document, Origin::Connector, Origin::Model][..],
            ),
        )
            .prop_map(|(classification, export_control, origin)| Label {
                classification,
                export_control,
                origin,
            })
    }

    proptest! {
        #[test]
        fn join_is_a_least_upper_bound(a in label(), b in label(), c in label()) {
            prop_assert_eq!(a.join(b), b.join(a));
            prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
            prop_assert_eq!(a.join(a), a);
            prop_assert!(a.join(b).classification >= a.classification);
            prop_assert!(a.join(b).export_control >= a.export_control);
            prop_assert!(a.join(b).origin >= a.origin);
        }
    }

    #[test]
    fn words_round_trip() {
        for c in Classification::ALL {
            assert_eq!(c.as_str().parse::<Classification>().unwrap(), c);
        }
        assert!("SECRET".parse::<Classification>().is_err());
    }
}
