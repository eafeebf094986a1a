//! What was read, what wasn't, and why: absent is never confused with unread.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// One kind of thing that a scan reads. The collector's table maps each to its API calls and IAM actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the names are the definition")]
pub enum Dataset {
    Clusters,
    Services,
    Tasks,
    TaskDefinitions,
    ContainerInstances,
    CapacityProviders,
    AccountSettings,
    Vpcs,
    VpcDnsAttributes,
    DhcpOptions,
    Subnets,
    RouteTables,
    NatGateways,
    InternetGateways,
    EgressOnlyInternetGateways,
    VpcEndpoints,
    SecurityGroups,
    NetworkAcls,
    SecurityGroupVpcAssociations,
    VpcPeeringConnections,
    PrefixLists,
    Instances,
    InstanceTypes,
    NetworkInterfaces,
    FlowLogs,
    BlockPublicAccess,
    HostedZones,
    HostedZoneRecords,
    ResolverRules,
    ProfileAssociations,
    LoadBalancers,
    LoadBalancerAttributes,
    Listeners,
    ListenerRules,
    TargetGroups,
    TargetGroupAttributes,
    TargetHealth,
    AutoScalingGroups,
    FileSystems,
    PullThroughCacheRules,
    CachedImages,
    Repositories,
    RegistryScanning,
    EventRules,
    Schedules,
    NetworkInterfaceQuota,
}

impl Dataset {
    /// Every dataset, in the order of the coverage table.
    pub const ALL: &'static [Dataset] = &[
        Self::Clusters,
        Self::Services,
        Self::Tasks,
        Self::TaskDefinitions,
        Self::ContainerInstances,
        Self::CapacityProviders,
        Self::AccountSettings,
        Self::Vpcs,
        Self::VpcDnsAttributes,
        Self::DhcpOptions,
        Self::Subnets,
        Self::RouteTables,
        Self::NatGateways,
        Self::InternetGateways,
        Self::EgressOnlyInternetGateways,
        Self::VpcEndpoints,
        Self::SecurityGroups,
        Self::NetworkAcls,
        Self::SecurityGroupVpcAssociations,
        Self::VpcPeeringConnections,
        Self::PrefixLists,
        Self::Instances,
        Self::InstanceTypes,
        Self::NetworkInterfaces,
        Self::FlowLogs,
        Self::BlockPublicAccess,
        Self::HostedZones,
        Self::HostedZoneRecords,
        Self::ResolverRules,
        Self::ProfileAssociations,
        Self::LoadBalancers,
        Self::LoadBalancerAttributes,
        Self::Listeners,
        Self::ListenerRules,
        Self::TargetGroups,
        Self::TargetGroupAttributes,
        Self::TargetHealth,
        Self::AutoScalingGroups,
        Self::FileSystems,
        Self::PullThroughCacheRules,
        Self::CachedImages,
        Self::Repositories,
        Self::RegistryScanning,
        Self::EventRules,
        Self::Schedules,
        Self::NetworkInterfaceQuota,
    ];

    /// The name used in reports, `vpc-endpoints`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::Services => "services",
            Self::Tasks => "tasks",
            Self::TaskDefinitions => "task-definitions",
            Self::ContainerInstances => "container-instances",
            Self::CapacityProviders => "capacity-providers",
            Self::AccountSettings => "account-settings",
            Self::Vpcs => "vpcs",
            Self::VpcDnsAttributes => "vpc-dns-attributes",
            Self::DhcpOptions => "dhcp-options",
            Self::Subnets => "subnets",
            Self::RouteTables => "route-tables",
            Self::NatGateways => "nat-gateways",
            Self::InternetGateways => "internet-gateways",
            Self::EgressOnlyInternetGateways => "egress-only-internet-gateways",
            Self::VpcEndpoints => "vpc-endpoints",
            Self::SecurityGroups => "security-groups",
            Self::NetworkAcls => "network-acls",
            Self::SecurityGroupVpcAssociations => "security-group-vpc-associations",
            Self::VpcPeeringConnections => "vpc-peering-connections",
            Self::PrefixLists => "prefix-lists",
            Self::Instances => "instances",
            Self::InstanceTypes => "instance-types",
            Self::NetworkInterfaces => "network-interfaces",
            Self::FlowLogs => "flow-logs",
            Self::BlockPublicAccess => "block-public-access",
            Self::HostedZones => "hosted-zones",
            Self::HostedZoneRecords => "hosted-zone-records",
            Self::ResolverRules => "resolver-rules",
            Self::ProfileAssociations => "profile-associations",
            Self::LoadBalancers => "load-balancers",
            Self::LoadBalancerAttributes => "load-balancer-attributes",
            Self::Listeners => "listeners",
            Self::ListenerRules => "listener-rules",
            Self::TargetGroups => "target-groups",
            Self::TargetGroupAttributes => "target-group-attributes",
            Self::TargetHealth => "target-health",
            Self::AutoScalingGroups => "auto-scaling-groups",
            Self::FileSystems => "file-systems",
            Self::PullThroughCacheRules => "pull-through-cache-rules",
            Self::CachedImages => "cached-images",
            Self::Repositories => "repositories",
            Self::RegistryScanning => "registry-scanning",
            Self::EventRules => "event-rules",
            Self::Schedules => "schedules",
            Self::NetworkInterfaceQuota => "network-interface-quota",
        }
    }
}

