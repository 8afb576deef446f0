//! Which of the first rows of a table are its header, where the file does not say.

use crate::model::TableRow;

/// Most rows of a header.
const HEADER_ROWS_MAX: usize = 3;

/// Counts header rows. `bold` tells for each row whether all of its text is bold.
pub(crate) fn header_rows(rows: &[TableRow], bold: &[bool]) -> u32 {
    if rows.len() < 2 {
        return 0;
    }
    let leading = bold.iter().take_while(|b| **b).count();
    if leading < rows.len() && (1..=HEADER_ROWS_MAX).contains(&leading) {
        return leading as u32;
    }
    // A title over the whole table, then the names of the columns.
    let filled = |r: &TableRow| r.cells.iter().filter(|c| !c.text.is_empty()).count();
    let title_rows = usize::from(filled(&rows[0]) == 1 && rows.len() > 2 && filled(&rows[1]) > 1);
    if names_columns(&rows[title_rows], &rows[title_rows + 1..]) {
        return title_rows as u32 + 1;
    }
    0
}

/// Every cell filled, none with a digit and none a label of a form (`Serial no.:`), above rows that
/// have digits.
fn names_columns(first: &TableRow, rest: &[TableRow]) -> bool {
    let has_digit = |text: &str| text.chars().any(|c| c.is_ascii_digit());
    let is_name = |text: &str| !text.is_empty() && !has_digit(text) && !text.ends_with(':');
    first.cells.len() >= 2
        && first.cells.iter().all(|c| is_name(&c.text))
        && rest.iter().any(|r| r.cells.iter().any(|c| has_digit(&c.text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(texts: &[&[&str]]) -> Vec<TableRow> {
        texts.iter().map(|r| TableRow::unplaced(r.iter().copied())).collect()
    }

    #[test]
    fn headers_by_weight_and_by_words() {
        let plain = rows(&[&["Part", "Torque"], &["Bolt", "45 Nm"]]);
        assert_eq!(header_rows(&plain, &[false, false]), 1);
        assert_eq!(header_rows(&plain, &[true, true]), 1);
        let numbers = rows(&[&["1", "2"], &["3", "4"]]);
        assert_eq!(header_rows(&numbers, &[true, false]), 1);
        assert_eq!(header_rows(&numbers, &[false, false]), 0);
        let titled = rows(&[&["Torques", ""], &["Part", "Nm"], &["Bolt", "45"]]);
        assert_eq!(header_rows(&titled, &[false; 3]), 2);
        assert_eq!(header_rows(&plain[..1], &[true]), 0);
        let form = rows(&[&["Owner:", "Brandl"], &["Phone:", "224"]]);
        assert_eq!(header_rows(&form, &[false; 2]), 0);
    }
}
