//! The next rolling deployment of a service on container instances: whether it can move, and what holds it.
//!
//! Sources: "Deployment types" and "DeploymentConfiguration" of Amazon ECS. Services that other controllers deploy, or that
//! are deployed blue/green, linear or canary, are left out, and so are DAEMON services, which replace tasks in place.

use super::Analyses;
use super::hosts::Hosts;
use super::interfaces::{self, Headroom};
use crate::placement::rolling::Rolling;
use crate::placement::rollout::{Answer, Next};
use crate::placement::room::{Demand, Distinct, Host, Resource, Room, total_amount};
use crate::reach::verdict::Gap;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::ecs::{ContainerDefinition, Service, TaskDefinition};
use crate::snapshot::enums::{DeploymentController, DeploymentStrategy, NetworkMode, SchedulingStrategy};
use crate::text;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Variant, Workload};

/// Defaults of REPLICA services in the ECS API.
const MINIMUM_HEALTHY_PERCENT: i32 = 100;
const MAXIMUM_PERCENT: i32 = 200;

/// The limits of a service's rolling deployments; `None` where it isn't deployed that way or wants no task.
pub fn rolling(service: &Service) -> Option<Rolling> {
    let configuration = &service.deployment_configuration;
    let rolls = matches!(configuration.strategy, None | Some(DeploymentStrategy::Rolling))
        && service.deployment_controller == DeploymentController::Ecs
        && service.scheduling_strategy == SchedulingStrategy::Replica;
    let desired = u32::try_from(service.desired_count).ok().filter(|desired| *desired > 0 && rolls)?;
    // The API takes no more of either; whatever else a snapshot says is read as that.
    let percent = |value: Option<i32>, default: i32| u32::try_from(value.unwrap_or(default)).unwrap_or(0).min(1000);
    Some(Rolling::of(
        desired,
        percent(configuration.minimum_healthy_percent, MINIMUM_HEALTHY_PERCENT),
        percent(configuration.maximum_percent, MAXIMUM_PERCENT),
    ))
}

/// What a task of a definition takes of a container instance.
pub fn demand(definition: &TaskDefinition) -> Demand {
    let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<i64>().ok());
    let sum = |part: fn(&ContainerDefinition) -> i64| total_amount(definition.containers.iter().map(part));
    let (ports, ports_udp) = static_ports(definition);
    Demand {
        cpu_units: number(&definition.cpu).unwrap_or_else(|| sum(|c| i64::from(c.cpu))),
        // The soft limit is what placement reserves, where there is one.
        memory_mib: number(&definition.memory)
            .unwrap_or_else(|| sum(|c| i64::from(c.memory_reservation.or(c.memory).unwrap_or(0)))),
        gpus: sum(|c| i64::from(c.gpus)),
        ports,
        ports_udp,
        slots: u32::from(definition.network_mode == Some(NetworkMode::Awsvpc)),
        distinct: false,
    }
}

type PortSet = std::collections::BTreeSet<u16>;

/// The host ports that a definition fixes, of TCP and of UDP. In host mode a container port is one.
pub fn static_ports(definition: &TaskDefinition) -> (PortSet, PortSet) {
    let (mut tcp, mut udp) = (PortSet::new(), PortSet::new());
    let is_host = match definition.network_mode {
        Some(NetworkMode::Host) => true,
        None | Some(NetworkMode::Bridge) => false,
        _ => return (tcp, udp),
    };
    for mapping in definition.containers.iter().flat_map(|container| &container.port_mappings) {
        let port = mapping.host_port.filter(|port| *port != 0).or(mapping.container_port.filter(|_| is_host));
        let into = if mapping.protocol == "udp" { &mut udp } else { &mut tcp };
        into.extend(port);
    }
    (tcp, udp)
}

/// The next deployment of a service that runs on container instances only.
#[derive(Clone, Debug)]
pub struct Planned<'s> {
    /// The limits.
    pub rolling: Rolling,
    /// Tasks that run now.
    pub running: u32,
    /// What a new task takes.
    pub new: Demand,
    old: Demand,
    /// Instances for sure.
    sure: Vec<Host<'s>>,
    /// Those and perhaps these.
    at_most: Vec<Host<'s>>,
    /// Several capacity providers share the tasks, each by its weight.
    shared: bool,
    /// Why some of it can't be told.
    pub gaps: Vec<Gap>,
    /// Whether more instances come by themselves.
    pub headroom: Headroom,
}

