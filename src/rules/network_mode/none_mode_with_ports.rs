//! Mode none with something that needs a network.

use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::rules::revisions;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "none-mode-with-ports",
    group: Group::NetworkMode,
    severity: Severity::High,
    summary: "mode none with ports, a load balancer or service discovery",
    page: include_str!("none_mode_with_ports.md"),
    needs: revisions::NEEDS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, _analyses: &Analyses<'s>) -> Outcome {
    let (revisions, gaps) = revisions::of(workload);
    let none: Vec<_> = revisions.iter().filter(|revision| revision.mode() == Some(&NetworkMode::None)).collect();
    let mut wrong = Vec::new();
    for revision in &none {
        let name = revision.definition.arn.name().to_owned();
        for container in revision.definition.containers.iter().filter(|c| !c.port_mappings.is_empty()) {
            let port = container.port_mappings.iter().find_map(|mapping| mapping.container_port);
            let detail = text!["container ", &container.name, " of ", name.clone(), " maps ports"];
            wrong.push(revisions::wrong("ports-without-network", revision, port, detail));
        }
        if !revision.variant.load_balancers.is_empty() {
            let detail = text!["a load balancer is to reach ", name.clone()];
            wrong.push(revisions::wrong("load-balancer-without-network", revision, None, detail));
        }
        if workload.service.is_some_and(|service| !service.service_registries.is_empty()) {
            let detail = text!["service discovery is to announce ", name];
            wrong.push(revisions::wrong("discovery-without-network", revision, None, detail));
        }
    }
    wrong.sort();
    wrong.dedup();
    let failing = (!wrong.is_empty()).then(|| {
        let mut message = text![&workload.short_name, " runs in mode none, which has no network at all, yet "];
        message.append(Text::joined(wrong.iter().map(|blocker| &blocker.detail)));
        let text = text!["Register a revision in awsvpc or bridge mode, or take the ports, load balancers and service registries away."];
        revisions::failing(&RULE, &none, message, wrong, Remediation { text, commands: Vec::new() })
    });
    revisions::outcome(!none.is_empty(), gaps, failing)
}
