//! Needs × origins: for everything a workload must reach and every interface that asks for it, whether it gets there.

use std::rc::Rc;

use jiff::SignedDuration;

use super::Analyses;
use super::needs::{self, Destination, Need, Purpose};
use super::path::{self, Failure, Fault, Path, Reach, Way};
use super::places::Place;
use crate::reach::policy::{self, Decision, Principal};
use crate::reach::verdict::{Family, Gap, Hop, Hops, Trace};
use crate::snapshot::ecs::{ContainerInstance, TaskDefinition};
use crate::snapshot::enums::VpcEndpointType;
use crate::snapshot::ids::Arn;
use crate::snapshot::vpc::{RouteTable, Vpc, VpcEndpoint};
use crate::text;
use crate::topology::launch::{Launch, LaunchKind};
use crate::topology::origin::{InterfaceKind, Origin};
use crate::topology::workload::{Variant, Workload};
use crate::topology::{Lookup, Topology};

/// A start this recent proves that the way exists, whatever the model says.
const COUNTER_EVIDENCE: SignedDuration = SignedDuration::from_hours(1);

/// One need from one origin.
#[derive(Clone, Debug)]
pub struct Cell<'s> {
    /// How the task launches.
    pub launch: LaunchKind,
    /// What is needed; `None` for a gap that hides the needs or origins themselves.
    pub need: Option<Rc<Need>>,
    /// From where.
    pub origin: Option<Place<'s>>,
    /// The VPC of the origin.
    pub vpc: Option<&'s Vpc>,
    /// The effective route table of the origin.
    pub route_table: Option<&'s RouteTable>,
    /// A placement constraint may keep tasks away from this origin.
    pub origin_is_uncertain: bool,
    /// The destination answers through a way out, not through an endpoint.
    pub by_internet: bool,
    /// The answer.
    pub reach: Reach<'s>,
    /// How it was found; empty where it holds, see [`Analyses::hops`].
    pub hops: Hops,
}

impl Cell<'_> {
    /// How it was found, for reports.
    pub fn trace(&self, home_region: &str) -> Option<Trace> {
        let (need, origin) = (self.need.as_ref()?.name(home_region), self.origin.as_ref()?);
        let hops = self.hops.iter().map(|hop| (**hop).clone()).collect();
        Some(Trace { need, origin: origin.subnet_id.as_str().to_owned(), hops })
    }

    /// Whether it is proved to fail.
    pub fn failure(&self) -> Option<&Failure<'_>> {
        match &self.reach {
            Reach::Fails(failure) => Some(failure),
            Reach::Holds(_) | Reach::Unknown(_) => None,
        }
    }
}

/// All cells of a workload.
pub(super) fn cells<'s>(analyses: &Analyses<'s>, workload: &Workload<'s>) -> Vec<Cell<'s>> {
    let mut cells = Vec::new();
    for variant in &workload.variants {
        for launch in &variant.launches.known {
            Table { analyses, workload, variant, launch }.fill(&mut cells);
        }
        cells.extend(variant.launches.gaps.iter().map(|gap| of_gap(LaunchKind::Ec2, gap.clone())));
    }
    cells
}

fn of_gap<'s>(launch: LaunchKind, gap: Gap) -> Cell<'s> {
    Cell {
        launch,
        need: None,
        origin: None,
        vpc: None,
        route_table: None,
        origin_is_uncertain: false,
        by_internet: false,
        reach: Reach::Unknown(vec![gap]),
        hops: Hops::new(),
    }
}

struct Table<'a, 's> {
    analyses: &'a Analyses<'s>,
    workload: &'a Workload<'s>,
    variant: &'a Variant<'s>,
    launch: &'a Launch<'s>,
}

