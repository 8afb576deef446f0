//! GET /api/v1/admin/users/{user_id}/disclosures

use base::{Timestamp, UserId};
use knowledge::{DisclosureFilter, PersonDisclosure, PersonDisclosurePage, Shown};
use policy::audit;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::call::Authorized;
use crate::cursor::{LogPage, page_limit, page_start};
use crate::input::{Id, Query};
use crate::output::Ok200;
use crate::problem::Problem;

/// Which showings are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisclosureQuery {
    /// At or after this moment (RFC 3339, or a date).
    #[serde(default)]
    from: Option<String>,
    /// Before this moment (RFC 3339, or a date).
    #[serde(default)]
    until: Option<String>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Items on a page, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

impl DisclosureQuery {
    /// The filter, and the number of showings.
    pub(crate) fn checked(&self) -> Result<(DisclosureFilter, u32), Problem> {
        let moment = |field: &str, text: Option<&str>| {
            let read = text.map(Timestamp::parse).transpose();
            read.map_err(|error| Problem::invalid(field, format!("is {error}")))
        };
        let filter = DisclosureFilter {
            from: moment("from", self.from.as_deref())?,
            until: moment("until", self.until.as_deref())?,
            before: page_start::<u64>(self.cursor.as_deref())?,
        };
        Ok((filter, page_limit(self.limit)?))
    }
}

/// What of a revision was shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Shown)]
struct ShownView {
    #[schema(format = "uuid")]
    revision_id: String,
    /// Absent once the document is gone.
    #[schema(format = "uuid")]
    document_id: Option<String>,
    /// Absent also where you may not see the document.
    document_key: Option<String>,
    revision_number: Option<u32>,
    chunk_ids: Vec<i64>,
    /// Counted from 1; empty for a whole file, and for chunks that are gone.
    pages: Vec<u32>,
}

impl From<Shown> for ShownView {
    fn from(shown: Shown) -> Self {
        Self {
            revision_id: shown.revision.to_string(),
            document_id: shown.document.map(|id| id.to_string()),
            document_key: shown.key,
            revision_number: shown.number,
            chunk_ids: shown.chunks.iter().map(|chunk| chunk.0).collect(),
            pages: shown.pages,
        }
    }
}

/// One showing of content to a person.
#[derive(Serialize, ToSchema)]
#[schema(as = PersonDisclosure)]
pub(crate) struct PersonDisclosureView {
    /// Index of the entry in the audit log.
    index: u64,
    #[schema(format = "date-time")]
    time: String,
    /// `answer.given`, `passages.shown`, `page.read` …
    action: String,
    /// Of what; empty when everything that was shown is gone.
    shown: Vec<ShownView>,
}

impl From<PersonDisclosure> for PersonDisclosureView {
    fn from(disclosure: PersonDisclosure) -> Self {
        Self {
            index: disclosure.index,
            time: disclosure.time.to_string(),
            action: disclosure.action,
            shown: disclosure.shown.into_iter().map(ShownView::from).collect(),
        }
    }
}

/// A page of showings on the wire.
pub(crate) fn person_page(page: PersonDisclosurePage) -> LogPage<PersonDisclosureView> {
    let views = page.disclosures.into_iter().map(PersonDisclosureView::from).collect();
    LogPage::new(views, page.next, page.pruned_end)
}

pub(super) async fn user_disclosures(
    call: Authorized<audit::Read>,
    (Id(user), Query(query)): (Id<UserId>, Query<DisclosureQuery>),
) -> Result<Ok200<LogPage<PersonDisclosureView>>, Problem> {
    let (filter, limit) = query.checked()?;
    let page = knowledge::person_disclosures(call.permit()?, user, filter, limit).await?;
    Ok(Ok200(person_page(page)))
}
