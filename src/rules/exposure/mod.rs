//! Who can reach the task, and what it may do.

pub(super) mod dangerous_mount;
pub(super) mod efs_transit_encryption_off;
pub(super) mod host_process_namespace;
pub(super) mod privileged_container;
