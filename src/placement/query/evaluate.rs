//! What an expression says of one container instance.

use std::cmp::Ordering;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::pattern::{agreed, unescaped};
use super::{
    Answer, Attribute, Comparison, Connective, Expression, Operand, Subject, Subjects, TaskGroups, Term, Test,
};

/// What is known of a part of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
    True,
    False,
    /// False, or without an answer, in which case its negation isn't true either.
    NeverTrue,
    Unknown,
}

impl Truth {
    fn of(answer: Option<bool>) -> Self {
        match answer {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Unknown,
        }
    }

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::NeverTrue | Self::Unknown => Self::Unknown,
        }
    }

    fn join(self, connective: Connective, other: Self) -> Self {
        let either = |truth| self == truth || other == truth;
        // Ordered by which operand decides whatever the other is.
        let order = match connective {
            Connective::And => [Self::False, Self::NeverTrue, Self::Unknown, Self::True],
            Connective::Or => [Self::True, Self::Unknown, Self::NeverTrue, Self::False],
        };
        order.into_iter().find(|truth| either(*truth)).unwrap_or(Self::Unknown)
    }

    /// What holds whichever of two readings is right.
    fn agree(self, other: Self) -> Self {
        let is_never_true = |truth| matches!(truth, Self::False | Self::NeverTrue);
        match (self, other) {
            _ if self == other => self,
            _ if is_never_true(self) && is_never_true(other) => Self::NeverTrue,
            _ => Self::Unknown,
        }
    }
}

pub(super) fn expression(expression: &Expression, subjects: &dyn Subjects) -> Answer {
    match chain(expression, subjects) {
        Truth::True => Answer::Yes,
        Truth::False | Truth::NeverTrue => Answer::No,
        Truth::Unknown => Answer::Unknown,
    }
}

fn chain(expression: &Expression, subjects: &dyn Subjects) -> Truth {
    let Expression { first, rest } = expression;
    let mut followed = std::iter::once(first).chain(rest.iter().map(|(_, operand)| operand)).take(rest.len());
    // Nobody says whether such a `not` ends before the next `and` or `or`.
    if followed.any(|operand| operand.negations > 0 && matches!(operand.term, Term::Comparison(_))) {
        return Truth::Unknown;
    }
    let first = truth(first, subjects);
    let rest: Vec<(Connective, Truth)> =
        rest.iter().map(|(connective, operand)| (*connective, truth(operand, subjects))).collect();
    left_to_right(first, &rest).agree(and_before_or(first, &rest)).agree(right_to_left(first, &rest))
}

fn truth(operand: &Operand, subjects: &dyn Subjects) -> Truth {
    let term = match &operand.term {
        Term::Comparison(comparison) => compare(comparison, subjects),
        Term::Parentheses(inner) => chain(inner, subjects),
    };
    (0..operand.negations).fold(term, |truth, _| truth.not())
}

fn left_to_right(first: Truth, rest: &[(Connective, Truth)]) -> Truth {
    rest.iter().fold(first, |so_far, (connective, truth)| so_far.join(*connective, *truth))
}

fn and_before_or(first: Truth, rest: &[(Connective, Truth)]) -> Truth {
    let (mut sum, mut product) = (Truth::False, first);
    for (connective, truth) in rest {
        match connective {
            Connective::And => product = product.join(Connective::And, *truth),
            Connective::Or => sum = sum.join(Connective::Or, std::mem::replace(&mut product, *truth)),
        }
    }
    sum.join(Connective::Or, product)
}

fn right_to_left(first: Truth, rest: &[(Connective, Truth)]) -> Truth {
    let mut following: Option<(Connective, Truth)> = None;
    let with = |truth: Truth, following: Option<(Connective, Truth)>| {
        following.map_or(truth, |(connective, other)| truth.join(connective, other))
    };
    for (connective, truth) in rest.iter().rev() {
        following = Some((*connective, with(*truth, following)));
    }
    with(first, following)
}

fn compare(comparison: &Comparison, subjects: &dyn Subjects) -> Truth {
    let Comparison { subject, test, negated } = comparison;
    let signed = |answer: Option<bool>| Truth::of(answer.map(|answer| answer != *negated));
    match subject {
        Subject::AgentConnected => signed(subjects.agent_connected().and_then(|connected| connection(connected, test))),
        Subject::AgentVersion => {
            signed(subjects.agent_version().and_then(|version| ordered(test, |argument| versions(version, argument))))
        }
        Subject::Attribute(name) => attribute(subjects.attribute(name), test, *negated),
        Subject::Ec2InstanceId => signed(subjects.ec2_instance_id().and_then(|id| text(id, test))),
        Subject::RegisteredAt => {
            signed(subjects.registered_at().and_then(|at| ordered(test, |argument| instants(at, argument))))
        }
        Subject::RunningTasksCount => {
            signed(subjects.running_tasks_count().and_then(|count| ordered(test, |argument| counts(count, argument))))
        }
        Subject::TaskGroup if *negated => Truth::of(no_group(&subjects.task_groups(), test)),
        Subject::TaskGroup => Truth::of(any_group(&subjects.task_groups(), test)),
    }
}

/// A text against the argument, before any negation. How texts are ordered isn't documented.
fn text(value: &str, test: &Test) -> Option<bool> {
    match test {
        Test::Equals(argument) => same(value, argument),
        Test::In(arguments) => any(arguments.iter().map(|argument| same(value, argument))),
        Test::Matches(pattern) => pattern.matches(value),
        Test::Exists | Test::Compares(..) => None,
    }
}