/// The class of a failed call, which decides what a person is told to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// The caller lacks the IAM action, or a policy denies it.
    AccessDenied,
    /// The endpoint doesn't know the operation (HTTP 501, an HTML 500, an unknown-action error).
    NotSupported,
    /// Throttled until the attempts were used up.
    Throttled,
    /// No answer within the time allowed.
    Timeout,
    /// The endpoint could not be reached, or broke the connection.
    Unreachable,
    /// The credentials ran out during the scan.
    ExpiredCredentials,
    /// An answer that could not be read: malformed, or a pagination token that repeats.
    InvalidResponse,
    /// AWS listed the thing and then did not describe it (deleted in between, or `failures` in the answer).
    Missing,
    /// The scan was interrupted or ran out of time before this was read.
    Interrupted,
    /// Another dataset that this one is derived from could not be read.
    Dependency,
    /// No selected rule needed it, so it was not asked for.
    NotRequested,
    /// Anything else that AWS answered.
    Service,
}

impl FailureClass {
    /// The word in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "access-denied",
            Self::NotSupported => "not-supported",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::ExpiredCredentials => "expired-credentials",
            Self::InvalidResponse => "invalid-response",
            Self::Missing => "missing",
            Self::Interrupted => "interrupted",
            Self::Dependency => "dependency",
            Self::NotRequested => "not-requested",
            Self::Service => "service",
        }
    }
}

/// One thing that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Failure {
    /// Why, as a class.
    pub class: FailureClass,
    /// The API operation, `ecs:DescribeServices`.
    pub operation: String,
    /// The IAM action that would allow it; `None` when permission isn't the trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iam_action: Option<String>,
    /// What AWS answered, in one line.
    pub message: String,
    /// Ids of what was left unread: parents (a cluster whose services could not be listed) or things. Empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub affected: Vec<String>,
}

impl Failure {
    /// Of a dataset that no rule of the scan needed.
    pub fn not_requested() -> Self {
        Self {
            class: FailureClass::NotRequested,
            operation: String::new(),
            iam_action: None,
            message: "no rule of that scan asked for it".to_owned(),
            affected: Vec::new(),
        }
    }
}

/// The status of a dataset that was not asked for.
pub const NOT_REQUESTED: &str = "not-requested";

/// The result of reading one dataset of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum Fetched<T> {
    /// Everything was read: what isn't among the items doesn't exist.
    Complete {
        /// The items, sorted by id.
        items: Vec<T>,
    },
    /// Some was read.
    Partial {
        /// The items that were read, sorted by id.
        items: Vec<T>,
        /// What was not.
        failures: Vec<Failure>,
    },
    /// Nothing was read.
    Unavailable {
        /// Why.
        failure: Failure,
    },
    /// No selected rule needs it, so no call was made.
    #[default]
    NotRequested,
}

impl<T> Fetched<T> {
    /// A dataset that was read to its end.
    pub fn complete(items: Vec<T>) -> Self {
        Self::Complete { items }
    }

    /// Complete without failures, partial with items, unavailable when nothing but failures came.
    pub fn from_parts(items: Vec<T>, mut failures: Vec<Failure>) -> Self {
        failures.sort();
        failures.dedup();
        match (items.is_empty(), failures.is_empty()) {
            (_, true) => Self::Complete { items },
            (false, false) => Self::Partial { items, failures },
            (true, false) if failures.len() == 1 && failures[0].affected.is_empty() => {
                Self::Unavailable { failure: failures.remove(0) }
            }
            (true, false) => Self::Partial { items, failures },
        }
    }

    /// The word in reports.
    pub fn status_word(&self) -> &'static str {
        match self {
            Self::Complete { .. } => "complete",
            Self::Partial { .. } => "partial",
            Self::Unavailable { .. } => "unavailable",
            Self::NotRequested => NOT_REQUESTED,
        }
    }

    /// The items that were read, whatever is missing.
    pub fn items(&self) -> &[T] {
        match self {
            Self::Complete { items } | Self::Partial { items, .. } => items,
            Self::Unavailable { .. } | Self::NotRequested => &[],
        }
    }

    /// The items, for a caller that changes a snapshot.
    pub fn items_mut(&mut self) -> Option<&mut Vec<T>> {
        match self {
            Self::Complete { items } | Self::Partial { items, .. } => Some(items),
            Self::Unavailable { .. } | Self::NotRequested => None,
        }
    }

    /// All failures, in order.
    pub fn failures(&self) -> &[Failure] {
        match self {
            Self::Partial { failures, .. } => failures,
            Self::Unavailable { failure } => std::slice::from_ref(failure),
            Self::Complete { .. } | Self::NotRequested => &[],
        }
    }

    /// Whether absence can be concluded from it.
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete { .. })
    }

    /// The failure that may hide `id` or the children of `id`; `None` means that absence is proved.
    pub fn failure_hiding(&self, id: &str) -> Option<Cow<'_, Failure>> {
        if matches!(self, Self::NotRequested) {
            return Some(Cow::Owned(Failure::not_requested()));
        }
        let hides = |failure: &&Failure| failure.affected.is_empty() || failure.affected.iter().any(|a| a == id);
        self.failures().iter().find(hides).map(Cow::Borrowed)
    }
}

/// Requests that one dataset cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallStats {
    /// Requests sent, retries included.
    pub calls: u32,
    /// Of these, answered with a throttle.
    pub throttled: u32,
}
