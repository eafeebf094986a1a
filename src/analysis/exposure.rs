//! Who of the internet may reach an interface: what its security groups open to the world, its public address, the way in
//! and the network ACL of its subnet.
//!
//! Sources: "Internet gateways", "Security group rules", "Network ACLs" and "Block public access" in the Amazon VPC User
//! Guide. A rule that names a group never matches what comes by a public address.

use ipnet::IpNet;

use super::Analyses;
use super::ends;
use super::inbound::{self, Internet, WayIn};
use super::places::Place;
use crate::reach::group::{self, Peer};
use crate::reach::leg::{self, Counts, End, Groups, Leg};
use crate::reach::space::AddressSet;
use crate::reach::traffic::{Ports, Traffic};
use crate::reach::verdict::{Gap, Hops};
use crate::snapshot::ids::InternetGatewayId;
use crate::snapshot::vpc::{IpPermission, SecurityGroup};
use crate::text;
use crate::topology::Topology;
use crate::topology::origin::{InterfaceKind, PublicAddress, is_primary};
use crate::topology::workload::Workload;

/// Half of all addresses is everyone as well: two rules for halves are a known way around a check for the whole.
fn is_world(internet: Internet, admitted: &AddressSet) -> bool {
    let all = internet.addresses();
    match internet {
        Internet::V4 => admitted.ipv4_len() * 2 >= all.ipv4_len(),
        Internet::V6 => all.is_within(admitted),
    }
}

/// Ports that the groups of an interface open to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening<'s> {
    /// To which half of it.
    pub internet: Internet,
    /// The ports, of those that were asked about.
    pub ports: Vec<Ports>,
    /// The rules that do it.
    pub sources: Vec<Source<'s>>,
}

/// A rule of a security group with one of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'s> {
    /// The group.
    pub group: &'s SecurityGroup,
    /// The rule.
    pub permission: &'s IpPermission,
    /// The block.
    pub block: IpNet,
}

/// What the groups open to the world of some traffic.
///
/// # Errors
/// The gap, when a group or prefix list that may open more can't be seen.
pub fn openings<'s>(topology: &Topology<'s>, groups: &Groups<'s>, asked: Traffic) -> Result<Vec<Opening<'s>>, Gap> {
    let groups = match groups {
        Groups::Carried(groups) => groups,
        Groups::Without => return Ok(Vec::new()),
        Groups::Unseen(gap) => return Err(gap.clone()),
    };
    let mut openings = Vec::new();
    for internet in Internet::BOTH {
        let addresses = internet.addresses();
        let peer = Peer { addresses: &addresses, groups: Some(Vec::new()), prefix_list: None };
        let permissions = || groups.iter().flat_map(|group| &group.ingress);
        let passage = group::passage(permissions(), &peer, asked, |id| topology.prefix_list_entries(id).ok());
        let mut ports: Vec<Ports> = Vec::new();
        for slice in passage.slices.iter().filter(|slice| is_world(internet, &slice.admitted)) {
            match ports.last_mut() {
                Some(last) if u32::from(last.last) + 1 == u32::from(slice.ports.first) => last.last = slice.ports.last,
                _ => ports.push(slice.ports),
            }
        }
        if ports.is_empty() {
            if let Some(gap) = permissions()
                .flat_map(|p| &p.prefix_lists)
                .find_map(|id| topology.prefix_list_entries(id).err().filter(|_| passage.is_undecided()))
            {
                return Err(gap);
            }
            continue;
        }
        let sources = groups.iter().flat_map(|group| sources(group, internet, asked)).collect();
        openings.push(Opening { internet, ports, sources });
    }
    Ok(openings)
}

/// The large blocks that rules of a group let in.
fn sources<'s>(group: &'s SecurityGroup, internet: Internet, asked: Traffic) -> Vec<Source<'s>> {
    let addresses = internet.addresses();
    let peer = Peer { addresses: &addresses, groups: Some(Vec::new()), prefix_list: None };
    let concerns =
        |permission: &&IpPermission| group::passage([*permission], &peer, asked, |_| None).admits_something();
    let is_large = |block: &&IpNet| match (internet, block) {
        (Internet::V4, IpNet::V4(block)) => block.prefix_len() <= 8,
        (Internet::V6, IpNet::V6(block)) => block.prefix_len() <= 8,
        _ => false,
    };
    let permissions = group.ingress.iter().filter(concerns);
    permissions
        .flat_map(|permission| {
            permission.cidrs.iter().filter(is_large).map(move |block| Source { group, permission, block: *block })
        })
        .collect()
}

