//! Workloads in use: services with everything they run or move to, and running tasks that no service owns.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::launch::{self, Launches};
use super::{Lookup, Topology};
use crate::finding::Resource;
use crate::snapshot::TargetData;
use crate::snapshot::ecs::{
    AwsvpcConfiguration, CapacityProviderStrategyItem, Service, ServiceConnectConfiguration, ServiceLoadBalancer, Task,
    TaskDefinition, TaskNetworkInterface,
};
use crate::snapshot::enums::{LaunchType, NetworkMode};
use crate::snapshot::ids::{Arn, SubnetId};
use crate::snapshot::schedule::{EcsTarget, Schedule};

/// A service, or the running standalone tasks of one group.
#[derive(Clone, Debug)]
pub struct Workload<'s> {
    /// Position in [`Topology::workloads`].
    pub index: usize,
    /// The cluster.
    pub cluster_arn: &'s Arn,
    /// Name of the cluster.
    pub cluster_name: String,
    /// Service name, or task group.
    pub short_name: String,
    /// The service; `None` for standalone and scheduled tasks.
    pub service: Option<&'s Service>,
    /// The rule or schedule that runs the tasks.
    pub schedule: Option<Scheduled<'s>>,
    /// Its tasks, running and stopped.
    pub tasks: Vec<&'s Task>,
    /// What it runs or moves to: the PRIMARY deployment first, then task sets, then other ACTIVE deployments.
    pub variants: Vec<Variant<'s>>,
}

/// What runs tasks by itself.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled<'s> {
    /// `events:rule` or `scheduler:schedule`.
    pub kind: &'static str,
    /// The event bus of the rule, or the group of the schedule.
    pub group: Option<&'s str>,
    /// Its ARN, if AWS said it.
    pub arn: Option<&'s Arn>,
    /// What it runs.
    pub target: &'s EcsTarget,
}

/// Which part of a workload a variant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The deployment that the service moves to, or stays at.
    Primary,
    /// A task set of an EXTERNAL or CODE_DEPLOY service.
    TaskSet,
    /// An older deployment that still has tasks.
    Active,
    /// Running standalone tasks.
    Standalone,
    /// What a rule or schedule runs.
    Scheduled,
}

/// One revision of a workload with its own placement and network.
#[derive(Clone, Debug)]
pub struct Variant<'s> {
    /// Which part.
    pub role: Role,
    /// The revision.
    pub task_definition_arn: &'s Arn,
    /// The revision, described.
    pub task_definition: Lookup<&'s TaskDefinition>,
    /// Where its tasks launch.
    pub launches: Launches<'s>,
    /// `awsvpcConfiguration`.
    pub network: Option<&'s AwsvpcConfiguration>,
    /// The ENIs of running standalone tasks, which have no configuration to read; a service's is in `network`.
    pub seen_interfaces: Vec<&'s TaskNetworkInterface>,
    /// A pinned Fargate platform version, or `LATEST`.
    pub platform_version: Option<&'s str>,
    /// The operating system that Fargate says it runs, `Linux` or `WINDOWS_SERVER_2022_CORE` for instance.
    pub platform_family: Option<&'s str>,
    /// What its tasks register with. Empty for an older deployment: only the service's present ones are known.
    pub load_balancers: &'s [ServiceLoadBalancer],
    /// Service Connect.
    pub service_connect: Option<&'s ServiceConnectConfiguration>,
}

impl<'s> Workload<'s> {
    /// `cluster/service`, or `cluster/group`.
    pub fn name(&self) -> String {
        format!("{}/{}", self.cluster_name, self.short_name)
    }

    /// How reports refer to it.
    pub fn resource(&self) -> Resource {
        match (self.service, self.schedule) {
            (Some(service), _) => {
                Resource { kind: "ecs:service", arn: service.arn.as_str().to_owned(), name: self.name() }
            }
            (None, Some(schedule)) => {
                let arn = schedule.arn.unwrap_or(self.cluster_arn).as_str().to_owned();
                Resource { kind: schedule.kind, arn, name: self.name() }
            }
            (None, None) => {
                Resource { kind: "ecs:task-group", arn: self.cluster_arn.as_str().to_owned(), name: self.name() }
            }
        }
    }

