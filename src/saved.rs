//! A JSON report that was saved earlier: the side of a comparison that needs no account.

use serde::Deserialize;

use crate::finding::{Report, Severity};
use crate::glob;
use crate::report::json_v1;

/// What a comparison needs of a report.
#[derive(Clone, Debug, Deserialize)]
pub struct SavedReport {
    schema_version: u32,
    /// What was scanned.
    pub scan: SavedScan,
    /// What was found.
    pub findings: Vec<SavedFinding>,
    /// What could not be judged.
    pub not_evaluated: Vec<SavedGap>,
}

/// What was scanned.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the JSON report")]
pub struct SavedScan {
    pub finished_at: String,
    pub complete: bool,
    pub targets: Vec<SavedTarget>,
    pub scope: SavedScope,
    pub rules: Vec<String>,
}

/// An account and Region.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the JSON report")]
pub struct SavedTarget {
    pub account: String,
    pub region: String,
}

/// What the scan was limited to.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the JSON report")]
pub struct SavedScope {
    pub clusters: Vec<String>,
    pub services: Vec<String>,
}

/// A finding.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the JSON report")]
pub struct SavedFinding {
    pub id: String,
    pub rule: String,
    severity: String,
    pub status: String,
    pub account: String,
    pub region: String,
    pub resource: SavedResource,
    pub message: String,
}

/// A resource.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the JSON report")]
pub struct SavedResource {
    pub r#type: String,
    pub arn: String,
    pub name: String,
}

/// Something that could not be judged.
#[derive(Clone, Debug, Deserialize)]
#[allow(missing_docs, reason = "the fields are those of the JSON report")]
pub struct SavedGap {
    pub rule: String,
    pub account: String,
    pub region: String,
    pub resource: Option<SavedResource>,
}

impl SavedReport {
    /// Reads a JSON report of version 1.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let report: Self = serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON report: {error}"))?;
        if report.schema_version != json_v1::SCHEMA_VERSION {
            return Err(format!("it is a report of version {}, which this program can't read", report.schema_version));
        }
        Ok(report)
    }

    /// The same of a report that was just made.
    pub fn of(report: &Report) -> Self {
        let json = json_v1::render(report, Severity::Info);
        Self::parse(json.as_bytes()).expect("a report that was written can be read")
    }

    /// Whether it would have shown this finding, had it been there: the rule ran on its target, it was in scope, and it was
    /// judged.
    pub fn covers(&self, finding: &SavedFinding) -> bool {
        let target = SavedTarget { account: finding.account.clone(), region: finding.region.clone() };
        let hides = |gap: &&SavedGap| {
            gap.rule == finding.rule
                && gap.account == finding.account
                && gap.region == finding.region
                && gap.resource.as_ref().is_none_or(|resource| *resource == finding.resource)
        };
        self.scan.rules.contains(&finding.rule)
            && self.scan.targets.contains(&target)
            && self.in_scope(&finding.resource)
            && !self.not_evaluated.iter().any(|gap| hides(&gap))
    }

    fn in_scope(&self, resource: &SavedResource) -> bool {
        let SavedScope { clusters, services } = &self.scan.scope;
        match resource.name.split_once('/') {
            Some((cluster, service)) => glob::in_scope(clusters, cluster) && glob::in_scope(services, service),
            // With a part of the services neither a cluster nor what clusters share is judged.
            None if resource.r#type == "ecs:cluster" => glob::in_scope(clusters, &resource.name) && services.is_empty(),
            None => clusters.is_empty() && services.is_empty(),
        }
    }
}

impl SavedFinding {
    /// Its severity; what this version doesn't know counts as the worst.
    pub fn severity(&self) -> Severity {
        let known = Severity::ALL.into_iter().find(|severity| severity.name() == self.severity);
        known.unwrap_or(Severity::Critical)
    }

    /// Whether it counted.
    pub fn counted(&self) -> bool {
        self.status != "waived"
    }
}
