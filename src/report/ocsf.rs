//! OCSF 1.5.0, one event a line: Compliance Finding (2003), the result of judging a resource, and Detection Finding (2004),
//! which more SIEMs know. Only fields that 1.3 to 1.8 have alike; what fits none of them is under `unmapped`.

use serde::Serialize;

use super::escape::{said, terminal as escape};
use super::ndjson::json_line;
use super::shown::{self, TOOL, VERSION};
use crate::finding::{Finding, NotEvaluated, Report, Resource, Severity, Status};
use crate::text::Text;

/// The version that is declared.
const OCSF: &str = "1.5.0";
const FINDINGS: u32 = 2;

/// Which of the two event classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Compliance,
    Detection,
}

impl Class {
    fn uid(self) -> u32 {
        match self {
            Self::Compliance => 2003,
            Self::Detection => 2004,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Compliance => "Compliance Finding",
            Self::Detection => "Detection Finding",
        }
    }
}

#[derive(Serialize)]
struct Event<'a> {
    activity_id: u32,
    activity_name: &'static str,
    category_uid: u32,
    category_name: &'static str,
    class_uid: u32,
    class_name: &'static str,
    type_uid: u32,
    type_name: String,
    /// Milliseconds, not seconds.
    time: i64,
    severity_id: u8,
    severity: &'static str,
    status_id: u8,
    status: &'static str,
    status_code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<String>,
    message: String,
    metadata: Metadata,
    cloud: Cloud<'a>,
    finding_info: FindingInfo<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    compliance: Option<Compliance<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    resources: Vec<ResourceDetails<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<Remediation>,
    unmapped: Unmapped<'a>,
}

#[derive(Serialize)]
struct Metadata {
    version: &'static str,
    profiles: [&'static str; 1],
    product: Product,
    event_code: &'static str,
}

#[derive(Serialize)]
struct Product {
    uid: &'static str,
    name: &'static str,
    vendor_name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Cloud<'a> {
    provider: &'static str,
    region: &'a str,
    account: Account<'a>,
}

#[derive(Serialize)]
struct Account<'a> {
    uid: &'a str,
    r#type: &'static str,
    type_id: u8,
}

#[derive(Serialize)]
struct FindingInfo<'a> {
    /// Stable from run to run.
    uid: String,
    title: &'a str,
    desc: String,
    types: [&'a str; 1],
    analytic: Analytic<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_time: Option<i64>,
}

#[derive(Serialize)]
struct Analytic<'a> {
    type_id: u8,
    r#type: &'static str,
    uid: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Compliance<'a> {
    control: &'a str,
    standards: Vec<&'static str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    requirements: &'a [&'static str],
    status_id: u8,
    status: &'static str,
}

#[derive(Serialize)]
struct ResourceDetails<'a> {
    uid: &'a str,
    name: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_partition: Option<&'a str>,
    labels: [&'a str; 1],
}

#[derive(Serialize)]
struct Remediation {
    desc: String,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'static [&'static str],
}

/// What has no field of its own.
#[derive(Serialize)]
struct Unmapped<'a> {
    rule: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blockers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    confirmed_by: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    commands: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    not_evaluated: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dataset: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iam_action: Option<&'a str>,
}

/// Renders the findings, and as Compliance Findings also what could not be judged, which OCSF calls a warning.
pub(super) fn render(report: &Report, least: Severity, class: Class) -> String {
    let mut text = String::new();
    for finding in shown::findings(report, least) {
        text.push_str(&json_line(&of_finding(report, class, finding)));
    }
    if class == Class::Compliance {
        for entry in &report.not_evaluated {
            text.push_str(&json_line(&of_not_evaluated(report, entry)));
        }
    }
    text
}

fn of_finding<'a>(report: &'a Report, class: Class, finding: &'a Finding) -> Event<'a> {
    let (status_id, status) = match finding.status {
        Status::Open => (1, "New"),
        Status::Waived | Status::Baseline => (3, "Suppressed"),
    };
    // What the baseline has is seen again.
    let activity = if finding.status == Status::Baseline { (2, "Update") } else { (1, "Create") };
    let (severity_id, severity) = severity(finding.severity);
    let confirmed = finding.confirmed_by.iter();
    let seen = confirmed.clone().filter_map(|evidence| evidence.at).max();
    let confirmed =
        confirmed.map(|evidence| format!("{} × {}: {}", evidence.count, evidence.source, escape(&evidence.text)));
    let related = finding.related.iter().map(|related| ResourceDetails {
        uid: &related.id,
        name: &related.id,
        r#type: related.kind,
        region: None,
        cloud_partition: None,
        labels: [related.role],
    });
    Event {
        severity_id,
        severity,
        status_id,
        status,
        status_detail: shown::closed_because(finding).map(|reason| escape(&reason)),
        compliance: (class == Class::Compliance).then(|| Compliance {
            status_id: 3,
            status: "Fail",
            ..of_controls(finding.rule, finding.controls)
        }),
        resources: [of_resource(report, &finding.resource, (&finding.account, &finding.region))]
            .into_iter()
            .chain(related)
            .collect(),
        remediation: Some(Remediation { desc: plain(&finding.remediation.text), references: finding.references }),
        unmapped: Unmapped {
            cause: finding.cause.as_ref().map(|cause| format!("{}/{}", cause.kind, cause.resource)),
            blockers: shown::blockers(finding, escape),
            confirmed_by: confirmed.collect(),
            commands: &finding.remediation.commands,
            ..unmapped(finding.rule)
        },
        ..event(
            report,
            Head {
                class,
                activity,
                rule: finding.rule,
                place: (&finding.account, &finding.region),
                uid: finding.id.clone(),
                desc: plain(&finding.message),
                last_seen_time: seen.map(|at| at.as_millisecond()),
            },
        )
    }
}

