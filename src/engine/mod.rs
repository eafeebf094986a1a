//! Runs the selected rules over a snapshot. What is the same for every rule happens here: scope, demotion, promotion,
//! fingerprints, gaps, tallies, and a crash of one rule that must not cost the report.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::{self, AssertUnwindSafe};

use sha2::{Digest, Sha256};

use crate::analysis::Analyses;
use crate::finding::{
    Counts, Coverage, Finding, NotEvaluated, NotEvaluatedKind, Report, Resource, RuleTally, ScanInfo, Severity, Status,
    TargetInfo, TargetStatus,
};
use crate::glob;
use crate::reach::verdict::Gap;
use crate::rules::{self, Check, Failing, Group, Outcome, Rule};
use crate::settings::Settings;
use crate::snapshot::coverage::{Dataset, Failure, FailureClass};
use crate::snapshot::ecs::Cluster;
use crate::snapshot::ids::VpcId;
use crate::snapshot::vpc::{Subnet, Vpc};
use crate::snapshot::{Scope, Snapshot, Target, UnreadTarget};
use crate::text;
use crate::topology::Topology;
use crate::topology::workload::Workload;

/// Judges a snapshot. Pure: the same snapshot and settings give the same report.
pub fn evaluate(snapshot: &Snapshot, settings: &Settings) -> Report {
    let selected: Vec<&'static Rule> =
        rules::ALL.iter().copied().filter(|rule| settings.rules.contains(&rule.id)).collect();
    let mut run =
        Run { settings, scope: &snapshot.scope, findings: Vec::new(), not_evaluated: BTreeSet::new(), crashed: false };
    let mut tallies: Vec<RuleTally> = selected.iter().map(|rule| empty_tally(rule.id)).collect();
    let mut targets = Vec::new();
    for target in &snapshot.targets {
        let topology = Topology::build(snapshot, target);
        let analyses = Analyses::new(&topology, settings);
        for (rule, tally) in selected.iter().zip(&mut tallies) {
            run.rule(rule, &analyses, tally);
        }
        targets.push(target_info(target, settings, count(&topology, settings)));
    }
    for unread in &snapshot.unread_targets {
        let reason = text![unread.login.clone(), " was not scanned: ", unread.error.clone()];
        let info = not_scanned(unread);
        run.not_evaluated.extend(selected.iter().map(|rule| not_judged(rule, &info, reason.clone())));
        targets.push(info);
    }
    targets.sort_by(|a, b| (&a.account, &a.region).cmp(&(&b.account, &b.region)));
    run.findings.sort_by(|a, b| {
        let key = |f: &Finding| {
            (
                std::cmp::Reverse(f.severity),
                f.rule,
                f.account.clone(),
                f.region.clone(),
                f.resource.clone(),
                f.id.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
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
    /// What the scan itself was limited to.
    scope: &'a Scope,
    findings: Vec<Finding>,
    not_evaluated: BTreeSet<NotEvaluated>,
    crashed: bool,
}

struct Subject<'a> {
    target: &'a Target,
    resource: Resource,
    cluster: String,
    desires_nothing: bool,
}

impl Run<'_> {
    fn rule(&mut self, rule: &'static Rule, analyses: &Analyses<'_>, tally: &mut RuleTally) {
        let target = analyses.topology.target;
        let judged = panic::catch_unwind(AssertUnwindSafe(|| judge(rule, analyses, self.settings, self.scope)));
        let Ok(judged) = judged else {
            self.crashed = true;
            let reason = text!["the rule crashed, which is a bug of this program; its findings are missing"];
            self.not_evaluated.insert(entry(rule, target, None, NotEvaluatedKind::Unread, reason));
            return;
        };
        let mut named: BTreeSet<Dataset> = BTreeSet::new();
        for (subject, outcome) in judged {
            tally.subjects += 1;
            match outcome {
                Outcome::NotApplicable => tally.not_applicable += 1,
                Outcome::Holds => tally.holds += 1,
                Outcome::Fails(failing) => {
                    tally.fails += 1;
                    self.gaps(rule, &subject, &failing.gaps, &mut named);
                    self.findings.push(finding(rule, subject, *failing, self.settings));
                }
                Outcome::Unknown(gaps) => {
                    tally.unknown += 1;
                    self.gaps(rule, &subject, &gaps, &mut named);
                }
            }
        }
        self.unread(rule, target, &named);
    }

    fn gaps(&mut self, rule: &'static Rule, subject: &Subject<'_>, gaps: &[Gap], named: &mut BTreeSet<Dataset>) {
        for gap in gaps {
            let resource = Some(subject.resource.clone());
            let entry = match gap {
                Gap::Unread { dataset, failure } => {
                    named.insert(*dataset);
                    unread_entry(rule, subject.target, resource, *dataset, failure)
                }
                Gap::Undecidable { reason, .. } => {
                    entry(rule, subject.target, resource, NotEvaluatedKind::Undecidable, reason.clone())
                }
            };
            self.not_evaluated.insert(entry);
        }
    }

    /// What the rule reads and no judgement named: it may hide subjects, or a part of one.
    fn unread(&mut self, rule: &'static Rule, target: &Target, named: &BTreeSet<Dataset>) {
        for (dataset, _, _, failures) in target.data.coverage() {
            if !rule.needs.contains(&dataset) || named.contains(&dataset) {
                continue;
            }
            for failure in failures {
                self.not_evaluated.insert(unread_entry(rule, target, None, dataset, failure));
            }
        }
    }
}

fn judge<'s, 'a>(
    rule: &Rule,
    analyses: &Analyses<'s>,
    settings: &Settings,
    scope: &Scope,
) -> Vec<(Subject<'a>, Outcome)>
where
    's: 'a,
{
    let topology = analyses.topology;
    if !rule.check.judges(settings, scope) {
        return Vec::new();
    }
    match rule.check {
        Check::Workload(check) => {
            let workloads = analyses.workloads_in_scope();
            workloads.map(|workload| (of_workload(topology, workload), check(workload, analyses))).collect()
        }
        Check::Cluster(check) => {
            let clusters = topology.clusters().iter().filter(|c| glob::in_scope(&settings.clusters, &c.name));
            let judged = |cluster: &'s Cluster| {
                check(cluster, analyses)
                    .into_iter()
                    .map(|outcome| (of_cluster(topology, cluster), outcome))
                    .collect::<Vec<_>>()
            };
            clusters.flat_map(judged).collect()
        }
        Check::Vpc(check) => {
            let subnets = analyses.workloads_in_scope().flat_map(Workload::task_subnets);
            let vpcs: BTreeSet<&VpcId> =
                subnets.filter_map(|id| topology.subnet(id).found().map(|subnet| &subnet.vpc_id)).collect();
            let vpcs = vpcs.into_iter().filter_map(|id| topology.vpc(id).found());
            vpcs.map(|vpc| (of_vpc(topology, vpc), check(vpc, analyses))).collect()
        }
        Check::Subnet(check) => {
            let subnets = analyses.addresses().subnets();
            subnets.into_iter().map(|subnet| (of_subnet(topology, subnet), check(subnet, analyses))).collect()
        }
        Check::Zone(check) => {
            let interfaces = topology.data().network_interfaces.items().iter();
            let zones: BTreeSet<&str> = interfaces.map(|interface| interface.availability_zone.as_str()).collect();
            zones.into_iter().map(|zone| (of_zone(topology, zone), check(zone, analyses))).collect()
        }
    }
}

fn of_vpc<'s>(topology: &Topology<'s>, vpc: &Vpc) -> Subject<'s> {
    let Target { partition, region, .. } = topology.target;
    let arn = format!("arn:{partition}:ec2:{region}:{}:vpc/{}", vpc.owner_id, vpc.id);
    let resource = Resource { kind: "ec2:vpc", arn, name: vpc.id.as_str().to_owned() };
    Subject { target: topology.target, resource, cluster: String::new(), desires_nothing: false }
}

