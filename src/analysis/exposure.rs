//! Who of the internet may reach an interface: what its security groups open to the world, its public address, the way in
//! and the network ACL of its subnet.
//!
//! Sources: "Internet gateways", "Security group rules", "Network ACLs" and "Block public access" in the Amazon VPC User
//! Guide. A rule that names a group never matches what comes by a public address.

use std::rc::Rc;

use ipnet::IpNet;

use super::Analyses;
use super::ends;
use super::inbound::{self, Internet, WayIn};
use super::places::Place;
use crate::reach::group::{self, Peer};
use crate::reach::leg::Groups;
use crate::reach::nacl::{self, Direction};
use crate::reach::space::AddressSet;
use crate::reach::traffic::{Ports, Traffic};
use crate::reach::verdict::{Gap, Hop, Hops};
use crate::snapshot::ids::{InternetGatewayId, PrefixListId};
use crate::snapshot::vpc::{IpPermission, NetworkAcl, SecurityGroup, Subnet};
use crate::text;
use crate::topology::Topology;
use crate::topology::origin::{InterfaceKind, PublicAddress, is_primary};
use crate::topology::workload::Workload;

/// Ports that the groups of an interface open to the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening<'s> {
    /// To which half of it.
    pub internet: Internet,
    /// The ports, of those that were asked about, with who is let in there.
    pub open: Vec<(Ports, AddressSet)>,
    /// The rules that do it.
    pub sources: Vec<Source<'s>>,
}

impl Opening<'_> {
    /// The ports, joined where they touch.
    pub fn ports(&self) -> Vec<Ports> {
        let mut joined: Vec<Ports> = Vec::new();
        for (ports, _) in &self.open {
            match joined.last_mut() {
                Some(last) if u32::from(last.last) + 1 == u32::from(ports.first) => last.last = ports.last,
                _ => joined.push(*ports),
            }
        }
        joined
    }
}

/// A rule of a security group with what it lets in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source<'s> {
    /// The group.
    pub group: &'s SecurityGroup,
    /// The rule.
    pub permission: &'s IpPermission,
    /// Whom it lets in.
    pub peer: SourcePeer<'s>,
}

/// Whom a rule lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourcePeer<'s> {
    /// A block.
    Block(IpNet),
    /// The entries of a prefix list.
    List(&'s PrefixListId),
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
        let undecided = passage.is_undecided();
        let world = passage.slices.into_iter().filter(|slice| internet.is_world(&slice.admitted));
        let open: Vec<(Ports, AddressSet)> = world.map(|slice| (slice.ports, slice.admitted)).collect();
        if open.is_empty() {
            let mut lists = permissions().flat_map(|permission| &permission.prefix_lists);
            if let Some(gap) = lists.find_map(|id| topology.prefix_list_entries(id).err().filter(|_| undecided)) {
                return Err(gap);
            }
            continue;
        }
        let sources = groups.iter().flat_map(|group| sources(topology, group, internet, asked)).collect();
        openings.push(Opening { internet, open, sources });
    }
    Ok(openings)
}

/// The large blocks of the internet that rules of a group let in; private ones are none of it.
fn sources<'s>(
    topology: &Topology<'s>,
    group: &'s SecurityGroup,
    internet: Internet,
    asked: Traffic,
) -> Vec<Source<'s>> {
    let addresses = internet.addresses();
    let peer = Peer { addresses: &addresses, groups: Some(Vec::new()), prefix_list: None };
    let entries = |id: &PrefixListId| topology.prefix_list_entries(id).ok();
    let concerns = |permission: &&IpPermission| group::passage([*permission], &peer, asked, entries).admits_something();
    let is_large = |blocks: &[IpNet]| {
        let part = addresses.in_blocks(blocks);
        match internet {
            Internet::V4 => part.ipv4_len() >= 1 << 24,
            Internet::V6 => addresses.is_within(&part),
        }
    };
    let mut sources = Vec::new();
    for permission in group.ingress.iter().filter(concerns) {
        let blocks = permission.cidrs.iter().filter(|block| is_large(&[**block])).copied().map(SourcePeer::Block);
        let lists = permission.prefix_lists.iter().filter(|id| entries(id).is_some_and(|blocks| is_large(&blocks)));
        let peers = blocks.chain(lists.map(SourcePeer::List));
        sources.extend(peers.map(|peer| Source { group, permission, peer }));
    }
    sources
}

