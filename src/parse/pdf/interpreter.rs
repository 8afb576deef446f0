//! Runs the content streams of a page (ISO 32000-1, 7.8.2) and collects what they draw: words with
//! their places, and ruling lines.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::content::{Content, Operation};
use lopdf::{Dictionary, Document, Object, ObjectId};

use super::content::{Rule, Span, Weight};
use super::font::{Font, Letter};
use super::matrix::Matrix;
use super::paths::{Paint, Path};
use super::streams::{Unpacked, unpack};
use crate::limits::PDF_SPANS_MAX;

/// Largest content stream, decompressed, in bytes.
pub(super) const CONTENT_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Deepest nesting of drawings that contain drawings.
const FORM_DEPTH_MAX: usize = 12;

/// Most operations of one page, drawings included.
const OPERATIONS_MAX: usize = 4_000_000;

/// Deepest stack of saved states.
const STATES_MAX: usize = 256;

/// Most fonts kept between pages.
const FONTS_MAX: usize = 1_000;

/// A kerning step larger than this ends a word, in multiples of the font size.
const WORD_STEP_EM: f32 = 0.16;

/// Height of letters above and below the base line, in multiples of the font size. The same for
/// every font, so that lines of mixed fonts are boxes of one height.
const ASCENT_EM: f32 = 0.77;
const DESCENT_EM: f32 = -0.21;

/// Which way a word runs on the page as displayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Heading {
    Right,
    Down,
    Left,
    Up,
}

/// What a page drew.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub(super) spans: Vec<(Heading, Span)>,
    pub(super) rules: Vec<Rule>,
    /// Letters that nothing says the meaning of.
    pub(super) unknown_letters: usize,
    pub(super) letters: usize,
    /// The page has more than the limits allow; the rest was left out.
    pub(super) is_cut: bool,
    /// A part of the drawing, or of what tells its letters, could not be unpacked.
    pub(super) is_damaged: bool,
}

/// Fonts by the object that holds them.
#[derive(Debug, Default)]
pub(super) struct FontCache(HashMap<ObjectId, Rc<Font>>);

#[derive(Clone)]
struct State {
    space: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    letter_spacing: f32,
    word_spacing: f32,
    width_scale: f32,
    leading: f32,
    rise: f32,
    /// Fill and stroke, which makes letters bold (table 106).
    is_outlined: bool,
}

/// Runs content streams.
pub(super) struct Interpreter<'d> {
    doc: &'d Document,
    fonts: &'d mut FontCache,
    state: State,
    stack: Vec<State>,
    text: Matrix,
    line: Matrix,
    path: Path,
    word: Option<(Heading, Span)>,
    /// A space was drawn since the last word.
    after_space: bool,
    operations: usize,
    drawn: Drawn,
}

impl<'d> Interpreter<'d> {
    /// An interpreter whose default space is mapped to the page by `space`.
    pub(super) fn new(doc: &'d Document, fonts: &'d mut FontCache, space: Matrix) -> Self {
        let state = State {
            space,
            font: None,
            size: 0.0,
            letter_spacing: 0.0,
            word_spacing: 0.0,
            width_scale: 1.0,
            leading: 0.0,
            rise: 0.0,
            is_outlined: false,
        };
        Self {
            doc,
            fonts,
            state,
            stack: Vec::new(),
            text: Matrix::IDENTITY,
            line: Matrix::IDENTITY,
            path: Path::default(),
            word: None,
            after_space: false,
            operations: 0,
            drawn: Drawn::default(),
        }
    }

