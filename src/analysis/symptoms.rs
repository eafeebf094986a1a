//! Live symptoms that agree with a finding: reasons of stopped tasks and messages of service events.

use std::cell::{LazyCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use compact_str::CompactString;
use jiff::Timestamp;
use rustc_hash::FxHashMap;

use super::Analyses;
use crate::finding::Evidence;
use crate::reach::verdict::Gap;
use crate::snapshot::ecs::{Service, ServiceEvent, Task, TaskContainer};
use crate::snapshot::ids::Arn;
use crate::symptom::{self, Kind, Symptom, Trouble};
use crate::topology::Topology;
use crate::topology::workload::Workload;

/// What a rule's findings on one subject say of symptoms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Those that confirm a finding.
    pub explained: BTreeSet<Kind>,
    /// What was not read and may hide a finding.
    pub unread: Vec<Gap>,
}

/// What rules told, by rule and subject.
pub(super) type Memo = RefCell<FxHashMap<(&'static str, String), Rc<Told>>>;

impl Analyses<'_> {
    /// What a rule says of a subject, asked once.
    pub fn told(&self, rule: &'static str, subject: &str, ask: impl FnOnce() -> Told) -> Rc<Told> {
        let key = (rule, subject.to_owned());
        if let Some(told) = self.told.borrow().get(&key) {
            return Rc::clone(told);
        }
        let told = Rc::new(ask());
        self.told.borrow_mut().insert(key, Rc::clone(&told));
        told
    }
}

/// GuardDuty puts its container into tasks by itself; it is not essential, so its trouble is not the task's.
fn is_injected(container: &TaskContainer) -> bool {
    container.name.starts_with("aws-guardduty-agent")
}

/// The reason of a task and those of its containers.
pub fn reasons(task: &Task) -> impl Iterator<Item = &str> {
    let own = task.containers.iter().filter(|container| !is_injected(container));
    task.stopped_reason.iter().chain(own.filter_map(|container| container.reason.as_ref())).map(CompactString::as_str)
}

/// Why a task stopped, with the text that says so: the container's own reason where the task's has no known one.
pub fn of_task(task: &Task) -> impl Iterator<Item = (Symptom, &str)> {
    reasons(task).filter_map(|reason| symptom::read(reason).map(|symptom| (symptom, reason)))
}

/// When a task stopped, as far as it is said.
pub fn stopped_at(task: &Task) -> Option<Timestamp> {
    task.stopped_at.or(task.stopping_at)
}

/// When it last went well for sure, which heals what failed before: a service has all its tasks, its rollout is complete
/// and one of them started then; a standalone or scheduled task started then.
fn last_success(workload: &Workload<'_>) -> Option<Timestamp> {
    let is_settled = |service: &Service| {
        let primary = service.deployments.iter().find(|deployment| deployment.status == "PRIMARY");
        let state = primary.and_then(|deployment| deployment.rollout_state.as_deref());
        service.running_count >= service.desired_count && state.is_none_or(|state| state == "COMPLETED")
    };
    let counts = |task: &&Task| workload.service.is_none() || task.last_status == "RUNNING";
    let started = workload.tasks.iter().copied().filter(counts).filter_map(|task| task.started_at);
    if workload.service.is_none_or(is_settled) { started.max() } else { None }
}

/// What went wrong and is not over, each with its time.
fn current<T>(workload: &Workload<'_>, at: impl Fn(&T) -> Option<Timestamp>) -> impl Fn(&T) -> bool {
    // Most workloads have nothing to ask this of.
    let healed = LazyCell::new(|| last_success(workload));
    move |item| healed.is_none_or(|healed| at(item).is_some_and(|at| at >= healed))
}

/// Stopped tasks of a workload whose trouble is not over.
pub fn stopped_tasks<'s>(workload: &Workload<'s>) -> impl Iterator<Item = &'s Task> {
    let is_current = current(workload, |task: &&Task| stopped_at(task));
    let is_left_behind = left_behind(workload);
    let stopped = workload.tasks.iter().copied().filter(|task| task.last_status == "STOPPED");
    stopped.filter(move |task| is_current(task) && !is_left_behind(task))
}

