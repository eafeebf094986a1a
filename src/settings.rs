//! What a run was asked to judge, and by which thresholds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::finding::Severity;
use crate::glob;
use crate::rules;
use crate::snapshot::Scope;
use crate::snapshot::coverage::Dataset;

/// Settings of an evaluation; they are part of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Ids of the rules to run.
    pub rules: Vec<&'static str>,
    /// Name patterns of clusters (`*`, `?`); empty: all.
    pub clusters: Vec<String>,
    /// Name patterns of services; empty: all.
    pub services: Vec<String>,
    /// `eni-limit-pressure`: the share of task-ENI slots, in percent, from which it fires.
    pub eni_limit_pressure_percent: u32,
    /// Severities in place of the catalogue's, by rule.
    pub severities: BTreeMap<&'static str, Severity>,
    /// Datasets whose absence doesn't make a scan incomplete.
    pub accept_unread: Vec<Dataset>,
}

impl Settings {
    /// All rules on everything, with the catalogue's thresholds.
    pub fn all_rules() -> Self {
        Self {
            rules: rules::ALL.iter().map(|rule| rule.id).collect(),
            clusters: Vec::new(),
            services: Vec::new(),
            eni_limit_pressure_percent: 80,
            severities: BTreeMap::new(),
            accept_unread: Vec::new(),
        }
    }

    /// No cluster or service is left out.
    pub fn is_everything(&self) -> bool {
        self.clusters.is_empty() && self.services.is_empty()
    }

    /// The same for a snapshot: what that was limited to limits them too.
    pub fn within(&self, scope: &Scope) -> Self {
        Self {
            clusters: glob::both(&scope.clusters, &self.clusters),
            services: glob::both(&scope.services, &self.services),
            ..self.clone()
        }
    }

    /// The thresholds of the selected rules, by rule id.
    pub fn thresholds(&self) -> BTreeMap<&'static str, Value> {
        let all = [("eni-limit-pressure", json!({ "percent": self.eni_limit_pressure_percent }))];
        all.into_iter().filter(|(rule, _)| self.rules.contains(rule)).collect()
    }
}
