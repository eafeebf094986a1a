//! The account that ships with the program.

use std::collections::BTreeSet;

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::NotEvaluatedKind;
use ecs_network_audit::rules;
use ecs_network_audit::settings::Settings;

use crate::mocks::demo;

#[test]
fn every_rule_fires_and_the_healthy_cluster_is_silent() {
    let report = evaluate(&demo::snapshot(), &Settings::all_rules());
    let fired: BTreeSet<&str> = report.findings.iter().map(|finding| finding.rule).collect();
    // Thousands of interfaces would make the demo large.
    let mut all: BTreeSet<&str> = rules::ALL.iter().map(|rule| rule.id).collect();
    all.remove("network-interface-quota");
    assert_eq!(fired, all);
    assert!(report.findings.iter().all(|finding| finding.cluster != "healthy"));
    assert!(report.scan.complete);
    for entry in &report.not_evaluated {
        let name = entry.resource.as_ref().map_or("", |resource| resource.name.as_str());
        assert!(
            entry.kind == NotEvaluatedKind::Undecidable && !name.starts_with("healthy"),
            "{name}: {}",
            entry.reason
        );
    }
}

#[test]
fn the_embedded_snapshot_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/mocks/demo.json");
    let mut expected = serde_json::to_string(&demo::snapshot()).unwrap();
    expected.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap();
    assert!(found == expected, "mocks/demo.json is stale: run `UPDATE=1 cargo test the_embedded_snapshot`");
}
