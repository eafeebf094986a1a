//! Needs × origins: for everything a workload must reach and every interface that asks for it, whether it gets there.
//!
//! The verdict here is about ways that exist: endpoints, routes, gateways and names. What a failure is attributed to
//! follows the catalogue's order: a broken way out, then a broken endpoint, then neither being there.

use std::rc::Rc;

use jiff::SignedDuration;

use super::Analyses;
use super::endpoint::{self, EndpointFault, Served};
use super::internet::{self, InternetPath, Way};
use super::names;
use super::needs::{self, Need};
use crate::reach::verdict::{Gap, Hop, Trace};
use crate::snapshot::ids::VpcId;
use crate::snapshot::vpc::{RouteTable, Subnet, Vpc};
use crate::text;
use crate::topology::launch::{Launch, LaunchKind};
use crate::topology::origin::{self, InterfaceKind, Origin, Origins};
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
    pub origin: Option<Rc<Origin<'s>>>,
    /// The VPC of the origin.
    pub vpc: Option<&'s Vpc>,
    /// The effective route table of the origin.
    pub route_table: Option<&'s RouteTable>,
    /// A placement constraint may keep tasks away from this origin.
    pub origin_is_uncertain: bool,
    /// The answer.
    pub reach: Reach<'s>,
    /// How it was found.
    pub trace: Option<Trace>,
}

/// Whether a need is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach<'s> {
    /// Proved.
    Holds,
    /// Disproved, with the fault that the failure is attributed to.
    Fails(Fault<'s>),
    /// Neither.
    Unknown(Vec<Gap>),
}

/// What a failure is attributed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault<'s> {
    /// A way out is there and broken, or drops packets without a public address.
    Internet(Vec<internet::Fault>),
    /// Endpoints for the service are there and don't serve.
    Endpoint(Vec<EndpointFault<'s>>),
    /// There is neither.
    Missing,
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
        reach: Reach::Unknown(vec![gap]),
        trace: None,
    }
}

struct Table<'a, 's> {
    analyses: &'a Analyses<'s>,
    workload: &'a Workload<'s>,
    variant: &'a Variant<'s>,
    launch: &'a Launch<'s>,
}

