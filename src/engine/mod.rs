//! Runs the selected rules over a snapshot. What is the same for every rule happens here: scope, demotion, promotion,
//! fingerprints, gaps, tallies, and a crash of one rule that must not cost the report.

mod judging;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::analysis::Analyses;
use crate::finding::{
    Counts, Coverage, Finding, NotEvaluated, NotEvaluatedKind, Report, Resource, RuleTally, ScanInfo, Severity, Status,
    TargetInfo, TargetStatus,
};
use crate::glob;
use crate::reach::verdict::Gap;
use crate::rules::{self, Failing, Group, Rule};
use crate::settings::Settings;
use crate::snapshot::coverage::{Dataset, Failure, NOT_REQUESTED};
use crate::snapshot::{Scope, Snapshot, Target, UnreadTarget};
use crate::text;
use crate::topology::Topology;
use judging::{Judged, Said, Subject};

/// Judges a snapshot. Pure: the same snapshot and settings give the same report.
pub fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Report {
    let settings = &settings.within(&snapshot.scope);
    let selected: Vec<&'static Rule> =
        rules::ALL.iter().copied().filter(|rule| settings.rules.contains(&rule.id)).collect();
    let mut run = Run { settings, findings: Vec::new(), not_evaluated: BTreeSet::new(), crashed: false };
    let mut tallies: Vec<RuleTally> = selected.iter().map(|rule| empty_tally(rule.id)).collect();
    let mut targets = Vec::new();
    for target in &snapshot.targets {
        let topology = Topology::build(snapshot, target);
        let mut analyses = Analyses::new(&topology, settings);
        let judged = judging::all(&selected, &mut analyses, settings);
        for ((rule, tally), judged) in selected.iter().zip(&mut tallies).zip(judged) {
            run.rule(rule, target, judged, tally);
        }
        targets.push(target_info(target, settings, &selected, count(&topology, settings)));
    }
    for unread in &snapshot.unread_targets {
        let reason = text![unread.login.clone(), " was not scanned: ", unread.error.clone()];
        let info = not_scanned(unread);
        tallies.iter_mut().for_each(whole_unknown);
        run.not_evaluated.extend(selected.iter().map(|rule| not_judged(rule, &info, reason.clone())));
        targets.push(info);
    }
    targets.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
    fn order(f: &Finding) -> impl Ord + '_ {
        (Reverse(f.severity), f.rule, &f.account, &f.region, &f.resource, &f.id)
    }
    run.findings.sort_by(|a, b| order(a).cmp(&order(b)));
    Report {
        counts: targets.iter().map(|target| target.counts).sum(),
        scan: scan_info(snapshot, settings, &selected, targets, run.crashed),
        findings: run.findings,
        catalogue: selected.iter().map(|rule| rule.info()).collect(),
        rules: tallies,
        not_evaluated: run.not_evaluated.into_iter().collect(),
        coverage: snapshot.targets.iter().flat_map(coverage).collect(),
        waivers: Vec::new(),
    }
}

struct Run<'a> {
    settings: &'a Settings,
    findings: Vec<Finding>,
    not_evaluated: BTreeSet<NotEvaluated>,
    crashed: bool,
}

impl Run<'_> {
    fn rule(&mut self, rule: &'static Rule, target: &Target, judged: Option<Judged<'_>>, tally: &mut RuleTally) {
        let Some(judged) = judged else {
            self.crashed = true;
            let reason = text!["the rule crashed, which is a bug of this program; its findings are missing"];
            self.not_evaluated.insert(entry(rule, target, None, NotEvaluatedKind::Unread, reason));
            whole_unknown(tally);
            return;
        };
        let mut named: BTreeSet<Dataset> = BTreeSet::new();
        tally.subjects += judged.holds + judged.not_applicable + judged.said.len();
        tally.holds += judged.holds;
        tally.not_applicable += judged.not_applicable;
        for (subject, said) in judged.said {
            match said {
                Said::Fails(failing) => {
                    tally.fails += 1;
                    self.gaps(rule, target, subject, &failing.gaps, &mut named);
                    self.findings.push(finding(rule, target, subject, *failing, self.settings));
                }
                Said::Unknown(gaps) => {
                    tally.unknown += 1;
                    self.gaps(rule, target, subject, &gaps, &mut named);
                }
            }
        }
        if rule.check.judges(self.settings) && self.unread(rule, target, &named) {
            whole_unknown(tally);
        }
    }

    fn gaps(
        &mut self,
        rule: &'static Rule,
        target: &Target,
        subject: Subject<'_>,
        gaps: &[Gap],
        named: &mut BTreeSet<Dataset>,
    ) {
        for gap in gaps {
            let resource = Some(subject.resource(target));
            let entry = match gap {
                Gap::Unread { dataset, failure } => {
                    named.insert(*dataset);
                    unread_entry(rule, target, resource, *dataset, failure)
                }
                Gap::Undecidable { reason, .. } => {
                    entry(rule, target, resource, NotEvaluatedKind::Undecidable, reason.clone())
                }
            };
            self.not_evaluated.insert(entry);
        }
    }

    /// What the rule reads and no judgement named: it may hide subjects, or a part of one. Whether there is any.
    fn unread(&mut self, rule: &'static Rule, target: &Target, named: &BTreeSet<Dataset>) -> bool {
        let not_requested = Failure::not_requested();
        let mut any = false;
        for (dataset, status, _, failures) in target.data.coverage() {
            if !rule.needs.contains(&dataset) || named.contains(&dataset) {
                continue;
            }
            let absent = (status == NOT_REQUESTED).then_some(&not_requested);
            for failure in failures.iter().chain(absent) {
                self.not_evaluated.insert(unread_entry(rule, target, None, dataset, failure));
                any = true;
            }
        }
        any
    }
}

