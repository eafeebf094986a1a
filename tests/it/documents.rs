//! What the documentation says is what the program says.

use std::fs;

use ecs_network_audit::rules::{self, Group};

use crate::binary::run;

#[test]
fn the_policy_in_the_documentation_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/policy.json");
    let expected = run(&["policy"]).stdout;
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &expected).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap_or_default(), expected, "run `UPDATE=1 cargo test the_policy_in`");
}

#[test]
fn the_sample_in_the_readme_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("<!-- demo -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /demo -->").unwrap();
    let scope = ["--cluster", "shop", "--cluster", "batch"];
    let sample = run(&[&["--demo", "--min-severity", "high"][..], &scope].concat()).stdout;
    let expected = format!("{before}<!-- demo -->\n```text\n{sample}```\n<!-- /demo -->{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &expected).unwrap();
    }
    assert!(readme == expected || std::env::var_os("UPDATE").is_some(), "run `UPDATE=1 cargo test the_sample_in`");
}

#[test]
fn the_pages_in_the_documentation_are_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules.md");
    let expected = run(&["rules", "--format", "markdown"]).stdout;
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &expected).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap_or_default() == expected, "run `UPDATE=1 cargo test the_pages_in`");
}

#[test]
fn the_comparison_names_every_control_and_only_rules_that_exist() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/comparison.md")).unwrap();
    for rule in rules::ALL {
        for control in rule.controls {
            let line = text.lines().find(|line| line.starts_with("| ") && line[..30].contains(control));
            assert!(line.is_some_and(|line| line.contains(rule.id)), "{control}: {}", rule.id);
        }
    }
    // What looks like an id of the catalogue, by its last words, is one.
    let quoted = text.split('`').skip(1).step_by(2);
    let kinds = ["-missing", "-off", "-blocked", "-unreachable", "-exposed", "-outdated", "-mismatch", "-pressure"];
    for word in quoted.filter(|word| kinds.iter().any(|kind| word.ends_with(kind))) {
        assert!(rules::by_id(word).is_some(), "{word}");
    }
}

#[test]
fn the_rules_in_the_readme_are_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).unwrap();
    let (before, rest) = readme.split_once("<!-- rules -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /rules -->").unwrap();
    let mut table = format!("{} rules in six groups:\n\n", rules::ALL.len());
    for group in Group::ALL {
        let of_group = rules::ALL.iter().filter(|rule| rule.group == group);
        let links: Vec<String> = of_group.map(|rule| format!("[{0}](docs/rules.md#{0})", rule.id)).collect();
        table.push_str(&format!("- **{}**, {}: {}\n", group.name(), group.about(), links.join(", ")));
    }
    let expected = format!("{before}<!-- rules -->\n{table}<!-- /rules -->{after}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &expected).unwrap();
    }
    assert!(readme == expected || std::env::var_os("UPDATE").is_some(), "run `UPDATE=1 cargo test the_rules_in`");
}
