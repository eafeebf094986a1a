//! What the rules on ENI trunking share.

use std::collections::BTreeSet;

use crate::analysis::Analyses;
use crate::analysis::interfaces::{InstanceSlots, TypeSlots};
use crate::finding::{Related, Severity};
use crate::rules::{Check, Failing, Outcome};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::Cluster;
use crate::topology::Topology;

pub(super) const DATASETS: &[Dataset] = &[
    Dataset::Clusters,
    Dataset::Services,
    Dataset::Tasks,
    Dataset::TaskDefinitions,
    Dataset::ContainerInstances,
    Dataset::CapacityProviders,
    Dataset::AutoScalingGroups,
    Dataset::Instances,
    Dataset::InstanceTypes,
    Dataset::Subnets,
    Dataset::AccountSettings,
];

/// Whether demand reaches a share of the slots, in percent.
pub(super) fn reaches(slots: &TypeSlots<'_>, percent: u32) -> bool {
    slots.demand > 0 && u64::from(slots.demand) * 100 >= u64::from(slots.slots()) * u64::from(percent)
}

/// Instances by the ids that EC2 knows them by.
pub(super) fn related<'a, 's: 'a>(instances: impl IntoIterator<Item = &'a InstanceSlots<'s>>) -> Vec<Related> {
    let ids = instances.into_iter().filter_map(|slots| slots.instance.ec2_instance_id.as_ref());
    let ids: BTreeSet<&str> = ids.map(|id| id.as_str()).collect();
    ids.into_iter().map(|id| Related { kind: "ec2:instance", id: id.to_owned(), role: "container-instance" }).collect()
}

/// One cause is loud once: where `eni-limit-pressure` tells of a type, this is a contributing fact.
pub(super) fn behind_pressure<'s>(cluster: &'s Cluster, analyses: &Analyses<'s>, failing: &mut Failing, of_type: &str) {
    let pressure = &super::eni_limit_pressure::RULE;
    let Check::Cluster(check) = pressure.check else { return };
    if !analyses.settings.rules.contains(&pressure.id) {
        return;
    }
    let tells = check(cluster, analyses).into_iter().any(|outcome| match outcome {
        Outcome::Fails(other) => other.sub_key == of_type,
        _ => false,
    });
    if tells {
        failing.severity = Severity::Info;
        failing.severity_reason = Some("eni-limit-pressure tells of the same instances".to_owned());
    }
}

/// Instances in shared subnets fail to register with a trunk.
pub(super) fn is_in_shared_subnet(topology: &Topology<'_>, slots: &InstanceSlots<'_>) -> bool {
    let instance = slots.instance.ec2_instance_id.as_ref().and_then(|id| topology.instance(id).found());
    let subnet = instance.and_then(|instance| topology.subnet(instance.subnet_id.as_ref()?).found());
    subnet.is_some_and(|subnet| subnet.owner_id != topology.target.account)
}
