//! What is true of each workload, computed once and read by rules and reports.

pub mod addresses;
pub mod agent_version;
mod alike;
pub mod balancing;
pub mod deployments;
pub mod efs;
pub mod egress;
pub mod endpoint;
pub mod ends;
pub mod exposure;
pub mod hosts;
pub mod inbound;
pub mod ingress;
pub mod interfaces;
pub mod internet;
pub mod names;
pub mod needs;
pub mod path;
mod path_faults;
mod path_out;
pub mod places;
pub mod resolution;
pub mod service_connect;
pub mod symptoms;
pub mod task_eni_limits;

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::glob;
use crate::reach::leg::{Leg, Memo};
use crate::reach::policy::Policy;
use crate::reach::traffic::Traffic;
use crate::reach::verdict::Hops;
use crate::settings::Settings;
use crate::snapshot::ids::{Arn, SubnetId, VpcEndpointId};
use crate::snapshot::vpc::VpcEndpoint;
use crate::topology::Topology;
use crate::topology::origin::PublicAddress;
use crate::topology::workload::Workload;
use needs::Destination;
use places::Place;

/// The analyses of one target, each made when the first rule asks for it.
pub struct Analyses<'s> {
    /// What they are made from.
    pub topology: &'s Topology<'s>,
    /// Thresholds.
    pub settings: &'s Settings,
    internet: RefCell<FxHashMap<(SubnetId, PublicAddress), Rc<internet::InternetPath>>>,
    register: places::Register<'s>,
    paths: RefCell<FxHashMap<u32, FxHashMap<Destination, Rc<path::Path<'s>>>>>,
    ways: RefCell<FxHashMap<u32, FxHashMap<Destination, Option<path::Way<'s>>>>>,
    ends: ends::Memo<'s>,
    acls: Memo<'s>,
    policies: RefCell<FxHashMap<&'s VpcEndpointId, Option<Rc<Policy>>>>,
    ways_out: RefCell<FxHashMap<u32, Rc<Leg>>>,
    sources: balancing::Memo<'s>,
    legs: RefCell<FxHashMap<(u32, LegKey<'s>), Rc<Leg>>>,
    open: RefCell<OpenLegs<'s>>,
    closed: RefCell<FxHashMap<(u32, Traffic), bool>>,
    hosts: RefCell<FxHashMap<&'s Arn, Rc<hosts::Hosts<'s>>>>,
    eligible: RefCell<FxHashMap<hosts::EligibleKey<'s>, Rc<hosts::Eligible>>>,
    addresses: OnceCell<Rc<addresses::Addresses<'s>>>,
    slots: RefCell<FxHashMap<&'s Arn, Rc<interfaces::ClusterSlots<'s>>>>,
    egress: Vec<OnceCell<Vec<egress::Cell<'s>>>>,
    ingress: Vec<OnceCell<ingress::Ingress<'s>>>,
    told: symptoms::Memo,
}

/// What tells the legs from load balancers to one origin apart: the balancer, its subnet, whether clients keep their
/// addresses, and what is sent.
type LegKey<'s> = (&'s Arn, &'s SubnetId, bool, Traffic);
type OpenLegs<'s> = FxHashMap<(u32, LegKey<'s>), Option<Rc<Leg>>>;

impl<'s> Analyses<'s> {
    /// Nothing is computed yet.
    pub fn new(topology: &'s Topology<'s>, settings: &'s Settings) -> Self {
        let count = topology.workloads().len();
        Self {
            topology,
            settings,
            internet: RefCell::default(),
            register: places::Register::default(),
            paths: RefCell::default(),
            ways: RefCell::default(),
            ends: ends::Memo::default(),
            acls: Memo::default(),
            policies: RefCell::default(),
            ways_out: RefCell::default(),
            sources: balancing::Memo::default(),
            legs: RefCell::default(),
            open: RefCell::default(),
            closed: RefCell::default(),
            hosts: RefCell::default(),
            eligible: RefCell::default(),
            addresses: OnceCell::new(),
            slots: RefCell::default(),
            egress: (0..count).map(|_| OnceCell::new()).collect(),
            ingress: (0..count).map(|_| OnceCell::new()).collect(),
            told: symptoms::Memo::default(),
        }
    }

