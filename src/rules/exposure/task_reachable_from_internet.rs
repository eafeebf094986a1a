//! Tasks that everybody on the internet can talk to.

use std::collections::BTreeSet;

use super::openings;
use crate::analysis::Analyses;
use crate::analysis::exposure::{self, Exposure};
use crate::analysis::places::Places;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::traffic::{Ports, Protocol, Traffic};
use crate::reach::verdict::{Blocker, Gap};
use crate::rules::revisions::{self, Revision};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::ecs::TaskDefinition;
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::origin::Origin;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "task-reachable-from-internet",
    group: Group::Exposure,
    severity: Severity::High,
    summary: "everybody on the internet reaches a port of the tasks directly",
    page: include_str!("task_reachable_from_internet.md"),
    needs: openings::exposure_datasets![],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (revisions, mut gaps) = revisions::of(workload);
    let mut proofs: Vec<(Protocol, Exposure<'s>)> = Vec::new();
    let mut concerned = false;
    for revision in &revisions {
        let Some(places) = places(analyses, revision) else { continue };
        gaps.extend(places.gaps.iter().cloned());
        let (mut found, mut judged) = (Vec::new(), 0);
        for place in &places.known {
            for asked in asked(revision, place) {
                concerned = true;
                judged += 1;
                let (more, unknown) = exposure::exposures(analyses, Some(workload), place, asked);
                gaps.extend(unknown);
                found.extend(more.into_iter().map(|exposure| (asked.protocol, exposure)));
            }
        }
        if places.may_be_narrower && !found.is_empty() && found.len() < judged {
            let reason =
                text!["a placement constraint may keep tasks from the instances that are open to the internet"];
            gaps.push(Gap::Undecidable { kind: "placement-constraint", reason });
        } else {
            proofs.extend(found);
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
        if let Some(port) = binding.host_port {
            asked.insert(traffic(&binding.protocol, (port, port)));
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
    let sources = || proofs.iter().flat_map(|(_, proof)| &proof.opening.sources);
    let blockers: BTreeSet<Blocker> = proofs
        .iter()
        .flat_map(|(protocol, proof)| proof.opening.sources.iter().map(|source| openings::blocker(source, *protocol)))
        .collect();
    message.append(Text::joined(blockers.iter().map(|blocker| &blocker.detail)));
    let commands = openings::revocations(&analyses.topology.target.region, sources());
    let text = text![
        "If only a load balancer or known clients should call, admit their security group or addresses instead; place tasks \
         behind a load balancer in subnets without a route to an internet gateway."
    ];
    let mut related = openings::related(sources());
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
        cause: openings::cause(sources()),
        ..Failing::new(&RULE, message, Remediation { text, commands })
    }
}
