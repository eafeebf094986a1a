//! What was read of Amazon ECS. Field names are the API's; environment values, commands and secrets are never kept.

use std::collections::BTreeMap;

use compact_str::CompactString;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::enums::{DeploymentController, DeploymentStrategy, LaunchType, NetworkMode, SchedulingStrategy};
use super::ids::{Arn, InstanceId, NetworkInterfaceId, SecurityGroupId, SubnetId};

/// A cluster. Clusters that aren't ACTIVE or PROVISIONING are left out at the collector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Cluster {
    pub arn: Arn,
    pub name: String,
    pub status: String,
    pub active_services_count: i32,
    pub running_tasks_count: i32,
    pub pending_tasks_count: i32,
    pub registered_container_instances_count: i32,
    /// `settings`, such as `containerInsights`.
    pub settings: BTreeMap<String, String>,
    /// Names of the capacity providers of the cluster.
    pub capacity_providers: Vec<String>,
    pub default_capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execute_command_configuration: Option<ExecuteCommandConfiguration>,
    /// `serviceConnectDefaults.namespace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_default_namespace: Option<String>,
}

/// `configuration.executeCommandConfiguration` of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecuteCommandConfiguration {
    /// `kmsKeyId`: its presence makes Exec need KMS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// `logging`: NONE, DEFAULT or OVERRIDE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<String>,
    /// `logConfiguration.cloudWatchLogGroupName` is set.
    pub logs_to_cloud_watch: bool,
    /// `logConfiguration.s3BucketName` is set.
    pub logs_to_s3: bool,
}

/// An item of a capacity-provider strategy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct CapacityProviderStrategyItem {
    pub capacity_provider: String,
    pub weight: i32,
    pub base: i32,
}

/// `awsvpcConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AwsvpcConfiguration {
    /// Subnets, sorted.
    pub subnets: Vec<SubnetId>,
    /// Security groups, sorted; empty means the VPC's default group.
    pub security_groups: Vec<SecurityGroupId>,
    /// `assignPublicIp` is ENABLED; the API's default is DISABLED.
    pub assign_public_ip: bool,
}

/// An item of `loadBalancers`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ServiceLoadBalancer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<Arn>,
    /// A Classic Load Balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<u16>,
    /// `advancedConfiguration.alternateTargetGroupArn` of blue/green, linear and canary deployments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alternate_target_group_arn: Option<Arn>,
    /// `advancedConfiguration.productionListenerRule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub production_listener_rule: Option<Arn>,
    /// `advancedConfiguration.testListenerRule`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_listener_rule: Option<Arn>,
}

/// An item of `serviceRegistries`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ServiceRegistry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_arn: Option<Arn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<u16>,
}

/// A placement constraint of a service, task or task definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlacementConstraint {
    /// `distinctInstance` or `memberOf`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A cluster query language expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,
}

/// A placement strategy of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlacementStrategy {
    /// `random`, `spread` or `binpack`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The attribute or resource it applies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

/// `deploymentConfiguration`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct DeploymentConfiguration {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<DeploymentStrategy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<i32>,
    /// `deploymentCircuitBreaker.enable`.
    pub circuit_breaker: bool,
    /// `alarms.enable`.
    pub alarms: bool,
}

/// `serviceConnectConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConnectConfiguration {
    /// Namespace name or ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What the service offers; empty for a client.
    pub services: Vec<ServiceConnectService>,
    /// Where the proxy logs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
}

/// An item of `serviceConnectConfiguration.services`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ServiceConnectService {
    pub port_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress_port_override: Option<u16>,
    /// Ports of `clientAliases`.
    pub client_ports: Vec<u16>,
    /// `tls` is set.
    pub tls: bool,
}

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Service {
    pub arn: Arn,
    pub name: String,
    pub cluster_arn: Arn,
    pub status: String,
    pub desired_count: i32,
    pub running_count: i32,
    pub pending_count: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<LaunchType>,
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_family: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<Arn>,
    pub deployment_controller: DeploymentController,
    pub deployment_configuration: DeploymentConfiguration,
    pub scheduling_strategy: SchedulingStrategy,
    pub deployments: Vec<Deployment>,
    pub task_sets: Vec<TaskSet>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<AwsvpcConfiguration>,
    pub load_balancers: Vec<ServiceLoadBalancer>,
    pub service_registries: Vec<ServiceRegistry>,
    pub placement_constraints: Vec<PlacementConstraint>,
    pub placement_strategy: Vec<PlacementStrategy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_grace_period_seconds: Option<i32>,
    pub enable_execute_command: bool,
    /// `availabilityZoneRebalancing` is ENABLED.
    pub availability_zone_rebalancing: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// Newest first, up to the newest one that says that a steady state was reached.
    pub events: Vec<ServiceEvent>,
}

/// A service event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ServiceEvent {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    pub message: String,
}

