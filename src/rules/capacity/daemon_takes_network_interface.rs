//! A DAEMON service in awsvpc mode, which takes an ENI of every instance.

use super::shared;
use crate::analysis::{Analyses, interfaces, task_eni_limits};
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::enums::SchedulingStrategy;
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "daemon-takes-network-interface",
    group: Group::Capacity,
    severity: Severity::Info,
    summary: "an awsvpc DAEMON service that takes a slot of every instance",
    page: include_str!("daemon_takes_network_interface.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::Instances,
        Dataset::InstanceTypes,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let primary = workload.variants.iter().find(|variant| variant.role == Role::Primary);
    let (Some(service), Some(variant)) = (workload.service, primary) else { return Outcome::NotApplicable };
    if service.scheduling_strategy != SchedulingStrategy::Daemon || variant.is_awsvpc() != Some(true) {
        return Outcome::NotApplicable;
    }
    let hosts = analyses.hosts(workload.cluster_arn);
    let mut gaps: Vec<Gap> = variant.launches.gaps.clone();
    let (mut without_trunk, mut slots, mut can_trunk) = (0_usize, 0_u32, false);
    for launch in variant.launches.known.iter().filter(|launch| launch.kind == LaunchKind::Ec2) {
        let eligible = analyses.eligible(workload, variant, launch);
        gaps.extend(eligible.gaps.iter().cloned());
        for position in &eligible.sure {
            match &hosts.all[*position].slots {
                Ok(found) if !found.trunk => {
                    without_trunk += 1;
                    slots += found.slots();
                    let host = &hosts.all[*position];
                    let listed =
                        host.instance_type.and_then(task_eni_limits::of).is_some_and(|limit| limit.tasks.is_some());
                    can_trunk |= listed && !interfaces::is_windows(host.instance);
                }
                Ok(_) => {}
                Err(gap) => gaps.push(gap.clone()),
            }
        }
    }
    let failing = (without_trunk > 0).then(|| {
        let message = text![
            &workload.short_name,
            " takes a task-ENI slot on each instance it runs on: ",
            without_trunk,
            " of the ",
            slots,
            " slots of instances without a trunk"
        ];
        let text = match can_trunk {
            true => text!["Run the daemon in bridge or host mode, or turn on ENI trunking and replace the instances."],
            false => text!["Run the daemon in another network mode, or use larger instances."],
        };
        Failing {
            facts: [("instances", serde_json::json!(without_trunk)), ("slots", serde_json::json!(slots))].into(),
            blockers: vec![shared::short(
                "daemon-slot",
                workload.short_name.as_str(),
                text![without_trunk, " of ", slots, " slots"],
            )],
            ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
        }
    });
    shared::outcome(true, gaps, failing)
}
