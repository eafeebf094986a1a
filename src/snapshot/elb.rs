//! What was read of Elastic Load Balancing and EC2 Auto Scaling. Field names are the API's.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::enums::{LoadBalancerType, TargetType};
use super::ids::{Arn, InstanceId, SecurityGroupId, SubnetId, VpcId};

/// An Application, Network or Gateway Load Balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct LoadBalancer {
    pub arn: Arn,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: LoadBalancerType,
    /// `internet-facing` or `internal`.
    pub scheme: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<VpcId>,
    /// `State.Code`.
    pub state: String,
    pub ip_address_type: String,
    pub security_groups: Vec<SecurityGroupId>,
    pub availability_zones: Vec<LoadBalancerZone>,
    /// `on` or `off`, of a Network Load Balancer with security groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enforce_security_group_inbound_rules_on_private_link_traffic: Option<String>,
}

/// The attributes of a load balancer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancerAttributes {
    /// Of which.
    pub load_balancer_arn: Arn,
    /// `load_balancing.cross_zone.enabled` and the like.
    pub attributes: BTreeMap<String, String>,
}

/// A zone that a load balancer is enabled in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct LoadBalancerZone {
    pub zone_name: String,
    pub subnet_id: SubnetId,
    /// `LoadBalancerAddresses[].PrivateIPv4Address`, where it was chosen.
    pub private_ipv4_addresses: Vec<String>,
}

/// A listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct Listener {
    pub arn: Arn,
    pub load_balancer_arn: Arn,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    pub default_actions: Vec<Action>,
}

/// A rule of an Application Load Balancer's listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct ListenerRule {
    pub arn: Arn,
    pub listener_arn: Arn,
    /// A number, or `default`.
    pub priority: String,
    pub is_default: bool,
    pub actions: Vec<Action>,
}

/// An action of a listener or rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Action {
    /// `forward`, `redirect`, `fixed-response`, `authenticate-oidc` …
    #[serde(rename = "type")]
    pub kind: String,
    /// Target groups with their weights; a single `TargetGroupArn` has weight 1.
    pub target_groups: Vec<(Arn, i32)>,
}

/// A target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct TargetGroup {
    pub arn: Arn,
    pub name: String,
    pub target_type: TargetType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// Only the default for targets that are registered without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<VpcId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<String>,
    pub load_balancer_arns: Vec<Arn>,
    pub health_check: TargetGroupHealthCheck,
}

/// The health check of a target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct TargetGroupHealthCheck {
    pub enabled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// `traffic-port` or a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matcher: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_threshold_count: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold_count: Option<i32>,
}

/// The attributes of a target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroupAttributes {
    /// Of which.
    pub target_group_arn: Arn,
    /// `preserve_client_ip.enabled` and the like.
    pub attributes: BTreeMap<String, String>,
}

/// The health of one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetHealth {
    /// Of which target group.
    pub target_group_arn: Arn,
    /// An address or an instance id.
    pub target_id: CompactString,
    /// The port it is registered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// A zone name, or `all`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<CompactString>,
    /// `healthy`, `unhealthy`, `unused` …
    pub state: CompactString,
    /// `Target.Timeout` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<CompactString>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<CompactString>,
}

/// An Auto Scaling group behind a capacity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the fields are the API's")]
pub struct AutoScalingGroup {
    pub arn: Arn,
    pub name: String,
    pub min_size: i32,
    pub max_size: i32,
    pub desired_capacity: i32,
    pub availability_zones: Vec<String>,
    /// `VPCZoneIdentifier`, split.
    pub subnets: Vec<SubnetId>,
    /// `SuspendedProcesses[].ProcessName`.
    pub suspended_processes: Vec<String>,
    /// Ids of its instances.
    pub instances: Vec<InstanceId>,
    /// Instance types named by a mixed-instances policy, when there is one.
    pub instance_types: Vec<String>,
}
