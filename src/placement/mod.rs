//! Which container instances a task may be placed on. Constraints are read and applied to what a snapshot shows of an
//! instance; whatever Amazon ECS doesn't document, or a snapshot doesn't show, leaves the question open. Values in,
//! answers out.

pub mod query;
