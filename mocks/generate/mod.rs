//! Accounts of any size, the same for the same seed.
//!
//! An account is made of cells: a VPC with its clusters and what runs in them, put together with the fixture vocabulary.
//! The vocabulary looks things up one by one, which is fast enough within a cell and would not be in a large account.

mod cell;
mod merge;
mod plant;
mod tasks;

use ecs_network_audit::snapshot::Snapshot;

use crate::account::Account;
use cell::Cell;

/// How much is in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// ECS clusters, spread over the VPCs.
    pub clusters: usize,
    /// Services, spread over the clusters.
    pub services: usize,
    /// Running tasks, spread over the services.
    pub tasks: usize,
    /// Task definition revisions in use: as many services as there are more of them than services run two.
    pub revisions: usize,
    /// VPCs, each with its own network, endpoints and load balancers.
    pub vpcs: usize,
    /// Container instances, on which a tenth of the services run; the others run on Fargate.
    pub instances: usize,
}

impl Size {
    /// A small account.
    pub const S: Self = Self { clusters: 3, services: 20, tasks: 60, revisions: 24, vpcs: 2, instances: 8 };
    /// A company's account.
    pub const M: Self =
        Self { clusters: 50, services: 2_000, tasks: 20_000, revisions: 3_000, vpcs: 25, instances: 400 };
    /// About the largest account that there may be.
    pub const L: Self =
        Self { clusters: 100, services: 10_000, tasks: 100_000, revisions: 15_000, vpcs: 50, instances: 2_000 };
}

/// Whether anything is wrong with an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing is wrong.
    Healthy,
    /// Known mistakes, each in a service of its own: each kind once in every hundred services, and at least once.
    Planted,
}

/// An account, and what has to be found in it.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The account.
    pub snapshot: Snapshot,
    /// The planted mistakes: the rule that has to find each, and `cluster/service`. Sorted.
    pub expected: Vec<(&'static str, String)>,
}

/// The rules that find planted mistakes.
pub const PLANTED_RULES: &[&str] = plant::RULES;

/// An account of a size.
pub fn generate(seed: u64, size: Size, health: Health) -> Generated {
    let mut random = Random(seed);
    let mut whole = Account::new();
    let mut expected = Vec::new();
    for number in 0..size.vpcs.max(1) {
        let mut cell = Cell::new(number, &share(size, number), &mut random);
        if health == Health::Planted {
            expected.extend(plant::mistakes(&mut cell, number));
        }
        merge::into(&mut whole.data, cell.account.data);
    }
    merge::remove_duplicates(&mut whole.data);
    merge::sort(&mut whole.data);
    expected.sort();
    Generated { snapshot: whole.snapshot(), expected }
}

/// What of the whole belongs to one of the VPCs.
fn share(size: Size, number: usize) -> Size {
    let vpcs = size.vpcs.max(1);
    let part = |whole: usize| whole * (number + 1) / vpcs - whole * number / vpcs;
    Size {
        clusters: part(size.clusters).max(1),
        services: part(size.services),
        tasks: part(size.tasks),
        revisions: part(size.revisions),
        vpcs: 1,
        instances: part(size.instances),
    }
}

/// Numbers that look random (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One in so many.
    pub(crate) fn one_in(&mut self, many: u64) -> bool {
        self.number().is_multiple_of(many)
    }
}
