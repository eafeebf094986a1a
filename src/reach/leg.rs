//! One leg of a path: from an interface to another, or to addresses outside, through the security groups of both and the
//! network ACLs of their subnets, there and back. Every filter that refuses is named, not only the first.

use std::cell::RefCell;
use std::rc::Rc;

use ipnet::{IpNet, Ipv4Net};
use rustc_hash::FxHashMap;

use super::filter::{Amount, Passage};
use super::group::{self, Peer};
use super::nacl::{self, Direction};
use super::space::AddressSet;
use super::traffic::{Ports, Traffic};
use super::verdict::{Blocker, Family, Gap, Hop, Hops};
use crate::snapshot::ids::{NetworkAclId, PrefixListId, SecurityGroupId, SubnetId};
use crate::snapshot::vpc::{NetworkAcl, SecurityGroup};
use crate::text;
use crate::text::{Text, format_words};

/// The entries of a prefix list, or why they are not known.
pub type Entries<'a> = &'a dyn Fn(&PrefixListId) -> Result<Vec<IpNet>, Gap>;

/// The security groups of an end.
#[derive(Clone, Debug)]
pub enum Groups<'s> {
    /// These, all of them.
    Carried(Vec<&'s SecurityGroup>),
    /// None at all, so nothing is filtered and no rule that names a group can match: a Network Load Balancer without
    /// groups, or the internet.
    Without,
    /// They can't be seen.
    Unseen(Gap),
}

/// Which of the addresses of an end have to get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Each: any of them can be the one.
    Each,
    /// Some unknown part of them.
    SomePart,
    /// It is enough that one does.
    Any,
}

/// One end of a leg.
#[derive(Clone, Debug)]
pub struct End<'s> {
    /// How sentences call it.
    pub name: Text,
    /// Where it may be.
    pub addresses: AddressSet,
    /// Which of the addresses matter.
    pub counts: Counts,
    /// Its subnet; `None` outside of the VPC, where no network ACL is asked.
    pub subnet_id: Option<&'s SubnetId>,
    /// The network ACL of the subnet.
    pub network_acl: Option<Result<&'s NetworkAcl, Gap>>,
    /// Its groups.
    pub groups: Groups<'s>,
    /// The addresses are those of this list.
    pub prefix_list: Option<&'s PrefixListId>,
    /// The ports that it sends from as a client.
    pub client_ports: Ports,
    /// Ends with equal ids here have equal names, addresses, subnets and network ACLs; only their groups may differ.
    pub alike: Option<(&'s str, &'s str)>,
}

/// What network ACLs do with traffic between ends that are alike: many interfaces share a subnet.
#[derive(Debug, Default)]
pub struct Memo<'s>(RefCell<FxHashMap<MemoKey<'s>, Rc<Leg>>>);

type Ids<'s> = (&'s str, &'s str);
type MemoKey<'s> = (Ids<'s>, Ids<'s>, Direction, bool, Traffic);

impl End<'_> {
    /// One block for all of its addresses: the smallest that holds them inside of a VPC, everything outside.
    fn block(&self) -> RepairPeer {
        let whole = IpNet::V4(Ipv4Net::default());
        match (self.counts, self.subnet_id) {
            (Counts::Any, _) => RepairPeer::Clients,
            (_, None) => RepairPeer::Block(whole),
            (_, Some(_)) => RepairPeer::Block(self.addresses.enclosing_block().unwrap_or(whole)),
        }
    }
}

/// What became of the traffic.
#[derive(Clone, Debug, Default)]
pub struct Leg {
    /// What refuses all or some of it.
    pub blockers: Vec<Blocker>,
    /// One of the blockers refuses all of it.
    pub is_shut: bool,
    /// What can't be told.
    pub gaps: Vec<Gap>,
    /// The filters in order.
    pub hops: Hops,
    /// What to add to the filters that refuse, in the order of the blockers.
    pub repairs: Vec<Repair>,
}

