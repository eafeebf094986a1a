//! What is true of each workload, computed once and read by rules and reports.

pub mod egress;
pub mod endpoint;
pub mod image;
pub mod interfaces;
pub mod internet;
pub mod names;
pub mod needs;
pub mod symptoms;
pub mod task_eni_limits;

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::settings::Settings;
use crate::snapshot::ids::SubnetId;
use crate::topology::Topology;
use crate::topology::origin::PublicAddress;
use crate::topology::workload::Workload;

/// The analyses of one target, each made when the first rule asks for it.
pub struct Analyses<'s> {
    /// What they are made from.
    pub topology: &'s Topology<'s>,
    /// Thresholds.
    pub settings: &'s Settings,
    internet: RefCell<FxHashMap<(SubnetId, PublicAddress), Rc<internet::InternetPath>>>,
    egress: Vec<OnceCell<Vec<egress::Cell<'s>>>>,
}

impl<'s> Analyses<'s> {
    /// Nothing is computed yet.
    pub fn new(topology: &'s Topology<'s>, settings: &'s Settings) -> Self {
        let egress = topology.workloads().iter().map(|_| OnceCell::new()).collect();
        Self { topology, settings, internet: RefCell::default(), egress }
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

    /// Needs × origins of a workload.
    pub fn egress(&self, workload: &Workload<'s>) -> &[egress::Cell<'s>] {
        self.egress[workload.index].get_or_init(|| egress::cells(self, workload))
    }
}
