//! The ends of a leg as the account has them: addresses, groups and network ACLs of origins, endpoints and load balancers.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use ipnet::IpNet;
use rustc_hash::FxHashMap;

use super::Analyses;
use super::places::Place;
use crate::reach::leg::{Counts, End, Groups};
use crate::reach::space::AddressSet;
use crate::reach::traffic::Ports;
use crate::reach::verdict::Gap;
use crate::snapshot::ids::{NetworkInterfaceId, PrefixListId, SecurityGroupId, SubnetId, VpcEndpointId, VpcId};
use crate::snapshot::vpc::{NetworkAcl, NetworkInterface, Subnet, VpcEndpoint};
use crate::text;
use crate::text::Text;
use crate::topology::origin::{InterfaceKind, Origin, is_primary};
use crate::topology::{Lookup, Topology};

/// The ends that many paths share: those of places by their numbers, and those of endpoints.
#[derive(Default)]
pub(super) struct Memo<'s> {
    places: RefCell<FxHashMap<u32, Rc<End<'s>>>>,
    endpoints: RefCell<FxHashMap<&'s VpcEndpointId, Result<EndpointEnds<'s>, Gap>>>,
}

type EndpointEnds<'s> = Rc<Vec<End<'s>>>;

impl<'s> Analyses<'s> {
    /// The interfaces of a place, made once.
    pub(super) fn end_of_place(&self, place: &Place<'s>, subnet: &'s Subnet) -> Rc<End<'s>> {
        let make = || Rc::new(of_origin(self.topology, place, subnet));
        Rc::clone(self.ends.places.borrow_mut().entry(place.id()).or_insert_with(make))
    }

    /// The interfaces of an endpoint, made once.
    pub(super) fn ends_of_endpoint(&self, endpoint: &'s VpcEndpoint) -> Result<EndpointEnds<'s>, Gap> {
        let make = || of_endpoint(self.topology, endpoint).map(Rc::new);
        self.ends.endpoints.borrow_mut().entry(&endpoint.id).or_insert_with(make).clone()
    }
}

/// The interfaces of an origin: a task may get any address of its subnet, an instance has its own.
pub fn of_origin<'s>(topology: &Topology<'s>, origin: &Origin<'s>, subnet: &'s Subnet) -> End<'s> {
    let whole = subnet_addresses(subnet);
    let own = match origin.interface {
        InterfaceKind::TaskEni => AddressSet::default(),
        InterfaceKind::InstanceEni => instance_addresses(topology, origin).and(&whole),
    };
    let addresses = if own.is_empty() { whole } else { own };
    let ids = origin.security_groups.as_deref();
    End {
        name: end_name(origin, subnet),
        addresses,
        counts: Counts::Each,
        subnet_id: Some(origin.subnet_id),
        network_acl: Some(network_acl(topology, origin.subnet_id)),
        groups: groups(topology, ids, &subnet.vpc_id),
        prefix_list: None,
        client_ports: if origin.is_windows { Ports::EPHEMERAL_WINDOWS } else { Ports::EPHEMERAL_LINUX },
        alike: (origin.interface == InterfaceKind::TaskEni).then_some(("task-eni", subnet.id.as_str())),
    }
}

fn end_name(origin: &Origin<'_>, subnet: &Subnet) -> Text {
    match origin.instances.as_slice() {
        [only] => match &only.ec2_instance_id {
            Some(id) => text!["instance ", id],
            None => in_subnet("instances in ", subnet),
        },
        [] if origin.interface == InterfaceKind::TaskEni => in_subnet("tasks in ", subnet),
        _ => in_subnet("instances in ", subnet),
    }
}

fn in_subnet(words: &'static str, subnet: &Subnet) -> Text {
    match subnet.cidr_block {
        Some(cidr) => text![words, &subnet.id, " (", cidr.to_string(), ")"],
        None => text![words, &subnet.id],
    }
}

/// The IPv4 addresses of a subnet, or the IPv6 ones where it has no others.
pub fn subnet_addresses(subnet: &Subnet) -> AddressSet {
    match subnet.cidr_block {
        Some(block) => block.into(),
        None => subnet.ipv6_cidr_blocks.iter().map(|block| IpNet::V6(*block)).collect(),
    }
}

fn instance_addresses(topology: &Topology<'_>, origin: &Origin<'_>) -> AddressSet {
    let ids = origin.instances.iter().filter_map(|instance| instance.ec2_instance_id.as_ref());
    let hosts = ids.filter_map(|id| topology.instance(id).found());
    let primaries = hosts.filter_map(|host| host.network_interfaces.iter().find(|interface| is_primary(interface)));
    addresses(primaries.flat_map(|primary| &primary.private_ips))
}

/// Addresses as AWS prints them; what is none is left out.
pub fn addresses(printed: impl IntoIterator<Item: AsRef<str>>) -> AddressSet {
    printed.into_iter().filter_map(|address| address.as_ref().parse::<IpAddr>().ok().map(IpNet::from)).collect()
}

