//! `=~`: the part of Java's regular expressions that the `regex` crate reads alike.
//!
//! The documentation names `java.util.regex.Pattern` and not whether a pattern has to match the whole of a value. Each
//! pattern is tried both ways.

use std::iter::Peekable;
use std::str::Chars;

use regex::{Regex, RegexBuilder};

/// The compiled form of one pattern may take a mebibyte, which no pattern for a name of 128 characters needs.
const LARGEST: usize = 1 << 20;

/// A pattern with what it may mean.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    text: String,
    /// `None` where Java may read it otherwise.
    readings: Option<Vec<Reading>>,
}

#[derive(Clone, Debug)]
struct Reading {
    whole: Regex,
    part: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Pattern {
    pub(super) fn new(text: String) -> Self {
        let readings = unescaped(&text).iter().map(|text| Reading::of(text)).collect();
        Self { text, readings }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether a value matches; `None` where that depends on the reading.
    pub(super) fn matches(&self, value: &str) -> Option<bool> {
        // Line ends and characters beyond ASCII are where the two engines differ.
        if !value.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
            return None;
        }
        agreed(self.readings.as_ref()?.iter().map(|reading| reading.matches(value)))
    }
}

impl Reading {
    fn of(text: &str) -> Option<Self> {
        let pattern = translate(text)?;
        let compile = |pattern: &str| RegexBuilder::new(pattern).size_limit(LARGEST).build().ok();
        // The pattern by itself first: its parentheses could close those put around it.
        let part = compile(&pattern)?;
        Some(Self { part, whole: compile(&format!(r"\A(?:{pattern})\z"))? })
    }

    fn matches(&self, value: &str) -> Option<bool> {
        match (self.whole.is_match(value), self.part.is_match(value)) {
            (true, _) => Some(true),
            (false, false) => Some(false),
            (false, true) => None,
        }
    }
}

/// The answer that all readings give.
pub(super) fn agreed(answers: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut answers = answers.into_iter();
    let first = answers.next()?;
    answers.fold(first, |so_far, answer| so_far.filter(|_| so_far == answer))
}

/// An argument as it stands, and without backslashes if it has some.
pub(super) fn unescaped(argument: &str) -> Vec<String> {
    let mut readings = vec![argument.to_owned()];
    if argument.contains('\\') {
        let mut chars = argument.chars();
        let mut shorter = String::new();
        while let Some(c) = chars.next() {
            shorter.extend(if c == '\\' { chars.next() } else { Some(c) });
        }
        readings.push(shorter);
    }
    readings
}

/// Rewrites a pattern for the `regex` crate; `None` for syntax that it or this function doesn't have.
fn translate(pattern: &str) -> Option<String> {
    let mut chars = pattern.chars().peekable();
    let mut out = String::new();
    let mut repeatable = false;
    while let Some(c) = chars.next() {
        let was_repeatable = std::mem::replace(&mut repeatable, false);
        match c {
            '^' | '$' | '|' => out.push(c),
            '(' => {
                out.push('(');
                if chars.next_if_eq(&'?').is_some() {
                    chars.next_if_eq(&':')?;
                    out.push_str("?:");
                }
            }
            '*' | '+' | '?' | '{' if was_repeatable => {
                out.push(c);
                if c == '{' {
                    bounds(&mut chars, &mut out)?;
                }
                // A `+` here would make it possessive, which finds nothing to repeat and ends in `None`.
                out.extend(chars.next_if_eq(&'?'));
            }
            '.' | ')' => {
                out.push(c);
                repeatable = true;
            }
            '[' => {
                class(&mut chars, &mut out)?;
                repeatable = true;
            }
            '\\' => {
                escape(chars.next()?, &mut out)?;
                repeatable = true;
            }
            _ if c.is_ascii_alphanumeric() || " -_/:@,=%#~!<>\"'".contains(c) => {
                literal(c, &mut out);
                repeatable = true;
            }
            _ => return None,
        }
    }
    Some(out)
}

fn literal(c: char, out: &mut String) {
    out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
}

fn escape(c: char, out: &mut String) -> Option<()> {
    match c {
        'd' => out.push_str("[0-9]"),
        'D' => out.push_str("[^0-9]"),
        'w' => out.push_str("[0-9A-Za-z_]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        's' => out.push_str("[ ]"),
        'S' => out.push_str("[^ ]"),
        _ if c.is_ascii_punctuation() => literal(c, out),
        _ => return None,
    }
    Some(())
}

/// The rest of `{2}`, `{2,}` or `{2,4}`.
fn bounds(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    let inner: String = std::iter::from_fn(|| chars.next_if(|c| c.is_ascii_digit() || *c == ',')).collect();
    chars.next_if_eq(&'}')?;
    let (least, most) = inner.split_once(',').unwrap_or((&inner, &inner));
    let least: u8 = least.parse().ok()?;
    if !most.is_empty() && most.parse::<u8>().ok()? < least {
        return None;
    }
    out.push_str(&inner);
    out.push('}');
    Some(())
}

/// The rest of a class such as `[a-z3,4]`, without another class or an operation within.
fn class(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<()> {
    out.push('[');
    out.extend(chars.next_if_eq(&'^'));
    let mut is_empty = true;
    loop {
        match chars.next()? {
            ']' if is_empty => return None,
            ']' => break,
            '-' if is_empty || chars.peek() == Some(&']') => out.push_str("\\-"),
            '\\' => match chars.next()? {
                'd' => out.push_str("0-9"),
                'w' => out.push_str("0-9A-Za-z_"),
                's' => out.push(' '),
                c if c.is_ascii_punctuation() => literal(c, out),
                _ => return None,
            },
            c if c.is_ascii_alphanumeric() => {
                out.push(c);
                let mut ahead = chars.clone();
                if ahead.next() == Some('-') && ahead.peek() != Some(&']') {
                    let end = ahead.next().filter(|end| is_range(c, *end))?;
                    out.extend(['-', end]);
                    *chars = ahead;
                }
            }
            c if " _.,:@/*+?$(){}|=%#!".contains(c) => literal(c, out),
            _ => return None,
        }
        is_empty = false;
    }
    out.push(']');
    Some(())
}

fn is_range(start: char, end: char) -> bool {
    let alike = [char::is_ascii_digit, char::is_ascii_lowercase, char::is_ascii_uppercase];
    start <= end && alike.iter().any(|alike| alike(&start) && alike(&end))
}
