//! What changed between two reports. What one of them did not cover is neither new nor fixed.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::finding::Severity;
use crate::saved::{SavedFinding, SavedReport};

/// The version of the JSON form: fields are added, never renamed or re-typed, within a version.
pub const SCHEMA_VERSION: u32 = 1;

/// The comparison.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// When the old scan ended.
    pub old: String,
    /// When the new scan ended.
    pub new: String,
    /// In both and the same.
    pub unchanged: usize,
    /// All others: by state, severity, rule and resource.
    pub entries: Vec<Entry>,
}

/// What became of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Only in the new report, and the old one would have shown it.
    New,
    /// In both, with another severity, status or message.
    Changed,
    /// Only in the new report; the old one did not cover it.
    NotCoveredBefore,
    /// Only in the old report; the new one does not cover it.
    NotCoveredNow,
    /// Only in the old report, and the new one would have shown it.
    Fixed,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs, reason = "the fields are those of the JSON report")]
pub struct Entry {
    pub state: State,
    pub id: String,
    pub rule: String,
    pub severity: &'static str,
    /// For order and thresholds.
    #[serde(skip)]
    pub level: Severity,
    pub status: String,
    pub account: String,
    pub region: String,
    pub resource: String,
    pub message: String,
    /// What changed: `severity high, was medium`.
    pub changes: Vec<String>,
}

impl State {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Changed => "changed",
            Self::NotCoveredBefore => "not covered before",
            Self::NotCoveredNow => "not covered now",
            Self::Fixed => "fixed",
        }
    }
}

impl Diff {
    /// Compares two reports.
    pub fn of(old: &SavedReport, new: &SavedReport) -> Self {
        let by_id = |report: &'_ SavedReport| -> BTreeMap<String, SavedFinding> {
            report.findings.iter().map(|finding| (finding.id.clone(), finding.clone())).collect()
        };
        let (before, now) = (by_id(old), by_id(new));
        let (mut entries, mut unchanged) = (Vec::new(), 0);
        for (id, finding) in &now {
            match before.get(id) {
                None if old.covers(finding) => entries.push(entry(State::New, finding, Vec::new())),
                None => entries.push(entry(State::NotCoveredBefore, finding, Vec::new())),
                Some(earlier) => {
                    let changes = changes(earlier, finding);
                    if changes.is_empty() {
                        unchanged += 1;
                    } else {
                        entries.push(entry(State::Changed, finding, changes));
                    }
                }
            }
        }
        for (_, finding) in before.iter().filter(|(id, _)| !now.contains_key(*id)) {
            let state = if new.covers(finding) { State::Fixed } else { State::NotCoveredNow };
            entries.push(entry(state, finding, Vec::new()));
        }
        entries.sort_by(|a, b| {
            let key =
                |e: &Entry| (e.state, std::cmp::Reverse(e.level), e.rule.clone(), e.resource.clone(), e.id.clone());
            key(a).cmp(&key(b))
        });
        let (old, new) = (old.scan.finished_at.clone(), new.scan.finished_at.clone());
        Self { schema_version: SCHEMA_VERSION, old, new, unchanged, entries }
    }

    /// The worst severity that is new or became worse, waived findings left out.
    pub fn worst_new(&self) -> Option<Severity> {
        let counts = |entry: &&Entry| {
            let worse = entry.changes.iter().any(|change| change.starts_with("worse"));
            entry.status != "waived" && (entry.state == State::New || worse)
        };
        self.entries.iter().filter(counts).map(|entry| entry.level).max()
    }
}

fn changes(earlier: &SavedFinding, now: &SavedFinding) -> Vec<String> {
    let mut changes = Vec::new();
    let (was, is) = (earlier.severity(), now.severity());
    if is != was {
        let word = if is > was { "worse" } else { "milder" };
        changes.push(format!("{word}: {} instead of {}", is.name(), was.name()));
    }
    if earlier.status != now.status {
        changes.push(format!("{} instead of {}", now.status, earlier.status));
    }
    if earlier.message != now.message {
        changes.push("other facts".to_owned());
    }
    changes
}

fn entry(state: State, finding: &SavedFinding, changes: Vec<String>) -> Entry {
    Entry {
        state,
        id: finding.id.clone(),
        rule: finding.rule.clone(),
        severity: finding.severity().name(),
        level: finding.severity(),
        status: finding.status.clone(),
        account: finding.account.clone(),
        region: finding.region.clone(),
        resource: finding.resource.name.clone(),
        message: finding.message.clone(),
        changes,
    }
}
