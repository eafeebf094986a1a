//! The order of a scan: the clusters, then each dataset as soon as those that it is derived from are there.

mod board;

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinSet;

use super::call::{self, Caller};
use super::pool::Pool;
use super::{
    Clients, Event, Request, autoscaling, dataset, dns, ec2, ecs, elbv2, revisions, schedules, storage, vpc_links,
};
use crate::snapshot::coverage::{Dataset, Failure, FailureClass, Fetched};
use crate::snapshot::ids::Arn;
use crate::snapshot::{Scope, TargetData};
use board::Board;
pub(super) use board::Field;

/// What every reading function needs.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) clients: Clients,
    pub(super) caller: Caller,
    pub(super) account: String,
    pub(super) region: String,
    pub(super) scope: Scope,
    /// Revisions that were come across, which are described while the rest is still being listed.
    pub(super) revisions: UnboundedSender<Arn>,
    pub(super) pool: Pool,
    wanted: Arc<BTreeSet<Dataset>>,
    board: Arc<Board>,
}

impl Reader {
    /// Reads a dataset that hangs on nothing, if the plan has it.
    pub(super) async fn read<T, F>(&self, dataset: Dataset, field: Field<T>, read: F)
    where
        F: Future<Output = Fetched<T>>,
    {
        self.derive(dataset, field, |_| (), |()| read).await;
    }

    /// Reads a dataset once its sources are there, if the plan has it. `parents` says what of them it hangs on.
    pub(super) async fn derive<T, P, F>(
        &self,
        dataset: Dataset,
        field: Field<T>,
        parents: impl FnOnce(&TargetData) -> P,
        read: impl FnOnce(P) -> F,
    ) where
        F: Future<Output = Fetched<T>>,
    {
        if !self.wants(dataset) {
            return;
        }
        self.sources(dataset).await;
        self.started(dataset);
        // On the heap: the SDK's futures are large and many are polled from one place.
        let fetched = Box::pin(read(self.look(parents))).await;
        self.finished(dataset, field, fetched);
    }

    pub(super) fn wants(&self, dataset: Dataset) -> bool {
        self.wanted.contains(&dataset)
    }

    /// Waits for what a dataset is derived from.
    pub(super) async fn sources(&self, dataset: Dataset) {
        let further = dataset::further_sources(dataset).iter().filter(|source| self.wants(**source));
        let sources: Vec<Dataset> = dataset::sources(dataset).iter().chain(further).copied().collect();
        self.board.wait(&sources).await;
    }

    /// Looks at what was read so far.
    pub(super) fn look<R>(&self, look: impl FnOnce(&TargetData) -> R) -> R {
        self.board.look(look)
    }

    pub(super) fn started(&self, dataset: Dataset) {
        self.caller.tell(Event::DatasetStarted(dataset));
    }

    /// Keeps a dataset, with what its sources lack.
    pub(super) fn finished<T>(&self, dataset: Dataset, field: Field<T>, fetched: Fetched<T>) {
        let fetched = inherit(fetched, self.look(|data| dependency(data, dataset)));
        let (status, items) = (fetched.status_word(), fetched.items().len());
        tracing::info!(account = self.account, region = self.region, dataset = dataset.name(), status, items, "read");
        self.board.put(dataset, field, fetched);
        self.caller.tell(Event::DatasetFinished { dataset, status, items });
    }
}

/// Reads the requested datasets and those that they are derived from.
pub(super) async fn read(
    clients: Clients,
    caller: Caller,
    account: &str,
    region: &str,
    request: &Request,
) -> TargetData {
    let (revisions, come_across) = tokio::sync::mpsc::unbounded_channel();
    let reader = Reader {
        clients,
        caller,
        account: account.to_owned(),
        region: region.to_owned(),
        scope: request.scope.clone(),
        revisions,
        pool: Pool::default(),
        wanted: Arc::new(dataset::closure(&request.datasets)),
        board: Arc::new(Board::new()),
    };
    reader.read(Dataset::Clusters, |data| &mut data.clusters, ecs::clusters(&reader)).await;
    if reader.look(|data| data.clusters.is_complete() && data.clusters.items().is_empty()) {
        // An idle Region: nothing else can matter.
        let mut data = reader.board.take();
        data.set_empty();
        return data;
    }
    tokio::join!(
        Box::pin(ecs::read(&reader)),
        Box::pin(revisions::read(&reader, come_across)),
        Box::pin(schedules::read(&reader)),
        Box::pin(autoscaling::read(&reader)),
        Box::pin(elbv2::read(&reader)),
        Box::pin(ec2::read(&reader)),
        Box::pin(ec2::read_derived(&reader)),
        Box::pin(vpc_links::read(&reader)),
        Box::pin(dns::read(&reader)),
        Box::pin(storage::read(&reader)),
    );
    let mut data = reader.board.take();
    // Last of all, so that as much time as can be lies between the two readings.
    Box::pin(ecs::read_agents_again(&reader, &mut data.container_instances)).await;
    data
}

