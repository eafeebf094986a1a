//! From the task to what it needs.

pub(super) mod vpc_endpoint_missing;
