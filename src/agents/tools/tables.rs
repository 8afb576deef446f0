//! `query_table`: SQL over a copy of a table that stands in a document, or that a CSV file is.

use std::collections::BTreeSet;

use base::{Classification, PageNumber};
use knowledge::Revision;
use models::BoxFuture;
use parse::Table;
use policy::{Permission, authorize};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{
    TABLE_MAX_BYTES, TABLE_MAX_COLUMNS, TABLE_MAX_ROWS, TABLE_NAME, TableAnswer, TableCell,
    TableCopy, TableLimits, table_query, table_query_patience,
};

use super::documents::{document_named, document_parameter, revision_named, told};
use super::model::{SideEffect, Tool, ToolEnv, ToolFailure, ToolInfo, ToolOutput};
use super::registry::{ToolboxError, arguments, parameters};

/// Rows that are shown of a table that was only looked at.
const PREVIEW_ROWS: usize = 3;

/// Asks a table.
pub(super) struct QueryTable {
    info: ToolInfo,
}

impl QueryTable {
    pub(super) fn new() -> Result<Self, ToolboxError> {
        let properties = json!({
            "document": document_parameter(),
            "page": {
                "type": "integer", "minimum": 1, "maximum": 100_000,
                "description": "the page that the table stands on; not for CSV files",
            },
            "table": {
                "type": "integer", "minimum": 1, "maximum": 100,
                "description": "which table of the page, from 1; the first when left out",
            },
            "sql": {
                "type": "string", "minLength": 1, "maxLength": 8000,
                "description": "one SELECT from the table `data` (SQLite); leave it out to see \
                                columns and first rows",
            },
        });
        let info = ToolInfo {
            name: "query_table",
            description: "Filters, sorts, counts and sums rows of a table in a document, or of a \
                          CSV file, by SQL. Look at its columns first.",
            parameters: parameters("query_table", &properties, &["document"])?,
            side_effect: SideEffect::Read,
            ceiling: Classification::Restricted,
            permission: Some(Permission::DocumentsRead),
        };
        Ok(Self { info })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    document: String,
    page: Option<u32>,
    table: Option<usize>,
    sql: Option<String>,
}

impl Tool for QueryTable {
    fn info(&self) -> &ToolInfo {
        &self.info
    }

