//! Whether packets of the internet arrive in a subnet: the answers of its interfaces have to leave by an internet gateway.
//!
//! Sources: "Internet gateways", "Route tables" and "Block public access" in the Amazon VPC User Guide.

use std::rc::Rc;
use std::sync::LazyLock;

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

    /// Whether addresses are everyone: half of all is as well, for two rules for halves are a known way around a check for
    /// the whole.
    pub fn is_world(self, addresses: &AddressSet) -> bool {
        let all = self.addresses();
        match self {
            Self::V4 => addresses.ipv4_len() * 2 >= all.ipv4_len(),
            Self::V6 => all.is_within(addresses),
        }
    }

    /// The addresses that anybody outside can have.
    pub fn addresses(self) -> AddressSet {
        match self {
            Self::V4 => AddressSet::internet(),
            Self::V6 => {
                static GLOBAL: LazyLock<AddressSet> =
                    LazyLock::new(|| AddressSet::from_iter([IpNet::V6("2000::/3".parse().expect("a block of IPv6"))]));
                GLOBAL.clone()
            }
        }
    }
}

/// The way in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayIn {
    /// By this gateway, for those addresses whose answers leave by it.
    By(InternetGatewayId, AddressSet, Hops),
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
    let routes: Vec<(AddressSet, &Route)> = match internet {
        Internet::V4 => {
            let split = route::split(table, &internet.addresses(), |list| topology.prefix_list_entries(list).ok());
            let known = split.parts.into_iter().filter_map(|part| Some((part.destinations, part.route?)));
            known.chain(split.unresolved.into_iter().map(|route| (AddressSet::default(), route))).collect()
        }
        Internet::V6 => route::ipv6_default(table).map(|route| (internet.addresses(), route)).into_iter().collect(),
    };
    let active = |route: &Route| route.state == RouteState::Active && !route::is_gateway_endpoint(route);
    let routes: Vec<(AddressSet, &Route)> = routes.into_iter().filter(|(_, route)| active(route)).collect();
    let by_gateways = routes.iter().filter_map(|(addresses, route)| match &route.target {
        RouteTarget::InternetGateway(gateway) => Some((gateway, addresses)),
        _ => None,
    });
    let served = by_gateways.clone().fold(AddressSet::default(), |all, (_, addresses)| all.or(addresses));
    if let Some((gateway, _)) = by_gateways.max_by_key(|(_, addresses)| addresses.ipv4_len()) {
        return by_gateway(topology, subnet, table, gateway, internet, served);
    }
    let carries_nothing_in = |target: &RouteTarget| {
        matches!(target, RouteTarget::NatGateway(_) | RouteTarget::EgressOnlyInternetGateway(_) | RouteTarget::Local)
    };
    // A firewall between the subnet and the gateway lets in what it likes.
    match routes.iter().find(|(_, route)| !carries_nothing_in(&route.target)) {
        None => WayIn::None,
        Some((_, route)) => {
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
    served: AddressSet,
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
            let hop = Hop { hop: "route-table", resource, verdict: "holds", detail };
            WayIn::By(gateway.clone(), served, vec![Rc::new(hop)])
        }
    }
}
