//! The form of the JSON report: what other programs may rely on.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// A report.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Report<'a> {
    pub(in crate::report) schema_version: u32,
    pub(in crate::report) tool: Tool,
    pub(in crate::report) scan: Scan<'a>,
    pub(in crate::report) summary: Summary,
    pub(in crate::report) findings: Vec<Finding<'a>>,
    pub(in crate::report) rules: Vec<RuleTally>,
    pub(in crate::report) not_evaluated: Vec<NotEvaluated<'a>>,
    pub(in crate::report) coverage: Vec<Coverage<'a>>,
    /// What became of the waivers.
    pub(in crate::report) waivers: Vec<Waiver<'a>>,
}

/// A waiver and what it covers.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Waiver<'a> {
    /// Pattern of rules.
    pub(super) rule: &'a str,
    /// Pattern of resource names or ARNs.
    pub(super) resource: &'a str,
    pub(super) reason: &'a str,
    pub(super) owner: &'a str,
    /// The last day that it holds, in UTC.
    pub(super) expires: String,
    /// `in-force`, `expired` or `unused`.
    pub(super) state: &'static str,
    pub(super) findings: usize,
}

/// Why a finding is accepted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct WaiverNote<'a> {
    pub(super) reason: &'a str,
    pub(super) owner: &'a str,
    /// The last day that it holds, in UTC.
    pub(super) expires: String,
}

/// The earlier report that known findings were taken from.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Baseline<'a> {
    pub(super) finished_at: &'a str,
    pub(super) complete: bool,
    /// Findings that were there before.
    pub(super) marked: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Tool {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

/// What was scanned.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Scan<'a> {
    /// RFC 3339.
    pub(super) started_at: String,
    /// RFC 3339.
    pub(super) finished_at: String,
    /// Everything that the rules asked for was read.
    pub(super) complete: bool,
    /// It is the account that ships with the program.
    pub(super) demo: bool,
    pub(super) targets: Vec<Target<'a>>,
    pub(super) scope: Scope<'a>,
    pub(super) rules: &'a [&'static str],
    pub(super) thresholds: &'a BTreeMap<&'static str, Value>,
    /// Equal for reports that cover the same rules, thresholds and scope.
    pub(super) configuration_hash: &'a str,
    pub(super) baseline: Option<Baseline<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Target<'a> {
    /// Empty where nobody could say it of a target that was not scanned; so are Region and partition.
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) partition: &'a str,
    /// `complete`, `incomplete` or `not-scanned`.
    pub(super) status: &'static str,
    /// An endpoint that replaced AWS's own.
    pub(super) endpoint_override: Option<&'a str>,
    /// As whom a target was to be read that was not scanned.
    pub(super) login: Option<&'a str>,
    /// Why it was not scanned.
    pub(super) error: Option<&'a str>,
    /// What to do about that.
    pub(super) help: &'a [String],
    pub(super) clusters: usize,
    pub(super) services: usize,
    pub(super) tasks: usize,
    pub(super) container_instances: usize,
    pub(super) api_calls: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
/// Name patterns. One with `&` in it is several that have to match: a replay was limited further than its scan.
pub(in crate::report) struct Scope<'a> {
    pub(super) clusters: &'a [String],
    pub(super) services: &'a [String],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Summary {
    /// Open findings by severity, the hidden ones included.
    pub(super) findings: Severities,
    pub(super) waived: usize,
    /// Known from the baseline.
    pub(super) baseline: usize,
    pub(super) not_evaluated: usize,
    pub(super) clusters: usize,
    pub(super) services: usize,
    pub(super) tasks: usize,
    pub(super) container_instances: usize,
    pub(super) api_calls: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Severities {
    pub(super) critical: usize,
    pub(super) high: usize,
    pub(super) medium: usize,
    pub(super) low: usize,
    pub(super) info: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Finding<'a> {
    /// Stable from run to run.
    pub(super) id: &'a str,
    pub(super) rule: &'static str,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub(super) severity: &'static str,
    /// `open`, `waived` or `baseline`.
    pub(super) status: &'static str,
    pub(super) waiver: Option<WaiverNote<'a>>,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) resource: Resource<'a>,
    pub(super) related: Vec<Related<'a>>,
    pub(super) message: String,
    pub(super) blockers: Vec<Blocker<'a>>,
    pub(super) cause: Option<Cause<'a>>,
    pub(super) base_severity: &'static str,
    pub(super) severity_reason: Option<&'a str>,
    pub(super) facts: &'a BTreeMap<&'static str, Value>,
    pub(super) traces: Vec<Trace<'a>>,
    pub(super) confirmed_by: Vec<Evidence<'a>>,
    pub(super) remediation: Remediation<'a>,
    pub(super) references: &'static [&'static str],
    pub(super) controls: &'static [&'static str],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Resource<'a> {
    pub(super) r#type: &'static str,
    pub(super) arn: &'a str,
    /// `cluster/service` for a service.
    pub(super) name: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Related<'a> {
    pub(super) r#type: &'static str,
    pub(super) id: &'a str,
    pub(super) role: &'static str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Blocker<'a> {
    pub(super) family: &'static str,
    pub(super) kind: &'static str,
    pub(super) need: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
    pub(super) port: Option<u16>,
    pub(super) protocol: Option<&'static str>,
    pub(super) resource: Option<&'a str>,
    pub(super) detail: String,
}

/// What to repair, where several findings share it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Cause<'a> {
    pub(super) id: String,
    pub(super) r#type: &'static str,
    pub(super) resource: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Trace<'a> {
    pub(super) need: &'a str,
    pub(super) origin: &'a str,
    pub(super) hops: Vec<Hop<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Hop<'a> {
    pub(super) hop: &'static str,
    pub(super) resource: &'a str,
    /// `holds`, `fails` or `unknown`.
    pub(super) verdict: &'static str,
    pub(super) detail: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Evidence<'a> {
    pub(super) source: &'static str,
    pub(super) at: Option<String>,
    pub(super) count: u32,
    pub(super) text: &'a str,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Remediation<'a> {
    pub(super) text: String,
    pub(super) commands: &'a [String],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct RuleTally {
    pub(super) rule: &'static str,
    pub(super) subjects: usize,
    pub(super) holds: usize,
    pub(super) fails: usize,
    pub(super) unknown: usize,
    pub(super) not_applicable: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct NotEvaluated<'a> {
    /// `unread`: a call failed. `undecidable`: all was read and it can't be seen from there.
    pub(super) kind: &'static str,
    pub(super) rule: &'static str,
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    /// `null` when it is not about one subject.
    pub(super) resource: Option<Resource<'a>>,
    pub(super) reason: String,
    pub(super) dataset: Option<&'static str>,
    pub(super) iam_action: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Coverage<'a> {
    pub(super) account: &'a str,
    pub(super) region: &'a str,
    pub(super) dataset: &'static str,
    /// `complete`, `partial` or `unavailable`.
    pub(super) status: &'static str,
    pub(super) items: usize,
    pub(super) calls: u32,
    pub(super) throttled: u32,
    /// The first failure in words.
    pub(super) error: Option<String>,
    pub(super) failures: Vec<Failure<'a>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::report) struct Failure<'a> {
    pub(super) operation: &'a str,
    /// `access-denied`, `not-supported`, `throttled` …
    pub(super) class: String,
    pub(super) iam_action: Option<&'a str>,
    pub(super) message: &'a str,
    /// Ids left unread; empty: any.
    pub(super) affected: &'a [String],
}