/// The answer on a planned deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All tasks can be replaced, in so many batches.
    Fits(u32),
    /// It starts; that it ends is not proved.
    Starts,
    /// Not a single task can start.
    Cannot,
    /// It can't be told.
    Unknown(Vec<Gap>),
}

impl Planned<'_> {
    /// Whether it moves, with one resource taken out of the question on request.
    pub fn verdict(&self, ignoring: Option<Resource>) -> Verdict {
        let best = self.next(&self.at_most, Distinct::NewOnly).answer(ignoring);
        if best == Answer::Cannot {
            return Verdict::Cannot;
        }
        match self.next(&self.sure, Distinct::OldAndNew).answer(ignoring) {
            Answer::Fits { batches } if !self.shared => Verdict::Fits(batches),
            Answer::Fits { .. } | Answer::Starts => Verdict::Starts,
            Answer::Cannot => Verdict::Unknown(self.doubts()),
        }
    }

    fn doubts(&self) -> Vec<Gap> {
        let mut gaps = self.gaps.clone();
        if gaps.is_empty() {
            let reason =
                text!["whether distinctInstance counts the tasks that a deployment replaces is not documented"];
            gaps.push(Gap::Undecidable { kind: "distinct-instance", reason });
        }
        gaps
    }

    /// Whether no instance has any of one resource for a first new task, whatever else it has.
    pub fn is_exhausted(&self, resource: Resource) -> bool {
        let new = self.new.only(resource);
        let next = Next { new: &new, ..self.next(&self.at_most, Distinct::NewOnly) };
        next.answer(None) == Answer::Cannot
    }

    /// At most so many new tasks start before any old one stops.
    pub fn at_once(&self, ignoring: Option<Resource>) -> u32 {
        self.next(&self.at_most, Distinct::NewOnly).at_once(ignoring)
    }

    /// Instances that may be used, sure or not.
    pub fn instances(&self) -> usize {
        self.at_most.len()
    }

    /// The one resource that holds it: without its limit a task could start.
    pub fn held_by(&self) -> Option<Resource> {
        let frees =
            |resource: &Resource| !matches!(self.verdict(Some(*resource)), Verdict::Cannot | Verdict::Unknown(_));
        (self.verdict(None) == Verdict::Cannot).then(|| Resource::ALL.into_iter().find(frees)).flatten()
    }

    fn next<'a>(&'a self, hosts: &'a [Host<'a>], distinct: Distinct) -> Next<'a> {
        Next { hosts, old: &self.old, new: &self.new, rolling: self.rolling, running: self.running, distinct }
    }
}

/// What came of planning.
#[derive(Clone, Debug)]
pub enum Plan<'s> {
    /// Not a rolling deployment on container instances alone.
    NotApplicable,
    /// It can't be planned.
    Unknown(Vec<Gap>),
    /// Planned.
    Planned(Box<Planned<'s>>),
}

/// Plans the next deployment of a workload.
pub fn plan<'s>(analyses: &Analyses<'s>, workload: &Workload<'s>) -> Plan<'s> {
    let (Some(service), Some(variant)) = (workload.service, workload.variants.iter().find(|v| v.role == Role::Primary))
    else {
        return Plan::NotApplicable;
    };
    let Some(rolling) = rolling(service) else { return Plan::NotApplicable };
    if !variant.launches.gaps.is_empty() {
        return Plan::Unknown(variant.launches.gaps.clone());
    }
    if variant.launches.known.iter().any(|launch| launch.kind != LaunchKind::Ec2) {
        return Plan::NotApplicable;
    }
    let definition = match &variant.task_definition {
        Lookup::Found(definition) => *definition,
        Lookup::Absent => return Plan::NotApplicable,
        Lookup::Unread(gap) => return Plan::Unknown(vec![gap.clone()]),
    };
    if let Some(gap) = analyses.topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn) {
        return Plan::Unknown(vec![gap]);
    }
    // Instances that could not be read may have room.
    let hidden = &analyses.hosts(workload.cluster_arn).gaps;
    if !hidden.is_empty() {
        return Plan::Unknown(hidden.clone());
    }
    match old_definition(workload, definition, analyses) {
        Ok(old) => Plan::Planned(Box::new(planned(analyses, workload, variant, rolling, service, definition, old))),
        Err(gap) => Plan::Unknown(vec![gap]),
    }
}

