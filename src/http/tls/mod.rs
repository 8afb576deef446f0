//! The server's certificate: made here on first start, or brought by the administrator.
//!
//! A first start makes a certificate authority (to be trusted once on the plant's machines) and a
//! leaf for the names that the server is reached by. The authority stays; the leaf is issued anew
//! when it nears its end or when the names change.

mod issue;
mod own_chain;
mod settings;

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base::{Clock, Timestamp};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use tokio::sync::watch;

pub(crate) use own_chain::notice;
pub use settings::{OwnCertificate, TlsError, TlsSettings};

/// A leaf with fewer days than this left is issued anew.
pub const RENEW_BEFORE_DAYS: i64 = 30;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const DIRECTORY: &str = "tls";
const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca.key";
const LEAF_FILE: &str = "server.pem";
const LEAF_KEY_FILE: &str = "server.key";

/// The certificate in use, and how it is kept fresh.
pub struct TlsIdentity {
    source: Source,
    clock: Arc<dyn Clock>,
    current: watch::Sender<Current>,
    /// Names that the server is to be reached by.
    wanted_names: Vec<String>,
    /// The last limit before the end that was told in the log.
    told: AtomicI64,
}

#[derive(Clone)]
struct Current {
    key: Arc<CertifiedKey>,
    expires_at: Timestamp,
    /// DNS names and addresses that it is for.
    names: Vec<String>,
}

/// No limit was told yet.
const NOTHING_TOLD: i64 = i64::MAX;

enum Source {
    /// Made and renewed here.
    House { directory: PathBuf, names: Vec<String> },
    /// Brought by the administrator; read again when the files change hands.
    Own(OwnCertificate),
}

impl TlsIdentity {
    /// Loads the certificate, making authority and leaf on first start. Blocks on the disk.
    ///
    /// # Errors
    /// [`TlsError`] when a file can't be read, written or understood, or does not fit its key.
    pub fn open(
        data_dir: &Path,
        settings: &TlsSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let source = match &settings.own {
            Some(own) => Source::Own(own.clone()),
            None => {
                Source::House { directory: data_dir.join(DIRECTORY), names: settings.all_names() }
            }
        };
        let current = source.load(clock.now())?;
        let this = Self {
            source,
            clock,
            current: watch::Sender::new(current),
            wanted_names: settings.names.clone(),
            told: AtomicI64::new(NOTHING_TOLD),
        };
        let uncovered = this.uncovered_names();
        if !uncovered.is_empty() {
            let names = uncovered.join(", ");
            tracing::warn!(names, "the server certificate is not for all names of server.names");
        }
        this.tell_when_due();
        Ok(this)
    }

    /// Configured names that the certificate in use is not for: browsers refuse it there.
    #[must_use]
    pub fn uncovered_names(&self) -> Vec<String> {
        own_chain::uncovered(&self.wanted_names, &self.current.borrow().names)
    }

    /// Writes a line to the log when the end of the certificate has come within 60, 30 or 7 days, or
    /// has passed: one for each. Says which limit that was.
    fn tell_when_due(&self) -> Option<i64> {
        let days_left = self.days_left();
        let limit = notice(days_left).unwrap_or(NOTHING_TOLD);
        if self.told.swap(limit, Ordering::Relaxed) <= limit {
            return None;
        }
        let own = matches!(self.source, Source::Own(_));
        // Our own leaf is issued anew at 30 days; that it is not there yet is no news before.
        if !own && limit > RENEW_BEFORE_DAYS {
            return None;
        }
        let action = if own {
            "install a new one: its files are read again once a day and at a restart"
        } else {
            "see the log for why it could not be issued anew"
        };
        if limit > 7 {
            tracing::warn!(days_left, action, "the server certificate nears its end");
        } else {
            tracing::error!(days_left, action, "the server certificate ends now or has ended");
        }
        Some(limit)
    }

    /// Whole days until the certificate in use ends; negative when it has ended.
    #[must_use]
    pub fn days_left(&self) -> i64 {
        let expires_at = self.current.borrow().expires_at;
        expires_at.since_ms(self.clock.now()).div_euclid(DAY_MS)
    }

    /// When the certificate in use ends.
    #[must_use]
    pub fn expires_at(&self) -> Timestamp {
        self.current.borrow().expires_at
    }

    /// The authority's certificate, to be trusted by browsers; `None` with an own certificate.
    #[must_use]
    pub fn authority_file(&self) -> Option<PathBuf> {
        match &self.source {
            Source::House { directory, .. } => Some(directory.join(CA_FILE)),
            Source::Own(_) => None,
        }
    }