impl<'s> Table<'_, 's> {
    fn topology(&self) -> &Topology<'s> {
        self.analyses.topology
    }

    fn fill(&self, cells: &mut Vec<Cell<'s>>) {
        let kind = self.launch.kind;
        let definition = match &self.variant.task_definition {
            Lookup::Found(definition) => *definition,
            Lookup::Absent => {
                let reason = text![
                    "task definition ",
                    self.variant.task_definition_arn.name().to_owned(),
                    " is not in the snapshot"
                ];
                cells.push(of_gap(kind, Gap::Undecidable { kind: "task-definition-absent", reason }));
                return;
            }
            Lookup::Unread(gap) => {
                cells.push(of_gap(kind, gap.clone()));
                return;
            }
        };
        let needs = needs::of(self.topology(), self.workload, self.variant, definition, kind);
        let all: Vec<Rc<Need>> = needs.into_iter().map(Rc::new).collect();
        for interface in [InterfaceKind::TaskEni, InterfaceKind::InstanceEni] {
            let needs: Vec<&Rc<Need>> = all.iter().filter(|need| need.interface == interface).collect();
            if needs.is_empty() {
                continue;
            }
            let places = match interface {
                InterfaceKind::TaskEni => self.analyses.task_places(self.workload, self.variant, self.launch),
                InterfaceKind::InstanceEni => self.analyses.instance_places(self.workload, self.variant, self.launch),
            };
            cells.reserve(places.known.len() * needs.len() + places.gaps.len());
            for place in &places.known {
                cells.extend(needs.iter().map(|need| self.cell(need, place, definition, places.may_be_narrower)));
            }
            cells.extend(places.gaps.into_iter().map(|gap| of_gap(kind, gap)));
        }
    }

    fn cell(
        &self,
        need: &Rc<Need>,
        origin: &Place<'s>,
        definition: &TaskDefinition,
        origin_is_uncertain: bool,
    ) -> Cell<'s> {
        if let Some(way) = self.way(need, origin, definition) {
            return Cell {
                launch: self.launch.kind,
                need: Some(Rc::clone(need)),
                origin: Some(origin.clone()),
                vpc: way.vpc,
                route_table: way.route_table,
                origin_is_uncertain,
                by_internet: way.by_internet,
                reach: Reach::Holds(way.by),
                hops: Hops::new(),
            };
        }
        let path = self.analyses.path(&need.destination, origin);
        let (reach, hops) = self.of_workload(need, origin, definition, &path);
        let name = need.name(&self.topology().target.region);
        let reach = named(reach, &name, origin);
        Cell {
            launch: self.launch.kind,
            need: Some(Rc::clone(need)),
            origin: Some(origin.clone()),
            vpc: path.vpc,
            route_table: path.route_table,
            origin_is_uncertain,
            by_internet: path.by_internet,
            reach,
            hops,
        }
    }

    /// How the need is reached, if it is: by a path whose policy allows the calls.
    fn way(&self, need: &Need, origin: &Place<'s>, definition: &TaskDefinition) -> Option<Way<'s>> {
        let way = self.analyses.way(&need.destination, origin)?;
        let Some(endpoint) = way.by else { return Some(way) };
        let reach = by_policy(self.analyses, need, endpoint, self.roles(need, definition), way.vpc, &mut Hops::new());
        matches!(reach, Reach::Holds(_)).then_some(way)
    }

    /// The path with what only the workload knows: the calls that a policy has to allow, doubts and live state.
    fn of_workload(
        &self,
        need: &Need,
        origin: &Place<'s>,
        definition: &TaskDefinition,
        path: &Path<'s>,
    ) -> (Reach<'s>, Hops) {
        let mut hops = path.hops.clone();
        let mut reach = match &path.reach {
            Reach::Holds(Some(endpoint)) => {
                let roles = self.roles(need, definition);
                by_policy(self.analyses, need, endpoint, roles, path.vpc, &mut hops)
            }
            other => other.clone(),
        };
        if matches!(reach, Reach::Fails(_)) {
            let doubt = need.doubt.clone();
            let doubt = doubt.map(|reason| Gap::Undecidable { kind: "need-not-certain", reason });
            let gaps: Vec<Gap> = doubt.into_iter().chain(self.contradiction(need, origin)).collect();
            if !gaps.is_empty() {
                hops.extend(gaps.iter().map(|gap| Rc::new(path::gap_hop(gap, origin.subnet_id.as_str().to_owned()))));
                reach = Reach::Unknown(gaps);
            }
        }
        (reach, hops)
    }

    /// The roles that sign; an instance's is not known.
    fn roles<'d>(&self, need: &Need, definition: &'d TaskDefinition) -> Roles<'d> {
        match need.interface {
            InterfaceKind::TaskEni => {
                Roles { execution: definition.execution_role_arn.as_ref(), task: definition.task_role_arn.as_ref() }
            }
            InterfaceKind::InstanceEni => Roles::default(),
        }
    }

    /// Live state that a "blocked" would contradict: a proxy or something else that no API shows must be there.
    fn contradiction(&self, need: &Need, origin: &Place<'s>) -> Option<Gap> {
        let task = self.workload.tasks.iter().find(|task| {
            let recent = task.started_at.is_some_and(|at| self.topology().now.duration_since(at) <= COUNTER_EVIDENCE);
            let here = match origin.interface {
                InterfaceKind::TaskEni => {
                    task.network_interface.as_ref().and_then(|i| i.subnet_id.as_ref()) == Some(origin.subnet_id)
                }
                InterfaceKind::InstanceEni => {
                    origin.instances.iter().any(|i| Some(&i.arn) == task.container_instance_arn.as_ref())
                }
            };
            // A schedule may name a family, which stands for its newest revision.
            let revision = self.variant.task_definition.clone().found().map(|definition| &definition.arn);
            recent && here && task.task_definition_arn == *revision.unwrap_or(self.variant.task_definition_arn)
        });
        if let Some(task) = task.filter(|_| need.blocks_start) {
            let reason = text![
                "contradicted by live state: task ",
                task.arn.name().to_owned(),
                " started in ",
                origin.subnet_id,
                " within the last hour"
            ];
            return Some(Gap::Undecidable { kind: "live-state", reason });
        }
        connected_without_a_way(self.analyses, origin)
    }
}

