//! Task-ENI slots: how many awsvpc tasks the container instances of a cluster hold, and how many are wanted there.
//!
//! Sources: "Allocate a network interface for an Amazon ECS task" and "Increasing Amazon ECS Linux container instance
//! network interfaces" in the ECS Developer Guide. Without a trunk an instance holds `MaximumNetworkInterfaces` − 1
//! tasks; with one, what the guide's table says. A trunk is proved by the instance's `ecs.awsvpc-trunk-id` only.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Analyses;
use super::deployments;
use super::hosts::Hosts;
use super::task_eni_limits;
use crate::placement::room::total;
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
    /// What the instances hold with a trunk each, if the type and platform can have one and some lack it. Interfaces that
    /// ECS did not attach take plain ones away.
    pub fn total_with_trunk(&self) -> Option<u32> {
        let each = self.with_trunk?;
        let foreign = |one: &InstanceSlots<'_>| u32::try_from(one.foreign.len()).unwrap_or(u32::MAX);
        let lacking = self.instances.iter().any(|instance| !instance.trunk);
        lacking.then(|| total(self.instances.iter().map(|one| each.saturating_sub(foreign(one)))))
    }

    /// The tasks of the cluster could not all be read: how many are placed is not known.
    pub fn placed_is_unknown(&self) -> bool {
        self.gaps.iter().any(|gap| matches!(gap, Gap::Unread { dataset: Dataset::Tasks, .. }))
    }

    /// Slots of all instances.
    pub fn slots(&self) -> u32 {
        total(self.instances.iter().map(InstanceSlots::slots))
    }

    /// Tasks on all instances.
    pub fn placed(&self) -> u32 {
        total(self.instances.iter().map(|instance| instance.placed))
    }
}

/// The slots of a cluster by instance type; instances whose limit nobody knows are gaps.
#[derive(Clone, Debug, Default)]
pub struct ClusterSlots<'s> {
    /// Sorted by instance type.
    pub types: Vec<TypeSlots<'s>>,
    /// What hides others.
    pub gaps: Vec<Gap>,
}

impl<'s> Analyses<'s> {
    /// The slots of a cluster's ACTIVE instances in EC2, by type.
    pub fn slots(&self, cluster: &'s Cluster) -> Rc<ClusterSlots<'s>> {
        if let Some(slots) = self.slots.borrow().get(&cluster.arn) {
            return Rc::clone(slots);
        }
        let slots = Rc::new(of_cluster(self, cluster));
        self.slots.borrow_mut().insert(&cluster.arn, Rc::clone(&slots));
        slots
    }
}

fn of_cluster<'s>(analyses: &Analyses<'s>, cluster: &'s Cluster) -> ClusterSlots<'s> {
    let hosts = analyses.hosts(&cluster.arn);
    let mut gaps = hosts.gaps.clone();
    let mut by_type: BTreeMap<&'s str, Vec<usize>> = BTreeMap::new();
    for (position, host) in hosts.all.iter().enumerate() {
        match (&host.slots, host.instance_type) {
            (Ok(_), Some(instance_type)) => by_type.entry(instance_type).or_default().push(position),
            (Err(gap), _) => gaps.push(gap.clone()),
            (Ok(_), None) => {}
        }
    }
    let mut types: Vec<TypeSlots<'s>> =
        by_type.iter().map(|(name, positions)| of_type(analyses.topology, cluster, name, &hosts, positions)).collect();
    let type_of: FxHashMap<usize, usize> = by_type
        .values()
        .enumerate()
        .flat_map(|(kind, all)| all.iter().map(move |position| (*position, kind)))
        .collect();
    add_demand(analyses, cluster, &hosts, &type_of, &mut types);
    for slots in &mut types {
        slots.gaps.sort();
        slots.gaps.dedup();
    }
    gaps.sort();
    gaps.dedup();
    ClusterSlots { types, gaps }
}

/// The awsvpc tasks of a cluster.
pub(super) struct Census<'s> {
    placed: FxHashMap<&'s Arn, u32>,
    task_interfaces: FxHashSet<&'s str>,
}

