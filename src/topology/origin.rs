//! The interfaces that a workload's traffic leaves from: subnet, security groups and public address.
//!
//! Which interface sends what is a matter of the call and the launch kind ("Fargate task networking" and "Task
//! networking with the awsvpc network mode" in the ECS Developer Guide); this module only says which interfaces exist.

use std::collections::{BTreeMap, BTreeSet};

use super::launch::{Launch, LaunchKind};
use super::workload::{Role, Variant, Workload};
use super::{Lookup, Topology};
use crate::reach::verdict::Gap;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{CapacityProviderKind, ContainerInstance, TaskNetworkInterface};
use crate::snapshot::ids::{Arn, SecurityGroupId, SubnetId};
use crate::snapshot::vpc::InstanceNetworkInterface;
use crate::text;

/// Which interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InterfaceKind {
    /// The task's own ENI (awsvpc).
    TaskEni,
    /// The primary ENI of the container instance.
    InstanceEni,
}

/// Whether the interface has a public IPv4 address, without which an internet gateway drops its packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PublicAddress {
    /// It has, or gets one at start.
    Yes,
    /// It has none and gets none.
    No,
    /// It can't be seen: an instance not yet launched, or a task started by hand.
    Unknown,
}

/// Interfaces that behave alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin<'s> {
    /// Which interface.
    pub interface: InterfaceKind,
    /// Its subnet.
    pub subnet_id: &'s SubnetId,
    /// Its security groups, sorted; `None` where they can't be seen.
    pub security_groups: Option<Vec<&'s SecurityGroupId>>,
    /// Its public address.
    pub public_address: PublicAddress,
    /// The container instances it stands for; empty for a task ENI or instances not yet launched.
    pub instances: Vec<&'s ContainerInstance>,
    /// Windows, which takes client ports from another range than Linux.
    pub is_windows: bool,
}

/// All origins of one kind for a way of launching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins<'s> {
    /// Those known.
    pub known: Vec<Origin<'s>>,
    /// What hides others.
    pub gaps: Vec<Gap>,
    /// A placement constraint may exclude some of the known ones.
    pub may_be_narrower: bool,
}

/// The task ENIs of an awsvpc variant: one origin for each subnet it may start in.
pub fn task_interfaces<'s>(topology: &Topology<'s>, variant: &Variant<'s>, launch: &Launch<'s>) -> Origins<'s> {
    let Some(network) = variant.network else {
        return of_seen_tasks(topology, variant);
    };
    let public_address = match launch.kind {
        LaunchKind::Fargate if network.assign_public_ip => PublicAddress::Yes,
        // Task ENIs on container instances never get a public address, whatever the subnet says.
        LaunchKind::Fargate | LaunchKind::Ec2 => PublicAddress::No,
        LaunchKind::ManagedInstances | LaunchKind::External => PublicAddress::Unknown,
    };
    let mut groups: Vec<&SecurityGroupId> = network.security_groups.iter().collect();
    groups.sort();
    let origin = |subnet_id| Origin {
        interface: InterfaceKind::TaskEni,
        subnet_id,
        security_groups: Some(groups.clone()),
        public_address,
        instances: Vec::new(),
        is_windows: is_windows(variant),
    };
    Origins { known: network.subnets.iter().map(origin).collect(), gaps: Vec::new(), may_be_narrower: false }
}

/// Where tasks that somebody started run now: ECS keeps no configuration of them, but their ENIs show it.
fn of_seen_tasks<'s>(topology: &Topology<'s>, variant: &Variant<'s>) -> Origins<'s> {
    let places: BTreeSet<_> = variant.seen_interfaces.iter().filter_map(|seen| seen_place(topology, seen)).collect();
    let origin = |(subnet_id, security_groups, public_address)| Origin {
        interface: InterfaceKind::TaskEni,
        subnet_id,
        security_groups,
        public_address,
        instances: Vec::new(),
        is_windows: is_windows(variant),
    };
    let known: Vec<_> = places.into_iter().map(origin).collect();
    let mut gaps = Vec::new();
    if known.is_empty() {
        let reason = text!["neither a network configuration nor a running task shows the subnets"];
        gaps.push(Gap::Undecidable { kind: "no-subnet-known", reason });
    }
    Origins { known, gaps, may_be_narrower: false }
}

type SeenPlace<'s> = (&'s SubnetId, Option<Vec<&'s SecurityGroupId>>, PublicAddress);

fn seen_place<'s>(topology: &Topology<'s>, seen: &'s TaskNetworkInterface) -> Option<SeenPlace<'s>> {
    let interface = seen.network_interface_id.as_ref().and_then(|id| topology.network_interface(id).found());
    let subnet = seen.subnet_id.as_ref()?;
    let Some(interface) = interface else {
        return Some((subnet, None, PublicAddress::Unknown));
    };
    let mut groups: Vec<&SecurityGroupId> = interface.security_group_ids.iter().collect();
    groups.sort();
    let public = if interface.public_ip.is_some() { PublicAddress::Yes } else { PublicAddress::No };
    Some((subnet, Some(groups), public))
}

