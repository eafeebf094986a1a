//! What is failing right now.

pub(super) mod app_mesh_proxy;
