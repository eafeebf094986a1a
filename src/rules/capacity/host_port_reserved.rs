//! A static host port that the container instances keep for themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::{self, HostPort};
use super::shared;
use crate::analysis::{Analyses, symptoms};
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions::{self, Os, Revision};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::symptom::Trouble;
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

/// A revision with its static ports.
type Wanting<'a, 's> = (Revision<'a, 's>, BTreeSet<HostPort>);

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (found, mut gaps) = ports::revisions(workload);
    let found: Vec<_> = found.into_iter().filter(|(revision, _)| revision.launch.kind == LaunchKind::Ec2).collect();
    let (mut wrong, mut named, mut everywhere) = (Vec::new(), Vec::new(), false);
    let topology = analyses.topology;
    if let Some(gap) = topology.gap_in_cluster(Dataset::ContainerInstances, workload.cluster_arn) {
        return if found.is_empty() { Outcome::NotApplicable } else { Outcome::Unknown(vec![gap]) };
    }
    // A definition may launch by several providers: what counts is all of their instances.
    let mut by_port: BTreeMap<(&str, HostPort), Vec<&Wanting<'_, 's>>> = BTreeMap::new();
    for entry in found.iter().filter(|(revision, _)| !revision.is_running()) {
        for port in &entry.1 {
            by_port.entry((entry.0.definition.arn.name(), *port)).or_default().push(entry);
        }
    }
    for ((definition, port), entries) in by_port {
        if let Some(gap) = topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn) {
            gaps.push(gap);
            continue;
        }
        let instances: Vec<_> = entries.iter().flat_map(|(revision, _)| ports::instances(analyses, revision)).collect();
        if instances.is_empty() {
            gaps.extend(by_default(port, entries[0].0.os(analyses)));
            continue;
        }
        let reserving = instances.iter().filter(|instance| ports::reserved_by(instance, port)).count();
        if reserving == 0 {
            continue;
        }
        everywhere |= reserving == instances.len();
        let detail = text![
            "host port ",
            port.name(),
            " of ",
            definition.to_owned(),
            " is reserved on ",
            reserving,
            " of ",
            instances.len(),
            " instances it may use"
        ];
        wrong.push(shared::short("reserved-port", definition, detail));
        named.push(&entries[0].0);
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
        failing.confirmed_by = symptoms::of_workload(workload, |trouble| trouble == Trouble::Ports);
        failing
    });
    shared::outcome(!found.is_empty(), gaps, failing)
}

/// Without an instance only the agent's defaults are known, and its configuration can change them.
fn by_default(port: HostPort, os: Os) -> Option<Gap> {
    let is_reserved = |os: Os| {
        let reserved = ports::reserved_by_default(os).unwrap_or_default();
        !port.is_udp && reserved.contains(&port.port)
    };
    let may_be = match os {
        Os::Unknown => is_reserved(Os::Linux) || is_reserved(Os::Windows),
        known => is_reserved(known),
    };
    may_be.then(|| {
        let reason = text![
            port.name(),
            " is among the ports that agents reserve by default; no instance shows whether its agent does"
        ];
        Gap::Undecidable { kind: "reserved-by-default", reason }
    })
}