/// The container instances that a way of launching may choose from; many workloads share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pool<'s> {
    cluster: &'s Arn,
    provider: Option<&'s str>,
    group: Option<&'s Arn>,
    /// Zones of the subnets of awsvpc tasks, sorted; `None` where zones don't bind or aren't all known.
    zones: Option<BTreeSet<&'s str>>,
}

impl<'s> Pool<'s> {
    /// The pool of a variant.
    pub fn of(topology: &Topology<'s>, workload: &Workload<'s>, variant: &Variant<'s>, launch: &Launch<'s>) -> Self {
        let group = launch.provider.and_then(|provider| match &provider.kind {
            CapacityProviderKind::AutoScalingGroup { auto_scaling_group_arn, .. } => Some(auto_scaling_group_arn),
            _ => None,
        });
        Self {
            cluster: workload.cluster_arn,
            provider: launch.provider.map(|provider| provider.name.as_str()),
            group,
            zones: task_zones(topology, variant).map(BTreeSet::from_iter),
        }
    }

    /// Its ACTIVE instances. Placement constraints are not applied: see [`Origins::may_be_narrower`].
    pub fn instances(&self, topology: &Topology<'s>) -> Vec<&'s ContainerInstance> {
        let in_provider = |instance: &ContainerInstance| match self.provider {
            Some(provider) => instance.capacity_provider_name.as_deref() == Some(provider),
            None => !is_managed_instance(topology, instance),
        };
        let in_zone = |instance: &ContainerInstance| match (&self.zones, zone_of(instance)) {
            (Some(zones), Some(zone)) => zones.contains(zone),
            _ => true,
        };
        let instances = topology.container_instances_of(self.cluster).iter().copied();
        instances.filter(|i| is_on_ec2(i) && i.status == "ACTIVE" && in_provider(i) && in_zone(i)).collect()
    }

    /// The primary ENIs of its instances.
    ///
    /// Without instances the subnets of the provider's Auto Scaling group stand in: the next instance starts there.
    pub fn interfaces(&self, topology: &Topology<'s>) -> Origins<'s> {
        let mut origins = Origins::default();
        origins.gaps.extend(topology.gap_in_cluster(Dataset::ContainerInstances, self.cluster));
        group_alike(topology, self.instances(topology), &mut origins);
        if origins.known.is_empty() && origins.gaps.is_empty() {
            of_instances_to_come(topology, self.group, &mut origins);
        }
        origins
    }
}

fn group_alike<'s>(
    topology: &Topology<'s>,
    instances: impl IntoIterator<Item = &'s ContainerInstance>,
    origins: &mut Origins<'s>,
) {
    let mut alike: BTreeMap<(&SubnetId, Vec<&SecurityGroupId>, PublicAddress), Vec<&ContainerInstance>> =
        BTreeMap::new();
    for instance in instances {
        match primary_interface(topology, instance) {
            Ok((subnet, groups, public)) => alike.entry((subnet, groups, public)).or_default().push(instance),
            Err(gap) => origins.gaps.push(gap),
        }
    }
    for ((subnet_id, groups, public_address), instances) in alike {
        origins.known.push(Origin {
            interface: InterfaceKind::InstanceEni,
            subnet_id,
            security_groups: Some(groups),
            public_address,
            is_windows: instances.iter().any(|i| os_type(i) == Some("windows")),
            instances,
        });
    }
}

/// The primary ENIs of all ACTIVE container instances of a cluster that customers look after.
pub fn of_cluster<'s>(topology: &Topology<'s>, cluster: &Arn) -> Origins<'s> {
    let mut origins = Origins::default();
    let instances = topology.container_instances_of(cluster).iter().copied();
    // A stopped instance stays registered, and its agent is not connected for a reason that no path explains.
    let runs = |instance: &ContainerInstance| {
        let host = instance.ec2_instance_id.as_ref().map(|id| topology.instance(id));
        !matches!(host, Some(Lookup::Found(host)) if host.state != "running")
    };
    let own =
        instances.filter(|i| is_on_ec2(i) && i.status == "ACTIVE" && !is_managed_instance(topology, i) && runs(i));
    group_alike(topology, own, &mut origins);
    origins
}

/// ACTIVE instances of the cluster in the provider of `launch` and, under awsvpc, in a zone of the task's subnets.
pub fn eligible_instances<'s>(
    topology: &Topology<'s>,
    workload: &Workload<'s>,
    variant: &Variant<'s>,
    launch: &Launch<'s>,
) -> Vec<&'s ContainerInstance> {
    Pool::of(topology, workload, variant, launch).instances(topology)
}

/// Whether the instance runs in EC2: ECS Anywhere registers `mi-…` instances.
pub fn is_on_ec2(instance: &ContainerInstance) -> bool {
    instance.ec2_instance_id.as_ref().is_some_and(|id| id.as_str().starts_with("i-"))
}

