//! Documents from upload to retrieval, over a real store, the real parser in its cage and a model
//! worker whose embeddings are hashed words.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod changing;
mod documents;
mod encoders;
mod ingestion;
mod plant;
mod validity;
mod vectors;
mod visibility;
