//! Making the authority and its leaves (RFC 5280 profiles, ECDSA P-256).

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use base::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer as _;

use super::{DAY_MS, TlsError, refuse_readable_by_others};

/// An authority lives as long as a machine in a plant may.
const CA_DAYS: i64 = 15 * 365;
/// Longest life that browsers accept of a leaf (CA/Browser Forum Baseline Requirements 6.3.2, as
/// of 2020; authorities of one's own are exempt, but some clients apply it to all).
const LEAF_DAYS: i64 = 397;
/// Clocks of a plant's tablets may be a little behind.
const BACKDATE_MS: i64 = DAY_MS;

/// The appliance's own certificate authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

impl Authority {
    /// Loads the authority, or makes it when neither file is there.
    pub(super) fn obtain(certificate: &Path, key: &Path, now: Timestamp) -> Result<Self, TlsError> {
        match (certificate.exists(), key.exists()) {
            (true, true) => {}
            // The certificate is written last: a key alone is a start that was killed.
            (false, _) => make_authority(certificate, key, now)?,
            (true, false) => {
                return Err(TlsError::damaged(
                    certificate,
                    "its private key is missing: restore it, or remove both to start anew",
                ));
            }
        }
        refuse_readable_by_others(key)?;
        let pem = fs::read_to_string(certificate).map_err(TlsError::io(certificate))?;
        let key_pem = fs::read_to_string(key).map_err(TlsError::io(key))?;
        let pair = KeyPair::from_pem(&key_pem)
            .map_err(|_| TlsError::damaged(key, "it is not a private key in PEM"))?;
        let issuer = Issuer::from_ca_cert_pem(&pem, pair)
            .map_err(|_| TlsError::damaged(certificate, "it is not a certificate in PEM"))?;
        let (_, parsed) = parse_x509_pem(pem.as_bytes())
            .map_err(|_| TlsError::damaged(certificate, "it is not a certificate in PEM"))?;
        Ok(Self { issuer, certificate: parsed.contents })
    }

    /// Issues a leaf for `names`, with a new key. The chain file holds the leaf and the authority.
    pub(super) fn issue(
        &self,
        names: &[String],
        leaf: &Path,
        key: &Path,
        now: Timestamp,
    ) -> Result<(), TlsError> {
        let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new(names.to_vec())?;
        params.distinguished_name = subject("Millwright");
        params.not_before = moment(now.plus_ms(-BACKDATE_MS));
        params.not_after = moment(now.plus_ms(LEAF_DAYS * DAY_MS));
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&pair, &self.issuer)?;
        write(key, &pair.serialize_pem())?;
        write(leaf, &certificate.pem())
    }

    /// Whether this authority signed the leaf.
    pub(super) fn issued(&self, leaf_pem: &[u8]) -> bool {
        let Ok((_, authority)) = X509Certificate::from_der(&self.certificate) else { return false };
        let Ok((_, pem)) = parse_x509_pem(leaf_pem) else { return false };
        let Ok(leaf) = pem.parse_x509() else { return false };
        leaf.issuer() == authority.subject()
            && leaf_authority_key(&leaf) == own_key_identifier(&authority)
    }
}

fn make_authority(certificate: &Path, key: &Path, now: Timestamp) -> Result<(), TlsError> {
    let pair = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = subject("Millwright appliance authority");
    params.not_before = moment(now.plus_ms(-BACKDATE_MS));
    params.not_after = moment(now.plus_ms(CA_DAYS * DAY_MS));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let made = params.self_signed(&pair)?;
    write(key, &pair.serialize_pem())?;
    write(certificate, &made.pem())
}

/// What is asked of a leaf on disk.
pub(super) struct LeafFacts {
    pub(super) expires_at: Timestamp,
    /// DNS names and addresses, sorted.
    pub(super) names: Vec<String>,
}

impl LeafFacts {
    pub(super) fn read(pem: &[u8]) -> Result<Self, &'static str> {
        let (_, block) = parse_x509_pem(pem).map_err(|_| "it is not PEM")?;
        let certificate = block.parse_x509().map_err(|_| "it is not an X.509 certificate")?;
        let expires_s = certificate.validity().not_after.timestamp();
        let alternative = certificate
            .subject_alternative_name()
            .map_err(|_| "its subject alternative name can't be read")?;
        let names = alternative.map_or_else(Vec::new, |extension| {
            extension.value.general_names.iter().filter_map(name_text).collect()
        });
        Ok(Self {
            expires_at: Timestamp::from_unix_ms(expires_s.saturating_mul(1000)),
            names: sorted(&names),
        })
    }
}

pub(super) fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let v6 = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            v4.or(v6).ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn leaf_authority_key<'a>(leaf: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    use x509_parser::extensions::ParsedExtension;
    leaf.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|k| k.0),
        _ => None,
    })
}

fn own_key_identifier<'a>(authority: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    use x509_parser::extensions::ParsedExtension;
    authority.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    })
}

fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject.push(DnType::OrganizationName, "Millwright");
    subject
}

fn moment(at: Timestamp) -> OffsetDateTime {
    // A `Timestamp` lies between 1970 and 9999, which this type can hold.
    OffsetDateTime::from_unix_timestamp(at.unix_s()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn write(path: &Path, pem: &str) -> Result<(), TlsError> {
    seal::write_atomically(path, pem.as_bytes()).map_err(TlsError::io(path))
}
