//! A target group in another VPC than the tasks.

use std::collections::BTreeSet;

use super::attachments;
use super::flows::flow_datasets;
use crate::analysis::Analyses;
use crate::analysis::{ends, internet};
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Family;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::enums::TargetType;
use crate::snapshot::ids::{SubnetId, VpcId};
use crate::snapshot::vpc::RouteTarget;
use crate::text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "target-group-vpc-mismatch",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a target group in another VPC than the tasks",
    page: include_str!("target_group_vpc_mismatch.md"),
    needs: flow_datasets![RouteTables, VpcPeeringConnections],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let found = attachments::of(workload, analyses);
    let (mut wrong, mut named, mut gaps) = (Vec::new(), Vec::new(), found.gaps);
    for attachment in &found.all {
        let group = attachment.target_group;
        let Some(own) = &group.vpc_id else { continue };
        let mut subnets: BTreeSet<&SubnetId> = BTreeSet::new();
        let mut may_be_narrower = false;
        gaps.extend(attachment.variant.launches.gaps.iter().cloned());
        for launch in &attachment.variant.launches.known {
            let places = if attachment.variant.is_awsvpc() == Some(true) || launch.kind == LaunchKind::Fargate {
                analyses.task_places(workload, attachment.variant, launch)
            } else if launch.kind == LaunchKind::Ec2 {
                analyses.instance_places(workload, attachment.variant, launch)
            } else {
                continue;
            };
            gaps.extend(places.gaps);
            may_be_narrower |= places.may_be_narrower;
            subnets.extend(places.known.iter().map(|place| place.subnet_id));
        }
        let mut vpcs: BTreeSet<&VpcId> = BTreeSet::new();
        for subnet in subnets {
            match ends::subnet(topology, subnet) {
                Ok(subnet) => {
                    vpcs.insert(&subnet.vpc_id);
                }
                Err(gap) => gaps.push(gap),
            }
        }
        let in_own = vpcs.remove(own);
        for other in vpcs {
            if in_own && may_be_narrower {
                let reason = text!["a placement constraint may keep tasks from the instances in ", other];
                gaps.push(Gap::Undecidable { kind: "placement-constraint", reason });
                continue;
            }
            // Targets by address may be in a VPC that routes lead to, instances may not.
            let joined = match group.target_type {
                TargetType::Ip => joined(analyses, own, other),
                _ => Ok(None),
            };
            match joined {
                Ok(None) => {
                    let detail = text!["target group ", &group.name, " is in ", own, ", the tasks are in ", other];
                    let id = group.arn.as_str();
                    wrong.push(attachments::wrong(Family::LoadBalancer, "other-vpc", id, None, detail));
                    named.push(attachment);
                }
                Ok(Some(gap)) | Err(gap) => gaps.push(gap),
            }
        }
    }
    let failing = (!wrong.is_empty()).then(|| {
        let lead = text!["The load balancer of ", &workload.short_name, " cannot reach its tasks: "];
        let text = text!["Create the target group, and the load balancer, in the VPC of the tasks."];
        Failing {
            related: attachments::related(named.iter().copied()),
            blockers: wrong.clone(),
            ..Failing::new(&RULE, attachments::sentence(lead, &wrong), Remediation { text, commands: Vec::new() })
        }
    });
    attachments::outcome(found.concerned, gaps, failing)
}

/// What may lead from one VPC to the other, which can't be seen through; nothing when nothing does.
fn joined(analyses: &Analyses<'_>, own: &VpcId, other: &VpcId) -> Result<Option<Gap>, Gap> {
    let topology = analyses.topology;
    match topology.are_peered(own, other) {
        Lookup::Found(true) => {
            let reason = text![own, " and ", other, " are peered: whether the routes lead across can't be seen"];
            return Ok(Some(Gap::Undecidable { kind: "vpc-peering-connection", reason }));
        }
        Lookup::Unread(gap) => return Err(gap),
        Lookup::Found(false) | Lookup::Absent => {}
    }
    let across = topology.route_tables_of_vpc(own)?.into_iter().flat_map(|table| &table.routes).find(|route| {
        matches!(
            route.target,
            RouteTarget::TransitGateway(_)
                | RouteTarget::CoreNetwork(_)
                | RouteTarget::VirtualPrivateGateway(_)
                | RouteTarget::Instance(_)
                | RouteTarget::NetworkInterface(_)
        )
    });
    Ok(across.map(|route| {
        let reason = text![own, " has a route to ", internet::describe(route), ", which may lead to ", other];
        Gap::Undecidable { kind: "opaque-route", reason }
    }))
}
