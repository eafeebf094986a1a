//! The pure network semantics of a VPC: address sets, routes, and the shape of a verdict. Values in, verdicts out.
//!
//! Security groups and network ACLs have their place here too, one file each, since one is stateful and the other not.

pub mod route;
pub mod space;
pub mod verdict;
