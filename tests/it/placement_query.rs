//! The cluster query language: what an expression selects, and what stays open.

use std::collections::BTreeMap;

use ecs_network_audit::placement::query::{Answer, Attribute, Expression, Subjects, TaskGroups};

mod reading;

/// A container instance of which everything is known but what a test takes away.
#[derive(Clone)]
struct Instance {
    attributes: BTreeMap<&'static str, Attribute<'static>>,
    agent_connected: Option<bool>,
    agent_version: Option<&'static str>,
    ec2_instance_id: Option<&'static str>,
    registered_at: Option<i64>,
    running_tasks_count: Option<i64>,
    task_groups: TaskGroups<'static>,
}

impl Subjects for Instance {
    fn attribute(&self, name: &str) -> Attribute<'_> {
        self.attributes.get(name).copied().unwrap_or(Attribute::Absent)
    }

    fn agent_connected(&self) -> Option<bool> {
        self.agent_connected
    }

    fn agent_version(&self) -> Option<&str> {
        self.agent_version
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        self.ec2_instance_id
    }

    fn registered_at(&self) -> Option<i64> {
        self.registered_at
    }

    fn running_tasks_count(&self) -> Option<i64> {
        self.running_tasks_count
    }

    fn task_groups(&self) -> TaskGroups<'_> {
        self.task_groups.clone()
    }
}

/// 2018-06-18T22:28:28Z.
const REGISTERED: i64 = 1_529_360_908;

fn instance() -> Instance {
    Instance {
        attributes: BTreeMap::from([
            ("ecs.instance-type", Attribute::Value("g2.2xlarge")),
            ("ecs.availability-zone", Attribute::Value("us-east-1a")),
            ("ecs.os-family", Attribute::Value("LINUX")),
            ("com.amazonaws.ecs.capability.ecr-auth", Attribute::NameOnly),
            ("stack", Attribute::Value("blue green")),
            ("path", Attribute::Value(r"a\b")),
            ("unread", Attribute::Unknown),
        ]),
        agent_connected: Some(true),
        agent_version: Some("1.14.4"),
        ec2_instance_id: Some("i-abcd1234"),
        registered_at: Some(REGISTERED),
        running_tasks_count: Some(2),
        task_groups: TaskGroups { seen: vec!["service:production", "family:batch"], complete: true },
    }
}

fn with_groups(seen: &[&'static str], complete: bool) -> Instance {
    Instance { task_groups: TaskGroups { seen: seen.to_vec(), complete }, ..instance() }
}

#[track_caller]
fn ask(subjects: &Instance, expression: &str) -> Answer {
    Expression::parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}")).matches(subjects)
}

#[track_caller]
fn assert_answers(subjects: &Instance, expected: Answer, expressions: &[&str]) {
    for expression in expressions {
        assert_eq!(ask(subjects, expression), expected, "{expression}");
    }
}

#[test]
fn the_examples_of_the_documentation_select_what_it_says() {
    let selecting = [
        "attribute:ecs.availability-zone in [us-east-1a, us-east-1b]",
        "attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us-east-1d",
        "task:group == service:production",
        "not(task:group == database)",
        "agentVersion < 1.14.5",
        "ec2InstanceId in ['i-abcd1234', 'i-wxyx7890']",
        "attribute:ecs.instance-type == g2.2xlarge",
    ];
    assert_answers(&instance(), Answer::Yes, &selecting);
    let others = [
        "attribute:ecs.instance-type == t2.small",
        "attribute:ecs.instance-type in [t2.small, t2.medium]",
        "attribute:ecs.instance-type =~ t2.* and attribute:ecs.availability-zone == us-east-1a",
        "task:group == databases",
        "runningTasksCount == 1",
        "registeredAt < 2018-02-13",
        "attribute:stack == prod",
    ];
    assert_answers(&instance(), Answer::No, &others);
}

#[test]
fn expressions_of_published_projects_are_read() {
    let selecting = [
        "agentConnected==true",
        "ec2InstanceId in ['i-abcd1234'] and agentConnected==true",
        "ec2InstanceId == 'i-abcd1234' and attribute:ecs.availability-zone==us-east-1a",
        "attribute:ecs.instance-type  == g2.2xlarge",
        "attribute:ecs.instance-type matches g2.*",
        "attribute:ecs.instance-type =~ (p[2,3]|g[2,3]|f[1]).*",
        "attribute:ecs.capability.external !exists",
        "ec2InstanceId in [i-1,i-abcd1234]",
        "(attribute:ecs.instance-type == t2.small or attribute:ecs.instance-type == g2.2xlarge) and \
         attribute:ecs.availability-zone == us-east-1a",
    ];
    assert_answers(&instance(), Answer::Yes, &selecting);
}

