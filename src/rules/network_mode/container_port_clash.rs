//! Two containers that declare one port of a shared network namespace.

use std::collections::BTreeMap;

use crate::analysis::Analyses;
use crate::finding::{Evidence, Remediation, Severity};
use crate::rules::revisions::{self, Revision};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "container-port-clash",
    group: Group::NetworkMode,
    severity: Severity::Low,
    summary: "one port declared by two containers that share a network namespace",
    page: include_str!("container_port_clash.md"),
    needs: revisions::NEEDS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (revisions, gaps) = revisions::of(workload);
    let shared: Vec<_> = revisions.iter().filter(|revision| shares_namespace(revision)).collect();
    let (mut wrong, mut named) = (Vec::new(), Vec::new());
    for revision in &shared {
        for (first, second, port) in clashes(revision) {
            let detail = text![
                "containers ",
                first.to_owned(),
                " and ",
                second.to_owned(),
                " of ",
                revision.definition.arn.name().to_owned(),
                " both declare ",
                port
            ];
            wrong.push(revisions::wrong("port-declared-twice", revision, None, detail));
            named.push(*revision);
        }
    }
    wrong.sort();
    wrong.dedup();
    let failing = (!wrong.is_empty()).then(|| {
        let mut message = text!["Only one of two containers can listen: "];
        message.append(wrong[0].detail.clone());
        if wrong.len() > 1 {
            message.append(text![" (and ", wrong.len() - 1, " more)"]);
        }
        let text = text!["Let each container of the task listen on a port of its own, or drop the second declaration."];
        let mut failing = revisions::failing(&RULE, &named, message, wrong, Remediation { text, commands: Vec::new() });
        let evidence = bind_errors(workload);
        let seen = analyses.topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn).is_none();
        let nothing_runs = seen
            && workload.service.is_some_and(|service| service.desired_count > 0)
            && !named.iter().any(|revision| revision.is_running());
        if !evidence.is_empty() || nothing_runs {
            failing.severity = Severity::High;
            failing.severity_reason = Some(if evidence.is_empty() {
                "no task of the revision runs".to_owned()
            } else {
                "tasks stopped because a port was taken".to_owned()
            });
        }
        failing.confirmed_by = evidence;
        failing
    });
    revisions::outcome(!shared.is_empty(), gaps, failing)
}

fn shares_namespace(revision: &Revision<'_, '_>) -> bool {
    revision.launch.kind == LaunchKind::Fargate
        || matches!(revision.mode(), Some(NetworkMode::Awsvpc | NetworkMode::Host))
}

/// Pairs of containers with a port or range that both declare.
fn clashes<'s>(revision: &Revision<'_, 's>) -> Vec<(&'s str, &'s str, String)> {
    let mut found: BTreeMap<(&str, &str), String> = BTreeMap::new();
    let containers = &revision.definition.containers;
    for (index, first) in containers.iter().enumerate() {
        for second in &containers[index + 1..] {
            for one in &first.port_mappings {
                for other in second.port_mappings.iter().filter(|other| other.protocol == one.protocol) {
                    let (Some(a), Some(b)) = (one.container_ports(), other.container_ports()) else { continue };
                    let (from, to) = (a.0.max(b.0), a.1.min(b.1));
                    if from <= to {
                        let ports = if from == to { from.to_string() } else { format!("{from}-{to}") };
                        found
                            .entry((first.name.as_str(), second.name.as_str()))
                            .or_insert(format!("{} {ports}", one.protocol));
                    }
                }
            }
        }
    }
    found.into_iter().map(|((first, second), port)| (first, second, port)).collect()
}

fn bind_errors(workload: &Workload<'_>) -> Vec<Evidence> {
    let stopped = workload.tasks.iter().filter(|task| task.last_status == "STOPPED");
    let says = |text: &str| {
        let text = text.to_lowercase();
        text.contains("address already in use") || text.contains("bind:") || text.contains("port is already allocated")
    };
    let mut reasons = Vec::new();
    for task in stopped {
        let all = task.stopped_reason.iter().chain(task.containers.iter().filter_map(|c| c.reason.as_ref()));
        if let Some(reason) = all.into_iter().find(|reason| says(reason)) {
            reasons.push((task.stopped_at, reason.clone()));
        }
    }
    reasons.sort();
    let Some((at, text)) = reasons.last().cloned() else { return Vec::new() };
    let count = u32::try_from(reasons.len()).unwrap_or(u32::MAX);
    vec![Evidence { source: "stopped-task", at, count, text: text.into() }]
}
