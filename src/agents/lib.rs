//! Answers from the documents, and the conversations they are given in.
//!
//! [`answer()`] is the whole path: it completes a follow-up question from its conversation, retrieves
//! what the asking person may see, picks the sentences that answer (quote mode, which needs no
//! language model) or finds that there are none, and records question, answer, citations and
//! receipt together with the audit entry in one commit. Only then is anything shown.
//!
//! Never:
//! - a sentence in an answer that does not stand in a document, word for word;
//! - an answer from a revision that is not valid now, or from a text above the person's rights:
//!   retrieval filters before it scores, and nothing here widens that;
//! - content shown before the commit that records it;
//! - somebody else's conversation, not for administrators either;
//! - a threshold fitted on the reported half of the golden questions.

mod answer;
mod conversation_search;
mod conversations;
mod error;
pub mod evaluation;
mod follow_up;
mod golden;
mod model;
mod question;
mod quote;
mod store;
mod wording;

pub use answer::{QUOTE_MODE, answer};
pub use conversation_search::{
    CONVERSATION_QUERY_MAX_CHARS, ConversationHit, ConversationHits, conversation_search,
};
pub use conversations::{
    Author, CONVERSATION_TITLE_MAX_CHARS, Conversation, ConversationCursor, ConversationDetails,
    ConversationPage, Message, MessageCursor, TimeCursor, conversation_delete, conversation_get,
    conversation_list, conversation_rename,
};
pub use error::AgentError;
pub use model::{
    ANSWER_EVENTS_MAX, Answer, AnswerEvent, AnswerEvents, AskInput, Citation, Decision, Nearest,
    Receipt, Refusal, Stage, Timings,
};
pub use question::{Question, question};
