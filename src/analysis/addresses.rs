//! Free addresses of subnets against the tasks that want to start in them.
//!
//! Sources: "Subnet sizing" in the Amazon VPC User Guide; `AvailableIpAddressCount` of DescribeSubnets is AWS's own count.
//! Every awsvpc task takes an address of one of its subnets; which one, AWS chooses.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Analyses;
use super::deployments;
use crate::placement::room::total;
use crate::reach::verdict::Gap;
use crate::snapshot::coverage::Dataset;
use crate::snapshot::enums::SchedulingStrategy;
use crate::snapshot::ids::SubnetId;
use crate::snapshot::vpc::Subnet;
use crate::topology::Lookup;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Workload};

/// What one workload wants of its subnets.
#[derive(Clone, Debug)]
pub struct Claim<'s> {
    /// Cluster and workload.
    pub name: String,
    /// Position among the workloads of the topology.
    pub workload: usize,
    /// Its subnets that are visible.
    pub subnets: Vec<&'s Subnet>,
    /// Tasks that its next deployment starts beside those that run.
    pub next: u32,
    /// Tasks that it lacks now.
    pub missing: u32,
}

impl Claim<'_> {
    /// Free addresses of all of its subnets.
    pub fn free(&self) -> u32 {
        total(self.subnets.iter().map(|subnet| free(subnet)))
    }

    /// The part of its next deployment that one of its subnets takes where tasks are spread evenly.
    pub fn share(&self) -> u32 {
        let subnets = u32::try_from(self.subnets.len()).unwrap_or(u32::MAX).max(1);
        self.next.div_ceil(subnets)
    }
}

/// Free IPv4 addresses of a subnet.
pub fn free(subnet: &Subnet) -> u32 {
    u32::try_from(subnet.available_ip_address_count).unwrap_or(0)
}

/// Addresses that a subnet has for interfaces: AWS keeps five of each block.
pub fn usable(subnet: &Subnet) -> Option<u32> {
    let block = subnet.cidr_block?;
    Some((1_u64 << (32 - u64::from(block.prefix_len()))).saturating_sub(5)).and_then(|count| u32::try_from(count).ok())
}

/// All claims, by subnet.
#[derive(Clone, Debug, Default)]
pub struct Addresses<'s> {
    by_subnet: BTreeMap<&'s SubnetId, (&'s Subnet, Vec<Rc<Claim<'s>>>)>,
    /// What hides others.
    pub gaps: Vec<Gap>,
}

impl<'s> Addresses<'s> {
    /// Subnets that tasks start in.
    pub fn subnets(&self) -> Vec<&'s Subnet> {
        self.by_subnet.values().map(|(subnet, _)| *subnet).collect()
    }

    /// The claims on a subnet.
    pub fn claims(&self, subnet: &SubnetId) -> &[Rc<Claim<'s>>] {
        self.by_subnet.get(subnet).map(|(_, claims)| claims.as_slice()).unwrap_or_default()
    }
}

impl<'s> Analyses<'s> {
    /// The claims on all subnets.
    pub fn addresses(&self) -> Rc<Addresses<'s>> {
        Rc::clone(self.addresses.get_or_init(|| Rc::new(of_all(self))))
    }
}

fn of_all<'s>(analyses: &Analyses<'s>) -> Addresses<'s> {
    let topology = analyses.topology;
    let mut all = Addresses::default();
    for (index, workload) in topology.workloads().iter().enumerate() {
        let claim = match claim(analyses, index, workload) {
            Some(Ok(claim)) => Rc::new(claim),
            Some(Err(gaps)) => {
                all.gaps.extend(gaps);
                continue;
            }
            None => continue,
        };
        for subnet in &claim.subnets {
            all.by_subnet.entry(&subnet.id).or_insert_with(|| (subnet, Vec::new())).1.push(Rc::clone(&claim));
        }
    }
    for cluster in topology.clusters() {
        all.gaps.extend(topology.gap_in_cluster(Dataset::Services, &cluster.arn));
    }
    all.gaps.sort();
    all.gaps.dedup();
    all
}

/// `None` for a workload without ENIs of its own.
fn claim<'s>(analyses: &Analyses<'s>, index: usize, workload: &Workload<'s>) -> Option<Result<Claim<'s>, Vec<Gap>>> {
    let topology = analyses.topology;
    let role = |role: Role| matches!(role, Role::Primary | Role::Scheduled);
    let variant = workload.variants.iter().find(|variant| role(variant.role))?;
    if let Lookup::Unread(gap) = &variant.task_definition {
        return Some(Err(vec![gap.clone()]));
    }
    let on_fargate = variant.launches.known.iter().any(|launch| launch.kind == LaunchKind::Fargate);
    if !on_fargate && variant.is_awsvpc() != Some(true) {
        return None;
    }
    let mut subnets = Vec::new();
    for id in variant.network.iter().flat_map(|network| &network.subnets) {
        match topology.subnet(id) {
            Lookup::Found(subnet) if !subnet.ipv6_native => subnets.push(subnet),
            Lookup::Found(_) | Lookup::Absent => {}
            Lookup::Unread(gap) => return Some(Err(vec![gap])),
        }
    }
    if subnets.is_empty() {
        return None;
    }
    let (next, missing) = match (workload.service, workload.schedule.as_ref()) {
        (Some(service), _) => {
            let count = |number: i32| u32::try_from(number).unwrap_or(0);
            // A task that is starting has its address already.
            let running = count(service.running_count).saturating_add(count(service.pending_count));
            let desired = count(service.desired_count);
            let next = match deployments::rolling(service) {
                Some(rolling) => rolling.may_start(running).min(rolling.desired),
                // A second set of tasks beside the first.
                None if service.scheduling_strategy == SchedulingStrategy::Replica => desired,
                None => 0,
            };
            (next, desired.saturating_sub(running))
        }
        (None, Some(schedule)) => (u32::try_from(schedule.target.task_count).unwrap_or(0), 0),
        (None, None) => (0, 0),
    };
    Some(Ok(Claim { name: workload.name(), workload: index, subnets, next, missing }))
}
