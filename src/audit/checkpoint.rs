//! Signed tree heads: C2SP tlog-checkpoint in a C2SP signed note.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use seal::{SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::{Hash, NoteError};

/// Largest note that is read, in bytes: room for the sixteen signatures that a verifier must
/// accept, post-quantum ones of 5 kB included.
pub const NOTE_MAX_BYTES: usize = 128 * 1024;

/// Longest origin, in bytes.
pub const ORIGIN_MAX_BYTES: usize = 255;

const SIGNATURE_TYPE_ED25519: u8 = 0x01;
const KEY_ID_BYTES: usize = 4;
const SIGNATURE_MARK: &str = "— ";

/// The state of a log at one moment: which log, how many entries, which root.
///
/// Its signed form (<https://c2sp.org/tlog-checkpoint>):
///
/// ```text
/// millwright/log/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10
/// 4096
/// CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
///
/// — millwright/log/0190b6a1-7c3e-7d42-8b1f-3f6a5c9d2e10 Az3grlgt…
/// ```
///
/// The origin is also the name of the signing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: no spaces, no plus sign, at most [`ORIGIN_MAX_BYTES`].
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// Root of the tree over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The signed note. Deterministic: the same checkpoint and key give the same text.
    ///
    /// # Errors
    /// [`NoteError::Origin`] when the origin cannot stand in a note.
    pub fn sign(&self, key: &SigningKey) -> Result<String, NoteError> {
        self.sign_extended(key, None)
    }

    /// As [`sign`](Self::sign), with an extension line, which is signed too.
    ///
    /// # Errors
    /// [`NoteError`] when origin or line can't stand in a note.
    pub fn sign_extended(
        &self,
        key: &SigningKey,
        extension: Option<&str>,
    ) -> Result<String, NoteError> {
        check_origin(&self.origin)?;
        let root = STANDARD.encode(self.root.as_bytes());
        let mut text = format!("{}\n{}\n{root}\n", self.origin, self.size);
        if let Some(extension) = extension {
            if extension.is_empty() || extension.contains(char::is_control) {
                return Err(NoteError::Malformed("an extension line that can't be one"));
            }
            text.push_str(extension);
            text.push('\n');
        }
        let mut signature = key_id(&self.origin, &key.verifying_key()).to_vec();
        signature.extend_from_slice(&key.sign(text.as_bytes()));
        let signature = STANDARD.encode(signature);
        Ok(format!("{text}\n{SIGNATURE_MARK}{} {signature}\n", self.origin))
    }

    /// Reads a signed note that must be a checkpoint of the log `origin`, signed by `key`.
    /// Signatures by other keys are ignored, as the specification demands; extension lines are
    /// covered by the signature and otherwise ignored.
    ///
    /// # Errors
    /// [`NoteError`] says whether it is malformed, of another log, unsigned or wrongly signed.
    pub fn verify(text: &str, origin: &str, key: &VerifyingKey) -> Result<Self, NoteError> {
        Ok(Self::verify_extended(text, origin, key)?.0)
    }

    /// As [`verify`](Self::verify), with the first extension line.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn verify_extended<'t>(
        text: &'t str,
        origin: &str,
        key: &VerifyingKey,
    ) -> Result<(Self, Option<&'t str>), NoteError> {
        check_origin(origin)?;
        if text.len() > NOTE_MAX_BYTES {
            return Err(NoteError::TooLarge);
        }
        if text.chars().any(|c| c < ' ' && c != '\n') {
            return Err(NoteError::Malformed("a control character"));
        }
        // The text keeps its last newline; the empty line belongs to neither part.
        let blank = text.rfind("\n\n").ok_or(NoteError::Malformed("no empty line"))?;
        let (body, signatures) = (&text[..=blank], &text[blank + 2..]);
        verify_signatures(body, signatures, origin, key)?;
        Ok((parse_body(body, origin)?, body.lines().nth(3)))
    }
}

/// Every signature line must be well formed; those of `key` must verify, and there must be one.
fn verify_signatures(
    body: &str,
    signatures: &str,
    origin: &str,
    key: &VerifyingKey,
) -> Result<(), NoteError> {
    let lines = signatures
        .strip_suffix('\n')
        .ok_or(NoteError::Malformed("no newline behind the last signature"))?;
    let known_id = key_id(origin, key);
    let mut verified = Err(NoteError::Unsigned);
    for line in lines.split('\n') {
        let (name, signature) = line
            .strip_prefix(SIGNATURE_MARK)
            .and_then(|line| line.split_once(' '))
            .ok_or(NoteError::Malformed("a signature line is not: — name signature"))?;
        if !is_key_name(name) {
            return Err(NoteError::Malformed("a key name that cannot be one"));
        }
        let bytes = STANDARD
            .decode(signature)
            .map_err(|_| NoteError::Malformed("a signature that is not base64"))?;
        let (id, signature) = bytes
            .split_first_chunk::<KEY_ID_BYTES>()
            .filter(|(_, signature)| !signature.is_empty())
            .ok_or(NoteError::Malformed("a signature that is too short"))?;
        if name == origin && *id == known_id {
            let signature = signature
                .try_into()
                .map_err(|_| NoteError::Malformed("an Ed25519 signature has 64 bytes"))?;
            key.verify(body.as_bytes(), signature).map_err(NoteError::Signature)?;
            verified = Ok(());
        }
    }
    verified
}

/// The three lines, and extension lines that are not empty.
fn parse_body(body: &str, origin: &str) -> Result<Checkpoint, NoteError> {
    let lines = body.strip_suffix('\n').ok_or(NoteError::Malformed("no newline at its end"))?;
    let mut lines = lines.split('\n');
    let first_line = lines.next().ok_or(NoteError::Malformed("no origin"))?;
    if first_line != origin {
        return Err(NoteError::OtherOrigin);
    }
    let size = lines.next().and_then(parse_size).ok_or(NoteError::Malformed("no tree size"))?;
    let root = lines.next().and_then(parse_root).ok_or(NoteError::Malformed("no root hash"))?;
    if lines.any(str::is_empty) {
        return Err(NoteError::Malformed("an empty line"));
    }
    Ok(Checkpoint { origin: origin.to_owned(), size, root })
}

/// Decimal digits without leading zeros.
fn parse_size(text: &str) -> Option<u64> {
    let is_plain =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if is_plain { text.parse().ok() } else { None }
}

fn parse_root(text: &str) -> Option<Hash> {
    let bytes = STANDARD.decode(text).ok()?;
    Some(Hash::from_bytes(bytes.try_into().ok()?))
}

/// SHA-256(name ‖ 0A ‖ 01 ‖ public key), its first four bytes (<https://c2sp.org/signed-note>).
fn key_id(name: &str, key: &VerifyingKey) -> [u8; KEY_ID_BYTES] {
    let digest = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', SIGNATURE_TYPE_ED25519])
        .chain_update(key.as_bytes())
        .finalize();
    let mut id = [0; KEY_ID_BYTES];
    id.copy_from_slice(&digest[..KEY_ID_BYTES]);
    id
}

fn check_origin(origin: &str) -> Result<(), NoteError> {
    if origin.len() <= ORIGIN_MAX_BYTES && is_key_name(origin) {
        Ok(())
    } else {
        Err(NoteError::Origin)
    }
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

#[cfg(test)]
mod tests;