/// A rule or entry that would let the traffic through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repair {
    /// The filter.
    pub filter: Filtering,
    /// For traffic out of it.
    pub egress: bool,
    /// What to let through.
    pub traffic: Traffic,
    /// From or to whom.
    pub peer: RepairPeer,
}

/// A filter that lacks something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filtering {
    /// A security group.
    Group(SecurityGroupId),
    /// A network ACL, with free numbers before the entry that refuses.
    Acl(NetworkAclId, Vec<i32>),
}

/// Whom a repair lets through.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RepairPeer {
    /// Those who carry a group.
    Group(SecurityGroupId),
    /// The addresses of a list.
    PrefixList(PrefixListId),
    /// A block.
    Block(IpNet),
    /// The clients, whoever they are: that is the owner's to say.
    Clients,
}

impl Leg {
    /// Whether nothing refuses it and nothing is unknown.
    pub fn holds(&self) -> bool {
        self.blockers.is_empty() && self.gaps.is_empty()
    }

    /// Its steps, for reports.
    pub fn trace(&self) -> Vec<Hop> {
        self.hops.iter().map(|hop| (**hop).clone()).collect()
    }

    fn append_shared(&mut self, other: &Self) {
        self.blockers.extend(other.blockers.iter().cloned());
        self.is_shut |= other.is_shut;
        self.gaps.extend(other.gaps.iter().cloned());
        self.hops.extend(other.hops.iter().cloned());
        self.repairs.extend(other.repairs.iter().cloned());
    }

    /// Adds another leg of the same path.
    pub fn append(&mut self, other: Leg) {
        self.blockers.extend(other.blockers);
        self.is_shut |= other.is_shut;
        self.gaps.extend(other.gaps);
        self.hops.extend(other.hops);
        self.repairs.extend(other.repairs);
    }
}

/// Follows traffic from one end to the other and its answers back.
pub fn follow<'s>(from: &End<'s>, to: &End<'s>, sent: Traffic, entries: Entries<'_>, memo: &Memo<'s>) -> Leg {
    let mut walk = Walk { leg: Leg::default(), entries, memo };
    let crosses = from.subnet_id.is_none() || from.subnet_id != to.subnet_id;
    let answers = Traffic { ports: from.client_ports, ..sent };
    walk.groups(from, to, sent, Direction::Egress);
    if crosses {
        walk.nacl(from, to, sent, Direction::Egress, false);
        walk.nacl(to, from, sent, Direction::Ingress, false);
    }
    walk.groups(to, from, sent, Direction::Ingress);
    if crosses && sent.protocol.has_ports() {
        walk.nacl(to, from, answers, Direction::Egress, true);
        walk.nacl(from, to, answers, Direction::Ingress, true);
    }
    walk.leg
}

/// What the network ACL of a NAT gateway's subnet does with traffic on its way out and back. The gateway has no groups.
pub fn through_nat<'s>(
    from: &End<'s>,
    nat: &End<'s>,
    to: &End<'s>,
    sent: Traffic,
    entries: Entries<'_>,
    memo: &Memo<'s>,
) -> Leg {
    let mut walk = Walk { leg: Leg::default(), entries, memo };
    let crosses = from.subnet_id != nat.subnet_id;
    if crosses {
        walk.nacl(nat, from, sent, Direction::Ingress, false);
    }
    walk.nacl(nat, to, sent, Direction::Egress, false);
    walk.nacl(nat, to, Traffic { ports: nat.client_ports, ..sent }, Direction::Ingress, true);
    if crosses {
        walk.nacl(nat, from, Traffic { ports: from.client_ports, ..sent }, Direction::Egress, true);
    }
    walk.leg
}

/// What a sentence needs to know of a filter.
struct Filter<'a> {
    family: Family,
    hop: &'static str,
    kind: &'static str,
    /// Its name with the verb: `sg-1 lets nothing`.
    subject: Text,
    resource: String,
    direction: Direction,
    is_answer: bool,
    other: &'a End<'a>,
    sent: Traffic,
}

struct Walk<'a, 's> {
    leg: Leg,
    entries: Entries<'a>,
    memo: &'a Memo<'s>,
}

