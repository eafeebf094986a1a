//! The path from one interface to one destination: which endpoint or way out takes it, and everything that stops it.
//!
//! What a failure is attributed to follows the catalogue: a way out that is there and broken, then an endpoint that is
//! there and doesn't serve, then neither being there. Every blocker of the path is named all the same.

use std::rc::Rc;

use super::Analyses;
use super::endpoint::{self, EndpointFault, Served, Why};
use super::ends;
use super::internet::{self, Way as WayOut};
use super::names;
use super::needs::Destination;
use super::places::Place;
use super::resolution::{self, Resolution};
use crate::reach::leg::{self, Leg, Repair};
use crate::reach::route;
use crate::reach::space::AddressSet;
use crate::reach::traffic::Traffic;
use crate::reach::verdict::{Blocker, Family, Gap, Hop, Hops};
use crate::snapshot::enums::{VpcEndpointState, VpcEndpointType};
use crate::snapshot::ids::{InternetGatewayId, PrefixListId};
use crate::snapshot::vpc::{HostedZone, RouteDestination, RouteTable, RouteTarget, Subnet, Vpc, VpcEndpoint};
use crate::text;
use crate::topology::origin::Origin;
use crate::topology::{Lookup, Topology};

/// The verdict on a path, before anything that only the workload knows.
#[derive(Clone, Debug)]
pub struct Path<'s> {
    /// Whether it gets there.
    pub reach: Reach<'s>,
    /// The steps.
    pub hops: Hops,
    /// The VPC.
    pub vpc: Option<&'s Vpc>,
    /// The effective route table.
    pub route_table: Option<&'s RouteTable>,
    /// Its destination answers through a way out, not through an endpoint.
    pub by_internet: bool,
}

/// A path that gets there, without its steps.
#[derive(Clone, Copy, Debug)]
pub struct Way<'s> {
    /// By this endpoint, or over the internet.
    pub by: Option<&'s VpcEndpoint>,
    /// The VPC.
    pub vpc: Option<&'s Vpc>,
    /// The effective route table.
    pub route_table: Option<&'s RouteTable>,
    /// Its destination answers through a way out, not through an endpoint.
    pub by_internet: bool,
}

impl<'s> Path<'s> {
    /// The path, if it gets there.
    pub fn way(&self) -> Option<Way<'s>> {
        let Reach::Holds(by) = self.reach else { return None };
        Some(Way { by, vpc: self.vpc, route_table: self.route_table, by_internet: self.by_internet })
    }
}

/// Whether a need is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach<'s> {
    /// Proved; by this endpoint, or over the internet.
    Holds(Option<&'s VpcEndpoint>),
    /// Disproved.
    Fails(Box<Failure<'s>>),
    /// Neither.
    Unknown(Vec<Gap>),
}

/// Why it doesn't get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure<'s> {
    /// What it is attributed to.
    pub fault: Fault<'s>,
    /// Everything that has to be repaired.
    pub blockers: Vec<Blocker>,
    /// Only some addresses or ports are refused: connections fail now and then.
    pub is_partial: bool,
    /// What to add to the groups and network ACLs that refuse.
    pub repairs: Vec<Repair>,
}

