//! Who may see which text, and who may give which label.
//!
//! Clearance and export control are two separate gates and both must open: a person with the
//! highest clearance who is not eligible sees no export-controlled text, and an eligible person
//! sees none above their clearance (mandatory access control after Bell and LaPadula, simple
//! security property, with export control as a compartment). The origin of a text plays no part.

use base::{Classification, Code, Coded, ExportControl, Label, Rights, Violation};

/// Whether a text may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visibility {
    /// It may be shown.
    Visible,
    /// It must not be shown, and its existence must not be told.
    Hidden,
}

impl Visibility {
    /// Whether the text may be shown.
    #[must_use]
    pub const fn is_visible(self) -> bool {
        matches!(self, Self::Visible)
    }
}

/// Whether somebody with `rights` may see a text with `label`.
#[must_use]
pub fn may_see(rights: &Rights, label: &Label) -> Visibility {
    if ClearanceFilter::of(rights).admits(label.classification, label.export_control) {
        Visibility::Visible
    } else {
        Visibility::Hidden
    }
}

/// What somebody may see, as the predicate that retrieval puts in front of its scoring and SQL puts
/// into its `WHERE`. Equal rights give equal filters, so a filter can be the key of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClearanceFilter {
    clearance: Classification,
    export_eligible: bool,
}

impl ClearanceFilter {
    /// The filter of somebody with `rights`.
    #[must_use]
    pub const fn of(rights: &Rights) -> Self {
        Self { clearance: rights.clearance, export_eligible: rights.export_eligible }
    }

    /// Whether a text with this classification and export-control mark passes.
    #[must_use]
    pub fn admits(&self, classification: Classification, export_control: ExportControl) -> bool {
        classification <= self.clearance
            && (self.export_eligible || !export_control.is_controlled())
    }

    /// The classifications that pass, least secret first.
    pub fn classifications(&self) -> impl Iterator<Item = Classification> + use<> {
        let clearance = self.clearance;
        Classification::ALL.into_iter().filter(move |c| *c <= clearance)
    }

    /// The export-control marks that pass.
    #[must_use]
    pub const fn export_controls(&self) -> &'static [ExportControl] {
        if self.export_eligible {
            &[ExportControl::None, ExportControl::Controlled]
        } else {
            &[ExportControl::None]
        }
    }
}

/// A label that the person may not give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LabelRefused {
    /// The classification is above the person's clearance.
    #[error("the classification {asked} is above your clearance {clearance}")]
    AboveClearance {
        /// What was to be given.
        asked: Classification,
        /// What the person may see at most.
        clearance: Classification,
    },
    /// The person is not eligible for export-controlled text.
    #[error("only people eligible for export-controlled text may mark a text as such")]
    NotEligible,
}

impl Coded for LabelRefused {
    fn code(&self) -> Code {
        "label_not_allowed"
    }

    fn violation(&self) -> Option<Violation> {
        Some(match self {
            Self::AboveClearance { clearance, .. } => Violation::new(
                "classification",
                format!("must be at most {clearance}, your clearance"),
            ),
            Self::NotEligible => Violation::new(
                "export_control",
                "must be none: you are not eligible for export-controlled text",
            ),
        })
    }
}

/// Whether somebody with `rights` may give a text this label: they may give what they could see
/// afterwards. Whoever labels must be able to check the result, so writing upward, which Bell and
/// LaPadula would allow, is refused: the uploader could neither find nor correct the document.
///
/// To change a label, ask for the present one by [`may_see`] and for the new one here.
///
/// # Errors
/// [`LabelRefused`] with the field at fault.
pub fn may_assign(
    rights: &Rights,
    classification: Classification,
    export_control: ExportControl,
) -> Result<(), LabelRefused> {
    if classification > rights.clearance {
        return Err(LabelRefused::AboveClearance {
            asked: classification,
            clearance: rights.clearance,
        });
    }
    if export_control.is_controlled() && !rights.export_eligible {
        return Err(LabelRefused::NotEligible);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use base::{Origin, Role};
    use proptest::prelude::*;

    use super::*;

    fn classification() -> impl Strategy<Value = Classification> {
        proptest::sample::select(&Classification::ALL[..])
    }

    fn rights() -> impl Strategy<Value = Rights> {
        (proptest::sample::select(&Role::ALL[..]), classification(), any::<bool>()).prop_map(
            |(role, clearance, export_eligible)| Rights { role, clearance, export_eligible },
        )
    }

    fn label() -> impl Strategy<Value = Label> {
        let export = vec![ExportControl::None, ExportControl::Controlled];
        let origin = vec![Origin::User, Origin::Document, Origin::Connector, Origin::Model];
        (classification(), proptest::sample::select(export), proptest::sample::select(origin))
            .prop_map(|(classification, export_control, origin)| Label {
                classification,
                export_control,
                origin,
            })
    }

    proptest! {
        #[test]
        fn a_higher_clearance_never_sees_less(r in rights(), l in label(), c in classification()) {
            let higher = Rights { clearance: r.clearance.max(c), ..r };
            if may_see(&r, &l).is_visible() {
                prop_assert!(may_see(&higher, &l).is_visible());
            }
        }

        #[test]
        fn eligibility_never_hides(r in rights(), l in label()) {
            let eligible = Rights { export_eligible: true, ..r };
            if may_see(&r, &l).is_visible() {
                prop_assert!(may_see(&eligible, &l).is_visible());
            }
        }

        #[test]
        fn nothing_above_clearance_is_seen(r in rights(), l in label()) {
            if l.classification > r.clearance {
                prop_assert_eq!(may_see(&r, &l), Visibility::Hidden);
            }
        }

        #[test]
        fn export_controlled_text_is_never_seen_by_the_ineligible(r in rights(), l in label()) {
            let r = Rights { export_eligible: false, ..r };
            let l = Label { export_control: ExportControl::Controlled, ..l };
            prop_assert_eq!(may_see(&r, &l), Visibility::Hidden);
        }

        #[test]
        fn a_joined_text_is_seen_exactly_by_those_who_see_both(
            r in rights(), a in label(), b in label(),
        ) {
            let both = may_see(&r, &a).is_visible() && may_see(&r, &b).is_visible();
            prop_assert_eq!(may_see(&r, &a.join(b)).is_visible(), both);
        }

        #[test]
        fn neither_role_nor_origin_opens_a_label(r in rights(), l in label(), other in rights(), o in label()) {
            let seen = may_see(&r, &l);
            prop_assert_eq!(may_see(&Rights { role: other.role, ..r }, &l), seen);
            prop_assert_eq!(may_see(&r, &Label { origin: o.origin, ..l }), seen);
        }

        #[test]
        fn what_one_may_give_one_can_see(r in rights(), l in label()) {
            let given = may_assign(&r, l.classification, l.export_control);
            prop_assert_eq!(given.is_ok(), may_see(&r, &l).is_visible());
            if let Err(refused) = given {
                prop_assert!(refused.violation().is_some());
            }
        }

        #[test]
        fn the_listed_values_are_those_that_pass(r in rights(), l in label()) {
            let filter = ClearanceFilter::of(&r);
            let listed = filter.classifications().any(|c| c == l.classification)
                && filter.export_controls().contains(&l.export_control);
            prop_assert_eq!(listed, filter.admits(l.classification, l.export_control));
        }
    }
}
