//! Task-ENI slots: how many awsvpc tasks the container instances of a cluster hold, and how many are wanted there.
//!
//! Sources: "Allocate a network interface for an Amazon ECS task" and "Increasing Amazon ECS Linux container instance
//! network interfaces" in the ECS Developer Guide. Without a trunk an instance holds `MaximumNetworkInterfaces` − 1
//! tasks; with one, what the guide's table says. A trunk is proved by the instance's `ecs.awsvpc-trunk-id` only.

use std::collections::{BTreeMap, BTreeSet};

use super::Analyses;
use super::task_eni_limits;
use crate::reach::verdict::Gap;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{CapacityProviderKind, Cluster, ContainerInstance, Task};
use crate::snapshot::elb::AutoScalingGroup;
use crate::snapshot::enums::{NetworkMode, SchedulingStrategy};
use crate::snapshot::ids::Arn;
use crate::snapshot::vpc::InstanceNetworkInterface;
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::origin;
use crate::topology::workload::{Role, Variant, Workload};
use crate::topology::{Lookup, Topology};

/// One container instance.
#[derive(Clone, Debug)]
pub struct InstanceSlots<'s> {
    /// Which.
    pub instance: &'s ContainerInstance,
    /// It has a trunk ENI.
    pub trunk: bool,
    /// Tasks it holds, foreign interfaces not yet taken off.
    pub limit: u32,
    /// The limit is the formula's and not the guide's.
    pub derived: bool,
    /// awsvpc tasks on it.
    pub placed: u32,
    /// Interfaces that ECS did not attach, each of which takes a slot.
    pub foreign: Vec<&'s InstanceNetworkInterface>,
}

impl InstanceSlots<'_> {
    /// Slots that tasks can have.
    pub fn slots(&self) -> u32 {
        self.limit.saturating_sub(u32::try_from(self.foreign.len()).unwrap_or(u32::MAX))
    }
}

/// The instances of one type in one cluster.
#[derive(Clone, Debug)]
pub struct TypeSlots<'s> {
    /// Instance type.
    pub instance_type: String,
    /// Its instances.
    pub instances: Vec<InstanceSlots<'s>>,
    /// awsvpc tasks that are there or can only go there: never too high.
    pub demand: u32,
    /// The same with those that may go elsewhere too.
    pub demand_at_most: u32,
    /// Tasks that services confined to this type lack.
    pub missing: u32,
    /// A rolling deployment of a service confined to this type can't stop a task first and finds no free slot.
    pub deployment_stuck: bool,
    /// Whether an Auto Scaling group with managed scaling can add instances.
    pub headroom: Headroom,
    /// Tasks that it would hold with one, if it is of a type and platform that can have one.
    pub with_trunk: Option<u32>,
    /// What hides tasks, services or instances.
    pub gaps: Vec<Gap>,
}

/// Whether more instances come by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Headroom {
    /// Not all instances are in a group with managed scaling.
    NotManaged,
    /// The groups can grow.
    Yes,
    /// The groups are at their maximum or can't launch.
    No,
    /// A group could not be read.
    Unknown(Gap),
}

impl TypeSlots<'_> {
    /// Slots of all instances.
    pub fn slots(&self) -> u32 {
        self.instances.iter().map(InstanceSlots::slots).sum()
    }

    /// Tasks on all instances.
    pub fn placed(&self) -> u32 {
        self.instances.iter().map(|instance| instance.placed).sum()
    }
}

/// The slots of a cluster's ACTIVE instances in EC2, by type; instances whose limit nobody knows are gaps.
pub fn of_cluster<'s>(analyses: &Analyses<'s>, cluster: &'s Cluster) -> (Vec<TypeSlots<'s>>, Vec<Gap>) {
    let topology = analyses.topology;
    let mut gaps: Vec<Gap> = topology.gap_in_cluster(Dataset::ContainerInstances, &cluster.arn).into_iter().collect();
    let census = Census::of(topology, &cluster.arn);
    let mut by_type: BTreeMap<String, Vec<InstanceSlots<'s>>> = BTreeMap::new();
    let instances = topology.container_instances_of(&cluster.arn).iter().copied();
    for instance in instances.filter(|i| i.status == "ACTIVE" && origin::is_on_ec2(i)) {
        if origin::is_managed_instance(topology, instance) {
            continue;
        }
        match instance_slots(topology, instance, &census) {
            Ok((instance_type, slots)) => by_type.entry(instance_type).or_default().push(slots),
            Err(gap) => gaps.push(gap),
        }
    }
    let types = by_type.into_iter().map(|(name, instances)| of_type(analyses, cluster, name, instances)).collect();
    gaps.sort();
    gaps.dedup();
    (types, gaps)
}

