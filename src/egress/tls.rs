//! Whom a connector trusts: the certificates of its entry's file, or those of the operating system.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::{EgressError, Entry};

/// Where Debian and its kin keep the certificates of the operating system.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Largest file of certificates that is read, in bytes (the system's has about 220 KiB).
const ROOTS_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What a handshake with the entry's host needs.
#[derive(Clone)]
pub(crate) struct Trust {
    pub(crate) connector: TlsConnector,
    /// The name that the host's certificate must have; also sent (SNI), unless it is an address.
    pub(crate) name: ServerName<'static>,
}

impl Trust {
    /// Reads the certificates. Blocks on the file.
    pub(crate) fn of(entry: &Entry) -> Result<Self, EgressError> {
        let name = ServerName::try_from(entry.host.clone()).map_err(|_| EgressError::Entry {
            connector: entry.connector.clone(),
            reason: "the host is no name that a certificate can have",
        })?;
        let path = entry.ca_file.clone().unwrap_or_else(|| PathBuf::from(SYSTEM_ROOTS));
        let failed = |source| EgressError::Roots {
            connector: entry.connector.clone(),
            path: path.clone(),
            source,
        };
        let certificates = read_certificates(&path).map_err(failed)?;
        let mut roots = RootCertStore::empty();
        match entry.ca_file {
            // Whoever names a file means all of it.
            Some(_) => certificates
                .into_iter()
                .try_for_each(|certificate| roots.add(certificate))
                .map_err(|error| failed(error.into()))?,
            // The system's has some that nobody can use any more.
            None => drop(roots.add_parsable_certificates(certificates)),
        }
        if roots.is_empty() {
            return Err(failed(pem::Error::NoItemsFound.into()));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.into()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Cause> {
    let mut text = Vec::new();
    File::open(path)?.take(ROOTS_MAX_BYTES + 1).read_to_end(&mut text)?;
    if text.len() as u64 > ROOTS_MAX_BYTES {
        return Err(format!("it has more than {ROOTS_MAX_BYTES} bytes").into());
    }
    Ok(CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>()?)
}
