//! Tasks that share the network namespace of their instance.

use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::rules::revisions;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "host-mode-isolation",
    group: Group::NetworkMode,
    severity: Severity::Medium,
    summary: "host mode: tasks share the instance's network namespace",
    page: include_str!("host_mode_isolation.md"),
    needs: revisions::NEEDS,
    controls: &["ECS.17"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, _analyses: &Analyses<'s>) -> Outcome {
    let (revisions, gaps) = revisions::of(workload);
    // Fargate has no host mode: `unsupported-network-mode` says so.
    let host: Vec<_> = revisions
        .iter()
        .filter(|revision| revision.mode() == Some(&NetworkMode::Host) && revision.launch.kind != LaunchKind::Fargate)
        .collect();
    let failing = (!host.is_empty()).then(|| {
        let message = text![
            "Tasks of ",
            &workload.short_name,
            " run in host mode: they share the instance's network namespace, reach what listens on its localhost (the \
             container agent included) and its metadata service, and have no security group of their own"
        ];
        let wrong = host
            .iter()
            .map(|revision| {
                let detail = text![revision.definition.arn.name().to_owned(), " is in host mode"];
                revisions::wrong("host-mode", revision, None, detail)
            })
            .collect();
        let text = text![
            "Use awsvpc mode, which gives each task an interface and security groups of its own, unless the workload has \
             to see the host's network."
        ];
        revisions::failing(&RULE, &host, message, wrong, Remediation { text, commands: Vec::new() })
    });
    revisions::outcome(!revisions.is_empty(), gaps, failing)
}
