//! Interfaces, addresses, ports, deployments.

pub(super) mod eni_limit_pressure;
