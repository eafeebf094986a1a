//! The planning table of `audit capacity`: what the container instances of a cluster still hold and what binds first, and
//! what the addresses of subnets are good for. The same numbers the rules judge, in a form that programs can read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::analysis::addresses;
use crate::analysis::interfaces::{InstanceSlots, TypeSlots};
use crate::analysis::{Analyses, deployments, task_eni_limits};
use crate::glob;
use crate::placement::room::{Resource, total, total_amount};
use crate::reach::verdict::Gap;
use crate::settings::Settings;
use crate::snapshot::Snapshot;
use crate::snapshot::ecs::{Cluster, Task};
use crate::snapshot::ids::Arn;
use crate::topology::Topology;

/// All that was counted.
#[derive(Clone, Debug, Serialize)]
pub struct Capacity {
    /// Version of this form: fields are added, never renamed or re-typed, within a version.
    pub schema_version: u32,
    /// Clusters with container instances, sorted by account, Region and name.
    pub clusters: Vec<ClusterCapacity>,
    /// Subnets that tasks start in, sorted by account, Region and id.
    pub subnets: Vec<SubnetCapacity>,
}

/// One cluster.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterCapacity {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Name.
    pub name: String,
    /// Its instances by type.
    pub types: Vec<TypeCapacity>,
    /// What could not be counted.
    pub gaps: Vec<String>,
}

/// The ACTIVE instances of one type.
#[derive(Clone, Debug, Serialize)]
pub struct TypeCapacity {
    /// Type.
    pub instance_type: String,
    /// How many.
    pub instances: usize,
    /// How many of them have a trunk ENI.
    pub trunked: usize,
    /// awsvpc tasks on them; `None` when tasks could not be read.
    pub slots_used: Option<u32>,
    /// awsvpc tasks that they hold, foreign interfaces taken off.
    pub slots: u32,
    /// The limit is the formula's, not the ECS guide's.
    pub slots_derived: bool,
    /// CPU units in use and registered.
    pub cpu_units: Share,
    /// MiB in use and registered.
    pub memory_mib: Share,
    /// The task that is counted with: the mean of those that run there.
    pub typical_task: Option<TypicalTask>,
    /// Such tasks that still fit, and what binds.
    pub now: Option<Fit>,
    /// The same with a trunk on every instance, where the type can have one and some lack it.
    pub with_trunking: Option<Fit>,
    /// The same on the next larger size, where one is known; CPU and memory grow with the size.
    pub next_size: Option<NextSize>,
}

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Share {
    /// In use.
    pub used: i64,
    /// Of so much.
    pub total: i64,
}

/// What one more task is taken to need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TypicalTask {
    /// CPU units.
    pub cpu_units: i64,
    /// MiB.
    pub memory_mib: i64,
    /// It takes a slot for a task ENI.
    pub awsvpc: bool,
    /// It has a static host port, of which an instance has one each.
    pub static_host_port: bool,
}

/// How many more tasks fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// Tasks.
    pub tasks: i64,
    /// What runs out first.
    pub binds: &'static str,
}

/// How many more tasks the same number of instances of another type holds.
#[derive(Clone, Debug, Serialize)]
pub struct NextSize {
    /// The type.
    pub instance_type: String,
    /// With a trunk where an instance has one now.
    pub fit: Fit,
}

/// One subnet.
#[derive(Clone, Debug, Serialize)]
pub struct SubnetCapacity {
    /// Account.
    pub account: String,
    /// Region.
    pub region: String,
    /// Id.
    pub subnet: String,
    /// Zone.
    pub availability_zone: String,
    /// Free addresses, as AWS counts them.
    pub free: u32,
    /// Addresses that interfaces can have.
    pub usable: Option<u32>,
    /// Workloads whose tasks start here.
    pub workloads: usize,
    /// Tasks that the largest next deployment starts here, spread evenly over its subnets.
    pub largest_deployment: u32,
    /// Tasks that all next deployments at once start here.
    pub all_deployments: u32,
    /// How many times all deployments at once fit; `None` where they start nothing.
    pub surges: Option<u32>,
}

