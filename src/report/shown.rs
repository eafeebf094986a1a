//! What several formats ask of a report: which findings they show, whose they are, and why some don't count.

use std::collections::BTreeMap;

use super::escape::said;
use crate::finding::{Counts, Finding, NotEvaluatedKind, Report, RuleInfo, Severity, Status};

/// The name of this program in the formats of others.
pub(super) const TOOL: &str = env!("CARGO_PKG_NAME");
/// Its version.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The findings that are not hidden, from the worst to the most harmless.
pub(super) fn findings(report: &Report, least: Severity) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(move |finding| finding.severity >= least)
}

/// Why a finding doesn't count; `None` for an open one.
pub(super) fn closed_because(finding: &Finding) -> Option<String> {
    match (finding.status, &finding.waiver) {
        (Status::Open, _) => None,
        (Status::Waived, Some(note)) => Some(format!("{} ({}, until {})", note.reason, note.owner, note.expires)),
        (Status::Waived, None) => Some("waived".to_owned()),
        (Status::Baseline, _) => Some("known from the baseline".to_owned()),
    }
}

/// What stands in the way, each sentence once.
pub(super) fn blockers(finding: &Finding, escape: impl Fn(&str) -> String + Copy) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for blocker in &finding.blockers {
        let sentence = said(&blocker.detail, escape);
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

/// The word for why something was not judged.
pub(super) fn kind(kind: NotEvaluatedKind) -> &'static str {
    match kind {
        NotEvaluatedKind::Unread => "unread",
        NotEvaluatedKind::Undecidable => "undecidable",
    }
}

/// Account and Region.
pub(super) type Place<'a> = (&'a str, &'a str);

/// Findings by account and Region; those that were scanned are there without findings as well. Those that were not are
/// left out: to be there without findings would look like health.
pub(super) fn by_place<'a>(
    report: &'a Report,
    findings: impl Iterator<Item = &'a Finding>,
) -> BTreeMap<Place<'a>, Vec<&'a Finding>> {
    let scanned = report.scan.targets.iter().filter(|target| target.is_scanned());
    let places = scanned.map(|target| (target.account.as_str(), target.region.as_str()));
    let mut groups: BTreeMap<_, Vec<_>> = places.map(|place| (place, Vec::new())).collect();
    for finding in findings {
        groups.entry((&finding.account, &finding.region)).or_default().push(finding);
    }
    groups
}

/// The partition of an account and Region; AWS's first one where it was not scanned.
pub(super) fn partition<'a>(report: &'a Report, (account, region): Place<'_>) -> &'a str {
    let target = report.scan.targets.iter().find(|target| target.account == account && target.region == region);
    target.map_or("aws", |target| &target.partition)
}

/// The rule of a finding, and where in the catalogue it is.
pub(super) fn rule<'a>(report: &'a Report, id: &str) -> Option<(usize, &'a RuleInfo)> {
    report.catalogue.iter().enumerate().find(|(_, rule)| rule.id == id)
}

/// The one line that describes a rule.
pub(super) fn summary(report: &Report, id: &'static str) -> &'static str {
    rule(report, id).map_or(id, |(_, rule)| rule.summary)
}

/// What can be said where nothing was found and nothing is unread.
pub(super) fn all_well(report: &Report) -> &'static str {
    if report.judged_nothing() { "there was nothing to judge" } else { "everything that was judged holds" }
}

/// How much was scanned.
pub(super) fn sizes(counts: Counts) -> Vec<String> {
    vec![
        counted(counts.clusters, "cluster"),
        counted(counts.services, "service"),
        counted(counts.tasks, "task"),
        counted(counts.container_instances, "container instance"),
    ]
}

/// The same with what it cost.
pub(super) fn sizes_and_calls(counts: Counts) -> Vec<String> {
    let mut all = sizes(counts);
    all.push(format!("{} API calls", counts.api_calls));
    all
}

/// `1 task`, `2 tasks`.
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The first characters, and an ellipsis where some are left out.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_at_a_character() {
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(cut("größe", 4), "grö…");
        assert_eq!(cut("", 3), "");
    }
}
