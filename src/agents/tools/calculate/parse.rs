//! Reading an expression and computing it on the way.
//!
//! From the loosest to the tightest: `+ -`, `* /`, a number and its unit, sign, `^`. So `1 m / 2 s` is a
//! speed, and `-2^2` is -4.

use super::functions::{ARGUMENTS_MAX, call, constant, is_function};
use super::lex::{Token, TokenKind};
use super::quantity::{Quantity, Reason};
use super::units::{Unit, unit};
use super::{CalcError, dimension::Dimension};

/// How deep parentheses, signs and powers may be nested.
const DEPTH_MAX: usize = 64;

/// What an expression comes to.
#[derive(Debug)]
pub(super) struct Evaluated {
    pub(super) quantity: Quantity,
    /// The units that were named, in order.
    pub(super) units: Vec<Unit>,
    /// What stands behind `to`.
    pub(super) wanted: Option<Unit>,
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    /// One past the last character.
    end: usize,
    units: Vec<Unit>,
}

pub(super) fn evaluate(tokens: &[Token], chars: usize) -> Result<Evaluated, CalcError> {
    let mut parser = Parser { tokens, at: 0, depth: 0, end: chars + 1, units: Vec::new() };
    if tokens.is_empty() {
        return Err(CalcError::at(1, "the expression is empty"));
    }
    let quantity = parser.sum()?;
    let units = std::mem::take(&mut parser.units);
    let wanted = match parser.peek() {
        Some(TokenKind::To) => {
            parser.at += 1;
            Some(parser.wanted()?)
        }
        _ => None,
    };
    match parser.tokens.get(parser.at) {
        None => Ok(Evaluated { quantity, units, wanted }),
        Some(token) => {
            let reason = match &token.kind {
                TokenKind::Number(_) => "two numbers in a row; is a sign missing?".to_owned(),
                TokenKind::Sign(')') => "no parenthesis is open here".to_owned(),
                TokenKind::Sign(';') => {
                    "a comma or `;` separates the arguments of a function only".to_owned()
                }
                _ => "the expression was over before this".to_owned(),
            };
            Err(CalcError::at(token.at, reason))
        }
    }
}

/// Reads a unit alone, such as `kg/m^3`.
pub(super) fn unit_of(tokens: &[Token], text: &str) -> Result<Unit, CalcError> {
    let mut parser =
        Parser { tokens, at: 0, depth: 0, end: text.chars().count() + 1, units: Vec::new() };
    let unit = parser.wanted()?;
    Ok(Unit { symbol: text.trim().to_owned(), ..unit })
}

