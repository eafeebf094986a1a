//! The cluster query language: what is read, what is refused, and how it prints.

use ecs_network_audit::placement::query::{Answer, Attribute, Expression, TaskGroups};
use proptest::prelude::*;

use super::{Instance, ask, instance};

#[test]
fn every_operator_has_a_word_and_a_symbol() {
    let pairs = [
        ("attribute:stack == a", "attribute:stack equals a"),
        ("attribute:stack != a", "attribute:stack not_equals a"),
        ("agentVersion > 1", "agentVersion greater_than 1"),
        ("agentVersion >= 1", "agentVersion greater_than_equal 1"),
        ("agentVersion < 1", "agentVersion less_than 1"),
        ("agentVersion <= 1", "agentVersion less_than_equal 1"),
        ("attribute:stack !exists", "attribute:stack not_exists"),
        ("attribute:stack in [a]", "attribute:stack in['a']"),
        ("attribute:stack !in [a]", "attribute:stack not_in [\"a\"]"),
        ("attribute:stack =~ a", "attribute:stack matches a"),
        ("attribute:stack !~ a", "attribute:stack not_matches a"),
        ("attribute:a exists and attribute:b exists", "attribute:a exists&&attribute:b exists"),
        ("attribute:a exists or attribute:b exists", "attribute:a exists || attribute:b exists"),
        ("not(attribute:a exists)", "!(attribute:a exists)"),
        ("not attribute:a !exists", "!attribute:a!exists"),
    ];
    for (one, other) in pairs {
        assert_eq!(Expression::parse(one), Expression::parse(other), "{one}");
        Expression::parse(one).unwrap();
    }
}

#[test]
fn what_cannot_be_read_is_named_with_its_place() {
    let subject = "`not`, `(` or a subject (agentConnected, agentVersion, attribute:NAME, ec2InstanceId, \
                   registeredAt, runningTasksCount or task:group)";
    let operator = "an operator (==, !=, >, >=, <, <=, =~, !~, in, !in, exists or !exists)";
    let argument = "an argument, in quotes if it has other characters than letters, digits and -_.:/@";
    let deep = "(".repeat(40);
    let cases = [
        ("", 1, subject, "the end"),
        ("blieptuut", 1, subject, "`blieptuut`"),
        ("attribute: == a", 1, subject, "`attribute:`"),
        ("AgentVersion < 1", 1, subject, "`AgentVersion`"),
        ("attribute:a == b and", 21, subject, "the end"),
        ("attribute:ecs.capability.nvidia.gpu", 36, operator, "the end"),
        ("attribute:a not exists", 13, operator, "`not`"),
        ("attribute:a EXISTS", 13, operator, "`EXISTS`"),
        ("attribute:a = b", 13, operator, "`=`"),
        ("attribute:a ==", 15, argument, "the end"),
        ("attribute:a == and", 16, argument, "`and`"),
        ("attribute:a == (b)", 16, argument, "`(b)`"),
        ("attribute:a in b", 16, "a list of arguments in `[` and `]`", "`b`"),
        ("attribute:a in []", 17, argument, "`]`"),
        ("attribute:a in [b c]", 19, "`,` or `]`", "`c]`"),
        ("attribute:a == 'b", 16, "a closing quote", "`'b`"),
        (r"attribute:a == 'b\'c'", 16, "quotes without a backslash before the closing one", r"`'b\'c'`"),
        ("attribute:a == b c", 18, "`and`, `or` or the end", "`c`"),
        ("attribute:a == b AND attribute:c == d", 18, "`and`, `or` or the end", "`AND`"),
        ("attribute:a == b&&attribute:c == d", 17, "a space or `)`", "`&&attribute:c`"),
        ("attribute:a == b=c", 17, "a space or `)`", "`=c`"),
        ("attribute:ä == b", 1, subject, "`attribute:ä`"),
        ("attribute:a == ä", 16, argument, "`ä`"),
        ("attribute:a =~ b||attribute:c exists", 16, argument, "`b||attribute:c`"),
        ("attribute:a =~ (b", 16, argument, "`(b`"),
        ("attribute:a =~ [(]b)", 16, argument, "`[(]b)`"),
        ("(attribute:a == b", 18, "`and`, `or` or `)`", "the end"),
        ("attribute:a == b)", 17, "`and`, `or` or the end", "`)`"),
        (deep.as_str(), 33, "no more than 32 parentheses within each other", "`((((((((`"),
    ];
    for (text, position, expected, found) in cases {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!((error.position, error.expected, error.found.as_str()), (position, expected, found), "{text}");
    }
    let error = Expression::parse("attribute:a in [b c]").unwrap_err();
    assert_eq!(error.to_string(), "at character 19: expected `,` or `]`, found `c]`");
}

#[test]
fn hostile_input_is_refused_at_once() {
    for text in ["(".repeat(1_000_000), "!(".repeat(500_000), "not ".repeat(250_000)] {
        assert!(Expression::parse(&text).is_err());
    }
    let negated = format!("{}agentConnected == true", "!".repeat(1_000_000));
    assert_eq!(ask(&instance(), &negated), Answer::Yes);
    let long = vec!["agentConnected == true"; 50_000].join(" and ");
    assert_eq!(ask(&instance(), &long), Answer::Yes);
    let large = "attribute:stack =~ '(((a{255}){255}){255}){255}'";
    assert_eq!(ask(&instance(), large), Answer::Unknown);
}

