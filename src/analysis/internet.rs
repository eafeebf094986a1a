//! Whether an interface in a subnet has an IPv4 way to the internet, and if not, what is wrong with it.
//!
//! Sources: "Route tables", "NAT gateways", "Internet gateways" and "Block public access" in the Amazon VPC User Guide.
//! A next hop that nobody outside can see through (transit gateway, appliance, firewall) makes the answer unknown.

use std::rc::Rc;

use crate::reach::route::{self, Routed};
use crate::reach::space::AddressSet;
use crate::reach::verdict::{Gap, Hop, Hops};
use crate::snapshot::enums::{AvailabilityMode, ConnectivityType, NatGatewayState, RouteState};
use crate::snapshot::ids::{InternetGatewayId, NatGatewayId, RouteTableId, SubnetId, VpcId};
use crate::snapshot::vpc::{NatGateway, Route, RouteTable, RouteTarget, Subnet};
use crate::text;
use crate::text::Text;
use crate::topology::origin::PublicAddress;
use crate::topology::{Lookup, Topology};

/// The answer with the steps that led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InternetPath {
    /// The answer.
    pub way: Way,
    /// Route tables and gateways on the way.
    pub hops: Hops,
    /// The effective route table of the subnet.
    pub route_table: Option<RouteTableId>,
    /// Zonal NAT gateways on the way, with their subnets.
    pub nat_gateways: Vec<(NatGatewayId, SubnetId)>,
}

/// Whether there is a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Proved.
    Yes,
    /// Disproved, with all that is wrong.
    No(Vec<Fault>),
    /// Neither.
    Unknown(Vec<Gap>),
}

/// What is wrong with a way out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The route table has no route there.
    NoRoute(RouteTableId),
    /// The route's target is gone.
    Blackhole(RouteTableId),
    /// An internet gateway drops packets of an interface without a public address.
    NoPublicAddress(InternetGatewayId),
    /// The internet gateway isn't attached to the VPC.
    GatewayDetached(InternetGatewayId),
    /// The NAT gateway failed or is being deleted.
    NatState(NatGatewayId),
    /// The subnet of the NAT gateway has no way out itself.
    NatSubnet(NatGatewayId),
    /// VPC block public access stops it.
    PublicAccessBlocked,
}

struct Walk<'t, 's> {
    topology: &'t Topology<'s>,
    hops: Hops,
    nat_gateways: Vec<(NatGatewayId, SubnetId)>,
}

/// The way from an interface with or without a public address in `subnet` to the internet.
pub fn path(topology: &Topology<'_>, subnet: &SubnetId, address: PublicAddress) -> InternetPath {
    let mut walk = Walk { topology, hops: Vec::new(), nat_gateways: Vec::new() };
    let (way, route_table) = match topology.subnet(subnet) {
        Lookup::Found(subnet) => walk.out_of_subnet(subnet, address),
        Lookup::Absent => {
            let reason = text!["subnet ", subnet, " does not exist any more"];
            (Way::Unknown(vec![Gap::Undecidable { kind: "subnet-absent", reason }]), None)
        }
        Lookup::Unread(gap) => (Way::Unknown(vec![gap]), None),
    };
    InternetPath { way, hops: walk.hops, route_table, nat_gateways: walk.nat_gateways }
}

/// Whether block public access lets internet gateways carry traffic of a subnet.
pub fn public_access(topology: &Topology<'_>, subnet: &Subnet) -> Way {
    Walk { topology, hops: Vec::new(), nat_gateways: Vec::new() }.block_public_access(subnet, false)
}

