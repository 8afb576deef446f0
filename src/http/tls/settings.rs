//! What an administrator may say about certificates, and what can go wrong with them.

use std::path::{Path, PathBuf};

/// A certificate that the administrator brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnCertificate {
    /// Chain in PEM, leaf first.
    pub certificate_file: PathBuf,
    /// Private key in PEM (PKCS #8, SEC 1 or PKCS #1), mode 0600.
    pub key_file: PathBuf,
}

/// Which certificate the server shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// An own certificate; one is made when there is none.
    pub own: Option<OwnCertificate>,
    /// Further names or addresses that the server is reached by.
    pub names: Vec<String>,
}

impl TlsSettings {
    /// The configured names and those that are always there.
    pub(super) fn all_names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().collect();
        let host = rustix::system::uname().nodename().to_string_lossy().to_ascii_lowercase();
        if is_dns_name(&host) {
            names.push(host);
        }
        names.extend(self.names.iter().map(|name| name.to_ascii_lowercase()));
        names.sort();
        names.dedup();
        names
    }
}

/// A kernel's node name may be anything; only a DNS name can stand in a certificate.
fn is_dns_name(name: &str) -> bool {
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

/// The certificate can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("{} can't be read or written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        #[source]
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{} can't be used: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made")]
    Issue(#[from] rcgen::Error),
    /// The TLS library refused.
    #[error("the TLS library refused")]
    Library(#[from] rustls::Error),
}

impl TlsError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }
}
