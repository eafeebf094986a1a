//! The catalogue as a contract.

use ecs_network_audit::rules;

#[test]
fn ids_are_a_contract() {
    let ids: Vec<&str> = rules::ALL.iter().map(|rule| rule.id).collect();
    assert_eq!(ids, ["target-type-mismatch", "vpc-endpoint-missing", "eni-limit-pressure"]);
}

#[test]
fn every_page_has_its_sections_in_order() {
    let sections = ["## Why it matters", "## How it is decided", "## When it is unknown", "## How to fix it"];
    for rule in rules::ALL {
        let places: Vec<usize> =
            sections.iter().map(|s| rule.page.find(s).unwrap_or_else(|| panic!("{}: {s}", rule.id))).collect();
        assert!(places.is_sorted(), "{}", rule.id);
        assert!(rule.summary.len() <= 80 && !rule.summary.ends_with('.'), "{}", rule.id);
        assert!(rule.references.iter().any(|page| page.starts_with("https://docs.aws.amazon.com/")), "{}", rule.id);
        assert!(!rule.needs.is_empty(), "{}", rule.id);
    }
}
