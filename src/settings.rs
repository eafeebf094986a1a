//! What a run was asked to judge, and by which thresholds.

/// Settings of an evaluation; they are part of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Ids of the rules to run, in the catalogue's order.
    pub rules: Vec<&'static str>,
    /// Name patterns of clusters (`*`, `?`); empty: all.
    pub clusters: Vec<String>,
    /// Name patterns of services; empty: all.
    pub services: Vec<String>,
    /// `eni-limit-pressure`: the share of task-ENI slots, in percent, from which it fires.
    pub eni_limit_pressure_percent: u32,
}
