//! Name patterns: `*` stands for any text, `?` for any character; everything else for itself.

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

/// Whether a name is in scope: no pattern, or one that matches.
pub fn in_scope(patterns: &[String], name: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, name))
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
