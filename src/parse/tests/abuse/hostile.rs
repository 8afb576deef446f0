//! Files made to hurt their reader, one trick each.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A hostile file.
pub(crate) struct Hostile {
    /// What it tries, as a name.
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// The code of the refusal, where only one is right; otherwise it may also be read in part.
    pub(crate) refused: Option<&'static str>,
}

fn hostile(name: &'static str, bytes: Vec<u8>) -> Hostile {
    Hostile { name, bytes, refused: None }
}

fn refused(name: &'static str, code: &'static str, bytes: Vec<u8>) -> Hostile {
    Hostile { name, bytes, refused: Some(code) }
}

const MIB: usize = 1024 * 1024;

/// What a bomb unpacks to: more than any of the limits.
const BOMB_BYTES: usize = 136 * MIB;

/// All of them.
#[allow(dead_code, reason = "whoever sends them through the server takes those that are soon made")]
pub(crate) fn all() -> Vec<Hostile> {
    let mut all = soon_made();
    all.extend(pdf_bombs());
    all.extend(pdf_pages());
    all.extend(docx_large());
    all.extend(texts());
    all
}

/// Those that do not take a second of a processor to make.
pub(crate) fn soon_made() -> Vec<Hostile> {
    let mut all = pdf_loops();
    all.extend(pdf_lies());
    all.extend(docx_archives());
    all.extend(docx_markup());
    all
}

// PDF

fn flate(content: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn stream(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {dictionary} /Length {} >>\nstream\n", content.len()).into_bytes();
    object.extend_from_slice(content);
    object.extend_from_slice(b"\nendstream");
    object
}

/// A PDF with these objects, numbered from 1; the first is the catalogue.
fn pdf_of(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
        out.extend_from_slice(object);
        out.extend_from_slice(b"\nendobj\n");
    }
    let start = out.len();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
    for offset in offsets {
        table.push_str(&format!("{offset:010} 00000 n \n"));
    }
    let size = objects.len() + 1;
    table
        .push_str(&format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"));
    out.extend_from_slice(table.as_bytes());
    out
}

/// A PDF of one page with these entries beside the usual ones; its further objects begin at 5.
fn one_page(page: &str, content: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    one_page_with(page, &stream("", content), more)
}

fn one_page_with(page: &str, content: &[u8], more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        format!("<< /Type /Page /Parent 2 0 R /Contents 4 0 R {page} >>").into_bytes(),
        content.to_vec(),
    ];
    objects.extend_from_slice(more);
    pdf_of(&objects)
}

const BOX: &str = "/MediaBox [0 0 595 842]";
const FONT: &str =
    "/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>";

fn page_with_font(content: &[u8]) -> Vec<u8> {
    one_page(&format!("{BOX} {FONT}"), content, &[])
}

fn pdf_bombs() -> Vec<Hostile> {
    let zeros = vec![b' '; BOMB_BYTES];
    let once = flate(&zeros);
    let twice = flate(&once);
    let plain =
        |dictionary: &str, content: &[u8]| one_page_with(BOX, &stream(dictionary, content), &[]);
    let mut nested = flate(b"BT ET");
    for _ in 0..200 {
        nested = flate(&nested);
    }
    let filters = "/FlateDecode ".repeat(201);
    let run_length: Vec<u8> = [129u8, b' '].repeat(2 * MIB);
    let ascii85 = [b"z".repeat(4 * MIB), b"~>".to_vec()].concat();
    vec![
        hostile("pdf_flate_bomb", plain("/Filter /FlateDecode", &once)),
        hostile("pdf_flate_bomb_twice", plain("/Filter [/FlateDecode /FlateDecode]", &twice)),
        hostile("pdf_filters_nested", plain(&format!("/Filter [{filters}]"), &nested)),
        hostile("pdf_run_length_bomb", plain("/Filter /RunLengthDecode", &run_length)),
        hostile("pdf_ascii85_bomb", plain("/Filter /ASCII85Decode", &ascii85)),
        hostile(
            "pdf_predictor_absurd",
            plain(
                "/Filter /FlateDecode /DecodeParms << /Predictor 15 /Columns 2147483647 /Colors \
                 2147483647 /BitsPerComponent 2147483647 >>",
                &flate(b"BT ET"),
            ),
        ),
        hostile(
            "pdf_predictor_negative",
            plain(
                "/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns -1 /Colors 0 >>",
                &flate(b"BT ET"),
            ),
        ),
        hostile(
            "pdf_lzw_garbage",
            plain("/Filter /LZWDecode /DecodeParms << /EarlyChange -7 >>", &[0xff; 65_536]),
        ),
        hostile("pdf_object_stream_bomb", object_stream(&once, "/N 1000000 /First 16")),
        hostile(
            "pdf_object_stream_lies",
            object_stream(&flate(b"1 0 2 9999999 3 -5 <<"), "/N 2147483647 /First 4294967295"),
        ),
    ]
}

