//! Indexes over one target of a snapshot, and the workloads in it.
//!
//! [`Lookup`] is where absent and unread part ways: `Absent` comes only from a dataset that was read to its end.

mod around;
mod index;
pub mod launch;
pub mod origin;
pub mod workload;

pub use index::Topology;

use crate::reach::verdict::Gap;
use crate::snapshot::coverage::{Dataset, Fetched};

/// The answer to "which thing has this id?".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T> {
    /// This one.
    Found(T),
    /// There is none, proved.
    Absent,
    /// It could not be read whether there is.
    Unread(Gap),
}

impl<T> Lookup<T> {
    /// The thing, if it was found.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(thing) => Some(thing),
            Self::Absent | Self::Unread(_) => None,
        }
    }

    /// The same answer with something that stands for absence.
    pub fn or_else(self, absent: T) -> Self {
        match self {
            Self::Absent => Self::Found(absent),
            found_or_unread => found_or_unread,
        }
    }

    /// The same answer about something inside the thing.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found(thing) => Lookup::Found(f(thing)),
            Self::Absent => Lookup::Absent,
            Self::Unread(gap) => Lookup::Unread(gap),
        }
    }
}

/// All items of a dataset that was read to its end, as far as one parent is concerned.
///
/// A rule that says "there is no …" must hold one of these.
#[derive(Clone, Copy, Debug)]
pub struct Complete<'a, T>(&'a [T]);

impl<'a, T> Complete<'a, T> {
    /// The items.
    pub fn items(self) -> &'a [T] {
        self.0
    }
}

/// The gap that an incomplete dataset leaves for `id` and its children, if it leaves one.
pub fn gap_for<T>(fetched: &Fetched<T>, dataset: Dataset, id: &str) -> Option<Gap> {
    fetched.failure_hiding(id).map(|failure| Gap::Unread { dataset, failure: failure.into_owned() })
}
