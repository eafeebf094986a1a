//! Names that AWS users chose, made harmless: one function for each language that a report is written in.

use std::fmt::Write;

use crate::text::{Span, Text};

/// A sentence with its names escaped.
pub(super) fn said(text: &Text, escape: impl Fn(&str) -> String) -> String {
    text.spans()
        .iter()
        .map(|span| match span {
            Span::Words(words) => words.to_string(),
            Span::Name(name) => escape(name),
        })
        .collect()
}

/// Replaces everything that a terminal could act on or that hides what is written: control characters, and the
/// invisible and direction-changing characters of Unicode.
pub fn terminal(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The same for the text and the quoted attributes of HTML and SVG: what is invisible shows, and nothing is markup.
pub fn html(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '`' => out.push_str("&#96;"),
            c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
}

/// For Markdown: code, in which nothing is a link, a mention, an emoji, HTML or the border of a cell.
pub(super) fn markdown(text: &str) -> String {
    let text = terminal(text);
    if text.is_empty() {
        return text;
    }
    let is_plain = !text.contains(['`', '|', '\\']) && !text.trim().is_empty() && text.trim() == text;
    if is_plain { format!("`{text}`") } else { code(&text) }
}

/// The same where Markdown is not read, inside of tags.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", entities(&terminal(text), "&#"))
}

/// For the quoted labels of Mermaid, which has a spelling of HTML's entities of its own.
pub(super) fn mermaid(text: &str) -> String {
    entities(&terminal(text), "#")
}

/// Numeric entities for all but letters, digits and what no language has a meaning for.
fn entities(text: &str, lead: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() || matches!(c, ' ' | '-' | '.' | '/') {
            escaped.push(c);
        } else {
            let _ = write!(escaped, "{lead}{};", u32::from(c));
        }
    }
    escaped
}

/// For a cell of a spreadsheet: what begins like a formula begins with an apostrophe, and lines stay lines.
pub(super) fn cell(text: &str) -> String {
    let text = terminal(text);
    let first = text.trim_start().chars().next();
    // The wide forms are those of East Asian keyboards, which some spreadsheets take for the narrow ones.
    let is_formula = first.is_some_and(|c| "=+-@＝＋－＠".contains(c));
    if is_formula { format!("'{text}") } else { text }
}

/// For one segment of a URI's path, never empty and never a step up.
pub(super) fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    if escaped.bytes().all(|byte| byte == b'.') {
        escaped.push('_');
    }
    escaped
}

/// For the text of a SARIF message, where brackets make links and braces stand for arguments.
pub(super) fn sarif(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in terminal(text).chars() {
        match c {
            '[' | ']' | '\\' => escaped.extend(['\\', c]),
            '{' | '}' => escaped.extend([c, c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// For the value of a Prometheus label.
pub(super) fn label(text: &str) -> String {
    terminal(text).replace('\\', "\\\\").replace('"', "\\\"")
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_a_terminal_acts_on_is_left() {
        assert_eq!(terminal("web\u{1b}[31m"), "web\\u{1b}[31m");
        assert_eq!(terminal("a\nb\tc"), "a\\u{a}b\\u{9}c");
        assert_eq!(terminal("\u{202e}gpj.exe"), "\\u{202e}gpj.exe");
        assert_eq!(terminal("größe-日本"), "größe-日本");
    }

    #[test]
    fn nothing_is_markup_in_html() {
        let escaped = |text: &str| {
            let mut out = String::new();
            html(text, &mut out);
            out
        };
        assert_eq!(escaped("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(escaped("\" onload='x' `a` &amp;"), "&quot; onload=&#39;x&#39; &#96;a&#96; &amp;amp;");
        assert_eq!(escaped("</style>\n\u{202e}gpj.exe\0"), "&lt;/style&gt;\\u{a}\\u{202e}gpj.exe\\u{0}");
        assert_eq!(escaped("größe-日本"), "größe-日本");
    }

    #[test]
    fn names_in_markdown_are_code() {
        assert_eq!(markdown("prod/web"), "`prod/web`");
        assert_eq!(markdown("<script>@octocat #1 :tada: [x](y)"), "`<script>@octocat #1 :tada: [x](y)`");
        assert_eq!(markdown("a|b"), "<code>a&#124;b</code>");
        assert_eq!(markdown("`</code>"), "<code>&#96;&#60;/code&#62;</code>");
        assert_eq!(markdown("a\n# b"), "<code>a&#92;u&#123;a&#125;&#35; b</code>");
        assert_eq!(markdown(" "), "<code> </code>");
        assert_eq!(markdown(""), "");
    }

    #[test]
    fn labels_in_mermaid_end_where_they_should() {
        assert_eq!(mermaid("web\"]; click"), "web#34;#93;#59; click");
        assert_eq!(mermaid("`**b**` <b>"), "#96;#42;#42;b#42;#42;#96; #60;b#62;");
        assert_eq!(mermaid("subnet-0a1b"), "subnet-0a1b");
    }

    #[test]
    fn cells_are_no_formulas() {
        assert_eq!(cell("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
        for formula in ["+1", "-1", "@SUM(A1)", " =1", "＝1"] {
            assert_eq!(cell(formula), format!("'{formula}"));
        }
        assert_eq!(cell("\t=1"), "\\u{9}=1");
        assert_eq!(cell("a=b\r\n"), "a=b\\u{d}\\u{a}");
        assert_eq!(cell(""), "");
    }

    #[test]
    fn segments_stay_in_their_place() {
        assert_eq!(segment("größe b"), "gr%C3%B6%C3%9Fe%20b");
        assert_eq!((segment(".."), segment("."), segment("")), (".._".into(), "._".into(), "_".into()));
        assert_eq!(segment("a/b?c#d%"), "a%2Fb%3Fc%23d%25");
    }

    #[test]
    fn sarif_has_no_links_and_no_arguments_of_others() {
        assert_eq!(sarif("[x](http://y) {0} \\"), "\\[x\\](http://y) {{0}} \\\\");
    }

    #[test]
    fn labels_of_prometheus_stay_on_their_line() {
        assert_eq!(label("a\"b\\c\nd"), "a\\\"b\\\\c\\\\u{a}d");
    }

    proptest! {
        #[test]
        fn escaped_text_is_visible(text in any::<String>()) {
            for escaped in [terminal(&text), markdown(&text), mermaid(&text), cell(&text), sarif(&text), label(&text)] {
                prop_assert!(!escaped.chars().any(|c| c.is_control() || is_invisible(c)));
            }
        }

        #[test]
        fn escaped_html_has_no_markup_and_is_visible(text in any::<String>()) {
            let mut escaped = String::new();
            html(&text, &mut escaped);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'', '`']));
            prop_assert!(!escaped.chars().any(|c| c.is_control() || is_invisible(c)));
        }

        #[test]
        fn escaped_text_has_nothing_that_acts(text in any::<String>()) {
            prop_assert!(!mermaid(&text).contains(['"', '[', ']', '`', '<', '>', '%']));
            prop_assert!(!markdown(&text).contains('|'));
            prop_assert!(segment(&text).bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        }
    }
}
