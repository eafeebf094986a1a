//! From text to an expression. What the documentation doesn't show is refused rather than guessed at.

use super::pattern::Pattern;
use super::{Comparison, Connective, Expression, Operand, Order, ParseError, Subject, Term, Test};

/// Parentheses within parentheses, which the parser and all that walks an expression recurse into.
const DEEPEST: usize = 32;

const SUBJECT: &str = "`not`, `(` or a subject (agentConnected, agentVersion, attribute:NAME, ec2InstanceId, \
                       registeredAt, runningTasksCount or task:group)";
const OPERATOR: &str = "an operator (==, !=, >, >=, <, <=, =~, !~, in, !in, exists or !exists)";
const ARGUMENT: &str = "an argument, in quotes if it has other characters than letters, digits and -_.:/@";

/// Reads an expression to its end.
pub(super) fn expression(text: &str) -> Result<Expression, ParseError> {
    let mut parser = Parser { text, rest: text };
    let expression = parser.chain(0)?;
    if parser.rest.is_empty() { Ok(expression) } else { parser.expected("`and`, `or` or the end") }
}

/// Whether an argument is read as it stands, without quotes.
pub(super) fn is_bare(argument: &str) -> bool {
    !argument.is_empty() && argument.chars().all(is_bare_char) && !is_reserved(argument)
}

fn is_bare_char(c: char) -> bool {
    c.is_ascii_graphic() && !"'\"()[],&|!<>=".contains(c)
}

fn is_subject_char(c: char) -> bool {
    // Names may hold backslashes too, and nobody says whether the language takes them away.
    c.is_ascii_alphanumeric() || "-_.:/".contains(c)
}

