//! What is true of each workload, computed once and read by rules and reports.

pub mod addresses;
pub mod agent_version;
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
use crate::reach::traffic::Traffic;
use crate::settings::Settings;
use crate::snapshot::ids::{Arn, SubnetId};
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
    acls: Memo<'s>,
    ways_out: RefCell<FxHashMap<u32, Rc<Leg>>>,
    legs: RefCell<FxHashMap<(u32, LegKey<'s>), Rc<Leg>>>,
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
            acls: Memo::default(),
            ways_out: RefCell::default(),
            legs: RefCell::default(),
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
    pub fn workloads_in_scope(&self) -> impl Iterator<Item = &Workload<'s>> {
        let Settings { clusters, services, .. } = self.settings;
        let in_scope = |workload: &&Workload<'s>| {
            glob::in_scope(clusters, &workload.cluster_name) && glob::in_scope(services, &workload.short_name)
        };
        self.topology.workloads().iter().filter(in_scope)
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

    /// The leg from a place to the internet, made once.
    fn leg_out(&self, place: &Place<'s>, make: impl FnOnce() -> Leg) -> Rc<Leg> {
        if let Some(leg) = self.ways_out.borrow().get(&place.id()) {
            return Rc::clone(leg);
        }
        let leg = Rc::new(make());
        self.ways_out.borrow_mut().insert(place.id(), Rc::clone(&leg));
        leg
    }

    /// A leg from a load balancer to a place, made once.
    fn leg(&self, key: LegKey<'s>, place: &Place<'s>, make: impl FnOnce() -> Leg) -> Rc<Leg> {
        let key = (place.id(), key);
        if let Some(leg) = self.legs.borrow().get(&key) {
            return Rc::clone(leg);
        }
        let leg = Rc::new(make());
        self.legs.borrow_mut().insert(key, Rc::clone(&leg));
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
