//! What an instance has free, what a task takes, and how many of one kind fit.

use std::collections::BTreeSet;

/// What one task takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Demand {
    /// CPU units.
    pub cpu_units: i64,
    /// Memory in MiB.
    pub memory_mib: i64,
    /// GPUs.
    pub gpus: i64,
    /// Static host ports of TCP.
    pub ports: BTreeSet<u16>,
    /// Static host ports of UDP.
    pub ports_udp: BTreeSet<u16>,
    /// Slots for task ENIs: one in awsvpc mode.
    pub slots: u32,
    /// `distinctInstance`: no two tasks of the group on one instance.
    pub distinct: bool,
}

impl Demand {
    /// No two of them fit on one instance, however large it is.
    pub fn is_alone(&self) -> bool {
        self.distinct || !self.ports.is_empty() || !self.ports_udp.is_empty()
    }

    /// The same task as far as one resource goes.
    pub fn only(&self, resource: Resource) -> Self {
        let nothing = Self::default();
        match resource {
            Resource::Slots => Self { slots: self.slots, ..nothing },
            Resource::Ports => Self { ports: self.ports.clone(), ports_udp: self.ports_udp.clone(), ..nothing },
            Resource::Cpu => Self { cpu_units: self.cpu_units, ..nothing },
            Resource::Memory => Self { memory_mib: self.memory_mib, ..nothing },
            Resource::Gpu => Self { gpus: self.gpus, ..nothing },
            Resource::DistinctInstances => Self { distinct: self.distinct, ..nothing },
        }
    }

    fn shares_a_port_with(&self, other: &Self) -> bool {
        !self.ports.is_disjoint(&other.ports) || !self.ports_udp.is_disjoint(&other.ports_udp)
    }
}

/// The sum of counts, which stays at the largest number rather than wrap.
pub fn total(parts: impl IntoIterator<Item = u32>) -> u32 {
    parts.into_iter().fold(0, u32::saturating_add)
}

/// The same of amounts.
pub fn total_amount(parts: impl IntoIterator<Item = i64>) -> i64 {
    parts.into_iter().fold(0, i64::saturating_add)
}

/// A kind of room that can run out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// Slots for task ENIs.
    Slots,
    /// Static host ports.
    Ports,
    /// CPU units.
    Cpu,
    /// Memory.
    Memory,
    /// GPUs.
    Gpu,
    /// Instances without a task of the group.
    DistinctInstances,
}

impl Resource {
    /// All, in the order in which they are named.
    pub const ALL: [Self; 6] = [Self::Slots, Self::Ports, Self::Cpu, Self::Memory, Self::Gpu, Self::DistinctInstances];

    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slots => "task-ENI slots",
            Self::Ports => "host ports",
            Self::Cpu => "CPU",
            Self::Memory => "memory",
            Self::Gpu => "GPUs",
            Self::DistinctInstances => "distinct instances",
        }
    }
}

/// What one instance has free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room<'a> {
    /// CPU units.
    pub cpu_units: i64,
    /// Memory in MiB.
    pub memory_mib: i64,
    /// GPUs.
    pub gpus: i64,
    /// TCP ports that are taken or reserved.
    pub taken_ports: &'a [u16],
    /// UDP ports that are taken or reserved.
    pub taken_ports_udp: &'a [u16],
    /// Free slots for task ENIs.
    pub slots: u32,
}

/// A service's share of one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    /// What is free beside everything that runs.
    pub room: Room<'a>,
    /// Tasks of the service that run there now.
    pub old: u32,
}

/// Whom `distinctInstance` counts: the documentation says "each task in the group", not whether the tasks that a
/// deployment replaces are of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distinct {
    /// Old and new tasks keep apart.
    OldAndNew,
    /// New tasks keep apart from each other only.
    NewOnly,
}

/// How many new tasks fit on an instance after some of the old ones stopped there; `ignoring` takes one resource out of
/// the question.
pub fn fitting(
    host: &Host<'_>,
    stopped: u32,
    old: &Demand,
    new: &Demand,
    distinct: Distinct,
    ignoring: Option<Resource>,
) -> u32 {
    let stopped = stopped.min(host.old);
    let left = host.old - stopped;
    let counts = |resource| ignoring != Some(resource);
    let mut fits = u32::MAX;
    let mut limit = |resource, free: i64, each: i64| {
        if counts(resource) && each > 0 {
            fits = fits.min(u32::try_from((free / each).max(0)).unwrap_or(u32::MAX));
        }
    };
    let freed = |each: i64| each.saturating_mul(i64::from(stopped));
    limit(Resource::Cpu, host.room.cpu_units.saturating_add(freed(old.cpu_units)), new.cpu_units);
    limit(Resource::Memory, host.room.memory_mib.saturating_add(freed(old.memory_mib)), new.memory_mib);
    limit(Resource::Gpu, host.room.gpus.saturating_add(freed(old.gpus)), new.gpus);
    let slots = i64::from(host.room.slots) + freed(i64::from(old.slots));
    limit(Resource::Slots, slots, i64::from(new.slots));
    if counts(Resource::Ports) && (!new.ports.is_empty() || !new.ports_udp.is_empty()) {
        // What an old task holds is free once the last of them has gone.
        let still = left > 0 && old.shares_a_port_with(new);
        let taken = |taken: &[u16], wanted: &BTreeSet<u16>, own: &BTreeSet<u16>| {
            taken.iter().any(|port| wanted.contains(port) && !(host.old > 0 && own.contains(port)))
        };
        let others = taken(host.room.taken_ports, &new.ports, &old.ports)
            || taken(host.room.taken_ports_udp, &new.ports_udp, &old.ports_udp);
        fits = if still || others { 0 } else { fits.min(1) };
    }
    if counts(Resource::DistinctInstances) && new.distinct {
        let blocked = distinct == Distinct::OldAndNew && left > 0;
        fits = if blocked { 0 } else { fits.min(1) };
    }
    fits
}
