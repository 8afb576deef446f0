//! Pieces of text to lines: what stands on one baseline without a large gap belongs together.

use super::content::{Span, TextLine};
use crate::model::BBox;

/// A gap wider than this, in multiples of the font size, separates words. Letters of a word are
/// drawn closer, a space is rarely narrower than a fifth.
const WORD_GAP_EM: f32 = 0.16;

/// A gap wider than this, in multiples of the font size, separates columns or cells.
const SEGMENT_GAP_EM: f32 = 0.95;

/// Part of the lower height that two pieces must share to stand on one row.
const ROW_OVERLAP: f32 = 0.5;

/// How many rows back a piece may still belong to; columns with shifted baselines interleave.
const OPEN_ROWS: usize = 6;

/// Pieces whose sizes differ by more than this factor are no parts of one word: a label in the
/// smallest print beside a heading.
const SIZE_RATIO_MAX: f32 = 2.5;

/// Part of the narrower piece's width by which two pieces of one line may overlap.
const STACK_OVERLAP: f32 = 0.3;

/// How many pieces of a row are looked at for one that a new piece would lie over.
const STACK_LOOKBACK: usize = 256;

/// Two prints of one text closer than this, in multiples of the font size, make a poor man's bold.
const OVERPRINT_EM: f32 = 0.2;

/// This many dots in a row are a leader.
const LEADER_DOTS_MIN: usize = 4;

/// Joins pieces into segments: lines, or parts of lines between large gaps. Rows are numbered from
/// top to bottom.
pub(super) fn segments(mut spans: Vec<Span>) -> Vec<TextLine> {
    spans.retain(|s| !s.text.is_empty() && is_finite(&s.bbox));
    let mut out = Vec::new();
    for (row, mut members) in rows(spans).into_iter().enumerate() {
        members.sort_by(|a, b| a.bbox.left.total_cmp(&b.bbox.left));
        join_row(row, &members, &mut out);
    }
    out.retain_mut(|line| {
        line.text = squeeze(&line.text);
        !line.text.is_empty()
    });
    out
}

fn is_finite(b: &BBox) -> bool {
    [b.left, b.top, b.right, b.bottom].iter().all(|v| v.is_finite())
}

fn rows(mut spans: Vec<Span>) -> Vec<Vec<Span>> {
    spans.sort_by(|a, b| a.bbox.center_y().total_cmp(&b.bbox.center_y()));
    let mut bands: Vec<(BBox, Vec<Span>)> = Vec::new();
    for span in spans {
        let first_open = bands.len().saturating_sub(OPEN_ROWS);
        let home = bands[first_open..].iter_mut().rev().find(|(band, members)| {
            // A large heading beside small print stands on two of its lines: they stay two.
            let mut last = members.iter().rev().take(STACK_LOOKBACK);
            share_row(band, &span.bbox) && !last.any(|member| is_stacked(&member.bbox, &span.bbox))
        });
        match home {
            Some((band, members)) => {
                // The tallest piece sets the band: a raised "2" must not stretch it.
                if span.bbox.height() > band.height() {
                    *band = span.bbox;
                }
                members.push(span);
            }
            None => bands.push((span.bbox, vec![span])),
        }
    }
    bands.sort_by(|(a, _), (b, _)| a.center_y().total_cmp(&b.center_y()));
    bands.into_iter().map(|(_, members)| members).collect()
}

fn share_row(a: &BBox, b: &BBox) -> bool {
    let shared = a.bottom.min(b.bottom) - a.top.max(b.top);
    shared > ROW_OVERLAP * a.height().min(b.height()).max(0.1)
}

/// Whether two pieces stand above each other and not beside each other.
fn is_stacked(a: &BBox, b: &BBox) -> bool {
    let shared = a.right.min(b.right) - a.left.max(b.left);
    !share_row(a, b) && shared > STACK_OVERLAP * a.width().min(b.width()).max(0.1)
}

fn join_row(row: usize, members: &[Span], out: &mut Vec<TextLine>) {
    let mut open: Option<TextLine> = None;
    let mut last: Option<&Span> = None;
    for span in members {
        if last.is_some_and(|l| is_overprint(l, span)) {
            continue;
        }
        last = Some(span);
        let piece = TextLine {
            text: span.text.clone(),
            bbox: span.bbox,
            size_pt: span.size_pt,
            bold: span.bold,
            pitch: span.pitch,
            row,
        };
        match &mut open {
            Some(line) => {
                let (small, large) =
                    (line.size_pt.min(span.size_pt), line.size_pt.max(span.size_pt));
                let em = if large > SIZE_RATIO_MAX * small { small } else { large }.max(1.0);
                let gap = span.bbox.left - line.bbox.right;
                if gap > SEGMENT_GAP_EM * em {
                    out.extend(open.replace(piece));
                } else {
                    line.append(&piece, if gap > WORD_GAP_EM * em { " " } else { "" });
                }
            }
            None => open = Some(piece),
        }
    }
    out.extend(open);
}

fn is_overprint(a: &Span, b: &Span) -> bool {
    let near = OVERPRINT_EM * a.size_pt;
    a.text == b.text
        && (a.bbox.left - b.bbox.left).abs() < near
        && (a.bbox.top - b.bbox.top).abs() < near
}