impl<'s> Census<'s> {
    pub(super) fn of(topology: &Topology<'s>, cluster: &Arn) -> Self {
        let mut census = Self { placed: FxHashMap::default(), task_interfaces: FxHashSet::default() };
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

/// Whether the account's default turns trunking on. The setting of another principal is a hint for that one only.
pub fn trunking_is_account_default(topology: &Topology<'_>) -> bool {
    let settings = topology.data().account_settings.items().iter();
    let on = |value: &str| value == "enabled" || value == "on";
    settings
        .filter(|setting| setting.name == "awsvpcTrunking" && on(&setting.value))
        .any(|setting| setting.is_of_account())
}

/// Whether a container instance runs Windows, which has no trunking.
pub fn is_windows(instance: &ContainerInstance) -> bool {
    attribute(instance, "ecs.os-type") == Some("windows")
}

/// The type of the EC2 instance behind a container instance.
pub(super) fn instance_type_of<'s>(topology: &Topology<'s>, instance: &ContainerInstance) -> Option<&'s str> {
    let ec2 = topology.instance(instance.ec2_instance_id.as_ref()?).found()?;
    Some(&ec2.instance_type)
}

/// The type and the slots of an instance.
///
/// # Errors
/// The gap, when they are not known.
pub(super) fn instance_slots<'s>(
    topology: &Topology<'s>,
    instance: &'s ContainerInstance,
    census: &Census<'s>,
) -> Result<(&'s str, InstanceSlots<'s>), Gap> {
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
    Ok((ec2.instance_type.as_str(), InstanceSlots { instance, trunk, limit, derived, placed, foreign }))
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
    topology: &Topology<'s>,
    cluster: &Cluster,
    instance_type: &'s str,
    hosts: &Hosts<'s>,
    positions: &[usize],
) -> TypeSlots<'s> {
    let instances: Vec<InstanceSlots<'s>> =
        positions.iter().filter_map(|position| hosts.all[*position].slots.clone().ok()).collect();
    let windows = instances.iter().any(|slots| is_windows(slots.instance));
    let with_trunk = task_eni_limits::of(instance_type).and_then(|limit| limit.tasks).filter(|_| !windows);
    let gaps = [Dataset::Services, Dataset::Tasks].into_iter();
    let gaps = gaps.filter_map(|dataset| topology.gap_in_cluster(dataset, &cluster.arn)).collect();
    TypeSlots {
        headroom: headroom(topology, instances.iter().map(|slots| slots.instance.capacity_provider_name.as_deref())),
        with_trunk,
        demand: 0,
        demand_at_most: 0,
        missing: 0,
        deployment_stuck: false,
        instance_type: instance_type.to_owned(),
        instances,
        gaps,
    }
}

