//! Static host ports of workloads on container instances, for the rules about them.

use std::collections::BTreeSet;

use crate::analysis::Analyses;
use crate::analysis::deployments;
use crate::reach::verdict::Gap;
use crate::rules::revisions::{self, Os, Revision};
use crate::snapshot::ecs::ContainerInstance;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

/// A host port that a task definition fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct HostPort {
    pub(super) is_udp: bool,
    pub(super) port: u16,
}

impl HostPort {
    pub(super) fn protocol(self) -> &'static str {
        if self.is_udp { "udp" } else { "tcp" }
    }

    /// `tcp 80`.
    pub(super) fn name(self) -> String {
        format!("{} {}", self.protocol(), self.port)
    }
}

/// The static host ports of a revision.
pub(super) fn of_revision(revision: &Revision<'_, '_>) -> BTreeSet<HostPort> {
    let (tcp, udp) = deployments::static_ports(revision.definition);
    let of = |is_udp: bool| move |port: u16| HostPort { is_udp, port };
    tcp.into_iter().map(of(false)).chain(udp.into_iter().map(of(true))).collect()
}

/// The revisions of a workload that run on instances with static host ports.
pub(super) fn revisions<'a, 's>(workload: &'a Workload<'s>) -> (Vec<(Revision<'a, 's>, BTreeSet<HostPort>)>, Vec<Gap>) {
    let (all, gaps) = revisions::of(workload);
    let on_instances = all.into_iter().filter(|revision| {
        matches!(revision.launch.kind, LaunchKind::Ec2 | LaunchKind::External | LaunchKind::ManagedInstances)
    });
    let with_ports = on_instances.map(|revision| {
        let ports = of_revision(&revision);
        (revision, ports)
    });
    (with_ports.filter(|(_, ports)| !ports.is_empty()).collect(), gaps)
}

/// The ports that the agent reserves by default ("PortMapping" in the ECS API, `ECS_RESERVED_PORTS` of the agent).
pub(super) fn reserved_by_default(os: Os) -> Option<&'static [u16]> {
    match os {
        Os::Linux => Some(&[22, 2375, 2376, 51678, 51679]),
        Os::Windows => Some(&[53, 135, 139, 445, 2375, 2376, 3389, 5985, 5986, 51678, 51679]),
        Os::Unknown => None,
    }
}

/// The ports that an instance reserved when it registered.
pub(super) fn reserved_by(instance: &ContainerInstance, port: HostPort) -> bool {
    let resources = &instance.registered_resources;
    let reserved = if port.is_udp { &resources.ports_udp } else { &resources.ports };
    reserved.contains(&port.port)
}

/// The eligible instances of a revision.
pub(super) fn instances<'s>(analyses: &Analyses<'s>, revision: &Revision<'_, 's>) -> Vec<&'s ContainerInstance> {
    let hosts = analyses.hosts(revision.workload.cluster_arn);
    let eligible = analyses.eligible(revision.workload, revision.variant, revision.launch);
    eligible.at_most().map(|position| hosts.all[position].instance).collect()
}
