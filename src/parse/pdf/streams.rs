//! Unpacks streams and says whether all of one was there: lopdf hands over what a torn Flate
//! stream yields without a word, and a page that lost its second half must not look whole.

use std::io::Read;

use flate2::read::ZlibDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use lopdf::{DecompressError, Error, Object, Stream};

/// First size of the buffer, as a multiple of the packed size.
const RATIO_GUESS: usize = 4;

/// Bytes of a zlib stream's header and of the checksum at its end (RFC 1950).
const ZLIB_HEADER_BYTES: usize = 2;
const ZLIB_CHECKSUM_BYTES: usize = 4;

/// What a stream held.
pub(super) struct Unpacked {
    pub(super) data: Vec<u8>,
    /// A part is missing or does not fit the checksum.
    pub(super) is_damaged: bool,
}

/// Unpacks a stream of at most `limit_bytes`.
///
/// # Errors
/// [`Error::Decompress`] for a stream that is larger; others for filters that are unknown or whose
/// data can't be read at all.
pub(super) fn unpack(stream: &Stream, limit_bytes: usize) -> Result<Unpacked, Error> {
    if is_plain_flate(stream) {
        return inflate(&stream.content, limit_bytes);
    }
    let data = stream.get_plain_content_with_limit(limit_bytes)?;
    Ok(Unpacked { data, is_damaged: false })
}

/// Whether Flate is the only filter, without a predictor: nearly every content stream.
fn is_plain_flate(stream: &Stream) -> bool {
    let is_flate = matches!(stream.filters().as_deref(), Ok([b"FlateDecode" | b"Fl"]));
    is_flate && !matches!(stream.dict.get(b"DecodeParms"), Ok(o) if !matches!(o, Object::Null))
}

fn inflate(packed: &[u8], limit_bytes: usize) -> Result<Unpacked, Error> {
    let too_large =
        || Error::Decompress(DecompressError::MemoryLimitExceeded { limit: limit_bytes });
    if packed.is_empty() {
        return Ok(Unpacked { data: Vec::new(), is_damaged: false });
    }
    let mut data = Vec::with_capacity(packed.len().saturating_mul(RATIO_GUESS).min(limit_bytes));
    let one_more = u64::try_from(limit_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let sound = ZlibDecoder::new(packed).take(one_more).read_to_end(&mut data).is_ok();
    if data.len() > limit_bytes {
        return Err(too_large());
    }
    if sound {
        return Ok(Unpacked { data, is_damaged: false });
    }
    inflate_torn(packed, limit_bytes).ok_or_else(too_large)
}

/// Up to the byte where it breaks, and without the checksum; `None` when it is larger than the
/// limit.
fn inflate_torn(packed: &[u8], limit_bytes: usize) -> Option<Unpacked> {
    let body = packed.get(ZLIB_HEADER_BYTES..).unwrap_or_default();
    let mut data = Vec::with_capacity(packed.len());
    let mut inflater = Decompress::new(false);
    let mut read = 0;
    let end = loop {
        let (read_before, length_before) = (read, data.len());
        let status = inflater.decompress_vec(&body[read..], &mut data, FlushDecompress::None);
        if data.len() > limit_bytes {
            return None;
        }
        read = usize::try_from(inflater.total_in()).map_or(body.len(), |n| n.min(body.len()));
        let has_moved = (read, data.len()) != (read_before, length_before);
        match status {
            Ok(Status::Ok | Status::BufError) if has_moved => data.reserve(packed.len()),
            status => break status,
        }
    };
    // Some programs leave the checksum out; that alone costs nothing.
    let is_whole = matches!(end, Ok(Status::StreamEnd)) && body.len() - read < ZLIB_CHECKSUM_BYTES;
    Some(Unpacked { data, is_damaged: !is_whole })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;
    use lopdf::dictionary;

    use super::*;

    /// Text that does not repeat, so that a cut takes a part of it.
    fn text() -> Vec<u8> {
        (0..2_000u32)
            .flat_map(|n| format!("({}) Tj ", n.wrapping_mul(2_654_435_761)).into_bytes())
            .collect()
    }

    fn packed() -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&text()).unwrap();
        encoder.finish().unwrap()
    }

    fn flate(content: Vec<u8>) -> Stream {
        Stream::new(dictionary! { "Filter" => "FlateDecode" }, content)
    }

    #[test]
    fn a_sound_stream_is_whole() {
        let out = unpack(&flate(packed()), usize::MAX).unwrap();
        assert!(out.data == text() && !out.is_damaged);
        let named_twice = Stream::new(
            dictionary! { "Filter" => vec![Object::from("FlateDecode")], "DecodeParms" => Object::Null },
            packed(),
        );
        assert_eq!(unpack(&named_twice, usize::MAX).unwrap().data, text());
        let none = Stream::new(dictionary! {}, text());
        assert_eq!(unpack(&none, usize::MAX).unwrap().data, text());
        assert!(!unpack(&flate(Vec::new()), 0).unwrap().is_damaged);
    }

    #[test]
    fn a_torn_stream_gives_what_is_there_and_says_so() {
        let whole = packed();
        let out = unpack(&flate(whole[..whole.len() / 2].to_vec()), usize::MAX).unwrap();
        assert!(out.is_damaged);
        assert!(out.data.len() > text().len() / 3 && text().starts_with(&out.data));
    }

    #[test]
    fn the_checksum_counts_when_it_is_there() {
        let whole = packed();
        let without = whole[..whole.len() - ZLIB_CHECKSUM_BYTES].to_vec();
        let out = unpack(&flate(without), usize::MAX).unwrap();
        assert!(out.data == text() && !out.is_damaged);
        let mut wrong = whole;
        *wrong.last_mut().unwrap() ^= 1;
        let out = unpack(&flate(wrong), usize::MAX).unwrap();
        assert!(out.data == text() && out.is_damaged);
    }

    #[test]
    fn a_stream_above_the_limit_is_refused() {
        let limit_bytes = text().len() - 1;
        for content in [packed(), packed()[..packed().len() - 1].to_vec()] {
            let refused = unpack(&flate(content), limit_bytes);
            assert!(matches!(refused, Err(Error::Decompress(_))));
        }
        assert!(unpack(&flate(packed()), text().len()).is_ok());
    }
}
