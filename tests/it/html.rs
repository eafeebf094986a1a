//! The page for a browser: complete, alone, of bounded size, and nothing in it is markup but what the program wrote.
//! What a browser makes of it is checked by tests/html/run.py.

use std::collections::BTreeSet;
use std::fs;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ecs_network_audit::capacity::{self, Capacity};
use ecs_network_audit::engine::evaluate;
use ecs_network_audit::explain::explain;
use ecs_network_audit::finding::{Report, Severity, Status, WaiverNote, WaiverState, WaiverUse};
use ecs_network_audit::report::{self, Document, Format, View};
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::Snapshot;
use ecs_network_audit::snapshot::coverage::Dataset;
use ecs_network_audit::wiring::Wiring;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::binary::{run, run_in};
use crate::mocks::{demo, large, patterns};

const VIEW: View = View { width: 100, colour: false, min_severity: Severity::Info };

/// All that a page is made of.
struct Made {
    report: Report,
    wiring: Wiring,
    capacity: Capacity,
}

impl Made {
    fn of(snapshot: &Snapshot) -> Self {
        let settings = Settings::all_rules();
        let report = evaluate(snapshot, &settings);
        let names = report::pictured(&report, Severity::Info);
        let wiring = explain(snapshot, &settings, &report, |name| names.contains(name));
        Self { wiring, capacity: capacity::of(snapshot, &settings), report }
    }

    fn page(&self) -> String {
        let document = Document { report: &self.report, wiring: Some(&self.wiring), capacity: Some(&self.capacity) };
        report::render(&document, Format::Html, &VIEW)
    }
}

/// The elements of a page with the names of their attributes; fails where a tag doesn't end.
fn tags(page: &str) -> Vec<(String, Vec<String>)> {
    let (before, rest) = page.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let (body, after) = rest.rsplit_once("<script>").unwrap();
    let (_, after) = after.split_once("</script>").unwrap();
    let mut found = Vec::new();
    for part in [before, body, after] {
        for tag in part.split('<').skip(1) {
            let mut quoted = false;
            let end = tag.find(|c| {
                quoted ^= c == '"';
                c == '>' && !quoted
            });
            let tag = &tag[..end.expect("every tag ends")];
            let outside: String = tag.split('"').step_by(2).collect();
            let mut words = outside.split_whitespace().map(|word| word.trim_end_matches(['=', '/']).to_owned());
            found.push((words.next().unwrap(), words.filter(|word| !word.is_empty()).collect()));
        }
    }
    found
}

const ELEMENTS: &str = "!doctype a blockquote body button circle code details div fieldset footer form g h1 h2 h3 h4 h5 \
    head header html input label legend li main meta nav ol option output p path pre rect section select span strong \
    summary svg table tbody td text th thead title tr ul";
const ATTRIBUTES: &str = "aria-hidden aria-label aria-labelledby aria-live autocomplete charset class content cx cy d \
    data-cluster data-do data-rule data-severity data-to-cluster data-to-severity height hidden href html http-equiv id \
    lang name open placeholder preserveAspectRatio r rel role rx scope spellcheck tabindex type value viewBox width x y";

#[track_caller]
fn assert_own_markup_only(page: &str) {
    let elements: BTreeSet<&str> = ELEMENTS.split_whitespace().collect();
    let attributes: BTreeSet<&str> = ATTRIBUTES.split_whitespace().collect();
    for (tag, names) in tags(page) {
        assert!(elements.contains(tag.trim_start_matches('/')), "<{tag}>");
        for name in &names {
            assert!(attributes.contains(name.as_str()), "<{tag} {name}>");
        }
    }
    assert!(!page.chars().any(|c| c.is_control() && c != '\n'), "no control characters");
    assert!(!page.contains(['\u{202e}', '\u{2066}', '\u{200b}']), "nothing invisible");
}

#[test]
fn the_demo_is_one_page_with_every_finding() {
    let home = TempDir::new().unwrap();
    let demo = run_in(&home, &["--demo", "--format", "html", "--output", "r.html", "--output", "r.json"]);
    let page = demo.stdout;
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert_eq!(page, fs::read_to_string(home.path().join("r.html")).unwrap());
    assert_eq!(page, run(&["--demo", "--format", "html"]).stdout, "the same bytes again");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(home.path().join("r.json")).unwrap()).unwrap();
    for finding in json["findings"].as_array().unwrap() {
        assert!(page.contains(&format!("id=\"{}\"", finding["id"].as_str().unwrap())), "{finding}");
    }
    assert!(page.contains("<strong>Demo.</strong>") && page.contains("✓ complete"));
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert_own_markup_only(&page);
}