    /// Issues the leaf anew when it nears its end, or reads an own certificate again. Connections
    /// that come afterwards get the new one. Blocks on the disk; to be called once a day.
    ///
    /// # Errors
    /// [`TlsError`]; the certificate in use stays.
    pub fn renew_if_due(&self) -> Result<(), TlsError> {
        let fresh = self.source.load(self.clock.now());
        if let Ok(fresh) = &fresh {
            self.current.send_replace(fresh.clone());
        }
        self.tell_when_due();
        fresh.map(|_| ())
    }

    /// The configuration of the server's side: TLS 1.3 only (RFC 8446), HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError::Library`] when the library refuses its own defaults.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&version::TLS13])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("expires_at", &self.expires_at())
            .finish_non_exhaustive()
    }
}

impl ResolvesServerCert for TlsIdentity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.borrow().key))
    }
}

impl Source {
    fn load(&self, now: Timestamp) -> Result<Current, TlsError> {
        match self {
            Self::Own(own) => {
                let current = load_pair(&own.certificate_file, &own.key_file)?;
                own_chain::check(&current.key.cert, now)
                    .map_err(|what| TlsError::damaged(&own.certificate_file, what))?;
                Ok(current)
            }
            Self::House { directory, names } => {
                prepare(directory)?;
                let authority = issue::Authority::obtain(
                    &directory.join(CA_FILE),
                    &directory.join(CA_KEY_FILE),
                    now,
                )?;
                let (leaf, key) = (directory.join(LEAF_FILE), directory.join(LEAF_KEY_FILE));
                if !is_fresh(&leaf, &key, names, &authority, now)? {
                    authority.issue(names, &leaf, &key, now)?;
                    tracing::info!("a server certificate was issued");
                }
                load_pair(&leaf, &key)
            }
        }
    }
}

/// Makes the directory with mode 0700.
fn prepare(directory: &Path) -> Result<(), TlsError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(TlsError::io(directory))
}

/// Whether the leaf on disk can stay: whole, of this authority, for these names, with time left.
fn is_fresh(
    leaf: &Path,
    key: &Path,
    names: &[String],
    authority: &issue::Authority,
    now: Timestamp,
) -> Result<bool, TlsError> {
    if !leaf.exists() || !key.exists() {
        return Ok(false);
    }
    refuse_readable_by_others(key)?;
    let pem = fs::read(leaf).map_err(TlsError::io(leaf))?;
    let facts = issue::LeafFacts::read(&pem).map_err(|what| TlsError::damaged(leaf, what))?;
    let left_ms = facts.expires_at.since_ms(now);
    Ok(left_ms > RENEW_BEFORE_DAYS * DAY_MS
        && facts.names == issue::sorted(names)
        && authority.issued(&pem)
        // Two files can't be written as one: a kill in between leaves a pair that does not fit.
        && load_pair(leaf, key).is_ok())
}

fn load_pair(certificate: &Path, key: &Path) -> Result<Current, TlsError> {
    refuse_readable_by_others(key)?;
    let pem = fs::read(certificate).map_err(TlsError::io(certificate))?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| TlsError::damaged(certificate, "it is not a chain of PEM certificates"))?;
    let facts = issue::LeafFacts::read(&pem).map_err(|w| TlsError::damaged(certificate, w))?;
    let key_pem = fs::read(key).map_err(TlsError::io(key))?;
    let key_der = PrivateKeyDer::from_pem_slice(&key_pem)
        .map_err(|_| TlsError::damaged(key, "it is not a private key in PEM"))?;
    let signing = ring::sign::any_supported_type(&key_der)?;
    let certified = CertifiedKey::new(chain, signing);
    certified.keys_match().map_err(|_| {
        let what = format!(
            "it does not belong to the private key {}: one of the two files is of another \
                 certificate, or the chain does not begin with the server's own",
            key.display()
        );
        TlsError::damaged(certificate, what)
    })?;
    Ok(Current { key: Arc::new(certified), expires_at: facts.expires_at, names: facts.names })
}

/// A private key that others can read is no secret any more.
fn refuse_readable_by_others(key: &Path) -> Result<(), TlsError> {
    let mode = fs::metadata(key).map_err(TlsError::io(key))?.permissions().mode();
    if mode & 0o077 == 0 {
        Ok(())
    } else {
        Err(TlsError::damaged(key, "others can read it: set its mode to 0600"))
    }
}

#[cfg(test)]
mod tests;
