//! The pure network semantics of a VPC: routes, gateways, endpoints and names. Values in, verdicts out.

pub mod verdict;
