//! What the schemas of the formats cannot say.

mod asff;
mod csv;
mod files;
mod junit;
mod markdown;
mod ocsf;
mod prometheus;
mod sarif;

use std::collections::BTreeSet;

use ecs_network_audit::engine::evaluate;
use ecs_network_audit::finding::{Finding, Report, Severity, Status, WaiverNote};
use ecs_network_audit::report::{self, Document, Format, View};
use ecs_network_audit::settings::Settings;
use ecs_network_audit::snapshot::Snapshot;
use ecs_network_audit::text::{Span, Text};
use ecs_network_audit::wiring::Wiring;
use ecs_network_audit::{capacity, explain};
use serde_json::Value;

use crate::mocks::{demo, hostile};

/// What a waiver says, where people read it.
const WAIVED: &str = "accepted | <b>\\u{a} (platform, until 2027-01-31)";

/// A report with all that formats draw from.
struct Material {
    report: Report,
    wiring: Wiring,
    capacity: capacity::Capacity,
}

impl Material {
    fn of(snapshot: &Snapshot) -> Self {
        let settings = Settings::all_rules();
        let report = evaluate(snapshot, &settings);
        let wiring = explain::explain(snapshot, &settings, &report, |_| true);
        Self { capacity: capacity::of(snapshot, &settings), report, wiring }
    }

    fn demo() -> Self {
        Self::of(&demo::snapshot())
    }

    fn hostile() -> Self {
        Self::of(&hostile::snapshot())
    }

    fn render(&self, format: Format) -> String {
        self.render_from(format, Severity::Info)
    }

    fn render_from(&self, format: Format, min_severity: Severity) -> String {
        let document = Document { report: &self.report, wiring: Some(&self.wiring), capacity: Some(&self.capacity) };
        report::render(&document, format, &View { width: 100, colour: false, min_severity })
    }

    /// The same with a waived and a known finding in front; their ids.
    fn closed(mut self) -> (Self, String, String) {
        self.report.findings[0].status = Status::Waived;
        self.report.findings[0].waiver = Some(WaiverNote {
            reason: "accepted | <b>\n".into(),
            owner: "platform".into(),
            expires: jiff::civil::date(2027, 1, 31),
        });
        self.report.findings[1].status = Status::Baseline;
        let ids = [0, 1].map(|index: usize| self.report.findings[index].id.clone());
        let [waived, known] = ids;
        (self, waived, known)
    }

    /// So many findings, each of its own, made of those that are there.
    fn multiplied(mut self, count: usize) -> Self {
        let some: Vec<Finding> = self.report.findings.iter().map(light).collect();
        self.report.findings = (0..count)
            .map(|number| {
                let mut finding = some[number % some.len()].clone();
                finding.id = format!("v1:{number:032x}");
                finding.resource.name = format!("{}-{number}", finding.resource.name);
                finding
            })
            .collect();
        self.report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self
    }
}

/// Without what takes long to copy.
fn light(finding: &Finding) -> Finding {
    Finding { traces: Vec::new(), blockers: Vec::new(), related: Vec::new(), ..finding.clone() }
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_same_report_gives_the_same_bytes_in_every_format() {
    let (first, second) = (Material::demo(), Material::demo());
    for format in Format::ALL {
        let text = first.render(*format);
        assert!(text == second.render(*format), "{}", format.name());
        assert!(text.ends_with('\n'), "{}", format.name());
    }
}

#[test]
fn hidden_findings_are_left_out_of_every_format() {
    let material = Material::demo();
    let low = material.report.findings.iter().find(|finding| finding.severity == Severity::Low).unwrap();
    let high = material.report.findings.iter().find(|finding| finding.severity == Severity::High).unwrap();
    for format in [
        Format::Json,
        Format::Ndjson,
        Format::Sarif,
        Format::Ocsf,
        Format::OcsfDetection,
        Format::Asff,
        Format::Csv,
        Format::Junit,
    ] {
        let (all, some) = (material.render(format), material.render_from(format, Severity::High));
        assert!(all.contains(&low.id) && all.contains(&high.id), "{}", format.name());
        assert!(!some.contains(&low.id) && some.contains(&high.id), "{}", format.name());
    }
    let counts = |text: &str| text.matches("severity=\"low\"").count();
    assert!(counts(&material.render(Format::Prometheus)) > 0);
    assert_eq!(counts(&material.render_from(Format::Prometheus, Severity::High)), 0);
}

#[test]
fn nothing_invisible_of_a_name_is_left_where_people_read() {
    let material = Material::hostile();
    for format in [Format::Table, Format::Csv, Format::Junit, Format::Markdown, Format::Prometheus] {
        let text = material.render(format);
        let bad = text.chars().find(|c| (c.is_control() && !"\r\n".contains(*c)) || "\u{202e}\u{200b}".contains(*c));
        assert_eq!(bad, None, "{}", format.name());
        assert!(text.contains("fl"), "{}: the name itself is there", format.name());
    }
    for format in [Format::Sarif, Format::Ocsf, Format::Asff] {
        let text = material.render(format);
        assert!(!text.contains("\"\u{202e}") || format != Format::Asff, "{}", format.name());
        let messages = ["\"message\":", "\"text\":", "\"desc\":", "\"Description\":"];
        for line in text.lines().filter(|line| messages.iter().any(|key| line.trim_start().starts_with(key))) {
            assert!(!line.contains('\u{202e}'), "{}: {line}", format.name());
        }
    }
}

#[test]
fn words_of_this_program_are_no_markup() {
    let report = Material::demo().report;
    let texts = report.findings.iter().flat_map(|finding| {
        let details = finding.blockers.iter().map(|blocker| &blocker.detail);
        [&finding.message, &finding.remediation.text].into_iter().chain(details)
    });
    let texts: Vec<&Text> = texts.chain(report.not_evaluated.iter().map(|entry| &entry.reason)).collect();
    let words: BTreeSet<&str> = texts
        .iter()
        .flat_map(|text| text.spans())
        .filter_map(|span| match span {
            Span::Words(words) => Some(words.as_ref()),
            Span::Name(_) => None,
        })
        .collect();
    for word in words.into_iter().chain(report.catalogue.iter().map(|rule| rule.summary)) {
        assert!(!word.contains(['|', '<', '>', '[', ']', '{', '}', '\\', '\n', '@', '#']), "{word}");
        assert!(word.matches('`').count() % 2 == 0, "{word}");
    }
}

#[test]
fn lines_of_json_are_the_json_report() {
    let (material, ..) = Material::demo().closed();
    let lines = json_lines(&material.render(Format::Ndjson));
    let report: Value = serde_json::from_str(&material.render(Format::Json)).unwrap();
    assert_eq!(lines[0]["type"], "scan");
    for key in ["schema_version", "tool", "scan", "summary"] {
        assert_eq!(lines[0][key], report[key]);
    }
    for (kind, key) in [
        ("finding", "findings"),
        ("not_evaluated", "not_evaluated"),
        ("rule", "rules"),
        ("coverage", "coverage"),
        ("waiver", "waivers"),
    ] {
        let of_kind = lines.iter().filter(|line| line["type"] == kind).cloned().map(|mut line| {
            line.as_object_mut().unwrap().remove("type");
            line
        });
        assert_eq!(of_kind.collect::<Vec<_>>(), report[key].as_array().unwrap().clone(), "{kind}");
    }
}
