//! Commands that a person pastes into a POSIX shell: everything that came from AWS is quoted.

use std::fmt;

/// Quotes an argument unless it is plainly harmless.
pub fn quote(argument: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+".contains(c);
    if !argument.is_empty() && argument.chars().all(harmless) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// A command that is put together from options.
#[derive(Clone, Debug)]
pub struct Command(String);

impl Command {
    /// Starts with the words of the program itself.
    pub fn new(words: &'static str) -> Self {
        Self(words.to_owned())
    }

    /// Adds `--name value`, the value quoted.
    pub fn option(&mut self, name: &'static str, value: &str) {
        self.options(name, [value]);
    }

    /// Adds `--name value value …`, the values quoted.
    pub fn options<'a>(&mut self, name: &'static str, values: impl IntoIterator<Item = &'a str>) {
        self.0.push_str(" --");
        self.0.push_str(name);
        for value in values {
            self.0.push(' ');
            self.0.push_str(&quote(value));
        }
    }

    /// Adds words as they are: only this program's own or quoted ones.
    pub fn raw(&mut self, words: &str) {
        self.0.push(' ');
        self.0.push_str(words);
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_run_anything() {
        assert_eq!(quote("subnet-0a1b"), "subnet-0a1b");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("$(rm -rf ~)"), "'$(rm -rf ~)'");
        assert_eq!(quote("it's"), r"'it'\''s'");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("TargetGroups[0].TargetGroupArn"), "'TargetGroups[0].TargetGroupArn'");
    }
}