impl<'s> Walk<'_, 's> {
    fn out_of_subnet(&mut self, subnet: &'s Subnet, address: PublicAddress) -> (Way, Option<RouteTableId>) {
        let table = match self.topology.route_table_of(subnet) {
            Lookup::Found(table) => table,
            Lookup::Absent => {
                let reason = text!["no route table of ", &subnet.id, " is visible"];
                return (undecidable("no-route-table", reason), None);
            }
            Lookup::Unread(gap) => return (Way::Unknown(vec![gap]), None),
        };
        let mut fates = Vec::new();
        for part in self.parts(table, &mut fates) {
            let fate = self.fate(subnet, table, &part, address);
            fates.push((part.destinations.ipv4_len(), fate));
        }
        let way = merge(fates);
        if matches!(&way, Way::No(_))
            && let Some(unknown) = self.ipv6_only(subnet, table)
        {
            return (unknown, Some(table.id.clone()));
        }
        (way, Some(table.id.clone()))
    }

    /// The internet as the table splits it. Routes of gateway endpoints take only what the endpoint serves.
    fn parts(&self, table: &'s RouteTable, fates: &mut Vec<(u64, Way)>) -> Vec<Routed<'s>> {
        let split = route::split(table, &AddressSet::internet(), |id| {
            let list = self.topology.prefix_list(id).found()?;
            list.entries.clone()
        });
        for route in split.unresolved.iter().filter(|route| !route::is_gateway_endpoint(route)) {
            let reason = text![
                "a route of ",
                &table.id,
                " leads to a prefix list whose entries are not known (",
                describe(route),
                ")"
            ];
            fates.push((0, undecidable("prefix-list", reason)));
        }
        let mut parts = split.parts;
        // A VPC may use public ranges as its own: those are inside, not out.
        let is_out = |route: &Route| !route::is_gateway_endpoint(route) && route.target != RouteTarget::Local;
        parts.retain(|part| part.route.is_none_or(is_out));
        parts
    }

    fn fate(&mut self, subnet: &'s Subnet, table: &RouteTable, part: &Routed<'s>, address: PublicAddress) -> Way {
        let Some(route) = part.route else {
            let detail = text![table_name(table), " of ", &subnet.id, " has no route to the internet"];
            self.hop("route-table", table.id.as_str(), "fails", detail);
            return Way::No(vec![Fault::NoRoute(table.id.clone())]);
        };
        if route.state == RouteState::Blackhole {
            let detail = text![table_name(table), " routes to ", describe(route), ", which is gone (blackhole)"];
            self.hop("route-table", table.id.as_str(), "fails", detail);
            return Way::No(vec![Fault::Blackhole(table.id.clone())]);
        }
        if route.state != RouteState::Active {
            let reason = text!["a route of ", &table.id, " is in state ", route.state.as_str().to_owned()];
            return undecidable("route-state", reason);
        }
        let detail = text![table_name(table), " of ", &subnet.id, " routes to ", describe(route)];
        self.hop("route-table", table.id.as_str(), "holds", detail);
        match &route.target {
            RouteTarget::InternetGateway(id) => self.internet_gateway(id, subnet, address),
            RouteTarget::NatGateway(id) => self.nat_gateway(id),
            _ => {
                let reason = text![
                    "the way out of ",
                    &subnet.id,
                    " goes through ",
                    describe(route),
                    ", which can't be seen through"
                ];
                undecidable(opaque_kind(&route.target), reason)
            }
        }
    }

    fn internet_gateway(&mut self, id: &InternetGatewayId, subnet: &'s Subnet, address: PublicAddress) -> Way {
        match self.topology.internet_gateway(id) {
            Lookup::Found(gateway) if gateway.attached_vpcs.contains(&subnet.vpc_id) => {}
            Lookup::Found(_) => {
                self.hop("internet-gateway", id.as_str(), "fails", text![id, " is not attached to ", &subnet.vpc_id]);
                return Way::No(vec![Fault::GatewayDetached(id.clone())]);
            }
            // A shared VPC shows its route tables but not always the owner's gateway.
            Lookup::Absent => return undecidable("internet-gateway", text![id, " is not visible to this account"]),
            Lookup::Unread(gap) => return Way::Unknown(vec![gap]),
        }
        match address {
            PublicAddress::No => {
                let detail = text![id, " drops packets of an interface without a public IPv4 address"];
                self.hop("internet-gateway", id.as_str(), "fails", detail);
                return Way::No(vec![Fault::NoPublicAddress(id.clone())]);
            }
            PublicAddress::Unknown => {
                let reason = text!["it can't be seen whether interfaces in ", &subnet.id, " get a public address"];
                return undecidable("public-address", reason);
            }
            PublicAddress::Yes => {}
        }
        let way = self.block_public_access(subnet, false);
        if way == Way::Yes {
            self.hop(
                "internet-gateway",
                id.as_str(),
                "holds",
                text![id, " is attached and the interface has a public address"],
            );
        }
        way
    }

    fn nat_gateway(&mut self, id: &NatGatewayId) -> Way {
        let nat = match self.topology.nat_gateway(id) {
            Lookup::Found(nat) => nat,
            Lookup::Absent => return undecidable("nat-gateway", text![id, " is not visible to this account"]),
            Lookup::Unread(gap) => return Way::Unknown(vec![gap]),
        };
        match nat.state {
            NatGatewayState::Available => {}
            NatGatewayState::Failed | NatGatewayState::Deleting | NatGatewayState::Deleted => {
                let detail = text![id, " is in state ", nat.state.as_str().to_owned()];
                self.hop("nat-gateway", id.as_str(), "fails", detail);
                return Way::No(vec![Fault::NatState(id.clone())]);
            }
            NatGatewayState::Pending | NatGatewayState::Other(_) => {
                return undecidable("nat-gateway-state", text![id, " is in state ", nat.state.as_str().to_owned()]);
            }
        }
        if nat.connectivity_type != ConnectivityType::Public {
            let reason = text![id, " is a private NAT gateway: where it leads can't be seen"];
            return undecidable("private-nat-gateway", reason);
        }
        match nat.availability_mode {
            AvailabilityMode::Regional => self.regional_nat(nat),
            AvailabilityMode::Zonal | AvailabilityMode::Other(_) => self.zonal_nat(nat),
        }
    }

    fn zonal_nat(&mut self, nat: &'s NatGateway) -> Way {
        let Some(subnet_id) = nat.subnet_id.as_ref() else {
            return undecidable("nat-gateway", text!["the subnet of ", &nat.id, " is not shown"]);
        };
        let subnet = match self.topology.subnet(subnet_id) {
            Lookup::Found(subnet) => subnet,
            Lookup::Absent => return undecidable("nat-gateway", text!["the subnet of ", &nat.id, " is not visible"]),
            Lookup::Unread(gap) => return Way::Unknown(vec![gap]),
        };
        let table = match self.topology.route_table_of(subnet) {
            Lookup::Found(table) => table,
            Lookup::Absent => return undecidable("nat-gateway", text!["no route table of ", subnet_id, " is visible"]),
            Lookup::Unread(gap) => return Way::Unknown(vec![gap]),
        };
        let pair = (nat.id.clone(), subnet_id.clone());
        if !self.nat_gateways.contains(&pair) {
            self.nat_gateways.push(pair);
        }
        self.out_of_nat(nat, table, Some(subnet))
    }

    fn regional_nat(&mut self, nat: &'s NatGateway) -> Way {
        // It comes with a table of its own whose default route is an internet gateway; that table can be edited.
        let table = nat.route_table_id.as_ref().map(|id| self.topology.route_table(id));
        match table {
            Some(Lookup::Found(table)) => self.out_of_nat(nat, table, None),
            Some(Lookup::Unread(gap)) => Way::Unknown(vec![gap]),
            Some(Lookup::Absent) | None => {
                let reason = text!["the route table of the regional NAT gateway ", &nat.id, " is not shown"];
                undecidable("regional-nat-gateway", reason)
            }
        }
    }

    fn out_of_nat(&mut self, nat: &'s NatGateway, table: &'s RouteTable, subnet: Option<&'s Subnet>) -> Way {
        let mut fates = Vec::new();
        for part in self.parts(table, &mut fates) {
            fates.push((part.destinations.ipv4_len(), self.fate_behind_nat(nat, table, part.route)));
        }
        let way = merge(fates);
        match &way {
            Way::No(_) => {
                let place: Text = match subnet {
                    Some(subnet) => text!["its own subnet ", &subnet.id],
                    None => text!["its own route table"],
                };
                let mut detail = text![&nat.id, " has no way out: "];
                detail.append(place);
                detail.push(" has no route to an attached internet gateway (");
                detail.push(&table.id);
                detail.push(")");
                self.hop("nat-gateway", nat.id.as_str(), "fails", detail);
                Way::No(vec![Fault::NatSubnet(nat.id.clone())])
            }
            Way::Yes => {
                self.hop(
                    "nat-gateway",
                    nat.id.as_str(),
                    "holds",
                    text![&nat.id, " is available and its subnet reaches an internet gateway"],
                );
                match subnet {
                    Some(subnet) => self.block_public_access(subnet, true),
                    None => self.block_public_access_of_vpc(nat),
                }
            }
            Way::Unknown(_) => way,
        }
    }

    fn fate_behind_nat(&self, nat: &NatGateway, table: &RouteTable, route: Option<&'s Route>) -> Way {
        let broken = || Way::No(vec![Fault::NatSubnet(nat.id.clone())]);
        let Some(route) = route else { return broken() };
        match (&route.state, &route.target) {
            (RouteState::Blackhole, _) => broken(),
            (RouteState::Active, RouteTarget::InternetGateway(id)) => match self.topology.internet_gateway(id) {
                Lookup::Found(gateway) if gateway.attached_vpcs.contains(&nat.vpc_id) => Way::Yes,
                Lookup::Found(_) => broken(),
                Lookup::Absent => undecidable("internet-gateway", text![id, " is not visible to this account"]),
                Lookup::Unread(gap) => Way::Unknown(vec![gap]),
            },
            // A NAT gateway can't send to another one.
            (RouteState::Active, RouteTarget::NatGateway(_) | RouteTarget::Local) => broken(),
            _ => {
                let reason = text![
                    "behind ",
                    &nat.id,
                    ", ",
                    &table.id,
                    " leads to ",
                    describe(route),
                    ", which can't be seen through"
                ];
                undecidable(opaque_kind(&route.target), reason)
            }
        }
    }

    fn block_public_access(&mut self, subnet: &Subnet, behind_nat: bool) -> Way {
        self.blocked(&subnet.vpc_id, behind_nat, &[subnet.id.as_str(), subnet.vpc_id.as_str()])
    }

    fn block_public_access_of_vpc(&mut self, nat: &NatGateway) -> Way {
        self.blocked(&nat.vpc_id, true, &[nat.vpc_id.as_str()])
    }

    /// "Block public access to VPCs and subnets" in the VPC User Guide: what may only leave does so by NAT gateways, and an
    /// exclusion for egress does not let an internet gateway carry traffic by itself.
    fn blocked(&mut self, vpc: &VpcId, behind_nat: bool, places: &[&str]) -> Way {
        let account = &self.topology.target.account;
        if self.topology.vpc(vpc).found().is_some_and(|vpc| vpc.owner_id != *account) {
            let reason = text!["the block-public-access mode of ", vpc, " is that of its owner, which can't be seen"];
            return undecidable("shared-vpc", reason);
        }
        let options = match self.topology.block_public_access() {
            Lookup::Found(options) => options,
            Lookup::Absent => return Way::Yes,
            Lookup::Unread(gap) => return Way::Unknown(vec![gap]),
        };
        let excluded = |mode| places.iter().any(|place| options.exclusions.get(*place).is_some_and(|own| own == mode));
        let mode = options.internet_gateway_block_mode.as_str();
        match mode {
            "off" => Way::Yes,
            _ if excluded("allow-bidirectional") => Way::Yes,
            "block-ingress" if behind_nat => Way::Yes,
            "block-bidirectional" if behind_nat && excluded("allow-egress") => Way::Yes,
            "block-bidirectional" | "block-ingress" => {
                let detail = text![
                    "VPC block public access (",
                    mode.to_owned(),
                    ") stops ",
                    if behind_nat { "NAT gateways in " } else { "traffic through internet gateways in " },
                    vpc
                ];
                self.hop("block-public-access", vpc.as_str(), "fails", detail);
                Way::No(vec![Fault::PublicAccessBlocked])
            }
            mode => {
                let reason = text!["VPC block public access is in mode ", mode.to_owned(), ", which is not known"];
                undecidable("block-public-access", reason)
            }
        }
    }

    /// Without an IPv4 way an IPv6 one may still serve dual-stack names; which names a platform uses isn't visible.
    fn ipv6_only(&mut self, subnet: &Subnet, table: &RouteTable) -> Option<Way> {
        if subnet.ipv6_native {
            let reason = text![&subnet.id, " is IPv6-only: which services have names that it can use is not visible"];
            return Some(undecidable("ipv6-only", reason));
        }
        let route = route::ipv6_default(table)?;
        if subnet.ipv6_cidr_blocks.is_empty() || route.state != RouteState::Active {
            return None;
        }
        let reason = text![
            &subnet.id,
            " has no IPv4 way out but an IPv6 one by ",
            describe(route),
            ": whether the names in use have IPv6 addresses is not visible"
        ];
        Some(undecidable("ipv6-way", reason))
    }

    fn hop(&mut self, hop: &'static str, resource: &str, verdict: &'static str, detail: Text) {
        let hop = Hop { hop, resource: resource.to_owned(), verdict, detail };
        if !self.hops.iter().any(|known| **known == hop) {
            self.hops.push(Rc::new(hop));
        }
    }
}