    /// Runs a whole stream; broken operations are passed over.
    pub(super) fn run(&mut self, data: &[u8], resources: &[&'d Dictionary], depth: usize) {
        let floor = self.stack.len();
        for operation in Content::decode_iter(data) {
            // What is torn cannot be resumed.
            let Ok(operation) = operation else { break };
            self.operations += 1;
            if self.operations > OPERATIONS_MAX || self.drawn.spans.len() >= PDF_SPANS_MAX {
                self.drawn.is_cut = true;
                break;
            }
            self.operation(&operation, resources, depth, floor);
        }
        self.end_word();
        if self.stack.len() > floor {
            self.stack.truncate(floor + 1);
            self.state = self.stack.remove(floor);
        }
    }

    /// What was drawn.
    pub(super) fn finish(mut self) -> Drawn {
        self.end_word();
        self.drawn
    }

    fn operation(
        &mut self,
        operation: &Operation,
        resources: &[&'d Dictionary],
        depth: usize,
        floor: usize,
    ) {
        let o = &operation.operands;
        let n = |i: usize| o.get(i).and_then(|v| v.as_float().ok()).filter(|v| v.is_finite());
        match operation.operator.as_str() {
            "q" if self.stack.len() < STATES_MAX + floor => self.stack.push(self.state.clone()),
            "Q" if self.stack.len() > floor => {
                if let Some(state) = self.stack.pop() {
                    self.state = state;
                }
            }
            "cm" => {
                if let Some(matrix) = Matrix::from_operands(o) {
                    self.state.space = matrix.then(&self.state.space);
                }
            }
            "gs" => self.external_state(o, resources),
            "Do" => self.form(o, resources, depth),
            "BT" => {
                self.end_word();
                self.text = Matrix::IDENTITY;
                self.line = Matrix::IDENTITY;
            }
            "ET" => self.end_word(),
            "Tc" => self.state.letter_spacing = n(0).unwrap_or(0.0),
            "Tw" => self.state.word_spacing = n(0).unwrap_or(0.0),
            "Tz" => self.state.width_scale = n(0).unwrap_or(100.0) / 100.0,
            "TL" => self.state.leading = n(0).unwrap_or(0.0),
            "Ts" => self.state.rise = n(0).unwrap_or(0.0),
            "Tr" => self.state.is_outlined = n(0) == Some(2.0),
            "Tf" => {
                self.end_word();
                self.state.font = o.first().and_then(|f| self.font(f, resources));
                self.state.size = n(1).unwrap_or(0.0);
            }
            "Td" | "TD" => {
                let (x, y) = (n(0).unwrap_or(0.0), n(1).unwrap_or(0.0));
                if operation.operator == "TD" {
                    self.state.leading = -y;
                }
                self.next_line(x, y);
            }
            "Tm" => {
                if let Some(matrix) = Matrix::from_operands(o) {
                    self.end_word();
                    self.text = matrix;
                    self.line = matrix;
                }
            }
            "T*" => self.next_line(0.0, -self.state.leading),
            "Tj" => self.show_operand(o.first()),
            "'" => {
                self.next_line(0.0, -self.state.leading);
                self.show_operand(o.first());
            }
            "\"" => {
                self.state.word_spacing = n(0).unwrap_or(0.0);
                self.state.letter_spacing = n(1).unwrap_or(0.0);
                self.next_line(0.0, -self.state.leading);
                self.show_operand(o.get(2));
            }
            "TJ" => self.show_array(o.first()),
            other => self.path_operation(other, &n),
        }
    }

    fn path_operation(&mut self, operator: &str, n: &dyn Fn(usize) -> Option<f32>) {
        let at = |i: usize| Some(self.state.space.apply(n(i)?, n(i + 1)?));
        match operator {
            "m" => {
                if let Some(point) = at(0) {
                    self.path.move_to(point);
                }
            }
            "l" => {
                if let Some(point) = at(0) {
                    self.path.line_to(point);
                }
            }
            "c" | "v" | "y" => {
                if let Some(point) = at(if operator == "c" { 4 } else { 2 }) {
                    self.path.curve_to(point);
                }
            }
            "re" => {
                if let (Some(x), Some(y), Some(w), Some(h)) = (n(0), n(1), n(2), n(3)) {
                    self.path.rectangle(&self.state.space, x, y, w, h);
                }
            }
            "h" => self.path.close(),
            _ => {
                let (closes, paint) = match operator {
                    "S" => (false, Paint::Stroke),
                    "s" => (true, Paint::Stroke),
                    "f" | "F" | "f*" => (false, Paint::Fill),
                    "B" | "B*" => (false, Paint::Both),
                    "b" | "b*" => (true, Paint::Both),
                    "n" => (false, Paint::Nothing),
                    _ => return,
                };
                if closes {
                    self.path.close();
                }
                self.path.paint(paint, &mut self.drawn.rules);
            }
        }
    }

    fn next_line(&mut self, x: f32, y: f32) {
        self.end_word();
        self.line = Matrix::translation(x, y).then(&self.line);
        self.text = self.line;
    }

    fn show_operand(&mut self, operand: Option<&Object>) {
        if let Some(Object::String(bytes, _)) = operand {
            self.show(bytes);
        }
    }

    fn show_array(&mut self, operand: Option<&Object>) {
        let Some(Object::Array(items)) = operand else { return };
        for item in items {
            match item {
                Object::String(bytes, _) => self.show(bytes),
                other => {
                    let step_em = -other.as_float().unwrap_or(0.0) / 1000.0;
                    if step_em > WORD_STEP_EM {
                        self.end_word();
                    }
                    self.advance(step_em * self.state.size * self.state.width_scale);
                }
            }
        }
    }

    fn advance(&mut self, x: f32) {
        if x.is_finite() {
            self.text = Matrix::translation(x, 0.0).then(&self.text);
        }
    }

    fn show(&mut self, bytes: &[u8]) {
        let Some(font) = self.state.font.clone() else { return };
        self.drawn.is_damaged |= font.is_damaged;
        for letter in font.letters(bytes) {
            let state = &self.state;
            let spacing =
                state.letter_spacing + if letter.is_space_code { state.word_spacing } else { 0.0 };
            let width = letter.advance_em * state.size;
            let advance = (width + spacing) * state.width_scale;
            self.letter(&letter, &font, width * state.width_scale);
            self.advance(advance);
        }
    }

    fn letter(&mut self, letter: &Letter, font: &Font, width: f32) {
        if letter.text.chars().all(char::is_whitespace) {
            self.end_word();
            self.after_space = true;
            return;
        }
        self.drawn.letters += 1;
        self.drawn.unknown_letters +=
            usize::from(letter.text.contains(char::REPLACEMENT_CHARACTER));
        let state = &self.state;
        let place = Matrix::translation(0.0, state.rise).then(&self.text).then(&state.space);
        let (bottom, top) = (DESCENT_EM * state.size, ASCENT_EM * state.size);
        let bbox = place.apply_box(0.0, bottom, width, top);
        let heading = heading(&place);
        let bold = if state.is_outlined { Weight::Bold } else { font.bold };
        match &mut self.word {
            Some((way, span)) if *way == heading => {
                span.text.push_str(&letter.text);
                span.bbox = span.bbox.union(&bbox);
            }
            _ => {
                self.end_word();
                let mut text = String::new();
                if std::mem::take(&mut self.after_space) {
                    text.push(' ');
                }
                text.push_str(&letter.text);
                let size_pt = place.y_scale() * self.state.size.abs();
                let span = Span { text, bbox, size_pt, bold, pitch: font.pitch };
                self.word = Some((heading, span));
            }
        }
    }

    fn end_word(&mut self) {
        if let Some(word) = self.word.take() {
            self.drawn.spans.push(word);
        }
    }

    fn font(&mut self, name: &Object, resources: &[&'d Dictionary]) -> Option<Rc<Font>> {
        let name = name.as_name().ok()?;
        let entry = self.resource(resources, b"Font", name)?;
        if let Object::Reference(id) = entry
            && let Some(font) = self.fonts.0.get(id)
        {
            return Some(Rc::clone(font));
        }
        let dict = self.doc.dereference(entry).ok()?.1.as_dict().ok()?;
        let font = Rc::new(Font::read(self.doc, dict));
        if let Object::Reference(id) = entry
            && self.fonts.0.len() < FONTS_MAX
        {
            self.fonts.0.insert(*id, Rc::clone(&font));
        }
        Some(font)
    }

    /// A font may also be chosen through a graphics state (8.4.5).
    fn external_state(&mut self, operands: &[Object], resources: &[&'d Dictionary]) {
        let doc = self.doc;
        let found = operands.first().and_then(|name| {
            let entry = self.resource(resources, b"ExtGState", name.as_name().ok()?)?;
            let dict = doc.dereference(entry).ok()?.1.as_dict().ok()?;
            let font = dict.get_deref(b"Font", doc).ok()?.as_array().ok()?;
            let size = font.get(1)?.as_float().ok()?;
            let dict = doc.dereference(font.first()?).ok()?.1.as_dict().ok()?;
            Some((Rc::new(Font::read(doc, dict)), size))
        });
        if let Some((font, size)) = found {
            self.end_word();
            self.state.font = Some(font);
            self.state.size = size;
        }
    }

    fn resource(
        &self,
        resources: &[&'d Dictionary],
        kind: &[u8],
        name: &[u8],
    ) -> Option<&'d Object> {
        resources
            .iter()
            .find_map(|r| r.get_deref(kind, self.doc).ok()?.as_dict().ok()?.get(name).ok())
    }

    /// Draws a form (8.10): a content stream of its own, in its own space.
    fn form(&mut self, operands: &[Object], resources: &[&'d Dictionary], depth: usize) {
        if depth >= FORM_DEPTH_MAX {
            return;
        }
        let doc = self.doc;
        let form = operands.first().and_then(|name| {
            let entry = self.resource(resources, b"XObject", name.as_name().ok()?)?;
            doc.dereference(entry).ok()?.1.as_stream().ok()
        });
        let Some(form) = form else { return };
        if form.dict.get(b"Subtype").and_then(Object::as_name).ok() != Some(b"Form") {
            return;
        }
        let Ok(Unpacked { data, is_damaged }) = unpack(form, CONTENT_MAX_BYTES) else {
            self.drawn.is_damaged = true;
            return;
        };
        self.drawn.is_damaged |= is_damaged;
        self.end_word();
        let saved = (self.state.clone(), self.text, self.line);
        let matrix = form.dict.get_deref(b"Matrix", doc).ok().and_then(|m| m.as_array().ok());
        if let Some(matrix) = matrix.and_then(|m| Matrix::from_operands(m)) {
            self.state.space = matrix.then(&self.state.space);
        }
        let own = form.dict.get_deref(b"Resources", doc).ok().and_then(|r| r.as_dict().ok());
        // Old files leave out a form's resources and mean the page's.
        let all: Vec<&Dictionary> = own.into_iter().chain(resources.iter().copied()).collect();
        self.run(&data, &all[..all.len().min(2)], depth + 1);
        (self.state, self.text, self.line) = saved;
    }
}

fn heading(place: &Matrix) -> Heading {
    // The page's y runs down, so a positive b turns clockwise as seen by the reader.
    if place.a.abs() >= place.b.abs() {
        if place.a >= 0.0 { Heading::Right } else { Heading::Left }
    } else if place.b >= 0.0 {
        Heading::Down
    } else {
        Heading::Up
    }
}
