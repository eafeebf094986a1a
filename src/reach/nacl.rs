//! Network ACLs: ordered, stateless, the first entry that matches decides, and nothing that none matches gets through.
//!
//! Source: "Control subnet traffic with network access control lists" in the Amazon VPC User Guide. They are asked only
//! when traffic enters or leaves a subnet, and can't block the VPC's resolver.

use ipnet::{IpNet, Ipv4Net};

use super::filter::{Passage, Slice};
use super::space::AddressSet;
use super::traffic::{self, Ports, Protocol, Traffic};
use crate::snapshot::vpc::{NetworkAcl, NetworkAclEntry};

/// Out of the subnet or into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Into the subnet.
    Ingress,
    /// Out of the subnet.
    Egress,
}

/// What a network ACL lets through, from or to `peers`.
pub fn passage(acl: &NetworkAcl, direction: Direction, peers: &AddressSet, sent: Traffic) -> Passage {
    let mut entries: Vec<(&NetworkAclEntry, Ports)> = acl
        .entries
        .iter()
        .filter(|entry| entry.egress == (direction == Direction::Egress))
        .filter_map(|entry| Some((entry, ports_of(entry, sent.protocol)?)))
        .collect();
    entries.sort_by_key(|(entry, _)| entry.rule_number);
    // The default network ACL, which most subnets have: its first entry lets everything through.
    if let Some((first, ports)) = entries.first()
        && first.allow
        && *ports == Ports::ALL
        && first.cidr == whole_ipv4()
        && peers.is_ipv4()
    {
        let slice = Slice { ports: sent.ports, admitted: peers.clone(), undecided: AddressSet::default() };
        return Passage { asked: peers.clone(), slices: vec![slice] };
    }
    let slice = |ports: Ports| {
        let (mut admitted, mut left) = (AddressSet::default(), peers.clone());
        for (entry, _) in entries.iter().filter(|(_, range)| range.and(ports).is_some()) {
            let block: AddressSet = [entry.cidr].into_iter().collect();
            if entry.allow {
                admitted = admitted.or(&left.and(&block));
            }
            left = left.minus(&block);
            if left.is_empty() {
                break;
            }
        }
        Slice { ports, admitted, undecided: AddressSet::default() }
    };
    let slices = traffic::slices(sent.ports, entries.iter().map(|(_, ports)| *ports)).into_iter().map(slice).collect();
    Passage { asked: peers.clone(), slices }
}

fn whole_ipv4() -> IpNet {
    IpNet::V4(Ipv4Net::default())
}

fn ports_of(entry: &NetworkAclEntry, protocol: Protocol) -> Option<Ports> {
    if entry.protocol == "-1" {
        return Some(Ports::ALL);
    }
    if Protocol::parse(&entry.protocol) != Some(protocol) {
        return None;
    }
    if protocol.has_types() {
        let (kind, code) = entry.icmp_type_code.unwrap_or((-1, -1));
        return Ports::of_icmp(kind, code);
    }
    match entry.port_range {
        Some((first, last)) if protocol.has_ports() => {
            Some(Ports { first: u16::try_from(first).ok()?, last: u16::try_from(last).unwrap_or(u16::MAX) })
        }
        _ => Some(Ports::ALL),
    }
}

/// The number of the entry that refuses an address and port, the one the API shows as 32767 being the implicit last.
pub fn refusing_entry(acl: &NetworkAcl, direction: Direction, refused: &AddressSet, sent: Traffic) -> Option<i32> {
    if refused.is_empty() {
        return None;
    }
    let mut entries: Vec<&NetworkAclEntry> = acl
        .entries
        .iter()
        .filter(|entry| entry.egress == (direction == Direction::Egress) && !entry.allow)
        .filter(|entry| ports_of(entry, sent.protocol).and_then(|ports| ports.and(sent.ports)).is_some())
        .filter(|entry| !refused.and(&[entry.cidr].into_iter().collect()).is_empty())
        .collect();
    entries.sort_by_key(|entry| entry.rule_number);
    entries.first().map(|entry| entry.rule_number).filter(|number| *number < 32767)
}

/// How many entries one finding may add to a network ACL.
const ENTRIES_AT_MOST: usize = 16;