struct Census<'s> {
    placed: BTreeMap<&'s Arn, u32>,
    task_interfaces: BTreeSet<&'s str>,
}

impl<'s> Census<'s> {
    fn of(topology: &Topology<'s>, cluster: &Arn) -> Self {
        let mut census = Self { placed: BTreeMap::new(), task_interfaces: BTreeSet::new() };
        for task in topology.tasks_of(cluster).iter().filter(|task| is_awsvpc(topology, task)) {
            let interface = task.network_interface.as_ref().and_then(|i| i.network_interface_id.as_ref());
            census.task_interfaces.extend(interface.map(|id| id.as_str()));
            if let Some(instance) = task.container_instance_arn.as_ref().filter(|_| task.last_status != "STOPPED") {
                *census.placed.entry(instance).or_default() += 1;
            }
        }
        census
    }
}

fn is_awsvpc(topology: &Topology<'_>, task: &Task) -> bool {
    task.network_interface.is_some()
        || topology
            .task_definition(&task.task_definition_arn)
            .found()
            .is_some_and(|definition| definition.network_mode == Some(NetworkMode::Awsvpc))
}

/// An attribute of a container instance.
pub fn attribute<'s>(instance: &'s ContainerInstance, name: &str) -> Option<&'s str> {
    instance.attributes.get(name).and_then(|value| value.as_deref())
}

/// Whether a container instance runs Windows, which has no trunking.
pub fn is_windows(instance: &ContainerInstance) -> bool {
    attribute(instance, "ecs.os-type") == Some("windows")
}

fn instance_slots<'s>(
    topology: &Topology<'s>,
    instance: &'s ContainerInstance,
    census: &Census<'s>,
) -> Result<(String, InstanceSlots<'s>), Gap> {
    let undecidable = |kind, reason| Err(Gap::Undecidable { kind, reason });
    let name = instance.arn.name().to_owned();
    let ec2 = match instance.ec2_instance_id.as_ref().map(|id| topology.instance(id)) {
        Some(Lookup::Found(ec2)) => ec2,
        Some(Lookup::Unread(gap)) => return Err(gap),
        Some(Lookup::Absent) | None => {
            return undecidable("instance-absent", text!["EC2 does not show the instance behind ", name]);
        }
    };
    let kind = match topology.instance_type(&ec2.instance_type) {
        Lookup::Found(kind) => kind,
        Lookup::Unread(gap) => return Err(gap),
        Lookup::Absent => {
            return undecidable("instance-type", text!["EC2 does not describe instance type ", &ec2.instance_type]);
        }
    };
    let maximum = u32::try_from(kind.maximum_network_interfaces).unwrap_or(0);
    let trunk = instance.attributes.contains_key("ecs.awsvpc-trunk-id");
    let (limit, derived) = if trunk {
        match limit_with_trunk(&ec2.instance_type, maximum) {
            Some(limit) => limit,
            None => {
                let reason = text!["no source says how many tasks ", &ec2.instance_type, " holds with a trunk"];
                return undecidable("trunk-limit", reason);
            }
        }
    } else {
        match limit_without_trunk(&ec2.instance_type, maximum) {
            Some(limit) => (limit, false),
            None => {
                let reason = text!["the ECS guide gives two limits for ", &ec2.instance_type, " without a trunk"];
                return undecidable("task-eni-limit", reason);
            }
        }
    };
    let foreign = ec2.network_interfaces.iter().filter(|i| is_foreign(i, instance, census)).collect();
    let placed = census.placed.get(&instance.arn).copied().unwrap_or(0);
    Ok((ec2.instance_type.clone(), InstanceSlots { instance, trunk, limit, derived, placed, foreign }))
}

