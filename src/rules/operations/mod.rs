//! What is failing right now.

pub(super) mod agent_disconnected;
pub(super) mod agent_outdated;
pub(super) mod app_mesh_proxy;
pub(super) mod deployment_circuit_breaker_off;
mod failures;
mod network;
pub(super) mod placement_failures;
pub(super) mod task_start_failures;
mod troubles;
