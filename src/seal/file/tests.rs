#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use base::{Entropy, EntropyError, OsEntropy, SeededEntropy};
use proptest::prelude::*;

use super::layout::{HEADER_BYTES, TAG_BYTES};
use super::*;
use crate::secret::Secret;
use crate::{CONTEXT_MAX_BYTES, DataKey, SealError};

const CONTEXT: &[u8] = b"blob:1";
const KIB4: usize = 4096;
const STRIDE: usize = KIB4 + TAG_BYTES;

fn key(seed: u64) -> DataKey {
    DataKey::generate(&SeededEntropy::new(seed)).unwrap()
}

/// Bytes that tell where they stand: no two chunks are alike.
fn contents(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

fn sealed_with(key: &DataKey, chunk_size: ChunkSize, contents: &[u8]) -> Vec<u8> {
    let options = FileOptions { key, context: CONTEXT, chunk_size };
    let mut writer = EncryptedWriter::create_with(Vec::new(), options, &OsEntropy).unwrap();
    writer.write_all(contents).unwrap();
    writer.finish().unwrap()
}

fn sealed(contents: &[u8]) -> Vec<u8> {
    sealed_with(&key(1), ChunkSize::Kib4, contents)
}

fn file_of(bytes: &[u8]) -> File {
    let file = tempfile::tempfile().unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file
}

fn open(bytes: &[u8]) -> Result<EncryptedReader, SealError> {
    EncryptedReader::open(file_of(bytes), &key(1), CONTEXT)
}

/// Opens and reads everything, as one that would be fooled would.
fn read_whole(file: &File) -> Result<Vec<u8>, SealError> {
    EncryptedReader::open(file.try_clone().unwrap(), &key(1), CONTEXT)?.read_all(1 << 20)
}

#[test]
fn what_is_written_is_read_whatever_the_length() {
    for chunk_size in ChunkSize::ALL {
        let chunk = chunk_size.bytes();
        for len in [0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 3 * chunk - 1, 3 * chunk] {
            let plain = contents(len);
            let bytes = sealed_with(&key(1), chunk_size, &plain);
            let chunks = len.div_ceil(chunk).max(1);
            assert_eq!(bytes.len(), HEADER_BYTES + len + chunks * TAG_BYTES);
            let reader = open(&bytes).unwrap();
            assert_eq!(reader.len(), len as u64);
            assert_eq!(reader.is_empty(), len == 0);
            assert_eq!(reader.read_all(len).unwrap(), plain);
        }
    }
}

/// Made by the Python package `cryptography` from the format in the module's documentation: data
/// key 20…3f, file id f0…ff, context `blob:1`.
#[test]
fn what_another_implementation_made_is_written_and_read() {
    struct FileId;
    impl Entropy for FileId {
        fn fill(&self, out: &mut [u8]) -> Result<(), EntropyError> {
            out.iter_mut().zip(0xf0..=0xff).for_each(|(byte, count)| *byte = count);
            Ok(())
        }
    }
    let mut secret = Secret::zeroed();
    secret.bytes_mut().iter_mut().zip(0x20..).for_each(|(byte, count)| *byte = count);
    let key = DataKey::from_secret(secret);
    let seal = |chunk_size, contents: &[u8]| {
        let options = FileOptions { key: &key, context: CONTEXT, chunk_size };
        let mut writer = EncryptedWriter::create_with(Vec::new(), options, &FileId).unwrap();
        writer.write_all(contents).unwrap();
        writer.finish().unwrap()
    };
    let small = "4d575345414c010cf0f1f2f3f4f5f6f7f8f9fafbfcfdfeff310d9795942df54b5789068215f7a26e\
                 97f29cd5334cb038fe50b627c9";
    assert_eq!(hex::encode(seal(ChunkSize::Kib4, b"grease nipple")), small);
    let empty = "4d575345414c0110f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff9afbc722f6580359a17b1c7b8b9b0de1";
    assert_eq!(hex::encode(seal(ChunkSize::Kib64, b"")), empty);
    let big = seal(ChunkSize::Kib4, &contents(2 * KIB4 + 5));
    assert_eq!(
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(big)),
        "63e68a00530faa22c2382971fc87d5c200e1a8e1a1c0cfcbb51fbdf0f8ffb4c4"
    );
    let file = file_of(&hex::decode(small).unwrap());
    let reader = EncryptedReader::open(file, &key, CONTEXT).unwrap();
    assert_eq!(reader.read_all(64).unwrap(), b"grease nipple");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn random_reads_equal_the_plaintext(
        len in 0..5 * KIB4,
        writes in proptest::collection::vec(1..2 * KIB4, 1..20),
        reads in proptest::collection::vec((0..6 * KIB4, 0..3 * KIB4), 1..40),
        cached in 0..4_usize,
    ) {
        let plain = contents(len);
        let key = key(1);
        let options = FileOptions { key: &key, context: CONTEXT, chunk_size: ChunkSize::Kib4 };
        let mut writer = EncryptedWriter::create_with(Vec::new(), options, &OsEntropy).unwrap();
        let mut rest = plain.as_slice();
        for size in writes.iter().cycle() {
            let (now, later) = rest.split_at(rest.len().min(*size));
            writer.write_all(now).unwrap();
            writer.flush().unwrap();
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        let reader = open(&writer.finish().unwrap()).unwrap().with_cached_chunks(cached);
        for (offset, size) in reads {
            let mut out = vec![0xee; size];
            let count = reader.read_at(offset as u64, &mut out).unwrap();
            let expected = &plain[offset.min(len)..(offset + size).min(len)];
            prop_assert_eq!(count, expected.len());
            prop_assert_eq!(&out[..count], expected);
            prop_assert!(out[count..].iter().all(|byte| *byte == 0xee));
            prop_assert!(reader.cached_now() <= cached.max(1));
        }
    }
}

#[test]
fn every_changed_byte_is_noticed() {
    let bytes = sealed(&contents(2 * KIB4 + 100));
    let file = file_of(&bytes);
    for (at, byte) in bytes.iter().enumerate() {
        // Every bit of the header, one bit of everything else.
        for bit in if at < HEADER_BYTES { 0..8 } else { at % 8..at % 8 + 1 } {
            file.write_all_at(&[byte ^ (1 << bit)], at as u64).unwrap();
            assert!(read_whole(&file).is_err(), "byte {at} bit {bit}");
        }
        file.write_all_at(&[*byte], at as u64).unwrap();
    }
    assert!(read_whole(&file).is_ok(), "the undamaged file is read");
}

#[test]
fn every_cut_and_every_added_byte_is_noticed() {
    for len in [0, 100, KIB4, 2 * KIB4, 2 * KIB4 + 100] {
        let bytes = sealed(&contents(len));
        let file = file_of(&bytes);
        for cut in (0..bytes.len()).rev() {
            file.set_len(cut as u64).unwrap();
            assert!(read_whole(&file).is_err(), "{len} bytes cut to {cut}");
        }
        for more in [1, TAG_BYTES, TAG_BYTES + 1, STRIDE] {
            let longer = [bytes.as_slice(), &vec![0; more]].concat();
            assert!(read_whole(&file_of(&longer)).is_err(), "{len} bytes and {more}");
        }
    }
}

#[test]
fn a_cut_between_chunks_is_told_when_the_file_is_opened() {
    let bytes = sealed(&contents(3 * KIB4));
    for chunks in 1..3 {
        let cut = HEADER_BYTES + chunks * STRIDE;
        let refused = open(&bytes[..cut]).err().unwrap();
        assert!(matches!(refused, SealError::Damaged { chunk } if chunk == chunks as u64 - 1));
    }
    let refused = open(&bytes[..HEADER_BYTES]).err().unwrap();
    assert!(matches!(refused, SealError::Truncated));
}

#[test]
fn chunks_that_change_places_are_noticed() {
    let bytes = sealed(&contents(4 * KIB4));
    let other = sealed(&contents(4 * KIB4));
    let chunk = |at: usize| HEADER_BYTES + at * STRIDE..HEADER_BYTES + (at + 1) * STRIDE;
    for from in 0..4 {
        for to in 0..4 {
            if from != to {
                let mut swapped = bytes.clone();
                swapped[chunk(to)].copy_from_slice(&bytes[chunk(from)]);
                swapped[chunk(from)].copy_from_slice(&bytes[chunk(to)]);
                assert!(read_whole(&file_of(&swapped)).is_err(), "{from} and {to} swapped");
                let mut repeated = bytes.clone();
                repeated[chunk(to)].copy_from_slice(&bytes[chunk(from)]);
                assert!(read_whole(&file_of(&repeated)).is_err(), "{from} again at {to}");
            }
        }
        // The same contents, key and context: only the file differs.
        let mut foreign = bytes.clone();
        foreign[chunk(from)].copy_from_slice(&other[chunk(from)]);
        let refused = read_whole(&file_of(&foreign)).unwrap_err();
        assert!(matches!(refused, SealError::Damaged { chunk } if chunk == from as u64));
    }
}

#[test]
fn a_file_opens_only_with_its_key_and_context() {
    let bytes = sealed(&contents(100));
    for context in [b"blob:2".as_slice(), b"", b"blob:", b"blob:1\0"] {
        let refused = EncryptedReader::open(file_of(&bytes), &key(1), context);
        assert!(matches!(refused, Err(SealError::Damaged { chunk: 0 })), "{context:?}");
    }
    assert!(EncryptedReader::open(file_of(&bytes), &key(2), CONTEXT).is_err());
    let sub_key = key(1).derive("blobs");
    assert!(EncryptedReader::open(file_of(&bytes), &sub_key, CONTEXT).is_err());
}

#[test]
fn another_chunk_size_in_the_header_is_noticed() {
    for len in [0, 100, 8 * KIB4] {
        let mut bytes = sealed(&contents(len));
        for exponent in (0..=255).filter(|exponent| *exponent != 12) {
            bytes[7] = exponent;
            assert!(read_whole(&file_of(&bytes)).is_err(), "{len} bytes, 2^{exponent}");
        }
    }
}

#[test]
fn other_files_are_told_apart() {
    assert!(matches!(open(b"").err(), Some(SealError::Truncated)));
    assert!(matches!(open(b"%PDF").err(), Some(SealError::Truncated)));
    assert!(matches!(open(&[b'x'; 100]).err(), Some(SealError::NotEncrypted)));
    let mut newer = sealed(b"x");
    newer[6] = 2;
    assert!(matches!(open(&newer).err(), Some(SealError::FormatVersion { version: 2 })));
}

#[test]
fn no_plaintext_and_no_likeness_is_left() {
    let plain = [0x5a; 3 * KIB4];
    let (first, second) = (sealed(&plain), sealed(&plain));
    assert!(!first.windows(8).any(|window| window == [0x5a; 8]));
    assert_ne!(first[HEADER_BYTES..], second[HEADER_BYTES..], "another file id");
    let chunk = |at: usize| &first[HEADER_BYTES + at * STRIDE..][..KIB4];
    assert_ne!(chunk(0), chunk(1), "another nonce");
}

#[test]
fn an_unfinished_file_does_not_open() {
    for len in [0, 100, KIB4, KIB4 + 1, 3 * KIB4] {
        let mut file = tempfile::tempfile().unwrap();
        let key = key(1);
        let options = FileOptions { key: &key, context: CONTEXT, chunk_size: ChunkSize::Kib4 };
        let mut writer = EncryptedWriter::create_with(&mut file, options, &OsEntropy).unwrap();
        writer.write_all(&contents(len)).unwrap();
        writer.flush().unwrap();
        drop(writer);
        assert!(read_whole(&file).is_err(), "{len}");
    }
}

/// Takes so many bytes and then fails.
struct Full {
    room: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room);
        self.room -= count;
        if count == 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(count) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_and_the_writer_stays_broken() {
    let key = key(1);
    let options = FileOptions { key: &key, context: CONTEXT, chunk_size: ChunkSize::Kib4 };
    let refused = EncryptedWriter::create_with(Full { room: 10 }, options, &OsEntropy);
    assert!(matches!(refused, Err(SealError::Io(_))));
    let inner = Full { room: HEADER_BYTES + STRIDE + 10 };
    let mut writer = EncryptedWriter::create_with(inner, options, &OsEntropy).unwrap();
    let failed = writer.write_all(&contents(3 * KIB4)).unwrap_err();
    assert_eq!(failed.kind(), io::ErrorKind::StorageFull);
    assert!(writer.write_all(b"more").is_err());
    assert!(matches!(writer.finish(), Err(SealError::WriterFailed)));
}

#[test]
fn refuses_long_contexts_and_missing_randomness() {
    struct NoEntropy;
    impl Entropy for NoEntropy {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
            Err(EntropyError)
        }
    }
    let refused = EncryptedWriter::create(Vec::new(), &key(1), CONTEXT, &NoEntropy);
    assert!(matches!(refused, Err(SealError::Entropy(_))));
    let context = [0; CONTEXT_MAX_BYTES + 1];
    let refused = EncryptedWriter::create(Vec::new(), &key(1), &context, &OsEntropy);
    assert!(matches!(refused, Err(SealError::ContextTooLong { .. })));
    let refused = EncryptedReader::open(file_of(&sealed(b"x")), &key(1), &context);
    assert!(matches!(refused, Err(SealError::ContextTooLong { .. })));
}

