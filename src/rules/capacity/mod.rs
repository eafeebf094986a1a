//! Interfaces, addresses, ports, deployments.

pub(super) mod capacity_provider_cannot_scale;
pub(super) mod daemon_takes_network_interface;
pub(super) mod deployment_deadlock;
pub(super) mod eni_limit_blocks_deployment;
pub(super) mod eni_limit_pressure;
pub(super) mod foreign_network_interfaces;
pub(super) mod host_port_blocks_deployment;
pub(super) mod host_port_conflict;
pub(super) mod host_port_ephemeral;
pub(super) mod host_port_limit;
pub(super) mod host_port_reserved;
pub(super) mod network_interface_quota;
mod ports;
pub(super) mod service_single_zone;
mod shared;
pub(super) mod subnet_address_exhaustion;
mod trunking;
pub(super) mod trunking_disabled;
pub(super) mod trunking_ineffective;
pub(super) mod trunking_unsupported_type;
pub(super) mod zone_without_instances;
