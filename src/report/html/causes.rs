//! Findings by what has to be repaired, and how many of them a page can hold.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::finding::{Cause, Finding, Report, Severity, Status};

/// Causes that have their block.
const CAUSES: usize = 300;
/// Findings of one rule in a block.
const OF_ONE_RULE: usize = 60;
/// Findings on the page.
const ON_PAGE: usize = 600;
/// Workloads with a picture.
const PICTURES: usize = 100;

/// All blocks, the worst first.
pub(super) struct Causes<'a> {
    /// What is shown.
    pub(super) blocks: Vec<Block<'a>>,
    /// Causes that are not, and their findings.
    pub(super) left_out: (usize, usize),
    /// Findings below the least severity that was asked for.
    pub(super) below: usize,
}

/// What follows from one thing that is wrong, or what one rule found where nothing is shared.
pub(super) struct Block<'a> {
    /// What to repair, where findings share it.
    pub(super) cause: Option<&'a Cause>,
    /// The worst of its findings.
    pub(super) severity: Severity,
    /// Whether they count.
    pub(super) open: bool,
    /// By rule, the worst first.
    pub(super) rules: Vec<OfRule<'a>>,
    /// What it concerns, in the order of the findings.
    pub(super) resources: Vec<&'a str>,
}

/// The findings of one rule in a block.
pub(super) struct OfRule<'a> {
    /// Id of the rule.
    pub(super) rule: &'static str,
    /// Those with their details.
    pub(super) shown: Vec<&'a Finding>,
    /// The others are counted.
    pub(super) more: usize,
}

impl Block<'_> {
    /// How many findings there are, the counted ones included.
    pub(super) fn findings(&self) -> usize {
        self.rules.iter().map(|of_rule| of_rule.shown.len() + of_rule.more).sum()
    }
}

/// The place of a finding: what counts before what doesn't, and a cause in its account and Region or else the rule.
type Key<'a> = (bool, Option<(&'a str, &'a str, &'a Cause)>, &'static str);

fn key(finding: &Finding) -> Key<'_> {
    let cause = finding.cause.as_ref().map(|cause| (finding.account.as_str(), finding.region.as_str(), cause));
    let rule = if cause.is_some() { "" } else { finding.rule };
    (finding.status != Status::Open, cause, rule)
}

/// Groups the findings of a report.
pub(super) fn of(report: &Report, min_severity: Severity) -> Causes<'_> {
    let mut groups: BTreeMap<Key<'_>, Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.severity >= min_severity) {
        groups.entry(key(finding)).or_default().push(finding);
    }
    let below = report.findings.iter().filter(|finding| finding.severity < min_severity).count();
    let mut groups: Vec<(Key<'_>, Vec<&Finding>)> = groups.into_iter().collect();
    for (_, findings) in &mut groups {
        findings.sort_by_key(|finding| Reverse(finding.severity));
    }
    groups.sort_by_key(|((closed, ..), findings)| (*closed, Reverse(findings[0].severity), Reverse(findings.len())));
    let rest = groups.split_off(groups.len().min(CAUSES));
    let left_out = (rest.len(), rest.iter().map(|(_, findings)| findings.len()).sum());
    // Each block shows its worst finding, whatever the others need.
    let mut budget = ON_PAGE.saturating_sub(groups.len());
    let blocks = groups.into_iter().map(|(key, findings)| block(key, &findings, &mut budget)).collect();
    Causes { blocks, left_out, below }
}

fn block<'a>((closed, cause, _): Key<'a>, findings: &[&'a Finding], budget: &mut usize) -> Block<'a> {
    let mut rules: Vec<OfRule<'a>> = Vec::new();
    for (index, finding) in findings.iter().enumerate() {
        let position = rules.iter().position(|of_rule| of_rule.rule == finding.rule).unwrap_or_else(|| {
            rules.push(OfRule { rule: finding.rule, shown: Vec::new(), more: 0 });
            rules.len() - 1
        });
        let of_rule = &mut rules[position];
        if index > 0 && (*budget == 0 || of_rule.shown.len() >= OF_ONE_RULE) {
            of_rule.more += 1;
            continue;
        }
        *budget -= usize::from(index > 0);
        of_rule.shown.push(finding);
    }
    let mut seen = BTreeSet::new();
    let resources = findings.iter().map(|finding| finding.resource.name.as_str()).filter(|name| seen.insert(*name));
    Block {
        cause: cause.map(|(_, _, cause)| cause),
        severity: findings[0].severity,
        open: !closed,
        rules,
        resources: resources.collect(),
    }
}

/// Names of the workloads that get a picture: those with the worst findings.
pub(crate) fn pictured(report: &Report, min_severity: Severity) -> BTreeSet<&str> {
    let mut findings: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.severity >= min_severity && finding.resource.kind != "ecs:cluster")
        .collect();
    findings.sort_by_key(|finding| (finding.status != Status::Open, Reverse(finding.severity)));
    let mut names = BTreeSet::new();
    for finding in findings {
        if names.len() == PICTURES {
            break;
        }
        names.insert(finding.resource.name.as_str());
    }
    names
}