/// What a failed source means for what is derived from it: the list of parents may be too short.
fn inherit<T>(fetched: Fetched<T>, failed: Vec<Failure>) -> Fetched<T> {
    if failed.is_empty() {
        return fetched;
    }
    match fetched {
        Fetched::Complete { items } => Fetched::from_parts(items, failed),
        Fetched::Partial { items, mut failures } => {
            failures.extend(failed);
            Fetched::from_parts(items, failures)
        }
        other => other,
    }
}

/// Failures that the sources of a dataset pass on to it.
fn dependency(data: &TargetData, dataset: Dataset) -> Vec<Failure> {
    // These have an item for each VPC that was asked about, so a VPC that was overlooked is not taken for one without
    // zones: what their sources lack needs no failure of its own.
    if matches!(dataset, Dataset::VpcDnsAttributes | Dataset::HostedZones) {
        return Vec::new();
    }
    let coverage = data.coverage();
    let sources = dataset::sources(dataset);
    let failed = coverage.iter().filter(|(source, _, _, failures)| sources.contains(source) && !failures.is_empty());
    failed.map(|(source, _, _, failures)| passed_on(dataset, *source, &failures[0])).collect()
}

/// The failure of a source, seen from what is derived from it.
fn passed_on(dataset: Dataset, source: Dataset, failure: &Failure) -> Failure {
    Failure {
        class: FailureClass::Dependency,
        operation: dataset::operations(dataset)[0].to_owned(),
        iam_action: failure.iam_action.clone(),
        message: format!("{} could not all be read: {}", source.name(), failure.message),
        affected: Vec::new(),
    }
}

/// Calls of one kind that wait at the same time: more than a bucket lets through at once, and few enough to need no memory.
pub(super) const WAITING: usize = 64;

/// Runs a reading function for each parent, many at once; the answers come in the order of the parents.
pub(super) async fn each<T, R, F>(parents: Vec<T>, read: impl Fn(T) -> F) -> Vec<R>
where
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let (mut tasks, mut answers) = (JoinSet::new(), Vec::with_capacity(parents.len()));
    for (index, parent) in parents.into_iter().enumerate() {
        if tasks.len() >= WAITING {
            answers.extend(next(&mut tasks).await);
        }
        let read = read(parent);
        tasks.spawn(async move { (index, read.await) });
    }
    while let Some(answer) = next(&mut tasks).await {
        answers.push(answer);
    }
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// The next answer of a task; `None` when there are no more.
pub(super) async fn next<R: 'static>(tasks: &mut JoinSet<R>) -> Option<R> {
    match tasks.join_next().await? {
        Ok(answer) => Some(answer),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => unreachable!("no task of a scan is ever cancelled: {error}"),
        },
    }
}

/// Puts the parts of a dataset together. When every part failed, nothing of it is known.
pub(super) fn gather<T>(parts: Vec<(Vec<T>, Option<Failure>)>) -> Fetched<T> {
    let all = parts.len();
    let (mut items, mut failures) = (Vec::new(), Vec::new());
    // The exact size: there may be a hundred thousand.
    let size: usize = parts.iter().map(|(part, _)| part.len()).sum();
    for (more, failure) in parts {
        if more.len() == size {
            items = more;
            items.shrink_to_fit();
        } else {
            items.reserve_exact(size - items.len());
            items.extend(more);
        }
        failures.extend(failure);
    }
    if items.is_empty() && failures.len() == all && all > 0 {
        let mut failure = failures.swap_remove(0);
        failure.affected.clear();
        return Fetched::Unavailable { failure };
    }
    Fetched::from_parts(items, failures)
}

/// A dataset that one paged call reads.
pub(super) fn whole<T>(
    (mut items, failure): (Vec<T>, Option<Failure>),
    order: impl Fn(&T, &T) -> Ordering,
) -> Fetched<T> {
    items.sort_unstable_by(order);
    gather(vec![(items, failure)])
}

/// Things that were listed and then not described, other than those that went away in between.
pub(super) fn not_described(
    api: &'static str,
    reasons: impl IntoIterator<Item = (Option<String>, String)>,
) -> Vec<Failure> {
    let not_gone = reasons.into_iter().filter(|(reason, _)| reason.as_deref() != Some("MISSING"));
    not_gone
        .map(|(reason, id)| {
            let reason = reason.unwrap_or_else(|| "no reason given".to_owned());
            call::failure(api, FailureClass::Service, format!("{id} was not described: {reason}"), &[&id])
        })
        .collect()
}