impl<'s> Walk<'_, 's> {
    fn groups(&mut self, own: &End<'_>, other: &End<'_>, sent: Traffic, direction: Direction) {
        let groups = match &own.groups {
            Groups::Carried(groups) => groups,
            Groups::Without => return,
            Groups::Unseen(gap) => {
                self.leg.gaps.push(gap.clone());
                return;
            }
        };
        let permissions = || {
            groups.iter().flat_map(|group| match direction {
                Direction::Egress => &group.egress,
                Direction::Ingress => &group.ingress,
            })
        };
        let carried: Option<Vec<&SecurityGroupId>> = match &other.groups {
            Groups::Carried(groups) => Some(groups.iter().map(|group| &group.id).collect()),
            Groups::Without => Some(Vec::new()),
            Groups::Unseen(_) => None,
        };
        let peer = Peer { addresses: &other.addresses, groups: carried, prefix_list: other.prefix_list };
        let passage = group::passage(permissions(), &peer, sent, |id| (self.entries)(id).ok());
        let mut unseen = Vec::new();
        if passage.is_undecided() {
            unseen.extend(permissions().flat_map(|p| &p.prefix_lists).filter_map(|id| (self.entries)(id).err()));
            if let (Groups::Unseen(gap), true) = (&other.groups, permissions().any(|p| !p.groups.is_empty())) {
                unseen.push(gap.clone());
            }
        }
        let (hop, kind) = match direction {
            Direction::Egress => ("security-group", "group-egress"),
            Direction::Ingress => ("security-group", "group-ingress"),
        };
        let subject = Text::list(groups.iter().map(|group| &group.id), 4);
        let resource = groups.first().map(|group| group.id.as_str().to_owned()).unwrap_or_default();
        let filter =
            Filter { family: Family::Group, hop, kind, subject, resource, direction, is_answer: false, other, sent };
        if self.judge(&filter, &passage, unseen, None)
            && let Some(group) = groups.first()
        {
            let peer = match (&other.groups, other.prefix_list) {
                (_, Some(list)) => RepairPeer::PrefixList(list.clone()),
                (Groups::Carried(carried), None) if !carried.is_empty() => RepairPeer::Group(carried[0].id.clone()),
                _ => other.block(),
            };
            let egress = direction == Direction::Egress;
            let filter = Filtering::Group(group.id.clone());
            self.leg.repairs.push(Repair { filter, egress, traffic: sent, peer });
        }
    }

    fn nacl(&mut self, own: &End<'s>, other: &End<'s>, sent: Traffic, direction: Direction, is_answer: bool) {
        let (Some(here), Some(there)) = (own.alike, other.alike) else {
            return self.ask_acl(own, other, sent, direction, is_answer);
        };
        let key = (here, there, direction, is_answer, sent);
        let known = self.memo.0.borrow().get(&key).cloned();
        let leg = known.unwrap_or_else(|| {
            let mut alone = Walk { leg: Leg::default(), entries: self.entries, memo: self.memo };
            alone.ask_acl(own, other, sent, direction, is_answer);
            let leg = Rc::new(alone.leg);
            self.memo.0.borrow_mut().insert(key, Rc::clone(&leg));
            leg
        });
        self.leg.append_shared(&leg);
    }

    fn ask_acl(&mut self, own: &End<'_>, other: &End<'_>, sent: Traffic, direction: Direction, is_answer: bool) {
        let (Some(acl), Some(subnet)) = (&own.network_acl, own.subnet_id) else { return };
        let acl = match acl {
            Ok(acl) => acl,
            Err(gap) => {
                self.leg.gaps.push(gap.clone());
                return;
            }
        };
        let passage = nacl::passage(acl, direction, &other.addresses, sent);
        let number = nacl::refusing_entry(acl, direction, &passage.refused_addresses(), sent);
        let kind = match (direction, is_answer) {
            (Direction::Egress, false) => "nacl-egress",
            (Direction::Ingress, false) => "nacl-ingress",
            (Direction::Egress, true) => "nacl-return-egress",
            (Direction::Ingress, true) => "nacl-return-ingress",
        };
        let filter = Filter {
            family: Family::Nacl,
            hop: "network-acl",
            kind,
            subject: text!["network ACL ", &acl.id, " of ", subnet],
            resource: acl.id.as_str().to_owned(),
            direction,
            is_answer,
            other,
            sent,
        };
        if self.judge(&filter, &passage, Vec::new(), number) {
            let filter = Filtering::Acl(acl.id.clone(), nacl::free_numbers(acl, direction, number));
            let egress = direction == Direction::Egress;
            self.leg.repairs.push(Repair { filter, egress, traffic: sent, peer: other.block() });
        }
    }

    /// Whether it refuses something for sure.
    fn judge(&mut self, filter: &Filter<'_>, passage: &Passage, unseen: Vec<Gap>, number: Option<i32>) -> bool {
        let amount = passage.refused();
        let refuses = match (amount, filter.other.counts) {
            (Amount::Nothing, _) | (Amount::Part, Counts::Any) => false,
            // Which addresses are in use can't be seen, but a port that is shut to all of them is shut.
            (Amount::Part, Counts::SomePart) => passage.shuts_a_port(),
            (Amount::All, _) | (Amount::Part, Counts::Each) => true,
        };
        let mut detail = sentence(filter, passage, amount);
        if let Some(number) = number.filter(|_| refuses) {
            detail.push(format_words(format!(" (entry {number})")));
        }
        let verdict = if refuses {
            self.leg.is_shut |= amount == Amount::All;
            self.leg.blockers.push(Blocker {
                family: filter.family,
                kind: filter.kind,
                need: None,
                origin: None,
                port: (filter.sent.protocol.has_ports() && !filter.is_answer).then_some(filter.sent.ports.first),
                protocol: Some(filter.sent.protocol.name()),
                resource: Some(filter.resource.clone()),
                detail: detail.clone(),
            });
            "fails"
        } else if filter.other.counts == Counts::Any && passage.admits_something() {
            "holds"
        } else if amount == Amount::Part {
            let mut reason = detail.clone();
            reason.push("; which of these addresses are in use can't be seen");
            self.leg.gaps.push(Gap::Undecidable { kind: "part-of-the-addresses", reason });
            "unknown"
        } else if passage.is_undecided() {
            if unseen.is_empty() {
                let mut reason = filter.subject.clone();
                reason.push(" decide by a group or prefix list that can't be seen");
                self.leg.gaps.push(Gap::Undecidable { kind: "unseen-reference", reason });
            }
            self.leg.gaps.extend(unseen);
            "unknown"
        } else {
            "holds"
        };
        self.leg.hops.push(Rc::new(Hop { hop: filter.hop, resource: filter.resource.clone(), verdict, detail }));
        refuses
    }
}

/// "sg-1 admits no tcp 443 from subnet-2", "network ACL acl-1 of subnet-2 lets only a part of …".
fn sentence(filter: &Filter<'_>, passage: &Passage, amount: Amount) -> Text {
    let mut text = filter.subject.clone();
    let (verb, preposition) = match filter.direction {
        Direction::Egress => (" lets out ", " to "),
        Direction::Ingress => (" admits ", " from "),
    };
    text.push(verb);
    match amount {
        Amount::Nothing => {}
        Amount::All => text.push("no "),
        Amount::Part => text.push("only a part of "),
    }
    if filter.is_answer {
        text.push("answers on ");
    }
    text.push(format_words(filter.sent.to_string()));
    text.push(preposition);
    text.append(filter.other.name.clone());
    if amount == Amount::Part {
        let (addresses, ports) = (passage.refused_addresses(), passage.refused_ports());
        text.push(": not ");
        if addresses != passage.asked {
            text.push(addresses.to_string());
        }
        if ports != [filter.sent.ports] {
            let ports: Vec<String> = ports.iter().map(ToString::to_string).collect();
            if addresses != passage.asked {
                text.push(" ");
            }
            text.push(format_words(format!("on {}", ports.join(", "))));
        }
    }
    text
}
