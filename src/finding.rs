//! What the rules found: facts with typed references, which each report format renders in its own words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::reach::verdict::{Blocker, Trace};
use crate::snapshot::Scope;
use crate::snapshot::coverage::{CallStats, Dataset, Failure};
use crate::text::Text;

/// How bad. The order is from harmless to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Hygiene, cost.
    Low,
    /// Breaks under load, deployment or loss of a zone, or weakens isolation.
    Medium,
    /// New tasks can't start, traffic can't arrive, a deployment can't proceed, or the workload is open to the internet.
    High,
    /// An outage or exposure that live evidence confirms now.
    Critical,
}

impl Severity {
    /// From worst to harmless.
    pub const ALL: [Severity; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// One step less severe; `info` stays.
    pub fn lowered(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Info => Self::Info,
        }
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource {
    /// `ecs:service`, `ecs:cluster`, `ecs:task-group` …
    pub kind: &'static str,
    /// Its ARN.
    pub arn: String,
    /// `cluster/service` for a service, else its name.
    pub name: String,
}

/// Another resource that plays a part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Related {
    /// `ec2:subnet` …
    pub kind: &'static str,
    /// Its id or ARN.
    pub id: String,
    /// The part: `origin`, `target-group` …
    pub role: &'static str,
}

/// The thing to repair when several findings share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// `ec2:route-table` …
    pub kind: &'static str,
    /// Its id.
    pub resource: String,
}

/// A live symptom that agrees with the finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// `stopped-task`, `service-event` …
    pub source: &'static str,
    /// When it was last seen.
    pub at: Option<Timestamp>,
    /// How often.
    pub count: u32,
    /// What AWS said, once.
    pub text: String,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remediation {
    /// In a sentence or two.
    pub text: Text,
    /// AWS CLI commands with the real ids; arguments are quoted for a POSIX shell.
    pub commands: Vec<String>,
}

/// Whether a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It counts.
    Open,
    /// A waiver covers it.
    Waived,
    /// It was there before.
    Baseline,
}

impl Status {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waived => "waived",
            Self::Baseline => "baseline",
        }
    }
}

/// Why a finding is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverNote {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day, in UTC.
    pub expires: Date,
}

/// What became of a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WaiverState {
    /// It holds.
    InForce,
    /// Its last day is over: what it covered counts again.
    Expired,
    /// It covers nothing that was found.
    Unused,
}

impl WaiverState {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Expired => "expired",
            Self::Unused => "unused",
        }
    }
}

/// A waiver and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaiverUse {
    /// Pattern of rules.
    pub rule: String,
    /// Pattern of resources.
    pub resource: String,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day, in UTC.
    pub expires: Date,
    /// What became of it.
    pub state: WaiverState,
    /// Findings that it covers, or would cover had it not expired.
    pub findings: usize,
}

/// The earlier report that findings were compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaselineInfo {
    /// When its scan ended.
    pub finished_at: String,
    /// It covered everything.
    pub complete: bool,
    /// Findings that were there before.
    pub marked: usize,
}

/// A proved failure.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Stable from run to run: `v1:` and a hash without task ids, ENI ids and revision numbers.
    pub id: String,
    /// Id of the rule.
    pub rule: &'static str,
    /// After demotion and promotion.
    pub severity: Severity,
    /// As the rule judged it.
    pub base_severity: Severity,
    /// Why the two differ.
    pub severity_reason: Option<String>,
    /// Whether it counts.
    pub status: Status,
    /// Why it doesn't.
    pub waiver: Option<WaiverNote>,
    /// Account of the resource.
    pub account: String,
    /// Region of the resource.
    pub region: String,
    /// What it is about.
    pub resource: Resource,
    /// Name of the cluster it belongs to, for grouping.
    pub cluster: String,
    /// What else plays a part.
    pub related: Vec<Related>,
    /// One sentence with the facts.
    pub message: Text,
    /// Everything that has to be repaired.
    pub blockers: Vec<Blocker>,
    /// How it was decided.
    pub traces: Vec<Trace>,
    /// What to repair, where several findings share it.
    pub cause: Option<Cause>,
    /// Numbers and ids of the rule's own.
    pub facts: BTreeMap<&'static str, Value>,
    /// Live symptoms.
    pub confirmed_by: Vec<Evidence>,
    /// What to do.
    pub remediation: Remediation,
    /// Pages of AWS.
    pub references: &'static [&'static str],
    /// Controls of AWS Security Hub that look at the same thing.
    pub controls: &'static [&'static str],
}

/// Why a judgement could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotEvaluatedKind {
    /// A call failed: the scan is incomplete.
    Unread,
    /// Everything was read, and it can't be decided from here.
    Undecidable,
}