    fn run<'a>(
        &'a self,
        env: &'a ToolEnv<'a>,
        value: Value,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFailure>> {
        Box::pin(async move {
            let asked: Asked = arguments(value)?;
            let document = document_named(env, &asked.document).await?;
            let revision = revision_named(env, document, None).await?;
            let (label, revisions) = (revision.label, BTreeSet::from([revision.id]));
            let copy = match asked.page {
                Some(page) => on_page(env, &revision, page, asked.table.unwrap_or(1)).await?,
                None => of_csv(env, revision).await?,
            };
            let content = match asked.sql {
                None => preview(&copy),
                Some(sql) => answered(copy, sql).await?,
            };
            Ok(ToolOutput::read(content, label, revisions))
        })
    }
}

async fn answered(copy: TableCopy, sql: String) -> Result<Value, ToolFailure> {
    let limits = TableLimits::default();
    let work = tokio::task::spawn_blocking(move || table_query(&copy, &sql, limits));
    let outcome = tokio::time::timeout(table_query_patience(limits), work).await;
    let answer = match outcome {
        Ok(Ok(Ok(answer))) => answer,
        Ok(Ok(Err(error))) => {
            return Err(ToolFailure::new("table_query_failed", error.to_string()));
        }
        Ok(Err(_)) | Err(_) => {
            return Err(ToolFailure::new("table_query_failed", "the statement came to no end"));
        }
    };
    Ok(rows_of(&answer))
}

fn rows_of(answer: &TableAnswer) -> Value {
    let rows: Vec<Vec<Value>> =
        answer.rows.iter().map(|row| row.iter().map(value_of).collect()).collect();
    json!({ "columns": answer.columns, "rows": rows, "more_rows": answer.more })
}

fn value_of(cell: &TableCell) -> Value {
    match cell {
        TableCell::Empty => Value::Null,
        #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^53")]
        TableCell::Number(n) if n.fract() == 0.0 && n.abs() < 9e15 => json!(*n as i64),
        TableCell::Number(n) => json!(n),
        TableCell::Text(text) => json!(text),
    }
}

fn preview(copy: &TableCopy) -> Value {
    let rows = copy.rows.iter().take(PREVIEW_ROWS).cloned().collect();
    let answer = TableAnswer { columns: copy.columns.clone(), rows, more: false };
    json!({ "table": TABLE_NAME, "row_count": copy.rows.len(), "first": rows_of(&answer) })
}

/// The `nth` table of a page, from 1.
async fn on_page(
    env: &ToolEnv<'_>,
    revision: &Revision,
    page: u32,
    nth: usize,
) -> Result<TableCopy, ToolFailure> {
    let permit = authorize(env.ctx)
        .map_err(|_| ToolFailure::new("tool_forbidden", "the person may not do this"))?;
    let read = knowledge::page_text(permit, revision.document_id, revision.id, PageNumber(page));
    let read = read.await.map_err(told)?;
    let tables: Vec<&Table> = read.blocks.iter().filter_map(parse::Block::table).collect();
    let table = tables.get(nth - 1).ok_or_else(|| {
        let detail = format!("the page has {} tables", tables.len());
        ToolFailure::new("table_not_found", detail)
    })?;
    let header_rows = (table.header_rows as usize).min(table.rows.len());
    let texts: Vec<Vec<String>> = table
        .rows
        .iter()
        .map(|row| row.cells.iter().map(|cell| cell.text.trim().to_owned()).collect())
        .collect();
    let (head, body) = texts.split_at(header_rows);
    copy_of(head, body, decimal_in(revision.language.as_deref()))
}

/// The file itself, when it is one of comma-separated values.
async fn of_csv(env: &ToolEnv<'_>, revision: Revision) -> Result<TableCopy, ToolFailure> {
    let name = revision.file_name.to_lowercase();
    if !name.ends_with(".csv") && !name.ends_with(".tsv") {
        let detail = "this is no CSV file: say on which page the table stands";
        return Err(ToolFailure::new("table_not_found", detail));
    }
    if revision.size_bytes > TABLE_MAX_BYTES as u64 {
        return Err(ToolFailure::new("table_too_large", "the file is too large to be asked"));
    }
    let language = revision.language;
    let permit = authorize(env.ctx)
        .map_err(|_| ToolFailure::new("tool_forbidden", "the person may not do this"))?;
    let opened = knowledge::original_open(permit, revision.document_id, revision.id);
    let reader = opened.await.map_err(told)?.reader;
    let work = tokio::task::spawn_blocking(move || reader.read_all(TABLE_MAX_BYTES));
    let bytes =
        work.await.ok().and_then(Result::ok).ok_or_else(|| {
            ToolFailure::new("original_missing", "the original file can't be read")
        })?;
    csv_table(&bytes, decimal_in(language.as_deref()))
}

/// Reads comma-, semicolon- or tab-separated values; the first line names the columns. `usual` is the mark before
/// decimals where the file itself says nothing of it.
fn csv_table(bytes: &[u8], usual: Option<char>) -> Result<TableCopy, ToolFailure> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_start_matches('\u{feff}');
    let first = text.lines().next().unwrap_or_default();
    let count = |c: char| first.matches(c).count();
    let delimiter =
        [';', '\t', ','].into_iter().max_by_key(|c| count(*c)).filter(|c| count(*c) > 0);
    let delimiter = u8::try_from(delimiter.unwrap_or(',')).unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows: Vec<Vec<String>> = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            ToolFailure::new("table_not_found", format!("the file is no CSV: {error}"))
        })?;
        if rows.len() > TABLE_MAX_ROWS {
            return Err(ToolFailure::new("table_too_large", "the table has too many rows"));
        }
        rows.push(record.iter().map(str::to_owned).collect());
    }
    let (head, body) = rows.split_at(rows.len().min(1));
    // Programs that write decimals behind commas separate by semicolons, and the other way round.
    let usual = match delimiter {
        b';' => Some(','),
        b',' => Some('.'),
        _ => usual,
    };
    copy_of(head, body, usual)
}