fn object_stream(packed: &[u8], entries: &str) -> Vec<u8> {
    let object = stream(&format!("/Type /ObjStm /Filter /FlateDecode {entries}"), packed);
    one_page(BOX, b"BT ET", &[object])
}

fn pdf_loops() -> Vec<Hostile> {
    let catalogue = b"<< /Type /Catalog /Pages 2 0 R >>".to_vec();
    let own_kid = b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 /Parent 2 0 R >>".to_vec();
    let mut deep = vec![catalogue.clone()];
    for number in 2..20_002 {
        deep.push(format!("<< /Type /Pages /Kids [{} 0 R] /Count 1 >>", number + 1).into_bytes());
    }
    deep.push(b"<< /Type /Page >>".to_vec());
    let form = |next: &str, content: &[u8]| {
        stream(
            &format!(
                "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {next} >> >>"
            ),
            content,
        )
    };
    let with_form = format!("{BOX} /Resources << /XObject << /X 5 0 R >> >>");
    // Each draws the next ten times: 10^25 drawings.
    let laughs: Vec<Vec<u8>> =
        (6..31).map(|next| form(&format!("{next} 0 R"), &b"/X Do ".repeat(10))).collect();
    let chain: Vec<Vec<u8>> =
        (6..5_006).map(|next| form(&format!("{next} 0 R"), b"/X Do")).collect();
    let mut prev = one_page(BOX, b"BT ET", &[]);
    let text = String::from_utf8(prev.clone()).unwrap();
    let start = text.find("xref\n").unwrap();
    prev = text.replace("/Root 1 0 R", &format!("/Root 1 0 R /Prev {start}")).into_bytes();
    vec![
        hostile("pdf_kids_of_itself", pdf_of(&[catalogue.clone(), own_kid])),
        hostile("pdf_page_tree_deep", pdf_of(&deep)),
        hostile(
            "pdf_form_draws_itself",
            one_page(&with_form, b"/X Do", &[form("5 0 R", b"/X Do /X Do")]),
        ),
        hostile(
            "pdf_forms_draw_each_other",
            one_page(&with_form, b"/X Do", &[form("6 0 R", b"/X Do"), form("5 0 R", b"/X Do")]),
        ),
        hostile("pdf_billion_laughs", one_page(&with_form, b"/X Do", &laughs)),
        hostile("pdf_form_chain", one_page(&with_form, b"/X Do", &chain)),
        hostile("pdf_prev_loop", prev),
        hostile(
            "pdf_reference_to_itself",
            one_page("/MediaBox 5 0 R /Rotate 5 0 R", b"BT ET", &[b"5 0 R".to_vec()]),
        ),
        hostile(
            "pdf_length_of_itself",
            one_page_with(BOX, b"<< /Length 4 0 R >>\nstream\nBT ET\nendstream", &[]),
        ),
        hostile(
            "pdf_parent_loop",
            pdf_of(&[
                catalogue.clone(),
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 3 0 R >>".to_vec(),
                b"<< /Type /Page /Parent 2 0 R >>".to_vec(),
            ]),
        ),
        hostile(
            "pdf_contents_loop",
            pdf_of(&[
                catalogue,
                b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
                b"<< /Type /Page /Contents 4 0 R >>".to_vec(),
                b"[4 0 R 4 0 R 4 0 R]".to_vec(),
            ]),
        ),
        hostile("pdf_arrays_deep", one_page(BOX, b"BT ET", &[b"[".repeat(200_000)])),
        hostile("pdf_dictionaries_deep", one_page(BOX, b"BT ET", &[b"<</A".repeat(200_000)])),
        hostile("pdf_content_arrays_deep", page_with_font(&b"[".repeat(200_000))),
        hostile(
            "pdf_content_strings_deep",
            page_with_font(&[b"BT /F1 9 Tf ".to_vec(), b"(".repeat(200_000)].concat()),
        ),
        hostile("pdf_states_deep", page_with_font(&b"q ".repeat(1_000_000))),
        hostile("pdf_marks_deep", page_with_font(&b"/A BMC ".repeat(500_000))),
    ]
}