fn same(value: &str, argument: &str) -> Option<bool> {
    agreed(unescaped(argument).iter().map(|argument| match value == argument {
        true => Some(true),
        false if value.eq_ignore_ascii_case(argument) => None,
        false => Some(false),
    }))
}

fn any(answers: impl IntoIterator<Item = Option<bool>>) -> Option<bool> {
    let mut so_far = Some(false);
    for answer in answers {
        match answer {
            Some(true) => return Some(true),
            Some(false) => {}
            None => so_far = None,
        }
    }
    so_far
}

fn connection(connected: bool, test: &Test) -> Option<bool> {
    let is = |argument: &String| argument.parse::<bool>().ok().map(|argument| argument == connected);
    match test {
        Test::Equals(argument) => is(argument),
        Test::In(arguments) => any(arguments.iter().map(is)),
        Test::Exists | Test::Compares(..) | Test::Matches(_) => None,
    }
}

fn attribute(attribute: Attribute<'_>, test: &Test, negated: bool) -> Truth {
    match (attribute, test) {
        (Attribute::Unknown, _) => Truth::Unknown,
        (Attribute::Value(_) | Attribute::NameOnly, Test::Exists) => Truth::of(Some(!negated)),
        (Attribute::Absent, Test::Exists) => Truth::of(Some(negated)),
        (Attribute::Value(value), _) => Truth::of(text(value, test).map(|answer| answer != negated)),
        (Attribute::Absent | Attribute::NameOnly, _) if negated => Truth::Unknown,
        // No value may count as an empty one.
        (Attribute::Absent | Attribute::NameOnly, _) => match text("", test) {
            Some(false) => Truth::NeverTrue,
            Some(true) | None => Truth::Unknown,
        },
    }
}

fn any_group(groups: &TaskGroups<'_>, test: &Test) -> Option<bool> {
    if *test == Test::Exists {
        return None;
    }
    let unseen = (!groups.complete).then_some(None);
    any(groups.seen.iter().map(|group| text(group, test)).chain(unseen))
}

/// The negation of [`any_group`], unless it is that some group differs.
fn no_group(groups: &TaskGroups<'_>, test: &Test) -> Option<bool> {
    let unseen = (!groups.complete).then_some(None);
    let differing = groups.seen.iter().map(|group| text(group, test).map(|answer| !answer));
    let some_differs = any(differing.chain(unseen));
    agreed([any_group(groups, test).map(|answer| !answer), some_differs])
}

/// A test of what has an order, given the orderings that are possible between a subject and an argument.
fn ordered(test: &Test, orderings: impl Fn(&str) -> Vec<Ordering>) -> Option<bool> {
    match test {
        Test::Equals(argument) => agreed(orderings(argument).into_iter().map(|ordering| Some(ordering.is_eq()))),
        Test::Compares(order, argument) => {
            agreed(orderings(argument).into_iter().map(|ordering| Some(order.admits(ordering))))
        }
        Test::Exists | Test::In(_) | Test::Matches(_) => None,
    }
}

const ANY: [Ordering; 3] = [Ordering::Less, Ordering::Equal, Ordering::Greater];

fn number(digits: &str) -> Option<i64> {
    digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))
}

fn counts(count: i64, argument: &str) -> Vec<Ordering> {
    number(argument).map_or(ANY.to_vec(), |argument| vec![count.cmp(&argument)])
}

/// By their numbers from left to right; versions of different lengths only as far as they differ before the end.
fn versions(version: &str, argument: &str) -> Vec<Ordering> {
    if version == argument {
        return vec![Ordering::Equal];
    }
    let parts = |text: &str| text.split('.').map(number).collect::<Option<Vec<i64>>>();
    let (Some(version), Some(argument)) = (parts(version), parts(argument)) else {
        return ANY.to_vec();
    };
    let difference = version.iter().zip(&argument).map(|(a, b)| a.cmp(b)).find(|ordering| ordering.is_ne());
    difference.map_or(ANY.to_vec(), |ordering| vec![ordering])
}

/// The registration is some time within its second, the argument some time within its range.
fn instants(registered_at: i64, argument: &str) -> Vec<Ordering> {
    let Some((first, last)) = instant(argument) else {
        return ANY.to_vec();
    };
    let possible = [
        (Ordering::Less, registered_at < last),
        (Ordering::Equal, (first..=last).contains(&registered_at)),
        (Ordering::Greater, registered_at >= first),
    ];
    possible.into_iter().filter(|(_, is_possible)| *is_possible).map(|(ordering, _)| ordering).collect()
}

/// The first and last second that an argument in one of the documented formats may stand for.
///
/// Without an offset it is in a time zone that isn't documented, anywhere from UTC-12 to UTC+14, and a date alone may
/// be the whole day.
fn instant(argument: &str) -> Option<(i64, i64)> {
    const HOUR: i64 = 3600;
    let shape: String = argument.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    let in_utc = |time: DateTime| Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second());
    match shape.as_str() {
        // The parser would read a leap second as the one before.
        _ if argument.get(17..19) == Some("60") => None,
        "0000-00-00" => {
            let day: Date = argument.parse().ok()?;
            let next = day.checked_add(1.day()).ok()?;
            Some((in_utc(day.into())? - 14 * HOUR, in_utc(next.into())? + 12 * HOUR))
        }
        "0000-00-00T00:00:00" => {
            let time = in_utc(argument.parse().ok()?)?;
            Some((time - 14 * HOUR, time + 12 * HOUR))
        }
        "0000-00-00T00:00:00Z" | "0000-00-00T00:00:00+00:00" | "0000-00-00T00:00:00-00:00" => {
            let time = argument.parse::<Timestamp>().ok()?.as_second();
            Some((time, time))
        }
        _ => None,
    }
}