/// A table with unique column names, and numbers where a column has nothing else. `usual` is the mark before
/// decimals where no cell shows it.
fn copy_of(
    head: &[Vec<String>],
    body: &[Vec<String>],
    usual: Option<char>,
) -> Result<TableCopy, ToolFailure> {
    let width = head.iter().chain(body).map(Vec::len).max().unwrap_or(0);
    if width == 0 || width > TABLE_MAX_COLUMNS {
        let detail = format!("a table needs 1 to {TABLE_MAX_COLUMNS} columns, this has {width}");
        return Err(ToolFailure::new("table_not_found", detail));
    }
    let columns = column_names(head, width);
    let cells = || body.iter().flatten().map(|text| text.trim());
    let Some(decimal) = decimal_shown(cells()).or(usual) else {
        let unclear = |row: &Vec<String>| row.iter().any(|text| mark_of(text) == Mark::Either);
        if let Some(row) = body.iter().position(unclear) {
            let detail = format!("a number in row {} may have thousands or decimals", row + 1);
            return Err(ToolFailure::new("table_ambiguous", detail));
        }
        return copy_of(head, body, Some('.'));
    };
    let numeric: Vec<bool> = (0..width).map(|i| is_numeric(body, i, decimal)).collect();
    let rows = body.iter().map(|row| {
        let cell = |i: usize| match row.get(i).map(|text| text.trim()).unwrap_or_default() {
            "" | "–" | "-" => TableCell::Empty,
            text if numeric[i] => number(text, decimal).map_or(TableCell::Empty, TableCell::Number),
            text => TableCell::Text(text.to_owned()),
        };
        (0..width).map(cell).collect()
    });
    Ok(TableCopy { columns, rows: rows.collect() })
}

/// Names from all rows of the header; numbered where there is none, or one is there twice.
fn column_names(head: &[Vec<String>], width: usize) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(width);
    for i in 0..width {
        let parts: Vec<&str> = head
            .iter()
            .filter_map(|row| row.get(i))
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .collect();
        let mut name = parts.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            name = format!("column_{}", i + 1);
        }
        // SQLite takes names that differ in case alone for the same.
        let taken = |names: &[String], name: &str| {
            names.iter().any(|other| other.to_lowercase() == name.to_lowercase())
        };
        if taken(&names, &name) {
            name = format!("{name}_{}", i + 1);
        }
        while taken(&names, &name) {
            name.push('_');
        }
        names.push(name);
    }
    names
}

fn is_numeric(body: &[Vec<String>], column: usize, decimal: char) -> bool {
    let mut cells = body
        .iter()
        .filter_map(|row| row.get(column))
        .map(|text| text.trim())
        .filter(|text| !matches!(*text, "" | "–" | "-"))
        .peekable();
    cells.peek().is_some() && cells.all(|text| number(text, decimal).is_some())
}

/// The mark before decimals that people use who write this language (BCP 47).
fn decimal_in(language: Option<&str>) -> Option<char> {
    match language?.split('-').next()? {
        "en" => Some('.'),
        "de" | "cs" | "sk" | "pl" | "fr" | "es" | "it" | "nl" | "pt" => Some(','),
        _ => None,
    }
}

/// What a cell says of the mark before decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    /// Nothing: it is no number, or has no mark.
    None,
    /// It is this one.
    Decimal(char),
    /// It has one mark, which may as well stand between thousands: `1.250`.
    Either,
}

fn mark_of(text: &str) -> Mark {
    let text = digits_and_marks(text);
    let digits = text.trim_start_matches(['-', '+']);
    if !digits.starts_with(|c: char| c.is_ascii_digit())
        || !digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ','))
    {
        return Mark::None;
    }
    let Some(last) = digits.rfind(['.', ',']) else { return Mark::None };
    let mark = if digits[last..].starts_with('.') { '.' } else { ',' };
    let other = if mark == '.' { ',' } else { '.' };
    let (before, behind) = (&digits[..last], &digits[last + 1..]);
    if before.contains(mark) {
        // Twice: it stands between thousands, as in 1.250.000.
        let groups = digits.split(mark).skip(1).all(|group| group.len() == 3);
        return if groups { Mark::Decimal(other) } else { Mark::None };
    }
    let may_be_thousands = behind.len() == 3 && before.len() <= 3 && before != "0";
    if may_be_thousands && !before.contains(other) { Mark::Either } else { Mark::Decimal(mark) }
}

/// The mark before decimals, where the cells agree on one.
fn decimal_shown<'c>(cells: impl Iterator<Item = &'c str>) -> Option<char> {
    let marks = cells.filter_map(|cell| match mark_of(cell) {
        Mark::Decimal(mark) => Some(mark),
        Mark::None | Mark::Either => None,
    });
    let marks: BTreeSet<char> = marks.collect();
    if marks.len() == 1 { marks.first().copied() } else { None }
}