fn undecidable(kind: &'static str, reason: Text) -> Way {
    Way::Unknown(vec![Gap::Undecidable { kind, reason }])
}

/// The bulk of the internet decides for yes: a route of its own for some company's range takes nothing from AWS's
/// services. For no, every part has to be shut; it is the bulk again that says what is wrong.
fn merge(fates: Vec<(u64, Way)>) -> Way {
    let (mut open, mut other, mut faults, mut gaps) = (0, 0, Vec::new(), Vec::new());
    let bulk = fates.iter().map(|(addresses, _)| *addresses).max().unwrap_or_default();
    for (addresses, fate) in fates {
        match fate {
            Way::Yes => {
                open += addresses;
                continue;
            }
            Way::No(more) if addresses == bulk => faults.extend(more),
            Way::No(_) => {}
            Way::Unknown(more) => gaps.extend(more),
        }
        other += addresses;
    }
    faults.sort();
    faults.dedup();
    gaps.sort();
    gaps.dedup();
    if open > other {
        return Way::Yes;
    }
    if !gaps.is_empty() {
        return Way::Unknown(gaps);
    }
    if open == 0 {
        return Way::No(faults);
    }
    undecidable("part-of-the-internet", text!["the route table leads only a part of the internet's addresses out"])
}

fn table_name(table: &RouteTable) -> crate::text::Span {
    let words = if table.main { "main route table " } else { "route table " };
    crate::text::Span::Name(format!("{words}{}", table.id))
}