/// Counts the clusters and subnets of a snapshot.
pub fn of(snapshot: &Snapshot, settings: &Settings) -> Capacity {
    let settings = &settings.within(&snapshot.scope);
    let mut capacity = Capacity { schema_version: 1, clusters: Vec::new(), subnets: Vec::new() };
    for target in &snapshot.targets {
        let topology = Topology::build(snapshot, target);
        let analyses = Analyses::new(&topology, settings);
        let in_scope = |cluster: &&Cluster| glob::in_scope(&settings.clusters, &cluster.name);
        let clusters = topology.clusters().iter().filter(in_scope);
        capacity.clusters.extend(clusters.filter_map(|cluster| of_cluster(&analyses, cluster)));
        capacity.subnets.extend(subnets(&analyses, settings));
    }
    capacity
}

fn of_cluster<'s>(analyses: &Analyses<'s>, cluster: &'s Cluster) -> Option<ClusterCapacity> {
    let slots = analyses.slots(cluster);
    if slots.types.is_empty() && slots.gaps.is_empty() {
        return None;
    }
    let target = analyses.topology.target;
    let gaps = slots.gaps.iter().chain(slots.types.iter().flat_map(|slots| &slots.gaps));
    let mut gaps: Vec<String> = gaps.map(said).collect();
    gaps.sort();
    gaps.dedup();
    Some(ClusterCapacity {
        account: target.account.clone(),
        region: target.region.clone(),
        name: cluster.name.clone(),
        types: slots.types.iter().map(|slots| of_type(analyses, cluster, slots)).collect(),
        gaps,
    })
}

fn said(gap: &Gap) -> String {
    match gap {
        Gap::Unread { dataset, .. } => format!("{} could not be read", dataset.name()),
        Gap::Undecidable { reason, .. } => reason.to_string(),
    }
}

fn of_type<'s>(analyses: &Analyses<'s>, cluster: &'s Cluster, slots: &TypeSlots<'s>) -> TypeCapacity {
    let sum = |part: fn(&InstanceSlots<'_>) -> i64| total_amount(slots.instances.iter().map(part));
    let cpu = Share {
        used: sum(|one| {
            in_use(one.instance.registered_resources.cpu_units, one.instance.remaining_resources.cpu_units)
        }),
        total: sum(|one| one.instance.registered_resources.cpu_units.max(0)),
    };
    let memory = Share {
        used: sum(|one| {
            in_use(one.instance.registered_resources.memory_mib, one.instance.remaining_resources.memory_mib)
        }),
        total: sum(|one| one.instance.registered_resources.memory_mib.max(0)),
    };
    let placed = placed(analyses, cluster, slots);
    let with_port: Vec<_> = placed.iter().copied().filter(|task| has_static_port(analyses, task)).collect();
    let typical = typical(slots, (placed.len(), with_port.len()), cpu, memory);
    let held = with_port.iter().filter_map(|task| task.container_instance_arn.as_ref()).collect();
    let trunked = slots.instances.iter().filter(|one| one.trunk).count();
    let fit = |size: &Size| typical.map(|task| fitting(slots, &held, task, size));
    let now = fit(&Size { factor: (1, 1), slots: None });
    let lacking = trunked < slots.instances.len();
    let with_trunking = slots.with_trunk.filter(|_| lacking && typical.is_some_and(|task| task.awsvpc));
    TypeCapacity {
        instance_type: slots.instance_type.clone(),
        instances: slots.instances.len(),
        trunked,
        slots_used: (!slots.placed_is_unknown()).then(|| slots.placed()),
        slots: slots.slots(),
        slots_derived: slots.instances.iter().any(|one| one.derived),
        cpu_units: cpu,
        memory_mib: memory,
        typical_task: typical,
        now,
        with_trunking: with_trunking.and_then(|each| fit(&Size { factor: (1, 1), slots: Some((each, each)) })),
        next_size: task_eni_limits::next_size(&slots.instance_type).and_then(|next| {
            let fit =
                fit(&Size { factor: next.factor, slots: Some((next.tasks_without_trunk, next.tasks_with_trunk)) })?;
            Some(NextSize { instance_type: next.instance_type.to_owned(), fit })
        }),
    }
}

fn in_use(registered: i64, remaining: i64) -> i64 {
    registered.saturating_sub(remaining).clamp(0, registered.max(0))
}

/// The tasks that run on these instances.
fn placed<'s>(analyses: &Analyses<'s>, cluster: &'s Cluster, slots: &TypeSlots<'s>) -> Vec<&'s Task> {
    let here: BTreeSet<_> = slots.instances.iter().map(|one| &one.instance.arn).collect();
    let tasks = analyses.topology.tasks_of(&cluster.arn).iter().copied();
    let placed = tasks.filter(|task| {
        task.last_status != "STOPPED" && task.container_instance_arn.as_ref().is_some_and(|arn| here.contains(arn))
    });
    placed.collect()
}