/// Groups with their rules; none named means the default group of the VPC.
pub fn groups<'s>(topology: &Topology<'s>, ids: Option<&[&SecurityGroupId]>, vpc: &VpcId) -> Groups<'s> {
    let Some(ids) = ids else {
        let reason = text!["the security groups of an interface in ", vpc, " can't be seen"];
        return Groups::Unseen(Gap::Undecidable { kind: "unseen-groups", reason });
    };
    let default = || (topology.default_security_group(vpc), text!["the default security group of ", vpc]);
    let found: Vec<(Lookup<_>, Text)> = match ids {
        [] => vec![default()],
        ids => ids.iter().map(|id| (topology.security_group(id), text!["security group ", *id])).collect(),
    };
    let mut carried = Vec::with_capacity(found.len());
    for (group, name) in found {
        match group {
            Lookup::Found(group) => carried.push(group),
            Lookup::Absent => {
                let mut reason = name;
                reason.push(" is not visible to this account");
                return Groups::Unseen(Gap::Undecidable { kind: "security-group-absent", reason });
            }
            Lookup::Unread(gap) => return Groups::Unseen(gap),
        }
    }
    Groups::Carried(carried)
}

/// The network ACL of a subnet.
///
/// # Errors
/// The gap, when it can't be seen.
pub fn network_acl<'s>(topology: &Topology<'s>, subnet: &SubnetId) -> Result<&'s NetworkAcl, Gap> {
    match topology.network_acl_of(subnet) {
        Lookup::Found(acl) => Ok(acl),
        Lookup::Absent => {
            let reason = text!["the network ACL of ", subnet, " is not visible"];
            Err(Gap::Undecidable { kind: "network-acl-absent", reason })
        }
        Lookup::Unread(gap) => Err(gap),
    }
}

/// Addresses outside of the VPC, which of them being unknown.
pub fn outside<'s>(name: Text, addresses: AddressSet, prefix_list: Option<&'s PrefixListId>) -> End<'s> {
    End {
        name,
        addresses,
        counts: Counts::SomePart,
        subnet_id: None,
        network_acl: None,
        groups: Groups::Without,
        prefix_list,
        client_ports: Ports::EPHEMERAL_AWS,
        alike: None,
    }
}

/// The interfaces of an endpoint, one end for each subnet that it has one in.
///
/// # Errors
/// The gap, when a subnet of it can't be seen.
pub fn of_endpoint<'s>(topology: &Topology<'s>, endpoint: &'s VpcEndpoint) -> Result<Vec<End<'s>>, Gap> {
    let ids: Vec<&SecurityGroupId> = endpoint.security_group_ids.iter().collect();
    let groups = match ids.is_empty() {
        // An endpoint always has a group; one that shows none belongs to a service that hides them.
        true => {
            let reason = text!["the security groups of ", &endpoint.id, " are not shown"];
            Groups::Unseen(Gap::Undecidable { kind: "endpoint-groups", reason })
        }
        false => groups(topology, Some(&ids), &endpoint.vpc_id),
    };
    let interfaces = interfaces_by_subnet(topology, &endpoint.network_interface_ids);
    let mut ends = Vec::with_capacity(endpoint.subnet_ids.len());
    for id in &endpoint.subnet_ids {
        let subnet = subnet(topology, id)?;
        let own = interfaces.get(id).map(|found| addresses(found.iter().flat_map(|i| &i.private_ips)));
        let (addresses, known) = match own.filter(|own| !own.is_empty()) {
            Some(own) => (own, true),
            None => (subnet_addresses(subnet), false),
        };
        let name = match known {
            true => text!["endpoint ", &endpoint.id, " (", addresses.to_string(), ")"],
            false => text!["endpoint ", &endpoint.id, " in ", id],
        };
        ends.push(End {
            name,
            addresses,
            counts: if known { Counts::Each } else { Counts::SomePart },
            subnet_id: Some(id),
            network_acl: Some(network_acl(topology, id)),
            groups: groups.clone(),
            prefix_list: None,
            client_ports: Ports::EPHEMERAL_AWS,
            alike: Some((endpoint.id.as_str(), id.as_str())),
        });
    }
    Ok(ends)
}

/// Those of the interfaces that are visible, by subnet.
pub fn interfaces_by_subnet<'s>(
    topology: &Topology<'s>,
    ids: &[NetworkInterfaceId],
) -> BTreeMap<&'s SubnetId, Vec<&'s NetworkInterface>> {
    let mut by_subnet: BTreeMap<&SubnetId, Vec<&NetworkInterface>> = BTreeMap::new();
    for interface in ids.iter().filter_map(|id| topology.network_interface(id).found()) {
        by_subnet.entry(&interface.subnet_id).or_default().push(interface);
    }
    by_subnet
}

/// The subnet.
///
/// # Errors
/// The gap, when it can't be seen.
pub fn subnet<'s>(topology: &Topology<'s>, id: &SubnetId) -> Result<&'s Subnet, Gap> {
    match topology.subnet(id) {
        Lookup::Found(subnet) => Ok(subnet),
        Lookup::Absent => {
            let reason = text!["subnet ", id, " does not exist any more"];
            Err(Gap::Undecidable { kind: "subnet-absent", reason })
        }
        Lookup::Unread(gap) => Err(gap),
    }
}