fn is_reserved(word: &str) -> bool {
    matches!(word, "and" | "or" | "not")
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn expected<T>(&self, expected: &'static str) -> Result<T, ParseError> {
        let before = self.text.len() - self.rest.len();
        let position = self.text[..before].chars().count() + 1;
        let word: String = self.rest.chars().take_while(|c| !c.is_whitespace()).take(24).collect();
        let found = match (word.is_empty(), self.rest.is_empty()) {
            (false, _) => format!("`{word}`"),
            (true, false) => "a space".to_owned(),
            (true, true) => "the end".to_owned(),
        };
        Err(ParseError { position, expected, found })
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace());
    }

    fn take(&mut self, symbol: &str) -> bool {
        let rest = self.rest.strip_prefix(symbol);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn peek_while(&self, of: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !of(c)).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    /// Takes a word that nothing is glued to but what can't be a part of it.
    fn take_word(&mut self, word: &str) -> bool {
        self.peek_while(is_bare_char) == word && self.take(word)
    }

    fn chain(&mut self, depth: usize) -> Result<Expression, ParseError> {
        let first = self.operand(depth)?;
        let mut rest = Vec::new();
        loop {
            self.skip_spaces();
            let connective = if self.take_word("and") || self.take("&&") {
                Connective::And
            } else if self.take_word("or") || self.take("||") {
                Connective::Or
            } else {
                return Ok(Expression { first, rest });
            };
            rest.push((connective, self.operand(depth)?));
        }
    }

    fn operand(&mut self, depth: usize) -> Result<Operand, ParseError> {
        let mut negations = 0;
        loop {
            self.skip_spaces();
            if !self.take("!") && !self.take_word("not") {
                break;
            }
            negations += 1;
        }
        if !self.rest.starts_with('(') {
            return Ok(Operand { negations, term: Term::Comparison(self.comparison()?) });
        }
        if depth == DEEPEST {
            return self.expected("no more than 32 parentheses within each other");
        }
        self.take("(");
        let inner = self.chain(depth + 1)?;
        if !self.take(")") {
            return self.expected("`and`, `or` or `)`");
        }
        Ok(Operand { negations, term: Term::Parentheses(Box::new(inner)) })
    }

    fn comparison(&mut self) -> Result<Comparison, ParseError> {
        let subject = self.subject()?;
        self.skip_spaces();
        let (test, negated) = self.test()?;
        Ok(Comparison { subject, test, negated })
    }

    fn subject(&mut self) -> Result<Subject, ParseError> {
        let word = self.peek_while(is_subject_char);
        let subject = match word {
            "agentConnected" => Subject::AgentConnected,
            "agentVersion" => Subject::AgentVersion,
            "ec2InstanceId" => Subject::Ec2InstanceId,
            "registeredAt" => Subject::RegisteredAt,
            "runningTasksCount" => Subject::RunningTasksCount,
            "task:group" => Subject::TaskGroup,
            _ => match word.strip_prefix("attribute:") {
                Some(name) if !name.is_empty() => Subject::Attribute(name.to_owned()),
                _ => return self.expected(SUBJECT),
            },
        };
        self.take(word);
        Ok(subject)
    }

    fn test(&mut self) -> Result<(Test, bool), ParseError> {
        if self.take("==") || self.take_word("equals") {
            Ok((Test::Equals(self.argument()?), false))
        } else if self.take("!=") || self.take_word("not_equals") {
            Ok((Test::Equals(self.argument()?), true))
        } else if self.take("=~") || self.take_word("matches") {
            Ok((Test::Matches(self.pattern()?), false))
        } else if self.take("!~") || self.take_word("not_matches") {
            Ok((Test::Matches(self.pattern()?), true))
        } else if self.take_word("in") {
            Ok((Test::In(self.list()?), false))
        } else if self.take_negated("in") || self.take_word("not_in") {
            Ok((Test::In(self.list()?), true))
        } else if self.take_word("exists") {
            Ok((Test::Exists, false))
        } else if self.take_negated("exists") || self.take_word("not_exists") {
            Ok((Test::Exists, true))
        } else if let Some(order) = self.order() {
            Ok((Test::Compares(order, self.argument()?), false))
        } else {
            self.expected(OPERATOR)
        }
    }

    fn take_negated(&mut self, word: &str) -> bool {
        let before = self.rest;
        let taken = self.take("!") && self.take_word(word);
        if !taken {
            self.rest = before;
        }
        taken
    }

    fn order(&mut self) -> Option<Order> {
        if self.take(">=") || self.take_word("greater_than_equal") {
            Some(Order::GreaterOrEqual)
        } else if self.take("<=") || self.take_word("less_than_equal") {
            Some(Order::LessOrEqual)
        } else if self.take(">") || self.take_word("greater_than") {
            Some(Order::Greater)
        } else if self.take("<") || self.take_word("less_than") {
            Some(Order::Less)
        } else {
            None
        }
    }

    fn argument(&mut self) -> Result<String, ParseError> {
        self.skip_spaces();
        let argument = self.item()?;
        self.end_of_argument()?;
        Ok(argument)
    }

    fn list(&mut self) -> Result<Vec<String>, ParseError> {
        self.skip_spaces();
        if !self.take("[") {
            return self.expected("a list of arguments in `[` and `]`");
        }
        let mut items = Vec::new();
        loop {
            self.skip_spaces();
            items.push(self.item()?);
            self.skip_spaces();
            if self.take("]") {
                self.end_of_argument()?;
                return Ok(items);
            }
            if !self.take(",") {
                return self.expected("`,` or `]`");
            }
        }
    }

    fn item(&mut self) -> Result<String, ParseError> {
        if let Some(quoted) = self.quoted()? {
            return Ok(quoted);
        }
        let word = self.peek_while(is_bare_char);
        if !is_bare(word) {
            return self.expected(ARGUMENT);
        }
        self.take(word);
        Ok(word.to_owned())
    }

    /// Text in single or double quotes, if it stands here.
    fn quoted(&mut self) -> Result<Option<String>, ParseError> {
        let Some(quote) = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            return Ok(None);
        };
        let inner = &self.rest[1..];
        let Some(end) = inner.find(quote) else {
            return self.expected("a closing quote");
        };
        let (inner, rest) = inner.split_at(end);
        // Nobody says whether a backslash would make the quote a part of the text.
        if inner.ends_with('\\') {
            return self.expected("quotes without a backslash before the closing one");
        }
        self.rest = &rest[1..];
        Ok(Some(inner.to_owned()))
    }

    /// A pattern, which may stand without quotes even with parentheses, brackets and bars, as in `(p[23]|g4).*`.
    fn pattern(&mut self) -> Result<Pattern, ParseError> {
        self.skip_spaces();
        let text = match self.quoted()? {
            Some(quoted) => quoted,
            None => self.bare_pattern()?.to_owned(),
        };
        self.end_of_argument()?;
        Ok(Pattern::new(text))
    }

    fn bare_pattern(&mut self) -> Result<&'a str, ParseError> {
        let (mut open, mut in_class, mut end) = (0_usize, false, self.rest.len());
        for (at, c) in self.rest.char_indices() {
            match c {
                ')' if open == 0 && !in_class => {
                    end = at;
                    break;
                }
                _ if c.is_ascii_whitespace() => {
                    end = at;
                    break;
                }
                '(' | ')' if in_class || self.rest[..at].ends_with('\\') => return self.expected(ARGUMENT),
                '(' => open += 1,
                ')' => open -= 1,
                '[' => in_class = true,
                ']' => in_class = false,
                '\'' | '"' => return self.expected(ARGUMENT),
                _ if !c.is_ascii_graphic() => return self.expected(ARGUMENT),
                _ => {}
            }
        }
        let pattern = &self.rest[..end];
        let is_unclear = pattern.contains("&&") || pattern.contains("||") || pattern.ends_with('\\');
        if pattern.is_empty() || is_reserved(pattern) || is_unclear || open > 0 || in_class {
            return self.expected(ARGUMENT);
        }
        self.rest = &self.rest[end..];
        Ok(pattern)
    }

    fn end_of_argument(&self) -> Result<(), ParseError> {
        let next = self.rest.chars().next();
        if next.is_none_or(|c| c.is_ascii_whitespace() || c == ')') { Ok(()) } else { self.expected("a space or `)`") }
    }
}
