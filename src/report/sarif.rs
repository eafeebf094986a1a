//! SARIF 2.1.0 as GitHub code scanning takes it: a result without a place in a file makes it refuse the whole report, it
//! tells alerts apart by one fingerprint only, and it knows no suppressions.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::escape::{said, sarif as escape, segment};
use super::shown::{self, Place, TOOL, VERSION, counted};
use crate::finding::{Finding, NotEvaluated, NotEvaluatedKind, Report, RuleInfo, Severity, Status, TargetStatus};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// Of one file.
const MOST_RUNS: usize = 20;
/// Of one run; the first 5,000 are shown.
const MOST_RESULTS: usize = 25_000;
/// Of one rule.
const MOST_TAGS: usize = 20;

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    automation_details: AutomationDetails,
    invocations: [Invocation; 1],
    results: Vec<Outcome<'a>>,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    rules: Vec<Rule<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'a> {
    id: &'a str,
    short_description: Words,
    full_description: Words,
    help: Help<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<&'a str>,
    default_configuration: Configuration,
    properties: RuleProperties<'a>,
}

#[derive(Serialize)]
struct Words {
    text: String,
}

#[derive(Serialize)]
struct Help<'a> {
    text: &'a str,
    markdown: &'a str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct RuleProperties<'a> {
    tags: Vec<&'a str>,
    precision: &'static str,
    #[serde(rename = "problem.severity")]
    problem: &'static str,
    #[serde(rename = "security-severity", skip_serializing_if = "Option::is_none")]
    security: Option<&'static str>,
}

/// What comes before the last slash is the category: the next upload of the same one closes what is gone.
#[derive(Serialize)]
struct AutomationDetails {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    start_time_utc: String,
    end_time_utc: String,
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Words,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Words,
    locations: [Location<'a>; 1],
    partial_fingerprints: Fingerprints,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    physical_location: PhysicalLocation,
    logical_locations: [LogicalLocation<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u8,
    start_column: u8,
    end_line: u8,
    end_column: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'a> {
    name: &'a str,
    fully_qualified_name: &'a str,
    kind: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fingerprints {
    primary_location_line_hash: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    severity: &'static str,
    account: &'a str,
    region: &'a str,
    resource_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    commands: &'a [String],
}

/// Renders the open findings, a run for each account and Region.
pub(super) fn render(report: &Report, least: Severity) -> String {
    let open = || shown::findings(report, least).filter(|finding| finding.status == Status::Open);
    let places = shown::by_place(report, open());
    let runs = if places.len() > MOST_RUNS {
        vec![run(report, None, open().collect())]
    } else {
        places.into_iter().map(|(place, findings)| run(report, Some(place), findings)).collect()
    };
    let mut json = serde_json::to_string_pretty(&Log { schema: SCHEMA, version: "2.1.0", runs })
        .expect("the log has string keys only and no serializer that can fail");
    json.push('\n');
    json
}

fn run<'a>(report: &'a Report, place: Option<Place<'_>>, findings: Vec<&'a Finding>) -> Run<'a> {
    let index: BTreeMap<&str, usize> =
        report.catalogue.iter().enumerate().map(|(index, rule)| (rule.id, index)).collect();
    let left_out = findings.len().saturating_sub(MOST_RESULTS);
    Run {
        tool: Tool {
            driver: Driver {
                name: TOOL,
                version: VERSION,
                semantic_version: VERSION,
                rules: report.catalogue.iter().map(rule).collect(),
            },
        },
        automation_details: AutomationDetails {
            id: match place {
                Some((account, region)) => format!("{TOOL}/{}/{}/", segment(account), segment(region)),
                None => format!("{TOOL}/"),
            },
        },
        invocations: [Invocation {
            execution_successful: report.scan.complete,
            start_time_utc: report.scan.started_at.to_string(),
            end_time_utc: report.scan.finished_at.to_string(),
            tool_execution_notifications: notifications(report, place, left_out),
        }],
        // Findings come from the worst to the most harmless, so the rest is the most harmless part.
        results: findings.into_iter().take(MOST_RESULTS).map(|finding| result(finding, &index)).collect(),
        column_kind: "unicodeCodePoints",
    }
}

fn rule(rule: &RuleInfo) -> Rule<'_> {
    let about = || Words { text: rule.summary.to_owned() };
    let security = security_severity(rule.severity);
    let mut tags = vec!["aws", "ecs", rule.group];
    tags.extend(security.map(|_| "security"));
    tags.extend(rule.controls);
    tags.truncate(MOST_TAGS);
    Rule {
        id: rule.id,
        short_description: about(),
        full_description: about(),
        help: Help { text: rule.page, markdown: rule.page },
        help_uri: rule.references.first().copied(),
        default_configuration: Configuration { level: level(rule.severity) },
        properties: RuleProperties {
            tags,
            precision: "very-high",
            problem: match level(rule.severity) {
                "note" => "recommendation",
                level => level,
            },
            security,
        },
    }
}

