//! The cluster query language: the expressions of `memberOf` placement constraints.
//!
//! Source: the pages `cluster-query-language` and `task-placement-constraints` of the ECS Developer Guide. They give
//! neither a grammar nor every meaning. Where two readings of an expression are possible, both are followed, and the
//! answer is [`Answer::Unknown`] unless they agree:
//!
//! - `and` before `or`, or from left to right, or from right to left;
//! - `not` without parentheses before one comparison, or before what follows it too;
//! - patterns that have to match the whole of a value, or a part of it; other Java syntax than both Java and the
//!   `regex` crate read alike is not followed at all;
//! - backslashes that the query language takes away, or leaves in the argument;
//! - values that differ in upper and lower case only;
//! - `!=`, `!in` and `!~` on `task:group`: all groups differ, or one does;
//! - comparisons with an attribute that an instance doesn't have: false, or without an answer that `not` could turn
//!   round. Of `attribute:stack != prod` the guide says that it lists the instances with the attribute, but that is one
//!   sentence beside one example.

mod evaluate;
mod parse;
mod pattern;

use std::cmp::Ordering;
use std::fmt;

use thiserror::Error;

use pattern::Pattern;

/// An expression that has been read.
///
/// Amazon ECS refuses expressions that it can't read, so one of an existing service or task definition that
/// [`Expression::parse`] refuses is one that this module doesn't understand, not one that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    first: Operand,
    rest: Vec<(Connective, Operand)>,
}

impl Expression {
    /// Reads an expression.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::expression(text)
    }

    /// Whether the expression selects a container instance.
    pub fn matches(&self, subjects: &dyn Subjects) -> Answer {
        evaluate::expression(self, subjects)
    }
}

/// Whether an expression selects a container instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// It does.
    Yes,
    /// It doesn't.
    No,
    /// Not everything was seen, or the documentation leaves it open.
    Unknown,
}

/// What an expression can ask about a container instance. `None` stands for what isn't known.
pub trait Subjects {
    /// `attribute:NAME`.
    fn attribute(&self, name: &str) -> Attribute<'_>;
    /// `agentConnected`.
    fn agent_connected(&self) -> Option<bool>;
    /// `agentVersion`, such as `1.86.0`.
    fn agent_version(&self) -> Option<&str>;
    /// `ec2InstanceId`.
    fn ec2_instance_id(&self) -> Option<&str>;
    /// `registeredAt` in seconds since 1970, rounded down.
    fn registered_at(&self) -> Option<i64>;
    /// `runningTasksCount`.
    fn running_tasks_count(&self) -> Option<i64>;
    /// `task:group`: the groups of the tasks on the instance.
    fn task_groups(&self) -> TaskGroups<'_>;
}

/// What is known of an attribute of a container instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// It is there with a value.
    Value(&'a str),
    /// It is there without a value, as capabilities are.
    NameOnly,
    /// The instance doesn't have it.
    Absent,
    /// It can't be seen.
    Unknown,
}

/// Groups of the tasks on a container instance, such as `service:web`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskGroups<'a> {
    /// Those seen.
    pub seen: Vec<&'a str>,
    /// Whether there are no others.
    pub complete: bool,
}

/// Where and why an expression can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("at character {position}: expected {expected}, found {found}")]
pub struct ParseError {
    /// The character, counted from 1.
    pub position: usize,
    /// What could have stood there.
    pub expected: &'static str,
    /// The beginning of what stands there, in backquotes, or `the end`.
    pub found: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Operand {
    negations: usize,
    term: Term,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Comparison(Comparison),
    Parentheses(Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connective {
    And,
    Or,
}

/// A subject with an operator; those in pairs, such as `in` and `!in`, are one test and its negation.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    subject: Subject,
    test: Test,
    negated: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    AgentConnected,
    AgentVersion,
    Attribute(String),
    Ec2InstanceId,
    RegisteredAt,
    RunningTasksCount,
    TaskGroup,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Exists,
    Equals(String),
    Compares(Order, String),
    In(Vec<String>),
    Matches(Pattern),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Order {
    fn admits(self, ordering: Ordering) -> bool {
        match self {
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        }
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        for (connective, operand) in &self.rest {
            let word = match connective {
                Connective::And => "and",
                Connective::Or => "or",
            };
            write!(f, " {word} {operand}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for _ in 0..self.negations {
            f.write_str("not ")?;
        }
        match &self.term {
            Term::Comparison(comparison) => write!(f, "{comparison}"),
            Term::Parentheses(expression) => write!(f, "({expression})"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.subject)?;
        let not = if self.negated { "!" } else { "" };
        match &self.test {
            Test::Exists => write!(f, "{not}exists"),
            Test::Equals(argument) => write!(f, "{} {}", if self.negated { "!=" } else { "==" }, Argument(argument)),
            Test::Compares(order, argument) => {
                let symbol = match order {
                    Order::Greater => ">",
                    Order::GreaterOrEqual => ">=",
                    Order::Less => "<",
                    Order::LessOrEqual => "<=",
                };
                write!(f, "{symbol} {}", Argument(argument))
            }
            Test::In(arguments) => {
                let arguments: Vec<String> = arguments.iter().map(|argument| Argument(argument).to_string()).collect();
                write!(f, "{not}in [{}]", arguments.join(", "))
            }
            Test::Matches(pattern) => {
                write!(f, "{} {}", if self.negated { "!~" } else { "=~" }, Argument(pattern.text()))
            }
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AgentConnected => f.write_str("agentConnected"),
            Self::AgentVersion => f.write_str("agentVersion"),
            Self::Attribute(name) => write!(f, "attribute:{name}"),
            Self::Ec2InstanceId => f.write_str("ec2InstanceId"),
            Self::RegisteredAt => f.write_str("registeredAt"),
            Self::RunningTasksCount => f.write_str("runningTasksCount"),
            Self::TaskGroup => f.write_str("task:group"),
        }
    }
}

struct Argument<'a>(&'a str);

impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0;
        // The language has no escapes, so an argument never holds both kinds of quotes.
        match text {
            _ if parse::is_bare(text) => f.write_str(text),
            _ if text.contains('\'') => write!(f, "\"{text}\""),
            _ => write!(f, "'{text}'"),
        }
    }
}
