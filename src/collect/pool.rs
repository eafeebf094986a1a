//! One copy of the ARNs that many items name: a hundred thousand tasks run a few thousand revisions in a few clusters.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashSet;

use crate::snapshot::ids::Arn;

/// The ARNs that were named so far.
#[derive(Clone, Default)]
pub(super) struct Pool(Arc<Mutex<FxHashSet<Arn>>>);

impl Pool {
    /// Lets some ARNs share their text with the same ones that were named before.
    pub(super) fn share<'a>(&self, arns: impl IntoIterator<Item = &'a mut Arn>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for arn in arns {
            match known.get(arn) {
                Some(same) => *arn = same.clone(),
                None => {
                    known.insert(arn.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_of_one_revision_have_one_copy_of_its_arn() {
        let name = || Arn::from("arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7");
        let (pool, mut first, mut second) = (Pool::default(), name(), name());
        assert!(!std::ptr::eq(first.as_str(), second.as_str()));
        pool.share([&mut first]);
        pool.share([&mut second]);
        assert!(std::ptr::eq(first.as_str(), second.as_str()));
    }
}
