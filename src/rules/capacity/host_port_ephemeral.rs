//! A static host port in the range that dynamic ports and outgoing connections come from.

use super::{ports, shared};
use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::reach::traffic::Ports;
use crate::reach::verdict::Gap;
use crate::rules::revisions::{self, Os};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "host-port-ephemeral",
    group: Group::Capacity,
    severity: Severity::Low,
    summary: "a static host port in the range of ephemeral ports",
    page: include_str!("host_port_ephemeral.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (found, mut gaps) = ports::revisions(workload);
    let (mut wrong, mut named) = (Vec::new(), Vec::new());
    for (revision, ports) in &found {
        for port in ports {
            let (linux, windows) =
                (Ports::EPHEMERAL_LINUX.contains(port.port), Ports::EPHEMERAL_WINDOWS.contains(port.port));
            let range = match (revision.os(analyses), linux, windows) {
                (Os::Linux, true, _) => Ports::EPHEMERAL_LINUX,
                (Os::Windows, _, true) => Ports::EPHEMERAL_WINDOWS,
                // In both ranges it doesn't matter which it is.
                (Os::Unknown, true, true) => Ports::EPHEMERAL_LINUX,
                (Os::Unknown, true, false) | (Os::Unknown, false, true) => {
                    let reason = text!["neither the definition nor an instance says whether it is Linux or Windows"];
                    gaps.push(Gap::Undecidable { kind: "platform", reason });
                    continue;
                }
                _ => continue,
            };
            let detail = text![
                "host port ",
                port.name(),
                " of ",
                revision.definition.arn.name().to_owned(),
                " is inside of ",
                range.to_string()
            ];
            wrong.push(shared::short("ephemeral-port", revision.definition.arn.name(), detail));
            named.push(revision);
        }
    }
    wrong.sort();
    wrong.dedup();
    let failing = (!wrong.is_empty()).then(|| {
        let mut message =
            text!["A task of ", &workload.short_name, " may find its port taken by a connection or another task: "];
        message.append(wrong[0].detail.clone());
        let text = text!["Choose a host port below the ephemeral range, or leave the host port to the agent."];
        revisions::failing(&RULE, &named, message, wrong.clone(), Remediation { text, commands: Vec::new() })
    });
    shared::outcome(!found.is_empty(), gaps, failing)
}