#[test]
fn an_expression_prints_in_one_way() {
    let cases = [
        ("!(  agentConnected==true)", "not (agentConnected == true)"),
        ("attribute:a not_in ['b',\"c d\",\"it's\"]", "attribute:a !in [b, 'c d', \"it's\"]"),
        ("attribute:a matches (b|c).* || task:group not_exists", "attribute:a =~ '(b|c).*' or task:group !exists"),
        ("registeredAt less_than_equal '2018-06-18'", "registeredAt <= 2018-06-18"),
        ("attribute:a == 'and'", "attribute:a == 'and'"),
        ("attribute:a == ''", "attribute:a == ''"),
    ];
    for (text, printed) in cases {
        assert_eq!(Expression::parse(text).unwrap().to_string(), printed, "{text}");
    }
}

fn argument() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9_.:/@*+?^$\\\\-]{1,8}".prop_filter("reserved", |word| !matches!(word.as_str(), "and" | "or" | "not")),
        "'[^'\\\\]{0,8}'",
        "\"[^\"\\\\]{0,8}\"",
    ]
}

fn comparison() -> impl Strategy<Value = String> {
    let subject = prop_oneof![
        Just("agentConnected".to_owned()),
        Just("agentVersion".to_owned()),
        Just("ec2InstanceId".to_owned()),
        Just("registeredAt".to_owned()),
        Just("runningTasksCount".to_owned()),
        Just("task:group".to_owned()),
        "attribute:[A-Za-z0-9_./-]{1,8}",
    ];
    let one = prop::sample::select(vec!["==", "!=", ">", ">=", "<", "<=", "equals", "less_than"]);
    let test = prop_oneof![
        (one, argument()).prop_map(|(operator, argument)| format!("{operator} {argument}")),
        prop::sample::select(vec!["exists", "!exists"]).prop_map(str::to_owned),
        (prop::sample::select(vec!["in", "!in"]), prop::collection::vec(argument(), 1..4))
            .prop_map(|(operator, arguments)| format!("{operator} [{}]", arguments.join(" ,"))),
        (
            prop::sample::select(vec!["=~", "!~"]),
            "[a-z.*]{1,4}(\\([a-z]{1,4}(\\|[a-z]{1,4})?\\)|\\[[a-z,]{1,4}\\])?[a-z.*]{1,4}"
        )
            .prop_map(|(operator, pattern)| format!("{operator} x{pattern}")),
        (prop::sample::select(vec!["=~", "!~"]), "'[^'\\\\]{0,12}'")
            .prop_map(|(operator, pattern)| format!("{operator} {pattern}")),
    ];
    (subject, test).prop_map(|(subject, test)| format!("{subject} {test}"))
}

fn expression() -> impl Strategy<Value = String> {
    comparison().prop_recursive(4, 24, 4, |inner| {
        let negation = prop::sample::select(vec!["", "not ", "!", "! not "]);
        let connective = prop::sample::select(vec![" and ", " or ", " && ", " || "]);
        let operand = (negation, inner.clone(), any::<bool>()).prop_map(|(negation, inner, group)| {
            if group { format!("{negation}({inner})") } else { format!("{negation}{inner}") }
        });
        prop::collection::vec((operand, connective), 1..4).prop_map(|operands| {
            let last = operands.len() - 1;
            let parts = operands.into_iter().enumerate();
            parts.map(|(at, (text, connective))| if at < last { text + connective } else { text }).collect()
        })
    })
}

/// Text that comes close to an expression, so that every branch of the parser is met.
fn fragments() -> impl Strategy<Value = String> {
    let words = vec![
        "(",
        ")",
        "[",
        "]",
        ",",
        "!",
        "not",
        "and",
        "&&",
        "or",
        "||",
        "==",
        "!=",
        "=~",
        "!~",
        "<",
        ">=",
        "in",
        "exists",
        "agentConnected",
        "attribute:a",
        "task:group",
        "'",
        "\"",
        "\\",
        "a",
        "g2.*",
        "{2}",
        "?",
        "+",
        "-",
        "ä",
        " ",
        " ",
    ];
    prop::collection::vec(prop::sample::select(words), 0..16).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_printed_is_read_as_the_same(text in expression()) {
        let expression = Expression::parse(&text).unwrap();
        let printed = expression.to_string();
        prop_assert_eq!(&Expression::parse(&printed).unwrap(), &expression, "{}", printed);
        prop_assert_eq!(Expression::parse(&printed).unwrap().matches(&instance()), expression.matches(&instance()));
    }

    #[test]
    fn no_text_is_too_much(text in prop_oneof![any::<String>(), fragments()]) {
        match Expression::parse(&text) {
            Ok(expression) => {
                expression.matches(&instance());
                prop_assert_eq!(Expression::parse(&expression.to_string()).unwrap(), expression);
            }
            Err(error) => prop_assert!((1..=text.chars().count() + 1).contains(&error.position)),
        }
    }

    #[test]
    fn a_pattern_never_panics(pattern in "[a-c0-2.*+?|(){}\\[\\]^$\\\\,&!<>:=-]{0,12}") {
        if let Ok(expression) = Expression::parse(&format!("attribute:ecs.instance-type =~ '{pattern}'")) {
            expression.matches(&instance());
        }
    }

    #[test]
    fn knowing_less_never_turns_an_answer_round(text in expression()) {
        let expression = Expression::parse(&text).unwrap();
        let knowing = expression.matches(&instance());
        let blind = Instance {
            attributes: instance().attributes.into_keys().map(|name| (name, Attribute::Unknown)).collect(),
            agent_connected: None,
            agent_version: None,
            ec2_instance_id: None,
            registered_at: None,
            running_tasks_count: None,
            task_groups: TaskGroups::default(),
        };
        let less = expression.matches(&blind);
        prop_assert!(less == Answer::Unknown || less == knowing, "{:?}, {:?}", less, knowing);
    }
}
