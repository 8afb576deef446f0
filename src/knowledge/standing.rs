//! Which revision of a document counts at a moment. Pure.
//!
//! The newest revision that is ingested, not withdrawn, and whose time has come is the *head*; the
//! head alone can be valid, and no older one comes back when it expires. A failed or unfinished
//! upload, or one whose time has not come, therefore never takes the valid revision away.

use base::Timestamp;

use crate::model::{RevisionState, Standing, Validity};

/// What the rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) number: u32,
    pub(crate) state: RevisionState,
    pub(crate) validity: Validity,
    pub(crate) effective_from: Option<Timestamp>,
    pub(crate) effective_to: Option<Timestamp>,
}

impl Span {
    /// Whether its time has come by `now`.
    pub(crate) fn has_begun(&self, now: Timestamp) -> bool {
        self.effective_from.is_none_or(|from| from <= now)
    }

    fn has_ended(&self, now: Timestamp) -> bool {
        self.effective_to.is_some_and(|to| to <= now)
    }

    fn can_be_head(&self, now: Timestamp) -> bool {
        self.state == RevisionState::Ready
            && self.validity != Validity::Withdrawn
            && self.has_begun(now)
    }
}

/// Number of the head among all revisions of one document.
pub(crate) fn head(spans: impl IntoIterator<Item = Span>, now: Timestamp) -> Option<u32> {
    spans.into_iter().filter(|span| span.can_be_head(now)).map(|span| span.number).max()
}

/// What `span` counts for when `head` is the head of its document.
pub(crate) fn standing(span: &Span, head: Option<u32>, now: Timestamp) -> Standing {
    match span.validity {
        Validity::Withdrawn => return Standing::Withdrawn,
        Validity::Superseded => return Standing::Superseded,
        Validity::Valid => {}
    }
    if span.state != RevisionState::Ready {
        Standing::NotReady
    } else if head.is_some_and(|head| span.number < head) {
        Standing::Superseded
    } else if span.has_ended(now) {
        Standing::Expired
    } else if !span.has_begun(now) {
        Standing::Upcoming
    } else {
        Standing::Valid
    }
}

/// The next moment after `now` at which the clock alone changes what `spans` count for.
pub(crate) fn next_change(
    spans: impl IntoIterator<Item = Span>,
    now: Timestamp,
) -> Option<Timestamp> {
    let edges = spans.into_iter().flat_map(|span| [span.effective_from, span.effective_to]);
    edges.flatten().filter(|edge| *edge > now).min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(ms)
    }

    fn ready(number: u32) -> Span {
        Span {
            number,
            state: RevisionState::Ready,
            validity: Validity::Valid,
            effective_from: None,
            effective_to: None,
        }
    }

    fn standings(spans: &[Span], now: i64) -> Vec<Standing> {
        let head = head(spans.iter().copied(), at(now));
        spans.iter().map(|span| standing(span, head, at(now))).collect()
    }

    #[test]
    fn the_newest_ready_one_counts() {
        let failed = Span { state: RevisionState::Failed, ..ready(3) };
        assert_eq!(
            standings(&[ready(1), ready(2), failed], 5),
            [Standing::Superseded, Standing::Valid, Standing::NotReady]
        );
    }

    #[test]
    fn an_upcoming_one_takes_over_at_its_time() {
        let next = Span { effective_from: Some(at(10)), ..ready(2) };
        assert_eq!(standings(&[ready(1), next], 9), [Standing::Valid, Standing::Upcoming]);
        assert_eq!(standings(&[ready(1), next], 10), [Standing::Superseded, Standing::Valid]);
        assert_eq!(next_change([ready(1), next], at(9)), Some(at(10)));
        assert_eq!(next_change([ready(1), next], at(10)), None);
    }

    #[test]
    fn no_older_one_comes_back_when_the_head_ends() {
        let short = Span { effective_to: Some(at(20)), ..ready(2) };
        assert_eq!(standings(&[ready(1), short], 20), [Standing::Superseded, Standing::Expired]);
        let replaced = Span { validity: Validity::Superseded, ..ready(1) };
        let withdrawn = Span { validity: Validity::Withdrawn, ..ready(2) };
        assert_eq!(
            standings(&[replaced, withdrawn], 5),
            [Standing::Superseded, Standing::Withdrawn]
        );
    }

    fn span(number: u32) -> impl Strategy<Value = Span> {
        let state = prop::sample::select(vec![
            RevisionState::Queued,
            RevisionState::Processing,
            RevisionState::Ready,
            RevisionState::Failed,
            RevisionState::Cancelled,
        ]);
        let validity =
            prop::sample::select(vec![Validity::Valid, Validity::Superseded, Validity::Withdrawn]);
        let edge = || prop::option::of((0_i64..40).prop_map(Timestamp::from_unix_ms));
        (state, validity, edge(), edge()).prop_map(
            move |(state, validity, effective_from, effective_to)| Span {
                number,
                state,
                validity,
                effective_from,
                effective_to,
            },
        )
    }

    proptest! {
        #[test]
        fn at_most_one_revision_is_valid_at_any_moment(
            spans in (span(1), span(2), span(3), span(4)),
            now in 0_i64..50,
        ) {
            let spans = [spans.0, spans.1, spans.2, spans.3];
            let valid = standings(&spans, now).into_iter().filter(|s| *s == Standing::Valid);
            prop_assert!(valid.count() <= 1);
        }

        #[test]
        fn nothing_changes_before_the_next_change(
            spans in (span(1), span(2), span(3)),
            now in 0_i64..50,
            later in 0_i64..50,
        ) {
            let spans = [spans.0, spans.1, spans.2];
            let next = next_change(spans, at(now)).map_or(i64::MAX, Timestamp::unix_ms);
            if later >= now && later < next {
                prop_assert_eq!(standings(&spans, now), standings(&spans, later));
            }
        }
    }
}