/// The groups of a place.
pub fn groups_of<'s>(topology: &Topology<'s>, place: &Place<'s>, subnet: &Subnet) -> Groups<'s> {
    ends::groups(topology, place.security_groups.as_deref(), &subnet.vpc_id)
}

impl<'s> Analyses<'s> {
    /// Whether the groups of a place are known to open nothing of some traffic to the world; asked once of alike places.
    pub fn is_closed(&self, place: &Place<'s>, subnet: &Subnet, asked: Traffic) -> bool {
        let key = (place.receives_like(), asked);
        if let Some(known) = self.closed.borrow().get(&key) {
            return *known;
        }
        let openings = openings(self.topology, &groups_of(self.topology, place, subnet), asked);
        let closed = openings.is_ok_and(|openings| openings.is_empty());
        self.closed.borrow_mut().insert(key, closed);
        closed
    }
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
    if analyses.is_closed(place, subnet, asked) {
        return (Vec::new(), Vec::new());
    }
    let openings = match openings(topology, &groups_of(topology, place, subnet), asked) {
        Ok(openings) => openings,
        Err(gap) => return (Vec::new(), vec![gap]),
    };
    let (mut proofs, mut gaps) = (Vec::new(), Vec::new());
    for mut opening in openings {
        let address = match opening.internet {
            Internet::V4 => place.public_address,
            Internet::V6 => ipv6_address(topology, workload, place),
        };
        if address == PublicAddress::No {
            continue;
        }
        let (gateway, served, mut hops) = match inbound::way_in(topology, place.subnet_id, opening.internet) {
            WayIn::By(gateway, served, hops) => (gateway, served, hops),
            WayIn::None => continue,
            WayIn::Unknown(more) => {
                gaps.extend(more);
                continue;
            }
        };
        let acl = match ends::network_acl(topology, place.subnet_id) {
            Ok(acl) => acl,
            Err(gap) => {
                gaps.push(gap);
                continue;
            }
        };
        opening.open = through(acl, &opening, &served, asked);
        if opening.open.is_empty() {
            continue;
        }
        if address == PublicAddress::Unknown {
            let reason = text!["it can't be seen whether interfaces in ", place.subnet_id, " get a public address"];
            gaps.push(Gap::Undecidable { kind: "public-address", reason });
            continue;
        }
        let hop =
            |hop, resource: &str, detail| Rc::new(Hop { hop, resource: resource.to_owned(), verdict: "holds", detail });
        let everyone = opening.internet.block();
        for source in &opening.sources {
            let id = &source.group.id;
            hops.push(hop("security-group", id.as_str(), text![id, " admits everyone"]));
        }
        let detail = text!["network ACL ", &acl.id, " of ", place.subnet_id, " lets in and out ", everyone];
        hops.push(hop("network-acl", acl.id.as_str(), detail));
        hops.dedup();
        proofs.push(Exposure { place: place.clone(), opening, gateway, hops });
    }
    (proofs, gaps)
}

/// What is left of an opening behind the network ACL, there and back, and of those whose answers the gateway carries.
fn through(acl: &NetworkAcl, opening: &Opening<'_>, served: &AddressSet, asked: Traffic) -> Vec<(Ports, AddressSet)> {
    let everyone = opening.internet.addresses();
    let answers = Traffic { ports: Ports::EPHEMERAL_AWS, ..asked };
    let back = nacl::passage(acl, Direction::Egress, &everyone, answers);
    let back = back.slices.iter().fold(AddressSet::default(), |all, slice| all.or(&slice.admitted)).and(served);
    let there = nacl::passage(acl, Direction::Ingress, &everyone, asked);
    let mut left = Vec::new();
    for (ports, admitted) in &opening.open {
        for slice in &there.slices {
            let Some(both) = slice.ports.and(*ports) else { continue };
            let who = admitted.and(&slice.admitted).and(&back);
            if opening.internet.is_world(&who) {
                left.push((both, who));
            }
        }
    }
    left
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
