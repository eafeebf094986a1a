//! Targets that everyone may call past their load balancer.

use std::collections::BTreeSet;

use super::{openings, task_reachable_from_internet};
use crate::analysis::Analyses;
use crate::analysis::exposure::{self, Source};
use crate::analysis::inbound::{self, Internet, WayIn};
use crate::analysis::ingress::{Flow, FlowPurpose, PortKind};
use crate::analysis::{balancing, ends};
use crate::finding::{Related, Remediation, Severity};
use crate::reach::traffic::{Ports, Traffic};
use crate::reach::verdict::{Blocker, Gap};
use crate::rules::revisions;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::origin::PublicAddress;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "load-balancer-bypassed",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "behind a load balancer, yet the targets admit everyone to their port",
    page: include_str!("load_balancer_bypassed.md"),
    needs: openings::exposure_datasets![
        LoadBalancers,
        LoadBalancerAttributes,
        TargetGroups,
        TargetGroupAttributes,
        TargetHealth,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-update-security-groups.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/load-balancer-target-groups.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let ingress = analyses.ingress(workload);
    let mut gaps = ingress.gaps.clone();
    let (mut sources, mut blockers, mut ports, mut flows) = (Vec::new(), BTreeSet::new(), BTreeSet::new(), Vec::new());
    for flow in ingress.flows.iter().filter(|flow| flow.purpose == FlowPurpose::Traffic) {
        // What a range may hold is the rule's about the ports of instances.
        if flow.port_kind == PortKind::Range {
            continue;
        }
        match balancing::preserves_client_ip(analyses.topology, flow.load_balancer, flow.target_group) {
            // Then the clients themselves have to be admitted.
            Ok(true) => continue,
            Ok(false) => {}
            Err(gap) => {
                gaps.push(gap);
                continue;
            }
        }
        match open(analyses, flow) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                ports.insert((flow.sent.protocol.name(), flow.sent.ports));
                blockers.extend(found.iter().map(|source| openings::blocker(source, flow.sent.protocol)));
                sources.extend(found);
                flows.push(flow);
            }
            Err(gap) => gaps.push(gap),
        }
    }
    gaps.sort();
    gaps.dedup();
    let failing = (!flows.is_empty()).then(|| {
        let ports = Text::list(ports.iter().map(|(protocol, port)| format_words(format!("{protocol} {port}"))), 4);
        failing(workload, analyses, &flows, &sources, blockers.into_iter().collect(), ports)
    });
    revisions::outcome(ingress.concerns, gaps, failing)
}

fn open<'s>(analyses: &Analyses<'s>, flow: &Flow<'s>) -> Result<Vec<Source<'s>>, Gap> {
    let subnet = ends::subnet(analyses.topology, flow.to.subnet_id)?;
    let to = ends::of_origin(analyses.topology, &flow.to, subnet);
    let openings = exposure::openings(analyses.topology, &to.groups, flow.sent)?;
    Ok(openings.into_iter().flat_map(|opening| opening.sources).collect())
}

fn failing<'s>(
    workload: &Workload<'s>,
    analyses: &Analyses<'s>,
    flows: &[&Flow<'s>],
    sources: &[Source<'s>],
    blockers: Vec<Blocker>,
    ports: Text,
) -> Failing {
    let balancers: BTreeSet<&str> = flows.iter().map(|flow| flow.load_balancer.name.as_str()).collect();
    let mut message = text!["The targets of ", &workload.short_name, " are behind "];
    message.append(Text::list(balancers.into_iter().map(str::to_owned), 3));
    message.push(" and admit everyone to ");
    message.append(ports);
    message.push(": ");
    message.append(Text::joined(blockers.iter().map(|blocker| &blocker.detail)));
    let region = &analyses.topology.target.region;
    let mut commands = openings::revocations(region, sources);
    let callers: BTreeSet<_> =
        flows.iter().filter_map(|flow| Some((flow.load_balancer.security_groups.first()?, admitted(flow)))).collect();
    if let Some(target) = sources.first().map(|source| &source.group.id) {
        commands.extend(callers.iter().map(|(balancer, sent)| openings::admission(region, target, balancer, *sent)));
    }
    let mut related = openings::related(sources);
    related.extend(flows.iter().map(|flow| Related {
        kind: "elasticloadbalancing:loadbalancer",
        id: flow.load_balancer.arn.as_str().to_owned(),
        role: "load-balancer",
    }));
    related.sort();
    related.dedup();
    let text = text!["Admit the security group of the load balancer to the port, and nobody else."];
    let mut failing = Failing {
        related,
        blockers,
        cause: openings::cause(sources),
        ..Failing::new(&RULE, message, Remediation { text, commands })
    };
    if openings::tells(&task_reachable_from_internet::RULE, workload, analyses) {
        failing.severity = Severity::Info;
        failing.severity_reason = Some("task-reachable-from-internet tells of the same tasks".to_owned());
    } else if !flows.iter().any(|flow| has_public_way(analyses, flow)) {
        failing.severity = Severity::Low;
        failing.severity_reason =
            Some("no target is seen to have a public address and a route to an internet gateway".to_owned());
    }
    failing
}

/// The port; of dynamic ones the whole range, for the next task has another.
fn admitted(flow: &Flow<'_>) -> Traffic {
    match (flow.port_kind, flow.to.is_windows) {
        (PortKind::Fixed, _) => flow.sent,
        (PortKind::Bound | PortKind::Range, false) => Traffic { ports: Ports::EPHEMERAL_LINUX, ..flow.sent },
        (PortKind::Bound | PortKind::Range, true) => Traffic { ports: Ports::EPHEMERAL_WINDOWS, ..flow.sent },
    }
}

fn has_public_way(analyses: &Analyses<'_>, flow: &Flow<'_>) -> bool {
    flow.to.public_address == PublicAddress::Yes
        && matches!(inbound::way_in(analyses.topology, flow.to.subnet_id, Internet::V4), WayIn::By(..))
}