/// Runs of white space become one space, and the row of dots between a title and its page number
/// one ellipsis: it is a drawing made of letters, and as text a burden.
pub(super) fn squeeze(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut dots = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        let is_dots = word.chars().all(|c| matches!(c, '.' | '…' | '·'));
        dots = if is_dots { dots + word.chars().count() } else { 0 };
        if dots >= LEADER_DOTS_MIN {
            out.truncate(out.trim_end_matches(['.', '…', '·', ' ']).len());
            out.push_str(if out.is_empty() { "…" } else { " …" });
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Joins the segments of each row; rows from top to bottom.
pub(super) fn join_rows(mut segments: Vec<TextLine>) -> Vec<TextLine> {
    segments.sort_by(|a, b| a.row.cmp(&b.row).then(a.bbox.left.total_cmp(&b.bbox.left)));
    let mut out: Vec<TextLine> = Vec::new();
    for segment in segments {
        match out.last_mut() {
            Some(line) if line.row == segment.row => line.append(&segment, " "),
            _ => out.push(segment),
        }
    }
    out
}

/// The text of pieces inside a cell: one line per row.
pub(super) fn cell_text(spans: Vec<Span>) -> String {
    let lines = join_rows(segments(spans));
    let texts: Vec<String> = lines.into_iter().map(|l| l.text).collect();
    texts.join("\n")
}

/// A line of ten points in the given row of a page, for the tests of what is made from lines.
#[cfg(test)]
pub(super) fn line_in_row(text: &str, left: f32, row: usize) -> TextLine {
    line_at(text, left, row as f32 * 12.0 + 1.0, row)
}

/// The same at a height of its own.
#[cfg(test)]
pub(super) fn line_at(text: &str, left: f32, top: f32, row: usize) -> TextLine {
    use super::content::{Pitch, Weight};
    TextLine {
        text: text.to_owned(),
        bbox: BBox::new(left, top, left + 5.0 * text.chars().count() as f32, top + 10.0),
        size_pt: 10.0,
        bold: Weight::Regular,
        pitch: Pitch::Proportional,
        row,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pdf::content::{Pitch, Weight};

    fn span(text: &str, left: f32, top: f32) -> Span {
        let width = text.chars().count() as f32 * 5.0;
        Span {
            text: text.to_owned(),
            bbox: BBox::new(left, top, left + width, top + 10.0),
            size_pt: 10.0,
            bold: Weight::Regular,
            pitch: Pitch::Proportional,
        }
    }

    fn texts(spans: Vec<Span>) -> Vec<String> {
        segments(spans).into_iter().map(|s| s.text).collect()
    }

    #[test]
    fn letters_words_and_cells() {
        let spans = vec![
            span("to", 24.0, 0.0),
            span("P", 0.0, 0.0),
            span("ump", 5.2, 0.0),
            span("rque", 34.0, 0.0),
            span("45 Nm", 200.0, 0.5),
            span("next", 0.0, 14.0),
        ];
        assert_eq!(texts(spans), ["Pump torque", "45 Nm", "next"]);
    }

    #[test]
    fn leaders_are_shortened_and_ellipses_kept() {
        assert_eq!(squeeze("1 Scope . . . . . . . 3"), "1 Scope … 3");
        assert_eq!(squeeze("1 Scope ........ 3"), "1 Scope … 3");
        assert_eq!(squeeze("wait ... then go"), "wait ... then go");
        assert_eq!(squeeze(". . . . ."), "…");
        assert_eq!(squeeze("end. Next"), "end. Next");
    }

    #[test]
    fn raised_letters_stay_in_their_row_and_bold_prints_count_once() {
        let mut raised = span("2", 10.0, -2.0);
        raised.bbox = BBox::new(10.0, -2.0, 13.0, 4.0);
        raised.size_pt = 6.0;
        assert_eq!(texts(vec![span("mm", 0.0, 0.0), raised]), ["mm2"]);
        assert_eq!(texts(vec![span("STOP", 0.0, 0.0), span("STOP", 0.3, 0.1)]), ["STOP"]);
    }

    #[test]
    fn a_large_heading_beside_two_small_lines_joins_one_of_them() {
        let mut heading = span("2", 0.0, 0.0);
        heading.bbox = BBox::new(0.0, 0.0, 20.0, 26.0);
        heading.size_pt = 26.0;
        let spans = vec![
            heading,
            span("programs", 200.0, 2.0),
            span("of all", 242.0, 2.0),
            span("agencies", 200.0, 13.0),
            span("and states", 245.0, 13.0),
        ];
        assert_eq!(texts(spans), ["2", "programs of all", "agencies and states"]);
    }

    #[test]
    fn the_smallest_print_is_no_part_of_a_heading() {
        let mut label = span("LABEL_12", 0.0, 4.0);
        label.bbox = BBox::new(0.0, 4.0, 4.0, 5.0);
        label.size_pt = 1.0;
        assert_eq!(texts(vec![label, span("3 Climate", 8.0, 0.0)]), ["LABEL_12", "3 Climate"]);
    }

    #[test]
    fn columns_with_shifted_baselines_do_not_mix() {
        let spans = (0..4).flat_map(|i| {
            let y = i as f32 * 12.0;
            [span("left", 0.0, y), span("right", 100.0, y + 6.0)]
        });
        let all = texts(spans.collect());
        assert_eq!(all.len(), 8);
        assert!(all.iter().all(|t| t == "left" || t == "right"));
    }

    #[test]
    fn nothing_strange_breaks_it() {
        let mut odd = span("x", f32::NAN, 0.0);
        odd.size_pt = -1.0;
        assert_eq!(texts(vec![odd, span("", 0.0, 0.0), span(" ", 0.0, 0.0)]), Vec::<String>::new());
    }
}
