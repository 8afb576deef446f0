//! Bulk work waits while the model worker's queue is full.

use models::ModelError;
use tokio_util::sync::CancellationToken;

use crate::KnowledgeError;

/// Times that a full queue is waited for before the work gives way.
const BUSY_RETRIES_MAX: u32 = 30;

/// What `call` gives once the model worker has taken it in. Ends when `cancel` says so.
///
/// # Errors
/// [`KnowledgeError::Cancelled`], or what the last call gave.
pub(crate) async fn patiently<T, F>(
    cancel: &CancellationToken,
    call: impl Fn() -> F,
) -> Result<T, KnowledgeError>
where
    F: Future<Output = Result<T, ModelError>>,
{
    let work = async {
        for _ in 0..BUSY_RETRIES_MAX {
            match call().await {
                Err(ModelError::Busy { retry_after }) => tokio::time::sleep(retry_after).await,
                other => return other,
            }
        }
        call().await
    };
    tokio::select! {
        answer = work => Ok(answer?),
        () = cancel.cancelled() => Err(KnowledgeError::Cancelled),
    }
}
