//! How the task attaches to the network.

pub(super) mod bridge_mode_in_use;
pub(super) mod container_port_clash;
pub(super) mod host_mode_isolation;
pub(super) mod host_port_mismatch;
pub(super) mod none_mode_with_ports;
pub(super) mod unsupported_network_mode;