/// What a failure is attributed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault<'s> {
    /// A way out is there and broken: a blackhole, a NAT gateway, a detached gateway, block public access.
    WayOut(Vec<internet::Fault>),
    /// The way out is an internet gateway and the interface has no public address.
    NoPublicAddress(InternetGatewayId),
    /// A security group or network ACL refuses what the way out would take.
    Refused,
    /// A security group or network ACL refuses what the endpoint would take.
    EndpointRefused(&'s VpcEndpoint),
    /// An endpoint is there and doesn't serve.
    Endpoint(EndpointFault<'s>),
    /// The endpoint's policy denies the call.
    Policy(&'s VpcEndpoint),
    /// A private zone covers the name and lacks it.
    Unresolved(&'s HostedZone),
    /// There is neither an endpoint nor a way out.
    Missing,
}

impl<'s> Fault<'s> {
    /// The endpoint that it is about.
    pub fn endpoint(&self) -> Option<&'s VpcEndpoint> {
        match self {
            Self::EndpointRefused(endpoint) | Self::Policy(endpoint) => Some(endpoint),
            Self::Endpoint(fault) => Some(fault.endpoint),
            Self::WayOut(_) | Self::NoPublicAddress(_) | Self::Refused | Self::Unresolved(_) | Self::Missing => None,
        }
    }
}

/// A path that is being judged.
pub(super) struct Judge<'a, 's> {
    pub(super) analyses: &'a Analyses<'s>,
    pub(super) topology: &'a Topology<'s>,
    pub(super) origin: &'a Place<'s>,
    pub(super) subnet: &'s Subnet,
    pub(super) vpc: &'s Vpc,
    table: Option<&'s RouteTable>,
    pub(super) hops: Hops,
    pub(super) by_internet: bool,
}

/// Judges the path of TCP 443 from an origin to a destination.
pub(super) fn judge<'s>(analyses: &Analyses<'s>, destination: &Destination, origin: &Place<'s>) -> Path<'s> {
    let topology = analyses.topology;
    let (subnet, vpc) = match place(topology, origin) {
        Ok(place) => place,
        Err(gap) => {
            let reach = Reach::Unknown(vec![gap]);
            return Path { reach, hops: Vec::new(), vpc: None, route_table: None, by_internet: false };
        }
    };
    if subnet.ipv6_native {
        let reason = text![&subnet.id, " is IPv6-only, and paths are followed by IPv4"];
        let gap = Gap::Undecidable { kind: "ipv6-only", reason };
        let hops = vec![Rc::new(gap_hop(&gap, subnet.id.as_str().to_owned()))];
        return Path { reach: Reach::Unknown(vec![gap]), hops, vpc: Some(vpc), route_table: None, by_internet: false };
    }
    let table = topology.route_table_of(subnet).found();
    let mut judge = Judge { analyses, topology, origin, subnet, vpc, table, hops: Vec::new(), by_internet: false };
    let reach = match destination {
        Destination::Service { service, region, host } => judge.reach_service(service, region, host),
        Destination::PublicHost(host) => judge.reach_host(host),
        Destination::OtherHost(host) => judge.reach_other_host(host),
    };
    Path { reach, hops: judge.hops, vpc: Some(vpc), route_table: table, by_internet: judge.by_internet }
}

fn place<'s>(topology: &Topology<'s>, origin: &Origin<'s>) -> Result<(&'s Subnet, &'s Vpc), Gap> {
    let subnet = ends::subnet(topology, origin.subnet_id)?;
    match topology.vpc(&subnet.vpc_id) {
        Lookup::Found(vpc) => Ok((subnet, vpc)),
        Lookup::Absent => {
            let reason = text!["VPC ", &subnet.vpc_id, " of ", &subnet.id, " is not visible"];
            Err(Gap::Undecidable { kind: "vpc-absent", reason })
        }
        Lookup::Unread(gap) => Err(gap),
    }
}

impl<'s> Judge<'_, 's> {
    fn reach_service(&mut self, service: &'static str, region: &str, host: &str) -> Reach<'s> {
        let served = endpoint::serving(self.topology, &self.vpc.id, self.table, service, region, host);
        let zone = match &served {
            Served::By(endpoint) if endpoint.endpoint_type != VpcEndpointType::Gateway => {
                Some(names::endpoint_zone(service, host))
            }
            _ => None,
        };
        let resolution = resolution::of(self.topology, self.vpc, host, zone);
        if let Some(zone) = resolution.unresolved_in {
            return self.unresolved(zone, host, &resolution);
        }
        match served {
            Served::By(endpoint) if endpoint.endpoint_type == VpcEndpointType::Gateway => {
                self.by_gateway(endpoint, &resolution)
            }
            Served::By(endpoint) => self.by_interface(endpoint, &resolution),
            served => self.without_endpoint(service, served, &resolution),
        }
    }

    fn reach_host(&mut self, host: &str) -> Reach<'s> {
        let resolution = resolution::of(self.topology, self.vpc, host, None);
        if let Some(zone) = resolution.unresolved_in {
            return self.unresolved(zone, host, &resolution);
        }
        let internet = self.internet();
        self.over_the_internet(&internet, Vec::new(), resolution.gaps(), &resolution.by_zone)
    }

    /// A host that may be anywhere: a way to the internet says that it is reached there, its absence says nothing.
    fn reach_other_host(&mut self, host: &str) -> Reach<'s> {
        let (name, port) = host.split_once(':').unwrap_or((host, "443"));
        match self.reach_host(name) {
            Reach::Holds(by) if port == "443" => Reach::Holds(by),
            Reach::Holds(_) | Reach::Fails(_) | Reach::Unknown(_) => {
                let reason = text![host.to_owned(), " may be inside the network: where it is can't be seen"];
                Reach::Unknown(vec![Gap::Undecidable { kind: "unknown-host", reason }])
            }
        }
    }

    fn unresolved(&mut self, zone: &'s HostedZone, host: &str, resolution: &Resolution<'s>) -> Reach<'s> {
        // Rules and servers of the customer's own come before zones, and zones need both attributes of the VPC.
        if !resolution.elsewhere.is_empty() {
            let doubt = |gap: &Gap| match gap {
                Gap::Unread { .. } => gap.clone(),
                Gap::Undecidable { reason: elsewhere, .. } => {
                    let mut reason = text![&zone.name, " (", &zone.id, ") lacks a name, but "];
                    reason.append(elsewhere.clone());
                    Gap::Undecidable { kind: "zone-not-asked", reason }
                }
            };
            return self.unknown(resolution.elsewhere.iter().map(doubt).collect());
        }
        match self.topology.vpc_dns(&self.vpc.id) {
            Lookup::Found(dns) if dns.enable_dns_support && dns.enable_dns_hostnames => {}
            Lookup::Found(_) | Lookup::Absent => {
                let reason = text![
                    "private hosted zones need the DNS attributes of ",
                    &self.vpc.id,
                    ", which are off or unseen"
                ];
                return self.unknown(vec![Gap::Undecidable { kind: "zone-not-asked", reason }]);
            }
            Lookup::Unread(gap) => return self.unknown(vec![gap]),
        }
        let detail = text![
            "the private hosted zone ",
            &zone.id,
            " for ",
            &zone.name,
            " has no record for ",
            host.to_owned(),
            ", so the name does not resolve in ",
            &self.vpc.id
        ];
        self.hop("private-hosted-zone", &zone.id, "fails", detail.clone());
        let blocker = blocker(Family::Dns, "zone-without-record", &zone.id, detail);
        fails(Fault::Unresolved(zone), vec![blocker], Vec::new())
    }

    fn by_interface(&mut self, endpoint: &'s VpcEndpoint, resolution: &Resolution<'s>) -> Reach<'s> {
        let detail = text![&endpoint.id, " serves ", &endpoint.service_name, " in ", &self.vpc.id];
        self.hop("vpc-endpoint", endpoint.id.as_str(), "holds", detail);
        let leg = self.leg_to_endpoint(endpoint);
        let uncertain = resolution.gaps();
        if !uncertain.is_empty() {
            // Either way the name leads: if both get through, it doesn't matter which.
            let internet = self.internet();
            let both = leg.holds()
                && resolution.by_zone.is_empty()
                && self.analyses.restricting_policy(endpoint).is_none()
                && internet.way == WayOut::Yes
                && self.leg_out(&internet).holds();
            self.hops.extend(leg.hops.iter().cloned());
            return if both { Reach::Holds(None) } else { self.unknown(uncertain) };
        }
        self.hops.extend(leg.hops.iter().cloned());
        self.of_leg(&leg, Fault::EndpointRefused(endpoint), Some(endpoint))
    }

    /// The legs to all interfaces of an endpoint: its name resolves to any of them.
    fn leg_to_endpoint(&self, endpoint: &'s VpcEndpoint) -> Leg {
        let mut all = Leg::default();
        let ends = match self.analyses.ends_of_endpoint(endpoint) {
            Ok(ends) => ends,
            Err(gap) => {
                all.gaps.push(gap);
                return all;
            }
        };
        let own = self.analyses.end_of_place(self.origin, self.subnet);
        let count = ends.len();
        let mut shut = 0;
        for end in ends.iter() {
            all.gaps.extend(self.diverted(&end.addresses));
            let leg = leg::follow(
                &own,
                end,
                Traffic::tcp(443),
                &|id| self.topology.prefix_list_entries(id),
                &self.analyses.acls,
            );
            shut += usize::from(leg.is_shut);
            all.append(leg);
        }
        all.is_shut = count > 0 && shut == count;
        if count == 0 {
            let reason = text![&endpoint.id, " shows no subnet"];
            all.gaps.push(Gap::Undecidable { kind: "endpoint-without-subnet", reason });
        }
        all
    }

    /// A route more specific than `local` sends traffic inside the VPC through something that can't be seen through.
    fn diverted(&self, addresses: &AddressSet) -> Option<Gap> {
        let table = self.table?;
        let split = route::split(table, addresses, |id| self.topology.prefix_list_entries(id).ok());
        let elsewhere =
            split.parts.iter().filter_map(|part| part.route).find(|route| route.target != RouteTarget::Local);
        elsewhere.map(|route| {
            let reason =
                text!["inside ", &self.vpc.id, " ", &table.id, " leads traffic through ", internet::describe(route)];
            Gap::Undecidable { kind: "middlebox", reason }
        })
    }

    fn by_gateway(&mut self, endpoint: &'s VpcEndpoint, resolution: &Resolution<'s>) -> Reach<'s> {
        let detail = text![&endpoint.id, " is on the route table of ", &self.subnet.id, " and serves S3"];
        self.hop("vpc-endpoint", endpoint.id.as_str(), "holds", detail);
        let list = self.table.and_then(|table| gateway_list(table, endpoint));
        let entries = list.and_then(|id| self.topology.prefix_list_entries(id).ok());
        let addresses = match &entries {
            Some(blocks) => blocks.iter().filter(|block| matches!(block, ipnet::IpNet::V4(_))).copied().collect(),
            None => AddressSet::internet(),
        };
        let name = match list {
            Some(id) => text!["S3 (prefix list ", id, ")"],
            None => text!["S3"],
        };
        let own = self.analyses.end_of_place(self.origin, self.subnet);
        let outside = ends::outside(name, addresses, list);
        let leg = leg::follow(
            &own,
            &outside,
            Traffic::tcp(443),
            &|id| self.topology.prefix_list_entries(id),
            &self.analyses.acls,
        );
        self.hops.extend(leg.hops.iter().cloned());
        if !resolution.by_zone.is_empty() {
            return self.unknown(resolution.by_zone.clone());
        }
        if !leg.blockers.is_empty() && !resolution.elsewhere.is_empty() {
            return self.unknown(resolution.elsewhere.clone());
        }
        self.of_leg(&leg, Fault::Refused, Some(endpoint))
    }

    pub(super) fn of_leg(&mut self, leg: &Leg, fault: Fault<'s>, by: Option<&'s VpcEndpoint>) -> Reach<'s> {
        if !leg.blockers.is_empty() {
            let (blockers, repairs) = (leg.blockers.clone(), leg.repairs.clone());
            Reach::Fails(Box::new(Failure { fault, blockers, is_partial: !leg.is_shut, repairs }))
        } else if !leg.gaps.is_empty() {
            self.unknown(leg.gaps.clone())
        } else {
            Reach::Holds(by)
        }
    }

    fn without_endpoint(
        &mut self,
        service: &'static str,
        served: Served<'s>,
        resolution: &Resolution<'s>,
    ) -> Reach<'s> {
        self.note_endpoint(&served, service);
        let internet = self.internet();
        match served {
            Served::Unknown(gaps) => {
                // What wasn't read may take the name over; of what can't be judged only some does.
                let taken = gaps.iter().any(endpoint::takes_the_name);
                if taken || internet.way != WayOut::Yes {
                    let mut gaps = gaps;
                    if let WayOut::Unknown(more) = &internet.way {
                        gaps.extend(more.iter().cloned());
                    }
                    self.hops.extend(internet.hops.iter().cloned());
                    return self.unknown(gaps);
                }
                // An endpoint that can't be judged may be the one that the name leads to.
                let hidden = gaps.into_iter().chain(self.hidden(resolution)).collect();
                self.over_the_internet(&internet, Vec::new(), hidden, &resolution.by_zone)
            }
            Served::No(faults) => {
                let unsettled = faults.iter().find(|fault| {
                    let gone = matches!(
                        fault.endpoint.state,
                        VpcEndpointState::Deleting
                            | VpcEndpointState::Deleted
                            | VpcEndpointState::Failed
                            | VpcEndpointState::Expired
                    );
                    fault.why == Why::State && gone && fault.endpoint.private_dns_enabled
                });
                if let (Some(fault), WayOut::Yes) = (unsettled, &internet.way) {
                    let state = fault.endpoint.state.as_str().to_owned();
                    let reason = text![
                        &fault.endpoint.id,
                        " is ",
                        state,
                        ": whether its private name still answers can't be seen"
                    ];
                    return self.unknown(vec![Gap::Undecidable { kind: "endpoint-state", reason }]);
                }
                self.over_the_internet(&internet, faults, self.hidden(resolution), &resolution.by_zone)
            }
            Served::By(endpoint) => Reach::Holds(Some(endpoint)),
        }
    }

    /// What may serve although nothing that can be seen does.
    pub(super) fn hidden(&self, resolution: &Resolution<'s>) -> Vec<Gap> {
        let account = &self.topology.target.account;
        // In a shared VPC the owner's endpoints can't be described ("Shared subnets" in the PrivateLink guide).
        let owner = [&self.vpc.owner_id, &self.subnet.owner_id].into_iter().find(|owner| *owner != account);
        let shared = owner.map(|owner| {
            let reason =
                text![&self.vpc.id, " is shared by account ", owner, ", whose endpoints can't be seen from here"];
            Gap::Undecidable { kind: "shared-vpc", reason }
        });
        shared.into_iter().chain(resolution.gaps()).collect()
    }

    fn note_endpoint(&mut self, served: &Served<'s>, service: &'static str) {
        match served {
            Served::By(_) => {}
            Served::No(faults) if faults.is_empty() => {
                let detail = text![&self.vpc.id, " has no endpoint for ", service];
                self.hop("vpc-endpoint", service, "fails", detail);
            }
            Served::No(faults) => {
                for fault in faults {
                    let detail = self.endpoint_fault_detail(fault);
                    self.hop("vpc-endpoint", fault.endpoint.id.as_str(), "fails", detail);
                }
            }
            Served::Unknown(gaps) => gaps.iter().for_each(|gap| self.gap_hop(gap)),
        }
    }

    pub(super) fn unknown(&mut self, mut gaps: Vec<Gap>) -> Reach<'s> {
        gaps.sort();
        gaps.dedup();
        gaps.iter().for_each(|gap| self.gap_hop(gap));
        Reach::Unknown(gaps)
    }

    fn gap_hop(&mut self, gap: &Gap) {
        let resource = self.vpc.id.as_str().to_owned();
        self.hops.push(Rc::new(gap_hop(gap, resource)));
    }

    fn hop(&mut self, hop: &'static str, resource: &str, verdict: &'static str, detail: text::Text) {
        self.hops.push(Rc::new(Hop { hop, resource: resource.to_owned(), verdict, detail }));
    }
}