fn has_static_port(analyses: &Analyses<'_>, task: &Task) -> bool {
    let definition = analyses.topology.task_definition(&task.task_definition_arn).found();
    let ports = definition.map(deployments::static_ports);
    ports.is_some_and(|(tcp, udp)| !tcp.is_empty() || !udp.is_empty())
}

/// The mean of the tasks that run there, all of one kind where most are.
fn typical(
    slots: &TypeSlots<'_>,
    (placed, with_port): (usize, usize),
    cpu: Share,
    memory: Share,
) -> Option<TypicalTask> {
    let count = i64::try_from(placed).ok().filter(|count| *count > 0)?;
    Some(TypicalTask {
        cpu_units: cpu.used / count,
        memory_mib: memory.used / count,
        awsvpc: u64::from(slots.placed()) * 2 >= u64::try_from(count).unwrap_or(0),
        static_host_port: with_port * 2 > placed,
    })
}

/// Another size of instance.
struct Size {
    /// How much larger, as a fraction.
    factor: (i64, i64),
    /// Slots of each instance instead of its own: without a trunk, and with one.
    slots: Option<(u32, u32)>,
}

fn fitting(slots: &TypeSlots<'_>, port_held: &BTreeSet<&Arn>, task: TypicalTask, size: &Size) -> Fit {
    let (mut tasks, mut by) = (0_i64, BTreeMap::<Resource, i64>::new());
    // ECS places nothing where the agent is gone.
    for one in slots.instances.iter().filter(|one| one.instance.agent_connected) {
        let registered = &one.instance.registered_resources;
        let remaining = &one.instance.remaining_resources;
        // What a larger instance has more of is free.
        let (larger, own) = size.factor;
        let free = |registered: i64, remaining: i64| {
            remaining.saturating_add(registered.saturating_mul(larger - own) / own.max(1))
        };
        let foreign = u32::try_from(one.foreign.len()).unwrap_or(u32::MAX);
        let limit = size
            .slots
            .map_or(one.slots(), |(without, with)| if one.trunk { with } else { without }.saturating_sub(foreign));
        let mut room = vec![];
        if task.cpu_units > 0 {
            room.push((free(registered.cpu_units, remaining.cpu_units) / task.cpu_units, Resource::Cpu));
        }
        if task.memory_mib > 0 {
            room.push((free(registered.memory_mib, remaining.memory_mib) / task.memory_mib, Resource::Memory));
        }
        if task.awsvpc {
            room.push((i64::from(limit.saturating_sub(one.placed)), Resource::Slots));
        }
        if task.static_host_port {
            // One each, and the instance may have its one already.
            room.push((i64::from(!port_held.contains(&one.instance.arn)), Resource::Ports));
        }
        if let Some((count, resource)) = room.into_iter().min() {
            tasks = tasks.saturating_add(count.max(0));
            *by.entry(resource).or_default() += 1;
        }
    }
    let binds =
        by.into_iter().max_by_key(|(_, instances)| *instances).map_or("nothing", |(resource, _)| resource.name());
    Fit { tasks, binds }
}

fn subnets(analyses: &Analyses<'_>, settings: &Settings) -> Vec<SubnetCapacity> {
    let target = analyses.topology.target;
    let all = analyses.addresses();
    let workloads = analyses.topology.workloads();
    let concerns =
        |claim: &addresses::Claim<'_>| glob::in_scope(&settings.clusters, &workloads[claim.workload].cluster_name);
    let counted = all.subnets().into_iter().map(|subnet| {
        let claims = all.claims(&subnet.id);
        let together = total(claims.iter().map(|claim| claim.share()));
        let free = addresses::free(subnet);
        let shown = claims.iter().any(|claim| concerns(claim));
        shown.then(|| SubnetCapacity {
            account: target.account.clone(),
            region: target.region.clone(),
            subnet: subnet.id.as_str().to_owned(),
            availability_zone: subnet.availability_zone.clone(),
            free,
            usable: addresses::usable(subnet),
            workloads: claims.len(),
            largest_deployment: claims.iter().map(|claim| claim.share()).max().unwrap_or(0),
            all_deployments: together,
            surges: free.checked_div(together),
        })
    });
    counted.flatten().collect()
}