#[test]
fn an_attribute_is_there_with_or_without_a_value() {
    let capability = "attribute:com.amazonaws.ecs.capability.ecr-auth";
    assert_answers(&instance(), Answer::Yes, &[&format!("{capability} exists"), "attribute:nowhere !exists"]);
    assert_answers(
        &instance(),
        Answer::No,
        &[
            &format!("{capability} !exists"),
            &format!("{capability} == a"),
            &format!("{capability} =~ a.*"),
            "attribute:nowhere exists",
            "attribute:nowhere == a",
            "attribute:nowhere in [a, b]",
        ],
    );
    assert_answers(
        &instance(),
        Answer::Unknown,
        &[
            "attribute:unread exists",
            "attribute:unread == a",
            // False, or nothing that could be negated.
            "not(attribute:nowhere == a)",
            "attribute:nowhere != a",
            "not(attribute:nowhere != a)",
            "attribute:nowhere !in [a]",
            "attribute:nowhere !~ a.*",
            &format!("{capability} != a"),
            // No value may be an empty one.
            "attribute:nowhere == ''",
            "attribute:nowhere =~ .*",
            // Texts have no documented order.
            "attribute:stack > a",
            "attribute:nowhere < 5",
        ],
    );
}

#[test]
fn texts_are_equal_letter_by_letter() {
    assert_answers(&instance(), Answer::Yes, &["attribute:stack == 'blue green'", "attribute:stack == \"blue green\""]);
    assert_answers(&instance(), Answer::Unknown, &["attribute:ecs.os-family == linux", "ec2InstanceId != I-ABCD1234"]);
    assert_answers(&instance(), Answer::Unknown, &[r"attribute:path == a\b", r"attribute:path == a\\b"]);
    assert_answers(&instance(), Answer::No, &[r"attribute:path == a\c", "attribute:stack == blue"]);
    assert_answers(&instance(), Answer::Unknown, &["ec2InstanceId exists", "ec2InstanceId > i-1"]);
}

#[test]
fn a_pattern_is_tried_on_the_whole_and_on_parts() {
    let cases = [
        ("g2.*", Answer::Yes),
        (r"g2\..*", Answer::Yes),
        (r"[a-h][0-9]\.(2|4)xlarge", Answer::Yes),
        ("'(g2|g3)[.]2?x?large'", Answer::Yes),
        ("^g2.+$", Answer::Yes),
        ("[^t].{3,20}?", Answer::Yes),
        ("(?:g|p)[-0-9].*", Answer::Yes),
        ("t2.*", Answer::No),
        (r"m5\..*", Answer::No),
        ("[a-c3,4]9", Answer::No),
        // Found in the value, but not the whole of it.
        ("g2", Answer::Unknown),
        ("g*", Answer::Unknown),
        ("2xlarge", Answer::Unknown),
        // With a backslash or without, this is not the same.
        (r"g\d.*", Answer::Unknown),
        // Java has them, or has them otherwise.
        ("(?!t2).*", Answer::Unknown),
        ("(?i)G2.*", Answer::Unknown),
        (r"(g)\12.*", Answer::Unknown),
        (r"\p{Alpha}.*", Answer::Unknown),
        ("g2.*+", Answer::Unknown),
        ("'[a-z&&[^t]].*'", Answer::Unknown),
        ("[]g]2.*", Answer::Unknown),
        ("'g2.*)|(t2.*'", Answer::Unknown),
        ("*", Answer::Unknown),
        ("g{,3}2.*", Answer::Unknown),
    ];
    for (pattern, expected) in cases {
        assert_eq!(ask(&instance(), &format!("attribute:ecs.instance-type =~ {pattern}")), expected, "{pattern}");
        let negated = match expected {
            Answer::Yes => Answer::No,
            Answer::No => Answer::Yes,
            Answer::Unknown => Answer::Unknown,
        };
        assert_eq!(ask(&instance(), &format!("attribute:ecs.instance-type !~ {pattern}")), negated, "{pattern}");
    }
    let mut accented = instance();
    accented.attributes.insert("stack", Attribute::Value("é"));
    assert_eq!(ask(&accented, "attribute:stack =~ ."), Answer::Unknown);
}

