//! Markup under construction. Only literals of this program go in as they are: everything else is escaped on its way.

use crate::report::escape;
use crate::text::{Span, Text};

/// A piece of HTML or SVG.
#[derive(Default)]
pub(super) struct Markup(String);

impl Markup {
    /// Adds markup of this program's own.
    pub(super) fn raw(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Adds a value, escaped.
    pub(super) fn value(&mut self, value: &(impl Show + ?Sized)) {
        value.show(&mut self.0);
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }
}

/// What can stand in markup without being taken for it.
pub(super) trait Show {
    /// Appends the escaped form.
    fn show(&self, out: &mut String);
}

impl Show for str {
    fn show(&self, out: &mut String) {
        escape::html(self, out);
    }
}

impl Show for String {
    fn show(&self, out: &mut String) {
        escape::html(self, out);
    }
}

impl<T: Show + ?Sized> Show for &T {
    fn show(&self, out: &mut String) {
        (**self).show(out);
    }
}

/// Bytes of a name that is not broken.
const WHOLE: usize = 32;

/// A sentence; the names in it are set apart, so that they can be told from the words.
impl Show for Text {
    fn show(&self, out: &mut String) {
        for span in self.spans() {
            match span {
                Span::Words(words) => escape::html(words, out),
                Span::Name(name) => {
                    // Ids stay in one piece; what is longer than a phone is wide may break.
                    out.push_str(if name.len() <= WHOLE { "<code class=\"whole\">" } else { "<code>" });
                    escape::html(name, out);
                    out.push_str("</code>");
                }
            }
        }
    }
}

/// A part that is finished.
impl Show for Markup {
    fn show(&self, out: &mut String) {
        out.push_str(&self.0);
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl Show for $number {
            fn show(&self, out: &mut String) {
                out.push_str(&self.to_string());
            }
        }
    )+};
}

numbers!(u16, u32, u64, usize, i32, i64);

/// Appends literals as they are and values in braces escaped: `put!(page, "<p>" {name} "</p>")`.
macro_rules! put {
    (@ $out:expr,) => {};
    (@ $out:expr, $raw:literal $($rest:tt)*) => {
        $out.raw($raw);
        $crate::report::html::markup::put!(@ $out, $($rest)*);
    };
    (@ $out:expr, {$value:expr} $($rest:tt)*) => {
        $out.value(&$value);
        $crate::report::html::markup::put!(@ $out, $($rest)*);
    };
    ($out:expr, $($parts:tt)+) => {{
        $crate::report::html::markup::put!(@ $out, $($parts)+);
    }};
}

pub(super) use put;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_whatever_they_say() {
        let mut out = Markup::default();
        let name = "\" onclick=\"x</p><script>";
        put!(out, "<p title=\"" {name} "\">" {3_usize} " × " {crate::text!["see ", name.to_owned()]} "</p>");
        let escaped = "&quot; onclick=&quot;x&lt;/p&gt;&lt;script&gt;";
        assert_eq!(out.finish(), format!("<p title=\"{escaped}\">3 × see <code class=\"whole\">{escaped}</code></p>"));
    }
}
