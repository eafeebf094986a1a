//! Targets that are unhealthy for no reason that another rule found.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use jiff::{SignedDuration, Timestamp};

use super::attachments;
use super::flows::flow_datasets;
use crate::analysis::Analyses;
use crate::finding::Evidence;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::{Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Task;
use crate::snapshot::elb::TargetHealth;
use crate::snapshot::ids::Arn;
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "targets-unhealthy",
    group: Group::LoadBalancing,
    severity: Severity::Medium,
    summary: "unhealthy targets that no other finding explains",
    page: include_str!("targets_unhealthy.md"),
    needs: flow_datasets![RouteTables, VpcPeeringConnections],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshoot-service-load-balancers.html",
    ],
    check: Check::Workload(check),
};

const INTERVAL_SECONDS: i32 = 30;
const UNHEALTHY_THRESHOLD: i32 = 2;

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let Some(service) = workload.service else { return Outcome::NotApplicable };
    let found = attachments::of(workload, analyses);
    let mut gaps = found.gaps.clone();
    if !found.concerned {
        return Outcome::NotApplicable;
    }
    let rollout = service.deployments.iter().find(|deployment| deployment.status == "PRIMARY");
    let settled = rollout.and_then(|d| d.rollout_state.as_deref()).is_none_or(|state| state == "COMPLETED");
    let tasks_unread = analyses.topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn);
    // Other rules are asked only where something is unhealthy.
    let explained = LazyCell::new(|| explanations(workload, analyses));
    let mut unhealthy: BTreeMap<CompactString, Vec<&TargetHealth>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for attachment in found.all.iter().filter(|attachment| seen.insert(&attachment.target_group.arn)) {
        let group = attachment.target_group;
        let health = match analyses.topology.target_health_of(&group.arn) {
            Ok(health) => health,
            Err(gap) => {
                gaps.push(gap);
                continue;
            }
        };
        let check = &group.health_check;
        let patience = i64::from(service.health_check_grace_period_seconds.unwrap_or(0))
            + i64::from(check.interval_seconds.unwrap_or(INTERVAL_SECONDS))
                * i64::from(check.unhealthy_threshold_count.unwrap_or(UNHEALTHY_THRESHOLD));
        let mut sick = health.items().iter().copied().filter(|target| target.state == "unhealthy").peekable();
        if !settled || sick.peek().is_none() {
            continue;
        }
        if let Some(gap) = &tasks_unread {
            gaps.push(gap.clone());
            continue;
        }
        for target in sick {
            let started = started_at(workload, analyses, target);
            let age = started.map(|at| analyses.topology.now.duration_since(at));
            let is_old = age.is_some_and(|age| age > SignedDuration::from_secs(patience));
            let reason = target.reason.clone().unwrap_or_default();
            if is_old && !explained.says_why(&group.arn, &reason) {
                unhealthy.entry(reason).or_default().push(target);
            }
        }
    }
    if unhealthy.is_empty() {
        return attachments::outcome(true, gaps, None);
    }
    let lost = unhealthy.keys().any(|reason| !answered(reason));
    let mut open = explained.open_ports.clone();
    if lost {
        open.extend(explained.open_paths.iter().cloned());
    }
    if open.iter().any(|gap| matches!(gap, Gap::Unread { .. })) {
        // A call that fails may hide the finding that tells of it, and must not bring forth another one.
        gaps.extend(open);
        return attachments::outcome(true, gaps, None);
    }
    let count: usize = unhealthy.values().map(Vec::len).sum();
    let mut message = text![count, if count == 1 { " target of " } else { " targets of " }, &workload.short_name];
    message.push(if count == 1 { " is unhealthy: " } else { " are unhealthy: " });
    for (index, (reason, targets)) in unhealthy.iter().enumerate() {
        if index > 0 {
            message.push("; ");
        }
        message.append(text![targets.len(), " × ", reason, ", ", meaning(reason)]);
    }
    let evidence = unhealthy.iter().map(|(reason, targets)| Evidence {
        source: "target-health",
        at: None,
        count: u32::try_from(targets.len()).unwrap_or(u32::MAX),
        text: targets[0].description.as_ref().unwrap_or(reason).to_string(),
    });
    let blockers = unhealthy.iter().map(|(reason, targets)| {
        let detail = text![&targets[0].target_id, ": ", meaning(reason)];
        attachments::wrong(Family::LoadBalancer, "target-unhealthy", &targets[0].target_id, targets[0].port, detail)
    });
    let lead = if open.is_empty() {
        "The path, the zones and the ports are not in the way, so look at the application: "
    } else {
        "Not everything between the load balancer and the targets could be judged; what was is not in the way. Look at \
         the application first: "
    };
    let text = text![
        lead,
        "whether it listens on the port, on all addresses, and answers the health check's path with an expected code in \
         time."
    ];
    gaps.extend(open);
    let failing = Failing {
        related: attachments::related(&found.all),
        blockers: blockers.collect(),
        confirmed_by: evidence.collect(),
        facts: [("unhealthy_targets", serde_json::json!(count))].into(),
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    };
    attachments::outcome(true, gaps, Some(failing))
}

