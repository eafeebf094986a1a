//! "This account → these findings", rule by rule.

mod container_agent_unreachable;
mod ec2_task_in_public_subnet;
mod egress_blocked;
mod eni_limit_pressure;
mod exec_unreachable;
mod log_destination_unreachable;
mod nat_cross_zone;
mod nat_path_broken;
mod public_ip_unusable;
mod public_subnet_without_public_ip;
mod registry_unreachable;
mod s3_gateway_absent;
mod s3_gateway_not_routed;
mod service_connect_misconfigured;
mod target_type_mismatch;
mod vpc_endpoint_missing;
mod vpc_endpoint_path_blocked;
mod vpc_endpoint_policy_denies;
mod vpc_endpoint_private_dns_off;
mod vpc_endpoint_single_zone;
mod vpc_endpoint_unavailable;