/// A proof that everyone reaches an interface.
#[derive(Clone, Debug)]
pub struct Exposure<'s> {
    /// The interface.
    pub place: Place<'s>,
    /// What is open.
    pub opening: Opening<'s>,
    /// The gateway.
    pub gateway: InternetGatewayId,
    /// Every step.
    pub hops: Hops,
}

/// The proofs for some traffic to a place of a workload, and what can't be told.
pub fn exposures<'s>(
    analyses: &Analyses<'s>,
    workload: Option<&Workload<'s>>,
    place: &Place<'s>,
    asked: Traffic,
) -> (Vec<Exposure<'s>>, Vec<Gap>) {
    let topology = analyses.topology;
    let subnet = match ends::subnet(topology, place.subnet_id) {
        Ok(subnet) => subnet,
        Err(gap) => return (Vec::new(), vec![gap]),
    };
    let to = ends::of_origin(topology, place, subnet);
    let openings = match openings(topology, &to.groups, asked) {
        Ok(openings) => openings,
        Err(gap) => return (Vec::new(), vec![gap]),
    };
    let (mut proofs, mut gaps) = (Vec::new(), Vec::new());
    for opening in openings {
        let address = match opening.internet {
            Internet::V4 => place.public_address,
            Internet::V6 => ipv6_address(topology, workload, place),
        };
        if address == PublicAddress::No {
            continue;
        }
        let (gateway, mut hops) = match inbound::way_in(topology, place.subnet_id, opening.internet) {
            WayIn::By(gateway, hops) => (gateway, hops),
            WayIn::None => continue,
            WayIn::Unknown(more) => {
                gaps.extend(more);
                continue;
            }
        };
        let leg = in_through_filters(analyses, &to, &opening, asked);
        if !leg.blockers.is_empty() {
            continue;
        }
        gaps.extend(leg.gaps.iter().cloned());
        if address == PublicAddress::Unknown {
            let reason = text!["it can't be seen whether interfaces in ", place.subnet_id, " get a public address"];
            gaps.push(Gap::Undecidable { kind: "public-address", reason });
        } else if leg.gaps.is_empty() {
            hops.extend(leg.hops);
            proofs.push(Exposure { place: place.clone(), opening, gateway, hops });
        }
    }
    (proofs, gaps)
}

fn in_through_filters<'s>(analyses: &Analyses<'s>, to: &End<'s>, opening: &Opening<'s>, asked: Traffic) -> Leg {
    let from = End {
        name: text!["the internet"],
        addresses: opening.internet.addresses(),
        counts: Counts::Any,
        subnet_id: None,
        network_acl: None,
        groups: Groups::Without,
        prefix_list: None,
        client_ports: Ports::EPHEMERAL_AWS,
        alike: None,
    };
    let entries = |id: &_| analyses.topology.prefix_list_entries(id);
    let ports = opening.ports.first().copied().unwrap_or(asked.ports);
    leg::follow(&from, to, Traffic { ports, ..asked }, &entries, &analyses.acls)
}

/// Whether interfaces in a place have an IPv6 address: only those that run show it.
fn ipv6_address(topology: &Topology<'_>, workload: Option<&Workload<'_>>, place: &Place<'_>) -> PublicAddress {
    let has_block = topology.subnet(place.subnet_id).found().is_some_and(|s| !s.ipv6_cidr_blocks.is_empty());
    if !has_block {
        return PublicAddress::No;
    }
    let addresses: Vec<bool> = match place.interface {
        InterfaceKind::TaskEni => {
            let tasks = workload.into_iter().flat_map(|workload| &workload.tasks);
            let interfaces = tasks.filter(|t| t.last_status == "RUNNING").filter_map(|t| t.network_interface.as_ref());
            let here = interfaces.filter(|interface| interface.subnet_id.as_ref() == Some(place.subnet_id));
            here.map(|interface| interface.ipv6_address.is_some()).collect()
        }
        InterfaceKind::InstanceEni => {
            let ids = place.instances.iter().filter_map(|instance| instance.ec2_instance_id.as_ref());
            let hosts = ids.filter_map(|id| topology.instance(id).found());
            let primaries = hosts.filter_map(|host| host.network_interfaces.iter().find(|i| is_primary(i)));
            primaries.map(|primary| !primary.ipv6_addresses.is_empty()).collect()
        }
    };
    match (addresses.contains(&true), addresses.is_empty()) {
        (true, _) => PublicAddress::Yes,
        (false, true) => PublicAddress::Unknown,
        (false, false) => PublicAddress::No,
    }
}