/// The one definition that the tasks run by now.
fn old_definition<'s>(
    workload: &Workload<'s>,
    new: &'s TaskDefinition,
    analyses: &Analyses<'s>,
) -> Result<&'s TaskDefinition, Gap> {
    let mut arns = workload.tasks.iter().filter(|task| task.last_status == "RUNNING").map(|t| &t.task_definition_arn);
    let Some(first) = arns.next() else { return Ok(new) };
    if arns.any(|arn| arn != first) {
        let reason = text!["a deployment is under way: tasks of several revisions run"];
        return Err(Gap::Undecidable { kind: "deployment-under-way", reason });
    }
    if *first == new.arn {
        return Ok(new);
    }
    match analyses.topology.task_definition(first) {
        Lookup::Found(old) => Ok(old),
        Lookup::Unread(gap) => Err(gap),
        Lookup::Absent => {
            let reason = text!["task definition ", first.name().to_owned(), " is not visible"];
            Err(Gap::Undecidable { kind: "task-definition-absent", reason })
        }
    }
}

fn planned<'s>(
    analyses: &Analyses<'s>,
    workload: &Workload<'s>,
    variant: &Variant<'s>,
    rolling: Rolling,
    service: &'s Service,
    definition: &'s TaskDefinition,
    old: &'s TaskDefinition,
) -> Planned<'s> {
    let hosts = analyses.hosts(workload.cluster_arn);
    let mut running_on = vec![0_u32; hosts.all.len()];
    for task in workload.tasks.iter().filter(|task| task.last_status == "RUNNING") {
        let position = task.container_instance_arn.as_ref().and_then(|arn| hosts.position(arn));
        if let Some(position) = position {
            running_on[position] += 1;
        }
    }
    let distinct = service.placement_constraints.iter().any(|constraint| constraint.kind == "distinctInstance");
    let new = Demand { distinct, ..demand(definition) };
    let (mut sure, mut at_most, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    for launch in &variant.launches.known {
        let eligible = analyses.eligible(workload, variant, launch);
        gaps.extend(eligible.gaps.iter().cloned());
        for position in &eligible.sure {
            let (host, gap) = host(&hosts, *position, running_on[*position], new.slots > 0);
            match gap {
                None => sure.push(host.clone()),
                Some(gap) => gaps.push(gap),
            }
            at_most.push(host);
        }
        let perhaps = eligible.perhaps.iter();
        at_most.extend(perhaps.map(|position| host(&hosts, *position, running_on[*position], new.slots > 0).0));
    }
    gaps.sort();
    gaps.dedup();
    Planned {
        rolling,
        running: u32::try_from(service.running_count).unwrap_or(0),
        new,
        old: Demand { distinct, ..demand(old) },
        sure,
        at_most,
        shared: variant.launches.known.len() > 1,
        gaps,
        headroom: interfaces::headroom(
            analyses.topology,
            variant.launches.known.iter().map(|launch| launch.provider.map(|provider| provider.name.as_str())),
        ),
    }
}

/// One instance; where its slots are not known, as if they never ran out, with the gap.
fn host<'s>(hosts: &Hosts<'s>, position: usize, old: u32, needs_slots: bool) -> (Host<'s>, Option<Gap>) {
    let found = &hosts.all[position];
    let free = &found.instance.remaining_resources;
    let with = |slots| Host {
        room: Room {
            cpu_units: free.cpu_units,
            memory_mib: free.memory_mib,
            gpus: free.gpus,
            taken_ports: &found.instance.remaining_resources.ports,
            taken_ports_udp: &found.instance.remaining_resources.ports_udp,
            slots,
        },
        old,
    };
    match &found.slots {
        Ok(slots) => (with(slots.slots().saturating_sub(slots.placed)), None),
        Err(gap) if needs_slots => (with(u32::MAX), Some(gap.clone())),
        Err(_) => (with(0), None),
    }
}