pub(super) fn fails<'s>(fault: Fault<'s>, blockers: Vec<Blocker>, repairs: Vec<Repair>) -> Reach<'s> {
    Reach::Fails(Box::new(Failure { fault, blockers, is_partial: false, repairs }))
}

/// The step that nobody can see through.
pub(super) fn gap_hop(gap: &Gap, resource: String) -> Hop {
    match gap {
        Gap::Unread { dataset, .. } => {
            Hop { hop: "unread", resource, verdict: "unknown", detail: text![dataset.name(), " could not be read"] }
        }
        Gap::Undecidable { kind, reason } => Hop { hop: kind, resource, verdict: "unknown", detail: reason.clone() },
    }
}

pub(super) fn blocker(family: Family, kind: &'static str, resource: &str, detail: text::Text) -> Blocker {
    Blocker {
        family,
        kind,
        need: None,
        origin: None,
        port: Some(443),
        protocol: Some("tcp"),
        resource: Some(resource.to_owned()),
        detail,
    }
}

/// The prefix list that a gateway endpoint's route in a table names.
fn gateway_list<'t>(table: &'t RouteTable, endpoint: &VpcEndpoint) -> Option<&'t PrefixListId> {
    table.routes.iter().find_map(|route| match (&route.destination, &route.target) {
        (RouteDestination::PrefixList(id), RouteTarget::VpcEndpoint(target)) if *target == endpoint.id => Some(id),
        _ => None,
    })
}
