//! Several accounts and Regions in one report: each is told apart, and one that could not be scanned never looks clean.

use std::collections::BTreeSet;

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::{NotEvaluatedKind, Report, Severity};
use ecs_network_audit::report::{Document, Format, View, render};
use ecs_network_audit::saved::SavedReport;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::file;
use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::run_in;
use crate::mocks::account::ACCOUNT;
use crate::mocks::accounts::fargate_isolated_without_endpoints;
use crate::mocks::organization::{self, OTHER_ACCOUNT, REFUSING_ACCOUNT};

fn settings() -> Settings {
    Settings { rules: vec!["vpc-endpoint-missing", "task-public-ip"], ..Settings::all_rules() }
}

fn report() -> Report {
    evaluate(&organization::snapshot(), &settings())
}

fn rendered(report: &Report, format: Format, width: u16) -> String {
    let view = View { width, colour: false, min_severity: Severity::Info };
    render(&Document { report, wiring: None, capacity: None }, format, &view)
}

#[test]
fn the_table_tells_the_places_apart() {
    assert_snapshot!("several_80", rendered(&report(), Format::Table, 80));
    assert_snapshot!("several_160", rendered(&report(), Format::Table, 160));
}

#[test]
fn markdown_tells_the_places_apart() {
    assert_snapshot!(rendered(&report(), Format::Markdown, 80));
}

#[test]
fn every_rule_is_unjudged_where_nothing_was_scanned() {
    let report = report();
    assert!(!report.scan.complete);
    assert_eq!(report.not_evaluated.len(), 2 * 4);
    assert!(report.not_evaluated.iter().all(|entry| entry.kind == NotEvaluatedKind::Unread));
    let places: BTreeSet<&str> = report.not_evaluated.iter().map(|entry| entry.account.as_str()).collect();
    assert_eq!(places, ["", REFUSING_ACCOUNT].into());
    let found: BTreeSet<&str> = report.findings.iter().map(|finding| finding.account.as_str()).collect();
    assert_eq!(found, [ACCOUNT].into(), "the second account has its NAT gateway");
}

#[test]
fn the_json_report_has_a_status_and_sizes_for_each() {
    let json: Value = serde_json::from_str(&rendered(&report(), Format::Json, 80)).unwrap();
    let targets = json["scan"]["targets"].as_array().unwrap();
    let told: Vec<(&str, &str, &str, u64)> = targets
        .iter()
        .map(|target| {
            let text = |key: &str| target[key].as_str().unwrap();
            (text("account"), text("region"), text("status"), target["services"].as_u64().unwrap())
        })
        .collect();
    let not = "not-scanned";
    assert_eq!(
        told,
        [
            ("", "", not, 0),
            ("", "", not, 0),
            (ACCOUNT, "eu-west-1", "complete", 1),
            (ACCOUNT, "us-east-1", "complete", 0),
            (OTHER_ACCOUNT, "ap-southeast-2", "complete", 1),
            (REFUSING_ACCOUNT, "eu-west-1", not, 0),
            (REFUSING_ACCOUNT, "us-east-1", not, 0),
        ]
    );
    assert_eq!(targets[5]["help"][0], "the caller needs sts:AssumeRole");
}

