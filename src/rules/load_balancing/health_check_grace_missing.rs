//! Tasks that are killed before they are given the time to start.

use jiff::{SignedDuration, Timestamp};

use super::attachments;
use super::flows::flow_datasets;
use crate::analysis::Analyses;
use crate::analysis::ingress::FlowPurpose;
use crate::finding::Evidence;
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::text;
use crate::topology::Lookup;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "health-check-grace-missing",
    group: Group::LoadBalancing,
    severity: Severity::Medium,
    summary: "tasks killed by health checks before they can have started",
    page: include_str!("health_check_grace_missing.md"),
    needs: flow_datasets![],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/load-balancer-healthcheck.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshoot-service-load-balancers.html",
    ],
    check: Check::Workload(check),
};

/// The API's defaults of a target group.
const INTERVAL_SECONDS: i32 = 30;
const UNHEALTHY_THRESHOLD: i32 = 2;

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let Some(service) = workload.service else { return Outcome::NotApplicable };
    let found = attachments::of(workload, analyses);
    let mut gaps = found.gaps.clone();
    gaps.extend(analyses.topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn));
    let checks_refused =
        analyses.ingress(workload).flows.iter().any(|flow| flow.purpose == FlowPurpose::Health && flow.is_refused());
    if checks_refused {
        // One cause, one finding: no grace helps a check that can't get through.
        return attachments::outcome(found.concerned, gaps, None);
    }
    let grace = service.health_check_grace_period_seconds.unwrap_or(0);
    let mut longest: Option<(i32, i32, i32)> = None;
    for attachment in &found.all {
        let definition = match &attachment.variant.task_definition {
            Lookup::Found(definition) => *definition,
            Lookup::Absent => continue,
            Lookup::Unread(gap) => {
                gaps.push(gap.clone());
                continue;
            }
        };
        let checks = definition.containers.iter().filter_map(|container| container.health_check.as_ref());
        let start = checks.filter_map(|check| check.start_period).max().unwrap_or(0);
        let check = &attachment.target_group.health_check;
        let interval = check.interval_seconds.unwrap_or(INTERVAL_SECONDS);
        let threshold = check.unhealthy_threshold_count.unwrap_or(UNHEALTHY_THRESHOLD);
        let needed = start.saturating_add(interval.saturating_mul(threshold));
        if longest.is_none_or(|(known, _, _)| needed > known) {
            longest = Some((needed, start, interval.saturating_mul(threshold)));
        }
    }
    let Some((needed, start, checks)) = longest.filter(|(needed, _, _)| grace < *needed) else {
        return attachments::outcome(found.concerned, gaps, None);
    };
    let killed = killed_early(workload, needed);
    let failing = killed.iter().max_by_key(|(at, _)| *at).map(|(_, first)| {
        let message = text![
            "Tasks of ",
            &workload.short_name,
            " were killed for failing load-balancer health checks soon after their start (",
            killed.len(),
            if killed.len() == 1 { " time), and the grace" } else { " times), and the grace" },
            " period of ",
            grace,
            " s ends before the ",
            needed,
            " s that a start may take (",
            start,
            " s start period, ",
            checks,
            " s of checks)"
        ];
        let mut command = shell::Command::new("aws ecs update-service");
        command.option("region", &analyses.topology.target.region);
        command.option("cluster", &workload.cluster_name);
        command.option("service", &workload.short_name);
        command.option("health-check-grace-period-seconds", &needed.to_string());
        let text = text!["Raise the grace period of the service above the time that a task needs to become healthy."];
        let evidence = Evidence {
            source: "stopped-task",
            at: killed.iter().map(|(at, _)| *at).max(),
            count: u32::try_from(killed.len()).unwrap_or(u32::MAX),
            text: (*first).to_owned(),
        };
        Failing {
            related: attachments::related(&found.all),
            facts: [("grace_period_seconds", serde_json::json!(grace)), ("needed_seconds", serde_json::json!(needed))]
                .into(),
            confirmed_by: vec![evidence],
            ..Failing::new(&RULE, message, Remediation { text, commands: vec![command.to_string()] })
        }
    });
    attachments::outcome(found.concerned, gaps, failing)
}

/// Stopped tasks that did not live longer than a start may take: a task that fails after days needs no grace.
fn killed_early<'s>(workload: &Workload<'s>, needed_seconds: i32) -> Vec<(Timestamp, &'s str)> {
    let stopped = workload.tasks.iter().filter(|task| task.last_status == "STOPPED");
    let early = stopped.filter_map(|task| {
        let (started, stopped, reason) =
            (task.started_at?, task.stopping_at.or(task.stopped_at)?, task.stopped_reason.as_deref()?);
        let lived = stopped.duration_since(started);
        let for_checks = reason.to_lowercase().contains("failed elb health checks");
        (for_checks && lived <= SignedDuration::from_secs(i64::from(needed_seconds))).then_some((stopped, reason))
    });
    early.collect()
}