#[test]
fn threads_read_one_file_at_once() {
    fn shared<T: Send + Sync>(value: T) -> Arc<T> {
        Arc::new(value)
    }
    fn is_shared<T: Send + Sync>() {}
    is_shared::<EncryptedWriter<File>>();
    let plain = contents(20 * KIB4 + 77);
    let reader = shared(open(&sealed(&plain)).unwrap().with_cached_chunks(3));
    std::thread::scope(|scope| {
        for thread in 0..4_usize {
            let (reader, plain) = (Arc::clone(&reader), &plain);
            scope.spawn(move || {
                for turn in 0..300_usize {
                    let offset = (turn * 7919 + thread * 104_729) % plain.len();
                    let mut out = vec![0; (turn * 37) % (2 * KIB4)];
                    let count = reader.read_at(offset as u64, &mut out).unwrap();
                    assert_eq!(&out[..count], &plain[offset..offset + count]);
                    assert!(reader.cached_now() <= 3);
                }
            });
        }
    });
}

#[test]
fn a_file_that_shrinks_while_open_is_told() {
    let file = file_of(&sealed(&contents(3 * KIB4)));
    let reader = EncryptedReader::open(file.try_clone().unwrap(), &key(1), CONTEXT).unwrap();
    file.set_len((HEADER_BYTES + STRIDE) as u64).unwrap();
    let mut out = [0; 10];
    let refused = reader.read_at(KIB4 as u64, &mut out).unwrap_err();
    assert!(matches!(refused, SealError::Truncated));
    assert_eq!(io::Error::from(refused).kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_file_changed_while_open_is_told_by_chunk_and_as_invalid_data() {
    let file = file_of(&sealed(&contents(3 * KIB4)));
    let reader = EncryptedReader::open(file.try_clone().unwrap(), &key(1), CONTEXT).unwrap();
    file.write_all_at(b"\0\0\0\0", (HEADER_BYTES + STRIDE + 9) as u64).unwrap();
    let mut whole_chunk = vec![0; KIB4];
    for out in [&mut whole_chunk[..], &mut [0; 10]] {
        let refused = reader.read_at(KIB4 as u64, out).unwrap_err();
        assert!(matches!(refused, SealError::Damaged { chunk: 1 }));
        assert_eq!(io::Error::from(refused).kind(), io::ErrorKind::InvalidData);
    }
    assert_eq!(reader.read_at(0, &mut whole_chunk).unwrap(), KIB4, "other chunks are read");
}

#[test]
fn read_all_keeps_its_limit() {
    let reader = open(&sealed(&contents(100))).unwrap();
    assert!(matches!(reader.read_all(99), Err(SealError::Io(_))));
    assert_eq!(reader.read_all(100).unwrap().len(), 100);
}

#[test]
fn cursors_share_a_reader() {
    let plain = contents(2 * KIB4 + 9);
    let reader = Arc::new(open(&sealed(&plain)).unwrap());
    let mut first = EncryptedCursor::new(Arc::clone(&reader));
    let mut second = EncryptedCursor::new(&*reader);
    assert_eq!(first.seek(SeekFrom::End(-5)).unwrap(), plain.len() as u64 - 5);
    let mut tail = Vec::new();
    first.read_to_end(&mut tail).unwrap();
    assert_eq!(tail, plain[plain.len() - 5..]);
    let mut all = Vec::new();
    second.read_to_end(&mut all).unwrap();
    assert_eq!(all, plain);
    assert_eq!(second.seek(SeekFrom::Current(-9)).unwrap(), 2 * KIB4 as u64);
    assert!(second.seek(SeekFrom::Current(-100_000)).is_err());
    assert_eq!(second.seek(SeekFrom::Start(1 << 40)).unwrap(), 1 << 40);
    assert_eq!(second.read(&mut [0; 8]).unwrap(), 0, "behind the end there is nothing");
}