#[test]
fn versions_are_compared_number_by_number() {
    assert_answers(
        &instance(),
        Answer::Yes,
        &[
            "agentVersion == 1.14.4",
            "agentVersion >= 1.14.4",
            "agentVersion > 1.9.0",
            "agentVersion < 1.15",
            "agentVersion != 1.14.5",
            "agentVersion < '2'",
        ],
    );
    assert_answers(
        &instance(),
        Answer::No,
        &["agentVersion > 1.14.4", "agentVersion < 1.9.10", "agentVersion == 1.14.40", "agentVersion >= 2"],
    );
    assert_answers(
        &instance(),
        Answer::Unknown,
        &[
            "agentVersion == 1.14",
            "agentVersion > 1.14",
            "agentVersion < 1.14.4.1",
            "agentVersion == 1.014.4",
            "agentVersion < v1.14.5",
            "agentVersion < 1.+14.5",
            "agentVersion < 99999999999999999999",
            "agentVersion exists",
            "agentVersion in [1.14.4]",
            "agentVersion =~ 1.*",
        ],
    );
    let unseen = Instance { agent_version: None, ..instance() };
    assert_answers(&unseen, Answer::Unknown, &["agentVersion == 1.14.4", "agentVersion < 2", "agentVersion != 1"]);
}

#[test]
fn dates_are_as_exact_as_their_time_zone() {
    assert_answers(
        &instance(),
        Answer::Yes,
        &[
            "registeredAt >= 2018-06-18T22:28:28Z",
            "registeredAt >= 2018-06-18T22:28:28+00:00",
            "registeredAt < 2018-06-18T22:28:29Z",
            "registeredAt >= 2018-06-19T00:28:28+02:00",
            "registeredAt < 2018-06-20",
            "registeredAt > 2018-06-16",
            "registeredAt > 2018-06-18T10:00:00",
            "registeredAt != 2018-06-16",
        ],
    );
    assert_answers(
        &instance(),
        Answer::No,
        &["registeredAt < 2018-06-18T22:28:28Z", "registeredAt > 2018-06-20", "registeredAt == 2018-06-18T22:28:29Z"],
    );
    assert_answers(
        &instance(),
        Answer::Unknown,
        &[
            // Fractions of a second aren't seen.
            "registeredAt == 2018-06-18T22:28:28Z",
            "registeredAt > 2018-06-18T22:28:28Z",
            // The time zone isn't documented, nor whether a date is its first moment or all of it.
            "registeredAt >= 2018-06-18T22:28:28",
            "registeredAt > 2018-06-18T11:00:00",
            "registeredAt > 2018-06-18",
            "registeredAt == 2018-06-18",
            "registeredAt < 2018-06-19",
            "registeredAt < 2018-6-20",
            "registeredAt < 2018-06-31",
            "registeredAt > 2018-01-01T23:59:60Z",
            "registeredAt < 1529360909",
            "registeredAt < 'next week'",
            "registeredAt exists",
        ],
    );
}

#[test]
fn counts_are_numbers_and_the_connection_is_true_or_false() {
    assert_answers(
        &instance(),
        Answer::Yes,
        &["runningTasksCount == 2", "runningTasksCount <= 10", "runningTasksCount > 1", "runningTasksCount != 0"],
    );
    assert_answers(&instance(), Answer::No, &["runningTasksCount < 2", "runningTasksCount >= 10"]);
    assert_answers(
        &instance(),
        Answer::Unknown,
        &["runningTasksCount == two", "runningTasksCount < 2.5", "runningTasksCount > -1", "runningTasksCount in [2]"],
    );
    assert_answers(
        &instance(),
        Answer::Yes,
        &["agentConnected == true", "agentConnected != false", "agentConnected in [true, yes]"],
    );
    assert_answers(&instance(), Answer::No, &["agentConnected == false", "agentConnected !in [true]"]);
    assert_answers(
        &instance(),
        Answer::Unknown,
        &["agentConnected == True", "agentConnected != 1", "agentConnected =~ t.*", "agentConnected exists"],
    );
}

