//! Versions of container agents, and those that features need.

use std::cmp::Ordering;

use crate::snapshot::ecs::ContainerInstance;

/// Major, minor and patch number.
pub type Version = [u32; 3];

/// The first agent that attaches trunks ("Increasing Amazon ECS Linux container instance network interfaces").
pub const TRUNKING: Version = [1, 28, 1];
/// The first agent with ECS Exec ("Running commands using ECS Exec").
pub const EXEC: Version = [1, 50, 2];
/// The same on Windows ("Monitor Amazon ECS containers with ECS Exec", considerations).
pub const EXEC_ON_WINDOWS: Version = [1, 56, 0];
/// The first agent with Service Connect ("Amazon ECS Service Connect components", considerations).
pub const SERVICE_CONNECT: Version = [1, 67, 2];

/// Whether an instance's agent is older than a version; `None` where that can't be read.
pub fn is_before(instance: &ContainerInstance, first: Version) -> Option<bool> {
    before(instance.agent_version.as_deref()?, first)
}

/// Compares number by number; what a package adds after them doesn't count.
fn before(text: &str, first: Version) -> Option<bool> {
    let numbers = text.split(['-', '+']).next()?;
    let parts: Result<Vec<u32>, _> = numbers.split('.').map(str::parse).collect();
    let parts = parts.ok().filter(|parts| parts.len() <= first.len())?;
    match parts.iter().zip(&first).map(|(own, first)| own.cmp(first)).find(|order| order.is_ne()) {
        Some(order) => Some(order == Ordering::Less),
        None if parts.len() == first.len() => Some(false),
        None => None,
    }
}

/// `1.28.1`.
pub fn shown(version: Version) -> String {
    version.map(|part| part.to_string()).join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_and_not_words() {
        for (text, is_before) in [
            ("1.28.0", Some(true)),
            ("1.28.1", Some(false)),
            ("1.28.1-2", Some(false)),
            ("1.100.0", Some(false)),
            ("0.99.99", Some(true)),
            // Two numbers are enough where they differ.
            ("1.20", Some(true)),
            ("2", Some(false)),
            ("1.28", None),
            ("1.28.x", None),
            ("1.20.1.2", None),
            ("v1.28.1", None),
            ("latest", None),
            ("", None),
        ] {
            assert_eq!(before(text, TRUNKING), is_before, "{text}");
        }
    }
}
