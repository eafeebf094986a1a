//! The accounts and Regions of a report, for the heads of pages: those with clusters, those without, and those that
//! could not be scanned.

use std::collections::{BTreeMap, BTreeSet};

use super::shown::counted;
use crate::finding::{Report, Severity, Status, TargetInfo, TargetStatus};

/// What a page says of the accounts and Regions.
pub(super) struct Places<'a> {
    /// With clusters, or not read to the end.
    pub(super) rows: Vec<Row<'a>>,
    /// Accounts with their Regions that were read and have no clusters.
    pub(super) idle: BTreeMap<&'a str, Vec<&'a str>>,
    /// Logins that led nowhere.
    pub(super) failed: Vec<NotScanned<'a>>,
}

/// One account and Region.
pub(super) struct Row<'a> {
    pub(super) target: &'a TargetInfo,
    open: BTreeMap<Severity, usize>,
}

/// A login that led nowhere.
pub(super) struct NotScanned<'a> {
    pub(super) login: &'a str,
    /// Regions that were asked for by name.
    pub(super) regions: Vec<&'a str>,
    pub(super) error: &'a str,
    pub(super) help: &'a [String],
}

impl<'a> Places<'a> {
    /// Sorts the targets of a report; `None` where there is only one, and that was scanned.
    pub(super) fn of(report: &'a Report) -> Option<Self> {
        let targets = &report.scan.targets;
        if matches!(targets.as_slice(), [one] if one.is_scanned()) {
            return None;
        }
        let mut open: BTreeMap<(&str, &str), BTreeMap<Severity, usize>> = BTreeMap::new();
        for finding in report.findings.iter().filter(|finding| finding.status == Status::Open) {
            let counts = open.entry((&finding.account, &finding.region)).or_default();
            *counts.entry(finding.severity).or_default() += 1;
        }
        let mut all = Self { rows: Vec::new(), idle: BTreeMap::new(), failed: Vec::new() };
        for target in targets {
            if let TargetStatus::NotScanned { login, error, help } = &target.status {
                all.not_scanned(login, &target.region, error, help);
            } else if target.is_complete() && target.counts.clusters == 0 {
                all.idle.entry(&target.account).or_default().push(&target.region);
            } else {
                let open = open.remove(&(&*target.account, &*target.region)).unwrap_or_default();
                all.rows.push(Row { target, open });
            }
        }
        Some(all)
    }

    fn not_scanned(&mut self, login: &'a str, region: &'a str, error: &'a str, help: &'a [String]) {
        let region = Some(region).filter(|region| !region.is_empty());
        match self.failed.iter_mut().find(|known| known.login == login && known.error == error) {
            Some(known) => known.regions.extend(region),
            None => {
                let regions = region.into_iter().collect();
                self.failed.push(NotScanned { login, regions, error, help });
            }
        }
    }

    /// `3 accounts · 6 Regions scanned`.
    pub(super) fn sizes(&self) -> String {
        let scanned = self.rows.iter().map(|row| row.target.account.as_str()).chain(self.idle.keys().copied());
        let accounts = scanned.collect::<BTreeSet<_>>().len();
        let regions = self.rows.len() + self.idle.values().map(Vec::len).sum::<usize>();
        format!("{} · {} scanned", counted(accounts, "account"), counted(regions, "Region"))
    }
}

impl Row<'_> {
    /// `1 critical, 2 high, 30 lower`, or `30 below high`.
    pub(super) fn open(&self) -> String {
        let of = |severity| self.open.get(&severity).copied().unwrap_or(0);
        let serious = [Severity::Critical, Severity::High].map(|severity| (of(severity), severity.name()));
        let all: usize = self.open.values().sum();
        let lower = all - serious.iter().map(|(count, _)| count).sum::<usize>();
        let parts = serious.into_iter().chain([(lower, if lower == all { "below high" } else { "lower" })]);
        let said: Vec<String> =
            parts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
        if said.is_empty() { "none".to_owned() } else { said.join(", ") }
    }

    /// The worst severity that is open.
    pub(super) fn worst(&self) -> Option<Severity> {
        self.open.iter().filter(|(_, count)| **count > 0).map(|(severity, _)| *severity).max()
    }
}

impl NotScanned<'_> {
    /// The login, and the Regions where they were named.
    pub(super) fn name(&self) -> String {
        match self.regions.as_slice() {
            [] => self.login.to_owned(),
            regions => format!("{} in {}", self.login, regions.join(", ")),
        }
    }
}
