//! Answers: quote mode, conversations and receipts.
