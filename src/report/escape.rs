//! Names that AWS users chose, made harmless: one function for each output language.

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

    proptest! {
        #[test]
        fn escaped_html_has_no_markup_and_is_visible(text in any::<String>()) {
            let mut escaped = String::new();
            html(&text, &mut escaped);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'', '`']));
            prop_assert!(!escaped.chars().any(|c| c.is_control() || is_invisible(c)));
        }

        #[test]
        fn escaped_text_is_visible(text in any::<String>()) {
            let escaped = terminal(&text);
            prop_assert!(!escaped.chars().any(|c| c.is_control() || is_invisible(c)));
        }
    }
}