/// Adds what each workload of the cluster has or wants on the instances of each type.
fn add_demand<'s>(
    analyses: &Analyses<'s>,
    cluster: &Cluster,
    hosts: &Hosts<'s>,
    type_of: &FxHashMap<usize, usize>,
    types: &mut [TypeSlots<'s>],
) {
    let topology = analyses.topology;
    let mut counted = vec![0_u32; types.len()];
    for workload in topology.workloads_of(&cluster.arn) {
        let mut placed = vec![0_u32; types.len()];
        let awsvpc = workload.tasks.iter().filter(|task| task.last_status != "STOPPED" && is_awsvpc(topology, task));
        for arn in awsvpc.filter_map(|task| task.container_instance_arn.as_ref()) {
            if let Some(kind) = hosts.position(arn).and_then(|position| type_of.get(&position)) {
                placed[*kind] += 1;
            }
        }
        let mut gaps = Vec::new();
        let wanted = wanted(analyses, workload, type_of, types.len(), &mut gaps);
        for (kind, slots) in types.iter_mut().enumerate() {
            counted[kind] += placed[kind];
            slots.gaps.extend(gaps.iter().cloned());
            let want = wanted[kind];
            let (least, most) = match want {
                Want::Confined(desired) => (desired.max(placed[kind]), desired.max(placed[kind])),
                Want::Possible(desired) => (placed[kind], desired.max(placed[kind])),
                Want::None => (placed[kind], placed[kind]),
            };
            slots.demand = slots.demand.saturating_add(least);
            slots.demand_at_most = slots.demand_at_most.saturating_add(most);
            if let (Want::Confined(desired), Some(service)) = (want, workload.service) {
                let free = slots.slots().saturating_sub(slots.placed());
                let present = u32::try_from(service.running_count.saturating_add(service.pending_count)).unwrap_or(0);
                slots.missing = slots.missing.saturating_add(desired.saturating_sub(present));
                let running = u32::try_from(service.running_count).unwrap_or(0);
                let stays = deployments::rolling(service).is_some_and(|rolling| rolling.may_stop(running) == 0);
                slots.deployment_stuck |= stays && free == 0;
            }
        }
    }
    // Tasks of workloads that could not be read are on the instances all the same.
    for (slots, counted) in types.iter_mut().zip(counted) {
        let unaccounted = slots.placed().saturating_sub(counted);
        slots.demand = slots.demand.saturating_add(unaccounted);
        slots.demand_at_most = slots.demand_at_most.saturating_add(unaccounted);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Want {
    /// So many, and only on these instances.
    Confined(u32),
    /// So many, on these instances among others.
    Possible(u32),
    None,
}

/// What a workload wants on the instances of each type.
fn wanted<'s>(
    analyses: &Analyses<'s>,
    workload: &Workload<'s>,
    type_of: &FxHashMap<usize, usize>,
    types: usize,
    gaps: &mut Vec<Gap>,
) -> Vec<Want> {
    let nothing = vec![Want::None; types];
    let (Some(service), Some(variant)) = (workload.service, workload.variants.iter().find(|v| v.role == Role::Primary))
    else {
        return nothing;
    };
    match &variant.task_definition {
        Lookup::Found(definition) if definition.network_mode == Some(NetworkMode::Awsvpc) => {}
        Lookup::Found(_) | Lookup::Absent => return nothing,
        Lookup::Unread(gap) => {
            gaps.push(gap.clone());
            return nothing;
        }
    }
    gaps.extend(variant.launches.gaps.iter().cloned());
    let ec2 = variant.launches.known.iter().filter(|launch| launch.kind == LaunchKind::Ec2);
    let eligible: Vec<_> = ec2.map(|launch| analyses.eligible(workload, variant, launch)).collect();
    let mut here = vec![FxHashSet::default(); types];
    let mut elsewhere = false;
    for position in eligible.iter().flat_map(|eligible| eligible.at_most()) {
        match type_of.get(&position) {
            Some(kind) => {
                here[*kind].insert(position);
            }
            None => elsewhere = true,
        }
    }
    let only_ec2 = variant.launches.known.iter().all(|launch| launch.kind == LaunchKind::Ec2);
    let resolved = variant.launches.gaps.is_empty() && zones_are_known(analyses.topology, variant, gaps);
    // A constraint that can't be followed may also shut the service out of all of these.
    let certain = eligible.iter().all(|eligible| eligible.perhaps.is_empty());
    let one_type = here.iter().filter(|positions| !positions.is_empty()).count() == 1 && !elsewhere;
    let confined = only_ec2 && resolved && certain && one_type;
    here.iter()
        .map(|positions| {
            let desired = match service.scheduling_strategy {
                SchedulingStrategy::Daemon => u32::try_from(positions.len()).unwrap_or(u32::MAX),
                SchedulingStrategy::Replica | SchedulingStrategy::Other(_) => {
                    u32::try_from(service.desired_count).unwrap_or(0)
                }
            };
            match (positions.is_empty(), confined) {
                (true, _) => Want::None,
                (false, true) => Want::Confined(desired),
                (false, false) => Want::Possible(desired),
            }
        })
        .collect()
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

/// Whether managed scaling adds instances to the groups of these capacity providers.
pub fn headroom<'a>(topology: &Topology<'_>, providers: impl IntoIterator<Item = Option<&'a str>>) -> Headroom {
    let providers: BTreeSet<Option<&str>> = providers.into_iter().collect();
    let mut answer = Headroom::No;
    for name in providers {
        let Some(name) = name else { return Headroom::NotManaged };
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

/// The group may launch another instance.
pub(super) fn can_grow(group: &AutoScalingGroup) -> bool {
    group.desired_capacity < group.max_size && !group.suspended_processes.iter().any(|process| process == "Launch")
}
