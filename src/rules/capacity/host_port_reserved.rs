//! A static host port that the container instances keep for themselves.

use std::collections::BTreeSet;

use super::{ports, shared};
use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "host-port-reserved",
    group: Group::Capacity,
    severity: Severity::High,
    summary: "a static host port that the instances reserve",
    page: include_str!("host_port_reserved.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::Tasks,
        Dataset::TaskDefinitions,
        Dataset::ContainerInstances,
        Dataset::CapacityProviders,
        Dataset::Instances,
        Dataset::InstanceTypes,
        Dataset::Subnets,
    ],
    controls: &[],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (found, mut gaps) = ports::revisions(workload);
    let found: Vec<_> = found.into_iter().filter(|(revision, _)| revision.launch.kind == LaunchKind::Ec2).collect();
    let (mut wrong, mut named, mut everywhere) = (Vec::new(), Vec::new(), false);
    let topology = analyses.topology;
    if let Some(gap) = topology.gap_in_cluster(Dataset::ContainerInstances, workload.cluster_arn) {
        return if found.is_empty() { Outcome::NotApplicable } else { Outcome::Unknown(vec![gap]) };
    }
    for (revision, ports) in &found {
        if revision.is_running() {
            continue;
        }
        if let Some(gap) = topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn) {
            gaps.push(gap);
            continue;
        }
        let instances = ports::instances(analyses, revision);
        for port in ports {
            let (reserving, all) = if instances.is_empty() {
                match ports::reserved_by_default(revision.os(analyses)) {
                    Some(reserved) => (BTreeSet::new(), !port.is_udp && reserved.contains(&port.port)),
                    None => {
                        let reason =
                            text!["neither the definition nor an instance says whether it is Linux or Windows"];
                        gaps.push(Gap::Undecidable { kind: "platform", reason });
                        continue;
                    }
                }
            } else {
                let reserving: BTreeSet<&str> = instances
                    .iter()
                    .filter(|instance| ports::reserved_by(instance, *port))
                    .map(|instance| instance.arn.name())
                    .collect();
                let all = reserving.len() == instances.len();
                (reserving, all)
            };
            if reserving.is_empty() && !all {
                continue;
            }
            if all && instances.is_empty() {
                let reason = text![
                    port.name(),
                    " is among the ports that agents reserve by default; no instance shows whether its agent does"
                ];
                gaps.push(Gap::Undecidable { kind: "reserved-by-default", reason });
                continue;
            }
            everywhere |= all;
            let detail = text![
                "host port ",
                port.name(),
                " of ",
                revision.definition.arn.name().to_owned(),
                " is reserved on ",
                reserving.len(),
                " of ",
                instances.len(),
                " instances it may use"
            ];
            wrong.push(shared::short("reserved-port", revision.definition.arn.name(), detail));
            named.push(revision);
        }
    }
    wrong.sort();
    wrong.dedup();
    let failing = (!wrong.is_empty()).then(|| {
        let mut message = if everywhere {
            text!["No task of ", &workload.short_name, " can be placed: "]
        } else {
            text!["Tasks of ", &workload.short_name, " cannot be placed on every instance: "]
        };
        message.append(wrong[0].detail.clone());
        let text = text![
            "Choose another host port, or take it out of ECS_RESERVED_PORTS in the agent's configuration and restart the \
             agents."
        ];
        let mut failing =
            revisions::failing(&RULE, &named, message, wrong.clone(), Remediation { text, commands: Vec::new() });
        if !everywhere {
            failing.severity = Severity::Medium;
            failing.severity_reason = Some("only some of the instances reserve it".to_owned());
        }
        failing
    });
    shared::outcome(!found.is_empty(), gaps, failing)
}
