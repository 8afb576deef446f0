//! Pages of a listing: `{items, next_cursor}`.

use std::borrow::Cow;
use std::fmt::Display;
use std::str::FromStr;

use base::limits::{PAGE_DEFAULT_ITEMS, PAGE_MAX_ITEMS};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Ref, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use crate::problem::Problem;

/// Longest cursor that is looked at, in characters.
const CURSOR_MAX_CHARS: usize = 200;

/// One page of a listing.
#[derive(Clone, Debug, Serialize)]
pub struct Page<T> {
    /// What is on this page.
    pub items: Vec<T>,
    /// Pass it as `cursor` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page whose successor starts after `next`.
    pub(crate) fn new(items: Vec<T>, next: Option<impl Display>) -> Self {
        Self { items, next_cursor: page_end(next) }
    }

    /// A listing that is whole on one page.
    pub(crate) const fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

/// Written by hand: a derived one gives the pages of all types one name.
impl<T: ToSchema> PartialSchema for Page<T> {
    fn schema() -> RefOr<Schema> {
        let items = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        let cursor = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Pass it as `cursor` to get the next page; absent on the last one"));
        ObjectBuilder::new()
            .property("items", items)
            .required("items")
            .property("next_cursor", cursor)
            .description(Some("One page of a listing"))
            .into()
    }
}

impl<T: ToSchema> ToSchema for Page<T> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Page", T::name()))
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
    }
}

/// One page of what the audit log tells.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LogPage<T> {
    #[serde(flatten)]
    page: Page<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pruned_below: Option<u64>,
}

impl<T> LogPage<T> {
    /// A page whose successor starts after `next`, of a log whose content begins at `pruned_end`.
    pub(crate) fn new(items: Vec<T>, next: Option<u64>, pruned_end: u64) -> Self {
        let pruned_below = (pruned_end > 0).then_some(pruned_end);
        Self { page: Page::new(items, next), pruned_below }
    }
}

impl<T: ToSchema> PartialSchema for LogPage<T> {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut page)) = Page::<T>::schema() else {
            return Page::<T>::schema();
        };
        let pruned = ObjectBuilder::new().schema_type(Type::Integer).description(Some(
            "Entries below this index have lost their content to the tenant's retention and are \
             not listed; absent when all have theirs",
        ));
        page.properties.insert("pruned_below".to_owned(), pruned.into());
        RefOr::T(Schema::Object(page))
    }
}

impl<T: ToSchema> ToSchema for LogPage<T> {
    fn name() -> Cow<'static, str> {
        Page::<T>::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Page::<T>::schemas(schemas);
    }
}

/// Which page of a listing is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PageQuery {
    /// `next_cursor` of the page before.
    #[serde(default)]
    pub cursor: Option<String>,
    /// Items on a page, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// The limit of a page: the caller's when it is in range, the default when none is given.
pub(crate) fn page_limit(limit: Option<u32>) -> Result<u32, Problem> {
    match limit {
        None => Ok(PAGE_DEFAULT_ITEMS),
        Some(n) if (1..=PAGE_MAX_ITEMS).contains(&n) => Ok(n),
        Some(_) => Err(Problem::invalid("limit", format!("must be 1 to {PAGE_MAX_ITEMS}"))),
    }
}

/// Where the wanted page starts.
pub(crate) fn page_start<T: FromStr>(cursor: Option<&str>) -> Result<Option<T>, Problem> {
    let wrong = || Problem::invalid("cursor", "is not a `next_cursor` of this listing");
    let Some(text) = cursor else { return Ok(None) };
    if text.len() > CURSOR_MAX_CHARS {
        return Err(wrong());
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong())?;
    let inner = String::from_utf8(bytes).map_err(|_| wrong())?;
    inner.parse().map(Some).map_err(|_| wrong())
}

/// The cursor of the page after this one. Opaque on purpose: what is in it may change.
pub(crate) fn page_end(next: Option<impl Display>) -> Option<String> {
    next.map(|next| URL_SAFE_NO_PAD.encode(next.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_what_it_was() {
        let page = Page::new(vec![1], Some(42_u64));
        let start = page_start::<u64>(page.next_cursor.as_deref()).unwrap();
        assert_eq!(start, Some(42));
    }

    #[test]
    fn foreign_cursors_and_limits_are_refused_by_field() {
        for cursor in ["%", "YWJj", &"A".repeat(300)] {
            let problem = page_start::<u64>(Some(cursor)).unwrap_err();
            assert_eq!(problem.violations()[0].field, "cursor");
        }
        assert_eq!(page_limit(Some(0)).unwrap_err().violations()[0].field, "limit");
        assert_eq!(page_limit(Some(201)).unwrap_err().violations()[0].field, "limit");
        assert_eq!(page_limit(None).unwrap(), 50);
    }
}