/// A deployment of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Deployment {
    pub id: String,
    /// PRIMARY, ACTIVE or INACTIVE.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<Arn>,
    pub desired_count: i32,
    pub running_count: i32,
    pub pending_count: i32,
    pub failed_tasks: i32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<LaunchType>,
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_family: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<AwsvpcConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_state: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_state_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_configuration: Option<ServiceConnectConfiguration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// A task set of a service with the EXTERNAL or CODE_DEPLOY controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct TaskSet {
    pub id: String,
    pub arn: Arn,
    /// PRIMARY, ACTIVE or DRAINING.
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<Arn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<LaunchType>,
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_family: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<AwsvpcConfiguration>,
    pub load_balancers: Vec<ServiceLoadBalancer>,
    pub running_count: i32,
    pub pending_count: i32,
    pub computed_desired_count: i32,
}

/// A task, desired RUNNING or recently STOPPED.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Task {
    pub arn: Arn,
    pub cluster_arn: Arn,
    pub task_definition_arn: Arn,
    /// `service:NAME`, `family:NAME` or what the caller chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_by: Option<CompactString>,
    pub last_status: CompactString,
    pub desired_status: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<LaunchType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_provider_name: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_instance_arn: Option<Arn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_family: Option<CompactString>,
    pub enable_execute_command: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_at: Option<Timestamp>,
    /// When it was told to stop: draining its connections takes minutes more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopping_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_code: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_reason: Option<CompactString>,
    /// The `ElasticNetworkInterface` attachment of an awsvpc task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface: Option<TaskNetworkInterface>,
    pub containers: Vec<TaskContainer>,
}

/// The details of a task's `ElasticNetworkInterface` attachment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct TaskNetworkInterface {
    pub status: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<NetworkInterfaceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<SubnetId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_ipv4_address: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_address: Option<CompactString>,
}

/// A container of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct TaskContainer {
    pub name: CompactString,
    pub last_status: CompactString,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CompactString>,
    pub network_bindings: Vec<NetworkBinding>,
}

/// A host port that a container holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct NetworkBinding {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port_range: Option<CompactString>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port_range: Option<CompactString>,
    pub protocol: CompactString,
}

impl NetworkBinding {
    /// First and last host port.
    pub fn host_ports(&self) -> Option<(u16, u16)> {
        if let Some(port) = self.host_port {
            return Some((port, port));
        }
        let (from, to) = self.host_port_range.as_deref()?.split_once('-')?;
        Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
    }
}

/// A container instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ContainerInstance {
    pub arn: Arn,
    pub cluster_arn: Arn,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2_instance_id: Option<InstanceId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_provider_name: Option<String>,
    /// ACTIVE, DRAINING, REGISTERING …
    pub status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    pub agent_connected: bool,
    /// `agentConnected` read once more at the end of the scan, of an ACTIVE instance that said `false`; `None` where it
    /// was not read again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_connected_at_end: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<Timestamp>,
    pub running_tasks_count: i32,
    pub pending_tasks_count: i32,
    /// Names with their values; a capability has none.
    pub attributes: BTreeMap<String, Option<String>>,
    pub registered_resources: InstanceResources,
    pub remaining_resources: InstanceResources,
    pub attachments: Vec<InstanceAttachment>,
}

/// `registeredResources` or `remainingResources`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceResources {
    /// CPU units, 1024 to a vCPU.
    pub cpu_units: i64,
    /// Memory in MiB.
    pub memory_mib: i64,
    /// GPUs.
    pub gpus: i64,
    /// `PORTS`: TCP ports in use or reserved.
    pub ports: Vec<u16>,
    /// `PORTS_UDP`: UDP ports in use or reserved.
    pub ports_udp: Vec<u16>,
}

/// An attachment of a container instance, such as the trunk ENI.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InstanceAttachment {
    /// `type`, such as `eni`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `status`.
    pub status: String,
    /// Detail `networkInterfaceId`, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_interface_id: Option<NetworkInterfaceId>,
}

/// A task definition revision in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct TaskDefinition {
    pub arn: Arn,
    pub family: String,
    pub revision: i32,
    pub status: String,
    /// `None` where the API leaves it out: bridge on Linux, `default` on Windows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<NetworkMode>,
    pub requires_compatibilities: Vec<String>,
    pub compatibilities: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system_family: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_architecture: Option<String>,
    /// CPU units of the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Memory of the task in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<Arn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<Arn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid_mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipc_mode: Option<String>,
    /// `proxyConfiguration.type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_type: Option<String>,
    pub placement_constraints: Vec<PlacementConstraint>,
    pub volumes: Vec<Volume>,
    pub containers: Vec<ContainerDefinition>,
}

/// A volume of a task definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// `name`.
    pub name: String,
    /// `host.sourcePath`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_source_path: Option<String>,
    /// `efsVolumeConfiguration`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub efs: Option<EfsVolume>,
    /// `fsxWindowsFileServerVolumeConfiguration.authorizationConfig.credentialsParameter`, an ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fsx_credentials_parameter: Option<String>,
}

/// `efsVolumeConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct EfsVolume {
    pub file_system_id: String,
    /// `transitEncryption` is ENABLED.
    pub transit_encryption: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_point_id: Option<String>,
}