fn result<'a>(finding: &'a Finding, index: &BTreeMap<&str, usize>) -> Outcome<'a> {
    let message = said(&finding.message, escape);
    let fix = said(&finding.remediation.text, escape);
    Outcome {
        rule_id: finding.rule,
        rule_index: index.get(finding.rule).copied(),
        level: level(finding.severity),
        message: Words { text: format!("{message}.\n\nFix: {fix}") },
        locations: [Location {
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri: uri(finding) },
                region: Region { start_line: 1, start_column: 1, end_line: 1, end_column: 1 },
            },
            logical_locations: [LogicalLocation {
                name: &finding.resource.name,
                fully_qualified_name: &finding.resource.arn,
                kind: "resource",
            }],
        }],
        partial_fingerprints: Fingerprints { primary_location_line_hash: format!("{}:1", finding.id) },
        properties: Properties {
            severity: finding.severity.name(),
            account: &finding.account,
            region: &finding.region,
            resource_type: finding.resource.kind,
            cause: finding.cause.as_ref().map(|cause| format!("{}/{}", cause.kind, cause.resource)),
            commands: &finding.remediation.commands,
        },
    }
}

/// A path for what is in no file: it stays the same from run to run, and no two resources share one.
fn uri(finding: &Finding) -> String {
    let resource = &finding.resource;
    let parts = ["aws", &finding.account, &finding.region];
    let parts = parts.into_iter().chain(resource.kind.split(':')).chain(resource.name.split('/'));
    parts.map(segment).collect::<Vec<_>>().join("/")
}

fn notifications(report: &Report, place: Option<Place<'_>>, left_out: usize) -> Vec<Notification> {
    let mut all = Vec::new();
    if left_out > 0 {
        let text = format!("{left_out} more findings are not in this run, which holds {MOST_RESULTS} at most");
        all.push(Notification { level: "warning", message: Words { text } });
    }
    let mut unread: BTreeMap<(&str, Option<&str>), usize> = BTreeMap::new();
    let mut undecidable = 0;
    // What was not scanned has no run, which would close its alerts.
    for target in &report.scan.targets {
        if let TargetStatus::NotScanned { login, error, .. } = &target.status {
            let text = format!("{} was not scanned: {}", escape(login), escape(error));
            all.push(Notification { level: "error", message: Words { text } });
        }
    }
    let scanned: BTreeSet<Place<'_>> =
        report.scan.targets.iter().filter(|t| t.is_scanned()).map(|t| (&*t.account, &*t.region)).collect();
    let here = |entry: &&NotEvaluated| {
        let of: Place<'_> = (&entry.account, &entry.region);
        scanned.contains(&of) && place.is_none_or(|place| place == of)
    };
    for entry in report.not_evaluated.iter().filter(here) {
        match entry.kind {
            NotEvaluatedKind::Undecidable => undecidable += 1,
            NotEvaluatedKind::Unread => {
                let dataset = entry.dataset.map_or("an analysis", |dataset| dataset.name());
                *unread.entry((dataset, entry.iam_action.as_deref())).or_default() += 1;
            }
        }
    }
    for ((dataset, action), count) in unread {
        let allow = action.map_or(String::new(), |action| format!(" (allow {})", escape(action)));
        let text = format!("{dataset} could not be read{allow}: {} missing", counted(count, "judgement"));
        all.push(Notification { level: "warning", message: Words { text } });
    }
    if undecidable > 0 {
        let text = format!("{} cannot be decided from this account", counted(undecidable, "judgement"));
        all.push(Notification { level: "note", message: Words { text } });
    }
    all
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// From 9 on GitHub says critical, from 7 on high, from 4 on medium; 0 is not in its range.
fn security_severity(severity: Severity) -> Option<&'static str> {
    match severity {
        Severity::Critical => Some("9.5"),
        Severity::High => Some("8.0"),
        Severity::Medium => Some("5.5"),
        Severity::Low => Some("2.0"),
        Severity::Info => None,
    }
}
