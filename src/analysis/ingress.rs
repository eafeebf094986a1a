//! From a load balancer to its targets: for every pair of a load-balancer subnet and a place that targets run in,
//! whether traffic and health checks get through.
//!
//! Sources: "Security groups for your Application Load Balancer", "Security groups for your Network Load Balancer" and
//! "Target groups for your Network Load Balancers" in the ELB guides; "Network bindings" in the ECS API reference.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Analyses;
use super::balancing::{self, Sources};
use super::ends;
use super::places::{Place, Places};
use crate::reach::leg::{self, Leg};
use crate::reach::traffic::{Ports, Protocol, Traffic};
use crate::reach::verdict::{Gap, Hops};
use crate::snapshot::ecs::{PortMapping, ServiceLoadBalancer, Task, TaskDefinition};
use crate::snapshot::elb::{LoadBalancer, TargetGroup, TargetHealth};
use crate::snapshot::enums::{LoadBalancerType, NetworkMode, TargetType};
use crate::snapshot::ids::{Arn, SubnetId};
use crate::text;
use crate::topology::launch::{Launch, LaunchKind};
use crate::topology::origin::{InterfaceKind, Origin};
use crate::topology::workload::{Role, Variant, Workload};
use crate::topology::{Lookup, Topology};

/// What a flow is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlowPurpose {
    /// Requests of clients.
    Traffic,
    /// Health checks.
    Health,
}

/// Where the port of a flow comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortKind {
    /// The task definition or the health check fixes it.
    Fixed,
    /// A running task has bound it.
    Bound,
    /// The whole range that dynamic ports come from.
    Range,
}

/// Traffic of one load balancer to one place.
#[derive(Clone, Debug)]
pub struct Flow<'s> {
    /// The entry of the service.
    pub entry: &'s ServiceLoadBalancer,
    /// The target group.
    pub target_group: &'s TargetGroup,
    /// The load balancer.
    pub load_balancer: &'s LoadBalancer,
    /// What for.
    pub purpose: FlowPurpose,
    /// The subnet of the load balancer.
    pub from: &'s SubnetId,
    /// Where the targets are.
    pub to: Place<'s>,
    /// It comes from the addresses of clients.
    pub by_client: bool,
    /// What is sent.
    pub sent: Traffic,
    /// Where the port comes from.
    pub port_kind: PortKind,
    /// How it fares; without steps where nothing is in the way, see [`Analyses::hops_of_flow`].
    pub leg: Rc<Leg>,
    /// Why a refusal proves nothing: live state that contradicts it, or targets that may never be there.
    pub doubts: Vec<Gap>,
}

impl Flow<'_> {
    /// Proved to be refused, wholly or in part.
    pub fn is_refused(&self) -> bool {
        !self.leg.blockers.is_empty() && self.doubts.is_empty()
    }

    /// What can't be told of it.
    pub fn gaps(&self) -> Vec<Gap> {
        if self.is_refused() {
            return Vec::new();
        }
        let mut gaps = self.leg.gaps.clone();
        if !self.leg.blockers.is_empty() {
            gaps.extend(self.doubts.iter().cloned());
        }
        gaps
    }
}

/// All flows to a workload, and what hides others.
#[derive(Clone, Debug, Default)]
pub struct Ingress<'s> {
    /// Those known.
    pub flows: Vec<Flow<'s>>,
    /// What hides others.
    pub gaps: Vec<Gap>,
    /// The workload has an entry that this concerns.
    pub concerns: bool,
}

/// The flows of all load balancers to a workload. Older deployments finish what they run and are left out.
pub(super) fn of<'s>(analyses: &Analyses<'s>, workload: &Workload<'s>) -> Ingress<'s> {
    let mut ingress = Ingress::default();
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        for entry in variant.load_balancers {
            let arns = entry.target_group_arn.iter().chain(&entry.alternate_target_group_arn);
            for arn in arns {
                ingress.concerns = true;
                Walk { analyses, topology: analyses.topology, workload, variant, entry }
                    .target_group(arn, &mut ingress);
            }
        }
    }
    ingress.gaps.sort();
    ingress.gaps.dedup();
    ingress
}

struct Walk<'a, 's> {
    analyses: &'a Analyses<'s>,
    topology: &'a Topology<'s>,
    workload: &'a Workload<'s>,
    variant: &'a Variant<'s>,
    entry: &'s ServiceLoadBalancer,
}