    /// Whether the service wants no task at present. Standalone tasks are there, so they are wanted.
    pub fn desires_nothing(&self) -> bool {
        self.service.is_some_and(|service| {
            service.desired_count == 0
                && service.scheduling_strategy != crate::snapshot::enums::SchedulingStrategy::Daemon
        })
    }
}

impl<'s> Workload<'s> {
    /// The subnets that its awsvpc tasks start in. Older deployments only finish what they run and are left out.
    pub fn task_subnets(&self) -> impl Iterator<Item = &'s SubnetId> {
        let variants = self.variants.iter().filter(|variant| variant.role != Role::Active);
        variants.flat_map(|variant| {
            let configured = variant.network.into_iter().flat_map(|network| &network.subnets);
            configured.chain(variant.seen_interfaces.iter().filter_map(|seen| seen.subnet_id.as_ref()))
        })
    }
}

impl Workload<'_> {
    /// Whether ECS Exec is on for its tasks.
    pub fn execute_command_enabled(&self) -> bool {
        match (self.service, self.schedule) {
            (Some(service), _) => service.enable_execute_command,
            (None, Some(schedule)) => schedule.target.enable_execute_command,
            (None, None) => {
                self.tasks.iter().any(|task| task.desired_status == "RUNNING" && task.enable_execute_command)
            }
        }
    }
}

impl Variant<'_> {
    /// Whether its tasks have an ENI of their own.
    pub fn is_awsvpc(&self) -> Option<bool> {
        match &self.task_definition {
            Lookup::Found(definition) => Some(definition.network_mode == Some(NetworkMode::Awsvpc)),
            Lookup::Absent | Lookup::Unread(_) => None,
        }
    }
}

/// All workloads of a target, sorted by name.
pub(super) fn all<'s>(topology: &Topology<'s>) -> Vec<Workload<'s>> {
    let data = topology.data();
    let mut of_services: FxHashMap<(&Arn, &str), Vec<&'s Task>> = FxHashMap::default();
    let mut standalone: BTreeMap<(&Arn, &str), Vec<&'s Task>> = BTreeMap::new();
    let scheduled = scheduled(data, topology.now);
    let mut of_schedules: BTreeMap<(&Arn, &str), Vec<&'s Task>> = BTreeMap::new();
    for task in data.tasks.items() {
        let group = group_of(task);
        // What a rule or schedule started belongs to it.
        if let Some(starter) = task.started_by.as_deref().filter(|starter| scheduled.contains_key(*starter)) {
            of_schedules.entry((&task.cluster_arn, starter)).or_default().push(task);
            continue;
        }
        match group.strip_prefix("service:") {
            Some(service) => of_services.entry((&task.cluster_arn, service)).or_default().push(task),
            None => standalone.entry((&task.cluster_arn, group)).or_default().push(task),
        }
    }
    // A service's tasks whose service was not read are no workload of their own.
    let mut workloads: Vec<Workload<'s>> = Vec::new();
    // A service that is being deleted starts nothing any more.
    for service in data.services.items().iter().filter(|service| service.status != "DRAINING") {
        let tasks = of_services.remove(&(&service.cluster_arn, service.name.as_str())).unwrap_or_default();
        workloads.push(of_service(topology, service, tasks));
    }
    for (starter, schedules) in &scheduled {
        for (name, schedule) in schedules {
            let tasks =
                of_schedules.get(&(&schedule.target.cluster_arn, starter.as_str())).cloned().unwrap_or_default();
            workloads.extend(of_schedule(topology, name, *schedule, tasks));
        }
    }
    for ((cluster, group), tasks) in standalone {
        workloads.extend(of_tasks(topology, cluster, group, tasks));
    }
    workloads.sort_by(|a, b| (&a.cluster_name, &a.short_name).cmp(&(&b.cluster_name, &b.short_name)));
    for (index, workload) in workloads.iter_mut().enumerate() {
        workload.index = index;
    }
    workloads
}

