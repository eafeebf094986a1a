//! From the load balancer to the task.

pub(super) mod dynamic_ports_blocked;
mod flows;
pub(super) mod health_check_path_blocked;
pub(super) mod listener_path_blocked;
pub(super) mod load_balancer_path_blocked;
pub(super) mod target_type_mismatch;
