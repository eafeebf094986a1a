//! More static host ports than an instance may have.

use super::ports::{self, HostPort};
use super::shared;
use crate::analysis::{Analyses, symptoms};
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions::{self, Os};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::ContainerInstance;
use crate::symptom::Trouble;
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "host-port-limit",
    group: Group::Capacity,
    severity: Severity::High,
    summary: "more static host ports than an instance may have",
    page: include_str!("host_port_limit.md"),
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

/// "You can have up to 100 reserved host ports for each container instance", those of the agent included.
const PORTS_AT_MOST: usize = 100;

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (found, mut gaps) = ports::revisions(workload);
    let found: Vec<_> = found.into_iter().filter(|(revision, _)| revision.launch.kind == LaunchKind::Ec2).collect();
    let (mut wrong, mut named) = (Vec::new(), Vec::new());
    for (revision, ports) in &found {
        if revision.is_running() {
            continue;
        }
        if ports.len() <= PORTS_AT_MOST / 2 {
            continue;
        }
        let topology = analyses.topology;
        let unread = [Dataset::Tasks, Dataset::ContainerInstances].into_iter();
        let unread: Vec<Gap> = unread.filter_map(|d| topology.gap_in_cluster(d, workload.cluster_arn)).collect();
        if !unread.is_empty() {
            gaps.extend(unread);
            continue;
        }
        // By whichever of its providers: one instance that takes them all is enough.
        let same = found.iter().filter(|(other, _)| other.definition.arn == revision.definition.arn);
        let instances: Vec<_> = same.flat_map(|(other, _)| ports::instances(analyses, other)).collect();
        let with_reserved = |reserved: usize| ports.len() + reserved > PORTS_AT_MOST;
        let beside = |instance: &ContainerInstance| {
            let resources = &instance.registered_resources;
            resources.ports.iter().filter(|port| !ports.contains(&HostPort { is_udp: false, port: **port })).count()
                + resources
                    .ports_udp
                    .iter()
                    .filter(|port| !ports.contains(&HostPort { is_udp: true, port: **port }))
                    .count()
        };
        let exceeds = match (instances.is_empty(), revision.os(analyses)) {
            (false, _) => instances.iter().all(|instance| with_reserved(beside(instance))),
            // An agent's configuration can take the defaults away.
            (true, _) if with_reserved(0) => true,
            (true, os) => {
                let most = if os == Os::Linux { Os::Linux } else { Os::Windows };
                if with_reserved(ports::reserved_by_default(most).map_or(0, <[u16]>::len)) {
                    let reason = text![
                        revision.definition.arn.name().to_owned(),
                        " has ",
                        ports.len(),
                        " static host ports: with those that agents reserve they may be more than 100"
                    ];
                    gaps.push(Gap::Undecidable { kind: "reserved-ports", reason });
                }
                false
            }
        };
        if !exceeds {
            continue;
        }
        let detail = text![
            revision.definition.arn.name().to_owned(),
            " has ",
            ports.len(),
            " static host ports, and an instance takes 100 with the reserved ones"
        ];
        wrong.push(shared::short("host-port-limit", revision.definition.arn.name(), detail));
        named.push(revision);
    }
    wrong.sort();
    wrong.dedup();
    let failing = (!wrong.is_empty()).then(|| {
        let mut message = text!["No task of ", &workload.short_name, " can be placed: "];
        message.append(wrong[0].detail.clone());
        let text = text!["Use dynamic host ports or awsvpc mode, where ports of the instance are not counted."];
        Failing {
            confirmed_by: symptoms::of_workload(workload, |trouble| trouble == Trouble::Ports),
            ..revisions::failing(&RULE, &named, message, wrong.clone(), Remediation { text, commands: Vec::new() })
        }
    });
    shared::outcome(!found.is_empty(), gaps, failing)
}
