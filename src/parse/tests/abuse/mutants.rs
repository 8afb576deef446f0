//! The documents of the sample plant, and how they are injured.

use std::io::{Cursor, Read as _, Write as _};
use std::path::Path;

use lopdf::Document;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::mutate::{Dice, mutant};

const PDF_WORDS: &[&[u8]] = &[
    b"obj",
    b"endobj",
    b"stream",
    b"endstream",
    b"xref",
    b"trailer",
    b"startxref",
    b"/Length",
    b"/Filter",
    b"/FlateDecode",
    b"/LZWDecode",
    b"/ASCII85Decode",
    b"/RunLengthDecode",
    b"/Kids",
    b"/Parent",
    b"/Pages",
    b"/Page",
    b"/Contents",
    b"/Resources",
    b"/Font",
    b"/Type0",
    b"/ToUnicode",
    b"/Widths",
    b"/MediaBox",
    b"/Rotate",
    b"/XObject",
    b"/Form",
    b"/Matrix",
    b"/DecodeParms",
    b"/Predictor",
    b"/Columns",
    b"/ObjStm",
    b"/Prev",
    b"/Encrypt",
    b" 0 R",
    b" R",
    b"BT",
    b"ET",
    b"Tj",
    b"TJ",
    b"Tf",
    b"cm",
    b"re",
    b"Do",
    b"BI",
    b"ID",
    b"EI",
    b"q",
    b"Q",
    b"<<",
    b">>",
    b"[",
    b"]",
    b"(",
    b")",
    b"null",
    b"beginbfrange",
    b"begincodespacerange",
];

const DOCX_WORDS: &[&[u8]] = &[
    b"<w:p>",
    b"</w:p>",
    b"<w:r>",
    b"</w:r>",
    b"<w:t>",
    b"</w:t>",
    b"<w:tbl>",
    b"</w:tbl>",
    b"<w:tr>",
    b"<w:tc>",
    b"</w:tc>",
    b"<w:gridSpan w:val=\"9999\"/>",
    b"<w:vMerge/>",
    b"w:val=\"",
    b"<w:numId w:val=\"1\"/>",
    b"<w:ilvl w:val=\"200\"/>",
    b"<w:br w:type=\"page\"/>",
    b"<!--",
    b"-->",
    b"<![CDATA[",
    b"]]>",
    b"&#x0;",
    b"&amp;",
    b"&x;",
    b"<!DOCTYPE a>",
    b"<?xml",
    b"xmlns:w",
    b"<w:del>",
    b"<w:txbxContent>",
    b"<mc:AlternateContent>",
    b"/>",
    b"\"",
];

const MARKDOWN_WORDS: &[&[u8]] = &[
    b"# ",
    b"> ",
    b"- ",
    b"1. ",
    b"```",
    b"~~~",
    b"|",
    b"|---|",
    b"[",
    b"](",
    b")",
    b"![",
    b"<",
    b">",
    b"**",
    b"_",
    b"`",
    b"\\",
    b"&amp;",
    b"    ",
    b"\t",
    b"\r",
    b"\n\n",
    b"<!--",
    b"[^1]:",
    b"\xef\xbb\xbf",
    b"\x0c",
    b"\0",
];

/// A document, with the name that its mutants bear, and how it is injured.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// The documents of the sample plant, in the order of their names.
pub(crate) fn samples() -> Vec<Sample> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/sample-plant/documents");
    let mut samples: Vec<Sample> = ["kestrel", "rauental"]
        .iter()
        .flat_map(|plant| std::fs::read_dir(root.join(plant)).unwrap())
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            Sample { name, bytes: std::fs::read(path).unwrap() }
        })
        .collect();
    samples.sort_by(|a, b| a.name.cmp(&b.name));
    samples
}

/// Makes mutants of the samples, each from its own number.
pub(crate) struct Maker {
    samples: Vec<Sample>,
    /// Of each PDF the same file with its streams unpacked, where injuries hit what is drawn.
    unpacked: Vec<Option<Vec<u8>>>,
}

impl Maker {
    pub(crate) fn new(samples: Vec<Sample>) -> Self {
        let unpacked = samples.iter().map(unpacked_pdf).collect();
        Self { samples, unpacked }
    }

    /// The mutant with this number: name of its sample, and its bytes.
    pub(crate) fn make(&self, seed: u64, number: usize) -> (&str, Vec<u8>) {
        let mut dice = Dice::new(seed.wrapping_mul(1_000_003).wrapping_add(number as u64));
        let index = number % self.samples.len();
        let sample = &self.samples[index];
        let others: Vec<&[u8]> = self.samples.iter().map(|s| s.bytes.as_slice()).collect();
        let bytes = match (extension(&sample.name), &self.unpacked[index]) {
            ("pdf", Some(open)) if dice.below(3) > 0 => mutant(&mut dice, open, &[open], PDF_WORDS),
            ("pdf", _) => mutant(&mut dice, &sample.bytes, &others, PDF_WORDS),
            ("docx", _) if dice.below(4) > 0 => injured_docx(&mut dice, &sample.bytes),
            ("docx", _) => mutant(&mut dice, &sample.bytes, &others, DOCX_WORDS),
            _ => mutant(&mut dice, &sample.bytes, &others, MARKDOWN_WORDS),
        };
        (&sample.name, bytes)
    }
}

fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn unpacked_pdf(sample: &Sample) -> Option<Vec<u8>> {
    if extension(&sample.name) != "pdf" {
        return None;
    }
    let mut document = Document::load_mem(&sample.bytes).unwrap();
    document.decompress();
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    Some(bytes)
}

/// The same archive with one of its parts injured before it was packed.
fn injured_docx(dice: &mut Dice, bytes: &[u8]) -> Vec<u8> {
    const PARTS: [&str; 3] = ["word/document.xml", "word/styles.xml", "word/numbering.xml"];
    let chosen = PARTS[dice.below(5).saturating_sub(2)];
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).unwrap();
        let name = part.name().unwrap().into_owned();
        let mut content = Vec::new();
        part.read_to_end(&mut content).unwrap();
        if name == chosen {
            content = mutant(dice, &content, &[&content.clone()], DOCX_WORDS);
        }
        out.start_file(name, options).unwrap();
        out.write_all(&content).unwrap();
    }
    out.finish().unwrap().into_inner()
}
