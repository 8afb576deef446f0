//! The ZIP around a DOCX, read with a cap on everything an attacker chooses.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::{FailureCode, ParseFailure};
use crate::limits::{
    ZIP_ENTRIES_MAX, ZIP_PART_MAX_BYTES, ZIP_RATIO_FLOOR_BYTES, ZIP_RATIO_MAX, ZIP_TOTAL_MAX_BYTES,
};

/// An opened archive and how much has been unpacked from it.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    unpacked_bytes: u64,
}

impl<'a> Archive<'a> {
    /// Reads the directory of the archive; nothing is unpacked yet.
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, ParseFailure> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| {
            ParseFailure::damaged("The file begins like a DOCX (ZIP) but its directory is damaged.")
        })?;
        if zip.len() > ZIP_ENTRIES_MAX {
            return Err(bomb(format_args!("it has more than {ZIP_ENTRIES_MAX} entries")));
        }
        Ok(Self { zip, unpacked_bytes: 0 })
    }

    /// Names of all entries, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = (0..self.zip.len())
            .filter_map(|i| self.zip.name_for_index(i)?.ok())
            .map(std::borrow::Cow::into_owned)
            .collect();
        names.sort();
        names
    }

    /// Unpacks one XML part and decodes it; `None` when there is no such part.
    pub(super) fn xml(&mut self, name: &str) -> Result<Option<String>, ParseFailure> {
        let Some(bytes) = self.part(name)? else { return Ok(None) };
        let (encoding, body) = match encoding_rs::Encoding::for_bom(&bytes) {
            Some((encoding, bom_bytes)) => (encoding, &bytes[bom_bytes..]),
            None => (encoding_rs::UTF_8, &bytes[..]),
        };
        let (text, _) = encoding.decode_without_bom_handling(body);
        Ok(Some(text.into_owned()))
    }

    fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ParseFailure> {
        let entry = match self.zip.by_name(name) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(unreadable(&error)),
        };
        if entry.encrypted() {
            return Err(ParseFailure::new(
                FailureCode::Encrypted,
                "The DOCX is protected with a password. Save it without the password.",
            ));
        }
        let packed_bytes = entry.compressed_size().max(1);
        let budget_bytes = ZIP_TOTAL_MAX_BYTES.saturating_sub(self.unpacked_bytes);
        // The sizes in the directory are the sender's word; what counts is what comes out.
        let limit_bytes = ZIP_PART_MAX_BYTES
            .min(budget_bytes)
            .min(ZIP_RATIO_FLOOR_BYTES.max(packed_bytes.saturating_mul(ZIP_RATIO_MAX)));
        let mut out = Vec::new();
        entry
            .take(limit_bytes + 1)
            .read_to_end(&mut out)
            .map_err(|_| ParseFailure::damaged("A part of the DOCX cannot be unpacked."))?;
        if out.len() as u64 > limit_bytes {
            return Err(bomb(format_args!("a part unpacks to more than {limit_bytes} bytes")));
        }
        self.unpacked_bytes += out.len() as u64;
        Ok(Some(out))
    }
}

fn bomb(what: impl std::fmt::Display) -> ParseFailure {
    ParseFailure::new(
        FailureCode::ZipBomb,
        format_args!("The DOCX looks like an archive made to exhaust its reader: {what}."),
    )
}

fn unreadable(error: &ZipError) -> ParseFailure {
    match error {
        ZipError::UnsupportedArchive(reason) if reason.contains("assword") => ParseFailure::new(
            FailureCode::Encrypted,
            "The DOCX is protected with a password. Save it without the password.",
        ),
        _ => ParseFailure::damaged("A part of the DOCX is damaged."),
    }
}
