//! Security groups: only rules that allow, the union of all groups of an interface, answers let back by themselves.
//!
//! Source: "Security group rules" in the Amazon VPC User Guide. A rule that names a group matches the private addresses
//! of interfaces that carry it, in this VPC or a peered one; it never matches traffic that comes by a public address or
//! a middlebox.

use ipnet::IpNet;

use super::filter::{Passage, Slice};
use super::space::AddressSet;
use super::traffic::{self, Ports, Protocol, Traffic};
use crate::snapshot::ids::{PrefixListId, SecurityGroupId};
use crate::snapshot::vpc::IpPermission;

/// The other end of the traffic.
#[derive(Clone, Debug)]
pub struct Peer<'a> {
    /// Where it may be.
    pub addresses: &'a AddressSet,
    /// The groups on its interface, known to the last one; `None` where they can't be seen.
    pub groups: Option<Vec<&'a SecurityGroupId>>,
    /// The addresses are those of this list, even if its entries are not known.
    pub prefix_list: Option<&'a PrefixListId>,
}

/// What the permissions of all groups of an interface let through.
pub fn passage<'a>(
    permissions: impl IntoIterator<Item = &'a IpPermission>,
    peer: &Peer<'_>,
    sent: Traffic,
    entries: impl Fn(&PrefixListId) -> Option<Vec<IpNet>>,
) -> Passage {
    let grants: Vec<Grant> = permissions
        .into_iter()
        .filter_map(|permission| {
            let ports = ports_of(permission, sent.protocol)?.and(sent.ports)?;
            let (admitted, undecided) = matched(permission, peer, &entries);
            (!admitted.is_empty() || !undecided.is_empty()).then_some(Grant { ports, admitted, undecided })
        })
        .collect();
    let slice = |ports: Ports| {
        let (mut admitted, mut undecided) = (AddressSet::default(), AddressSet::default());
        for grant in grants.iter().filter(|grant| grant.ports.and(ports).is_some()) {
            admitted = admitted.or(&grant.admitted);
            undecided = undecided.or(&grant.undecided);
        }
        Slice { ports, undecided: undecided.minus(&admitted), admitted }
    };
    let slices = traffic::slices(sent.ports, grants.iter().map(|grant| grant.ports)).into_iter().map(slice).collect();
    Passage { asked: peer.addresses.clone(), slices }
}

struct Grant {
    ports: Ports,
    admitted: AddressSet,
    undecided: AddressSet,
}

/// The ports of a permission as far as a protocol is concerned; `None` when it is for another one.
fn ports_of(permission: &IpPermission, protocol: Protocol) -> Option<Ports> {
    if permission.ip_protocol == "-1" {
        return Some(Ports::ALL);
    }
    if Protocol::parse(&permission.ip_protocol) != Some(protocol) {
        return None;
    }
    let (from, to) = (permission.from_port, permission.to_port);
    if protocol.has_types() {
        return Ports::of_icmp(from.unwrap_or(-1), to.unwrap_or(-1));
    }
    match (from, to) {
        (Some(from), Some(to)) if protocol.has_ports() && from >= 0 => {
            Some(Ports { first: u16::try_from(from).ok()?, last: u16::try_from(to).unwrap_or(u16::MAX) })
        }
        _ => Some(Ports::ALL),
    }
}