/// A container of a task definition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ContainerDefinition {
    pub name: String,
    pub image: String,
    pub essential: bool,
    /// CPU units.
    pub cpu: i32,
    /// Hard limit in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<i32>,
    /// Soft limit in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_reservation: Option<i32>,
    /// Values of `resourceRequirements` of type GPU, added up.
    pub gpus: i32,
    pub port_mappings: Vec<PortMapping>,
    pub links: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    pub privileged: bool,
    pub readonly_root_filesystem: bool,
    pub mount_points: Vec<MountPoint>,
    /// Names of environment variables with what the collector saw in the value, which it then dropped.
    pub environment: Vec<EnvironmentVariable>,
    /// `environmentFiles[].value`: object ARNs.
    pub environment_files: Vec<String>,
    pub secrets: Vec<SecretReference>,
    /// `repositoryCredentials.credentialsParameter`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_credentials: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<LogConfiguration>,
    /// `firelensConfiguration.type`: this container is the log router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firelens_type: Option<String>,
    /// `firelensConfiguration.options.config-file-type`: `s3` or `file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firelens_config_file_type: Option<String>,
    /// `firelensConfiguration.options.config-file-value`: an object ARN or a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firelens_config_file_value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<ContainerHealthCheck>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<i32>,
    pub disable_networking: bool,
}

/// An item of `portMappings`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct PortMapping {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port_range: Option<String>,
    /// `tcp` or `udp`; the API's default is tcp.
    pub protocol: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<String>,
}

impl PortMapping {
    /// First and last container port.
    pub fn container_ports(&self) -> Option<(u16, u16)> {
        if let Some(port) = self.container_port {
            return Some((port, port));
        }
        let (from, to) = self.container_port_range.as_deref()?.split_once('-')?;
        Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
    }
}

/// An item of `mountPoints`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct MountPoint {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_volume: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_path: Option<String>,
    pub read_only: bool,
}

/// An environment variable: its name, and the form of a credential if its value had one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EnvironmentVariable {
    /// `name`.
    pub name: String,
    /// What the value looked like, `aws-access-key-id` for instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential_form: Option<String>,
    /// What else the value plainly is: `empty`, `flag`, `number`, `arn`, `reference`, `path`, `url`, `placeholder`,
    /// `publishable-key` or `identifier`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_kind: Option<String>,
}

/// An item of `secrets` or `secretOptions`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct SecretReference {
    pub name: String,
    /// An ARN, or the bare name of a parameter in the same Region.
    pub value_from: String,
}

/// `logConfiguration`. Options can hold keys of other vendors, so only those in
/// [`LogConfiguration::KEPT_OPTIONS`] keep their value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogConfiguration {
    /// `logDriver`.
    pub log_driver: String,
    /// The kept options.
    pub options: BTreeMap<String, String>,
    /// `secretOptions`.
    pub secret_options: Vec<SecretReference>,
}

impl LogConfiguration {
    /// Options that say where the log goes; none of them is a credential.
    pub const KEPT_OPTIONS: &'static [&'static str] = &[
        "Name",
        "awslogs-create-group",
        "awslogs-endpoint",
        "awslogs-group",
        "awslogs-region",
        "bucket",
        "delivery_stream",
        "endpoint",
        "log_group_name",
        "max-buffer-size",
        "mode",
        "region",
        "stream",
    ];
}

/// `healthCheck` of a container; its command is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerHealthCheck {
    /// Seconds.
    pub interval: i32,
    /// Seconds.
    pub timeout: i32,
    /// Attempts.
    pub retries: i32,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<i32>,
}

/// A capacity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityProvider {
    /// `capacityProviderArn`.
    pub arn: Arn,
    /// `name`, unique in the account and Region; managed-instances providers are unique in their cluster.
    pub name: String,
    /// `status`.
    pub status: String,
    /// What it provides.
    pub kind: CapacityProviderKind,
}

/// What a capacity provider provides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the fields are the API's")]
pub enum CapacityProviderKind {
    Fargate,
    AutoScalingGroup {
        auto_scaling_group_arn: Arn,
        /// `managedScaling.status` is ENABLED.
        managed_scaling: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target_capacity: Option<i32>,
        /// `managedTerminationProtection` is ENABLED.
        managed_termination_protection: bool,
        /// `managedDraining` is ENABLED.
        managed_draining: bool,
    },
    ManagedInstances {
        /// Of `instanceLaunchTemplate.networkConfiguration`.
        subnets: Vec<SubnetId>,
        security_groups: Vec<SecurityGroupId>,
    },
    /// Neither of these in the answer.
    Unknown,
}

/// An effective account setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct AccountSetting {
    pub name: String,
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal_arn: Option<Arn>,
}

impl AccountSetting {
    /// The setting of the root user is everybody's default; that of another principal says something of that one only
    /// ("Access Amazon ECS features with account settings" in the ECS Developer Guide).
    pub fn is_of_account(&self) -> bool {
        self.principal_arn.as_ref().is_some_and(|arn| arn.as_str().ends_with(":root"))
    }
}
