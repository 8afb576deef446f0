//! What can go wrong with the text index.

/// An error of the text index. All of them are mended by rebuilding it from the database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// tantivy failed: a file is missing, damaged or can't be written.
    #[error("the text index failed")]
    Tantivy(#[from] tantivy::TantivyError),
    /// The index on disk was built with other fields or by another version of the analysis.
    #[error("the text index was built by another version")]
    Outdated,
    /// The file system or the encryption of the index failed.
    #[error("a file of the text index failed")]
    Io(#[from] std::io::Error),
    /// The directory of the index could not be opened.
    #[error("the directory of the text index failed")]
    Directory(#[from] tantivy::directory::error::OpenReadError),
}
