//! What teams settle, accept and know: `audit.toml`, waivers, the baseline and `audit diff`, by the binary.

use std::fs;

use insta::assert_snapshot;
use serde_json::Value;
use tempfile::TempDir;

use crate::binary::{Ran, run_in};

const CONFIG: &str = "
[[waivers]]
rule = 'privileged-container'
resource = 'tooling/*'
reason = 'the agent of the monitoring vendor'
owner = 'platform'
expires = 2027-01-31

[[waivers]]
rule = 'host-process-namespace'
resource = 'tooling/*'
reason = 'until the agent is replaced'
owner = 'platform'
expires = 2026-10-31

[[waivers]]
rule = 'dangerous-mount'
resource = 'nobody/*'
reason = 'a cluster that is gone'
owner = 'platform'
expires = 2027-01-31
";
const RULES: [&str; 4] = ["privileged-container", "host-process-namespace", "dangerous-mount", "secret-in-environment"];

fn audit(home: &TempDir, rules: &[&str], more: &[&str]) -> Ran {
    let rules = rules.iter().flat_map(|rule| ["--rule", rule]);
    let arguments: Vec<&str> = ["--demo"].into_iter().chain(rules).chain(more.iter().copied()).collect();
    run_in(home, &arguments)
}

/// A home with the settings, and a baseline of one rule.
fn settled() -> TempDir {
    let home = TempDir::new().unwrap();
    let old = audit(&home, &["secret-in-environment"], &["--format", "json"]).stdout;
    fs::write(home.path().join("old.json"), old).unwrap();
    fs::write(home.path().join("audit.toml"), CONFIG).unwrap();
    home
}

fn statuses(report: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|f| (text(&f["rule"]), text(&f["status"]))).collect();
    all.sort();
    all
}

