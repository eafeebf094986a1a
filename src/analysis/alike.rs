//! Which task interfaces differ in nothing but the ids of their security groups: what gets through for one of them gets
//! through for all, so that an account with a group for each service is judged once for each set of rules.

use std::cell::{OnceCell, RefCell};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::reach::nacl::Direction;
use crate::snapshot::ids::SecurityGroupId;
use crate::snapshot::vpc::{IpPermission, SecurityGroup};
use crate::topology::Topology;

/// The groups of an interface, sorted; `None` where they can't be seen.
pub(super) type Carried<'s> = Option<Vec<&'s SecurityGroupId>>;

/// The numbers of the groups of an interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbers {
    /// Equal numbers, equal groups.
    pub(super) own: u32,
    /// Equal numbers, equal rules for traffic out; `None` where a group can't be seen.
    pub(super) sends: Option<u32>,
    /// The same of traffic in.
    pub(super) receives: Option<u32>,
}

/// What makes groups alike in a direction: their rules, and themselves where a rule at the other end may name them.
type Rules<'s> = (Direction, &'s [IpPermission], Option<&'s SecurityGroupId>);

/// The numbers given so far.
#[derive(Default)]
pub(super) struct Alike<'s> {
    carried: RefCell<FxHashMap<Carried<'s>, Numbers>>,
    rules: RefCell<FxHashMap<Rules<'s>, u32>>,
    sets: RefCell<FxHashMap<Vec<u32>, u32>>,
    named_by_endpoints: OnceCell<FxHashSet<&'s SecurityGroupId>>,
    named_by_balancers: OnceCell<FxHashSet<&'s SecurityGroupId>>,
}

impl<'s> Alike<'s> {
    /// The numbers of some groups.
    pub(super) fn numbers(&self, topology: &Topology<'s>, carried: &Carried<'s>) -> Numbers {
        if let Some(known) = self.carried.borrow().get(carried) {
            return *known;
        }
        let like = |direction| {
            let groups = carried.as_ref()?.iter().map(|id| self.of_group(topology, id, direction));
            Some(number(&self.sets, groups.collect::<Option<_>>()?))
        };
        let (sends, receives) = (like(Direction::Egress), like(Direction::Ingress));
        let mut known = self.carried.borrow_mut();
        let numbers = Numbers { own: count(&known), sends, receives };
        known.insert(carried.clone(), numbers);
        numbers
    }

    fn of_group(&self, topology: &Topology<'s>, id: &SecurityGroupId, direction: Direction) -> Option<u32> {
        let group = topology.security_group(id).found()?;
        let rules = match direction {
            Direction::Egress => &group.egress,
            Direction::Ingress => &group.ingress,
        };
        let named = self.named(topology, direction).contains(id).then_some(&group.id);
        Some(number(&self.rules, (direction, rules.as_slice(), named)))
    }

    /// The groups that rules at the other end name: endpoints admit what tasks send, load balancers send what they get.
    fn named(&self, topology: &Topology<'s>, direction: Direction) -> &FxHashSet<&'s SecurityGroupId> {
        let data = topology.data();
        let found = |id| topology.security_group(id).found();
        let referred = |rule: &'s IpPermission| rule.groups.iter().map(|pair| &pair.group_id);
        match direction {
            Direction::Egress => self.named_by_endpoints.get_or_init(|| {
                let ids = data.vpc_endpoints.items().iter().flat_map(|endpoint| &endpoint.security_group_ids);
                ids.filter_map(found).flat_map(|group| &group.ingress).flat_map(referred).collect()
            }),
            Direction::Ingress => self.named_by_balancers.get_or_init(|| {
                let ids = data.load_balancers.items().iter().flat_map(|balancer| &balancer.security_groups);
                // A load balancer that is given no group has the default one of its VPC.
                let default = |group: &&'s SecurityGroup| group.name == "default";
                let defaults = data.security_groups.items().iter().filter(default);
                ids.filter_map(found).chain(defaults).flat_map(|group| &group.egress).flat_map(referred).collect()
            }),
        }
    }
}

fn number<K: std::hash::Hash + Eq>(known: &RefCell<FxHashMap<K, u32>>, key: K) -> u32 {
    let mut known = known.borrow_mut();
    let next = count(&known);
    *known.entry(key).or_insert(next)
}

fn count<K, V>(known: &FxHashMap<K, V>) -> u32 {
    u32::try_from(known.len()).expect("an account has fewer security groups than a u32 has numbers")
}
