//! One binary for all integration tests: each further one would link the AWS SDK again.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

extern crate mocks;

mod binary;
mod capacity;
mod catalogue;
mod cli;
mod collect;
mod demo;
mod documents;
mod endpoint;
mod faults;
mod formats;
mod generated;
mod house;
mod html;
mod mutations;
mod odd;
mod peers;
mod placement_query;
mod placement_rollout;
mod replay;
mod rules;
mod several;
mod support;
mod symptom;
mod workflow;
