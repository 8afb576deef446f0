//! The only place of this room that names SQL. Rows never leave it.

mod conversations;
mod messages;

use base::{Label, Origin};
use store::StoreError;

pub(crate) use conversations::{
    conversation_delete, conversation_find, conversation_insert, conversation_list,
    conversation_rename, conversation_search, conversation_touch,
};
pub(crate) use messages::{
    MessageInsert, citation_insert, last_questions, message_insert, message_next_sequence,
    messages_after,
};

/// The label that a message's columns hold. Its origin is that of its author.
fn label(classification: &str, export_control: &str, origin: Origin) -> Result<Label, StoreError> {
    Ok(Label {
        classification: classification
            .parse()
            .map_err(|_| StoreError::Corrupt("messages.classification"))?,
        export_control: export_control
            .parse()
            .map_err(|_| StoreError::Corrupt("messages.export_control"))?,
        origin,
    })
}
