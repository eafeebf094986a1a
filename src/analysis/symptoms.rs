//! Live symptoms that agree with a finding: reasons of stopped tasks and messages of service events.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::finding::Evidence;
use crate::snapshot::ecs::{Service, ServiceEvent, Task};
use crate::symptom::{self, Symptom, Trouble};

/// Why a task stopped, with the text that says so: the container's own reason where the task's has no known one.
fn of_task(task: &Task) -> impl Iterator<Item = (Symptom, &str)> {
    let reasons = task.stopped_reason.iter().chain(task.containers.iter().filter_map(|c| c.reason.as_ref()));
    reasons.filter_map(|reason| symptom::read(reason).map(|symptom| (symptom, reason.as_str())))
}

/// Stopped tasks with a symptom that `matters`, counted by trouble.
pub fn of_stopped_tasks<'s>(
    tasks: impl IntoIterator<Item = &'s Task>,
    matters: impl Fn(Symptom) -> bool,
) -> Vec<Evidence> {
    let mut by_trouble: BTreeMap<Trouble, (u32, Option<Timestamp>, &str)> = BTreeMap::new();
    for task in tasks.into_iter().filter(|task| task.last_status == "STOPPED") {
        let Some((symptom, reason)) = of_task(task).find(|(symptom, _)| matters(*symptom)) else { continue };
        let entry = by_trouble.entry(symptom.trouble).or_insert((0, None, ""));
        entry.0 += 1;
        if entry.2.is_empty() || task.stopped_at > entry.1 {
            *entry = (entry.0, task.stopped_at.or(entry.1), reason);
        }
    }
    let evidence =
        |(count, at, text): (_, _, &str)| Evidence { source: "stopped-task", at, count, text: text.to_owned() };
    by_trouble.into_values().map(evidence).collect()
}

/// Events with a trouble that `matters` and newer than the last steady state: what healed is no symptom.
pub fn of_service_events<'s>(
    services: impl IntoIterator<Item = &'s Service>,
    matters: impl Fn(Trouble) -> bool,
) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for service in services {
        let current = service.events.iter().take_while(|event| !symptom::heals(&event.message));
        let matching: Vec<&ServiceEvent> =
            current.filter(|event| symptom::read(&event.message).is_some_and(|read| matters(read.trouble))).collect();
        let Some(newest) = matching.first() else { continue };
        let count = u32::try_from(matching.len()).unwrap_or(u32::MAX);
        evidence.push(Evidence { source: "service-event", at: newest.created_at, count, text: newest.message.clone() });
    }
    evidence
}