impl<'s> Walk<'_, 's> {
    fn target_group(&self, arn: &Arn, ingress: &mut Ingress<'s>) {
        let group = match self.topology.target_group(arn) {
            Lookup::Found(group) => group,
            Lookup::Absent => return,
            Lookup::Unread(gap) => return ingress.gaps.push(gap),
        };
        let definition = match &self.variant.task_definition {
            Lookup::Found(definition) => *definition,
            Lookup::Absent => return,
            Lookup::Unread(gap) => return ingress.gaps.push(gap.clone()),
        };
        if group.ip_address_type.as_deref() == Some("ipv6") {
            let reason = text!["targets of ", &group.name, " have IPv6 addresses, which are not followed"];
            return ingress.gaps.push(Gap::Undecidable { kind: "ipv6", reason });
        }
        // An ALB behind an NLB has its own target groups, and a Lambda function no port.
        if matches!(group.target_type, TargetType::Alb | TargetType::Lambda) {
            return;
        }
        for balancer in &group.load_balancer_arns {
            match self.topology.load_balancer(balancer) {
                Lookup::Found(balancer) if balancer.kind != LoadBalancerType::Gateway => {
                    ingress.gaps.extend(self.variant.launches.gaps.iter().cloned());
                    for launch in &self.variant.launches.known {
                        self.load_balancer(group, balancer, definition, launch, ingress);
                    }
                }
                Lookup::Found(_) | Lookup::Absent => {}
                Lookup::Unread(gap) => ingress.gaps.push(gap),
            }
        }
    }

    fn load_balancer(
        &self,
        group: &'s TargetGroup,
        balancer: &'s LoadBalancer,
        definition: &'s TaskDefinition,
        launch: &Launch<'s>,
        ingress: &mut Ingress<'s>,
    ) {
        let places = self.targets(definition, launch);
        ingress.gaps.extend(places.gaps);
        let first = ingress.flows.len();
        let crossing = balancing::cross_zone(self.topology, balancer, group);
        let sources = match self.analyses.sources(balancer, group) {
            Ok(sources) => sources,
            Err(gap) => return ingress.gaps.push(gap),
        };
        for origin in places.known {
            let Some(zone) = self.topology.subnet(origin.subnet_id).found().map(|s| &s.availability_zone) else {
                ingress.gaps.extend(ends::subnet(self.topology, origin.subnet_id).err());
                continue;
            };
            for source in sources.iter() {
                let same = source.zone == zone;
                if !same && crossing == Some(false) {
                    continue;
                }
                let idle = (!same && crossing.is_none()).then(|| across_zones(balancer, source, &origin));
                self.flows(group, balancer, definition, source, &origin, idle, ingress);
            }
        }
        if places.may_be_narrower {
            doubt_single_places(&mut ingress.flows[first..]);
        }
    }

    fn targets(&self, definition: &TaskDefinition, launch: &Launch<'s>) -> Places<'s> {
        let own = launch.kind == LaunchKind::Fargate || definition.network_mode == Some(NetworkMode::Awsvpc);
        match (own, launch.kind) {
            (true, _) => self.analyses.task_places(self.workload, self.variant, launch),
            (false, LaunchKind::Ec2) => self.analyses.instance_places(self.workload, self.variant, launch),
            (false, _) => Places::default(),
        }
    }

    #[allow(clippy::too_many_arguments, reason = "the two ends of a pair, named one by one")]
    fn flows(
        &self,
        group: &'s TargetGroup,
        balancer: &'s LoadBalancer,
        definition: &'s TaskDefinition,
        source: &Sources<'s>,
        origin: &Place<'s>,
        idle: Option<Gap>,
        ingress: &mut Ingress<'s>,
    ) {
        let preserves = match balancing::preserves_client_ip(self.topology, balancer, group) {
            Ok(preserves) => Some(preserves),
            Err(gap) => {
                ingress.gaps.push(gap);
                None
            }
        };
        let mut push = |purpose, sent: Traffic, port_kind, more: Option<Gap>| {
            let by_client = match purpose {
                FlowPurpose::Traffic => preserves,
                FlowPurpose::Health => Some(false),
            };
            // From whom traffic comes can't be seen.
            let Some(by_client) = by_client else { return };
            let leg = self.leg(balancer, by_client, source, origin, sent);
            let mut doubts: Vec<Gap> = idle.iter().cloned().chain(more).collect();
            if !leg.blockers.is_empty() {
                let refuses = |port| {
                    let sent = Traffic { protocol: sent.protocol, ports: Ports::one(port) };
                    !self.leg(balancer, by_client, source, origin, sent).blockers.is_empty()
                };
                doubts.extend(self.contradiction(group, origin, purpose, sent.ports, refuses));
            }
            ingress.flows.push(Flow {
                entry: self.entry,
                target_group: group,
                load_balancer: balancer,
                purpose,
                from: source.subnet_id,
                to: origin.clone(),
                by_client,
                sent,
                port_kind,
                leg,
                doubts,
            });
        };
        let ports = self.ports(definition, origin);
        let other_range = other_range(&ports, origin);
        let doubt_of = |kind| if kind == PortKind::Range { other_range.clone() } else { None };
        for (ports, kind) in &ports {
            for protocol in balancing::protocols(group) {
                push(FlowPurpose::Traffic, Traffic { protocol, ports: *ports }, *kind, doubt_of(*kind));
            }
        }
        let check = &group.health_check;
        if !check.enabled {
            return;
        }
        match check.port.as_deref().unwrap_or("traffic-port") {
            "traffic-port" => {
                for (ports, kind) in ports {
                    push(FlowPurpose::Health, Traffic { protocol: Protocol::Tcp, ports }, kind, doubt_of(kind));
                }
            }
            port => {
                if let Ok(port) = port.parse() {
                    push(FlowPurpose::Health, Traffic::tcp(port), PortKind::Fixed, None);
                }
            }
        }
    }

    /// The ports that targets are registered with in a place.
    fn ports(&self, definition: &TaskDefinition, origin: &Origin<'s>) -> Vec<(Ports, PortKind)> {
        let Some(container_port) = self.entry.container_port else { return Vec::new() };
        let fixed = |port| vec![(Ports::one(port), PortKind::Fixed)];
        if origin.interface == InterfaceKind::TaskEni {
            return fixed(container_port);
        }
        let mapping = mapping(definition, self.entry);
        let static_port = mapping.and_then(|mapping| mapping.host_port).filter(|port| *port != 0);
        match (&definition.network_mode, static_port) {
            (_, Some(port)) => fixed(port),
            // In host mode an absent host port is the container port.
            (Some(NetworkMode::Host), None) => fixed(container_port),
            (_, None) => {
                let bound = self.bound_ports(container_port, origin);
                let bound = bound.into_iter().map(|port| (Ports::one(port), PortKind::Bound));
                bound.chain([(dynamic_ports(origin), PortKind::Range)]).collect()
            }
        }
    }

    fn bound_ports(&self, container_port: u16, origin: &Origin<'s>) -> BTreeSet<u16> {
        let here = |arn: &Option<Arn>| origin.instances.iter().any(|instance| Some(&instance.arn) == arn.as_ref());
        let tasks = self.workload.tasks.iter().filter(|task| task.last_status == "RUNNING");
        let containers = tasks.filter(|task| here(&task.container_instance_arn)).flat_map(|task| &task.containers);
        let named =
            containers.filter(|container| self.entry.container_name.as_ref().is_none_or(|n| *n == container.name));
        let bindings = named.flat_map(|container| &container.network_bindings);
        bindings.filter(|binding| binding.container_port == Some(container_port)).filter_map(|b| b.host_port).collect()
    }

    fn leg(
        &self,
        balancer: &'s LoadBalancer,
        by_client: bool,
        source: &Sources<'s>,
        origin: &Place<'s>,
        sent: Traffic,
    ) -> Rc<Leg> {
        let key = (&balancer.arn, source.subnet_id, by_client, sent);
        self.analyses.leg(key, origin, || follow(self.analyses, by_client, source, origin, sent))
    }

    /// A target that is healthy there although the model says that it can't be.
    fn contradiction(
        &self,
        group: &TargetGroup,
        origin: &Origin<'s>,
        purpose: FlowPurpose,
        ports: Ports,
        refuses: impl Fn(u16) -> bool,
    ) -> Option<Gap> {
        let health = self.topology.target_health_of(&group.arn).ok()?;
        let subnet = self.topology.subnet(origin.subnet_id).found()?;
        let addresses = ends::subnet_addresses(subnet);
        let here = |id: &str| match id.parse() {
            Ok(address) => addresses.contains(address),
            Err(_) => origin.instances.iter().any(|i| i.ec2_instance_id.as_ref().is_some_and(|own| own.as_str() == id)),
        };
        // What counts is the port that is refused, not the whole range that it is part of.
        let fits = |port: u16| match purpose {
            FlowPurpose::Traffic => ports.contains(port) && refuses(port),
            FlowPurpose::Health if ports.first == ports.last => true,
            FlowPurpose::Health => refuses(port),
        };
        let mut healthy = health.items().iter().filter(|target| target.state == "healthy");
        let target = healthy.find(|target| {
            here(&target.target_id)
                && !self.is_of_another_revision(target)
                && target.port.is_none_or(|port| fits(port) || group.target_type == TargetType::Ip)
        })?;
        let reason = text![
            "contradicted by live state: target ",
            &target.target_id,
            " of ",
            &group.name,
            " is healthy in ",
            origin.subnet_id
        ];
        Some(Gap::Undecidable { kind: "live-state", reason })
    }
}

