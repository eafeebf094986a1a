//! Marks the findings that were there before, so that only new ones count.

use std::collections::BTreeMap;

use crate::finding::{BaselineInfo, Report, Severity, Status};
use crate::saved::{SavedFinding, SavedReport};

/// Marks what the baseline knows. A finding that became worse, or that a waiver covered then, counts as new.
pub fn apply(report: &mut Report, baseline: &SavedReport) {
    let counted = baseline.findings.iter().filter(|finding| finding.counted());
    let known: BTreeMap<&str, Severity> = counted.map(|f| (f.id.as_str(), SavedFinding::severity(f))).collect();
    let mut marked = 0;
    for finding in report.findings.iter_mut().filter(|finding| finding.status == Status::Open) {
        if known.get(finding.id.as_str()).is_some_and(|severity| finding.severity <= *severity) {
            finding.status = Status::Baseline;
            marked += 1;
        }
    }
    report.scan.baseline =
        Some(BaselineInfo { finished_at: baseline.scan.finished_at.clone(), complete: baseline.scan.complete, marked });
}
