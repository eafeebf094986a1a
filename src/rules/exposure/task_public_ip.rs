//! Fargate tasks with a public address that works.

use std::collections::BTreeSet;

use super::{openings, task_reachable_from_internet};
use crate::analysis::Analyses;
use crate::analysis::ends;
use crate::analysis::inbound::{self, Internet, WayIn};
use crate::analysis::places::Place;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::leg::Groups;
use crate::reach::space::AddressSet;
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::revisions;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::vpc::Vpc;
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::PublicAddress;
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "task-public-ip",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "tasks have public addresses that the internet can send to",
    page: include_str!("task_public_ip.md"),
    needs: openings::exposure_datasets![],
    controls: &["ECS.2", "ECS.16"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (mut concerned, mut usable, mut gaps) = (false, Vec::new(), Vec::new());
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        gaps.extend(variant.launches.gaps.iter().cloned());
        for launch in variant.launches.known.iter().filter(|launch| launch.kind == LaunchKind::Fargate) {
            concerned = true;
            let places = analyses.task_places(workload, variant, launch);
            gaps.extend(places.gaps);
            for place in places.known.into_iter().filter(|place| place.public_address != PublicAddress::No) {
                match inbound::way_in(analyses.topology, place.subnet_id, Internet::V4) {
                    WayIn::By(..) if place.public_address == PublicAddress::Yes => usable.push(place),
                    WayIn::By(..) => {
                        let reason =
                            text!["it can't be seen whether tasks in ", place.subnet_id, " have a public address"];
                        gaps.push(Gap::Undecidable { kind: "public-address", reason });
                    }
                    WayIn::None => {}
                    WayIn::Unknown(more) => gaps.extend(more),
                }
            }
        }
    }
    gaps.sort();
    gaps.dedup();
    let failing = (!usable.is_empty()).then(|| failing(workload, analyses, &usable));
    revisions::outcome(concerned, gaps, failing)
}

fn failing<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>, usable: &[Place<'s>]) -> Failing {
    let subnets: BTreeSet<_> = usable.iter().map(|place| place.subnet_id).collect();
    let mut message = text!["Tasks of ", &workload.short_name, " have public addresses in "];
    message.append(Text::list(subnets.iter().copied(), 3));
    let shut = usable.iter().all(|place| admits_nobody_outside(analyses, place));
    message.push(match shut {
        true => ", though their security groups admit nobody from outside of the VPC",
        false => ", and only their security groups stand between them and the internet",
    });
    let text = text![
        "Set assignPublicIp to DISABLED and place the tasks in private subnets with a NAT gateway or VPC endpoints; public \
         addresses only for the way out are cheaper for a few tasks and dearer for many."
    ];
    let blocker = |subnet: &&_| Blocker {
        family: Family::Address,
        kind: "public-address",
        need: None,
        origin: None,
        port: None,
        protocol: None,
        resource: Some(workload.short_name.clone()),
        detail: text!["tasks in ", *subnet, " get a public address that an internet gateway serves"],
    };
    let related =
        subnets.iter().map(|subnet| Related { kind: "ec2:subnet", id: subnet.as_str().to_owned(), role: "origin" });
    let mut failing = Failing {
        related: related.collect(),
        blockers: subnets.iter().map(blocker).collect(),
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    };
    if openings::tells(&task_reachable_from_internet::RULE, workload, analyses) {
        failing.severity = Severity::Info;
        failing.severity_reason = Some("task-reachable-from-internet tells of the same tasks".to_owned());
    } else if shut {
        failing.severity = Severity::Low;
        failing.severity_reason = Some("the security groups admit nobody from outside of the VPC".to_owned());
    }
    failing
}

/// Nobody who comes by a public address gets in; rules that name a group never match those.
fn admits_nobody_outside(analyses: &Analyses<'_>, place: &Place<'_>) -> bool {
    let topology = analyses.topology;
    let Some(subnet) = topology.subnet(place.subnet_id).found() else { return false };
    let Lookup::Found(vpc) = topology.vpc(&subnet.vpc_id) else { return false };
    let outside = everyone_but(vpc);
    let Groups::Carried(groups) = ends::of_origin(topology, place, subnet).groups else { return false };
    groups.iter().flat_map(|group| &group.ingress).all(|permission| {
        let lists = permission.prefix_lists.iter().map(|list| topology.prefix_list_entries(list));
        let listed = lists.map(|entries| entries.map(|blocks| outside.in_blocks(&blocks).is_empty()).unwrap_or(false));
        outside.in_blocks(&permission.cidrs).is_empty() && listed.into_iter().all(|inside| inside)
    })
}

fn everyone_but(vpc: &Vpc) -> AddressSet {
    let all = Internet::V4.addresses().or(&Internet::V6.addresses());
    let v4: AddressSet = vpc.cidr_blocks.iter().map(|block| (*block).into()).collect();
    let v6: AddressSet = vpc.ipv6_cidr_blocks.iter().map(|block| (*block).into()).collect();
    all.minus(&v4).minus(&v6)
}