#[test]
fn waived_expired_unused_known_and_new() {
    let home = settled();
    let ran = audit(&home, &RULES, &["--baseline", "old.json", "--format", "json"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.starts_with("settings of "), "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = [
        ("dangerous-mount", "open"),
        ("host-process-namespace", "open"),
        ("privileged-container", "waived"),
        ("secret-in-environment", "baseline"),
    ];
    assert_eq!(statuses(&report), expected.map(|(rule, status)| (rule.to_owned(), status.to_owned())));
    let states: Vec<(&str, u64)> = report["waivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|waiver| (waiver["state"].as_str().unwrap(), waiver["findings"].as_u64().unwrap()))
        .collect();
    assert_eq!(states, [("in-force", 1), ("expired", 1), ("unused", 0)]);
    let waived = report["findings"].as_array().unwrap().iter().find(|f| f["status"] == "waived").unwrap();
    assert_eq!(waived["waiver"]["owner"], "platform");
    assert_eq!(report["scan"]["baseline"]["marked"], 1);
    assert_eq!((&report["summary"]["waived"], &report["summary"]["baseline"]), (&1.into(), &1.into()));
    // What is accepted or known doesn't end a run with 1; a new finding, an expired waiver and a later day do.
    let quiet = ["privileged-container", "secret-in-environment"];
    assert_eq!(audit(&home, &quiet, &["--baseline", "old.json"]).code, 0);
    assert_eq!(audit(&home, &quiet, &[]).code, 1);
    assert_eq!(audit(&home, &["privileged-container"], &["--as-of", "2027-01-31"]).code, 0);
    assert_eq!(audit(&home, &["privileged-container"], &["--as-of", "2027-02-01"]).code, 1);
    assert_eq!(audit(&home, &["privileged-container"], &["--no-config"]).code, 1);
    let table = audit(&home, &RULES, &["--baseline", "old.json"]).stdout;
    let summary: Vec<&str> = table.lines().skip_while(|line| !line.starts_with("open findings")).collect();
    assert_snapshot!(summary.join("\n"), @r##"
    open findings: 1 high, 1 medium
    1 finding waived
    1 finding known from the baseline
    expired 2026-10-31: waiver of host-process-namespace for tooling/* (platform), 1 finding counted again
    covers nothing: waiver of dangerous-mount for nobody/* (platform)
    "##);
}

#[test]
fn settings_are_found_above_and_arguments_win() {
    let home = TempDir::new().unwrap();
    let text = "skip-rules = ['root-user']\nfail-on = 'never'\nmin-severity = 'high'\nclusters = ['tooling']\n\
                [severities]\nhost-process-namespace = 'low'\n";
    fs::write(home.path().join("audit.toml"), text).unwrap();
    fs::create_dir(home.path().join("below")).unwrap();
    let mut command = crate::binary::audit(home.path());
    let ran = crate::binary::ran(
        command
            .current_dir(home.path().join("below"))
            .args(["--demo", "--format", "json", "--quiet"])
            .output()
            .unwrap(),
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["scan"]["scope"]["clusters"][0], "tooling");
    assert!(!report["scan"]["rules"].as_array().unwrap().contains(&"root-user".into()));
    assert!(
        report["findings"].as_array().unwrap().iter().all(|f| f["severity"] == "high"),
        "min-severity hides the rest"
    );
    let ran = run_in(&home, &["--demo", "--quiet", "--fail-on", "high", "--min-severity", "low", "--format", "json"]);
    assert_eq!(ran.code, 1);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let settled =
        report["findings"].as_array().unwrap().iter().find(|f| f["rule"] == "host-process-namespace").unwrap();
    assert_eq!((&settled["severity"], &settled["base_severity"]), (&"low".into(), &"high".into()));
}

#[test]
fn slips_in_files_end_with_2_and_say_what_was_meant() {
    let home = TempDir::new().unwrap();
    fs::write(home.path().join("audit.toml"), "rulse = []\n").unwrap();
    let ran = run_in(&home, &["--demo"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("line 1: there is no key 'rulse'; did you mean 'rules'?"), "{}", ran.stderr);
    assert_eq!(run_in(&home, &["--demo", "--no-config", "--exit-zero"]).code, 0);
    assert!(run_in(&home, &["--demo", "--config", "none.toml"]).stderr.contains("none.toml"));
    fs::write(home.path().join("base.json"), "{}").unwrap();
    let ran = run_in(&home, &["--demo", "--no-config", "--baseline", "base.json"]);
    assert!(ran.code == 2 && ran.stderr.contains("no JSON report"), "{}", ran.stderr);
}

#[test]
fn a_baseline_of_an_incomplete_scan_is_refused_unless_forced() {
    let home = TempDir::new().unwrap();
    let old = audit(&home, &["privileged-container"], &["--format", "json"]).stdout;
    let incomplete = old.replacen("\"complete\": true", "\"complete\": false", 1);
    fs::write(home.path().join("old.json"), incomplete).unwrap();
    let baseline = ["--baseline", "old.json"];
    let refused = audit(&home, &["privileged-container"], &baseline);
    assert!(refused.code == 2 && refused.stderr.contains("--force-baseline"), "{}", refused.stderr);
    let forced = [&baseline[..], &["--force-baseline"]].concat();
    assert_eq!(audit(&home, &["privileged-container"], &forced).code, 0);
}

#[test]
fn what_was_not_covered_is_neither_new_nor_fixed() {
    let home = TempDir::new().unwrap();
    let save = |name: &str, rules: &[&str], more: &[&str]| {
        let report = audit(&home, rules, &[&["--format", "json"], more].concat()).stdout;
        fs::write(home.path().join(name), report).unwrap();
    };
    save("both.json", &["privileged-container", "root-user"], &[]);
    save("one.json", &["privileged-container"], &[]);
    save("narrow.json", &["privileged-container", "root-user"], &["--cluster", "shop"]);
    let text = fs::read_to_string(home.path().join("both.json")).unwrap();
    let mut report: Value = serde_json::from_str(&text).unwrap();
    report["findings"].as_array_mut().unwrap().retain(|finding| finding["rule"] == "root-user");
    fs::write(home.path().join("repaired.json"), report.to_string()).unwrap();
    let diff = |old: &str, new: &str| {
        let ran = run_in(&home, &["diff", old, new, "--format", "json"]);
        let diff: Value = serde_json::from_str(&ran.stdout).unwrap();
        let entries = diff["entries"].as_array().unwrap().iter();
        let states: Vec<String> =
            entries.map(|e| format!("{} {}", e["state"].as_str().unwrap(), e["rule"].as_str().unwrap())).collect();
        (ran.code, states)
    };
    let said = |code: i32, states: &[&str]| (code, states.iter().map(|state| (*state).to_owned()).collect::<Vec<_>>());
    assert_eq!(diff("both.json", "both.json"), said(0, &[]));
    assert_eq!(diff("both.json", "one.json"), said(0, &["not-covered-now root-user"]));
    assert_eq!(diff("one.json", "both.json"), said(0, &["not-covered-before root-user"]));
    assert_eq!(
        diff("both.json", "narrow.json"),
        said(0, &["not-covered-now privileged-container", "not-covered-now root-user"])
    );
    assert_eq!(diff("both.json", "repaired.json"), said(0, &["fixed privileged-container"]));
    assert_eq!(diff("repaired.json", "both.json"), said(1, &["new privileged-container"]));
    assert_snapshot!(run_in(&home, &["diff", "repaired.json", "both.json"]).stdout, @r##"
    2026-11-20T12:00:00Z → 2026-11-20T12:00:00Z

    new (1)
      high      tooling/host-monitor · privileged-container
                Tasks of host-monitor run with all rights of root on their instance: container agent is
                privileged in host-monitor:1

    1 new · 0 changed · 0 fixed · 1 unchanged
    "##);
    let never = run_in(&home, &["diff", "repaired.json", "both.json", "--fail-on", "never"]);
    assert_eq!(never.code, 0);
    assert_eq!(run_in(&home, &["diff", "none.json", "both.json"]).code, 2);
}

#[test]
fn snapshots_are_compared_by_what_they_give_now() {
    let home = TempDir::new().unwrap();
    run_in(&home, &["--demo", "--save-snapshot", "a.json.zst"]);
    run_in(&home, &["--demo", "--save-snapshot", "b.json"]);
    let ran = run_in(&home, &["diff", "a.json.zst", "b.json"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.lines().last().unwrap().starts_with("0 new · 0 changed · 0 fixed"), "{}", ran.stdout);
}