struct Place<'s> {
    subnet: &'s Subnet,
    vpc: &'s Vpc,
    table: Option<&'s RouteTable>,
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
        let needs = needs::of(&self.topology().target.region, self.variant, definition, kind);
        for interface in [InterfaceKind::TaskEni, InterfaceKind::InstanceEni] {
            let needs: Vec<Rc<Need>> =
                needs.iter().filter(|n| n.interface == interface).cloned().map(Rc::new).collect();
            if needs.is_empty() {
                continue;
            }
            let origins = self.origins(interface);
            for origin in origins.known {
                let origin = Rc::new(origin);
                cells.extend(needs.iter().map(|need| self.cell(need, &origin, origins.may_be_narrower)));
            }
            cells.extend(origins.gaps.into_iter().map(|gap| of_gap(kind, gap)));
        }
    }

    fn origins(&self, interface: InterfaceKind) -> Origins<'s> {
        match interface {
            InterfaceKind::TaskEni => origin::task_interfaces(self.variant, self.launch),
            InterfaceKind::InstanceEni => {
                origin::instance_interfaces(self.topology(), self.workload, self.variant, self.launch)
            }
        }
    }

    fn cell(&self, need: &Rc<Need>, origin: &Rc<Origin<'s>>, origin_is_uncertain: bool) -> Cell<'s> {
        let mut hops = Vec::new();
        let place = self.place(origin);
        let reach = match &place {
            Ok(place) => self.reach(need, origin, place, &mut hops),
            Err(gap) => Reach::Unknown(vec![gap.clone()]),
        };
        let trace = Trace { need: need.service.to_owned(), origin: origin.subnet_id.as_str().to_owned(), hops };
        let place = place.ok();
        Cell {
            launch: self.launch.kind,
            need: Some(Rc::clone(need)),
            origin: Some(Rc::clone(origin)),
            vpc: place.as_ref().map(|place| place.vpc),
            route_table: place.and_then(|place| place.table),
            origin_is_uncertain,
            reach,
            trace: Some(trace),
        }
    }

    fn place(&self, origin: &Origin<'s>) -> Result<Place<'s>, Gap> {
        let subnet = match self.topology().subnet(origin.subnet_id) {
            Lookup::Found(subnet) => subnet,
            Lookup::Absent => {
                let reason = text!["subnet ", origin.subnet_id, " does not exist any more"];
                return Err(Gap::Undecidable { kind: "subnet-absent", reason });
            }
            Lookup::Unread(gap) => return Err(gap),
        };
        let vpc = match self.topology().vpc(&subnet.vpc_id) {
            Lookup::Found(vpc) => vpc,
            Lookup::Absent => {
                let reason = text!["VPC ", &subnet.vpc_id, " of ", &subnet.id, " is not visible"];
                return Err(Gap::Undecidable { kind: "vpc-absent", reason });
            }
            Lookup::Unread(gap) => return Err(gap),
        };
        Ok(Place { subnet, vpc, table: self.topology().route_table_of(subnet).found() })
    }

    fn reach(&self, need: &Need, origin: &Origin<'s>, place: &Place<'s>, hops: &mut Vec<Hop>) -> Reach<'s> {
        let served = endpoint::serving(self.topology(), &place.vpc.id, place.table, need.service, &need.region);
        if let Served::By(endpoint) = served {
            let detail = text![&endpoint.id, " serves ", &endpoint.service_name, " in ", &place.vpc.id];
            hops.push(Hop { hop: "vpc-endpoint", resource: endpoint.id.as_str().to_owned(), verdict: "holds", detail });
            return Reach::Holds;
        }
        let internet = self.analyses.internet_path(origin.subnet_id, origin.public_address);
        note_endpoint(&served, need, place, hops);
        hops.extend(internet.hops.iter().cloned());
        match (&internet.way, served) {
            (Way::Yes, _) => Reach::Holds,
            (Way::Unknown(gaps), Served::Unknown(more)) => Reach::Unknown(gaps.iter().cloned().chain(more).collect()),
            (Way::Unknown(gaps), _) => Reach::Unknown(gaps.clone()),
            (Way::No(_), Served::Unknown(gaps)) => Reach::Unknown(gaps),
            (Way::No(_), Served::No(faults)) => self.no_visible_way(need, origin, place, &internet, faults, hops),
            (Way::No(_), Served::By(_)) => Reach::Holds,
        }
    }

    /// Neither endpoint nor internet: proved only when nothing unseen can lead the name somewhere else.
    fn no_visible_way(
        &self,
        need: &Need,
        origin: &Origin<'s>,
        place: &Place<'s>,
        internet: &InternetPath,
        endpoint_faults: Vec<EndpointFault<'s>>,
        hops: &mut Vec<Hop>,
    ) -> Reach<'s> {
        let mut gaps = self.other_owners(place);
        gaps.extend(self.other_names(need, &place.vpc.id, place.vpc));
        gaps.extend(self.contradiction(need, origin, place));
        if let Some(doubt) = &need.doubt {
            gaps.push(Gap::Undecidable { kind: "need-not-certain", reason: doubt.clone() });
        }
        if !gaps.is_empty() {
            for gap in &gaps {
                hops.push(gap_hop(gap, place));
            }
            return Reach::Unknown(gaps);
        }
        let Way::No(faults) = &internet.way else { return Reach::Fails(Fault::Missing) };
        let broken: Vec<internet::Fault> = faults.iter().filter(|f| !is_no_way_at_all(f, origin)).cloned().collect();
        if !broken.is_empty() {
            Reach::Fails(Fault::Internet(broken))
        } else if !endpoint_faults.is_empty() {
            Reach::Fails(Fault::Endpoint(endpoint_faults))
        } else {
            Reach::Fails(Fault::Missing)
        }
    }

    /// In a shared VPC the owner's endpoints can't be described ("Shared subnets" in the PrivateLink guide).
    fn other_owners(&self, place: &Place<'s>) -> Vec<Gap> {
        let account = &self.topology().target.account;
        let owner = [&place.vpc.owner_id, &place.subnet.owner_id].into_iter().find(|owner| *owner != account);
        let gap = owner.map(|owner| {
            let reason =
                text![&place.vpc.id, " is shared by account ", owner, ", whose endpoints can't be seen from here"];
            Gap::Undecidable { kind: "shared-vpc", reason }
        });
        gap.into_iter().collect()
    }

    /// Whatever may answer for the service's name instead of Amazon's public DNS.
    fn other_names(&self, need: &Need, vpc_id: &VpcId, vpc: &Vpc) -> Vec<Gap> {
        let topology = self.topology();
        let host = names::host(&topology.target.partition, &need.region, need.service);
        let mut gaps = Vec::new();
        if let Some(id) = vpc.dhcp_options_id.as_ref().filter(|id| id.as_str() != "default") {
            match topology.dhcp_options(id) {
                Lookup::Found(options) => gaps.extend(custom_resolver(vpc_id, &options.domain_name_servers)),
                Lookup::Absent => {
                    let reason = text!["the DHCP options ", id, " of ", vpc_id, " are not visible"];
                    gaps.push(Gap::Undecidable { kind: "dhcp-options", reason });
                }
                Lookup::Unread(gap) => gaps.push(gap),
            }
        }
        match topology.hosted_zones_in(vpc_id) {
            Lookup::Found(answer) => {
                gaps.extend(answer.zones.iter().filter(|zone| names::covers(&zone.name, &host)).map(|zone| {
                    let reason =
                        text!["a private hosted zone for ", &zone.name, " (", &zone.id, ") answers in ", vpc_id];
                    Gap::Undecidable { kind: "private-hosted-zone", reason }
                }));
            }
            Lookup::Absent => {
                let reason = text!["the private hosted zones of ", vpc_id, " are not in the snapshot"];
                gaps.push(Gap::Undecidable { kind: "private-hosted-zone", reason });
            }
            Lookup::Unread(gap) => gaps.push(gap),
        }
        match topology.resolver_rules_in(vpc_id) {
            Ok(rules) => gaps.extend(
                rules
                    .items()
                    .iter()
                    .filter(|rule| {
                        // SYSTEM and RECURSIVE leave a name with Amazon's resolver.
                        let elsewhere = !matches!(rule.rule_type.as_deref(), Some("SYSTEM" | "RECURSIVE"));
                        elsewhere && rule.domain_name.as_deref().is_none_or(|domain| names::covers(domain, &host))
                    })
                    .map(|rule| {
                        let reason = text!["Resolver rule ", &rule.id, " forwards names of ", vpc_id, " elsewhere"];
                        Gap::Undecidable { kind: "resolver-rule", reason }
                    }),
            ),
            Err(gap) => gaps.push(gap),
        }
        match topology.profiles_in(vpc_id) {
            Ok(profiles) => gaps.extend(profiles.items().iter().map(|profile| {
                let reason = text!["Route 53 Profile ", &profile.profile_id, " can bring zones and rules to ", vpc_id];
                Gap::Undecidable { kind: "route53-profile", reason }
            })),
            Err(gap) => gaps.push(gap),
        }
        gaps
    }

    /// Live state that a "blocked" would contradict: a proxy or something else that no API shows must be there.
    fn contradiction(&self, need: &Need, origin: &Origin<'s>, place: &Place<'s>) -> Option<Gap> {
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
            recent && here && task.task_definition_arn == *self.variant.task_definition_arn
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
        let connected = origin.instances.iter().find(|instance| instance.agent_connected)?;
        let control_plane = ["ecs-agent", "ecs-telemetry", "ecs"];
        let region = &self.topology().target.region;
        let explained = control_plane.iter().any(|service| {
            !matches!(endpoint::serving(self.topology(), &place.vpc.id, place.table, service, region), Served::No(_))
        });
        if explained {
            return None;
        }
        let reason = text![
            "contradicted by live state: the agent of ",
            connected.arn.name().to_owned(),
            " is connected although no way to the ECS control plane is visible; it may use a proxy"
        ];
        Some(Gap::Undecidable { kind: "live-state", reason })
    }
}

