//! Reads an AWS account once, turns it into an immutable snapshot, and proves from that snapshot alone which Amazon
//! ECS workloads cannot start, cannot be reached or cannot be deployed, and why.
//!
//! The order of the modules is the order of the data: [`snapshot`] holds what was read, [`topology`] indexes it,
//! [`analysis`] and [`reach`] find what is true of each workload, [`rules`] are views on that, and [`engine`] makes the
//! [`finding::Report`]. Nothing in this chain does I/O, reads a clock or the environment.

pub mod analysis;
pub mod baseline;
pub mod capacity;
pub mod cli;
pub mod collect;
pub mod config;
pub mod diff;
pub mod engine;
pub mod explain;
pub mod finding;
pub mod glob;
pub mod image;
pub mod nearest;
pub mod placement;
pub mod reach;
pub mod report;
pub mod rules;
pub mod saved;
pub mod settings;
pub mod shell;
pub mod snapshot;
pub mod symptom;
pub mod text;
pub mod topology;
pub mod waivers;
pub mod wiring;
