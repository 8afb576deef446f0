//! Documents, versions, ingestion, chunks, index, retrieval and citations.