fn pdf_lies() -> Vec<Hostile> {
    let text = |s: &str| s.as_bytes().to_vec();
    let sound = String::from_utf8(one_page(BOX, b"BT ET", &[])).unwrap();
    let cmap = "begincmap 1 begincodespacerange <00> <FFFFFFFFFFFFFFFF> endcodespacerange \
                3 beginbfrange <0000> <FFFFFFFF> <0041> <00000000> <FFFFFFFE> [<0041>] <FFFF> <0000> <D800> \
                endbfrange endcmap";
    let type0 = format!(
        "{BOX} /Resources << /Font << /F1 << /Type /Font /Subtype /Type0 /Encoding /Identity-H \
                /DescendantFonts [<< /W [0 [1 2] 2147483647 -5 0 -1 4294967295 7] /DW -2147483648 >>] \
                /ToUnicode 5 0 R >> >> >>"
    );
    let widths = format!(
        "{BOX} /Resources << /Font << /F1 << /Type /Font /Subtype /TrueType /FirstChar \
                -2147483648 /LastChar 2147483647 /Widths [1e38 -1e38 (x) null] /FontMatrix [0 0 0 0 0 0] \
                /Encoding << /Differences [99999999 /a -5 /b (c) 1.5 /d] >> >> >> >>"
    );
    let mut wrong = Vec::new();
    for value in ["5", "(x)", "[]", "<< >>", "null", "/Name", "true", "[[[]]]", "99 0 R", "-1.5"] {
        wrong.push(format!(
            "/MediaBox {value} /CropBox {value} /Rotate {value} /Resources {value} /Annots {value} /Type {value}"
        ));
    }
    let mut all = vec![
        refused("pdf_header_alone", "damaged", text("%PDF-1.7\n")),
        hostile("pdf_xref_absurd", text(&sound.replace("xref\n0 5", "xref\n0 4294967295"))),
        hostile(
            "pdf_xref_negative",
            text(&sound.replace("xref\n0 5", "xref\n-7 99999999999999999999")),
        ),
        hostile("pdf_size_absurd", text(&sound.replace("/Size 5", "/Size 2147483647"))),
        hostile("pdf_count_absurd", text(&sound.replace("/Count 1", "/Count 2147483647"))),
        hostile(
            "pdf_count_negative",
            text(&sound.replace("/Count 1", "/Count -9223372036854775808")),
        ),
        hostile(
            "pdf_startxref_outside",
            text(&sound.replace("startxref\n", "startxref\n9999999999999")),
        ),
        hostile(
            "pdf_length_absurd",
            text(&sound.replace("/Length 5", "/Length 9223372036854775807")),
        ),
        hostile("pdf_length_negative", text(&sound.replace("/Length 5", "/Length -1"))),
        hostile("pdf_box_infinite", one_page("/MediaBox [-1e38 -1e38 1e38 1e38]", b"BT ET", &[])),
        hostile("pdf_box_not_a_number", one_page("/MediaBox [nan inf -inf 1e999]", b"BT ET", &[])),
        hostile("pdf_rotated_absurdly", one_page(&format!("{BOX} /Rotate 1e38"), b"BT ET", &[])),
        hostile(
            "pdf_cmap_absurd",
            one_page(&type0, b"BT /F1 9 Tf <0041FFFF> Tj ET", &[stream("", cmap.as_bytes())]),
        ),
        hostile("pdf_widths_absurd", one_page(&widths, b"BT /F1 1e38 Tf (abc) Tj ET", &[])),
        hostile(
            "pdf_image_huge",
            one_page_with(
                &format!("{BOX} /Resources << /XObject << /X 5 0 R >> >>"),
                &stream("", b"/X Do"),
                &[stream(
                    "/Type /XObject /Subtype /Image /Width 2147483647 /Height 2147483647 /BitsPerComponent 16 /ColorSpace /DeviceCMYK /Filter /FlateDecode",
                    &flate(&vec![0; 64 * MIB]),
                )],
            ),
        ),
        hostile(
            "pdf_inline_image_huge",
            page_with_font(
                b"BI /W 2147483647 /H 2147483647 /BPC 8 /CS /RGB ID x EI BT /F1 9 Tf (a) Tj ET",
            ),
        ),
        hostile("pdf_inline_image_endless", page_with_font(b"BI /W 1 /H 1 ID xxxxxxxxxxxxxxxx")),
        hostile(
            "pdf_encrypted_wrongly",
            encrypted("/V 5 /R 6 /Length 2147483647 /O (x) /U () /OE (y) /UE (z) /Perms (p) /P -1"),
        ),
        hostile(
            "pdf_encrypted_short",
            encrypted(
                "/V 4 /R 4 /Length 0 /O (x) /U (y) /P 9e99 /CF << /StdCF << /CFM /AESV2 /Length -1 >> >> /StmF /StdCF /StrF /StdCF",
            ),
        ),
        hostile("pdf_encrypted_types", encrypted("/V [] /R << >> /O 5 /U null /P (x)")),
    ];
    let wrong_types = [
        "pdf_types_number",
        "pdf_types_string",
        "pdf_types_array",
        "pdf_types_dictionary",
        "pdf_types_null",
        "pdf_types_name",
        "pdf_types_boolean",
        "pdf_types_arrays",
        "pdf_types_nothing",
        "pdf_types_real",
    ];
    assert_eq!(wrong.len(), wrong_types.len());
    for (name, page) in wrong_types.into_iter().zip(&wrong) {
        all.push(hostile(
            name,
            one_page(page, b"BT /F1 (x) Tf [(a) null << >>] TJ (b) cm re ET", &[]),
        ));
    }
    all
}

