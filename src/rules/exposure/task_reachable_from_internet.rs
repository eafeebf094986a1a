//! Tasks that everybody on the internet can talk to.

use std::collections::BTreeSet;

use super::openings;
use crate::analysis::Analyses;
use crate::analysis::exposure::{self, Exposure, Source};
use crate::analysis::places::{Place, Places};
use crate::finding::{Related, Remediation, Severity};
use crate::reach::traffic::{Ports, Protocol, Traffic};
use crate::reach::verdict::{Blocker, Gap};
use crate::rules::revisions::{self, Revision};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::ecs::{Task, TaskDefinition};
use crate::snapshot::enums::NetworkMode;
use crate::snapshot::ids::Arn;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::{InterfaceKind, Origin};
use crate::topology::workload::{Role, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "task-reachable-from-internet",
    group: Group::Exposure,
    severity: Severity::High,
    summary: "everybody on the internet reaches a port of the tasks directly",
    page: include_str!("task_reachable_from_internet.md"),
    needs: openings::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (revisions, mut gaps) = revisions::in_use(workload);
    let mut proofs: Vec<(Protocol, Exposure<'s>)> = Vec::new();
    let mut concerned = false;
    for revision in &revisions {
        let Some(places) = places(analyses, revision) else { continue };
        gaps.extend(places.gaps.iter().cloned());
        for place in &places.known {
            for asked in asked(revision, place) {
                concerned = true;
                let (more, unknown) = exposure::exposures(analyses, Some(workload), place, asked);
                gaps.extend(unknown);
                if more.is_empty() {
                    continue;
                }
                match may_be_at(analyses, revision, place) {
                    Presence::Sure => proofs.extend(more.into_iter().map(|exposure| (asked.protocol, exposure))),
                    Presence::Perhaps(unknown) => gaps.extend(unknown),
                    Presence::Never => {}
                }
            }
        }
    }
    gaps.sort();
    gaps.dedup();
    let failing = (!proofs.is_empty()).then(|| failing(workload, analyses, &proofs));
    revisions::outcome(concerned, gaps, failing)
}

/// Where tasks of a revision are; `None` where they have no address that could be reached.
fn places<'s>(analyses: &Analyses<'s>, revision: &Revision<'_, 's>) -> Option<Places<'s>> {
    let Revision { workload, variant, launch, .. } = revision;
    match (launch.kind, revision.mode()) {
        (_, Some(NetworkMode::None)) => None,
        (_, Some(NetworkMode::Awsvpc)) | (LaunchKind::Fargate, _) => {
            Some(analyses.task_places(workload, variant, launch))
        }
        (LaunchKind::Ec2, _) => Some(analyses.instance_places(workload, variant, launch)),
        (LaunchKind::ManagedInstances | LaunchKind::External, _) => None,
    }
}

/// Whether tasks of a revision can be at a place.
enum Presence {
    Sure,
    Perhaps(Vec<Gap>),
    Never,
}

/// Task ENIs are where they are; instances may be excluded by a placement constraint.
fn may_be_at<'s>(analyses: &Analyses<'s>, revision: &Revision<'_, 's>, place: &Place<'s>) -> Presence {
    if place.interface == InterfaceKind::TaskEni {
        return Presence::Sure;
    }
    let Revision { workload, variant, launch, .. } = revision;
    let here = |arn: &Arn| place.instances.iter().any(|instance| instance.arn == *arn);
    let runs = |task: &Task| {
        task.last_status == "RUNNING"
            && task.task_definition_arn == *variant.task_definition_arn
            && task.container_instance_arn.as_ref().is_some_and(here)
    };
    if workload.tasks.iter().any(|task| runs(task)) {
        return Presence::Sure;
    }
    if matches!(variant.role, Role::Standalone | Role::Scheduled) {
        let reason = text!["whoever runs tasks by hand may name constraints that keep them from ", place.subnet_id];
        return Presence::Perhaps(vec![Gap::Undecidable { kind: "placement-constraint", reason }]);
    }
    let hosts = analyses.hosts(workload.cluster_arn);
    let eligible = analyses.eligible(workload, variant, launch);
    let at = |positions: &[usize]| positions.iter().any(|position| here(&hosts.all[*position].instance.arn));
    match (at(&eligible.sure), at(&eligible.perhaps)) {
        (true, _) => Presence::Sure,
        (false, true) => Presence::Perhaps(eligible.gaps.clone()),
        (false, false) => Presence::Never,
    }
}

