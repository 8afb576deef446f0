//! The only place of this room that names SQL. Rows never leave it.

mod conversations;
mod feedback;
mod messages;
mod traces;

use base::{Label, Origin};
use store::{ReadTx, StoreError};

pub(crate) use conversations::{
    conversation_delete, conversation_find, conversation_insert, conversation_list,
    conversation_pin, conversation_rename, conversation_search, conversation_touch,
    conversations_pinned,
};
pub(crate) use feedback::{
    answer_label, feedback_list, feedback_of, feedback_set, feedback_totals,
};
pub(crate) use messages::{
    MessageInsert, citation_insert, last_questions, last_turns, message_insert,
    message_next_sequence, message_of_person, messages_after,
};

pub(crate) use traces::{trace_delete, trace_find, trace_insert, trace_list};

/// One of the tenant's settings.
pub(crate) fn setting_get(tx: &ReadTx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.query_optional("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0))
}

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