fn finding(
    rule: &'static Rule,
    target: &Target,
    subject: Subject<'_>,
    failing: Failing,
    settings: &Settings,
) -> Finding {
    let resource = subject.resource(target);
    let mut message = failing.message;
    let (mut severity, mut reason) = (failing.severity, failing.severity_reason);
    if subject.desires_nothing() {
        severity = severity.lowered();
        reason = Some("the service's desired count is 0".to_owned());
        message.push(" (the service's desired count is 0 at present)");
    } else if is_promoted(rule, severity) && !failing.confirmed_by.is_empty() {
        severity = Severity::Critical;
        reason = Some("a current symptom confirms it".to_owned());
    }
    if let Some(settled) = settings.severities.get(rule.id).filter(|settled| **settled != severity) {
        reason = Some(format!("the configuration says so of this rule (judged {})", severity.name()));
        severity = *settled;
    }
    Finding {
        id: fingerprint(rule, target, &resource, &failing.sub_key),
        rule: rule.id,
        severity,
        base_severity: failing.severity,
        severity_reason: reason,
        status: Status::Open,
        waiver: None,
        account: target.account.clone(),
        region: target.region.clone(),
        resource,
        cluster: subject.cluster(),
        related: failing.related,
        message,
        blockers: failing.blockers,
        traces: failing.traces,
        cause: failing.cause,
        facts: failing.facts,
        confirmed_by: failing.confirmed_by,
        remediation: failing.remediation,
        references: rule.references,
        controls: rule.controls,
    }
}

fn is_promoted(rule: &Rule, severity: Severity) -> bool {
    severity == Severity::High && matches!(rule.group, Group::Egress | Group::LoadBalancing | Group::Exposure)
}

/// Without task ids, ENI ids and revisions, so that it stays from run to run.
fn fingerprint(rule: &Rule, target: &Target, resource: &Resource, sub_key: &str) -> String {
    let parts = [
        rule.id,
        &target.partition,
        &target.account,
        &target.region,
        resource.kind,
        &resource.arn,
        &resource.name,
        sub_key,
    ];
    format!("v1:{}", hash(&parts))
}

/// The first 16 bytes of SHA-256 over length-prefixed parts, in hexadecimal.
fn hash(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().take(16).fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").expect("writing to a string does not fail");
        hex
    })
}

fn entry(
    rule: &'static Rule,
    target: &Target,
    resource: Option<Resource>,
    kind: NotEvaluatedKind,
    reason: text::Text,
) -> NotEvaluated {
    NotEvaluated {
        rule: rule.id,
        kind,
        account: target.account.clone(),
        region: target.region.clone(),
        resource,
        reason,
        dataset: None,
        iam_action: None,
    }
}

fn unread_entry(
    rule: &'static Rule,
    target: &Target,
    resource: Option<Resource>,
    dataset: Dataset,
    failure: &Failure,
) -> NotEvaluated {
    let reason = text![dataset.name(), " could not be read: ", failure.message.clone()];
    NotEvaluated {
        dataset: Some(dataset),
        iam_action: failure.iam_action.clone(),
        ..entry(rule, target, resource, NotEvaluatedKind::Unread, reason)
    }
}

/// Counts what a rule could not even see the subjects of: whoever sums up must not take it for a rule that holds.
fn whole_unknown(tally: &mut RuleTally) {
    tally.subjects += 1;
    tally.unknown += 1;
}