#[test]
fn the_policy_lets_nothing_run_or_load_but_what_is_on_the_page() {
    let page = Made::of(&demo::snapshot()).page();
    let between = |start: &str, end: &str| {
        let (_, rest) = page.rsplit_once(start).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    let hash = |text: String| BASE64_STANDARD.encode(Sha256::digest(text));
    let (style, script) = (hash(between("<style>", "</style>")), hash(between("<script>", "</script>")));
    let policy = between("Content-Security-Policy\" content=\"", "\"").replace("&#39;", "'");
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
        )
    );
    for word in ["url(", "@import", "@font-face", "fetch(", "XMLHttpRequest", "innerHTML", "eval(", "insertAdjacent"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn names_stay_text() {
    let names = [
        ("payments", "<script>alert(1)</script>"),
        ("login", "\" onmouseover=\"alert(1)\" x=\""),
        ("checkout", "</style></title><img src=x onerror=alert(1)>"),
        ("backoffice", "'><svg onload=alert(1)>&lt;`${1}`"),
        ("importer", "a\u{202e}gnp\u{2066}\u{200b}\nline\t\u{0}\u{1b}[31m"),
        ("webhooks", "=cmd()|' /C calc'!A0 ]]> --> {{7*7}}"),
    ];
    let mut demo = serde_json::to_string(&demo::snapshot()).unwrap();
    for (word, name) in names {
        let quoted = serde_json::to_string(name).unwrap();
        demo = demo.replace(word, &quoted[1..quoted.len() - 1]);
    }
    let mut made = Made::of(&serde_json::from_str(&demo).unwrap());
    // What no name of AWS can be yet, a report may hold.
    let hostile = names[1].1.to_owned() + names[2].1;
    let finding = &mut made.report.findings[0];
    finding.id.push_str(&hostile);
    finding.account.push_str(&hostile);
    finding.severity_reason = Some(hostile.clone());
    finding.remediation.commands.push(hostile.clone());
    made.report.scan.targets[0].endpoint_override = Some(hostile.clone());
    made.report.scan.scope.clusters = vec![hostile.clone()];
    for workload in &mut made.wiring.workloads {
        for need in &mut workload.needs {
            need.need.push_str(&hostile);
            need.outcome.hops.iter_mut().for_each(|hop| hop.resource.push_str(&hostile));
        }
    }
    let page = made.page();
    assert_own_markup_only(&page);
    for shown in ["&lt;script&gt;alert(1)&lt;/script&gt;", "a\\u{202e}gnp\\u{2066}\\u{200b}\\u{a}line\\u{9}\\u{0}"] {
        assert!(page.contains(shown), "{shown}");
    }
}

#[test]
fn what_could_not_be_read_is_said_with_the_action_to_allow() {
    let mut account = patterns::fargate_endpoints().account;
    account.deny(Dataset::VpcEndpoints, "ec2:DescribeVpcEndpoints");
    let page = Made::of(&account.snapshot()).page();
    assert!(page.contains("allow <code>ec2:DescribeVpcEndpoints</code>"));
    assert!(page.contains("✗ incomplete: some of it could not be read"));
    assert!(page.contains("<details class=\"card unread\" open>"));
}

#[test]
fn what_is_below_the_least_severity_is_left_out_and_counted() {
    let page = run(&["--demo", "--format", "html", "--min-severity", "high"]).stdout;
    assert!(page.contains(" below high left out of this page."));
    assert!(!page.contains("data-severity=\"low\"><summary>"));
}

#[test]
fn waived_findings_come_last_and_do_not_count() {
    let mut made = Made::of(&demo::snapshot());
    let waiver =
        WaiverNote { reason: "<b>".to_owned(), owner: "\"o".to_owned(), expires: "2027-01-31".parse().unwrap() };
    for finding in &mut made.report.findings {
        finding.status = Status::Waived;
        finding.waiver = Some(waiver.clone());
    }
    made.report.waivers.push(WaiverUse {
        rule: "*".to_owned(),
        resource: "old/*".to_owned(),
        reason: waiver.reason,
        owner: waiver.owner,
        expires: waiver.expires,
        state: WaiverState::Expired,
        findings: 2,
    });
    let page = made.page();
    for said in [
        "<h1>No findings, but not everything could be judged</h1>",
        "Waived, or known from the baseline <span",
        "<span class=\"chip\">waived</span>",
        "Waived until 2027-01-31 by &quot;o: &lt;b&gt;",
        "waiver of * for old/* (&quot;o) expired 2027-01-31: 2 findings counted again",
    ] {
        assert!(page.contains(said), "{said}");
    }
    assert_own_markup_only(&page);
}

#[test]
fn thirty_thousand_findings_stay_a_page() {
    let mut report = evaluate(&demo::snapshot(), &Settings::all_rules());
    let some = report.findings.clone();
    let copies = 30_000 / some.len() + 1;
    report.findings = some
        .iter()
        .flat_map(|finding| {
            (0..copies).map(move |copy| {
                let mut finding = finding.clone();
                finding.id = format!("v1:{copy}-{}", &finding.id[3..]);
                finding.resource.name = format!("{}-{copy}", finding.resource.name);
                finding.cluster = format!("{}-{copy}", finding.cluster);
                finding
            })
        })
        .collect();
    assert!(report.findings.len() >= 30_000);
    let page = report::render(&Document { report: &report, wiring: None, capacity: None }, Format::Html, &VIEW);
    assert!(page.len() < 3_500_000, "{} bytes", page.len());
    for tally in report.rules.iter().filter(|tally| tally.fails > 0) {
        assert!(page.contains(&format!("data-rule=\"{}\"", tally.rule)), "{}", tally.rule);
    }
    assert!(page.contains(" more of ") && page.contains("see the JSON report"));
}

#[test]
fn a_large_account_has_pictures_of_the_worst_only() {
    let made = Made::of(&large::services_in(1).snapshot());
    let page = made.page();
    assert_eq!((made.wiring.workloads.len(), page.matches("<svg class=\"wiring ").count()), (100, 100));
    assert!(page.len() < 3_500_000, "{} bytes", page.len());
}
