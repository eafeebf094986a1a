//! A snapshot of a part of an account tells of that part, and of nothing else.

use std::collections::BTreeSet;
use std::fs;
use std::mem;

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::Report;
use ecs_network_audit::glob;
use ecs_network_audit::rules;
use ecs_network_audit::saved::SavedReport;
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::snapshot::{Snapshot, TargetData};
use tempfile::TempDir;

use crate::binary::run_in;
use crate::mocks::demo;
use crate::mocks::flips::flips;

/// The demo account as a scan for a rule about clusters alone reads it.
fn clusters_only() -> Snapshot {
    let mut snapshot = demo::snapshot();
    let data = &mut snapshot.targets[0].data;
    let whole = mem::replace(data, TargetData::not_requested());
    data.clusters = whole.clusters;
    snapshot
}

#[test]
fn a_snapshot_for_one_rule_does_not_clear_the_others() {
    let all = Settings::all_rules();
    let whole = SavedReport::of(&evaluate(&demo::snapshot(), &all));
    let report = evaluate(&clusters_only(), &all);
    assert!(!report.scan.complete);
    assert_eq!(flips(&whole, &SavedReport::of(&report)), Vec::<String>::new());
    let read = |rule: &&&rules::Rule| rule.needs.iter().all(|dataset| *dataset == Dataset::Clusters);
    let alone: BTreeSet<&str> = rules::ALL.iter().filter(read).map(|rule| rule.id).collect();
    for tally in &report.rules {
        assert_eq!(tally.unknown == 0, alone.contains(tally.rule), "{}", tally.rule);
    }
}

#[test]
fn a_snapshot_for_one_rule_is_whole_for_that_rule() {
    let settings = Settings { rules: vec!["container-insights-off"], ..Settings::all_rules() };
    assert!(evaluate(&clusters_only(), &settings).scan.complete);
}

#[test]
fn a_replay_covers_what_the_scan_and_the_replay_both_let_through() {
    let patterns = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
    let whole = SavedReport::of(&evaluate(&demo::snapshot(), &Settings::all_rules()));
    for (scan, replay, both) in [
        (vec![], vec!["b*"], vec!["b*"]),
        (vec!["b*"], vec![], vec!["b*"]),
        (vec!["b*"], vec!["b*"], vec!["b*"]),
        (vec!["b*", "legacy"], vec!["*o*"], vec!["b*&*o*", "legacy&*o*"]),
        (vec!["backoffice"], vec!["legacy"], vec!["backoffice&legacy"]),
    ] {
        let mut snapshot = demo::snapshot();
        snapshot.scope.clusters = patterns(&scan);
        let settings = Settings { clusters: patterns(&replay), ..Settings::all_rules() };
        let report = evaluate(&snapshot, &settings);
        assert_eq!(report.scan.scope.clusters, both);
        assert_eq!(flips(&whole, &SavedReport::of(&report)), Vec::<String>::new(), "{scan:?} and {replay:?}");
        let named = report.findings.iter().map(|finding| finding.cluster.as_str()).filter(|name| !name.is_empty());
        for cluster in named {
            let in_scope = |all: &[&str]| all.is_empty() || glob::in_scope(&patterns(all), cluster);
            assert!(in_scope(&scan) && in_scope(&replay), "{cluster} for {scan:?} and {replay:?}");
        }
    }
}

#[test]
fn a_replay_of_some_services_judges_no_schedule_beside_them() {
    let mut snapshot = demo::snapshot();
    snapshot.scope.services = vec!["checkout".to_owned()];
    let of_workloads = |report: &Report| -> BTreeSet<String> {
        report.findings.iter().filter_map(|f| Some(f.resource.name.split_once('/')?.1.to_owned())).collect()
    };
    let names = of_workloads(&evaluate(&snapshot, &Settings::all_rules()));
    assert_eq!(names, ["checkout".to_owned()].into());
    let settings = Settings { services: vec!["nightly*".to_owned()], ..Settings::all_rules() };
    assert!(of_workloads(&evaluate(&demo::snapshot(), &settings)).iter().all(|name| name.starts_with("nightly")));
}

#[test]
fn a_service_that_is_not_there_is_no_good_news() {
    let home = TempDir::new().unwrap();
    let ran = run_in(&home, &["--demo", "--service", "nosuch"]);
    assert!(ran.stderr.contains("no service is called nosuch: nothing was judged"), "{ran:?}");
    assert!(ran.stdout.contains("no findings: there was nothing to judge"), "{}", ran.stdout);
}

#[test]
fn two_reports_in_one_file_are_refused_however_it_is_spelled() {
    let home = TempDir::new().unwrap();
    let ran = run_in(&home, &["--demo", "--output", "report.json", "--output", "sarif=./report.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("two reports would have this name"), "{ran:?}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "nothing is left behind");
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_fails_costs_the_others_nothing() {
    let home = TempDir::new().unwrap();
    let ran = run_in(&home, &["--demo", "--output", "json=/dev/full", "--output", "report.md"]);
    assert_eq!(ran.code, 4);
    assert!(ran.stderr.contains("/dev/full"), "{ran:?}");
    assert!(ran.stdout.contains("open findings"), "{}", ran.stdout);
    assert!(fs::read_to_string(home.path().join("report.md")).unwrap().starts_with("## "));
}
