//! Which container instances a task may be placed on, how many fit there, and whether a deployment can move. Whatever
//! Amazon ECS doesn't document, or a snapshot doesn't show, leaves the question open. Values in, answers out.

pub mod matching;
pub mod query;
pub mod rolling;
pub mod rollout;
pub mod room;
