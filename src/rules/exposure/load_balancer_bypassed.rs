//! Targets that everyone may call past their load balancer.

use std::collections::BTreeSet;

use super::{openings, task_reachable_from_internet};
use crate::analysis::Analyses;
use crate::analysis::ends;
use crate::analysis::exposure::{self, Source};
use crate::analysis::inbound::{self, Internet, WayIn};
use crate::analysis::ingress::{Flow, FlowPurpose, PortKind};
use crate::finding::{Related, Remediation, Severity};
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
    needs: openings::DATASETS,
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
        match openings::keeps_clients_of(analyses, flow) {
            // Then the clients themselves have to be admitted.
            Ok(true) => continue,
            Ok(false) => {}
            Err(gap) => {
                gaps.push(gap);
                continue;
            }
        }
        match open(analyses, flow) {
            Ok(None) => {}
            Ok(Some(found)) => {
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

/// The rules that let everyone in to the port of a flow, if any do.
fn open<'s>(analyses: &Analyses<'s>, flow: &Flow<'s>) -> Result<Option<Vec<Source<'s>>>, Gap> {
    let subnet = ends::subnet(analyses.topology, flow.to.subnet_id)?;
    if analyses.is_closed(&flow.to, subnet, flow.sent) {
        return Ok(None);
    }
    let groups = exposure::groups_of(analyses.topology, &flow.to, subnet);
    let openings = exposure::openings(analyses.topology, &groups, flow.sent)?;
    let is_open = !openings.is_empty();
    Ok(is_open.then(|| openings.into_iter().flat_map(|opening| opening.sources).collect()))
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
    let all: Vec<&Source<'s>> = sources.iter().collect();
    let closing = openings::closing(analyses, [workload], &all);
    let mut related = openings::related(sources);
    related.extend(flows.iter().map(|flow| Related {
        kind: "elasticloadbalancing:loadbalancer",
        id: flow.load_balancer.arn.as_str().to_owned(),
        role: "load-balancer",
    }));
    related.sort();
    related.dedup();
    let text = match closing.keeps_clients {
        true => text![
            "Another load balancer of the service hands on the addresses of its clients, so the rule has to stay for its port: \
             admit everyone to that port alone, and to the others the load balancer's security group or node addresses."
        ],
        false => text![
            "Admit the load balancer, by its security group or, without one, by the addresses of its nodes; then take the \
             rules for everyone away."
        ],
    };
    let mut failing = Failing {
        related,
        blockers,
        cause: openings::cause(sources),
        ..Failing::new(&RULE, message, Remediation { text, commands: closing.commands })
    };
    if openings::told(&task_reachable_from_internet::RULE, workload, analyses).is_some() {
        failing.severity = Severity::Info;
        failing.severity_reason = Some("task-reachable-from-internet tells of the same tasks".to_owned());
    } else if !flows.iter().any(|flow| has_public_way(analyses, flow)) {
        failing.severity = Severity::Low;
        failing.severity_reason =
            Some("no target is seen to have a public address and a route to an internet gateway".to_owned());
    }
    failing
}

fn has_public_way(analyses: &Analyses<'_>, flow: &Flow<'_>) -> bool {
    flow.to.public_address == PublicAddress::Yes
        && matches!(inbound::way_in(analyses.topology, flow.to.subnet_id, Internet::V4), WayIn::By(..))
}