/// Without what stands between thousands whatever the language, and with a minus that programs know.
fn digits_and_marks(text: &str) -> String {
    let kept = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\''));
    kept.map(|c| if c == '−' { '-' } else { c }).collect()
}

/// A number with `decimal` before its decimals, and the other mark, spaces or apostrophes between thousands.
fn number(text: &str, decimal: char) -> Option<f64> {
    let text = digits_and_marks(text);
    let between = if decimal == '.' { ',' } else { '.' };
    let (whole, behind) = text.split_once(decimal).unwrap_or((&text, ""));
    if behind.contains(between) || behind.contains(decimal) {
        return None;
    }
    let mut groups = whole.split(between);
    let first = groups.next().unwrap_or_default().trim_start_matches(['-', '+']);
    let mut groups = groups.peekable();
    if groups.peek().is_some() && !(1..=3).contains(&first.len()) {
        return None;
    }
    if groups.any(|group| group.len() != 3 || !group.bytes().all(|b| b.is_ascii_digit())) {
        return None;
    }
    let text = text.replace(between, "").replace(decimal, ".");
    // What Rust reads as a number and people don't.
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
        return None;
    }
    // A leading zero makes it a name: 0123 is no number of pieces.
    let digits = text.trim_start_matches(['-', '+']);
    if digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.") {
        return None;
    }
    text.parse::<f64>().ok().filter(|n| n.is_finite())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn separators_and_decimals_are_found() {
        let german =
            csv_table("Teil;Menge;Preis\nR-1;2;1.250,50\nR-2;3;0,5\n".as_bytes(), None).unwrap();
        assert_eq!(german.columns, ["Teil", "Menge", "Preis"]);
        assert_eq!(german.rows[0][2], TableCell::Number(1250.5));
        let english = csv_table(b"Part,Qty\n\"Seal, red\",1\n0012,\n", None).unwrap();
        assert_eq!(english.rows[0][0], TableCell::Text("Seal, red".into()));
        assert_eq!(english.rows[1], [TableCell::Text("0012".into()), TableCell::Empty]);
    }

    #[test]
    fn thousands_are_no_decimals_and_who_can_not_tell_says_so() {
        let price = |file: &str, usual| match csv_table(file.as_bytes(), usual).unwrap().rows[0][1]
        {
            TableCell::Number(price) => price,
            _ => f64::NAN,
        };
        assert_eq!(price("Part,Price\nR-1,\"1,250\"\n", None), 1250.0);
        assert_eq!(price("Teil;Preis\nR-1;1.250\n", None), 1250.0);
        assert_eq!(price("Teil;Preis\nR-1;1.250.000\n", None), 1_250_000.0);
        // What the cells show counts more than what is usual.
        assert_eq!(price("Teil;Preis\nR-1;1.250\nR-2;2.5\n", None), 1.25);
        // Neither shown nor known by the separator: by the language, or not at all.
        let tabs = "Teil\tPreis\nR-1\t1.250\n";
        assert_eq!(price(tabs, decimal_in(Some("de-DE"))), 1250.0);
        assert_eq!(price(tabs, decimal_in(Some("en"))), 1.25);
        assert_eq!(price("Teil\tPreis\nR-1\t2.50\n", None), 2.5);
        let failure = csv_table(tabs.as_bytes(), None).unwrap_err();
        assert!(failure.detail.contains("row 1 "), "{}", failure.detail);
    }

    #[test]
    fn names_of_columns_are_unique() {
        let head = [vec!["Torque".into(), "torque".into(), String::new()]];
        let body = [vec!["1".into(), "2".into(), "3".into(), "4".into()]];
        let copy = copy_of(&head, &body, None).unwrap();
        assert_eq!(copy.columns, ["Torque", "torque_2", "column_3", "column_4"]);
        assert!(copy_of(&[], &[], None).is_err());
    }

    #[test]
    fn texts_that_look_like_numbers_stay_texts() {
        for text in ["inf", "nan", "007", "1,2,3", "1.2.3", "12 Nm", "1e"] {
            assert_eq!(number(text, '.'), None, "{text}");
        }
        assert_eq!(number("1 250,5", ','), Some(1250.5));
        assert_eq!(number("1,250.5", '.'), Some(1250.5));
        assert_eq!(number("−3", '.'), Some(-3.0));
    }
}
