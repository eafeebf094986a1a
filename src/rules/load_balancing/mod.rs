//! From the load balancer to the task.

mod attachments;
pub(super) mod default_security_group_in_use;
pub(super) mod dynamic_ports_blocked;
mod flows;
pub(super) mod health_check_grace_missing;
pub(super) mod health_check_path_blocked;
pub(super) mod health_check_port_fixed;
pub(super) mod listener_path_blocked;
pub(super) mod load_balancer_address_space;
pub(super) mod load_balancer_path_blocked;
pub(super) mod load_balancer_port_undefined;
pub(super) mod load_balancer_subnet_private;
pub(super) mod load_balancer_zone_missing;
pub(super) mod security_group_vpc_mismatch;
pub(super) mod target_group_unattached;
pub(super) mod target_group_vpc_mismatch;
pub(super) mod target_type_mismatch;
pub(super) mod targets_unhealthy;
