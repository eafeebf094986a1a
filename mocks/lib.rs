//! Accounts for tests and the demo, in the words of their domain, and SDK clients that answer from them.
#![allow(missing_docs, clippy::unwrap_used, reason = "the words of tests, which fail where a fixture is wrong")]

pub mod account;
pub mod accounts;
pub mod balancing;
pub mod compute;
pub mod demo;
#[warn(missing_docs, clippy::unwrap_used)]
pub mod endpoint;
#[warn(missing_docs, clippy::unwrap_used)]
pub mod flips;
#[warn(missing_docs, clippy::unwrap_used)]
pub mod generate;
pub mod hostile;
pub mod interfaces;
pub mod large;
pub mod organization;
pub mod patterns;
pub mod sdk;
pub mod storage;
