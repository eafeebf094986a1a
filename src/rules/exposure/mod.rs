//! Who can reach the task, and what it may do.

pub(super) mod container_insights_off;
pub(super) mod dangerous_mount;
pub(super) mod efs_transit_encryption_off;
pub(super) mod fargate_platform_outdated;
pub(super) mod flow_logs_off;
pub(super) mod host_process_namespace;
pub(super) mod image_scan_off;
pub(super) mod metadata_reachable_from_tasks;
pub(super) mod privileged_container;
pub(super) mod shared_security_group;
pub(super) mod termination_protection_off;
