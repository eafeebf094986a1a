//! A deployment that finds no instance with its static host port free.

use super::{host_port_reserved, shared};
use crate::analysis::Analyses;
use crate::analysis::symptoms;
use crate::finding::{Remediation, Severity};
use crate::placement::room::Resource;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::symptom::Trouble;
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "host-port-blocks-deployment",
    group: Group::Capacity,
    severity: Severity::High,
    summary: "a deployment that finds no instance with its static host port free",
    page: include_str!("host_port_blocks_deployment.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::AutoScalingGroups,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let has_port = |planned: &crate::analysis::deployments::Planned<'s>| {
        !planned.new.ports.is_empty() || !planned.new.ports_udp.is_empty()
    };
    let held = match shared::held(workload, analyses, Resource::Ports, has_port) {
        // With a spare instance it moves; one after the other is how static ports are meant to.
        Ok(held) if held.at_once.is_some() => return Outcome::Holds,
        Ok(held) => held,
        Err(outcome) => return outcome,
    };
    // A port that the instances keep for themselves has a finding of its own.
    if let Check::Workload(check) = host_port_reserved::RULE.check
        && matches!(check(workload, analyses), Outcome::Fails(_))
    {
        return Outcome::Holds;
    }
    let demand = &held.planned.new;
    let ports: Vec<String> = demand
        .ports
        .iter()
        .map(|port| format!("tcp {port}"))
        .chain(demand.ports_udp.iter().map(|port| format!("udp {port}")))
        .collect();
    let mut message = text!["The next deployment of ", &workload.short_name, " is held by host port "];
    message.append(Text::list(ports.iter().cloned(), 3));
    message.push(": ");
    message.append(shared::arithmetic(&held, "such port"));
    let region = &analyses.topology.target.region;
    let text = text![
        "Let a task stop first (minimumHealthyPercent below 100), keep one instance more than tasks, or use dynamic host \
         ports or awsvpc mode."
    ];
    let minimum = if held.planned.rolling.desired > 1 { 50 } else { 0 };
    let commands = vec![shared::deployment_configuration(workload, region, minimum, 100)];
    let blocker = shared::short("host-port-taken", &ports.join(", "), shared::arithmetic(&held, "such port"));
    let evidence = symptoms::of_workload(workload, |trouble| trouble == Trouble::Ports);
    let mut outcome = shared::fails(held, &RULE, message, Remediation { text, commands });
    if let Outcome::Fails(failing) = &mut outcome {
        failing.blockers = vec![blocker];
        failing.confirmed_by = evidence;
    }
    outcome
}