/// A missing route is no way at all; so is, for an instance, an internet gateway without a public address.
fn is_no_way_at_all(fault: &internet::Fault, origin: &Origin<'_>) -> bool {
    match fault {
        internet::Fault::NoRoute(_) => true,
        internet::Fault::NoPublicAddress(_) => origin.interface == InterfaceKind::InstanceEni,
        internet::Fault::Blackhole(_)
        | internet::Fault::GatewayDetached(_)
        | internet::Fault::NatState(_)
        | internet::Fault::NatSubnet(_)
        | internet::Fault::PublicAccessBlocked => false,
    }
}

fn custom_resolver(vpc: &VpcId, servers: &[String]) -> Option<Gap> {
    let own: Vec<&String> = servers.iter().filter(|server| !server.eq_ignore_ascii_case("AmazonProvidedDNS")).collect();
    let first = own.first()?;
    let reason = text![vpc, " resolves names with ", *first, " instead of Amazon's resolver"];
    Some(Gap::Undecidable { kind: "custom-dns", reason })
}

fn note_endpoint(served: &Served<'_>, need: &Need, place: &Place<'_>, hops: &mut Vec<Hop>) {
    match served {
        Served::By(_) => {}
        Served::No(faults) if faults.is_empty() => {
            let detail = text![&place.vpc.id, " has no endpoint for ", need.service];
            hops.push(Hop { hop: "vpc-endpoint", resource: need.service.to_owned(), verdict: "fails", detail });
        }
        Served::No(faults) => hops.extend(faults.iter().map(|fault| {
            let id = &fault.endpoint.id;
            let detail = match fault.why {
                endpoint::Why::State => text![id, " is in state ", fault.endpoint.state.as_str().to_owned()],
                endpoint::Why::PrivateDnsOff => text!["private DNS of ", id, " is off"],
                endpoint::Why::VpcDnsOff => {
                    text!["a DNS attribute of ", &place.vpc.id, " is off, so ", id, " has no private names"]
                }
                endpoint::Why::NotRouted => text![id, " is not on the route table of ", &place.subnet.id],
            };
            Hop { hop: "vpc-endpoint", resource: id.as_str().to_owned(), verdict: "fails", detail }
        })),
        Served::Unknown(gaps) => hops.extend(gaps.iter().map(|gap| gap_hop(gap, place))),
    }
}

fn gap_hop(gap: &Gap, place: &Place<'_>) -> Hop {
    let resource = place.vpc.id.as_str().to_owned();
    match gap {
        Gap::Unread { dataset, .. } => {
            Hop { hop: "unread", resource, verdict: "unknown", detail: text![dataset.name(), " could not be read"] }
        }
        Gap::Undecidable { kind, reason } => Hop { hop: kind, resource, verdict: "unknown", detail: reason.clone() },
    }
}
