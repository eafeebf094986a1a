//! Task definitions: one call for each revision in use, and the slowest chain of a scan. A revision is asked for as soon as
//! a service or task names it, while the others are still being listed.

use std::collections::BTreeSet;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::ecs::sorted;
use super::plan::{Reader, WAITING, gather, next};
use super::task_definition::task_definition;
use crate::snapshot::TargetData;
use crate::snapshot::coverage::{Dataset, Failure};
use crate::snapshot::ecs::{Service, Task, TaskDefinition};
use crate::snapshot::ids::Arn;

/// Revisions that a service runs or moves to.
pub(super) fn of_service(service: &Service) -> impl Iterator<Item = &Arn> {
    let sets = service.task_sets.iter().filter_map(|set| set.task_definition.as_ref());
    let live = service.deployments.iter().filter(|deployment| deployment.status != "INACTIVE");
    let live = live.filter_map(|deployment| deployment.task_definition.as_ref());
    service.task_definition.iter().chain(sets).chain(live)
}

/// The revision of a task that has not stopped.
pub(super) fn of_task(task: &Task) -> Option<&Arn> {
    (task.last_status != "STOPPED").then_some(&task.task_definition_arn)
}

fn in_use(data: &TargetData) -> BTreeSet<Arn> {
    let services = data.services.items().iter().flat_map(of_service);
    let tasks = data.tasks.items().iter().filter_map(of_task);
    let scheduled = data.scheduled_targets().map(|target| &target.task_definition_arn);
    services.chain(tasks).chain(scheduled).cloned().collect()
}

/// Says which revisions a service or task names.
pub(super) fn come_across<'a>(reader: &Reader, revisions: impl Iterator<Item = &'a Arn>) {
    for revision in revisions {
        // Nobody listens where no rule needs task definitions.
        let _ = reader.revisions.send(revision.clone());
    }
}

/// Reads the revisions that are come across, and at last those that only the whole shows.
pub(super) async fn read(reader: &Reader, mut come_across: UnboundedReceiver<Arn>) {
    if !reader.wants(Dataset::TaskDefinitions) {
        return;
    }
    let mut queue = Queue { reader, calls: JoinSet::new(), asked: BTreeSet::new(), waiting: Vec::new() };
    let mut parts = Vec::new();
    let sources = reader.sources(Dataset::TaskDefinitions);
    tokio::pin!(sources);
    loop {
        tokio::select! {
            Some(arn) = come_across.recv() => queue.ask(arn),
            Some(part) = next(&mut queue.calls) => {
                parts.push(part);
                queue.go_on();
            }
            () = &mut sources => break,
        }
    }
    reader.look(in_use).into_iter().for_each(|arn| queue.ask(arn));
    if queue.asked.is_empty() {
        reader.started(Dataset::TaskDefinitions);
    }
    while let Some(part) = next(&mut queue.calls).await {
        parts.push(part);
        queue.go_on();
    }
    // A schedule may name a family, whose newest revision something else names by its number: each is kept once.
    let definitions = sorted(gather(parts), |a, b| a.arn.cmp(&b.arn));
    reader.finished(Dataset::TaskDefinitions, |data| &mut data.task_definitions, definitions);
}

/// Revisions that were named, each asked for once.
struct Queue<'r> {
    reader: &'r Reader,
    calls: JoinSet<(Vec<TaskDefinition>, Option<Failure>)>,
    asked: BTreeSet<Arn>,
    waiting: Vec<Arn>,
}

impl Queue<'_> {
    fn ask(&mut self, arn: Arn) {
        if self.asked.insert(arn.clone()) {
            if self.asked.len() == 1 {
                self.reader.started(Dataset::TaskDefinitions);
            }
            self.waiting.push(arn);
            self.go_on();
        }
    }

    fn go_on(&mut self) {
        while self.calls.len() < WAITING
            && let Some(arn) = self.waiting.pop()
        {
            self.calls.spawn(describe(self.reader.clone(), arn));
        }
    }
}

async fn describe(reader: Reader, arn: Arn) -> (Vec<TaskDefinition>, Option<Failure>) {
    let request = reader.clients.ecs.describe_task_definition().task_definition(arn.as_str());
    match reader.caller.send("ecs:DescribeTaskDefinition", &[arn.as_str()], || request.clone().send()).await {
        Ok(answer) => (answer.task_definition.into_iter().map(task_definition).collect(), None),
        // Deleted: nothing can run it any more, and nothing is hidden.
        Err(failure) if failure.message.contains("Unable to describe task definition") => (Vec::new(), None),
        Err(failure) => (Vec::new(), Some(failure)),
    }
}
