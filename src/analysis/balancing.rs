//! What a load balancer sends from, by its type and attributes, and who may reach its listeners.

use std::cell::RefCell;
use std::rc::Rc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rustc_hash::FxHashMap;

use super::{Analyses, ends};
use crate::reach::filter::Amount;
use crate::reach::group::{self, Peer};
use crate::reach::leg::{Counts, End, Groups};
use crate::reach::nacl::{self, Direction};
use crate::reach::space::AddressSet;
use crate::reach::traffic::{Ports, Protocol, Traffic};
use crate::reach::verdict::Gap;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::{Action, Listener, LoadBalancer, TargetGroup};
use crate::snapshot::enums::{LoadBalancerType, TargetType};
use crate::snapshot::ids::{Arn, SecurityGroupId, SubnetId, VpcId};
use crate::snapshot::vpc::Subnet;
use crate::text;
use crate::topology::{Lookup, Topology, gap_for};

/// What a load balancer sends from in one of its subnets.
#[derive(Clone, Debug)]
pub struct Sources<'s> {
    /// The subnet.
    pub subnet_id: &'s SubnetId,
    /// Its zone.
    pub zone: &'s str,
    /// The nodes themselves: health checks always, traffic where client addresses aren't kept.
    pub nodes: End<'s>,
    /// The clients, whose addresses a Network Load Balancer can keep.
    pub clients: End<'s>,
}

/// The sources of load balancers by their VPC, which that of the target group stands in for.
pub(super) type Memo<'s> = RefCell<FxHashMap<(&'s Arn, Option<&'s VpcId>), Result<Rc<Vec<Sources<'s>>>, Gap>>>;

impl<'s> Analyses<'s> {
    /// The sources of a load balancer, one for each subnet; made once.
    ///
    /// # Errors
    /// The gap, when a subnet of it can't be seen.
    pub fn sources(&self, balancer: &'s LoadBalancer, group: &'s TargetGroup) -> Result<Rc<Vec<Sources<'s>>>, Gap> {
        let key = (&balancer.arn, balancer.vpc_id.as_ref().or(group.vpc_id.as_ref()));
        let make = || sources(self.topology, balancer, group).map(Rc::new);
        self.sources.borrow_mut().entry(key).or_insert_with(make).clone()
    }
}

fn sources<'s>(
    topology: &Topology<'s>,
    balancer: &'s LoadBalancer,
    group: &TargetGroup,
) -> Result<Vec<Sources<'s>>, Gap> {
    let groups = groups_of(topology, balancer, group);
    let mut all = Vec::with_capacity(balancer.availability_zones.len());
    for zone in &balancer.availability_zones {
        let subnet = ends::subnet(topology, &zone.subnet_id)?;
        let (addresses, counts) = node_addresses(topology, balancer, subnet, &zone.private_ipv4_addresses)?;
        let name = text!["load balancer ", &balancer.name, " in ", &subnet.id, " (", addresses.to_string(), ")"];
        let nodes = End {
            name,
            addresses,
            counts,
            subnet_id: Some(&subnet.id),
            network_acl: Some(ends::network_acl(topology, &subnet.id)),
            groups: groups.clone(),
            prefix_list: None,
            client_ports: Ports::EPHEMERAL_AWS,
            alike: Some((balancer.arn.as_str(), subnet.id.as_str())),
        };
        let clients = End { groups: groups.clone(), ..any_client() };
        all.push(Sources { subnet_id: &subnet.id, zone: &subnet.availability_zone, nodes, clients });
    }
    Ok(all)
}

/// Whoever calls: one that gets through is enough.
fn any_client<'s>() -> End<'s> {
    End {
        name: text!["any client"],
        addresses: AddressSet::everywhere(),
        counts: Counts::Any,
        subnet_id: None,
        network_acl: None,
        groups: Groups::Without,
        prefix_list: None,
        client_ports: Ports::EPHEMERAL_AWS,
        alike: None,
    }
}