/// The name of an instance of the origin whose agent is connected.
pub fn connected_agent<'s>(origin: &Origin<'s>) -> Option<&'s str> {
    let connected =
        |instance: &&&ContainerInstance| instance.agent_connected || instance.agent_connected_at_end == Some(true);
    origin.instances.iter().find(connected).map(|instance| instance.arn.name())
}

/// An agent that is connected although no way to the control plane is visible.
fn connected_without_a_way<'s>(analyses: &Analyses<'s>, origin: &Place<'s>) -> Option<Gap> {
    let connected = connected_agent(origin)?;
    let needs = needs::of_container_instances(analyses.topology);
    let shut = |need: &Need| matches!(analyses.path(&need.destination, origin).reach, Reach::Fails(_));
    needs.iter().all(shut).then(|| {
        let reason = text![
            "contradicted by live state: the agent of ",
            connected.to_owned(),
            " is connected although no way to the ECS control plane is visible; it may use a proxy"
        ];
        Gap::Undecidable { kind: "live-state", reason }
    })
}

/// Blockers with the need and the origin that they concern.
fn named<'s>(mut reach: Reach<'s>, need: &str, origin: &Origin<'s>) -> Reach<'s> {
    if let Reach::Fails(failure) = &mut reach {
        for blocker in &mut failure.blockers {
            blocker.need = Some(need.to_owned());
            blocker.origin = Some(origin.subnet_id.as_str().to_owned());
        }
    }
    reach
}

/// The roles of a task, where they are known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Roles<'d> {
    /// The platform's, on start.
    pub execution: Option<&'d Arn>,
    /// The task's own, afterwards.
    pub task: Option<&'d Arn>,
}