fn encrypted(entries: &str) -> Vec<u8> {
    let sound = String::from_utf8(one_page(BOX, b"BT ET", &[])).unwrap();
    let entry = format!("/Root 1 0 R /ID [(a) (b)] /Encrypt << /Filter /Standard {entries} >>");
    sound.replace("/Root 1 0 R", &entry).into_bytes()
}

fn pdf_pages() -> Vec<Hostile> {
    let mut many = vec![b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()];
    let kids: String = (3..20_003).map(|n| format!("{n} 0 R ")).collect();
    many.push(format!("<< /Type /Pages /Kids [{kids}] /Count 20000 >>").into_bytes());
    many.extend((0..20_000).map(|_| b"<< /Type /Page /Parent 2 0 R >>".to_vec()));
    let same: String = "3 0 R ".repeat(1_000_000);
    let repeated = pdf_of(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{same}] /Count 1000000 >>").into_bytes(),
        b"<< /Type /Page /Parent 2 0 R >>".to_vec(),
    ]);
    let mut words = b"BT /F1 9 Tf ".to_vec();
    for n in 0..400_000u32 {
        words.extend_from_slice(
            format!("1 0 0 1 {} {} Tm (w) Tj ", n % 595, (n / 7) % 842).as_bytes(),
        );
    }
    let mut grid = Vec::new();
    for n in 0..300_000u32 {
        grid.extend_from_slice(
            format!("{} {} m {} {} l S ", n % 595, n % 842, (n * 7) % 595, n % 842).as_bytes(),
        );
    }
    let mut cells = b"BT /F1 3 Tf ".to_vec();
    for n in 0..40_000u32 {
        cells.extend_from_slice(
            format!("1 0 0 1 {} {} Tm (c{n}) Tj ", n % 200 * 3, n / 200 * 4).as_bytes(),
        );
    }
    cells.extend_from_slice(b"ET ");
    for n in 0..400u32 {
        cells.extend_from_slice(
            format!("{0} 0 m {0} 842 l S 0 {1} m 595 {1} l S ", n % 200 * 3, n * 2).as_bytes(),
        );
    }
    let one_string =
        [b"BT /F1 9 Tf (".to_vec(), b"a".repeat(24 * MIB), b") Tj ET".to_vec()].concat();
    let spread = [
        b"BT /F1 9 Tf [".to_vec(),
        b"(a) -99999999 (b) 1e38 ".repeat(200_000),
        b"] TJ ET".to_vec(),
    ]
    .concat();
    let operands = [b"1 ".repeat(4_000_000), b"cm".to_vec()].concat();
    vec![
        refused("pdf_pages_too_many", "too_many_pages", pdf_of(&many)),
        hostile("pdf_page_a_million_times", repeated),
        hostile("pdf_words_without_end", page_with_font(&words)),
        hostile("pdf_rules_without_end", page_with_font(&grid)),
        hostile("pdf_table_huge", page_with_font(&cells)),
        hostile("pdf_string_huge", page_with_font(&one_string)),
        hostile("pdf_letters_spread", page_with_font(&spread)),
        hostile("pdf_operands_without_end", page_with_font(&operands)),
    ]
}

