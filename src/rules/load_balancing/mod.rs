//! From the load balancer to the task.

pub(super) mod target_type_mismatch;