impl Parser<'_> {
    fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// Where the token in hand begins.
    fn here(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |token| token.at)
    }

    fn takes(&mut self, sign: char) -> bool {
        let found = self.peek() == Some(&TokenKind::Sign(sign));
        self.at += usize::from(found);
        found
    }

    /// Goes one level deeper for as long as `read` takes.
    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CalcError>,
    ) -> Result<T, CalcError> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            let reason = format!("more than {DEPTH_MAX} levels are nested");
            return Err(CalcError::at(self.here(), reason));
        }
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn sum(&mut self) -> Result<Quantity, CalcError> {
        let mut left = self.product()?;
        loop {
            let at = self.here();
            let sign = match () {
                () if self.takes('+') => 1.0,
                () if self.takes('-') => -1.0,
                () => return Ok(left),
            };
            let right = self.product()?;
            left = placed(at, left.plus(right, sign))?;
        }
    }

    fn product(&mut self) -> Result<Quantity, CalcError> {
        let mut left = self.beside()?;
        loop {
            let at = self.here();
            let result = match () {
                () if self.takes('*') => left.times(self.beside()?),
                () if self.takes('/') => left.per(self.beside()?),
                () => return Ok(left),
            };
            left = placed(at, result)?;
        }
    }

    /// A number and what stands beside it without a sign: `90 N m`, `2 pi`, `3(4 + 5)`.
    fn beside(&mut self) -> Result<Quantity, CalcError> {
        let mut left = self.signed()?;
        while matches!(self.peek(), Some(TokenKind::Name(_) | TokenKind::Sign('('))) {
            let at = self.here();
            let right = self.power()?;
            left = placed(at, left.times(right))?;
        }
        Ok(left)
    }

    fn signed(&mut self) -> Result<Quantity, CalcError> {
        let at = self.here();
        if self.takes('+') {
            return self.deeper(Self::signed);
        }
        if !self.takes('-') {
            return self.power();
        }
        // The sign belongs to the reading of a scale: -20 °C is no temperature turned around.
        if let (Some(TokenKind::Number(value)), Some(TokenKind::Name(name))) =
            (self.peek(), self.tokens.get(self.at + 1).map(|t| &t.kind))
            && let Some(unit) = unit(name).filter(|unit| unit.offset != 0.0)
        {
            let read = Quantity::of(-*value, &unit);
            self.at += 2;
            self.units.push(unit);
            return Ok(read);
        }
        let value = self.deeper(Self::signed)?;
        placed(at, value.negated())
    }

    fn power(&mut self) -> Result<Quantity, CalcError> {
        let base = self.primary()?;
        let at = self.here();
        if !self.takes('^') {
            return Ok(base);
        }
        let exponent = self.deeper(|parser| match parser.peek() {
            Some(TokenKind::Sign('-' | '+')) => parser.exponent_with_sign(),
            _ => parser.power(),
        })?;
        placed(at, base.power(exponent))
    }

    fn exponent_with_sign(&mut self) -> Result<Quantity, CalcError> {
        let at = self.here();
        let negative = self.takes('-');
        if !negative {
            self.takes('+');
        }
        let value = self.deeper(Self::power)?;
        if negative { placed(at, value.negated()) } else { Ok(value) }
    }

    fn primary(&mut self) -> Result<Quantity, CalcError> {
        let at = self.here();
        match self.peek().cloned() {
            Some(TokenKind::Number(value)) => {
                self.at += 1;
                self.reading(value)
            }
            Some(TokenKind::Sign('(')) => {
                self.at += 1;
                let value = self.deeper(Self::sum)?;
                self.close(at)?;
                Ok(value)
            }
            Some(TokenKind::Name(name)) => {
                self.at += 1;
                self.named(at, &name)
            }
            Some(TokenKind::Sign(sign)) => {
                Err(CalcError::at(at, format!("a number was expected, not {sign:?}")))
            }
            Some(TokenKind::To) => Err(CalcError::at(at, "a number was expected")),
            None => Err(CalcError::at(at, "a number was expected, but the expression ends")),
        }
    }

    /// A number; with a unit of a scale behind it (°C), what is read off there.
    fn reading(&mut self, value: f64) -> Result<Quantity, CalcError> {
        if let Some(TokenKind::Name(name)) = self.peek()
            && let Some(unit) = unit(name).filter(|unit| unit.offset != 0.0)
        {
            self.at += 1;
            let read = Quantity::of(value, &unit);
            self.units.push(unit);
            return Ok(read);
        }
        Ok(Quantity::number(value))
    }

    fn named(&mut self, at: usize, name: &str) -> Result<Quantity, CalcError> {
        let opens = self.peek() == Some(&TokenKind::Sign('('));
        // `min` is a unit as well: with a parenthesis it is the function.
        if opens && is_function(name) {
            self.at += 1;
            let arguments = self.deeper(|parser| parser.arguments(at))?;
            return placed(at, call(name, &arguments));
        }
        if let Some(found) = self.unit_with_power(name) {
            if found.offset != 0.0 {
                let reason = format!("{name} needs its number before it, such as 20 {name}");
                return Err(CalcError::at(at, reason));
            }
            let one = Quantity::of(1.0, &found);
            self.units.push(found);
            return Ok(one);
        }
        if let Some(constant) = constant(name) {
            return Ok(constant);
        }
        let reason = if is_function(name) {
            format!("the function {name} needs its arguments in parentheses")
        } else {
            format!("{name:?} is no unit, function or constant that is known")
        };
        Err(CalcError::at(at, reason))
    }

    /// `mm2` is a square millimetre.
    fn unit_with_power(&self, name: &str) -> Option<Unit> {
        if constant(name).is_some() {
            return None;
        }
        if let Some(found) = unit(name) {
            return Some(found);
        }
        let digit = name.chars().last().filter(|c| matches!(c, '2'..='4'))?;
        let base = unit(name.strip_suffix(digit)?).filter(|unit| unit.offset == 0.0)?;
        let power = f64::from(digit.to_digit(10)?);
        Some(Unit {
            symbol: name.to_owned(),
            factor: base.factor.powf(power),
            dimension: base.dimension.power(power)?,
            ..base
        })
    }

    fn arguments(&mut self, opened_at: usize) -> Result<Vec<Quantity>, CalcError> {
        let mut arguments = Vec::new();
        if self.takes(')') {
            return Err(CalcError::at(opened_at, "a function needs an argument"));
        }
        loop {
            arguments.push(self.sum()?);
            if arguments.len() > ARGUMENTS_MAX {
                let reason = format!("a function takes at most {ARGUMENTS_MAX} arguments");
                return Err(CalcError::at(self.here(), reason));
            }
            if !self.takes(';') {
                self.close(opened_at)?;
                return Ok(arguments);
            }
        }
    }

    fn close(&mut self, opened_at: usize) -> Result<(), CalcError> {
        if self.takes(')') {
            return Ok(());
        }
        if self.at < self.tokens.len() {
            return Err(CalcError::at(self.here(), "a sign or `)` was expected"));
        }
        Err(CalcError::at(opened_at, "the parenthesis that opens here is never closed"))
    }

    /// The unit behind `to`: one name, or names with `* / ^`.
    fn wanted(&mut self) -> Result<Unit, CalcError> {
        let at = self.here();
        if let (Some(TokenKind::Name(name)), None) = (self.peek(), self.tokens.get(self.at + 1))
            && let Some(found) = self.unit_with_power(name)
        {
            self.at += 1;
            return Ok(found);
        }
        let first = self.units.len();
        let product = self.product()?;
        let named: Vec<&Unit> = self.units[first..].iter().collect();
        if named.is_empty() && product.dimension == Dimension::NONE {
            return Err(CalcError::at(at, "a unit was expected"));
        }
        if named.iter().any(|unit| unit.offset != 0.0) {
            return Err(CalcError::at(at, "°C and °F can't be part of another unit; use K"));
        }
        let symbol = symbol_of(&self.tokens[..self.at], at);
        Ok(Unit {
            symbol,
            factor: product.value,
            offset: 0.0,
            dimension: product.dimension,
            scale: product.scale,
        })
    }
}

/// The tokens from the one at `at`, written again.
fn symbol_of(tokens: &[Token], at: usize) -> String {
    let mut text = String::new();
    let mut after_name = false;
    for token in tokens.iter().skip_while(|token| token.at < at) {
        match &token.kind {
            TokenKind::Name(name) => {
                if after_name {
                    text.push('·');
                }
                text.push_str(name);
            }
            TokenKind::Number(value) => text.push_str(&value.to_string()),
            TokenKind::Sign('*') => text.push('·'),
            TokenKind::Sign(sign) => text.push(*sign),
            TokenKind::To => {}
        }
        after_name = matches!(token.kind, TokenKind::Name(_));
    }
    text
}

fn placed<T>(at: usize, result: Result<T, Reason>) -> Result<T, CalcError> {
    result.map_err(|reason| CalcError::at(at, reason))
}