// DOCX

fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(1));
    for (name, content) in parts {
        zip.start_file(*name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const MAIN: &str = "word/document.xml";
const SOUND: &str =
    "<w:document><w:body><w:p><w:r><w:t>Sound.</w:t></w:r></w:p></w:body></w:document>";

fn docx(body: &str) -> Vec<u8> {
    packed(&[(MAIN, format!("<w:document><w:body>{body}</w:body></w:document>").as_bytes())])
}

/// Replaces what stands in every local header and directory entry at this place behind the mark.
fn patched(mut bytes: Vec<u8>, mark: &[u8], offset: usize, value: &[u8]) -> Vec<u8> {
    let places: Vec<usize> =
        bytes.windows(mark.len()).enumerate().filter(|(_, w)| *w == mark).map(|(i, _)| i).collect();
    for place in places {
        let at = place + offset;
        if at + value.len() <= bytes.len() {
            bytes[at..at + value.len()].copy_from_slice(value);
        }
    }
    bytes
}

const LOCAL: &[u8] = b"PK\x03\x04";
const ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";

fn docx_archives() -> Vec<Hostile> {
    let sound = packed(&[(MAIN, SOUND.as_bytes())]);
    let huge = vec![b' '; BOMB_BYTES];
    let names: Vec<String> = (0..12_000).map(|n| format!("word/{n}.xml")).collect();
    let mut many: Vec<(&str, &[u8])> = vec![(MAIN, SOUND.as_bytes())];
    many.extend(names.iter().map(|name| (name.as_str(), &b""[..])));
    let slips: [(&str, &[u8]); 5] = [
        (MAIN, SOUND.as_bytes()),
        ("../../../../etc/cron.d/millwright", b"x"),
        ("/etc/millwright", b"x"),
        ("..\\..\\windows\\x.xml", b"x"),
        ("word/\0/../../../document.xml", b"x"),
    ];
    vec![
        refused("docx_bomb", "zip_bomb", packed(&[(MAIN, &huge)])),
        refused(
            "docx_bomb_in_styles",
            "zip_bomb",
            packed(&[(MAIN, SOUND.as_bytes()), ("word/styles.xml", &huge)]),
        ),
        refused("docx_entries_too_many", "zip_bomb", packed(&many)),
        hostile("docx_names_that_climb", packed(&slips)),
        hostile(
            "docx_size_lies",
            patched(patched(sound.clone(), LOCAL, 22, &[1, 0, 0, 0]), ENTRY, 24, &[1, 0, 0, 0]),
        ),
        hostile(
            "docx_size_absurd",
            patched(patched(sound.clone(), LOCAL, 18, &[0xff; 8]), ENTRY, 20, &[0xff; 8]),
        ),
        hostile(
            "docx_offset_outside",
            patched(sound.clone(), ENTRY, 42, &[0xff, 0xff, 0xff, 0x7f]),
        ),
        hostile("docx_count_absurd", patched(sound.clone(), END, 8, &[0xff, 0xff, 0xff, 0xff])),
        hostile(
            "docx_directory_outside",
            patched(sound.clone(), END, 12, &[0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f]),
        ),
        hostile(
            "docx_encrypted_flag",
            patched(patched(sound.clone(), LOCAL, 6, &[1, 0]), ENTRY, 8, &[1, 0]),
        ),
        hostile(
            "docx_method_unknown",
            patched(patched(sound.clone(), LOCAL, 8, &[99, 0]), ENTRY, 10, &[99, 0]),
        ),
        hostile(
            "docx_checksum_wrong",
            patched(patched(sound.clone(), LOCAL, 14, &[1; 4]), ENTRY, 16, &[1; 4]),
        ),
        hostile("docx_in_docx", packed(&[(MAIN, &sound), ("word/embeddings/a.docx", &sound)])),
        hostile("docx_appended", [sound.clone(), vec![0; 2 * MIB]].concat()),
        hostile("docx_prepended", [LOCAL.to_vec(), vec![0; 2 * MIB], sound].concat()),
    ]
}

fn docx_large() -> Vec<Hostile> {
    // What compresses less: each part is allowed, together they are not.
    let noise: Vec<u8> =
        (0..34 * MIB).map(|n| b' ' + (n.wrapping_mul(2_654_435_761) >> 13) as u8 % 4).collect();
    let footnotes = [b"<w:footnotes>".to_vec(), noise.clone(), b"</w:footnotes>".to_vec()].concat();
    vec![hostile(
        "docx_parts_large_together",
        packed(&[
            (MAIN, &[b"<w:document>".to_vec(), noise.clone(), b"</w:document>".to_vec()].concat()),
            ("word/footnotes.xml", &footnotes),
            ("word/endnotes.xml", &footnotes),
            ("word/styles.xml", &footnotes),
        ]),
    )]
}

fn docx_markup() -> Vec<Hostile> {
    let main = |xml: &str| packed(&[(MAIN, xml.as_bytes())]);
    let mut laughs = String::from("<!DOCTYPE l [<!ENTITY a0 \"ha\">");
    for n in 1..40 {
        let previous = format!("&a{};", n - 1).repeat(10);
        laughs.push_str(&format!("<!ENTITY a{n} \"{previous}\">"));
    }
    laughs.push_str("]>");
    let body = |inner: &str| format!("<w:document><w:body>{inner}</w:body></w:document>");
    let quadratic = format!(
        "<!DOCTYPE l [<!ENTITY a \"{}\">]>{}",
        "x".repeat(100_000),
        body(&"&a;".repeat(10_000))
    );
    let table =
        format!("{}{}", "<w:tbl><w:tr><w:tc>".repeat(80), "</w:tc></w:tr></w:tbl>".repeat(80));
    let flat = format!(
        "<w:tbl>{}</w:tbl>",
        "<w:tr><w:tc><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc></w:tr>".repeat(100_000)
    );
    let wide = format!(
        "<w:tbl><w:tr>{}</w:tr></w:tbl>",
        "<w:tc><w:tcPr><w:gridSpan w:val=\"2147483647\"/><w:vMerge/></w:tcPr><w:p/></w:tc>"
            .repeat(20_000)
    );
    let styles = "<w:styles><w:style w:styleId=\"A\"><w:basedOn w:val=\"B\"/></w:style>\
                  <w:style w:styleId=\"B\"><w:basedOn w:val=\"A\"/></w:style></w:styles>";
    let numbering = "<w:numbering><w:abstractNum w:abstractNumId=\"0\">\
                     <w:lvl w:ilvl=\"4294967295\"><w:start w:val=\"18446744073709551615\"/></w:lvl>\
                     <w:lvl w:ilvl=\"0\"><w:start w:val=\"4294967295\"/><w:numFmt w:val=\"lowerRoman\"/>\
                     <w:lvlText w:val=\"%1%2%3%4%5%6%7%8%9%99%%\"/></w:lvl></w:abstractNum>\
                     <w:num w:numId=\"1\"><w:abstractNumId w:val=\"0\"/></w:num></w:numbering>";
    let listed = "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"0\"/><w:numId w:val=\"1\"/></w:numPr></w:pPr><w:r><w:t>x</w:t></w:r></w:p>";
    let utf16: Vec<u8> =
        [vec![0xff, 0xfe], body("<w:p/>").encode_utf16().flat_map(u16::to_le_bytes).collect()]
            .concat();
    vec![
        refused("docx_billion_laughs", "xml_forbidden", main(&format!("{laughs}{}", body("&a39;")))),
        refused("docx_external_entity", "xml_forbidden", main(&format!("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>{}", body("<w:p><w:r><w:t>&x;</w:t></w:r></w:p>")))),
        refused("docx_external_dtd", "xml_forbidden", main(&format!("<!DOCTYPE a SYSTEM \"http://192.0.2.1/a.dtd\">{}", body("")))),
        refused("docx_quadratic_entity", "xml_forbidden", main(&quadratic)),
        refused("docx_entity_in_styles", "xml_forbidden", packed(&[(MAIN, SOUND.as_bytes()), ("word/styles.xml", laughs.as_bytes())])),
        hostile("docx_entity_unknown", docx("<w:p><w:r><w:t>&nothing;&#x110000;&#xD800;</w:t></w:r></w:p>")),
        hostile("docx_elements_deep", main(&"<w:p>".repeat(1_000_000))),
        hostile("docx_elements_deep_and_closed", docx(&format!("{}{}", "<a>".repeat(200_000), "</a>".repeat(200_000)))),
        hostile("docx_tables_deep", docx(&table)),
        hostile("docx_table_long", docx(&flat)),
        hostile("docx_table_wide", docx(&wide)),
        hostile("docx_attributes_without_end", main(&format!("<w:document {}/>", (0..200_000).map(|n| format!("a{n}=\"\" ")).collect::<String>()))),
        hostile("docx_attribute_huge", main(&format!("<w:document a=\"{}\"/>", "x".repeat(32 * MIB)))),
        hostile("docx_attribute_twice", docx("<w:p w:val=\"1\" w:val=\"2\"><w:r><w:t a a=>x</w:t></w:r></w:p>")),
        hostile("docx_text_huge", docx(&format!("<w:p><w:r><w:t>{}</w:t></w:r></w:p>", "word ".repeat(6 * MIB)))),
        hostile("docx_page_breaks_without_end", docx(&"<w:p><w:r><w:br w:type=\"page\"/><w:t>x</w:t></w:r></w:p>".repeat(20_000))),
        hostile("docx_styles_loop", packed(&[(MAIN, body("<w:p><w:pPr><w:pStyle w:val=\"A\"/></w:pPr></w:p>").as_bytes()), ("word/styles.xml", styles.as_bytes())])),
        hostile("docx_numbers_absurd", packed(&[(MAIN, body(&listed.repeat(100)).as_bytes()), ("word/numbering.xml", numbering.as_bytes())])),
        hostile("docx_note_refers_to_itself", packed(&[(MAIN, body("<w:p><w:r><w:footnoteReference w:id=\"1\"/></w:r></w:p>").as_bytes()), ("word/footnotes.xml", b"<w:footnotes><w:footnote w:id=\"1\"><w:p><w:r><w:footnoteReference w:id=\"1\"/></w:r></w:p></w:footnote></w:footnotes>")])),
        hostile("docx_comment_endless", main("<w:document><!-- ")),
        hostile("docx_cdata_endless", docx("<w:p><w:r><w:t><![CDATA[ x")),
        hostile("docx_in_utf16", packed(&[(MAIN, &utf16)])),
        hostile("docx_not_text", packed(&[(MAIN, &[0xff; 65_536])])),
        hostile("docx_tags_crossed", docx("<w:p><w:r></w:p></w:r><w:tbl></w:p></w:tbl>")),
    ]
}

// Markdown and text

fn texts() -> Vec<Hostile> {
    let marked = |text: String| format!("# Title\n\n| a | b |\n|---|---|\n\n{text}").into_bytes();
    let columns = 100_000;
    vec![
        hostile("markdown_quotes_deep", marked(format!("{} x", ">".repeat(200_000)))),
        hostile("markdown_lists_deep", marked((0..2_000).map(|n| format!("{}- x\n", "  ".repeat(n))).collect())),
        hostile("markdown_brackets", marked("[".repeat(500_000))),
        hostile("markdown_links_nested", marked(format!("{}{}", "[a](".repeat(100_000), ")".repeat(100_000)))),
        hostile("markdown_images_nested", marked(format!("{}{}", "![".repeat(100_000), "](x)".repeat(100_000)))),
        hostile("markdown_emphasis", marked("*a **b ".repeat(200_000))),
        hostile("markdown_stars", marked("*".repeat(1_000_000))),
        hostile("markdown_ticks", marked((1..2_000).map(|n| format!("{} ", "`".repeat(n))).collect())),
        hostile("markdown_table_wide", marked(format!("|{}\n|{}\n", "a|".repeat(columns), "-|".repeat(columns)))),
        hostile("markdown_table_long", marked(format!("| a |\n|---|\n{}", "| b |\n".repeat(500_000)))),
        hostile("markdown_references", marked(format!("{}{}", "[a]: /x\n".repeat(100_000), "[a] ".repeat(100_000)))),
        hostile("markdown_html_open", marked("<a ".repeat(300_000))),
        hostile("markdown_comments_open", marked("<!-- ".repeat(200_000))),
        hostile("markdown_entities", marked("&#99999999999;&#x0;&zwj;".repeat(100_000))),
        hostile("markdown_headings", marked("# x\n".repeat(200_000))),
        hostile("markdown_footnotes", marked("[^a]: [^a]\n\n".repeat(50_000))),
        hostile("text_line_huge", "word ".repeat(4 * MIB).into_bytes()),
        hostile("text_without_a_space", vec![b'a'; 30 * MIB]),
        refused("text_too_large", "too_large", "word ".repeat(8 * MIB).into_bytes()),
        refused("text_pages_without_end", "too_many_pages", "a\n\x0c".repeat(20_000).into_bytes()),
        hostile("text_lines_without_end", vec![b'\n'; 8 * MIB]),
        hostile("text_controls", (1..32u8).cycle().take(100_000).collect()),
        hostile("text_zero_bytes", vec![0; MIB]),
        hostile("text_half_utf16", [vec![0xff, 0xfe], [0x00, 0xd8].repeat(50_000), vec![0x41]].concat()),
        hostile("text_bytes_that_are_no_utf8", [b"text ".to_vec(), [0xc3, 0x28, 0xf0, 0x9f, 0xff].repeat(50_000)].concat()),
        hostile("text_marks_of_direction", "\u{202e}\u{2066}\u{200f}x ".repeat(100_000).into_bytes()),
        hostile("text_combining_marks", format!("a{}", "\u{301}".repeat(1_000_000)).into_bytes()),
        refused("text_external_entity", "xml_forbidden", b"<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>".to_vec()),
    ]
}
