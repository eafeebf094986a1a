//! Targets that are unhealthy for no reason that another rule found.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::attachments;
use super::flows::flow_datasets;
use crate::analysis::Analyses;
use crate::finding::Evidence;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::{Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::elb::TargetHealth;
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
    let newest = workload.tasks.iter().filter(|task| task.last_status == "RUNNING").filter_map(|t| t.started_at).max();
    let age = newest.map(|at| analyses.topology.now.duration_since(at));
    let mut unhealthy: BTreeMap<String, Vec<&TargetHealth>> = BTreeMap::new();
    for attachment in found.all.iter().filter(|attachment| !attachment.is_alternate) {
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
        if !settled || age.is_none_or(|age| age <= SignedDuration::from_secs(patience)) {
            continue;
        }
        for target in health.items().iter().filter(|target| target.state == "unhealthy") {
            unhealthy.entry(target.reason.clone().unwrap_or_default()).or_default().push(target);
        }
    }
    if unhealthy.is_empty() {
        return attachments::outcome(true, gaps, None);
    }
    let open = match explanation(workload, analyses) {
        Explanation::Found => return attachments::outcome(true, gaps, None),
        Explanation::Open(open) => open,
    };
    let count: usize = unhealthy.values().map(Vec::len).sum();
    let mut message = text![count, if count == 1 { " target of " } else { " targets of " }, &workload.short_name];
    message.push(if count == 1 { " is unhealthy: " } else { " are unhealthy: " });
    for (index, (reason, targets)) in unhealthy.iter().enumerate() {
        if index > 0 {
            message.push("; ");
        }
        message.append(text![targets.len(), " × ", reason.clone(), ", ", meaning(reason)]);
    }
    let evidence = unhealthy.iter().map(|(reason, targets)| Evidence {
        source: "target-health",
        at: None,
        count: u32::try_from(targets.len()).unwrap_or(u32::MAX),
        text: targets[0].description.clone().unwrap_or_else(|| reason.clone()),
    });
    let blockers = unhealthy.iter().map(|(reason, targets)| {
        let detail = text![targets[0].target_id.clone(), ": ", meaning(reason)];
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

/// A path that is refused, a zone that is missing or a port that can't be right says why.
fn explanation<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Explanation {
    let others = [
        &super::load_balancer_path_blocked::RULE,
        &super::health_check_path_blocked::RULE,
        &super::dynamic_ports_blocked::RULE,
        &super::health_check_port_fixed::RULE,
        &super::load_balancer_zone_missing::RULE,
        &super::load_balancer_port_undefined::RULE,
        &super::target_group_vpc_mismatch::RULE,
        &super::target_type_mismatch::RULE,
    ];
    let mut open = Vec::new();
    for rule in others {
        let Check::Workload(check) = rule.check else { continue };
        match check(workload, analyses) {
            Outcome::Fails(_) => return Explanation::Found,
            Outcome::Unknown(gaps) => open.extend(gaps),
            Outcome::Holds | Outcome::NotApplicable => {}
        }
    }
    Explanation::Open(open)
}

enum Explanation {
    /// Another rule fails for the workload.
    Found,
    /// None does; these gaps keep some from saying so for sure.
    Open(Vec<Gap>),
}

/// What the reason code says ("Health check reason codes" in the ELB guides).
fn meaning(reason: &str) -> &'static str {
    match reason {
        "Target.FailedHealthChecks" => "the connection was refused or reset: nothing listens on the port",
        "Target.ResponseCodeMismatch" => "the application answered with another code than expected",
        "Target.Timeout" => "the application did not answer in time",
        "Elb.InternalError" => "an error of the load balancer itself",
        _ => "no reason is given",
    }
}