/// When the task behind a target started; the newest of the workload where it can't be told which that is.
fn started_at(workload: &Workload<'_>, analyses: &Analyses<'_>, target: &TargetHealth) -> Option<Timestamp> {
    let running = || workload.tasks.iter().filter(|task| task.last_status == "RUNNING");
    let instance = |task: &Task| {
        let instances = analyses.topology.container_instances_of(workload.cluster_arn).iter();
        let own = instances.copied().find(|instance| Some(&instance.arn) == task.container_instance_arn.as_ref());
        own.and_then(|instance| instance.ec2_instance_id.as_ref())
    };
    let is_behind = |task: &&&Task| {
        let address = task.network_interface.as_ref().and_then(|interface| interface.private_ipv4_address.as_ref());
        let mut ports = task.containers.iter().flat_map(|container| &container.network_bindings);
        address == Some(&target.target_id)
            || (instance(task).is_some_and(|id| id.as_str() == target.target_id)
                && ports.any(|binding| binding.host_port == target.port))
    };
    match running().find(is_behind) {
        Some(task) => task.started_at,
        None => running().filter_map(|task| task.started_at).max(),
    }
}

/// What other rules say of the target groups of a workload.
#[derive(Default)]
struct Explanations {
    /// Target groups that connections to are refused or get lost, by a finding above low.
    paths: BTreeSet<String>,
    /// Target groups whose port or kind is wrong, which explains every reason.
    ports: BTreeSet<String>,
    /// What keeps some rules about the path from saying so for sure.
    open_paths: Vec<Gap>,
    /// The same of the rules about ports and kinds.
    open_ports: Vec<Gap>,
}

/// An answer proves that the path is open.
fn answered(reason: &str) -> bool {
    reason == "Target.ResponseCodeMismatch"
}

impl Explanations {
    /// A Network Load Balancer has one code for all failures.
    fn says_why(&self, group: &Arn, reason: &str) -> bool {
        self.ports.contains(group.as_str()) || (!answered(reason) && self.paths.contains(group.as_str()))
    }
}

fn explanations<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Explanations {
    let paths = [
        &super::load_balancer_path_blocked::RULE,
        &super::health_check_path_blocked::RULE,
        &super::dynamic_ports_blocked::RULE,
        &super::load_balancer_zone_missing::RULE,
        &super::target_group_vpc_mismatch::RULE,
    ];
    let ports = [
        &super::health_check_port_fixed::RULE,
        &super::load_balancer_port_undefined::RULE,
        &super::target_type_mismatch::RULE,
    ];
    let mut found = Explanations::default();
    for (rule, is_path) in paths.iter().map(|rule| (rule, true)).chain(ports.iter().map(|rule| (rule, false))) {
        let Check::Workload(check) = rule.check else { continue };
        match check(workload, analyses) {
            Outcome::Fails(failing) if failing.severity > Severity::Low => {
                let named = failing.related.into_iter().filter(|r| r.kind == "elasticloadbalancing:targetgroup");
                let groups = if is_path { &mut found.paths } else { &mut found.ports };
                groups.extend(named.map(|related| related.id));
            }
            Outcome::Unknown(gaps) if is_path => found.open_paths.extend(gaps),
            Outcome::Unknown(gaps) => found.open_ports.extend(gaps),
            Outcome::Fails(_) | Outcome::Holds | Outcome::NotApplicable => {}
        }
    }
    found
}

/// What the reason code says ("Health check reason codes" in the ELB guides).
fn meaning(reason: &str) -> &'static str {
    match reason {
        "Target.FailedHealthChecks" => "no connection could be made, or the answer was malformed",
        "Target.ResponseCodeMismatch" => "the application answered with another code than expected",
        "Target.Timeout" => "the application did not answer in time",
        "Elb.InternalError" => "an error of the load balancer itself",
        _ => "no reason is given",
    }
}
