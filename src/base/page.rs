//! Pages of a list from which something is left out only after it was read.

/// Reads on from `after` until a page of `limit` is full or nothing is left. `fetch` gives at most as many
/// rows as it is asked for, behind a key and in order; `key` is a row's, and `keep` makes of it what is
/// listed, or nothing. Returns the page, and the key behind which the next one begins, if there is one.
///
/// # Errors
/// Those of `fetch` and `keep`.
pub fn fill_page<K: Copy, Row, Item, Error>(
    limit: u32,
    mut after: Option<K>,
    mut fetch: impl FnMut(Option<K>, u32) -> Result<Vec<Row>, Error>,
    key: impl Fn(&Row) -> K,
    mut keep: impl FnMut(Row) -> Result<Option<Item>, Error>,
) -> Result<(Vec<Item>, Option<K>), Error> {
    let limit = limit.max(1);
    let mut items = Vec::new();
    loop {
        // One more tells whether there is a next page.
        let rows = fetch(after, limit.saturating_add(1))?;
        let more = rows.len() > limit as usize;
        for row in rows.into_iter().take(limit as usize) {
            if items.len() == limit as usize {
                return Ok((items, after));
            }
            after = Some(key(&row));
            items.extend(keep(row)?);
        }
        if !more {
            return Ok((items, None));
        }
        if items.len() == limit as usize {
            return Ok((items, after));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pages_joined_are_the_list_and_all_but_the_last_are_full(
            rows in proptest::collection::btree_set(0_u32..200, 0..60),
            limit in 1_u32..9,
            nth in 1_u32..7,
        ) {
            let (mut after, mut listed) = (None, Vec::new());
            loop {
                let fetch = |after: Option<u32>, count: u32| {
                    let behind = rows.iter().copied().filter(|row| after.is_none_or(|key| *row > key));
                    Ok::<_, Infallible>(behind.take(count as usize).collect())
                };
                let keep = |row: u32| Ok(row.is_multiple_of(nth).then_some(row));
                let Ok((items, next)) = fill_page(limit, after, fetch, |row| *row, keep);
                let size = items.len();
                listed.extend(items);
                after = next;
                if after.is_none() {
                    break;
                }
                prop_assert_eq!(size, limit as usize);
            }
            let wanted: Vec<u32> = rows.iter().copied().filter(|row| row.is_multiple_of(nth)).collect();
            prop_assert_eq!(listed, wanted);
        }
    }
}