/// Numbers for new entries that come before the refusing one, or after all others where none refuses by itself; none when
/// all before it are taken.
pub fn free_numbers(acl: &NetworkAcl, direction: Direction, refusing: Option<i32>) -> Vec<i32> {
    let egress = direction == Direction::Egress;
    let mut taken: Vec<i32> = acl.entries.iter().filter(|e| e.egress == egress).map(|e| e.rule_number).collect();
    taken.retain(|number| *number < 32767);
    match refusing {
        Some(refusing) => (1..refusing).rev().filter(|number| !taken.contains(number)).take(ENTRIES_AT_MOST).collect(),
        None => {
            let first = taken.iter().max().map_or(100, |last| last + 10);
            (first..32767).step_by(10).take(ENTRIES_AT_MOST).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::super::filter::Amount;
    use super::*;

    fn entry(rule_number: i32, protocol: &str, ports: Option<(i32, i32)>, cidr: &str, allow: bool) -> NetworkAclEntry {
        NetworkAclEntry {
            rule_number,
            egress: false,
            protocol: protocol.to_owned(),
            allow,
            cidr: cidr.parse().unwrap(),
            port_range: ports,
            icmp_type_code: None,
        }
    }

    fn acl(entries: Vec<NetworkAclEntry>) -> NetworkAcl {
        NetworkAcl { id: "acl-1".into(), vpc_id: "vpc-1".into(), is_default: false, subnets: Vec::new(), entries }
    }

    fn set(cidr: &str) -> AddressSet {
        [cidr.parse::<IpNet>().unwrap()].into_iter().collect()
    }

    #[test]
    fn nothing_matches_nothing_passes() {
        let answer = passage(&acl(Vec::new()), Direction::Ingress, &set("10.0.0.0/24"), Traffic::tcp(443));
        assert_eq!(answer.refused(), Amount::All);
    }

    #[test]
    fn the_lower_number_decides() {
        let deny_first = acl(vec![
            entry(100, "-1", None, "0.0.0.0/0", true),
            entry(90, "6", Some((443, 443)), "10.0.0.0/25", false),
        ]);
        let answer = passage(&deny_first, Direction::Ingress, &set("10.0.0.0/24"), Traffic::tcp(443));
        assert_eq!(answer.refused_addresses(), set("10.0.0.0/25"));
        assert_eq!(refusing_entry(&deny_first, Direction::Ingress, &set("10.0.0.0/25"), Traffic::tcp(443)), Some(90));
        assert_eq!(
            passage(&deny_first, Direction::Ingress, &set("10.0.0.0/24"), Traffic::tcp(80)).refused(),
            Amount::Nothing
        );
    }

    #[test]
    fn a_return_range_that_is_cut_short_refuses_a_part() {
        let high = acl(vec![entry(100, "6", Some((49152, 65535)), "0.0.0.0/0", true)]);
        let sent = Traffic { protocol: Protocol::Tcp, ports: Ports::EPHEMERAL_LINUX };
        let answer = passage(&high, Direction::Ingress, &AddressSet::internet(), sent);
        assert_eq!(answer.refused(), Amount::Part);
        assert_eq!(answer.refused_ports(), [Ports { first: 32768, last: 49151 }]);
    }

    fn decides(acl: &NetworkAcl, address: Ipv4Addr, port: u16) -> bool {
        let mut entries: Vec<&NetworkAclEntry> = acl.entries.iter().collect();
        entries.sort_by_key(|entry| entry.rule_number);
        let matching = entries.into_iter().find(|entry| {
            let protocol = matches!(entry.protocol.as_str(), "-1" | "6");
            let ports = entry.protocol == "-1"
                || entry.port_range.is_none_or(|(first, last)| (first..=last).contains(&i32::from(port)));
            protocol && ports && entry.cidr.contains(&std::net::IpAddr::V4(address))
        });
        matching.is_some_and(|entry| entry.allow)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40_000))]

        #[test]
        fn a_passage_says_of_every_packet_what_the_entries_do(
            entries in prop::collection::vec((0u8..3, 0i32..16, 0i32..6, 0u8..16, 0u8..=4, any::<bool>()), 0..6),
            probes in prop::collection::vec((0u8..16, 0u16..16), 12),
        ) {
            let made = entries.into_iter().enumerate().map(|(index, (protocol, first, more, address, length, allow))| {
                let block = Ipv4Net::new(Ipv4Addr::new(10, 0, 0, address), 28 + length).expect("at most 32").trunc();
                // Numbers run backwards, so that the order in the list is not the order that counts.
                let number = 100 - i32::try_from(index).unwrap();
                entry(number, ["-1", "6", "17"][usize::from(protocol)], Some((first, first + more)), &block.to_string(), allow)
            });
            let acl = acl(made.collect());
            let sent = Traffic { protocol: Protocol::Tcp, ports: Ports { first: 0, last: 15 } };
            let answer = passage(&acl, Direction::Ingress, &set("10.0.0.0/28"), sent);
            for (last, port) in probes {
                let address = Ipv4Addr::new(10, 0, 0, last);
                let slice = answer.slices.iter().find(|slice| slice.ports.contains(port)).unwrap();
                prop_assert_eq!(slice.admitted.contains(address.into()), decides(&acl, address, port));
            }
        }
    }
}