/// Whether a task failed that a rollback has made good: its revision is in use no more, the rollout of the one that took
/// its place is complete, and the service was steady after the task.
fn left_behind<'s>(workload: &Workload<'s>) -> impl Fn(&Task) -> bool + use<'s> {
    let service = workload.service;
    let used: BTreeSet<&Arn> = workload.variants.iter().map(|variant| variant.task_definition_arn).collect();
    // Most services have no stopped task to ask this of.
    let steady = LazyCell::new(move || service.and_then(steady_at));
    move |task| {
        let later = steady.is_some_and(|steady| stopped_at(task).is_some_and(|stopped| stopped < steady));
        later && !used.contains(&task.task_definition_arn)
    }
}

/// The last steady state of a service whose rollout is complete.
fn steady_at(service: &Service) -> Option<Timestamp> {
    let primary = service.deployments.iter().find(|deployment| deployment.status == "PRIMARY")?;
    let complete = primary.rollout_state.as_deref() == Some("COMPLETED");
    let steady = service.events.iter().filter(|event| complete && symptom::heals(&event.message));
    steady.filter_map(|event| event.created_at).max()
}

/// Events of a workload's service that are not over: newer than the last steady state, and not healed otherwise.
pub fn events<'s>(workload: &Workload<'s>) -> impl Iterator<Item = &'s ServiceEvent> {
    let is_current = current(workload, |event: &&ServiceEvent| event.created_at);
    workload.service.into_iter().flat_map(current_events).filter(move |event| is_current(event))
}

/// Stopped tasks with a symptom that `matters`, counted by its kind.
pub fn of_stopped_tasks<'s>(
    tasks: impl IntoIterator<Item = &'s Task>,
    matters: impl Fn(Symptom) -> bool,
) -> Vec<Evidence> {
    of_reasons(tasks, |symptom, _| matters(symptom))
}

/// The same with a choice that hangs on the very words.
pub fn of_reasons<'s>(
    tasks: impl IntoIterator<Item = &'s Task>,
    matters: impl Fn(Symptom, &str) -> bool,
) -> Vec<Evidence> {
    let mut by_kind: BTreeMap<Kind, (u32, Option<Timestamp>, &str)> = BTreeMap::new();
    for task in tasks.into_iter().filter(|task| task.last_status == "STOPPED") {
        let Some((symptom, reason)) = of_task(task).find(|(symptom, reason)| matters(*symptom, reason)) else {
            continue;
        };
        let entry = by_kind.entry(symptom.kind()).or_insert((0, None, ""));
        entry.0 += 1;
        if entry.2.is_empty() || task.stopped_at > entry.1 {
            *entry = (entry.0, task.stopped_at.or(entry.1), reason);
        }
    }
    let evidence =
        |(count, at, text): (_, _, &str)| Evidence { source: "stopped-task", at, count, text: text.to_owned() };
    by_kind.into_values().map(evidence).collect()
}

/// Events newer than the last steady state: what healed is no symptom.
fn current_events(service: &Service) -> impl Iterator<Item = &ServiceEvent> {
    service.events.iter().take_while(|event| !symptom::heals(&event.message))
}

/// Current events and stopped tasks of a workload with a trouble that `matters`.
pub fn of_workload(workload: &Workload<'_>, matters: impl Fn(Trouble) -> bool) -> Vec<Evidence> {
    let mut evidence = of_service_events(workload.service, &matters);
    evidence.extend(of_stopped_tasks(stopped_tasks(workload), |symptom| matters(symptom.trouble)));
    evidence
}

/// The same of all workloads of a cluster.
pub fn of_cluster(topology: &Topology<'_>, cluster: &Arn, matters: impl Fn(Trouble) -> bool) -> Vec<Evidence> {
    let workloads = || topology.workloads_of(cluster);
    let mut evidence = of_service_events(workloads().filter_map(|workload| workload.service), &matters);
    evidence.extend(of_stopped_tasks(workloads().flat_map(stopped_tasks), |symptom| matters(symptom.trouble)));
    evidence
}

/// Current events with a trouble that `matters`, counted by service and kind.
pub fn of_service_events<'s>(
    services: impl IntoIterator<Item = &'s Service>,
    matters: impl Fn(Trouble) -> bool,
) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for service in services {
        let mut by_kind: BTreeMap<Kind, (u32, &ServiceEvent)> = BTreeMap::new();
        for event in current_events(service) {
            let Some(read) = symptom::read(&event.message).filter(|read| matters(read.trouble)) else { continue };
            // The newest comes first.
            by_kind.entry(read.kind()).or_insert((0, event)).0 += 1;
        }
        evidence.extend(by_kind.into_values().map(|(count, newest)| Evidence {
            source: "service-event",
            at: newest.created_at,
            count,
            text: newest.message.clone(),
        }));
    }
    evidence
}
