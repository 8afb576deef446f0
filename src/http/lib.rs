//! Routes, extractors, problem documents, event streams, OpenAPI and the embedded web pages.
