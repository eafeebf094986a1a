//! Tasks that share the default security group of their VPC.

use std::collections::BTreeSet;

use super::attachments;
use crate::analysis::Analyses;
use crate::finding::{Cause, Related};
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Family;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ids::{SecurityGroupId, VpcId};
use crate::text;
use crate::topology::Lookup;
use crate::topology::workload::Role;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "default-security-group-in-use",
    group: Group::LoadBalancing,
    severity: Severity::Medium,
    summary: "tasks with the default security group of their VPC",
    page: include_str!("default_security_group_in_use.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TaskDefinitions,
        Dataset::CapacityProviders,
        Dataset::Subnets,
        Dataset::SecurityGroups,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let (mut used, mut gaps, mut concerned) = (BTreeSet::<(&SecurityGroupId, bool)>::new(), Vec::new(), false);
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        let Some(network) = variant.network else { continue };
        concerned = true;
        let mut vpcs: BTreeSet<&VpcId> = BTreeSet::new();
        for subnet in &network.subnets {
            match topology.subnet(subnet) {
                Lookup::Found(subnet) => {
                    vpcs.insert(&subnet.vpc_id);
                }
                Lookup::Absent => {}
                Lookup::Unread(gap) => gaps.push(gap),
            }
        }
        for vpc in vpcs {
            match topology.default_security_group(vpc) {
                Lookup::Found(default) if network.security_groups.is_empty() => {
                    used.insert((&default.id, false));
                }
                Lookup::Found(default) if network.security_groups.contains(&default.id) => {
                    used.insert((&default.id, true));
                }
                Lookup::Found(_) => {}
                Lookup::Absent => {
                    let reason = text!["the default security group of ", vpc, " is not visible"];
                    gaps.push(Gap::Undecidable { kind: "no-default-group", reason });
                }
                Lookup::Unread(gap) => gaps.push(gap),
            }
        }
    }
    let failing = used.first().map(|(group, is_named)| {
        let how = if *is_named { "names" } else { "names no security group and falls back to" };
        let message = text![
            "The network configuration of ",
            &workload.short_name,
            " ",
            how,
            " the VPC's default group ",
            *group,
            ": every rule in it opens the tasks to everything else that uses it"
        ];
        let detail = text![*group, " is the default security group"];
        let text = text![
            "Give the workload a security group of its own that admits its load balancer or callers, and name it in the \
             network configuration."
        ];
        let related = Related { kind: "ec2:security-group", id: group.as_str().to_owned(), role: "origin" };
        Failing {
            related: vec![related],
            blockers: vec![attachments::wrong(Family::Group, "default-group", group.as_str(), None, detail)],
            cause: Some(Cause { kind: "ec2:security-group", resource: group.as_str().to_owned() }),
            ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
        }
    });
    attachments::outcome(concerned, gaps, failing)
}
