//! Answers from the documents, and the conversations they are given in.
//!
//! [`answer()`] is the whole path: it completes a follow-up question from its conversation, retrieves
//! what the asking person may see, picks the sentences that answer (quote mode, which needs no
//! language model) or has a model write from them and checks each of its sentences, and records question, answer, citations and
//! receipt together with the audit entry in one commit. Only then is anything shown.
//!
//! Never:
//! - a quoted sentence that does not stand in a document, word for word, or a model's sentence that did
//!   not pass the check against the evidence it names;
//! - an answer from a revision that is not valid now, or from a text above the person's rights:
//!   retrieval filters before it scores, and nothing here widens that;
//! - content shown before a commit that records it: that of the answer, or for a model's words that of
//!   what it was given to read;
//! - somebody else's conversation, not for administrators either;
//! - a threshold fitted on the reported half of the golden questions.

mod answer;
mod brain;
mod check;
mod conversation_search;
mod conversations;
mod error;
pub mod evaluation;
mod feedback;
mod figures;
mod follow_up;
mod generated;
mod golden;
pub mod memory;
mod model;
pub mod planner;
mod question;
mod quote;
mod reason;
pub mod schema;
pub mod specialist;
mod spending;
mod store;
pub mod thinking;
pub mod tools;
mod trace;
mod wording;
mod workbench;
pub mod workflow;
mod writing;

pub use answer::{ANSWER_MODE, ANSWER_TIER, QUOTE_MODE, TIER_AUTOMATIC, answer};
pub use brain::{Brain, Fenced, RunBudget, RunReservation, RunSeed, Thought, fence};
pub use check::{
    Claim, Evidence, EvidenceSet, Finding, LITERAL_CHECK, LiteralCheck, Place, SentenceCheck,
    Strike, StrikeReason,
};
pub use conversation_search::{
    CONVERSATION_QUERY_MAX_CHARS, ConversationHit, ConversationHits, conversation_search,
};
pub use conversations::{
    Author, CONVERSATION_TITLE_MAX_CHARS, CONVERSATIONS_PINNED_MAX, Conversation,
    ConversationChange, ConversationCursor, ConversationDetails, ConversationPage, Message,
    MessageCursor, TimeCursor, conversation_change, conversation_delete, conversation_get,
    conversation_list,
};
pub use error::AgentError;
pub use feedback::{
    FEEDBACK_COMMENT_MAX_CHARS, Feedback, FeedbackCursor, FeedbackEntry, FeedbackInput,
    FeedbackPage, FeedbackReason, FeedbackTotals, QuotedDocument, Rating, feedback_give,
    feedback_list,
};
pub use figures::describe_figures;
pub use generated::{GENERATED_MODE, Generated, Remembered};
pub use model::{
    ANSWER_EVENTS_MAX, Answer, AnswerEvent, AnswerEvents, AskInput, Citation, Decision, Nearest,
    Receipt, Refusal, Stage, StepKind, Timings, Verdict,
};
pub use question::{Question, question};
pub use reason::{
    AGENT_RUN_BUDGET_DEFAULT_TOKENS, REASON_MODE, RUN_BUDGET_DEFAULT_TOKENS,
    RUN_BUDGET_LEAST_TOKENS, RUN_BUDGET_MOST_TOKENS, ReasonInput, ReasonSettings, Replay, Strategy,
    TEMPERATURE_MOST, reason, replay,
};
pub use spending::Minds;
pub use trace::{
    Aspect, Comparison, Difference, StepPair, Trace, TraceCursor, TraceEntry, TraceKind,
    TraceOutcome, TracePage, TraceStep, compare, trace_delete, trace_get, trace_list,
    traces_compare, traces_of_tenant,
};
pub use workbench::{Workbench, WorkbenchError};
pub use writing::Struck;