/// The target of a route in words.
pub fn describe(route: &Route) -> String {
    match &route.target {
        RouteTarget::Local => "local".to_owned(),
        RouteTarget::InternetGateway(id) | RouteTarget::EgressOnlyInternetGateway(id) => id.as_str().to_owned(),
        RouteTarget::NatGateway(id) => id.as_str().to_owned(),
        RouteTarget::VpcEndpoint(id) => format!("the endpoint {id}"),
        RouteTarget::TransitGateway(id) => format!("transit gateway {id}"),
        RouteTarget::VirtualPrivateGateway(id) => format!("virtual private gateway {id}"),
        RouteTarget::VpcPeeringConnection(id) => format!("VPC peering connection {id}"),
        RouteTarget::NetworkInterface(id) => format!("network interface {id}"),
        RouteTarget::Instance(id) => format!("instance {id}"),
        RouteTarget::CoreNetwork(id) => format!("core network {id}"),
        RouteTarget::LocalGateway(id) => format!("local gateway {id}"),
        RouteTarget::CarrierGateway(id) => format!("carrier gateway {id}"),
        RouteTarget::Other(id) => format!("a target of an unknown kind {id}").trim_end().to_owned(),
    }
}

fn opaque_kind(target: &RouteTarget) -> &'static str {
    match target {
        RouteTarget::TransitGateway(_) => "transit-gateway",
        RouteTarget::VirtualPrivateGateway(_) => "virtual-private-gateway",
        RouteTarget::VpcPeeringConnection(_) => "vpc-peering-connection",
        RouteTarget::NetworkInterface(_) | RouteTarget::Instance(_) => "appliance",
        RouteTarget::VpcEndpoint(_) => "gateway-load-balancer-endpoint",
        RouteTarget::CoreNetwork(_) => "core-network",
        RouteTarget::LocalGateway(_) => "local-gateway",
        RouteTarget::CarrierGateway(_) => "carrier-gateway",
        RouteTarget::EgressOnlyInternetGateway(_) => "egress-only-internet-gateway",
        RouteTarget::Local => "local-route",
        RouteTarget::InternetGateway(_) | RouteTarget::NatGateway(_) | RouteTarget::Other(_) => "route-target",
    }
}
