//! Fargate tasks in a subnet that leads to an internet gateway, without the public address it takes.

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::path::Fault;
use crate::finding::{Remediation, Severity};
use crate::rules::update::{self, Id};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "public-subnet-without-public-ip",
    group: Group::Egress,
    severity: Severity::High,
    summary: "Fargate tasks behind an internet gateway without a public address",
    page: include_str!("public_subnet_without_public_ip.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&["public-address"]),
        |_| true,
        |miss| {
            matches!(miss.failure.fault, Fault::NoPublicAddress(_))
                && miss.cell.launch == LaunchKind::Fargate
                && !miss.is_exec_only()
        },
    );
    view.outcome(|view| {
        let mut text = text![
            "Set assignPublicIp to ENABLED, move the tasks to subnets behind a NAT gateway, or create endpoints for \
             everything they need."
        ];
        if let Some(instead) = workload.service.and_then(update::instead) {
            text.push(instead);
        }
        let commands = update_service(workload, analyses).into_iter().collect();
        let mut why = view.details();
        why.push(" (assignPublicIp is DISABLED; what the subnet assigns by itself has no effect on Fargate)");
        let mut failing = view.failing(why, Remediation { text, commands });
        failing.cause = view.route_table_cause();
        failing
    })
}

fn update_service(workload: &Workload<'_>, analyses: &Analyses<'_>) -> Option<String> {
    let network = workload.service?.network_configuration.as_ref()?;
    let subnets: Vec<Id<'_>> = network.subnets.iter().map(|id| Id::Known(id.as_str())).collect();
    let groups: Vec<Id<'_>> = network.security_groups.iter().map(|id| Id::Known(id.as_str())).collect();
    update::network(workload, &analyses.topology.target.region, &subnets, &groups, true)
}
