//! A host port that differs from its container port where both are the same port.

use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::rules::revisions;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "host-port-mismatch",
    group: Group::NetworkMode,
    severity: Severity::High,
    summary: "a host port that differs from its container port in awsvpc or host mode",
    page: include_str!("host_port_mismatch.md"),
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
    let shared: Vec<_> = revisions
        .iter()
        .filter(|revision| matches!(revision.mode(), Some(NetworkMode::Awsvpc | NetworkMode::Host)))
        .collect();
    let (mut wrong, mut named) = (Vec::new(), Vec::new());
    for revision in &shared {
        for container in &revision.definition.containers {
            for mapping in &container.port_mappings {
                let (Some(inside), Some(outside)) = (mapping.container_port, mapping.host_port) else { continue };
                if outside != 0 && outside != inside {
                    let detail = text![
                        "container ",
                        &container.name,
                        " of ",
                        revision.definition.arn.name().to_owned(),
                        " maps host port ",
                        outside,
                        " to container port ",
                        inside
                    ];
                    wrong.push(revisions::wrong("host-port-differs", revision, Some(outside), detail));
                    named.push(*revision);
                }
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    let failing = (!wrong.is_empty()).then(|| {
        let mut message = text![&workload.short_name, " shares one port space between host and container: "];
        message.append(wrong[0].detail.clone());
        if wrong.len() > 1 {
            message.append(text![" (and ", wrong.len() - 1, " more)"]);
        }
        let text = text!["Leave the host port out, or give it the container port's number."];
        revisions::failing(&RULE, &named, message, wrong, Remediation { text, commands: Vec::new() })
    });
    revisions::outcome(!shared.is_empty(), gaps, failing)
}
