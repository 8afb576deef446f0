//! Named limits of this room. The largest upload stands in [`base::limits::DOCUMENT_MAX_BYTES`].

/// Memory that the worker may use beyond its own program image, in bytes.
pub const MEMORY_DEFAULT_BYTES: u64 = 512 * 1024 * 1024;

/// Least memory a cage can be configured with; below it not even an empty document parses.
pub const MEMORY_MIN_BYTES: u64 = 32 * 1024 * 1024;

/// Wall-clock time for one document, in milliseconds.
pub const WALL_CLOCK_DEFAULT_MS: u64 = 30_000;

/// Wall-clock time for the cage's self-test, in milliseconds.
pub const SELF_TEST_WALL_CLOCK_MS: u64 = 10_000;

/// CPU seconds granted beyond the wall clock before the kernel ends the worker.
pub const CPU_GRACE_S: u64 = 2;

/// Most pages of one document.
pub const PAGES_MAX: u32 = 5_000;

/// Largest decoded text of a Markdown or text document, in bytes of UTF-8.
pub const TEXT_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Largest text of one page, in bytes of UTF-8; more is not a page but an attack.
pub const PAGE_TEXT_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Most bytes that one document may send back, over all frames.
pub const OUTPUT_MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Largest frame from the worker, in bytes.
pub const FRAME_MAX_BYTES: u32 = 96 * 1024 * 1024;

/// Most bytes of the worker's standard error that are kept to explain a crash.
pub const STDERR_MAX_BYTES: usize = 8 * 1024;

/// Most entries of a DOCX archive.
pub const ZIP_ENTRIES_MAX: usize = 10_000;

/// Largest single part of a DOCX that is read, unpacked, in bytes.
pub const ZIP_PART_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Most bytes unpacked from one DOCX, over all parts that are read.
pub const ZIP_TOTAL_MAX_BYTES: u64 = 128 * 1024 * 1024;

/// Highest ratio of unpacked to packed bytes of a part above [`ZIP_RATIO_FLOOR_BYTES`]. Word's own
/// XML stays under 40; DEFLATE ends at 1032.
pub const ZIP_RATIO_MAX: u64 = 200;

/// Parts that unpack to less than this are not judged by their ratio, in bytes.
pub const ZIP_RATIO_FLOOR_BYTES: u64 = 1024 * 1024;

/// Deepest nesting of XML elements.
pub const XML_DEPTH_MAX: usize = 256;

/// Longest title kept, in characters.
pub const TITLE_MAX_CHARS: usize = 300;

/// Most warnings kept per document.
pub const WARNINGS_MAX: usize = 100;

/// Most rows of one table; what follows starts another table with the same header.
pub const TABLE_ROWS_MAX: usize = 10_000;

/// Most columns of one table.
pub const TABLE_COLUMNS_MAX: usize = 200;

/// Most text fragments of one PDF page.
pub const PDF_SPANS_MAX: usize = 200_000;

/// Most ruling lines of one PDF page that are looked at when tables are sought.
pub const PDF_RULES_MAX: usize = 20_000;
