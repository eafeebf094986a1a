//! Origins with a number each, so that what is true of one is computed once for the many workloads that share it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Deref;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::Analyses;
use crate::reach::verdict::Gap;
use crate::snapshot::ids::{Arn, SecurityGroupId, SubnetId};
use crate::topology::launch::{Launch, LaunchKind};
use crate::topology::origin::{self, InterfaceKind, Origin, Origins, Pool, PublicAddress};
use crate::topology::workload::{Variant, Workload};

/// An origin and its number.
#[derive(Clone, Debug)]
pub struct Place<'s> {
    id: u32,
    origin: Rc<Origin<'s>>,
}

impl Place<'_> {
    /// The number: equal numbers, equal paths.
    pub(super) fn id(&self) -> u32 {
        self.id
    }
}

impl<'s> Deref for Place<'s> {
    type Target = Origin<'s>;

    fn deref(&self) -> &Origin<'s> {
        &self.origin
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

/// What makes task interfaces alike.
type TaskKey<'s> = (InterfaceKind, &'s SubnetId, Option<Vec<&'s SecurityGroupId>>, PublicAddress, bool);

/// The numbers given so far.
#[derive(Default)]
pub(super) struct Register<'s> {
    next: RefCell<u32>,
    tasks: RefCell<FxHashMap<TaskKey<'s>, Place<'s>>>,
    pools: RefCell<FxHashMap<Pool<'s>, Places<'s>>>,
}

impl<'s> Register<'s> {
    fn number(&self, origin: Origin<'s>) -> Place<'s> {
        let mut next = self.next.borrow_mut();
        *next += 1;
        Place { id: *next, origin: Rc::new(origin) }
    }

    fn of_task(&self, origin: Origin<'s>) -> Place<'s> {
        let key = (
            origin.interface,
            origin.subnet_id,
            origin.security_groups.clone(),
            origin.public_address,
            origin.is_windows,
        );
        if let Some(place) = self.tasks.borrow().get(&key) {
            return place.clone();
        }
        let place = self.number(origin);
        self.tasks.borrow_mut().insert(key, place.clone());
        place
    }

    fn all(&self, origins: Origins<'s>) -> Places<'s> {
        Places {
            known: origins.known.into_iter().map(|origin| self.number(origin)).collect(),
            gaps: origins.gaps,
            may_be_narrower: origins.may_be_narrower,
        }
    }
}

impl<'s> Analyses<'s> {
    /// The task ENIs of an awsvpc variant. On EC2 a task starts only where an instance is, whatever its subnets are.
    pub fn task_places(&self, workload: &Workload<'s>, variant: &Variant<'s>, launch: &Launch<'s>) -> Places<'s> {
        let origins = origin::task_interfaces(self.topology, variant, launch);
        let mut known: Vec<Place<'s>> = origins.known.into_iter().map(|origin| self.register.of_task(origin)).collect();
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
