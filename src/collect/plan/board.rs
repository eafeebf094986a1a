//! What was read so far, for those that wait for it: each dataset starts as soon as its sources are there.

use std::collections::BTreeSet;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Fetched};

/// Where a dataset is kept.
pub(in crate::collect) type Field<T> = fn(&mut TargetData) -> &mut Fetched<T>;

/// The data of one account and Region while it comes in.
pub(super) struct Board {
    data: Mutex<TargetData>,
    done: watch::Sender<BTreeSet<Dataset>>,
}

impl Board {
    /// Nothing was read.
    pub(super) fn new() -> Self {
        Self { data: Mutex::new(TargetData::not_requested()), done: watch::Sender::new(BTreeSet::new()) }
    }

    /// Waits until all of these were read.
    pub(super) async fn wait(&self, datasets: &[Dataset]) {
        let mut done = self.done.subscribe();
        let all = done.wait_for(|done| datasets.iter().all(|dataset| done.contains(dataset))).await;
        all.expect("the board that sends is borrowed here");
    }

    /// Keeps a dataset and wakes those that wait for it.
    pub(super) fn put<T>(&self, dataset: Dataset, field: Field<T>, fetched: Fetched<T>) {
        *field(&mut self.lock()) = fetched;
        self.done.send_modify(|done| {
            done.insert(dataset);
        });
    }

    /// Looks at what is there.
    pub(super) fn look<R>(&self, look: impl FnOnce(&TargetData) -> R) -> R {
        look(&self.lock())
    }

    /// Takes everything away.
    pub(super) fn take(&self) -> TargetData {
        mem::replace(&mut self.lock(), TargetData::not_requested())
    }

    fn lock(&self) -> MutexGuard<'_, TargetData> {
        self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_goes_on_when_the_last_of_its_sources_is_there() {
        let board = Board::new();
        let waiting = board.wait(&[Dataset::Vpcs, Dataset::Subnets]);
        tokio::pin!(waiting);
        assert!(is_waiting(&mut waiting));
        board.put(Dataset::Vpcs, |data| &mut data.vpcs, Fetched::complete(Vec::new()));
        assert!(is_waiting(&mut waiting));
        board.put(Dataset::Subnets, |data| &mut data.subnets, Fetched::complete(Vec::new()));
        waiting.await;
        assert!(board.look(|data| data.vpcs.is_complete()));
        assert!(board.take().subnets.is_complete() && !board.look(|data| data.subnets.is_complete()));
    }

    /// Whether a future is not yet done.
    fn is_waiting<F: Future>(future: &mut std::pin::Pin<&mut F>) -> bool {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        future.as_mut().poll(&mut context).is_pending()
    }
}
