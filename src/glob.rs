//! Name patterns: `*` stands for any text, `?` for any character; everything else for itself.

use std::collections::BTreeSet;

/// Whether a pattern matches the whole of a name.
pub fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    let mut last_star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                last_star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match last_star {
                // The last star takes one character more.
                Some((star, taken)) => {
                    last_star = Some((star, taken + 1));
                    p = star + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether a name is in scope: no pattern, or one that matches. A pattern may be several that have to match, with `&`
/// between them, as [`both`] makes them.
pub fn in_scope(patterns: &[String], name: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| pattern.split('&').all(|pattern| matches(pattern, name)))
}

/// The patterns of what two scopes both let through, sorted.
pub fn both(one: &[String], other: &[String]) -> Vec<String> {
    let sorted = |patterns: &[String]| patterns.iter().cloned().collect::<BTreeSet<String>>();
    let (one, other) = (sorted(one), sorted(other));
    let patterns = match (one.is_empty(), other.is_empty()) {
        (_, true) => one,
        (true, _) => other,
        _ if one == other => one,
        _ => one.iter().flat_map(|one| other.iter().map(move |other| format!("{one}&{other}"))).collect(),
    };
    patterns.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, name) in
            [("*", ""), ("*", "web"), ("web", "web"), ("w*b", "web"), ("w?b", "web"), ("*-*", "a-b-c"), ("**a", "ba")]
        {
            assert!(matches(pattern, name), "{pattern} matches {name}");
        }
        for (pattern, name) in [("", "a"), ("web", "Web"), ("w?b", "wb"), ("a*", "ba"), ("*a", "ab"), ("?", "")] {
            assert!(!matches(pattern, name), "{pattern} does not match {name}");
        }
    }
}