fn groups_of<'s>(topology: &Topology<'s>, balancer: &'s LoadBalancer, group: &TargetGroup) -> Groups<'s> {
    let ids: Vec<&SecurityGroupId> = balancer.security_groups.iter().collect();
    match (&balancer.vpc_id, ids.is_empty()) {
        // A Network Load Balancer made without groups can't be given any: nothing can refer to it.
        (_, true) if balancer.kind == LoadBalancerType::Network => Groups::Without,
        (Some(vpc), _) => ends::groups(topology, Some(&ids), vpc),
        (None, _) => match &group.vpc_id {
            Some(vpc) => ends::groups(topology, Some(&ids), vpc),
            None => Groups::Without,
        },
    }
}

/// An Application Load Balancer may use any address of its subnets; a Network Load Balancer has one in each.
fn node_addresses(
    topology: &Topology<'_>,
    balancer: &LoadBalancer,
    subnet: &Subnet,
    chosen: &[String],
) -> Result<(AddressSet, Counts), Gap> {
    let whole = ends::subnet_addresses(subnet);
    if balancer.kind != LoadBalancerType::Network {
        return Ok((whole, Counts::Each));
    }
    let chosen = ends::addresses(chosen);
    if !chosen.is_empty() {
        return Ok((chosen, Counts::Each));
    }
    let described = balancer.arn.as_str().split_once(":loadbalancer/").map(|(_, path)| format!("ELB {path}"));
    let interfaces = described.map(|described| topology.network_interfaces_described(&described)).unwrap_or_default();
    let own = interfaces.iter().filter(|interface| interface.subnet_id == subnet.id);
    let addresses = ends::addresses(own.flat_map(|interface| &interface.private_ips));
    if !addresses.is_empty() {
        return Ok((addresses, Counts::Each));
    }
    match gap_for(&topology.data().network_interfaces, Dataset::NetworkInterfaces, "") {
        Some(gap) => Err(gap),
        None => Ok((whole, Counts::SomePart)),
    }
}

/// Whether a load balancer sends to targets of other zones; `None` when that can't be seen.
pub fn cross_zone(topology: &Topology<'_>, balancer: &LoadBalancer, group: &TargetGroup) -> Option<bool> {
    match attribute(topology, &group.arn, "load_balancing.cross_zone.enabled").ok()? {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ if balancer.kind == LoadBalancerType::Application => Some(true),
        _ => topology.balances_across_zones(&balancer.arn),
    }
}

/// Whether targets see the addresses of clients ("Client IP preservation" in the NLB guide): the attribute, or else the
/// default of the target type and protocol.
///
/// # Errors
/// The gap, when the attributes could not be read.
pub fn preserves_client_ip(topology: &Topology<'_>, balancer: &LoadBalancer, group: &TargetGroup) -> Result<bool, Gap> {
    if balancer.kind != LoadBalancerType::Network {
        return Ok(false);
    }
    // For these it can't be turned off.
    if matches!(group.protocol.as_deref(), Some("UDP" | "TCP_UDP" | "QUIC" | "TCP_QUIC")) {
        return Ok(true);
    }
    Ok(match attribute(topology, &group.arn, "preserve_client_ip.enabled")? {
        Some("true") => true,
        Some("false") => false,
        _ => group.target_type == TargetType::Instance,
    })
}

fn attribute<'s>(topology: &Topology<'s>, group: &Arn, key: &str) -> Result<Option<&'s str>, Gap> {
    match topology.target_group_attributes(group) {
        Lookup::Found(found) => Ok(found.attributes.get(key).map(String::as_str)),
        Lookup::Absent => Ok(None),
        Lookup::Unread(gap) => Err(gap),
    }
}

/// The protocols that traffic to a target group uses.
pub fn protocols(group: &TargetGroup) -> Vec<Protocol> {
    of_word(group.protocol.as_deref())
}

/// The protocols that a listener takes.
pub fn protocols_of(listener: &Listener) -> Vec<Protocol> {
    of_word(listener.protocol.as_deref())
}

fn of_word(protocol: Option<&str>) -> Vec<Protocol> {
    match protocol {
        Some("UDP" | "QUIC") => vec![Protocol::Udp],
        Some("TCP_UDP" | "TCP_QUIC") => vec![Protocol::Tcp, Protocol::Udp],
        _ => vec![Protocol::Tcp],
    }
}

