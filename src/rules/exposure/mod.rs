//! Who can reach the task, and what it may do.

pub(super) mod dangerous_mount;
pub(super) mod efs_transit_encryption_off;
pub(super) mod execution_role_missing;
pub(super) mod host_process_namespace;
pub(super) mod instance_ports_exposed;
pub(super) mod load_balancer_bypassed;
pub(super) mod log_driver_blocking;
pub(super) mod log_driver_missing;
mod openings;
pub(super) mod privileged_container;
pub(super) mod root_user;
pub(super) mod secret_in_environment;
pub(super) mod task_public_ip;
pub(super) mod task_reachable_from_internet;
pub(super) mod writable_root_filesystem;
