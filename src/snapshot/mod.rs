//! What a scan read: our own types, which outlive an SDK upgrade and hold nothing secret.
//!
//! No behaviour beyond accessors. `Serialize` is derived here because a saved snapshot is one of the product's two
//! file formats; the other is the report.

pub mod coverage;
pub mod ecs;
pub mod elb;
pub mod enums;
pub mod file;
pub mod ids;
pub mod schedule;
pub mod storage;
pub mod vpc;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use coverage::{CallStats, Dataset, Failure, Fetched, NOT_REQUESTED};

/// The version of the snapshot file that this program writes.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything that one scan read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// The program version that wrote it.
    pub tool_version: String,
    /// When the first call was sent.
    pub started_at: Timestamp,
    /// When the last answer came; the time that ages are measured against.
    pub finished_at: Timestamp,
    /// It is the account that ships with the program.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demo: bool,
    /// The clusters and services that the scan was limited to; both empty: all.
    #[serde(default)]
    pub scope: Scope,
    /// One for each account and Region, sorted.
    pub targets: Vec<Target>,
    /// What was asked for and could not be read at all, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread_targets: Vec<UnreadTarget>,
}

/// An account and Region of which nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnreadTarget {
    /// The 12-digit account id; `None` where nobody could say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The Region; `None` where its name could not be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// As whom it was to be read: `profile prod`, or the ARN of a role.
    pub login: String,
    /// What was being done, and what was answered.
    pub error: String,
    /// What to do about it, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub help: Vec<String>,
}

/// Name patterns that a scan was limited to (`*` and `?`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Of cluster names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<String>,
    /// Of service names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
}

impl Scope {
    /// The scan was not limited.
    pub fn is_everything(&self) -> bool {
        self.clusters.is_empty() && self.services.is_empty()
    }
}

/// What was read of one account in one Region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The 12-digit account id.
    pub account: String,
    /// `eu-west-1`.
    pub region: String,
    /// `aws`, `aws-cn`, `aws-us-gov` …
    pub partition: String,
    /// The caller's ARN.
    pub caller_arn: String,
    /// An endpoint that replaces AWS's own, if the configuration names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_override: Option<String>,
    /// The datasets.
    #[serde(flatten)]
    pub data: TargetData,
    /// Requests by dataset.
    pub calls: BTreeMap<Dataset, CallStats>,
    /// Requests for the caller's identity.
    #[serde(default)]
    pub identity_calls: CallStats,
}

