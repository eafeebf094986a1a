//! Where a workload launches, which is derived and not read: launch type, else strategy, else the cluster's default.

use super::{Lookup, Topology};
use crate::reach::verdict::Gap;
use crate::snapshot::ecs::{CapacityProvider, CapacityProviderKind, CapacityProviderStrategyItem, Cluster};
use crate::snapshot::enums::LaunchType;
use crate::text;

/// The kind of compute that a task starts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LaunchKind {
    /// AWS Fargate, Spot included.
    Fargate,
    /// Container instances of the cluster, registered by hand or by an Auto Scaling group provider.
    Ec2,
    /// Amazon ECS Managed Instances.
    ManagedInstances,
    /// Amazon ECS Anywhere.
    External,
}

impl LaunchKind {
    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fargate => "Fargate",
            Self::Ec2 => "EC2",
            Self::ManagedInstances => "Managed Instances",
            Self::External => "external",
        }
    }
}

/// One way in which a workload can launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch<'s> {
    /// The kind.
    pub kind: LaunchKind,
    /// The capacity provider that said so; `None` for a launch type.
    pub provider: Option<&'s CapacityProvider>,
}

/// Every way in which a workload can launch, and what hides others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Launches<'s> {
    /// Known ones, one for each provider.
    pub known: Vec<Launch<'s>>,
    /// Providers that could not be resolved.
    pub gaps: Vec<Gap>,
}

/// Resolves a launch type, a strategy or the default strategy of the cluster, in this order.
///
/// Without any of them ECS launches on EC2 (CreateService, `launchType`).
pub fn resolve<'s>(
    topology: &Topology<'s>,
    cluster: Lookup<&'s Cluster>,
    launch_type: Option<&LaunchType>,
    strategy: &'s [CapacityProviderStrategyItem],
) -> Launches<'s> {
    if let Some(launch_type) = launch_type {
        return of_launch_type(launch_type);
    }
    if !strategy.is_empty() {
        return of_strategy(topology, strategy);
    }
    match cluster {
        Lookup::Found(cluster) if !cluster.default_capacity_provider_strategy.is_empty() => {
            of_strategy(topology, &cluster.default_capacity_provider_strategy)
        }
        Lookup::Found(_) | Lookup::Absent => of_launch_type(&LaunchType::Ec2),
        Lookup::Unread(gap) => Launches { known: Vec::new(), gaps: vec![gap] },
    }
}

fn of_launch_type<'s>(launch_type: &LaunchType) -> Launches<'s> {
    let kind = match launch_type {
        LaunchType::Fargate => LaunchKind::Fargate,
        LaunchType::Ec2 => LaunchKind::Ec2,
        LaunchType::External => LaunchKind::External,
        LaunchType::ManagedInstances => LaunchKind::ManagedInstances,
        LaunchType::Other(other) => {
            let reason = text!["launch type ", other, " is not known to this version"];
            return Launches { known: Vec::new(), gaps: vec![Gap::Undecidable { kind: "launch-type", reason }] };
        }
    };
    Launches { known: vec![Launch { kind, provider: None }], gaps: Vec::new() }
}

fn of_strategy<'s>(topology: &Topology<'s>, strategy: &'s [CapacityProviderStrategyItem]) -> Launches<'s> {
    let mut launches = Launches::default();
    // An item with neither weight nor base never gets a task.
    for item in strategy.iter().filter(|item| item.weight > 0 || item.base > 0 || strategy.len() == 1) {
        match of_provider(topology, &item.capacity_provider) {
            Ok(launch) => launches.known.push(launch),
            Err(gap) => launches.gaps.push(gap),
        }
    }
    launches
}

fn of_provider<'s>(topology: &Topology<'s>, name: &str) -> Result<Launch<'s>, Gap> {
    if matches!(name, "FARGATE" | "FARGATE_SPOT") {
        return Ok(Launch { kind: LaunchKind::Fargate, provider: None });
    }
    let provider = match topology.capacity_provider(name) {
        Lookup::Found(provider) => provider,
        Lookup::Absent => {
            let reason = text!["capacity provider ", name.to_owned(), " does not exist"];
            return Err(Gap::Undecidable { kind: "capacity-provider-absent", reason });
        }
        Lookup::Unread(gap) => return Err(gap),
    };
    let kind = match provider.kind {
        CapacityProviderKind::Fargate => LaunchKind::Fargate,
        CapacityProviderKind::AutoScalingGroup { .. } => LaunchKind::Ec2,
        CapacityProviderKind::ManagedInstances { .. } => LaunchKind::ManagedInstances,
        CapacityProviderKind::Unknown => {
            let reason = text!["capacity provider ", name.to_owned(), " is of a kind this version does not know"];
            return Err(Gap::Undecidable { kind: "capacity-provider-kind", reason });
        }
    };
    Ok(Launch { kind, provider: Some(provider) })
}