/// Whether the policy of the endpoint that serves a need allows its calls.
pub fn by_policy<'s>(
    analyses: &Analyses<'s>,
    need: &Need,
    endpoint: &'s VpcEndpoint,
    roles: Roles<'_>,
    vpc: Option<&Vpc>,
    hops: &mut Hops,
) -> Reach<'s> {
    let Some(policy) = analyses.restricting_policy(endpoint) else { return Reach::Holds(Some(endpoint)) };
    let account = &analyses.topology.target.account;
    let (mut denied, mut gaps) = (Vec::new(), Vec::new());
    for call in &need.calls {
        let mut context = vec![("aws:sourcevpce", endpoint.id.as_str())];
        context.extend(vpc.map(|vpc| ("aws:sourcevpc", vpc.id.as_str())));
        let role = if call.on_start { roles.execution } else { roles.task };
        let principal = match (call.by_aws, role) {
            (true, _) => Principal::Unknown,
            (false, Some(role)) => Principal::Role(role.as_str()),
            (false, None) => Principal::OfAccount(account),
        };
        if !call.by_aws {
            context.push(("aws:principalaccount", account));
            context.extend(role.map(|role| ("aws:principalarn", role.as_str())));
        }
        let request = policy::Request {
            action: call.action,
            resource: call.resource.as_deref(),
            principal,
            context: &context,
            is_gateway: endpoint.endpoint_type == VpcEndpointType::Gateway,
        };
        match policy.evaluate(&request) {
            Decision::Allowed => {}
            Decision::Denied { by } => denied.push((call, by)),
            Decision::Undecidable(reason) => {
                let reason = text!["the policy of ", &endpoint.id, " on ", call.action, " can't be decided: ", reason];
                gaps.push(Gap::Undecidable { kind: "endpoint-policy", reason });
            }
        }
    }
    let id = endpoint.id.as_str().to_owned();
    if !denied.is_empty() {
        let detail = |(call, by): &(&needs::Call, Option<String>)| {
            let on = match &call.resource {
                Some(resource) if resource != "*" => text![call.action, " on ", resource],
                _ => text![call.action],
            };
            let mut detail = text!["the policy of ", &endpoint.id];
            match by {
                Some(statement) => {
                    detail.push(" denies ");
                    detail.append(on);
                    detail.push(" (statement ");
                    detail.push(statement);
                    detail.push(")");
                }
                None => {
                    detail.push(" does not allow ");
                    detail.append(on);
                }
            }
            detail
        };
        let blockers: Vec<_> =
            denied.iter().map(|call| path::blocker(Family::Policy, "policy-denies", &id, detail(call))).collect();
        let of_blocker = |blocker: &crate::reach::verdict::Blocker| Hop {
            hop: "endpoint-policy",
            resource: id.clone(),
            verdict: "fails",
            detail: blocker.detail.clone(),
        };
        hops.extend(blockers.iter().map(of_blocker).map(Rc::new));
        return Reach::Fails(Box::new(Failure {
            fault: Fault::Policy(endpoint),
            blockers,
            is_partial: false,
            repairs: Vec::new(),
        }));
    }
    if !gaps.is_empty() {
        hops.extend(gaps.iter().map(|gap| Rc::new(path::gap_hop(gap, id.clone()))));
        return Reach::Unknown(gaps);
    }
    Reach::Holds(Some(endpoint))
}

/// Which part of the catalogue a need belongs to, where neither an endpoint nor a way out is there for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An AWS service that an endpoint here could serve.
    Service,
    /// A registry that no endpoint here could serve.
    Registry,
    /// A log destination in another Region.
    RemoteLog,
    /// ECS Exec, and nothing else.
    Exec,
}

/// The kind of a need of a workload in `home_region`.
pub fn kind(need: &Need, home_region: &str) -> Kind {
    let abroad = need.region().is_some_and(|region| region != home_region);
    match &need.destination {
        Destination::PublicHost(_) | Destination::OtherHost(_) => Kind::Registry,
        Destination::Service { .. } if abroad && need.is_for(Purpose::Image) => Kind::Registry,
        Destination::Service { .. } if abroad && need.is_for(Purpose::Log) => Kind::RemoteLog,
        Destination::Service { .. } if need.causes.iter().all(|cause| cause.purpose == Purpose::Exec) => Kind::Exec,
        Destination::Service { .. } => Kind::Service,
    }
}