/// Enabled rules and schedules by what their tasks say they were started by.
fn scheduled(data: &TargetData, now: Timestamp) -> BTreeMap<String, Vec<(&str, Scheduled<'_>)>> {
    let mut all: BTreeMap<String, Vec<(&str, Scheduled<'_>)>> = BTreeMap::new();
    for rule in data.event_rules.items().iter().filter(|rule| rule.state != "DISABLED") {
        let of_rule = all.entry(format!("events-rule/{}", rule.name)).or_default();
        of_rule.extend(rule.targets.iter().map(|target| {
            (
                rule.name.as_str(),
                Scheduled { kind: "events:rule", group: Some(&rule.event_bus_name), arn: rule.arn.as_ref(), target },
            )
        }));
    }
    let runs = |schedule: &&Schedule| schedule.state != "DISABLED" && !schedule.is_over(now);
    for schedule in data.schedules.items().iter().filter(runs) {
        let of_schedule = all.entry(format!("chronos-schedule/{}", schedule.name)).or_default();
        let target = &schedule.target;
        let kind = "scheduler:schedule";
        of_schedule.push((
            schedule.name.as_str(),
            Scheduled { kind, group: Some(&schedule.group_name), arn: schedule.arn.as_ref(), target },
        ));
    }
    all
}

/// Nothing when the cluster was left out of the scan.
fn of_schedule<'s>(
    topology: &Topology<'s>,
    name: &str,
    schedule: Scheduled<'s>,
    tasks: Vec<&'s Task>,
) -> Option<Workload<'s>> {
    let target = schedule.target;
    let cluster = topology.cluster(&target.cluster_arn).found()?;
    let facts = Facts {
        launch_type: target.launch_type.as_ref(),
        strategy: &target.capacity_provider_strategy,
        network: target.network_configuration.as_ref(),
        platform_version: target.platform_version.as_deref(),
        platform_family: None,
        load_balancers: &[],
        service_connect: None,
    };
    let mut variant = variant(topology, &cluster.arn, Role::Scheduled, &target.task_definition_arn, facts);
    variant.task_definition = topology.task_definition_or_newest(&target.task_definition_arn);
    Some(Workload {
        index: 0,
        cluster_arn: &cluster.arn,
        cluster_name: cluster.name.clone(),
        short_name: name.to_owned(),
        service: None,
        schedule: Some(schedule),
        tasks,
        variants: vec![variant],
    })
}

fn group_of(task: &Task) -> &str {
    task.group.as_deref().unwrap_or_else(|| family_of(&task.task_definition_arn))
}

fn family_of(task_definition: &Arn) -> &str {
    let name = task_definition.name();
    name.rsplit_once(':').map_or(name, |(family, _)| family)
}

fn of_service<'s>(topology: &Topology<'s>, service: &'s Service, tasks: Vec<&'s Task>) -> Workload<'s> {
    let mut variants = Vec::new();
    let primary = service.deployments.iter().find(|deployment| deployment.status == "PRIMARY");
    let service_connect = primary.and_then(|deployment| deployment.service_connect_configuration.as_ref());
    if let Some(arn) = primary.and_then(|d| d.task_definition.as_ref()).or(service.task_definition.as_ref()) {
        let own = primary.map(|d| (d.launch_type.as_ref(), d.capacity_provider_strategy.as_slice()));
        let (launch_type, strategy) = own
            .filter(|(launch_type, strategy)| launch_type.is_some() || !strategy.is_empty())
            .unwrap_or((service.launch_type.as_ref(), &service.capacity_provider_strategy));
        let facts = Facts {
            launch_type,
            strategy,
            network: primary.and_then(|d| d.network_configuration.as_ref()).or(service.network_configuration.as_ref()),
            platform_version: primary
                .and_then(|d| d.platform_version.as_deref())
                .or(service.platform_version.as_deref()),
            platform_family: primary.and_then(|d| d.platform_family.as_deref()).or(service.platform_family.as_deref()),
            load_balancers: &service.load_balancers,
            service_connect,
        };
        variants.push(variant(topology, &service.cluster_arn, Role::Primary, arn, facts));
    }
    for set in service.task_sets.iter().filter(|set| set.status != "DRAINING") {
        let Some(arn) = set.task_definition.as_ref() else { continue };
        let facts = Facts {
            launch_type: set.launch_type.as_ref(),
            strategy: &set.capacity_provider_strategy,
            network: set.network_configuration.as_ref().or(service.network_configuration.as_ref()),
            platform_version: set.platform_version.as_deref(),
            platform_family: set.platform_family.as_deref(),
            load_balancers: &set.load_balancers,
            service_connect: None,
        };
        variants.push(variant(topology, &service.cluster_arn, Role::TaskSet, arn, facts));
    }
    for deployment in service.deployments.iter().filter(|deployment| deployment.status == "ACTIVE") {
        let Some(arn) = deployment.task_definition.as_ref() else { continue };
        let facts = Facts {
            launch_type: deployment.launch_type.as_ref(),
            strategy: &deployment.capacity_provider_strategy,
            network: deployment.network_configuration.as_ref().or(service.network_configuration.as_ref()),
            platform_version: deployment.platform_version.as_deref(),
            platform_family: deployment.platform_family.as_deref(),
            load_balancers: &[],
            service_connect: deployment.service_connect_configuration.as_ref(),
        };
        variants.push(variant(topology, &service.cluster_arn, Role::Active, arn, facts));
    }
    Workload {
        index: 0,
        cluster_arn: &service.cluster_arn,
        cluster_name: service.cluster_arn.name().to_owned(),
        short_name: service.name.clone(),
        service: Some(service),
        schedule: None,
        tasks,
        variants,
    }
}

