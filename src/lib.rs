//! Reads an AWS account once, turns it into an immutable snapshot, and proves from that snapshot alone which Amazon
//! ECS workloads cannot start, cannot be reached or cannot be deployed, and why.

pub mod finding;
pub mod reach;
pub mod settings;
pub mod snapshot;
pub mod text;
