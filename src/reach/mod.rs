//! The pure network semantics of a VPC: address sets, routes, security groups, network ACLs, endpoint policies, and the
//! shape of a verdict. Values in, verdicts out.

pub mod filter;
pub mod group;
pub mod leg;
pub mod nacl;
pub mod policy;
pub mod route;
pub mod space;
pub mod traffic;
pub mod verdict;
