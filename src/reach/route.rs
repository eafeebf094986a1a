//! Which route a packet takes: the longest prefix wins, and of equal ones the static route.
//!
//! Source: "Route priority" in the Amazon VPC User Guide. A static CIDR route also wins over a prefix-list route of the
//! same length, and both over a propagated one.

use ipnet::{IpNet, Ipv4Net};

use super::space::AddressSet;
use crate::snapshot::ids::PrefixListId;
use crate::snapshot::vpc::{Route, RouteDestination, RouteTable, RouteTarget};

/// A part of the destinations and the route that takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routed<'s> {
    /// The part.
    pub destinations: AddressSet,
    /// Its route; `None` where no route matches and the packet is dropped.
    pub route: Option<&'s Route>,
}

/// How a table splits destinations among its routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split<'s> {
    /// The parts, none of them empty, the most specific route first.
    pub parts: Vec<Routed<'s>>,
    /// Routes to prefix lists whose entries are not known: any destination may be theirs.
    pub unresolved: Vec<&'s Route>,
}

/// Splits `destinations` by longest prefix match. `entries` gives the entries of a prefix list, if they are known.
pub fn split<'s>(
    table: &'s RouteTable,
    destinations: &AddressSet,
    entries: impl Fn(&PrefixListId) -> Option<Vec<IpNet>>,
) -> Split<'s> {
    let mut unresolved = Vec::new();
    let mut prefixes: Vec<(Ipv4Net, Rank, &Route)> = Vec::new();
    for route in &table.routes {
        match &route.destination {
            RouteDestination::Cidr(IpNet::V4(block)) => prefixes.push((*block, Rank::of(route), route)),
            RouteDestination::Cidr(IpNet::V6(_)) => {}
            RouteDestination::PrefixList(id) => match entries(id) {
                Some(blocks) => prefixes.extend(blocks.iter().filter_map(|block| match block {
                    IpNet::V4(block) => Some((*block, Rank::of(route), route)),
                    IpNet::V6(_) => None,
                })),
                None => unresolved.push(route),
            },
        }
    }
    prefixes.sort_by_key(|(block, rank, _)| (std::cmp::Reverse(block.prefix_len()), *rank));
    let mut parts: Vec<Routed<'s>> = Vec::new();
    let mut left = destinations.clone();
    for (block, _, route) in prefixes {
        let block = AddressSet::from(block);
        let part = left.and(&block);
        if part.is_empty() {
            continue;
        }
        left = left.minus(&block);
        match parts.iter_mut().find(|routed| routed.route.is_some_and(|r| std::ptr::eq(r, route))) {
            Some(routed) => routed.destinations = routed.destinations.or(&part),
            None => parts.push(Routed { destinations: part, route: Some(route) }),
        }
    }
    if !left.is_empty() {
        parts.push(Routed { destinations: left, route: None });
    }
    Split { parts, unresolved }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Static,
    PrefixList,
    Propagated,
}

impl Rank {
    fn of(route: &Route) -> Self {
        match (&route.destination, route.propagated) {
            (_, true) => Self::Propagated,
            (RouteDestination::PrefixList(_), false) => Self::PrefixList,
            (RouteDestination::Cidr(_), false) => Self::Static,
        }
    }
}

/// Whether the route belongs to a gateway endpoint: a prefix list as destination and an endpoint as target.
pub fn is_gateway_endpoint(route: &Route) -> bool {
    matches!((&route.destination, &route.target), (RouteDestination::PrefixList(_), RouteTarget::VpcEndpoint(_)))
}

/// The IPv6 default route, if there is one.
pub fn ipv6_default(table: &RouteTable) -> Option<&Route> {
    table.routes.iter().find(|route| match &route.destination {
        RouteDestination::Cidr(IpNet::V6(block)) => block.prefix_len() == 0,
        RouteDestination::Cidr(IpNet::V4(_)) | RouteDestination::PrefixList(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::enums::RouteState;

    /// A table over the addresses 0.0.0.0 to 0.0.0.63, where every packet can be tried.
    fn table(routes: Vec<(u8, u8, bool)>) -> RouteTable {
        let route = |(index, (address, length, propagated)): (usize, (u8, u8, bool))| Route {
            destination: RouteDestination::Cidr(
                Ipv4Net::new(Ipv4Addr::new(0, 0, 0, address), 26 + length).expect("at most 32").trunc().into(),
            ),
            target: RouteTarget::TransitGateway(index.to_string()),
            state: RouteState::Active,
            propagated,
        };
        RouteTable {
            id: "rtb-1".into(),
            vpc_id: "vpc-1".into(),
            owner_id: String::new(),
            main: false,
            subnets: Vec::new(),
            routes: routes.into_iter().enumerate().map(route).collect(),
        }
    }

    /// What one packet does: the longest prefix, then the static route, then the first.
    fn taken(table: &RouteTable, address: Ipv4Addr) -> Option<&Route> {
        let block = |route: &Route| match route.destination {
            RouteDestination::Cidr(IpNet::V4(block)) => block,
            _ => unreachable!("the table has IPv4 blocks only"),
        };
        let matching = table.routes.iter().filter(|route| block(route).contains(&address));
        matching.min_by_key(|route| (std::cmp::Reverse(block(route).prefix_len()), route.propagated))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn a_split_says_of_every_packet_what_the_table_does(routes in prop::collection::vec((0u8..64, 0u8..=6, any::<bool>()), 0..8)) {
            let table = table(routes);
            let all = AddressSet::from("0.0.0.0/26".parse::<Ipv4Net>().unwrap());
            let split = split(&table, &all, |_| None);
            for last in (0..64).step_by(3) {
                let address = Ipv4Addr::new(0, 0, 0, last);
                let parts: Vec<_> = split.parts.iter().filter(|part| part.destinations.contains(address.into())).collect();
                prop_assert_eq!(parts.len(), 1, "each packet is in one part");
                let (found, expected) = (parts[0].route, taken(&table, address));
                let same = match (found, expected) {
                    (Some(found), Some(expected)) => std::ptr::eq(found, expected),
                    (found, expected) => found.is_none() && expected.is_none(),
                };
                prop_assert!(same, "{}", address);
            }
        }
    }
}
