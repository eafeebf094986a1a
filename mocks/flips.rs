//! What a scan that went wrong may say: less than a clean one and why, never anything else.

use std::collections::{BTreeMap, BTreeSet};

use ecs_network_audit::finding::Severity;
use ecs_network_audit::rules;
use ecs_network_audit::saved::SavedReport;

/// Findings that are new, worse, or gone without an entry for them, each in words. One that was milder because another
/// finding tells of the same may have its rule's severity where that other one could not be judged.
pub fn flips(clean: &SavedReport, report: &SavedReport) -> Vec<String> {
    let before: BTreeMap<&str, Severity> = clean.findings.iter().map(|f| (f.id.as_str(), f.severity())).collect();
    let mut flips = Vec::new();
    for finding in &report.findings {
        let (rule, resource) = (&finding.rule, &finding.resource.name);
        let most = |known: &Severity| rules::by_id(rule).map_or(*known, |of| of.severity.max(*known));
        match before.get(finding.id.as_str()) {
            None => flips.push(format!("new: {rule} {resource}")),
            Some(known) if finding.severity() > most(known) => flips.push(format!("worse: {rule} {resource}")),
            Some(_) => {}
        }
    }
    let now: BTreeSet<&str> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
    let gone = clean.findings.iter().filter(|finding| !now.contains(finding.id.as_str()));
    let in_silence = gone.filter(|finding| report.covers(finding));
    flips.extend(in_silence.map(|f| format!("lost without an entry: {} {}", f.rule, f.resource.name)));
    flips
}