/// Whether an action forwards to a target group, with a weight that lets traffic through.
pub fn forwards(actions: &[Action], group: &Arn) -> bool {
    let targets = actions.iter().filter(|action| action.kind == "forward").flat_map(|action| &action.target_groups);
    targets.into_iter().any(|(arn, weight)| arn == group && *weight > 0)
}

/// The listeners of a load balancer that forward to a target group.
///
/// # Errors
/// The gap, when some may not have been read.
pub fn listeners_to<'s>(
    topology: &Topology<'s>,
    balancer: &LoadBalancer,
    group: &Arn,
) -> Result<Vec<&'s Listener>, Gap> {
    let mut found = Vec::new();
    for listener in topology.listeners_of(&balancer.arn)?.items() {
        let by_rule = match balancer.kind {
            LoadBalancerType::Application => {
                topology.listener_rules_of(&listener.arn)?;
                let mut rules = topology.known_rules_to(group).iter().filter(|rule| rule.listener_arn == listener.arn);
                rules.any(|rule| forwards(&rule.actions, group))
            }
            _ => false,
        };
        if by_rule || forwards(&listener.default_actions, group) {
            found.push(*listener);
        }
    }
    Ok(found)
}

/// Who may reach a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Somebody.
    Somebody,
    /// Nobody: the groups, or the network ACLs of all its subnets, refuse everyone.
    Nobody {
        /// `security-group` or `network-acl`.
        by: &'static str,
        /// Their ids.
        ids: Vec<String>,
    },
    /// It can't be told.
    Unknown(Gap),
}

/// Whether anybody gets through to a listener's port.
pub fn admission(topology: &Topology<'_>, balancer: &LoadBalancer, listener: &Listener) -> Admission {
    let Some(port) = listener.port else { return Admission::Somebody };
    let everywhere: AddressSet = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())].into_iter().collect();
    let sent: Vec<Traffic> =
        protocols_of(listener).into_iter().map(|protocol| Traffic { protocol, ports: Ports::one(port) }).collect();
    // Then clients behind PrivateLink are not asked ("Security groups for your Network Load Balancer").
    let by_private_link = balancer.kind == LoadBalancerType::Network
        && balancer.enforce_security_group_inbound_rules_on_private_link_traffic.as_deref() == Some("off");
    if !balancer.security_groups.is_empty() && !by_private_link {
        let mut groups = Vec::new();
        for id in &balancer.security_groups {
            match topology.security_group(id) {
                Lookup::Found(group) => groups.push(group),
                Lookup::Absent => {
                    let reason = text!["security group ", id, " is not visible to this account"];
                    return Admission::Unknown(Gap::Undecidable { kind: "security-group-absent", reason });
                }
                Lookup::Unread(gap) => return Admission::Unknown(gap),
            }
        }
        // Clients that carry a group, or are in a list that can't be read, count as somebody.
        let peer = Peer { addresses: &everywhere, groups: None, prefix_list: None };
        let shut = sent.iter().all(|sent| {
            let permissions = groups.iter().flat_map(|group| &group.ingress);
            group::passage(permissions, &peer, *sent, |id| topology.prefix_list_entries(id).ok()).refused()
                == Amount::All
        });
        if shut {
            let ids = groups.iter().map(|group| group.id.as_str().to_owned()).collect();
            return Admission::Nobody { by: "security-group", ids };
        }
    }
    let mut ids = Vec::new();
    for zone in &balancer.availability_zones {
        match ends::network_acl(topology, &zone.subnet_id) {
            Ok(acl) => {
                let refused = |sent: &Traffic| {
                    nacl::passage(acl, Direction::Ingress, &everywhere, *sent).refused() == Amount::All
                };
                if !sent.iter().all(refused) {
                    return Admission::Somebody;
                }
                ids.push(acl.id.as_str().to_owned());
            }
            Err(gap) => return Admission::Unknown(gap),
        }
    }
    ids.sort();
    ids.dedup();
    if ids.is_empty() { Admission::Somebody } else { Admission::Nobody { by: "network-acl", ids } }
}