    /// The workloads that the settings ask about.
    pub fn workloads_in_scope(&self) -> impl Iterator<Item = &'s Workload<'s>> + use<'s> {
        let Settings { clusters, services, .. } = self.settings;
        let in_scope = |workload: &&Workload<'s>| {
            glob::in_scope(clusters, &workload.cluster_name) && glob::in_scope(services, &workload.short_name)
        };
        self.topology.workloads().iter().filter(in_scope)
    }

    /// Gives the memory of some workloads' cells back; whoever asks for them again has them made again.
    pub fn forget_egress(&mut self, workloads: &[&Workload<'s>]) {
        for workload in workloads {
            self.egress[workload.index] = OnceCell::new();
        }
    }

    /// The way from an interface in a subnet to the internet.
    pub fn internet_path(&self, subnet: &SubnetId, address: PublicAddress) -> Rc<internet::InternetPath> {
        let key = (subnet.clone(), address);
        if let Some(path) = self.internet.borrow().get(&key) {
            return Rc::clone(path);
        }
        let path = Rc::new(internet::path(self.topology, subnet, address));
        self.internet.borrow_mut().insert(key, Rc::clone(&path));
        path
    }

    /// The path of TCP 443 from a place to a destination.
    pub fn path(&self, destination: &Destination, place: &Place<'s>) -> Rc<path::Path<'s>> {
        if let Some(path) = self.paths.borrow().get(&place.id()).and_then(|paths| paths.get(destination)) {
            return Rc::clone(path);
        }
        let path = Rc::new(path::judge(self, destination, place));
        self.paths.borrow_mut().entry(place.id()).or_default().insert(destination.clone(), Rc::clone(&path));
        path
    }

    /// How TCP 443 gets from a place to a destination, if it does. Alike places share the answer, for which the steps of
    /// one path are written, not those of all.
    pub fn way(&self, destination: &Destination, place: &Place<'s>) -> Option<path::Way<'s>> {
        let alike = place.sends_like();
        if let Some(way) = self.ways.borrow().get(&alike).and_then(|ways| ways.get(destination)) {
            return *way;
        }
        let way = self.path(destination, place).way();
        self.ways.borrow_mut().entry(alike).or_default().insert(destination.clone(), way);
        way
    }

    /// The policy of an endpoint, read once; `None` where it lets everything through.
    fn restricting_policy(&self, endpoint: &'s VpcEndpoint) -> Option<Rc<Policy>> {
        let read = || {
            let policy = endpoint.policy_document.as_deref().map(Policy::parse);
            policy.filter(|policy| !policy.allows_everything()).map(Rc::new)
        };
        self.policies.borrow_mut().entry(&endpoint.id).or_insert_with(read).clone()
    }

    /// The steps of a cell.
    pub fn hops(&self, cell: &egress::Cell<'s>) -> Hops {
        match (&cell.reach, &cell.need, &cell.origin) {
            (path::Reach::Holds(_), Some(need), Some(origin)) => self.path(&need.destination, origin).hops.clone(),
            _ => cell.hops.clone(),
        }
    }

    /// The leg from a place to the internet, made once.
    fn leg_out(&self, place: &Place<'s>, make: impl FnOnce() -> Leg) -> Rc<Leg> {
        if let Some(leg) = self.ways_out.borrow().get(&place.id()) {
            return Rc::clone(leg);
        }
        let leg = Rc::new(make());
        self.ways_out.borrow_mut().insert(place.id(), Rc::clone(&leg));
        leg
    }

    /// A leg from a load balancer to a place, made once. Alike places share one that nothing is in the way of, which has
    /// no steps.
    fn leg(&self, key: LegKey<'s>, place: &Place<'s>, make: impl FnOnce() -> Leg) -> Rc<Leg> {
        let (alike, own) = ((place.receives_like(), key), (place.id(), key));
        let open = self.open.borrow().get(&alike).cloned();
        if let Some(leg) = open.clone().flatten().or_else(|| self.legs.borrow().get(&own).cloned()) {
            return leg;
        }
        let leg = make();
        let holds = leg.holds();
        let leg = Rc::new(if holds { Leg::default() } else { leg });
        if open.is_none() {
            self.open.borrow_mut().insert(alike, holds.then(|| Rc::clone(&leg)));
        }
        if !holds {
            self.legs.borrow_mut().insert(own, Rc::clone(&leg));
        }
        leg
    }

    /// Load balancers × targets of a workload.
    pub fn ingress(&self, workload: &Workload<'s>) -> &ingress::Ingress<'s> {
        self.ingress[workload.index].get_or_init(|| ingress::of(self, workload))
    }

    /// Needs × origins of a workload.
    pub fn egress(&self, workload: &Workload<'s>) -> &[egress::Cell<'s>] {
        self.egress[workload.index].get_or_init(|| egress::cells(self, workload))
    }
}
