//! From text to tokens. A comma is a decimal point, except between the arguments of a function, where
//! it separates; where one of them is separated by `;`, commas are decimal points again.

use super::CalcError;

/// Longest expression, in characters.
pub(super) const EXPRESSION_MAX_CHARS: usize = 1_000;
/// Most tokens of one.
const TOKENS_MAX: usize = 500;

/// One token and where it begins, in characters from 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) at: usize,
    pub(super) kind: TokenKind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum TokenKind {
    Number(f64),
    Name(String),
    /// `+ - * / ^ ( )` as they are, and `;` for whatever separates arguments.
    Sign(char),
    /// `to`, `->`: the unit of the result follows.
    To,
}

struct Lexer<'a> {
    chars: &'a [char],
    at: usize,
    /// What the commas mean in each parenthesis that is open.
    commas: Vec<Comma>,
    tokens: Vec<Token>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comma {
    Decimal,
    Separates,
}

pub(super) fn tokens(text: &str) -> Result<Vec<Token>, CalcError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > EXPRESSION_MAX_CHARS {
        let reason = format!("the expression has more than {EXPRESSION_MAX_CHARS} characters");
        return Err(CalcError::at(EXPRESSION_MAX_CHARS + 1, reason));
    }
    let mut lexer = Lexer { chars: &chars, at: 0, commas: Vec::new(), tokens: Vec::new() };
    while lexer.at < chars.len() {
        lexer.step()?;
        if lexer.tokens.len() > TOKENS_MAX {
            let reason = format!("the expression has more than {TOKENS_MAX} parts");
            return Err(CalcError::at(lexer.at, reason));
        }
    }
    Ok(lexer.tokens)
}

impl Lexer<'_> {
    fn step(&mut self) -> Result<(), CalcError> {
        let (start, c) = (self.at, self.chars[self.at]);
        let next = self.chars.get(start + 1).copied();
        if c.is_whitespace() {
            self.at += 1;
            return Ok(());
        }
        if c.is_ascii_digit() || (c == '.' && next.is_some_and(|c| c.is_ascii_digit())) {
            return self.number();
        }
        if begins_name(c) {
            self.name();
            return Ok(());
        }
        self.at += 1;
        match c {
            '-' | '−' | '–' if next == Some('>') => {
                self.at += 1;
                self.push(start, TokenKind::To);
            }
            '→' => self.push(start, TokenKind::To),
            '+' | '^' | '/' => self.push(start, TokenKind::Sign(c)),
            '-' | '−' | '–' => self.push(start, TokenKind::Sign('-')),
            '*' if next == Some('*') => {
                self.at += 1;
                self.push(start, TokenKind::Sign('^'));
            }
            '*' | '·' | '⋅' | '×' => self.push(start, TokenKind::Sign('*')),
            '÷' | ':' => self.push(start, TokenKind::Sign('/')),
            '²' | '³' => {
                self.push(start, TokenKind::Sign('^'));
                self.push(start, TokenKind::Number(if c == '²' { 2.0 } else { 3.0 }));
            }
            '√' => self.push(start, TokenKind::Name("sqrt".to_owned())),
            '(' => {
                let commas = self.commas_after(start);
                self.commas.push(commas);
                self.push(start, TokenKind::Sign('('));
            }
            ')' => {
                self.commas.pop();
                self.push(start, TokenKind::Sign(')'));
            }
            ',' | ';' => self.push(start, TokenKind::Sign(';')),
            _ => return Err(CalcError::at(start + 1, format!("{c:?} means nothing here"))),
        }
        Ok(())
    }

    fn push(&mut self, start: usize, kind: TokenKind) {
        self.tokens.push(Token { at: start + 1, kind });
    }

    /// What commas mean in the parenthesis that opens at `open`.
    fn commas_after(&self, open: usize) -> Comma {
        let called = matches!(self.tokens.last().map(|t| &t.kind), Some(TokenKind::Name(_)))
            && open > 0
            && !self.chars[open - 1].is_whitespace();
        if !called {
            return Comma::Decimal;
        }
        let mut depth = 0_usize;
        for c in &self.chars[open..] {
            match c {
                '(' => depth += 1,
                ')' if depth == 1 => break,
                ')' => depth -= 1,
                ';' if depth == 1 => return Comma::Decimal,
                _ => {}
            }
        }
        Comma::Separates
    }

    fn number(&mut self) -> Result<(), CalcError> {
        let start = self.at;
        let decimal_comma = self.commas.last() != Some(&Comma::Separates);
        let digit_at = |at: usize| self.chars.get(at).is_some_and(char::is_ascii_digit);
        let mut text = String::new();
        let mut at = start;
        let mut points = 0;
        while let Some(&c) = self.chars.get(at) {
            match c {
                '0'..='9' => text.push(c),
                // Groups of digits.
                '_' | '\'' | '\u{202f}' if digit_at(at + 1) => {}
                '.' => {
                    points += 1;
                    text.push('.');
                }
                ',' if decimal_comma && digit_at(at + 1) => {
                    points += 1;
                    text.push('.');
                }
                'e' | 'E' if digit_at(at + 1) => text.push('e'),
                'e' | 'E'
                    if matches!(self.chars.get(at + 1), Some('+' | '-')) && digit_at(at + 2) =>
                {
                    text.push('e');
                    text.push(self.chars[at + 1]);
                    at += 1;
                }
                _ => break,
            }
            at += 1;
        }
        self.at = at;
        let written: String = self.chars[start..at].iter().collect();
        let value = if points > 1 { None } else { text.parse::<f64>().ok() };
        let value = value.filter(|v| v.is_finite()).ok_or_else(|| {
            let reason = format!(
                "{written:?} is no number; one point or comma for decimals, none between thousands"
            );
            CalcError::at(start + 1, reason)
        })?;
        self.push(start, TokenKind::Number(value));
        Ok(())
    }

    fn name(&mut self) {
        let start = self.at;
        let mut at = start;
        while let Some(&c) = self.chars.get(at) {
            let goes_on = if at == start { begins_name(c) } else { continues_name(c) };
            if !goes_on {
                break;
            }
            at += 1;
        }
        self.at = at;
        let text: String = self.chars[start..at].iter().collect();
        let kind = if matches!(text.as_str(), "to" | "as" | "nach") {
            TokenKind::To
        } else {
            TokenKind::Name(text)
        };
        self.push(start, kind);
    }
}

fn begins_name(c: char) -> bool {
    c.is_alphabetic() || matches!(c, '°' | 'µ' | '%' | '‰' | '℃' | '℉' | '_')
}

fn continues_name(c: char) -> bool {
    c.is_alphabetic() || c.is_ascii_digit() || matches!(c, '_' | '°')
}