#[test]
fn a_group_is_one_of_those_on_the_instance() {
    let [one, two] = [with_groups(&["database"], true), instance()];
    let [none, some] = [with_groups(&[], true), with_groups(&["database"], false)];
    assert_answers(&two, Answer::Yes, &["task:group in [family:batch, a]", "task:group =~ service:.*"]);
    assert_answers(&none, Answer::Yes, &["not(task:group == database)"]);
    assert_answers(&none, Answer::No, &["task:group == database", "task:group in [database]"]);
    assert_answers(&some, Answer::Yes, &["task:group == database"]);
    assert_answers(&some, Answer::Unknown, &["task:group == web", "not(task:group == web)", "task:group != web"]);
    // None is the group, or one is another.
    assert_answers(&one, Answer::Yes, &["task:group != web", "task:group !in [web]", "task:group !~ web"]);
    assert_answers(&one, Answer::No, &["task:group != database"]);
    assert_answers(&two, Answer::Unknown, &["task:group != family:batch", "task:group !in [family:batch]"]);
    assert_answers(&none, Answer::Unknown, &["task:group != database", "task:group exists", "task:group !exists"]);
}

const YES: &str = "agentConnected == true";
const NO: &str = "agentConnected == false";
const UNKNOWN: &str = "attribute:unread exists";

#[test]
fn what_is_unknown_counts_only_where_it_decides() {
    let cases = [
        (YES, YES, Answer::Yes, Answer::Yes),
        (YES, NO, Answer::No, Answer::Yes),
        (YES, UNKNOWN, Answer::Unknown, Answer::Yes),
        (NO, NO, Answer::No, Answer::No),
        (NO, UNKNOWN, Answer::No, Answer::Unknown),
        (UNKNOWN, UNKNOWN, Answer::Unknown, Answer::Unknown),
    ];
    for (one, other, both, either) in cases {
        for (left, right) in [(one, other), (other, one)] {
            assert_eq!(ask(&instance(), &format!("{left} and {right}")), both, "{left} and {right}");
            assert_eq!(ask(&instance(), &format!("{left} or {right}")), either, "{left} or {right}");
        }
    }
    assert_answers(&instance(), Answer::Unknown, &[&format!("not({UNKNOWN})"), &format!("!!({UNKNOWN})")]);
    assert_answers(&instance(), Answer::No, &[&format!("not({YES})"), &format!("not not {NO}")]);
    // An attribute that isn't there never makes a conjunction true, and never keeps an alternative from it.
    let absent = "attribute:nowhere == a";
    assert_eq!(ask(&instance(), &format!("{absent} and {UNKNOWN}")), Answer::No);
    assert_eq!(ask(&instance(), &format!("{absent} or {YES}")), Answer::Yes);
    assert_eq!(ask(&instance(), &format!("{absent} or {NO}")), Answer::No);
    assert_eq!(ask(&instance(), &format!("not({absent} or {NO})")), Answer::Unknown);
    assert_eq!(ask(&instance(), &format!("not({absent} and {NO})")), Answer::Yes);
}

#[test]
fn what_binds_closer_matters_only_where_the_answers_differ() {
    // `and` first: yes; from the left: no.
    assert_eq!(ask(&instance(), &format!("{YES} or {YES} and {NO}")), Answer::Unknown);
    assert_eq!(ask(&instance(), &format!("{YES} or ({YES} and {NO})")), Answer::Yes);
    assert_eq!(ask(&instance(), &format!("({YES} or {YES}) and {NO}")), Answer::No);
    // From the left and `and` first: yes; from the right: no.
    assert_eq!(ask(&instance(), &format!("{NO} and {NO} or {YES}")), Answer::Unknown);
    assert_eq!(ask(&instance(), &format!("{NO} or {YES} and {YES}")), Answer::Yes);
    assert_eq!(ask(&instance(), &format!("{NO} and {YES} or {NO}")), Answer::No);
    // `not` before a comparison, or before what follows it too.
    assert_eq!(ask(&instance(), &format!("not {YES} and {NO}")), Answer::Unknown);
    assert_eq!(ask(&instance(), &format!("not({YES}) and {NO}")), Answer::No);
    assert_eq!(ask(&instance(), &format!("not {NO} and {YES}")), Answer::Unknown);
    assert_eq!(ask(&instance(), &format!("{YES} and not {NO}")), Answer::Yes);
    assert_eq!(ask(&instance(), &format!("not {NO} and {NO}")), Answer::Unknown);
    assert_eq!(ask(&instance(), &format!("(not {NO}) or {NO}")), Answer::Yes);
}
