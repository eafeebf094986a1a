//! Whether packets of the internet arrive in a subnet: the answers of its interfaces have to leave by an internet gateway.
//!
//! Sources: "Internet gateways", "Route tables" and "Block public access" in the Amazon VPC User Guide.

use std::rc::Rc;

use ipnet::IpNet;

use super::internet::{self, Way};
use crate::reach::route;
use crate::reach::space::AddressSet;
use crate::reach::verdict::{Gap, Hop, Hops};
use crate::snapshot::enums::RouteState;
use crate::snapshot::ids::{InternetGatewayId, SubnetId};
use crate::snapshot::vpc::{Route, RouteTable, RouteTarget, Subnet};
use crate::text;
use crate::topology::{Lookup, Topology};

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Internet {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Internet {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// The block that stands for everyone.
    pub fn block(self) -> &'static str {
        match self {
            Self::V4 => "0.0.0.0/0",
            Self::V6 => "::/0",
        }
    }

    /// The addresses that anybody outside can have.
    pub fn addresses(self) -> AddressSet {
        match self {
            Self::V4 => AddressSet::internet(),
            Self::V6 => AddressSet::from_iter([IpNet::V6("2000::/3".parse().expect("a block of IPv6"))]),
        }
    }
}

/// The way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayIn {
    /// By this gateway.
    By(InternetGatewayId, Hops),
    /// No route leads back by an internet gateway, or block public access stops it.
    None,
    /// It can't be told.
    Unknown(Vec<Gap>),
}

/// The way in to a subnet for interfaces with a public address.
pub fn way_in(topology: &Topology<'_>, id: &SubnetId, internet: Internet) -> WayIn {
    let (subnet, table) = match ends_of(topology, id) {
        Ok(found) => found,
        Err(gap) => return WayIn::Unknown(vec![gap]),
    };
    let routes: Vec<&Route> = match internet {
        Internet::V4 => {
            let split = route::split(table, &internet.addresses(), |list| topology.prefix_list_entries(list).ok());
            split.parts.iter().filter_map(|part| part.route).chain(split.unresolved.iter().copied()).collect()
        }
        Internet::V6 => route::ipv6_default(table).into_iter().collect(),
    };
    let active = |route: &&Route| route.state == RouteState::Active && !route::is_gateway_endpoint(route);
    let routes: Vec<&Route> = routes.into_iter().filter(active).collect();
    let gateway = routes.iter().find_map(|route| match &route.target {
        RouteTarget::InternetGateway(gateway) => Some(gateway),
        _ => None,
    });
    if let Some(gateway) = gateway {
        return by_gateway(topology, subnet, table, gateway, internet);
    }
    let carries_nothing_in = |target: &RouteTarget| {
        matches!(target, RouteTarget::NatGateway(_) | RouteTarget::EgressOnlyInternetGateway(_) | RouteTarget::Local)
    };
    // A firewall between the subnet and the gateway lets in what it likes.
    match routes.iter().find(|route| !carries_nothing_in(&route.target)) {
        None => WayIn::None,
        Some(route) => {
            let reason = text![id, " leads to ", internet::describe(route), ", which can't be seen through"];
            WayIn::Unknown(vec![Gap::Undecidable { kind: "opaque-route", reason }])
        }
    }
}

fn ends_of<'s>(topology: &Topology<'s>, id: &SubnetId) -> Result<(&'s Subnet, &'s RouteTable), Gap> {
    let subnet = super::ends::subnet(topology, id)?;
    match topology.route_table_of(subnet) {
        Lookup::Found(table) => Ok((subnet, table)),
        Lookup::Absent => {
            let reason = text!["no route table of ", id, " is visible"];
            Err(Gap::Undecidable { kind: "no-route-table", reason })
        }
        Lookup::Unread(gap) => Err(gap),
    }
}

fn by_gateway(
    topology: &Topology<'_>,
    subnet: &Subnet,
    table: &RouteTable,
    gateway: &InternetGatewayId,
    internet: Internet,
) -> WayIn {
    match topology.internet_gateway(gateway) {
        Lookup::Found(found) if found.attached_vpcs.contains(&subnet.vpc_id) => {}
        Lookup::Found(_) => return WayIn::None,
        Lookup::Absent => {
            let reason = text![gateway, " is not visible to this account"];
            return WayIn::Unknown(vec![Gap::Undecidable { kind: "internet-gateway", reason }]);
        }
        Lookup::Unread(gap) => return WayIn::Unknown(vec![gap]),
    }
    match internet::public_access(topology, subnet) {
        Way::No(_) => WayIn::None,
        Way::Unknown(gaps) => WayIn::Unknown(gaps),
        Way::Yes => {
            let detail = text![&table.id, " of ", &subnet.id, " routes ", internet.block(), " to ", gateway];
            let resource = table.id.as_str().to_owned();
            WayIn::By(gateway.clone(), vec![Rc::new(Hop { hop: "route-table", resource, verdict: "holds", detail })])
        }
    }
}
