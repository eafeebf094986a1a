//! A service whose tasks are all in one zone.

use std::collections::BTreeSet;

use super::shared;
use crate::analysis::{Analyses, ends};
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::origin;
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "service-single-zone",
    group: Group::Capacity,
    severity: Severity::Low,
    summary: "a service of several tasks in one zone",
    page: include_str!("service_single_zone.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::Instances,
        Dataset::InstanceTypes,
        Dataset::Tasks,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-rebalancing.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let primary = workload.variants.iter().find(|variant| variant.role == Role::Primary);
    let (Some(service), Some(variant)) = (workload.service, primary) else { return Outcome::NotApplicable };
    if service.desired_count < 2 {
        return Outcome::NotApplicable;
    }
    let mut gaps = variant.launches.gaps.clone();
    let mut zones: BTreeSet<&str> = BTreeSet::new();
    let (mut by_subnets, mut concerned) = (true, false);
    for launch in &variant.launches.known {
        if launch.kind == LaunchKind::Ec2
            && let Lookup::Unread(gap) = &variant.task_definition
        {
            // Whether its tasks are bound to its subnets or to the instances.
            (concerned, by_subnets) = (true, false);
            gaps.push(gap.clone());
        } else if launch.kind == LaunchKind::Fargate || variant.is_awsvpc() == Some(true) {
            concerned = true;
            for id in variant.network.iter().flat_map(|network| &network.subnets) {
                match ends::subnet(topology, id) {
                    Ok(subnet) => {
                        zones.insert(&subnet.availability_zone);
                    }
                    Err(gap) => gaps.push(gap),
                }
            }
        } else if launch.kind == LaunchKind::Ec2 {
            (concerned, by_subnets) = (true, false);
            let hosts = analyses.hosts(workload.cluster_arn);
            let eligible = analyses.eligible(workload, variant, launch);
            gaps.extend(eligible.gaps.iter().cloned());
            zones.extend(eligible.at_most().filter_map(|position| origin::zone_of(hosts.all[position].instance)));
        }
    }
    let [zone] = zones.iter().copied().collect::<Vec<_>>()[..] else {
        return shared::outcome(concerned, if zones.is_empty() { gaps } else { Vec::new() }, None);
    };
    if !gaps.is_empty() {
        return Outcome::Unknown(gaps);
    }
    let why = if by_subnets {
        ": its subnets are in no other zone"
    } else {
        ": the instances that they may use are in no other zone today"
    };
    let message =
        text!["The ", service.desired_count, " tasks of ", &workload.short_name, " all run in ", zone.to_owned(), why];
    let text = text!["Add a subnet, or instances, in a second zone, so that the loss of one leaves tasks running."];
    let detail = text!["one zone only: ", zone.to_owned()];
    Outcome::Fails(Box::new(Failing {
        blockers: vec![shared::short("single-zone", workload.short_name.as_str(), detail)],
        facts: [("zone", serde_json::json!(zone))].into(),
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    }))
}
