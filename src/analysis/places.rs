//! Origins with a number each, so that what is true of one is computed once for the many workloads that share it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::Analyses;
use super::alike::{Alike, Numbers};
use crate::reach::verdict::Gap;
use crate::snapshot::ids::{Arn, SubnetId};
use crate::topology::Topology;
use crate::topology::launch::{Launch, LaunchKind};
use crate::topology::origin::{self, Origin, Origins, Pool, PublicAddress};
use crate::topology::workload::{Variant, Workload};

/// An origin and its numbers.
#[derive(Clone, Debug)]
pub struct Place<'s>(Rc<Numbered<'s>>);

#[derive(Debug)]
struct Numbered<'s> {
    id: u32,
    sends_like: u32,
    receives_like: u32,
    origin: Origin<'s>,
}

impl Place<'_> {
    /// The number: equal numbers, equal paths.
    pub(super) fn id(&self) -> u32 {
        self.0.id
    }

    /// Equal numbers: what gets out of one gets out of all; only the words about it name other security groups.
    pub(super) fn sends_like(&self) -> u32 {
        self.0.sends_like
    }

    /// The same of what gets in.
    pub(super) fn receives_like(&self) -> u32 {
        self.0.receives_like
    }
}

impl<'s> Deref for Place<'s> {
    type Target = Origin<'s>;

    fn deref(&self) -> &Origin<'s> {
        &self.0.origin
    }
}

/// All places of one kind for a way of launching.
#[derive(Clone, Debug, Default)]
pub struct Places<'s> {
    /// Those known.
    pub known: Vec<Place<'s>>,
    /// What hides others.
    pub gaps: Vec<Gap>,
    /// A placement constraint may exclude some of the known ones.
    pub may_be_narrower: bool,
}

/// What makes task interfaces alike but for their groups: subnet, public address, and whether it is Windows.
type Site<'s> = (&'s SubnetId, PublicAddress, bool);

/// The numbers given so far.
#[derive(Default)]
pub(super) struct Register<'s> {
    next: RefCell<u32>,
    alike: Alike<'s>,
    tasks: RefCell<FxHashMap<(u32, Site<'s>), Place<'s>>>,
    senders: RefCell<FxHashMap<(u32, Site<'s>), u32>>,
    receivers: RefCell<FxHashMap<(u32, Site<'s>), u32>>,
    pools: RefCell<FxHashMap<Pool<'s>, Places<'s>>>,
}

impl<'s> Register<'s> {
    fn next(&self) -> u32 {
        let mut next = self.next.borrow_mut();
        *next += 1;
        *next
    }

    /// A place that is like no other: the addresses of its instances are its own.
    fn alone(&self, origin: Origin<'s>) -> Place<'s> {
        let id = self.next();
        Place(Rc::new(Numbered { id, sends_like: id, receives_like: id, origin }))
    }

    /// The places of task interfaces, which carry the same groups.
    fn of_tasks(&self, topology: &Topology<'s>, origins: Vec<Origin<'s>>) -> Vec<Place<'s>> {
        let mut last: Option<(Option<Vec<_>>, Numbers)> = None;
        let of_task = |origin: Origin<'s>| {
            let numbers = match &last {
                Some((carried, numbers)) if *carried == origin.security_groups => *numbers,
                _ => {
                    let numbers = self.alike.numbers(topology, &origin.security_groups);
                    last = Some((origin.security_groups.clone(), numbers));
                    numbers
                }
            };
            self.of_task(origin, numbers)
        };
        origins.into_iter().map(of_task).collect()
    }

    fn of_task(&self, origin: Origin<'s>, groups: Numbers) -> Place<'s> {
        let site = (origin.subnet_id, origin.public_address, origin.is_windows);
        if let Some(place) = self.tasks.borrow().get(&(groups.own, site)) {
            return place.clone();
        }
        let id = self.next();
        let like = |known: &RefCell<FxHashMap<_, u32>>, rules: Option<u32>| {
            rules.map_or(id, |rules| *known.borrow_mut().entry((rules, site)).or_insert(id))
        };
        let (sends_like, receives_like) = (like(&self.senders, groups.sends), like(&self.receivers, groups.receives));
        let place = Place(Rc::new(Numbered { id, sends_like, receives_like, origin }));
        self.tasks.borrow_mut().insert((groups.own, site), place.clone());
        place
    }

    fn all(&self, origins: Origins<'s>) -> Places<'s> {
        Places {
            known: origins.known.into_iter().map(|origin| self.alone(origin)).collect(),
            gaps: origins.gaps,
            may_be_narrower: origins.may_be_narrower,
        }
    }
}

impl<'s> Analyses<'s> {
    /// The task ENIs of an awsvpc variant. On EC2 a task starts only where an instance is, whatever its subnets are.
    pub fn task_places(&self, workload: &Workload<'s>, variant: &Variant<'s>, launch: &Launch<'s>) -> Places<'s> {
        let origins = origin::task_interfaces(self.topology, variant, launch);
        let mut known = self.register.of_tasks(self.topology, origins.known);
        let mut may_be_narrower = false;
        if launch.kind == LaunchKind::Ec2 && known.len() > 1 {
            let hosts = self.instance_places(workload, variant, launch);
            let zone = |place: &Place<'s>| self.topology.subnet(place.subnet_id).found().map(|s| &s.availability_zone);
            let zones: BTreeSet<_> = hosts.known.iter().map(zone).collect();
            if hosts.gaps.is_empty() && !zones.is_empty() && !zones.contains(&None) {
                known.retain(|place| zone(place).is_none() || zones.contains(&zone(place)));
            }
            may_be_narrower = hosts.may_be_narrower;
        }
        Places { known, gaps: origins.gaps, may_be_narrower }
    }

    /// The primary ENIs of the container instances that a variant may be placed on.
    pub fn instance_places(&self, workload: &Workload<'s>, variant: &Variant<'s>, launch: &Launch<'s>) -> Places<'s> {
        let pool = Pool::of(self.topology, workload, variant, launch);
        let known = self.register.pools.borrow().get(&pool).cloned();
        let mut places = known.unwrap_or_else(|| {
            let places = self.register.all(pool.interfaces(self.topology));
            self.register.pools.borrow_mut().insert(pool, places.clone());
            places
        });
        places.may_be_narrower = origin::is_constrained(workload, variant);
        places
    }

    /// The primary ENIs of all container instances of a cluster.
    pub fn cluster_places(&self, cluster: &Arn) -> Places<'s> {
        self.register.all(origin::of_cluster(self.topology, cluster))
    }
}