fn empty_tally(rule: &'static str) -> RuleTally {
    RuleTally { rule, subjects: 0, holds: 0, fails: 0, unknown: 0, not_applicable: 0 }
}

fn count(topology: &Topology<'_>, settings: &Settings) -> Counts {
    let (target, data) = (topology.target, topology.data());
    let in_scope = |cluster: &str| glob::in_scope(&settings.clusters, cluster);
    let services = data.services.items().iter();
    let tasks = data.tasks.items().iter().filter(|task| task.last_status != "STOPPED");
    let calls: u64 = target.calls.values().map(|stats| u64::from(stats.calls)).sum();
    Counts {
        clusters: data.clusters.items().iter().filter(|cluster| in_scope(&cluster.name)).count(),
        services: services
            .filter(|s| in_scope(s.cluster_arn.name()) && glob::in_scope(&settings.services, &s.name))
            .count(),
        tasks: tasks.filter(|task| in_scope(task.cluster_arn.name())).count(),
        container_instances: data.container_instances.items().iter().filter(|i| in_scope(i.cluster_arn.name())).count(),
        api_calls: u64::from(target.identity_calls.calls) + calls,
    }
}

fn coverage(target: &Target) -> Vec<Coverage> {
    let requested = target.data.coverage().into_iter().filter(|(_, status, _, _)| *status != NOT_REQUESTED);
    let line = |(dataset, status, items, failures): (Dataset, &'static str, usize, &[Failure])| Coverage {
        account: target.account.clone(),
        region: target.region.clone(),
        dataset,
        status,
        items,
        calls: target.calls.get(&dataset).copied().unwrap_or_default(),
        failures: failures.to_vec(),
    };
    requested.map(line).collect()
}

fn scan_info(
    snapshot: &Snapshot,
    settings: &Settings,
    selected: &[&'static Rule],
    targets: Vec<TargetInfo>,
    crashed: bool,
) -> ScanInfo {
    let rules: Vec<&'static str> = selected.iter().map(|rule| rule.id).collect();
    let scope = Scope { clusters: settings.clusters.clone(), services: settings.services.clone() };
    let thresholds = settings.thresholds();
    let severities: BTreeMap<&str, &str> = settings.severities.iter().map(|(rule, s)| (*rule, s.name())).collect();
    let configuration: BTreeMap<&str, serde_json::Value> = [
        ("rules", serde_json::json!(rules)),
        ("clusters", serde_json::json!(scope.clusters)),
        ("services", serde_json::json!(scope.services)),
        ("thresholds", serde_json::json!(thresholds)),
        ("severities", serde_json::json!(severities)),
    ]
    .into();
    ScanInfo {
        started_at: snapshot.started_at,
        finished_at: snapshot.finished_at,
        demo: snapshot.demo,
        complete: !crashed && targets.iter().all(TargetInfo::is_complete),
        targets,
        scope,
        rules,
        configuration_hash: hash(&[&serde_json::json!(configuration).to_string()]),
        thresholds,
        baseline: None,
    }
}

fn target_info(target: &Target, settings: &Settings, selected: &[&'static Rule], counts: Counts) -> TargetInfo {
    let judging = selected.iter().filter(|rule| rule.check.judges(settings));
    let needed: BTreeSet<Dataset> = judging.flat_map(|rule| rule.needs).copied().collect();
    let is_unread = target.data.lacking(&needed).any(|dataset| !settings.accept_unread.contains(&dataset));
    TargetInfo {
        account: target.account.clone(),
        region: target.region.clone(),
        partition: target.partition.clone(),
        endpoint_override: target.endpoint_override.clone(),
        status: if is_unread { TargetStatus::Incomplete } else { TargetStatus::Complete },
        counts,
    }
}

fn not_scanned(unread: &UnreadTarget) -> TargetInfo {
    let UnreadTarget { account, region, login, error, help } = unread.clone();
    TargetInfo {
        account: account.unwrap_or_default(),
        region: region.unwrap_or_default(),
        partition: String::new(),
        endpoint_override: None,
        status: TargetStatus::NotScanned { login, error, help },
        counts: Counts::default(),
    }
}

/// A rule that could judge nothing of a target that was not scanned.
fn not_judged(rule: &Rule, target: &TargetInfo, reason: text::Text) -> NotEvaluated {
    NotEvaluated {
        rule: rule.id,
        kind: NotEvaluatedKind::Unread,
        account: target.account.clone(),
        region: target.region.clone(),
        resource: None,
        reason,
        dataset: None,
        iam_action: None,
    }
}
