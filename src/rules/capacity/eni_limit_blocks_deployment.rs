//! A deployment that finds no slot for the ENI of a new task.

use super::shared;
use crate::analysis::Analyses;
use crate::analysis::symptoms;
use crate::finding::{Remediation, Severity};
use crate::placement::room::Resource;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::symptom::Trouble;
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "eni-limit-blocks-deployment",
    group: Group::Capacity,
    severity: Severity::High,
    summary: "a deployment that finds no slot for the ENI of a new task",
    page: include_str!("eni_limit_blocks_deployment.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::AutoScalingGroups,
        Dataset::Instances,
        Dataset::InstanceTypes,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let held = match shared::held(workload, analyses, Resource::Slots, |planned| planned.new.slots > 0) {
        Ok(held) => held,
        Err(outcome) => return outcome,
    };
    let region = &analyses.topology.target.region;
    let mut message = text!["The next deployment of ", &workload.short_name, " is held by ENI limits: "];
    message.append(shared::arithmetic(&held, "slot for a task ENI"));
    let text = text![
        "Let tasks stop first (minimumHealthyPercent below 100), turn on ENI trunking and replace the instances, or add \
         instances or a larger type."
    ];
    let desired = held.planned.rolling.desired;
    let minimum = if desired > 1 { 50 } else { 0 };
    let commands = match held.at_once {
        None => vec![shared::deployment_configuration(workload, region, minimum, 200)],
        Some(_) => Vec::new(),
    };
    let blocker = shared::short("task-eni-slots", workload.cluster_name.as_str(), shared::arithmetic(&held, "slot"));
    let evidence = symptoms::of_workload(workload, |trouble| trouble == Trouble::Slots);
    let mut outcome = shared::fails(held, &RULE, message, Remediation { text, commands });
    if let Outcome::Fails(failing) = &mut outcome {
        failing.blockers = vec![blocker];
        failing.confirmed_by = evidence;
    }
    outcome
}