/// The primary interface is the instance's own. For `p5.48xlarge` the guide says one task on one page and 63 on another.
fn limit_without_trunk(instance_type: &str, maximum_network_interfaces: u32) -> Option<u32> {
    (instance_type != "p5.48xlarge").then(|| maximum_network_interfaces.saturating_sub(1))
}

fn limit_with_trunk(instance_type: &str, maximum_network_interfaces: u32) -> Option<(u32, bool)> {
    let limit = task_eni_limits::of(instance_type)?;
    limit.tasks.map(|tasks| (tasks, false)).or_else(|| Some((limit.derived(maximum_network_interfaces)?, true)))
}

/// Neither the primary interface, nor the trunk, nor attached by ECS for a task (also one that has just stopped).
fn is_foreign(interface: &InstanceNetworkInterface, instance: &ContainerInstance, census: &Census<'_>) -> bool {
    let is_ecs_attachment = interface.description.starts_with("arn:") && interface.description.contains(":ecs:");
    let is_trunk = interface.interface_type == "trunk"
        || attribute(instance, "ecs.awsvpc-trunk-id") == Some(interface.id.as_str())
        || instance.attachments.iter().any(|a| a.network_interface_id.as_ref() == Some(&interface.id));
    !origin::is_primary(interface)
        && !is_trunk
        && !is_ecs_attachment
        && !census.task_interfaces.contains(interface.id.as_str())
}

fn of_type<'s>(
    analyses: &Analyses<'s>,
    cluster: &'s Cluster,
    instance_type: String,
    instances: Vec<InstanceSlots<'s>>,
) -> TypeSlots<'s> {
    let topology = analyses.topology;
    let windows = instances.iter().any(|slots| is_windows(slots.instance));
    let with_trunk = task_eni_limits::of(&instance_type).and_then(|limit| limit.tasks).filter(|_| !windows);
    let gaps = [Dataset::Services, Dataset::Tasks].into_iter();
    let gaps = gaps.filter_map(|dataset| topology.gap_in_cluster(dataset, &cluster.arn)).collect();
    let mut slots = TypeSlots {
        headroom: headroom(topology, &instances),
        with_trunk,
        demand: 0,
        demand_at_most: 0,
        missing: 0,
        deployment_stuck: false,
        instance_type,
        instances,
        gaps,
    };
    add_demand(analyses, cluster, &mut slots);
    slots.gaps.sort();
    slots.gaps.dedup();
    slots
}

/// Adds what each workload of the cluster has or wants on the instances of this type.
fn add_demand<'s>(analyses: &Analyses<'s>, cluster: &Cluster, slots: &mut TypeSlots<'s>) {
    let topology = analyses.topology;
    let here: BTreeSet<&Arn> = slots.instances.iter().map(|slots| &slots.instance.arn).collect();
    let free = slots.slots().saturating_sub(slots.placed());
    let mut counted = 0;
    for workload in topology.workloads().iter().filter(|workload| *workload.cluster_arn == cluster.arn) {
        let on_type = |task: &&&Task| {
            task.last_status != "STOPPED" && task.container_instance_arn.as_ref().is_some_and(|arn| here.contains(arn))
        };
        let placed = workload.tasks.iter().filter(on_type).filter(|task| is_awsvpc(topology, task)).count();
        let placed = u32::try_from(placed).unwrap_or(u32::MAX);
        counted += placed;
        let want = want(topology, workload, &here, &mut slots.gaps);
        let (least, most) = match want {
            Want::Confined(desired) => (desired.max(placed), desired.max(placed)),
            Want::Possible(desired) => (placed, desired.max(placed)),
            Want::None => (placed, placed),
        };
        slots.demand += least;
        slots.demand_at_most += most;
        if let (Want::Confined(desired), Some(service)) = (want, workload.service) {
            slots.missing += desired.saturating_sub(u32::try_from(service.running_count).unwrap_or(0));
            let minimum = service.deployment_configuration.minimum_healthy_percent.unwrap_or(100);
            let replica = service.scheduling_strategy == SchedulingStrategy::Replica;
            slots.deployment_stuck |= replica && desired > 0 && minimum >= 100 && free == 0;
        }
    }
    // Tasks of workloads that could not be read are on the instances all the same.
    let unaccounted = slots.placed().saturating_sub(counted);
    slots.demand += unaccounted;
    slots.demand_at_most += unaccounted;
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    /// So many, and only on these instances.
    Confined(u32),
    /// So many, on these instances among others.
    Possible(u32),
    None,
}

