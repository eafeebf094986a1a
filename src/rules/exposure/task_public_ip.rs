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
use crate::snapshot::coverage::Dataset;
use crate::snapshot::vpc::Vpc;
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::PublicAddress;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "task-public-ip",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "tasks have public addresses that the internet can send to",
    page: include_str!("task_public_ip.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::CapacityProviders,
        Dataset::NetworkInterfaces,
        Dataset::Vpcs,
        Dataset::Subnets,
        Dataset::RouteTables,
        Dataset::InternetGateways,
        Dataset::BlockPublicAccess,
        Dataset::PrefixLists,
        Dataset::SecurityGroups,
    ],
    controls: &["ECS.2", "ECS.16"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (mut concerned, mut usable, mut gaps) = (false, Vec::new(), Vec::new());
    for variant in workload.variants.iter().filter(|variant| revisions::is_in_use(workload, variant)) {
        gaps.extend(variant.launches.gaps.iter().cloned());
        for launch in variant.launches.known.iter().filter(|launch| launch.kind == LaunchKind::Fargate) {
            concerned = true;
            let places = analyses.task_places(workload, variant, launch);
            gaps.extend(places.gaps);
            for place in places.known.into_iter().filter(|place| place.public_address != PublicAddress::No) {
                match inbound::way_in(analyses.topology, place.subnet_id, Internet::V4) {
                    WayIn::By(_, served, _) if !Internet::V4.is_world(&served) => {}
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
    let failing = (!usable.is_empty()).then(|| failing(workload, analyses, &usable));
    gaps.extend(failing.iter().flat_map(|failing| failing.gaps.iter().cloned()));
    gaps.sort();
    gaps.dedup();
    revisions::outcome(concerned, gaps, failing)
}

fn failing<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>, usable: &[Place<'s>]) -> Failing {
    let subnets: BTreeSet<_> = usable.iter().map(|place| place.subnet_id).collect();
    let mut message = text!["Tasks of ", &workload.short_name, " have public addresses in "];
    message.append(Text::list(subnets.iter().copied(), 3));
    let admits: Vec<Result<bool, Gap>> = usable.iter().map(|place| admits_outsiders(analyses, place)).collect();
    let unseen: Vec<Gap> = admits.iter().filter_map(|answer| answer.clone().err()).collect();
    let shut = admits.iter().all(|answer| *answer == Ok(false));
    message.push(match shut {
        true => ", though their security groups admit nobody of the internet",
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
        gaps: unseen,
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    };
    if openings::told(&task_reachable_from_internet::RULE, workload, analyses).is_some() {
        failing.severity = Severity::Info;
        failing.severity_reason = Some("task-reachable-from-internet tells of the same tasks".to_owned());
    } else if shut {
        failing.severity = Severity::Low;
        failing.severity_reason = Some("the security groups admit nobody of the internet".to_owned());
    }
    failing
}

/// Whether anybody who comes by a public address gets in; rules that name a group never match those.
fn admits_outsiders(analyses: &Analyses<'_>, place: &Place<'_>) -> Result<bool, Gap> {
    let topology = analyses.topology;
    let subnet = ends::subnet(topology, place.subnet_id)?;
    let outside = match topology.vpc(&subnet.vpc_id) {
        Lookup::Found(vpc) => everyone_but(vpc),
        Lookup::Absent => Internet::V4.addresses(),
        Lookup::Unread(gap) => return Err(gap),
    };
    let groups = match ends::of_origin(topology, place, subnet).groups {
        Groups::Carried(groups) => groups,
        Groups::Without => return Ok(true),
        Groups::Unseen(gap) => return Err(gap),
    };
    for permission in groups.iter().flat_map(|group| &group.ingress) {
        let mut blocks = permission.cidrs.clone();
        for list in &permission.prefix_lists {
            blocks.extend(topology.prefix_list_entries(list)?);
        }
        if !outside.in_blocks(&blocks).is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn everyone_but(vpc: &Vpc) -> AddressSet {
    let all = Internet::V4.addresses().or(&Internet::V6.addresses());
    let v4: AddressSet = vpc.cidr_blocks.iter().map(|block| (*block).into()).collect();
    let v6: AddressSet = vpc.ipv6_cidr_blocks.iter().map(|block| (*block).into()).collect();
    all.minus(&v4).minus(&v6)
}
