//! Tasks that wait for an instance that their capacity provider can't bring.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::shared;
use crate::analysis::{Analyses, ends, symptoms};
use crate::finding::{Evidence, Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{CapacityProviderKind, Task};
use crate::snapshot::elb::AutoScalingGroup;
use crate::symptom::Trouble;
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::workload::{Role, Variant, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "capacity-provider-cannot-scale",
    group: Group::Capacity,
    severity: Severity::Medium,
    summary: "tasks that wait for an instance that their capacity provider can't bring",
    page: include_str!("capacity_provider_cannot_scale.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::AutoScalingGroups,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/cluster-auto-scaling.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html",
    ],
    check: Check::Workload(check),
};

/// Managed scaling takes a minute or two to bring an instance.
const PATIENCE: SignedDuration = SignedDuration::from_mins(5);

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let primary = workload.variants.iter().find(|variant| matches!(variant.role, Role::Primary | Role::Standalone));
    let Some(variant) = primary else { return Outcome::NotApplicable };
    let mut gaps: Vec<Gap> = variant.launches.gaps.clone();
    let (mut reasons, mut commands, mut concerned) = (Vec::new(), Vec::new(), false);
    for provider in variant.launches.known.iter().filter_map(|launch| launch.provider) {
        let CapacityProviderKind::AutoScalingGroup { auto_scaling_group_arn, .. } = &provider.kind else { continue };
        concerned = true;
        let group = match topology.auto_scaling_group(auto_scaling_group_arn) {
            Lookup::Found(group) => group,
            Lookup::Absent => {
                reasons.push(text!["the Auto Scaling group of ", &provider.name, " does not exist"]);
                continue;
            }
            Lookup::Unread(gap) => {
                gaps.push(gap);
                continue;
            }
        };
        if let Some(reason) = reason(variant, analyses, group, &mut gaps) {
            if group.desired_capacity >= group.max_size {
                let mut command = shell::Command::new("aws autoscaling update-auto-scaling-group");
                command.option("region", &topology.target.region);
                command.option("auto-scaling-group-name", &group.name);
                command.option("max-size", &group.max_size.saturating_add(1).to_string());
                commands.push(command.to_string());
            }
            reasons.push(reason);
        }
    }
    if !concerned {
        return shared::outcome(false, gaps, None);
    }
    if let Some(gap) = topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn) {
        return if reasons.is_empty() { shared::outcome(true, gaps, None) } else { Outcome::Unknown(vec![gap]) };
    }
    let evidence = waiting(workload, analyses);
    if reasons.is_empty() || evidence.is_empty() {
        return shared::outcome(true, gaps, None);
    }
    let mut message = text!["Tasks of ", &workload.short_name, " wait for an instance that does not come: "];
    let mut blockers = Vec::new();
    for (index, reason) in reasons.iter().enumerate() {
        if index > 0 {
            message.push("; ");
        }
        message.append(reason.clone());
        blockers.push(shared::short("auto-scaling-group", workload.cluster_name.as_str(), reason.clone()));
    }
    let text = text![
        "Raise the maximum of the Auto Scaling group, resume its processes, or give it a subnet in the zones of the tasks."
    ];
    let mut failing =
        Failing { blockers, confirmed_by: evidence, ..Failing::new(&RULE, message, Remediation { text, commands }) };
    if !workload.tasks.iter().any(|task| task.last_status == "RUNNING") {
        failing.severity = Severity::High;
        failing.severity_reason = Some("no task of it runs".to_owned());
    }
    shared::outcome(true, gaps, Some(failing))
}

/// Why a group can't bring an instance for these tasks.
fn reason<'s>(
    variant: &Variant<'s>,
    analyses: &Analyses<'s>,
    group: &AutoScalingGroup,
    gaps: &mut Vec<Gap>,
) -> Option<Text> {
    if group.suspended_processes.iter().any(|process| process == "Launch") {
        return Some(text!["Auto Scaling group ", &group.name, " has its Launch process suspended"]);
    }
    if group.desired_capacity >= group.max_size {
        return Some(text!["Auto Scaling group ", &group.name, " is at its maximum of ", group.max_size]);
    }
    if variant.is_awsvpc() != Some(true) {
        return None;
    }
    let mut zones = BTreeSet::new();
    for id in variant.network.iter().flat_map(|network| &network.subnets) {
        match ends::subnet(analyses.topology, id) {
            Ok(subnet) => {
                zones.insert(subnet.availability_zone.as_str());
            }
            Err(gap) => {
                gaps.push(gap);
                return None;
            }
        }
    }
    let meets = group.availability_zones.iter().any(|zone| zones.contains(zone.as_str()));
    (!zones.is_empty() && !meets)
        .then(|| text!["Auto Scaling group ", &group.name, " has no subnet in the zones of the tasks"])
}

/// Tasks that have been waiting, and events and stopped tasks that say that no instance was found.
fn waiting<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Vec<Evidence> {
    let now = analyses.topology.now;
    let waits = |task: &&&Task| {
        task.last_status == "PROVISIONING" && task.created_at.is_some_and(|at| now.duration_since(at) > PATIENCE)
    };
    let provisioning: Vec<_> = workload.tasks.iter().filter(waits).collect();
    let mut evidence = Vec::new();
    if !provisioning.is_empty() {
        evidence.push(Evidence {
            source: "task",
            at: provisioning.iter().filter_map(|task| task.created_at).min(),
            count: u32::try_from(provisioning.len()).unwrap_or(u32::MAX),
            text: "PROVISIONING".to_owned(),
        });
    }
    evidence.extend(symptoms::of_workload(workload, Trouble::is_placement));
    evidence
}
