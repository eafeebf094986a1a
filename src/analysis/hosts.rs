//! The container instances of a cluster with their slots for task ENIs, and which of them a task may be placed on.
//!
//! Sources: "Amazon ECS task placement constraints" and "Task placement" in the ECS Developer Guide. A task goes to an
//! ACTIVE instance whose agent is connected, of its capacity provider, in a zone of its subnets, that every `memberOf`
//! expression selects and that has the operating system and architecture of the task definition.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::Analyses;
use super::interfaces::{self, Census, InstanceSlots};
use crate::placement::query::{Answer, Attribute, Expression, Subjects, TaskGroups};
use crate::reach::verdict::Gap;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{ContainerInstance, PlacementConstraint, TaskDefinition};
use crate::snapshot::enums::NetworkMode;
use crate::snapshot::ids::Arn;
use crate::text;
use crate::topology::Topology;
use crate::topology::launch::Launch;
use crate::topology::origin;
use crate::topology::workload::{Variant, Workload};

/// One container instance in EC2.
#[derive(Clone, Debug)]
pub struct Host<'s> {
    /// The instance.
    pub instance: &'s ContainerInstance,
    /// Its type.
    pub instance_type: Option<&'s str>,
    /// Its slots, or why they are not known.
    pub slots: Result<InstanceSlots<'s>, Gap>,
}

/// The ACTIVE container instances of a cluster that customers look after.
#[derive(Clone, Debug, Default)]
pub struct Hosts<'s> {
    /// Sorted by ARN.
    pub all: Vec<Host<'s>>,
    /// What hides others.
    pub gaps: Vec<Gap>,
    by_arn: FxHashMap<&'s Arn, usize>,
}

impl Hosts<'_> {
    /// The place of an instance in the list.
    pub fn position(&self, arn: &Arn) -> Option<usize> {
        self.by_arn.get(arn).copied()
    }
}

/// Instances that a task may be placed on, as positions in [`Hosts::all`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eligible {
    /// For sure.
    pub sure: Vec<usize>,
    /// Perhaps.
    pub perhaps: Vec<usize>,
    /// Why it can't be told.
    pub gaps: Vec<Gap>,
}

impl Eligible {
    /// All of them, sure or not.
    pub fn at_most(&self) -> impl Iterator<Item = usize> + '_ {
        self.sure.iter().chain(&self.perhaps).copied()
    }
}

/// What the choice hangs on; many workloads share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct EligibleKey<'s> {
    cluster: &'s Arn,
    provider: Option<&'s str>,
    zones: Option<Vec<&'s str>>,
    /// Some of the task's subnets can't be seen, and with them their zones.
    zones_unseen: bool,
    expressions: Vec<&'s str>,
    system: Option<&'static str>,
    architecture: Option<&'static str>,
    is_awsvpc: bool,
}

impl<'s> Analyses<'s> {
    /// The container instances of a cluster.
    pub fn hosts(&self, cluster: &'s Arn) -> Rc<Hosts<'s>> {
        if let Some(hosts) = self.hosts.borrow().get(cluster) {
            return Rc::clone(hosts);
        }
        let hosts = Rc::new(hosts_of(self.topology, cluster));
        self.hosts.borrow_mut().insert(cluster, Rc::clone(&hosts));
        hosts
    }

    /// Where tasks of a variant may be placed by one of its ways to launch.
    pub fn eligible(&self, workload: &Workload<'s>, variant: &Variant<'s>, launch: &Launch<'s>) -> Rc<Eligible> {
        let definition = variant.task_definition.clone().found();
        let constraints = workload.service.map(|service| service.placement_constraints.as_slice()).unwrap_or_default();
        let own = definition.map(|definition| definition.placement_constraints.as_slice()).unwrap_or_default();
        let member_of = |constraint: &&'s PlacementConstraint| constraint.kind == "memberOf";
        let zones = origin::task_zones(self.topology, variant);
        let key = EligibleKey {
            cluster: workload.cluster_arn,
            provider: launch.provider.map(|provider| provider.name.as_str()),
            zones_unseen: zones.is_none() && variant.is_awsvpc() == Some(true),
            zones,
            expressions: constraints
                .iter()
                .chain(own)
                .filter(member_of)
                .filter_map(|constraint| constraint.expression.as_deref())
                .collect(),
            system: definition.and_then(system_of),
            architecture: definition.and_then(architecture_of),
            is_awsvpc: variant.is_awsvpc() == Some(true),
        };
        if let Some(known) = self.eligible.borrow().get(&key) {
            return Rc::clone(known);
        }
        let found = Rc::new(judge(self.topology, &self.hosts(workload.cluster_arn), &key));
        self.eligible.borrow_mut().insert(key, Rc::clone(&found));
        found
    }
}

fn hosts_of<'s>(topology: &Topology<'s>, cluster: &'s Arn) -> Hosts<'s> {
    let mut hosts = Hosts {
        gaps: topology.gap_in_cluster(Dataset::ContainerInstances, cluster).into_iter().collect(),
        ..Hosts::default()
    };
    let census = Census::of(topology, cluster);
    let instances = topology.container_instances_of(cluster).iter().copied();
    let own =
        instances.filter(|i| i.status == "ACTIVE" && origin::is_on_ec2(i) && !origin::is_managed_instance(topology, i));
    for instance in own {
        let slots = interfaces::instance_slots(topology, instance, &census);
        let (instance_type, slots) = match slots {
            Ok((instance_type, slots)) => (Some(instance_type), Ok(slots)),
            Err(gap) => (interfaces::instance_type_of(topology, instance), Err(gap)),
        };
        hosts.by_arn.insert(&instance.arn, hosts.all.len());
        hosts.all.push(Host { instance, instance_type, slots });
    }
    hosts
}

/// The value of `ecs.os-type` that a definition asks for.
fn system_of(definition: &TaskDefinition) -> Option<&'static str> {
    let family = definition.operating_system_family.as_deref()?;
    Some(if family.starts_with("WINDOWS") { "windows" } else { "linux" })
}

