//! Findings for spreadsheets, a row each. The columns are a contract: further ones come at the end.

use csv::{Terminator, WriterBuilder};

use super::escape::{cell, said};
use super::shown;
use crate::finding::{Finding, Report, Severity};
use crate::text::Text;

/// Between the parts of a list.
const BETWEEN: &str = " | ";

const COLUMNS: [&str; 21] = [
    "id",
    "rule",
    "severity",
    "base_severity",
    "status",
    "status_reason",
    "account",
    "region",
    "cluster",
    "resource_type",
    "resource_arn",
    "resource_name",
    "message",
    "cause",
    "blockers",
    "related",
    "confirmed_by",
    "remediation",
    "commands",
    "controls",
    "references",
];

/// Renders the header and the findings, as RFC 4180 has it.
pub(super) fn render(report: &Report, least: Severity) -> String {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    let rows = shown::findings(report, least).map(|finding| row(finding).map(|text| cell(&text)));
    let header = COLUMNS.map(str::to_owned);
    for row in std::iter::once(header).chain(rows) {
        writer.write_record(&row).expect("rows are of one length, and memory takes what is written");
    }
    let bytes = writer.into_inner().expect("memory takes what is written");
    String::from_utf8(bytes).expect("cells are text")
}

fn row(finding: &Finding) -> [String; COLUMNS.len()] {
    let related = finding.related.iter().map(|related| format!("{} {}", related.role, related.id));
    let seen = finding.confirmed_by.iter().map(|evidence| {
        let at = evidence.at.map_or(String::new(), |at| format!(" {at}"));
        format!("{} × {}{at}: {}", evidence.count, evidence.source, evidence.text)
    });
    [
        finding.id.clone(),
        finding.rule.to_owned(),
        finding.severity.name().to_owned(),
        finding.base_severity.name().to_owned(),
        finding.status.name().to_owned(),
        shown::closed_because(finding).unwrap_or_default(),
        finding.account.clone(),
        finding.region.clone(),
        finding.cluster.clone(),
        finding.resource.kind.to_owned(),
        finding.resource.arn.clone(),
        finding.resource.name.clone(),
        plain(&finding.message),
        finding.cause.as_ref().map_or(String::new(), |cause| format!("{}/{}", cause.kind, cause.resource)),
        shown::blockers(finding, str::to_owned).join(BETWEEN),
        joined(related),
        joined(seen),
        plain(&finding.remediation.text),
        joined(finding.remediation.commands.iter().cloned()),
        finding.controls.join(BETWEEN),
        finding.references.join(BETWEEN),
    ]
}

/// The cell is escaped as a whole.
fn plain(text: &Text) -> String {
    said(text, str::to_owned)
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(BETWEEN)
}