macro_rules! target_data {
    ($($field:ident: $item:ty = $dataset:ident),+ $(,)?) => {
        /// The datasets of one target; each field is named like its [`Dataset`].
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[allow(missing_docs, reason = "the fields are the datasets")]
        pub struct TargetData {
            // A file of an older version lacks the datasets that came later.
            $(#[serde(default)] pub $field: Fetched<$item>,)+
        }

        impl TargetData {
            /// All datasets in one state, to be filled.
            pub fn not_requested() -> Self {
                Self { $($field: Fetched::NotRequested,)+ }
            }

            /// Marks all datasets as read to their end, with nothing in them.
            pub fn set_empty(&mut self) {
                $(self.$field = Fetched::complete(Vec::new());)+
            }

            /// Status word, item count and failures of each dataset, in the order of [`Dataset::ALL`].
            pub fn coverage(&self) -> Vec<(Dataset, &'static str, usize, &[Failure])> {
                vec![$((Dataset::$dataset, self.$field.status_word(), self.$field.items().len(), self.$field.failures()),)+]
            }

            /// Datasets of which something is missing: with a failure, or needed and not asked for.
            pub fn lacking<'a>(&'a self, needed: &'a BTreeSet<Dataset>) -> impl Iterator<Item = Dataset> + 'a {
                let lacks = |dataset: &Dataset, status: &str, failures: &[Failure]| {
                    !failures.is_empty() || (status == NOT_REQUESTED && needed.contains(dataset))
                };
                let lacking = self.coverage().into_iter();
                lacking.filter(move |(dataset, status, _, f)| lacks(dataset, status, f)).map(|(dataset, ..)| dataset)
            }

            /// Replaces one dataset by a failure, as if the call had been refused.
            pub fn set_unavailable(&mut self, dataset: Dataset, failure: Failure) {
                match dataset {
                    $(Dataset::$dataset => self.$field = Fetched::Unavailable { failure },)+
                }
            }
        }
    };
}

target_data! {
    clusters: ecs::Cluster = Clusters,
    services: ecs::Service = Services,
    tasks: ecs::Task = Tasks,
    task_definitions: ecs::TaskDefinition = TaskDefinitions,
    container_instances: ecs::ContainerInstance = ContainerInstances,
    capacity_providers: ecs::CapacityProvider = CapacityProviders,
    account_settings: ecs::AccountSetting = AccountSettings,
    vpcs: vpc::Vpc = Vpcs,
    vpc_dns_attributes: vpc::VpcDnsAttributes = VpcDnsAttributes,
    dhcp_options: vpc::DhcpOptions = DhcpOptions,
    subnets: vpc::Subnet = Subnets,
    route_tables: vpc::RouteTable = RouteTables,
    nat_gateways: vpc::NatGateway = NatGateways,
    internet_gateways: vpc::InternetGateway = InternetGateways,
    egress_only_internet_gateways: vpc::InternetGateway = EgressOnlyInternetGateways,
    vpc_endpoints: vpc::VpcEndpoint = VpcEndpoints,
    security_groups: vpc::SecurityGroup = SecurityGroups,
    network_acls: vpc::NetworkAcl = NetworkAcls,
    security_group_vpc_associations: vpc::SecurityGroupVpcAssociation = SecurityGroupVpcAssociations,
    vpc_peering_connections: vpc::VpcPeeringConnection = VpcPeeringConnections,
    prefix_lists: vpc::PrefixList = PrefixLists,
    instances: vpc::Instance = Instances,
    instance_types: vpc::InstanceType = InstanceTypes,
    network_interfaces: vpc::NetworkInterface = NetworkInterfaces,
    flow_logs: vpc::FlowLog = FlowLogs,
    block_public_access: vpc::BlockPublicAccess = BlockPublicAccess,
    hosted_zones: vpc::VpcHostedZones = HostedZones,
    hosted_zone_records: vpc::ZoneRecords = HostedZoneRecords,
    resolver_rules: vpc::ResolverRule = ResolverRules,
    profile_associations: vpc::ProfileAssociation = ProfileAssociations,
    load_balancers: elb::LoadBalancer = LoadBalancers,
    load_balancer_attributes: elb::LoadBalancerAttributes = LoadBalancerAttributes,
    listeners: elb::Listener = Listeners,
    listener_rules: elb::ListenerRule = ListenerRules,
    target_groups: elb::TargetGroup = TargetGroups,
    target_group_attributes: elb::TargetGroupAttributes = TargetGroupAttributes,
    target_health: elb::TargetHealth = TargetHealth,
    auto_scaling_groups: elb::AutoScalingGroup = AutoScalingGroups,
    file_systems: storage::EfsFileSystem = FileSystems,
    pull_through_cache_rules: storage::PullThroughCacheRule = PullThroughCacheRules,
    cached_images: storage::CachedImage = CachedImages,
    repositories: storage::Repository = Repositories,
    registry_scanning: storage::RegistryScanning = RegistryScanning,
    event_rules: schedule::EventRule = EventRules,
    schedules: schedule::Schedule = Schedules,
    network_interface_quota: vpc::NetworkInterfaceQuota = NetworkInterfaceQuota,
}

impl TargetData {
    /// What rules and schedules run on the clusters, disabled ones left out.
    pub fn scheduled_targets(&self) -> impl Iterator<Item = &schedule::EcsTarget> {
        let rules = self.event_rules.items().iter().filter(|rule| rule.state != "DISABLED");
        let schedules = self.schedules.items().iter().filter(|schedule| schedule.state != "DISABLED");
        rules.flat_map(|rule| &rule.targets).chain(schedules.map(|schedule| &schedule.target))
    }
}