/// One subject, or all of a rule's, that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotEvaluated {
    /// Id of the rule.
    pub rule: &'static str,
    /// Which of the two.
    pub kind: NotEvaluatedKind,
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// The subject; `None` for all of them.
    pub resource: Option<Resource>,
    /// In a sentence.
    pub reason: Text,
    /// The dataset that was not read.
    pub dataset: Option<Dataset>,
    /// The IAM action that would allow it.
    pub iam_action: Option<String>,
}

/// How the subjects of one rule came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTally {
    /// Id of the rule.
    pub rule: &'static str,
    /// All subjects.
    pub subjects: usize,
    /// Judged fine.
    pub holds: usize,
    /// Proved wrong.
    pub fails: usize,
    /// Not judged.
    pub unknown: usize,
    /// The rule doesn't concern them.
    pub not_applicable: usize,
}

/// How one dataset of one target was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Which dataset.
    pub dataset: Dataset,
    /// `complete`, `partial` or `unavailable`.
    pub status: &'static str,
    /// Items read.
    pub items: usize,
    /// What it cost.
    pub calls: CallStats,
    /// What failed.
    pub failures: Vec<Failure>,
}

/// One account and Region of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetInfo {
    /// Account; empty where nobody could say it.
    pub account: String,
    /// Region; empty where its name could not be found out.
    pub region: String,
    /// Partition.
    pub partition: String,
    /// An endpoint that replaces AWS's own.
    pub endpoint_override: Option<String>,
    /// How much of it was read.
    pub status: TargetStatus,
    /// What there is in it.
    pub counts: Counts,
}

/// How much of an account and Region was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetStatus {
    /// All requested datasets.
    Complete,
    /// Some of them not, or not to their end.
    Incomplete,
    /// Nothing.
    NotScanned {
        /// As whom it was to be read.
        login: String,
        /// What was being done, and what was answered.
        error: String,
        /// What to do about it, a line each.
        help: Vec<String>,
    },
}

impl Report {
    /// Whether no rule had anything to judge.
    pub fn judged_nothing(&self) -> bool {
        self.rules.iter().all(|tally| tally.subjects == 0)
    }
}

impl TargetInfo {
    /// Whether all requested datasets were read.
    pub fn is_complete(&self) -> bool {
        self.status == TargetStatus::Complete
    }

    /// Whether anything was read.
    pub fn is_scanned(&self) -> bool {
        !matches!(self.status, TargetStatus::NotScanned { .. })
    }
}

/// What was scanned, when and how.
#[derive(Clone, Debug, PartialEq)]
pub struct ScanInfo {
    /// First call.
    pub started_at: Timestamp,
    /// Last answer.
    pub finished_at: Timestamp,
    /// It is the demo account.
    pub demo: bool,
    /// All requested datasets were read and no rule crashed.
    pub complete: bool,
    /// The targets.
    pub targets: Vec<TargetInfo>,
    /// What it was limited to.
    pub scope: Scope,
    /// Ids of the rules that ran.
    pub rules: Vec<&'static str>,
    /// Thresholds in force, by rule id.
    pub thresholds: BTreeMap<&'static str, Value>,
    /// The report that known findings were taken from.
    pub baseline: Option<BaselineInfo>,
    /// Hash of rules, thresholds and scope: two reports with the same hash are comparable.
    pub configuration_hash: String,
}

/// Sizes of what was scanned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Counts {
    pub clusters: usize,
    pub services: usize,
    pub tasks: usize,
    pub container_instances: usize,
    pub api_calls: u64,
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, counts| Self {
            clusters: sum.clusters + counts.clusters,
            services: sum.services + counts.services,
            tasks: sum.tasks + counts.tasks,
            container_instances: sum.container_instances + counts.container_instances,
            api_calls: sum.api_calls + counts.api_calls,
        })
    }
}

/// What reports say of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its id.
    pub id: &'static str,
    /// Its part of the catalogue.
    pub group: &'static str,
    /// Before demotion and promotion.
    pub severity: Severity,
    /// One line.
    pub summary: &'static str,
    /// The page, in Markdown.
    pub page: &'static str,
    /// Controls of AWS Security Hub that look at the same thing.
    pub controls: &'static [&'static str],
    /// AWS Config managed rules that do.
    pub config_rules: Vec<&'static str>,
    /// Pages of AWS.
    pub references: &'static [&'static str],
}

/// The result of a scan, in the order it is shown: findings by severity, rule and resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was scanned.
    pub scan: ScanInfo,
    /// Sizes.
    pub counts: Counts,
    /// Proved failures.
    pub findings: Vec<Finding>,
    /// The rules that ran, in the order of the catalogue.
    pub catalogue: Vec<RuleInfo>,
    /// How the subjects came out, by rule.
    pub rules: Vec<RuleTally>,
    /// What could not be judged.
    pub not_evaluated: Vec<NotEvaluated>,
    /// What was read.
    pub coverage: Vec<Coverage>,
    /// What became of the waivers.
    pub waivers: Vec<WaiverUse>,
}

impl Report {
    /// Open findings of a severity.
    pub fn open(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.status == Status::Open && f.severity == severity).count()
    }
}
