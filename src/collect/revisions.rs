//! Task definitions: one call for each revision in use, and the slowest chain of a scan. A revision is asked for as soon as
//! a service or task names it, while the others are still being listed.

use std::collections::BTreeSet;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinSet;

use super::ecs::sorted;
use super::plan::{Reader, finish, gather};
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
    let (mut calls, mut asked) = (JoinSet::new(), BTreeSet::new());
    let mut ask = |arn: Arn| {
        if asked.insert(arn.clone()) {
            if asked.len() == 1 {
                reader.started(Dataset::TaskDefinitions);
            }
            calls.spawn(describe(reader.clone(), arn));
        }
    };
    let sources = reader.sources(Dataset::TaskDefinitions);
    tokio::pin!(sources);
    loop {
        tokio::select! {
            Some(arn) = come_across.recv() => ask(arn),
            () = &mut sources => break,
        }
    }
    reader.look(in_use).into_iter().for_each(&mut ask);
    if asked.is_empty() {
        reader.started(Dataset::TaskDefinitions);
    }
    let mut definitions = sorted(gather(finish(calls).await), |definition| definition.arn.clone());
    // A schedule may name a family, whose newest revision something else names by its number.
    if let Some(items) = definitions.items_mut() {
        items.dedup_by(|a, b| a.arn == b.arn);
    }
    reader.finished(Dataset::TaskDefinitions, |data| &mut data.task_definitions, definitions);
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
