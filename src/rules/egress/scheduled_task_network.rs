//! Rules and schedules that run tasks in subnets or with security groups that are no longer there.

use std::collections::BTreeSet;

use crate::analysis::Analyses;
use crate::finding::{Related, Remediation, Severity};
use crate::reach::verdict::{Blocker, Family, Gap};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::coverage::Dataset;
use crate::text;
use crate::text::Text;
use crate::topology::Lookup;
use crate::topology::workload::{Scheduled, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "scheduled-task-network",
    group: Group::Egress,
    severity: Severity::High,
    summary: "a schedule that runs tasks in a network that is no longer there",
    page: include_str!("scheduled_task_network.md"),
    needs: &[Dataset::Clusters, Dataset::EventRules, Dataset::Schedules, Dataset::Subnets, Dataset::SecurityGroups],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/tasks-scheduled-eventbridge-scheduler.html",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let Some(schedule) = workload.schedule else { return Outcome::NotApplicable };
    let Some(network) = &schedule.target.network_configuration else { return Outcome::NotApplicable };
    let topology = analyses.topology;
    let (mut gone, mut gaps) = (Vec::<(&'static str, &str)>::new(), Vec::<Gap>::new());
    for subnet in &network.subnets {
        match topology.subnet(subnet) {
            Lookup::Found(_) => {}
            Lookup::Absent => gone.push(("subnet", subnet.as_str())),
            Lookup::Unread(gap) => gaps.push(gap),
        }
    }
    for group in &network.security_groups {
        match topology.security_group(group) {
            Lookup::Found(_) => {}
            Lookup::Absent => gone.push(("security-group", group.as_str())),
            Lookup::Unread(gap) => gaps.push(gap),
        }
    }
    gaps.sort();
    gaps.dedup();
    match (gone.is_empty(), gaps.is_empty()) {
        (false, _) => Outcome::Fails(Box::new(Failing { gaps, ..failing(analyses, workload, schedule, &gone) })),
        (true, true) => Outcome::Holds,
        (true, false) => Outcome::Unknown(gaps),
    }
}

fn failing(
    analyses: &Analyses<'_>,
    workload: &Workload<'_>,
    schedule: Scheduled<'_>,
    gone: &[(&'static str, &str)],
) -> Failing {
    let what = if schedule.kind == "events:rule" { "Rule " } else { "Schedule " };
    let mut message = text![what, &workload.short_name, " runs tasks on ", &workload.cluster_name, " with "];
    message.append(Text::list(gone.iter().map(|(_, id)| (*id).to_owned()), 4));
    message.push(if gone.len() == 1 { ", which no longer exists" } else { ", which no longer exist" });
    message.push(": every run fails before a task is made");
    let blockers: BTreeSet<Blocker> = gone
        .iter()
        .map(|(kind, id)| Blocker {
            family: if *kind == "subnet" { Family::Address } else { Family::Group },
            kind: if *kind == "subnet" { "subnet-gone" } else { "security-group-gone" },
            need: None,
            origin: None,
            port: None,
            protocol: None,
            resource: Some((*id).to_owned()),
            detail: text![(*id).to_owned(), " does not exist"],
        })
        .collect();
    let region = &analyses.topology.target.region;
    let mut command = match schedule.kind {
        "events:rule" => {
            let mut command = shell::Command::new("aws events list-targets-by-rule");
            command.option("region", region);
            command.option("rule", &workload.short_name);
            if let Some(bus) = schedule.group.filter(|bus| *bus != "default") {
                command.option("event-bus-name", bus);
            }
            command
        }
        _ => {
            let mut command = shell::Command::new("aws scheduler get-schedule");
            command.option("region", region);
            command.option("name", &workload.short_name);
            if let Some(group) = schedule.group.filter(|group| *group != "default") {
                command.option("group-name", group);
            }
            command
        }
    };
    command.option(
        "query",
        if schedule.kind == "events:rule" { "Targets[].EcsParameters" } else { "Target.EcsParameters" },
    );
    let text = text!["Put subnets and security groups that exist into the network configuration of its target."];
    let related = gone.iter().map(|(kind, id)| Related {
        kind: if *kind == "subnet" { "ec2:subnet" } else { "ec2:security-group" },
        id: (*id).to_owned(),
        role: "origin",
    });
    Failing {
        related: related.collect(),
        blockers: blockers.into_iter().collect(),
        sub_key: schedule.target.id.clone(),
        ..Failing::new(&RULE, message, Remediation { text, commands: vec![command.to_string()] })
    }
}