fn of_subnet<'s>(topology: &Topology<'s>, subnet: &Subnet) -> Subject<'s> {
    let Target { partition, region, .. } = topology.target;
    let arn = format!("arn:{partition}:ec2:{region}:{}:subnet/{}", subnet.owner_id, subnet.id);
    let resource = Resource { kind: "ec2:subnet", arn, name: subnet.id.as_str().to_owned() };
    Subject { target: topology.target, resource, cluster: String::new(), desires_nothing: false }
}

/// A zone has no ARN: its name is unique in its Region.
fn of_zone<'s>(topology: &Topology<'s>, zone: &str) -> Subject<'s> {
    let resource = Resource { kind: "ec2:availability-zone", arn: zone.to_owned(), name: zone.to_owned() };
    Subject { target: topology.target, resource, cluster: String::new(), desires_nothing: false }
}

fn of_workload<'s>(topology: &Topology<'s>, workload: &Workload<'s>) -> Subject<'s> {
    Subject {
        target: topology.target,
        resource: workload.resource(),
        cluster: workload.cluster_name.clone(),
        desires_nothing: workload.desires_nothing(),
    }
}

fn of_cluster<'s>(topology: &Topology<'s>, cluster: &Cluster) -> Subject<'s> {
    let resource = Resource { kind: "ecs:cluster", arn: cluster.arn.as_str().to_owned(), name: cluster.name.clone() };
    Subject { target: topology.target, resource, cluster: cluster.name.clone(), desires_nothing: false }
}