fn of_not_evaluated<'a>(report: &'a Report, entry: &'a NotEvaluated) -> Event<'a> {
    let place = (entry.account.as_str(), entry.region.as_str());
    let subject = entry.resource.as_ref().map_or("*", |resource| &resource.arn);
    let uid = format!("not-evaluated/{}/{}/{}/{subject}", entry.rule, entry.account, entry.region);
    Event {
        status_code: "WARNING",
        compliance: Some(Compliance { status_id: 2, status: "Warning", ..of_controls(entry.rule, &[]) }),
        resources: entry.resource.iter().map(|resource| of_resource(report, resource, place)).collect(),
        unmapped: Unmapped {
            not_evaluated: Some(shown::kind(entry.kind)),
            dataset: entry.dataset.map(|dataset| dataset.name()),
            iam_action: entry.iam_action.as_deref(),
            ..unmapped(entry.rule)
        },
        ..event(
            report,
            Head {
                class: Class::Compliance,
                activity: (1, "Create"),
                rule: entry.rule,
                place,
                uid,
                desc: plain(&entry.reason),
                last_seen_time: None,
            },
        )
    }
}

/// What tells one event from another.
struct Head<'a> {
    class: Class,
    activity: (u32, &'static str),
    rule: &'static str,
    place: shown::Place<'a>,
    uid: String,
    desc: String,
    last_seen_time: Option<i64>,
}

/// What all events have; it is informational, new and failed until somebody says otherwise.
fn event<'a>(report: &'a Report, head: Head<'a>) -> Event<'a> {
    let Head { class, activity: (activity_id, activity_name), rule, place: (account, region), .. } = head;
    let (severity_id, severity) = severity(Severity::Info);
    let group = shown::rule(report, rule).map_or("rule", |(_, rule)| rule.group);
    Event {
        activity_id,
        activity_name,
        category_uid: FINDINGS,
        category_name: "Findings",
        class_uid: class.uid(),
        class_name: class.name(),
        type_uid: class.uid() * 100 + activity_id,
        type_name: format!("{}: {activity_name}", class.name()),
        time: report.scan.finished_at.as_millisecond(),
        severity_id,
        severity,
        status_id: 1,
        status: "New",
        status_code: "FAIL",
        status_detail: None,
        message: head.desc.clone(),
        metadata: Metadata {
            version: OCSF,
            profiles: ["cloud"],
            product: Product { uid: TOOL, name: TOOL, vendor_name: TOOL, version: VERSION },
            event_code: rule,
        },
        cloud: Cloud { provider: "AWS", region, account: Account { uid: account, r#type: "AWS Account", type_id: 10 } },
        finding_info: FindingInfo {
            uid: head.uid,
            title: shown::summary(report, rule),
            desc: head.desc,
            types: [group],
            analytic: Analytic { type_id: 1, r#type: "Rule", uid: rule, name: rule },
            last_seen_time: head.last_seen_time,
        },
        compliance: None,
        resources: Vec::new(),
        remediation: None,
        unmapped: unmapped(rule),
    }
}

fn unmapped(rule: &str) -> Unmapped<'_> {
    Unmapped {
        rule,
        cause: None,
        blockers: Vec::new(),
        confirmed_by: Vec::new(),
        commands: &[],
        not_evaluated: None,
        dataset: None,
        iam_action: None,
    }
}

fn of_controls<'a>(rule: &'a str, controls: &'a [&'static str]) -> Compliance<'a> {
    let mut standards = vec![TOOL];
    if !controls.is_empty() {
        standards.push("AWS Foundational Security Best Practices");
    }
    Compliance { control: rule, standards, requirements: controls, status_id: 0, status: "Unknown" }
}

fn of_resource<'a>(report: &'a Report, resource: &'a Resource, place: shown::Place<'a>) -> ResourceDetails<'a> {
    ResourceDetails {
        uid: &resource.arn,
        name: &resource.name,
        r#type: resource.kind,
        region: Some(place.1),
        cloud_partition: Some(shown::partition(report, place)),
        labels: ["subject"],
    }
}

fn severity(severity: Severity) -> (u8, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

fn plain(text: &Text) -> String {
    said(text, escape)
}
