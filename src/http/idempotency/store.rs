//! Rows of `idempotency_keys`. A claimed key without an answer has status 0.

use audit::{Action, Event};
use base::Timestamp;
use store::sql::params;
use store::{StoreError, TenantCtx};

const CLAIMED: Action = Action::new("idempotency_key.claimed");
const SETTLED: Action = Action::new("idempotency_key.settled");
const RELEASED: Action = Action::new("idempotency_key.released");

/// Status of a key whose request has not ended.
const UNSETTLED: u16 = 0;

pub(super) struct NewKey {
    pub(super) key_hash: [u8; 32],
    pub(super) request_hash: [u8; 32],
    /// Keys from before this moment are forgotten on the way.
    pub(super) forget_before: Timestamp,
    pub(super) operation: &'static str,
}

/// What was known of a key before it was claimed.
pub(super) enum Found {
    Nothing,
    OtherRequest,
    Unsettled,
    Answer { status: u16, body: Vec<u8> },
}

/// The claim fails with what was found, so that nothing is written for a repeated request.
enum ClaimError {
    Found(Found),
    Store(StoreError),
}

impl From<StoreError> for ClaimError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Claims the key unless it is known. One writer per tenant: two equal requests can't both win.
pub(super) async fn key_claim(ctx: &TenantCtx, new: NewKey) -> Result<Found, StoreError> {
    let claimed = ctx
        .write(move |tx| {
            let known = tx.query_optional(
                "SELECT request_hash, status, body FROM idempotency_keys
                 WHERE key_hash = ?1 AND created_at >= ?2",
                params![new.key_hash, new.forget_before.unix_ms()],
                |row| {
                    Ok((
                        row.get::<_, Vec<u8>>(0)?,
                        row.get::<_, u16>(1)?,
                        row.get::<_, Vec<u8>>(2)?,
                    ))
                },
            )?;
            if let Some((request_hash, status, body)) = known {
                return Err(ClaimError::Found(match status {
                    _ if request_hash != new.request_hash => Found::OtherRequest,
                    UNSETTLED => Found::Unsettled,
                    status => Found::Answer { status, body },
                }));
            }
            tx.execute(
                "DELETE FROM idempotency_keys WHERE created_at < ?1",
                [new.forget_before.unix_ms()],
            )?;
            tx.execute(
                "INSERT INTO idempotency_keys (key_hash, request_hash, status, body, created_at)
                 VALUES (?1, ?2, ?3, x'', ?4)",
                params![new.key_hash, new.request_hash, UNSETTLED, tx.now().unix_ms()],
            )?;
            Ok(tx.commit(event(CLAIMED, new.operation), ())?)
        })
        .await;
    match claimed {
        Ok(()) => Ok(Found::Nothing),
        Err(ClaimError::Found(found)) => Ok(found),
        Err(ClaimError::Store(error)) => Err(error),
    }
}

/// Keeps the answer of a claimed key.
pub(super) async fn key_settle(
    ctx: &TenantCtx,
    key_hash: [u8; 32],
    status: u16,
    body: Vec<u8>,
) -> Result<(), StoreError> {
    ctx.write(move |tx| {
        tx.execute(
            "UPDATE idempotency_keys SET status = ?2, body = ?3 WHERE key_hash = ?1",
            params![key_hash, status, body],
        )?;
        let detail = serde_json::json!({ "status": status });
        tx.commit(Event::new(SETTLED).detail(detail), ())
    })
    .await
}

/// Gives back a claimed key whose request changed nothing.
pub(super) async fn key_release(
    ctx: &TenantCtx,
    key_hash: [u8; 32],
    operation: &'static str,
) -> Result<(), StoreError> {
    ctx.write(move |tx| {
        tx.execute(
            "DELETE FROM idempotency_keys WHERE key_hash = ?1 AND status = ?2",
            params![key_hash, UNSETTLED],
        )?;
        tx.commit(event(RELEASED, operation), ())
    })
    .await
}

fn event(action: Action, operation: &'static str) -> Event {
    Event::new(action).detail(serde_json::json!({ "operation": operation }))
}

/// The kept form of an answer: its Location, a line feed, its body.
pub(super) fn encode(location: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut kept = location.unwrap_or_default().as_bytes().to_vec();
    kept.push(b'\n');
    kept.extend_from_slice(body);
    kept
}

pub(super) fn decode(kept: &[u8]) -> Option<(Option<&str>, &[u8])> {
    let end = kept.iter().position(|b| *b == b'\n')?;
    let location = std::str::from_utf8(&kept[..end]).ok()?;
    Some((Some(location).filter(|l| !l.is_empty()), &kept[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_answers_come_back_with_their_place() {
        let kept = encode(Some("/api/v1/jobs/1"), b"{\n}");
        assert_eq!(decode(&kept), Some((Some("/api/v1/jobs/1"), b"{\n}".as_slice())));
        assert_eq!(decode(&encode(None, b"")), Some((None, b"".as_slice())));
    }
}