impl Walk<'_, '_> {
    /// A task of an older revision is healthy by rules that need not be those of the new one.
    fn is_of_another_revision(&self, target: &TargetHealth) -> bool {
        let address = |task: &Task| {
            task.network_interface.as_ref().and_then(|i| i.private_ipv4_address.as_ref()) == Some(&target.target_id)
        };
        let task = self.workload.tasks.iter().find(|task| address(task));
        task.is_some_and(|task| task.task_definition_arn != *self.variant.task_definition_arn)
    }
}

fn follow<'s>(
    analyses: &Analyses<'s>,
    by_client: bool,
    source: &Sources<'s>,
    origin: &Place<'s>,
    sent: Traffic,
) -> Leg {
    let topology = analyses.topology;
    let Some(subnet) = topology.subnet(origin.subnet_id).found() else { return Leg::default() };
    let to = analyses.end_of_place(origin, subnet);
    let from = if by_client { &source.clients } else { &source.nodes };
    leg::follow(from, &to, sent, &|id| topology.prefix_list_entries(id), &analyses.acls)
}

impl<'s> Analyses<'s> {
    /// The steps of a flow, made again where nothing is in the way: hardly anybody asks.
    pub fn hops_of_flow(&self, flow: &Flow<'s>) -> Hops {
        if !flow.leg.holds() {
            return flow.leg.hops.clone();
        }
        let Ok(sources) = self.sources(flow.load_balancer, flow.target_group) else { return Hops::new() };
        let source = sources.iter().find(|source| source.subnet_id == flow.from);
        source.map(|source| follow(self, flow.by_client, source, &flow.to, flow.sent).hops).unwrap_or_default()
    }
}

