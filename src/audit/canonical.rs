//! Canonical JSON: one value, one spelling.
//!
//! RFC 8785 (JCS), with its numbers restricted to integers:
//!
//! - UTF-8, no white space between tokens, no byte-order mark;
//! - object members sorted by their names' UTF-16 code units; no name twice;
//! - strings escape `"` and `\` with a backslash, U+0008, U+0009, U+000A, U+000C and U+000D as
//!   `\b \t \n \f \r`, every other character below U+0020 as `\u00xx` with lower-case digits, and
//!   nothing else: all other characters stand for themselves;
//! - numbers are integers from −(2⁵³−1) to 2⁵³−1, without sign for zero, leading zeros, fraction
//!   or exponent. A number that is none of these is recorded as a *string* that holds it in
//!   decimal (`0.35` as `"0.35"`): numbers must not read differently in different languages, and
//!   recording must not fail over a fraction.

mod scan;

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

pub(crate) use scan::Scanner;

/// Greatest integer that every JSON reader keeps exactly (RFC 7493 section 2.2): 2⁵³−1.
pub const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

/// Largest value in an entry, in bytes of its canonical JSON.
pub const VALUE_MAX_BYTES: usize = 64 * 1024;

/// Deepest nesting of a value in an entry, in arrays and objects.
pub const VALUE_DEPTH_MAX: usize = 32;

/// Appends `value` to `out`. One that is larger than [`VALUE_MAX_BYTES`] or deeper than
/// [`VALUE_DEPTH_MAX`] is replaced by an object that says so:
/// `{"omitted":{"reason":"too_large","sha256":"…","size_bytes":n}}`, with the SHA-256 of the
/// canonical bytes it stands for, or `{"omitted":{"reason":"too_deep"}}`.
pub(crate) fn write_bounded_value(out: &mut Vec<u8>, value: &Value) {
    let start = out.len();
    if write_value(out, value, 0).is_err() {
        out.truncate(start);
        out.extend_from_slice(br#"{"omitted":{"reason":"too_deep"}}"#);
        return;
    }
    let size_bytes = out.len() - start;
    if size_bytes > VALUE_MAX_BYTES {
        let sha256 = hex::encode(Sha256::digest(&out[start..]));
        out.truncate(start);
        let marker = format!(
            r#"{{"omitted":{{"reason":"too_large","sha256":"{sha256}","size_bytes":{size_bytes}}}}}"#
        );
        out.extend_from_slice(marker.as_bytes());
    }
}

struct TooDeep;

fn write_value(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), TooDeep> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(out, number),
        Value::String(text) => write_string(out, text),
        Value::Array(items) => write_array(out, items, inside(depth)?)?,
        Value::Object(members) => write_object(out, members, inside(depth)?)?,
    }
    Ok(())
}

const fn inside(depth: usize) -> Result<usize, TooDeep> {
    if depth < VALUE_DEPTH_MAX { Ok(depth + 1) } else { Err(TooDeep) }
}

fn write_array(out: &mut Vec<u8>, items: &[Value], depth: usize) -> Result<(), TooDeep> {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_value(out, item, depth)?;
    }
    out.push(b']');
    Ok(())
}

fn write_object(
    out: &mut Vec<u8>,
    members: &Map<String, Value>,
    depth: usize,
) -> Result<(), TooDeep> {
    // The map's own order is by UTF-8 bytes or by insertion; both differ from UTF-16 order.
    let mut members: Vec<(&String, &Value)> = members.iter().collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push(b'{');
    for (at, (name, value)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_value(out, value, depth)?;
    }
    out.push(b'}');
    Ok(())
}

fn write_number(out: &mut Vec<u8>, number: &Number) {
    match safe_integer(number) {
        Some(integer) => out.extend_from_slice(integer.to_string().as_bytes()),
        None => write_string(out, &number.to_string()),
    }
}

/// The integer that `number` is, when every reader would keep it exactly.
fn safe_integer(number: &Number) -> Option<i64> {
    const MAX: i64 = SAFE_INTEGER_MAX as i64;
    let integer = match (number.as_i64(), number.as_f64()) {
        (Some(integer), _) => integer,
        // RFC 8785 writes 5.0 as 5 and −0.0 as 0.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "an integral float within ±(2⁵³−1) converts exactly"
        )]
        (None, Some(float)) if float.fract() == 0.0 && float.abs() <= MAX as f64 => float as i64,
        _ => return None,
    };
    (-MAX..=MAX).contains(&integer).then_some(integer)
}

/// Appends `text` as a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    // Runs of bytes that stand for themselves are copied whole.
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            0x00..0x20 => 0,
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[copied..at]);
        copied = at + 1;
        if short == 0 {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&text.as_bytes()[copied..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests;
