//! From the task to what it needs.

pub(super) mod container_agent_unreachable;
mod create;
pub(super) mod ec2_task_in_public_subnet;
pub(super) mod efs_mount_unreachable;
pub(super) mod egress_blocked;
pub(super) mod exec_unreachable;
pub(super) mod log_destination_unreachable;
pub(super) mod nat_cross_zone;
pub(super) mod nat_path_broken;
pub(super) mod private_zone_mismatch;
pub(super) mod public_ip_unusable;
pub(super) mod public_subnet_without_public_ip;
pub(super) mod registry_unreachable;
pub(super) mod s3_gateway_absent;
pub(super) mod s3_gateway_not_routed;
pub(super) mod scheduled_task_network;
pub(super) mod service_connect_misconfigured;
mod view;
pub(super) mod vpc_endpoint_missing;
pub(super) mod vpc_endpoint_path_blocked;
pub(super) mod vpc_endpoint_policy_denies;
pub(super) mod vpc_endpoint_private_dns_off;
pub(super) mod vpc_endpoint_single_zone;
pub(super) mod vpc_endpoint_unavailable;