fn want<'s>(topology: &Topology<'s>, workload: &Workload<'s>, here: &BTreeSet<&Arn>, gaps: &mut Vec<Gap>) -> Want {
    let (Some(service), Some(variant)) = (workload.service, workload.variants.iter().find(|v| v.role == Role::Primary))
    else {
        return Want::None;
    };
    match &variant.task_definition {
        Lookup::Found(definition) if definition.network_mode == Some(NetworkMode::Awsvpc) => {}
        Lookup::Found(_) | Lookup::Absent => return Want::None,
        Lookup::Unread(gap) => {
            gaps.push(gap.clone());
            return Want::None;
        }
    }
    gaps.extend(variant.launches.gaps.iter().cloned());
    let ec2 = variant.launches.known.iter().filter(|launch| launch.kind == LaunchKind::Ec2);
    let eligible: BTreeSet<&Arn> = ec2
        .flat_map(|launch| origin::eligible_instances(topology, workload, variant, launch))
        .map(|instance| &instance.arn)
        .collect();
    if eligible.is_disjoint(here) {
        return Want::None;
    }
    let desired = match service.scheduling_strategy {
        SchedulingStrategy::Daemon => u32::try_from(eligible.intersection(here).count()).unwrap_or(u32::MAX),
        SchedulingStrategy::Replica | SchedulingStrategy::Other(_) => u32::try_from(service.desired_count).unwrap_or(0),
    };
    let only_ec2 = variant.launches.known.iter().all(|launch| launch.kind == LaunchKind::Ec2);
    let resolved = variant.launches.gaps.is_empty() && zones_are_known(topology, variant, gaps);
    // A constraint may also shut the service out of all of these.
    let constrained = origin::is_constrained(workload, variant);
    if only_ec2 && resolved && !constrained && eligible.is_subset(here) {
        Want::Confined(desired)
    } else {
        Want::Possible(desired)
    }
}

/// Whether the subnets of a variant are all known, and with them the zones that it is confined to.
fn zones_are_known(topology: &Topology<'_>, variant: &Variant<'_>, gaps: &mut Vec<Gap>) -> bool {
    let mut known = true;
    for subnet in variant.network.iter().flat_map(|network| &network.subnets) {
        match topology.subnet(subnet) {
            Lookup::Found(_) => {}
            Lookup::Absent => known = false,
            Lookup::Unread(gap) => {
                known = false;
                gaps.push(gap);
            }
        }
    }
    known
}

fn headroom<'s>(topology: &Topology<'s>, instances: &[InstanceSlots<'s>]) -> Headroom {
    let mut answer = Headroom::No;
    for slots in instances {
        let Some(name) = &slots.instance.capacity_provider_name else { return Headroom::NotManaged };
        let provider = match topology.capacity_provider(name) {
            Lookup::Found(provider) => provider,
            Lookup::Absent => return Headroom::NotManaged,
            Lookup::Unread(gap) => return Headroom::Unknown(gap),
        };
        let CapacityProviderKind::AutoScalingGroup { auto_scaling_group_arn, managed_scaling: true, .. } =
            &provider.kind
        else {
            return Headroom::NotManaged;
        };
        match topology.auto_scaling_group(auto_scaling_group_arn) {
            Lookup::Found(group) if can_grow(group) => answer = Headroom::Yes,
            Lookup::Found(_) | Lookup::Absent => {}
            Lookup::Unread(gap) => return Headroom::Unknown(gap),
        }
    }
    answer
}

fn can_grow(group: &AutoScalingGroup) -> bool {
    group.desired_capacity < group.max_size && !group.suspended_processes.iter().any(|process| process == "Launch")
}
