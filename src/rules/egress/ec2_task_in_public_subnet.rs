//! EC2 tasks with an ENI of their own in a subnet whose only way out is an internet gateway.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::internet::{Fault as InternetFault, Way};
use crate::analysis::path::Fault;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::ids::{InternetGatewayId, SubnetId};
use crate::text;
use crate::text::{Span, Text};
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::{self, InterfaceKind};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "ec2-task-in-public-subnet",
    group: Group::Egress,
    severity: Severity::Low,
    summary: "task ENIs on container instances behind an internet gateway that drops them",
    page: include_str!("ec2_task_in_public_subnet.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&[]),
        |need| need.interface == InterfaceKind::TaskEni,
        |miss| matches!(miss.failure.fault, Fault::NoPublicAddress(_)) && miss.cell.launch == LaunchKind::Ec2,
    );
    if !view.misses.is_empty() {
        return view.outcome(|view| {
            let mut failing = view.failing(view.details(), Remediation { text: advice(), commands: Vec::new() });
            failing.severity = Severity::High;
            failing.severity_reason = Some("something that the task's own interface calls is out of reach".to_owned());
            failing.cause = view.route_table_cause();
            failing
        });
    }
    let (subnets, gaps) = public_subnets(workload, analyses);
    match subnets {
        None => Outcome::NotApplicable,
        Some(subnets) if !subnets.is_empty() => Outcome::Fails(Box::new(of_subnets(&subnets, gaps))),
        Some(_) if gaps.is_empty() => Outcome::Holds,
        Some(_) => Outcome::Unknown(gaps),
    }
}

type Public<'s> = BTreeSet<(&'s SubnetId, InternetGatewayId)>;

/// Subnets of EC2 awsvpc variants that only an internet gateway leads out of; `None` without such a variant.
fn public_subnets<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> (Option<Public<'s>>, Vec<Gap>) {
    let (mut found, mut gaps) = (None, Vec::new());
    for variant in &workload.variants {
        if let Lookup::Unread(gap) = &variant.task_definition {
            gaps.push(gap.clone());
            found.get_or_insert_with(BTreeSet::new);
        }
        if variant.is_awsvpc() != Some(true) {
            continue;
        }
        for launch in variant.launches.known.iter().filter(|launch| launch.kind == LaunchKind::Ec2) {
            let all = found.get_or_insert_with(BTreeSet::new);
            for origin in origin::task_interfaces(analyses.topology, variant, launch).known {
                // A standalone task's address may be unseen, but a task ENI on an instance never has a public one.
                let path = analyses.internet_path(origin.subnet_id, origin::PublicAddress::No);
                match &path.way {
                    Way::No(faults) => all.extend(faults.iter().filter_map(|fault| match fault {
                        InternetFault::NoPublicAddress(gateway) => Some((origin.subnet_id, gateway.clone())),
                        _ => None,
                    })),
                    Way::Unknown(more) => {
                        gaps.extend(more.iter().filter(|gap| matches!(gap, Gap::Unread { .. })).cloned());
                    }
                    Way::Yes => {}
                }
            }
        }
    }
    (found, gaps)
}

fn of_subnets(subnets: &Public<'_>, gaps: Vec<Gap>) -> Failing {
    let mut message = text!["Task ENIs in "];
    message.append(Text::list(subnets.iter().map(|(subnet, _)| Span::from(*subnet)), 3));
    message.push(
        " have private addresses only, and the only way out there is an internet gateway: whatever the application itself \
         calls on the internet is out of reach (image pulls and awslogs leave through the instance and are not affected)",
    );
    let related = subnets.iter().map(|(subnet, _)| Related {
        kind: "ec2:subnet",
        id: subnet.as_str().to_owned(),
        role: "origin",
    });
    let blockers = subnets.iter().map(|(subnet, gateway)| Blocker {
        family: Family::Address,
        kind: "no-public-address",
        need: None,
        origin: Some(subnet.as_str().to_owned()),
        port: None,
        protocol: None,
        resource: Some(gateway.as_str().to_owned()),
        detail: text![gateway, " drops what comes from an interface without a public address"],
    });
    Failing {
        related: related.collect(),
        blockers: blockers.collect(),
        gaps,
        ..Failing::new(&RULE, message, Remediation { text: advice(), commands: Vec::new() })
    }
}

fn advice() -> Text {
    text![
        "Move the tasks to subnets of the same zones with a default route to a NAT gateway, use bridge or host mode, or \
         run them on Fargate with a public address."
    ]
}