/// The range that ECS takes dynamic host ports from unless an instance says otherwise ("PortMapping" in the ECS API).
fn dynamic_ports(origin: &Origin<'_>) -> Ports {
    if origin.is_windows { Ports::EPHEMERAL_WINDOWS } else { Ports::EPHEMERAL_LINUX }
}

/// Ports in use outside of the usual range show that the instance has another one.
fn other_range(ports: &[(Ports, PortKind)], origin: &Origin<'_>) -> Option<Gap> {
    let usual = dynamic_ports(origin);
    let outside = |(bound, kind): &&(Ports, PortKind)| *kind == PortKind::Bound && !usual.contains(bound.first);
    let (bound, _) = ports.iter().find(outside)?;
    let reason = text![
        "host port ",
        bound.first,
        " is in use, which the usual range of dynamic ports does not have: the instance's own range can't be seen"
    ];
    Some(Gap::Undecidable { kind: "dynamic-port-range", reason })
}

fn across_zones(balancer: &LoadBalancer, source: &Sources<'_>, to: &Place<'_>) -> Gap {
    let reason = text![
        "whether ",
        &balancer.name,
        " balances across zones can't be seen, and with it whether it sends from ",
        source.subnet_id,
        " to ",
        to.subnet_id
    ];
    Gap::Undecidable { kind: "cross-zone", reason }
}

/// Where a constraint may keep tasks from some of the instances, only a refusal on all of them is proved.
fn doubt_single_places(flows: &mut [Flow<'_>]) {
    for purpose in [FlowPurpose::Traffic, FlowPurpose::Health] {
        let mine = |flow: &Flow<'_>| flow.purpose == purpose;
        if flows.iter().filter(|flow| mine(flow)).all(|flow| !flow.leg.blockers.is_empty()) {
            continue;
        }
        for flow in flows.iter_mut().filter(|flow| mine(flow)) {
            let reason = text!["a placement constraint may keep tasks from the instances in ", flow.to.subnet_id];
            flow.doubts.push(Gap::Undecidable { kind: "placement-constraint", reason });
        }
    }
}

/// The port mapping that a load-balancer entry names.
pub fn mapping<'d>(definition: &'d TaskDefinition, entry: &ServiceLoadBalancer) -> Option<&'d PortMapping> {
    let mut containers = definition.containers.iter();
    let container = containers.find(|container| Some(&container.name) == entry.container_name.as_ref())?;
    container.port_mappings.iter().find(|mapping| mapping.container_port == entry.container_port)
}

/// Whether health checks go to a fixed port of instances although the container's host port is dynamic and no container
/// maps that port: nothing can listen there.
pub fn checks_an_unmapped_port(definition: &TaskDefinition, entry: &ServiceLoadBalancer, group: &TargetGroup) -> bool {
    let check = &group.health_check;
    let Some(port) = check.port.as_deref().filter(|_| check.enabled).and_then(|port| port.parse::<u16>().ok()) else {
        return false;
    };
    let shares_host_ports = matches!(definition.network_mode, None | Some(NetworkMode::Bridge));
    let is_dynamic = |mapping: &PortMapping| mapping.host_port.is_none_or(|port| port == 0);
    let mappings = definition.containers.iter().flat_map(|container| &container.port_mappings);
    group.target_type == TargetType::Instance
        && shares_host_ports
        && mapping(definition, entry).is_some_and(is_dynamic)
        && !mappings.into_iter().any(|mapping| mapping.host_port == Some(port))
}