/// Whether the instance belongs to a Managed Instances provider, whose capacity AWS looks after.
pub fn is_managed_instance(topology: &Topology<'_>, instance: &ContainerInstance) -> bool {
    instance.capacity_provider_name.as_ref().is_some_and(|name| {
        let provider = topology.capacity_provider(name).found();
        provider.is_some_and(|p| matches!(p.kind, CapacityProviderKind::ManagedInstances { .. }))
    })
}

fn is_windows(variant: &Variant<'_>) -> bool {
    let family = match &variant.task_definition {
        Lookup::Found(definition) => definition.operating_system_family.as_deref(),
        Lookup::Absent | Lookup::Unread(_) => None,
    };
    family.is_some_and(|family| family.starts_with("WINDOWS"))
}

/// `linux` or `windows`, as the instance registered.
pub fn os_type(instance: &ContainerInstance) -> Option<&str> {
    instance.attributes.get("ecs.os-type").and_then(|value| value.as_deref())
}

/// The zone that an instance registered with.
pub fn zone_of(instance: &ContainerInstance) -> Option<&str> {
    instance.attributes.get("ecs.availability-zone").and_then(|value| value.as_deref())
}

/// Zones of the subnets of an awsvpc variant; `None` where zones don't bind or aren't all known.
pub fn task_zones<'s>(topology: &Topology<'s>, variant: &Variant<'s>) -> Option<Vec<&'s str>> {
    if variant.is_awsvpc() != Some(true) {
        return None;
    }
    let subnets = variant.network?.subnets.iter();
    subnets.map(|id| topology.subnet(id).found().map(|subnet| subnet.availability_zone.as_str())).collect()
}

/// Whether a `memberOf` constraint may narrow the eligible instances.
pub fn is_constrained(workload: &Workload<'_>, variant: &Variant<'_>) -> bool {
    // Whoever runs tasks by itself can name constraints that nobody sees afterwards.
    if matches!(variant.role, Role::Standalone | Role::Scheduled) {
        return true;
    }
    let of_service = workload.service.is_some_and(|s| s.placement_constraints.iter().any(|c| c.kind == "memberOf"));
    let of_definition = match &variant.task_definition {
        Lookup::Found(definition) => definition.placement_constraints.iter().any(|c| c.kind == "memberOf"),
        Lookup::Absent | Lookup::Unread(_) => true,
    };
    of_service || of_definition
}

type PrimaryInterface<'s> = (&'s SubnetId, Vec<&'s SecurityGroupId>, PublicAddress);

fn primary_interface<'s>(
    topology: &Topology<'s>,
    container_instance: &'s ContainerInstance,
) -> Result<PrimaryInterface<'s>, Gap> {
    let Some(id) = container_instance.ec2_instance_id.as_ref() else {
        let reason = text!["container instance ", container_instance.arn.name().to_owned(), " names no EC2 instance"];
        return Err(Gap::Undecidable { kind: "no-instance-id", reason });
    };
    let instance = match topology.instance(id) {
        Lookup::Found(instance) => instance,
        Lookup::Absent => {
            let reason = text!["EC2 no longer knows instance ", id];
            return Err(Gap::Undecidable { kind: "instance-absent", reason });
        }
        Lookup::Unread(gap) => return Err(gap),
    };
    let primary = instance.network_interfaces.iter().find(|interface| is_primary(interface));
    let subnet = primary.and_then(|p| p.subnet_id.as_ref()).or(instance.subnet_id.as_ref());
    let (Some(subnet), Some(primary)) = (subnet, primary) else {
        let reason = text!["the primary network interface of ", id, " is not shown"];
        return Err(Gap::Undecidable { kind: "no-primary-interface", reason });
    };
    let mut groups: Vec<&SecurityGroupId> = primary.security_group_ids.iter().collect();
    groups.sort();
    let public = match (&primary.public_ip, instance.state.as_str()) {
        (Some(_), _) => PublicAddress::Yes,
        (None, "running") => PublicAddress::No,
        // A stopped instance gives its address back and gets another one at start.
        (None, _) => PublicAddress::Unknown,
    };
    Ok((subnet, groups, public))
}

/// The interface that an instance is launched with.
pub fn is_primary(interface: &InstanceNetworkInterface) -> bool {
    interface.device_index == 0 && interface.network_card_index == 0
}

fn of_instances_to_come<'s>(topology: &Topology<'s>, group: Option<&'s Arn>, origins: &mut Origins<'s>) {
    let group = group.map(|group| topology.auto_scaling_group(group));
    match group {
        Some(Lookup::Found(group)) if !group.subnets.is_empty() => {
            origins.known.extend(group.subnets.iter().map(|subnet_id| Origin {
                interface: InterfaceKind::InstanceEni,
                subnet_id,
                security_groups: None,
                public_address: PublicAddress::Unknown,
                instances: Vec::new(),
                is_windows: false,
            }));
        }
        Some(Lookup::Unread(gap)) => origins.gaps.push(gap),
        _ => {
            let reason = text!["the cluster has no container instance that it could be placed on"];
            origins.gaps.push(Gap::Undecidable { kind: "no-container-instance", reason });
        }
    }
}