fn finding(rule: &'static Rule, subject: Subject<'_>, failing: Failing, settings: &Settings) -> Finding {
    let mut message = failing.message;
    let (mut severity, mut reason) = (failing.severity, failing.severity_reason);
    if subject.desires_nothing {
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
        id: fingerprint(rule, &subject, &failing.sub_key),
        rule: rule.id,
        severity,
        base_severity: failing.severity,
        severity_reason: reason,
        status: Status::Open,
        waiver: None,
        account: subject.target.account.clone(),
        region: subject.target.region.clone(),
        resource: subject.resource,
        cluster: subject.cluster,
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
fn fingerprint(rule: &Rule, subject: &Subject<'_>, sub_key: &str) -> String {
    let target = subject.target;
    let parts = [
        rule.id,
        &target.partition,
        &target.account,
        &target.region,
        subject.resource.kind,
        &subject.resource.arn,
        &subject.resource.name,
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

fn empty_tally(rule: &'static str) -> RuleTally {
    RuleTally { rule, subjects: 0, holds: 0, fails: 0, unknown: 0, not_applicable: 0 }
}

fn count(topology: &Topology<'_>, settings: &Settings) -> Counts {
    let (target, data) = (topology.target, topology.data());
    let in_scope = |cluster: &str| glob::in_scope(&settings.clusters, cluster);
    let services = data.services.items().iter();
    let tasks = data.tasks.items().iter().filter(|task| task.last_status != "STOPPED");
    let calls: u32 = target.calls.values().map(|stats| stats.calls).sum();
    Counts {
        clusters: data.clusters.items().iter().filter(|cluster| in_scope(&cluster.name)).count(),
        services: services
            .filter(|s| in_scope(s.cluster_arn.name()) && glob::in_scope(&settings.services, &s.name))
            .count(),
        tasks: tasks.filter(|task| in_scope(task.cluster_arn.name())).count(),
        container_instances: data.container_instances.items().iter().filter(|i| in_scope(i.cluster_arn.name())).count(),
        api_calls: u64::from(target.identity_calls.calls) + u64::from(calls),
    }
}

fn coverage(target: &Target) -> Vec<Coverage> {
    let requested = target.data.coverage().into_iter().filter(|(_, status, _, _)| *status != "not-requested");
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
    let scope = Scope {
        clusters: scope_of(&snapshot.scope.clusters, &settings.clusters),
        services: scope_of(&snapshot.scope.services, &settings.services),
    };
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

/// What the scan was limited to, and the replay again.
fn scope_of(scan: &[String], replay: &[String]) -> Vec<String> {
    let mut patterns: Vec<String> = scan.iter().chain(replay).cloned().collect();
    patterns.sort();
    patterns.dedup();
    patterns
}

fn target_info(target: &Target, settings: &Settings, counts: Counts) -> TargetInfo {
    let coverage = target.data.coverage();
    let is_failure = |failure: &Failure| failure.class != FailureClass::NotRequested;
    let is_unread = coverage
        .iter()
        .any(|(dataset, _, _, failures)| failures.iter().any(is_failure) && !settings.accept_unread.contains(dataset));
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