/// The value of `ecs.cpu-architecture` that a definition asks for.
fn architecture_of(definition: &TaskDefinition) -> Option<&'static str> {
    match definition.cpu_architecture.as_deref()? {
        "X86_64" => Some("x86_64"),
        "ARM64" => Some("arm64"),
        _ => None,
    }
}

fn judge(topology: &Topology<'_>, hosts: &Hosts<'_>, key: &EligibleKey<'_>) -> Eligible {
    let mut found = Eligible { gaps: hosts.gaps.clone(), ..Eligible::default() };
    let mut expressions = Vec::with_capacity(key.expressions.len());
    for text in &key.expressions {
        match Expression::parse(text) {
            Ok(expression) => expressions.push(Ok(expression)),
            Err(error) => {
                let reason =
                    text!["the placement constraint ", (*text).to_owned(), " can't be followed ", error.to_string()];
                expressions.push(Err(()));
                found.gaps.push(Gap::Undecidable { kind: "placement-constraint", reason });
            }
        }
    }
    let mut hangs_on_moment = false;
    for (position, host) in hosts.all.iter().enumerate() {
        let instance = host.instance;
        let in_provider = match key.provider {
            Some(provider) => instance.capacity_provider_name.as_deref() == Some(provider),
            None => !origin::is_managed_instance(topology, instance),
        };
        let in_zone = match (&key.zones, origin::zone_of(instance)) {
            (Some(zones), Some(zone)) => zones.contains(&zone),
            _ => true,
        };
        if !instance.agent_connected || !in_provider || !in_zone || !suits(instance, key) {
            continue;
        }
        let answers = expressions.iter().map(|expression| match expression {
            Ok(expression) => expression.matches(&Shown(instance)),
            Err(()) => Answer::Unknown,
        });
        let first = if key.zones_unseen { Answer::Unknown } else { Answer::Yes };
        let answer = answers.fold(first, |all, one| match (all, one) {
            (Answer::No, _) | (_, Answer::No) => Answer::No,
            (Answer::Unknown, _) | (_, Answer::Unknown) => Answer::Unknown,
            (Answer::Yes, Answer::Yes) => Answer::Yes,
        });
        match answer {
            Answer::Yes => found.sure.push(position),
            Answer::No => {}
            Answer::Unknown => {
                hangs_on_moment = true;
                found.perhaps.push(position);
            }
        }
    }
    if key.zones_unseen && !found.perhaps.is_empty() {
        let reason = text!["the zones of the tasks' subnets can't be seen"];
        found.gaps.push(Gap::Undecidable { kind: "zones", reason });
    } else if hangs_on_moment && expressions.iter().all(Result::is_ok) {
        let reason = text!["whether a placement constraint selects some of the instances can't be seen"];
        found.gaps.push(Gap::Undecidable { kind: "placement-constraint", reason });
    }
    found
}

/// Platform and network mode, where both sides say them.
fn suits(instance: &ContainerInstance, key: &EligibleKey<'_>) -> bool {
    let differs = |name: &str, wanted: Option<&str>| {
        wanted.zip(interfaces::attribute(instance, name)).is_some_and(|(wanted, own)| wanted != own)
    };
    // An agent that reports capabilities and not this one can't attach task ENIs.
    let reports = instance.attributes.keys().any(|name| name.contains("ecs.capability."));
    let attaches = instance.attributes.contains_key("ecs.capability.task-eni");
    !differs("ecs.os-type", key.system)
        && !differs("ecs.cpu-architecture", key.architecture)
        && (!key.is_awsvpc || !reports || attaches)
}

/// An instance as constraints see it. What changes with every task is left open: the question is about the next ones.
struct Shown<'s>(&'s ContainerInstance);

impl Subjects for Shown<'_> {
    fn attribute(&self, name: &str) -> Attribute<'_> {
        match self.0.attributes.get(name) {
            Some(Some(value)) => Attribute::Value(value),
            Some(None) => Attribute::NameOnly,
            None => Attribute::Absent,
        }
    }

    fn agent_connected(&self) -> Option<bool> {
        Some(self.0.agent_connected)
    }

    fn agent_version(&self) -> Option<&str> {
        self.0.agent_version.as_deref()
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        self.0.ec2_instance_id.as_ref().map(|id| id.as_str())
    }

    fn registered_at(&self) -> Option<i64> {
        self.0.registered_at.map(|at| at.as_second())
    }

    fn running_tasks_count(&self) -> Option<i64> {
        None
    }

    fn task_groups(&self) -> TaskGroups<'_> {
        TaskGroups::default()
    }
}

/// Whether a definition is in awsvpc mode.
pub fn is_awsvpc(definition: &TaskDefinition) -> bool {
    definition.network_mode == Some(NetworkMode::Awsvpc)
}