fn of_tasks<'s>(
    topology: &Topology<'s>,
    cluster: &'s Arn,
    group: &'s str,
    tasks: Vec<&'s Task>,
) -> Option<Workload<'s>> {
    type Placement<'s> = (&'s Arn, Option<&'s LaunchType>, Option<&'s str>);
    let mut by_revision: BTreeMap<Placement<'s>, Vec<&'s Task>> = BTreeMap::new();
    for task in tasks.iter().filter(|task| task.desired_status == "RUNNING") {
        let key = (&task.task_definition_arn, task.launch_type.as_ref(), task.capacity_provider_name.as_deref());
        by_revision.entry(key).or_default().push(task);
    }
    if by_revision.is_empty() {
        return None;
    }
    let mut variants = Vec::new();
    for ((arn, launch_type, _), tasks) in by_revision {
        let facts = Facts {
            launch_type,
            strategy: &[],
            network: None,
            platform_version: tasks[0].platform_version.as_deref(),
            platform_family: tasks[0].platform_family.as_deref(),
            load_balancers: &[],
            service_connect: None,
        };
        let mut variant = variant(topology, cluster, Role::Standalone, arn, facts);
        let running = tasks.iter().filter(|task| task.last_status == "RUNNING");
        variant.seen_interfaces = running.filter_map(|task| task.network_interface.as_ref()).collect();
        variants.push(variant);
    }
    Some(Workload {
        index: 0,
        cluster_arn: cluster,
        cluster_name: cluster.name().to_owned(),
        short_name: group.to_owned(),
        service: None,
        schedule: None,
        tasks,
        variants,
    })
}

struct Facts<'s> {
    launch_type: Option<&'s LaunchType>,
    strategy: &'s [CapacityProviderStrategyItem],
    network: Option<&'s AwsvpcConfiguration>,
    platform_version: Option<&'s str>,
    platform_family: Option<&'s str>,
    load_balancers: &'s [ServiceLoadBalancer],
    service_connect: Option<&'s ServiceConnectConfiguration>,
}

fn variant<'s>(topology: &Topology<'s>, cluster: &'s Arn, role: Role, arn: &'s Arn, facts: Facts<'s>) -> Variant<'s> {
    Variant {
        role,
        task_definition_arn: arn,
        task_definition: topology.task_definition(arn),
        launches: launch::resolve(topology, topology.cluster(cluster), facts.launch_type, facts.strategy),
        network: facts.network,
        seen_interfaces: Vec::new(),
        platform_version: facts.platform_version,
        platform_family: facts.platform_family,
        load_balancers: facts.load_balancers,
        service_connect: facts.service_connect,
    }
}