#[test]
fn sarif_closes_no_alerts_of_what_was_not_scanned() {
    let log: Value = serde_json::from_str(&rendered(&report(), Format::Sarif, 80)).unwrap();
    let runs = log["runs"].as_array().unwrap();
    let ids: Vec<&str> = runs.iter().map(|run| run["automationDetails"]["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(!ids.iter().any(|id| id.contains(REFUSING_ACCOUNT)), "{ids:?}");
    for run in runs {
        let invocation = &run["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        let notes = invocation["toolExecutionNotifications"].to_string();
        assert!(notes.contains("profile older was not scanned"), "{notes}");
    }
}

#[test]
fn a_prometheus_series_comes_once() {
    let text = rendered(&report(), Format::Prometheus, 80);
    let series: Vec<&str> = text.lines().filter(|line| line.contains("target_complete{")).collect();
    let distinct: BTreeSet<&&str> = series.iter().collect();
    assert_eq!(series.len(), distinct.len());
    let of = |value: &str| series.iter().filter(|line| line.ends_with(value)).count();
    assert_eq!((of(" 0"), of(" 1")), (4, 3), "{series:?}");
    assert!(text.contains("target_complete{account=\"profile older\""));
}

#[test]
fn what_was_not_scanned_now_is_not_fixed() {
    let (mut before, after) = (organization::snapshot(), organization::snapshot());
    before.unread_targets.clear();
    let isolated = fargate_isolated_without_endpoints().account;
    before.targets.push(organization::elsewhere(&isolated, REFUSING_ACCOUNT, "eu-west-1"));
    let before = evaluate(&before, &settings());
    let of_refusing: Vec<_> =
        SavedReport::of(&before).findings.into_iter().filter(|finding| finding.account == REFUSING_ACCOUNT).collect();
    assert!(!of_refusing.is_empty());
    let after = SavedReport::of(&evaluate(&after, &settings()));
    assert!(of_refusing.iter().all(|finding| !after.covers(finding)));
}

#[test]
fn the_scan_is_incomplete_by_its_exit_code() {
    let home = TempDir::new().unwrap();
    let mut snapshot = organization::snapshot();
    snapshot.targets.retain(|target| target.account == OTHER_ACCOUNT);
    file::write(&home.path().join("scan.json"), &snapshot).unwrap();
    let scan = ["--snapshot", "scan.json", "--rule", "vpc-endpoint-missing"];
    let ran = run_in(&home, &scan);
    assert_eq!(ran.code, 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("✗ profile old was not scanned"), "{}", ran.stdout);
    let ran = run_in(&home, &["capacity", "--snapshot", "scan.json"]);
    assert_eq!(ran.code, 3);
    snapshot.unread_targets.clear();
    file::write(&home.path().join("scan.json"), &snapshot).unwrap();
    assert_eq!(run_in(&home, &scan).code, 0);
}

#[test]
fn what_a_run_reads_is_not_written_over() {
    let home = TempDir::new().unwrap();
    file::write(&home.path().join("scan.json"), &organization::snapshot()).unwrap();
    let before = std::fs::read(home.path().join("scan.json")).unwrap();
    for output in [&["--output", "scan.json"][..], &["--output", "json=./scan.json"], &["--save-snapshot", "scan.json"]]
    {
        let ran = run_in(&home, &[&["--snapshot", "scan.json"], output].concat());
        assert_eq!(ran.code, 2, "{output:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("would be written over"), "{}", ran.stderr);
    }
    assert_eq!(std::fs::read(home.path().join("scan.json")).unwrap(), before);
    let both = ["--snapshot", "scan.json", "--output", "new.json", "--save-snapshot", "new.json"];
    assert_eq!(run_in(&home, &both).code, 2);
}

#[test]
fn a_name_that_no_cluster_has_is_told() {
    let home = TempDir::new().unwrap();
    let ran = run_in(&home, &["--demo", "--cluster", "prdo"]);
    assert!(ran.code == 0 && ran.stderr.contains("no cluster is called prdo"), "{}", ran.stderr);
}

#[test]
fn the_other_commands_say_that_something_is_missing() {
    let home = TempDir::new().unwrap();
    file::write(&home.path().join("scan.json"), &organization::snapshot()).unwrap();
    let ran = run_in(&home, &["explain", "--snapshot", "scan.json", "nowhere/at-all"]);
    assert!(ran.code == 3 && ran.stderr.contains("can't be told"), "{} {}", ran.code, ran.stderr);
    for command in [&["explain", "--all"][..], &["capacity"]] {
        let ran = run_in(&home, &[command, &["--snapshot", "scan.json"]].concat());
        assert!(ran.code == 3 && ran.stderr.contains("not everything could be read"), "{} {}", ran.code, ran.stderr);
    }
}
