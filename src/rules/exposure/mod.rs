//! Who can reach the task, and what it may do.

pub(super) mod container_insights_off;
pub(super) mod dangerous_mount;
pub(super) mod efs_transit_encryption_off;
pub(super) mod execution_role_missing;
pub(super) mod fargate_platform_outdated;
pub(super) mod flow_logs_off;
pub(super) mod host_process_namespace;
pub(super) mod image_scan_off;
pub(super) mod instance_ports_exposed;
pub(super) mod load_balancer_bypassed;
pub(super) mod log_driver_blocking;
pub(super) mod log_driver_missing;
mod metadata;
pub(super) mod metadata_reachable_from_tasks;
mod openings;
pub(super) mod privileged_container;
pub(super) mod root_user;
pub(super) mod secret_in_environment;
pub(super) mod shared_security_group;
pub(super) mod task_public_ip;
pub(super) mod task_reachable_from_internet;
pub(super) mod task_role_missing_on_ec2;
pub(super) mod termination_protection_off;
pub(super) mod writable_root_filesystem;