/// The ports that tasks of a revision have in a place. Dynamic host ports count where a task has bound them.
fn asked(revision: &Revision<'_, '_>, place: &Origin<'_>) -> BTreeSet<Traffic> {
    let shares_host_ports = !matches!(revision.mode(), Some(NetworkMode::Awsvpc | NetworkMode::Host));
    if !shares_host_ports || revision.launch.kind == LaunchKind::Fargate {
        return container_ports(revision.definition);
    }
    let mut asked = BTreeSet::new();
    let mappings = revision.definition.containers.iter().flat_map(|container| &container.port_mappings);
    for mapping in mappings {
        if let Some(port) = mapping.host_port.filter(|port| *port != 0) {
            asked.insert(traffic(&mapping.protocol, (port, port)));
        }
    }
    let here = |instance| place.instances.iter().any(|own| Some(&own.arn) == instance);
    let tasks = revision.workload.tasks.iter().filter(|task| task.last_status == "RUNNING");
    let tasks = tasks.filter(|task| {
        here(task.container_instance_arn.as_ref()) && task.task_definition_arn == *revision.variant.task_definition_arn
    });
    for binding in tasks.flat_map(|task| &task.containers).flat_map(|container| &container.network_bindings) {
        if let Some(ports) = binding.host_ports() {
            asked.insert(traffic(&binding.protocol, ports));
        }
    }
    asked
}

fn container_ports(definition: &TaskDefinition) -> BTreeSet<Traffic> {
    let mappings = definition.containers.iter().flat_map(|container| &container.port_mappings);
    mappings.filter_map(|mapping| Some(traffic(&mapping.protocol, mapping.container_ports()?))).collect()
}

fn traffic(protocol: &str, (first, last): (u16, u16)) -> Traffic {
    let protocol = if protocol == "udp" { Protocol::Udp } else { Protocol::Tcp };
    Traffic { protocol, ports: Ports { first, last } }
}

fn failing<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>, proofs: &[(Protocol, Exposure<'s>)]) -> Failing {
    let openings = proofs.iter().map(|(protocol, proof)| (*protocol, &proof.opening));
    let mut message = text!["Everybody on the internet reaches tasks of ", &workload.short_name, " on "];
    message.append(openings::ports(openings));
    message.push(" (");
    let ways: BTreeSet<_> = proofs.iter().map(|(_, proof)| (proof.place.subnet_id, &proof.gateway)).collect();
    for (index, (subnet, gateway)) in ways.iter().enumerate() {
        message.push(if index == 0 { "" } else { "; " });
        message.append(text![*gateway, " to ", *subnet]);
    }
    message.push("): ");
    let sources: Vec<&Source<'s>> = proofs.iter().flat_map(|(_, proof)| &proof.opening.sources).collect();
    let blockers: BTreeSet<Blocker> = proofs
        .iter()
        .flat_map(|(protocol, proof)| proof.opening.sources.iter().map(|source| openings::blocker(source, *protocol)))
        .collect();
    message.append(Text::joined(blockers.iter().map(|blocker| &blocker.detail)));
    let closing = openings::closing(analyses, [workload], &sources);
    let text = match (closing.keeps_clients, closing.behind_load_balancer) {
        (true, _) => text![
            "The load balancer hands on the addresses of its clients, so the rule has to stay: place the tasks in subnets \
             without a route to an internet gateway, or give the service a Network Load Balancer with a security group."
        ],
        (false, true) => text![
            "Admit the load balancer first, then take the rule for everyone away; better still, place the tasks in subnets \
             without a route to an internet gateway."
        ],
        (false, false) => text![
            "Admit the clients that should call before the rule for everyone is taken away, which closes the port to all \
             others; or place the tasks behind a load balancer in subnets without a route to an internet gateway."
        ],
    };
    let mut related = openings::related(sources.iter().copied());
    related.extend(ways.iter().map(|(subnet, _)| Related {
        kind: "ec2:subnet",
        id: subnet.as_str().to_owned(),
        role: "origin",
    }));
    related.sort();
    related.dedup();
    Failing {
        related,
        blockers: blockers.into_iter().collect(),
        traces: proofs.iter().map(|(protocol, proof)| openings::trace(*protocol, proof)).collect(),
        cause: openings::cause(sources.iter().copied()),
        ..Failing::new(&RULE, message, Remediation { text, commands: closing.commands })
    }
}
