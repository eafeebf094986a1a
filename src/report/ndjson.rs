//! The JSON contract as lines, each with its type, for programs that read as they go.

use serde::Serialize;

use super::json_v1::{Coverage, Finding, NotEvaluated, RuleTally, Scan, Summary, Tool, Waiver, of_report};
use crate::finding::{Report, Severity};

/// One line; the fields beside `type` are those of the JSON report.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line<'a> {
    Scan { schema_version: u32, tool: Tool, scan: Scan<'a>, summary: Summary },
    Finding(Finding<'a>),
    NotEvaluated(NotEvaluated<'a>),
    Rule(RuleTally),
    Coverage(Coverage<'a>),
    Waiver(Waiver<'a>),
}

/// Renders the scan, the findings, what was not judged, the rules, the coverage and the waivers, in this order.
pub(super) fn render(report: &Report, least: Severity) -> String {
    let report = of_report(report, least);
    let scan = Line::Scan {
        schema_version: report.schema_version,
        tool: report.tool,
        scan: report.scan,
        summary: report.summary,
    };
    let lines = std::iter::once(scan)
        .chain(report.findings.into_iter().map(Line::Finding))
        .chain(report.not_evaluated.into_iter().map(Line::NotEvaluated))
        .chain(report.rules.into_iter().map(Line::Rule))
        .chain(report.coverage.into_iter().map(Line::Coverage))
        .chain(report.waivers.into_iter().map(Line::Waiver));
    lines.fold(String::new(), |mut text, line| {
        text.push_str(&json_line(&line));
        text
    })
}

/// One value on one line.
pub(super) fn json_line(value: &impl Serialize) -> String {
    let mut json = serde_json::to_string(value).expect("reports have string keys only and no serializer that can fail");
    json.push('\n');
    json
}
