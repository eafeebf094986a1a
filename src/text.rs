//! Sentences that know which of their words came from AWS, so that each output language can mark and escape those.

use std::borrow::Cow;
use std::fmt;

use compact_str::CompactString;

use crate::snapshot::ids;

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Span {
    /// Words of this program, safe in every output.
    Words(Cow<'static, str>),
    /// A name, id, address or answer that came from AWS or its users: escape it.
    Name(String),
}

/// A sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(Vec<Span>);

/// Builds a [`Text`]: string literals and numbers are words, everything else is a name.
#[macro_export]
macro_rules! text {
    ($($part:expr),* $(,)?) => {
        [$($crate::text::Span::from($part)),*].into_iter().collect::<$crate::text::Text>()
    };
}

impl Text {
    /// The pieces in order.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// Adds a piece.
    pub fn push(&mut self, span: impl Into<Span>) {
        self.0.push(span.into());
    }

    /// Adds all pieces of another sentence.
    pub fn append(&mut self, other: Text) {
        self.0.extend(other.0);
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sentences in a row, between semicolons; after four it only says how many more.
    pub fn joined<'t>(sentences: impl IntoIterator<Item = &'t Text>) -> Text {
        const SHOWN: usize = 4;
        let (mut text, mut hidden) = (Text::default(), 0);
        for (index, sentence) in sentences.into_iter().enumerate() {
            if index >= SHOWN {
                hidden += 1;
                continue;
            }
            if index > 0 {
                text.push("; ");
            }
            text.append(sentence.clone());
        }
        if hidden > 0 {
            text.push(format_words(format!("; and {hidden} more")));
        }
        text
    }

    /// Names in a row: `a`, `a and b`, `a, b and c`; with more than `most`, `a, b and 7 more`.
    pub fn list<S: Into<Span>>(names: impl IntoIterator<Item = S>, most: usize) -> Text {
        let names: Vec<Span> = names.into_iter().map(Into::into).collect();
        let shown = if names.len() > most { most.saturating_sub(1).max(1) } else { names.len() };
        let hidden = names.len() - shown;
        let mut text = Text::default();
        for (index, name) in names.into_iter().take(shown).enumerate() {
            if index > 0 {
                let last = index + 1 == shown && hidden == 0;
                text.push(if last { " and " } else { ", " });
            }
            text.push(name);
        }
        if hidden > 0 {
            text.push(format_words(format!(" and {hidden} more")));
        }
        text
    }
}

/// Words made at run time from this program's own words and numbers only; never pass a name of AWS.
pub fn format_words(words: String) -> Span {
    Span::Words(Cow::Owned(words))
}

impl FromIterator<Span> for Text {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        Self(spans.into_iter().collect())
    }
}

/// The plain reading, without marks or escapes: for JSON and for comparison, not for a terminal.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for span in &self.0 {
            match span {
                Span::Words(words) => f.write_str(words)?,
                Span::Name(name) => f.write_str(name)?,
            }
        }
        Ok(())
    }
}

impl From<&'static str> for Span {
    fn from(words: &'static str) -> Self {
        Self::Words(Cow::Borrowed(words))
    }
}

impl From<String> for Span {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}

impl From<&CompactString> for Span {
    fn from(name: &CompactString) -> Self {
        Self::Name(name.to_string())
    }
}

impl From<&String> for Span {
    fn from(name: &String) -> Self {
        Self::Name(name.clone())
    }
}

macro_rules! names {
    ($($name:ty),+ $(,)?) => {$(
        impl From<&$name> for Span {
            fn from(id: &$name) -> Self {
                Self::Name(id.as_str().to_owned())
            }
        }
    )+};
}

names!(
    ids::Arn,
    ids::VpcId,
    ids::SubnetId,
    ids::RouteTableId,
    ids::SecurityGroupId,
    ids::NetworkAclId,
    ids::NetworkInterfaceId,
    ids::InstanceId,
    ids::VpcEndpointId,
    ids::NatGatewayId,
    ids::InternetGatewayId,
    ids::PrefixListId,
    ids::DhcpOptionsId,
);

macro_rules! numbers {
    ($($number:ty),+ $(,)?) => {$(
        impl From<$number> for Span {
            fn from(number: $number) -> Self {
                Self::Words(Cow::Owned(number.to_string()))
            }
        }
    )+};
}

numbers!(u16, u32, u64, usize, i32, i64);
