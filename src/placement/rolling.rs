//! How many tasks a rolling deployment may stop and start.
//!
//! Source: "DeploymentConfiguration" in the ECS API reference: the lower limit is rounded up, the upper one down.

/// The limits of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rolling {
    /// Tasks that are wanted.
    pub desired: u32,
    /// Tasks that keep running.
    pub floor: u32,
    /// Tasks that run at once, old and new together.
    pub ceiling: u32,
}

impl Rolling {
    /// From `minimumHealthyPercent` and `maximumPercent`.
    pub fn of(desired: u32, minimum_healthy_percent: u32, maximum_percent: u32) -> Self {
        let part = |percent: u32| u64::from(desired) * u64::from(percent);
        Self {
            desired,
            floor: u32::try_from(part(minimum_healthy_percent).div_ceil(100)).unwrap_or(u32::MAX),
            ceiling: u32::try_from(part(maximum_percent) / 100).unwrap_or(u32::MAX),
        }
    }

    /// Neither may a task stop nor one start, whatever room there is.
    pub fn is_deadlocked(self) -> bool {
        self.desired > 0 && self.floor >= self.desired && self.ceiling <= self.desired
    }

    /// Tasks that may stop while so many run.
    pub fn may_stop(self, running: u32) -> u32 {
        running.saturating_sub(self.floor)
    }

    /// Tasks that may start while so many run.
    pub fn may_start(self, running: u32) -> u32 {
        self.ceiling.saturating_sub(running)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_aws() {
        assert_eq!(Rolling::of(2, 75, 100), Rolling { desired: 2, floor: 2, ceiling: 2 });
        assert!(Rolling::of(2, 75, 100).is_deadlocked());
        assert_eq!(Rolling::of(3, 100, 125), Rolling { desired: 3, floor: 3, ceiling: 3 });
        assert!(Rolling::of(3, 100, 125).is_deadlocked());
        assert!(!Rolling::of(4, 100, 125).is_deadlocked());
        assert!(!Rolling::of(4, 75, 100).is_deadlocked());
    }

    #[test]
    fn nothing_is_not_deadlocked() {
        assert!(!Rolling::of(0, 100, 100).is_deadlocked());
    }
}