fn matched(
    permission: &IpPermission,
    peer: &Peer<'_>,
    entries: &impl Fn(&PrefixListId) -> Option<Vec<IpNet>>,
) -> (AddressSet, AddressSet) {
    let all = || peer.addresses.clone();
    let mut admitted = peer.addresses.in_blocks(&permission.cidrs);
    let mut undecided = AddressSet::default();
    for list in &permission.prefix_lists {
        match entries(list) {
            _ if peer.prefix_list == Some(list) => admitted = all(),
            Some(blocks) => admitted = admitted.or(&blocks.into_iter().collect::<AddressSet>().and(peer.addresses)),
            None => undecided = all(),
        }
    }
    if !permission.groups.is_empty() {
        match &peer.groups {
            Some(carried) if permission.groups.iter().any(|pair| carried.contains(&&pair.group_id)) => admitted = all(),
            Some(_) => {}
            None => undecided = all(),
        }
    }
    (admitted, undecided)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use ipnet::Ipv4Net;
    use proptest::prelude::*;

    use super::super::filter::Amount;
    use super::*;
    use crate::snapshot::vpc::GroupReference;

    fn permission(protocol: &str, ports: Option<(i32, i32)>) -> IpPermission {
        IpPermission {
            ip_protocol: protocol.to_owned(),
            from_port: ports.map(|(from, _)| from),
            to_port: ports.map(|(_, to)| to),
            cidrs: Vec::new(),
            prefix_lists: Vec::new(),
            groups: Vec::new(),
        }
    }

    fn from(mut permission: IpPermission, cidr: &str) -> IpPermission {
        permission.cidrs.push(cidr.parse().unwrap());
        permission
    }

    fn from_group(mut permission: IpPermission, group: &str) -> IpPermission {
        permission.groups.push(GroupReference {
            group_id: group.into(),
            user_id: None,
            vpc_id: None,
            vpc_peering_connection_id: None,
            peering_status: None,
        });
        permission
    }

    fn set(cidr: &str) -> AddressSet {
        [cidr.parse::<IpNet>().unwrap()].into_iter().collect()
    }

    fn ask(permissions: &[IpPermission], addresses: &AddressSet, groups: Option<&[&str]>, sent: Traffic) -> Passage {
        let groups: Option<Vec<SecurityGroupId>> = groups.map(|ids| ids.iter().map(|id| (*id).into()).collect());
        let peer =
            Peer { addresses, groups: groups.as_ref().map(|ids| ids.iter().collect::<Vec<_>>()), prefix_list: None };
        passage(permissions, &peer, sent, |_| None)
    }

    #[test]
    fn without_a_rule_nothing_passes() {
        assert_eq!(ask(&[], &set("10.0.0.0/24"), Some(&[]), Traffic::tcp(443)).refused(), Amount::All);
    }

    #[test]
    fn a_block_that_covers_half_a_subnet_refuses_the_other_half() {
        let rules = [from(permission("tcp", Some((443, 443))), "10.0.0.0/25")];
        let passage = ask(&rules, &set("10.0.0.0/24"), Some(&[]), Traffic::tcp(443));
        assert_eq!(passage.refused(), Amount::Part);
        assert_eq!(passage.refused_addresses(), set("10.0.0.128/25"));
    }

    #[test]
    fn a_reference_matches_those_who_carry_the_group_and_nobody_else() {
        let rules = [from_group(permission("-1", None), "sg-1")];
        let addresses = set("10.0.0.0/24");
        assert_eq!(ask(&rules, &addresses, Some(&["sg-1"]), Traffic::tcp(80)).refused(), Amount::Nothing);
        assert_eq!(ask(&rules, &addresses, Some(&["sg-2"]), Traffic::tcp(80)).refused(), Amount::All);
        let unseen = ask(&rules, &addresses, None, Traffic::tcp(80));
        assert!(unseen.refused() == Amount::Nothing && unseen.is_undecided());
    }

    #[test]
    fn a_prefix_list_matches_its_entries_or_the_peer_that_is_the_list() {
        let mut rule = permission("tcp", Some((443, 443)));
        rule.prefix_lists.push("pl-1".into());
        let (addresses, list) = (set("52.0.0.0/8"), PrefixListId::from("pl-1"));
        let peer = |prefix_list| Peer { addresses: &addresses, groups: Some(Vec::new()), prefix_list };
        let amount = |peer: &Peer<'_>, known: bool| {
            let passage = passage([&rule], peer, Traffic::tcp(443), |_| {
                known.then(|| vec!["52.0.0.0/9".parse::<IpNet>().unwrap()])
            });
            (passage.refused(), passage.is_undecided())
        };
        assert_eq!(amount(&peer(Some(&list)), false), (Amount::Nothing, false));
        assert_eq!(amount(&peer(None), true), (Amount::Part, false));
        assert_eq!(amount(&peer(None), false), (Amount::Nothing, true));
    }

    #[test]
    fn protocols_by_name_number_and_type() {
        let addresses = set("10.0.0.0/24");
        let icmp = |kind, code| Traffic { protocol: Protocol::Icmp, ports: Ports::of_icmp(kind, code).unwrap() };
        let echo = [from(permission("icmp", Some((8, -1))), "10.0.0.0/8")];
        assert_eq!(ask(&echo, &addresses, Some(&[]), icmp(8, 0)).refused(), Amount::Nothing);
        assert_eq!(ask(&echo, &addresses, Some(&[]), icmp(0, 0)).refused(), Amount::All);
        assert_eq!(ask(&echo, &addresses, Some(&[]), icmp(-1, -1)).refused(), Amount::Part);
        let six = [from(permission("6", Some((0, 65535))), "10.0.0.0/8")];
        assert_eq!(ask(&six, &addresses, Some(&[]), Traffic::tcp(1)).refused(), Amount::Nothing);
        let gre = [from(permission("47", None), "10.0.0.0/8")];
        let sent = Traffic { protocol: Protocol::Other(47), ports: Ports::ALL };
        assert_eq!(ask(&gre, &addresses, Some(&[]), sent).refused(), Amount::Nothing);
        assert_eq!(ask(&gre, &addresses, Some(&[]), Traffic::tcp(1)).refused(), Amount::All);
    }

    #[test]
    fn ipv6_is_judged_by_its_own_blocks() {
        let rules = [from(permission("tcp", Some((443, 443))), "0.0.0.0/0")];
        let both = set("10.0.0.0/24").or(&set("2001:db8::/64"));
        let passage = ask(&rules, &both, Some(&[]), Traffic::tcp(443));
        assert_eq!(passage.refused_addresses(), set("2001:db8::/64"));
    }

    type Random = (u8, u8, u8, u8, u8, bool);

    /// Rules over 10.0.0.0/28 and the ports 0 to 15, where every packet can be tried.
    fn random((protocol, first, more, address, length, by_group): Random) -> IpPermission {
        let ports = Some((i32::from(first), i32::from(first) + i32::from(more)));
        let rule = match protocol {
            0 => permission("-1", None),
            1 => permission("tcp", ports),
            2 => permission("6", ports),
            _ => permission("udp", ports),
        };
        if by_group {
            return from_group(rule, if length % 2 == 0 { "sg-1" } else { "sg-2" });
        }
        let block = Ipv4Net::new(Ipv4Addr::new(10, 0, 0, address), 28 + length).expect("at most 32").trunc();
        from(rule, &block.to_string())
    }

    fn admits(rules: &[IpPermission], address: Ipv4Addr, port: u16, carried: &str) -> bool {
        rules.iter().any(|rule| {
            let protocol = matches!(rule.ip_protocol.as_str(), "-1" | "tcp" | "6");
            let ports = rule.ip_protocol == "-1"
                || (rule.from_port.unwrap()..=rule.to_port.unwrap()).contains(&i32::from(port));
            let peer = rule.cidrs.iter().any(|cidr| cidr.contains(&std::net::IpAddr::V4(address)))
                || rule.groups.iter().any(|pair| pair.group_id.as_str() == carried);
            protocol && ports && peer
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40_000))]

        #[test]
        fn a_passage_says_of_every_packet_what_the_rules_do(
            rules in prop::collection::vec((0u8..4, 0u8..16, 0u8..6, 0u8..16, 0u8..=4, any::<bool>()), 0..5),
            probes in prop::collection::vec((0u8..16, 0u16..16), 12),
        ) {
            let rules: Vec<IpPermission> = rules.into_iter().map(random).collect();
            let sent = Traffic { protocol: Protocol::Tcp, ports: Ports { first: 0, last: 15 } };
            let passage = ask(&rules, &set("10.0.0.0/28"), Some(&["sg-1"]), sent);
            for (last, port) in probes {
                let address = Ipv4Addr::new(10, 0, 0, last);
                let slice = passage.slices.iter().find(|slice| slice.ports.contains(port)).unwrap();
                prop_assert_eq!(slice.admitted.contains(address.into()), admits(&rules, address, port, "sg-1"));
            }
        }
    }
}
