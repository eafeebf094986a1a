//! A network mode that the platform does not support.

use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions::{self, Os, Revision};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "unsupported-network-mode",
    group: Group::NetworkMode,
    severity: Severity::High,
    summary: "a network mode that does not exist where the workload launches",
    page: include_str!("unsupported_network_mode.md"),
    needs: revisions::NEEDS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    ],
    check: Check::Workload(check),
};

enum Support {
    Yes,
    /// These modes are.
    No(&'static str),
    Unknown(&'static str),
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (revisions, mut gaps) = revisions::of(workload);
    let (mut wrong, mut named) = (Vec::new(), Vec::new());
    for revision in &revisions {
        match support(revision, analyses) {
            Support::Yes => {}
            // It can't be told from the configuration, but it works.
            Support::Unknown(_) if revision.is_running_here() => {}
            Support::Unknown(reason) => {
                gaps.extend(analyses.topology.gap_in_cluster(Dataset::ContainerInstances, workload.cluster_arn));
                gaps.push(Gap::Undecidable { kind: "platform", reason: text![reason] });
            }
            Support::No(_) if revision.is_running_here() => {
                let reason = text![
                    "contradicted by live state: tasks of ",
                    revision.definition.arn.name().to_owned(),
                    " are running"
                ];
                gaps.push(Gap::Undecidable { kind: "live-state", reason });
            }
            Support::No(modes) => {
                if let Some(gap) = analyses.topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn) {
                    gaps.push(gap);
                    continue;
                }
                let platform = platform(revision, analyses);
                let detail = text![
                    revision.definition.arn.name().to_owned(),
                    " asks for mode ",
                    revision.mode_word().to_owned(),
                    ", ",
                    platform,
                    " knows ",
                    modes,
                    " only"
                ];
                wrong.push(revisions::wrong("mode-unsupported", revision, None, detail));
                named.push(revision);
            }
        }
    }
    wrong.sort();
    wrong.dedup();
    let failing = (!wrong.is_empty()).then(|| {
        let mut message = text![&workload.short_name, " cannot start a task: "];
        for (index, blocker) in wrong.iter().enumerate() {
            if index > 0 {
                message.push("; ");
            }
            message.append(blocker.detail.clone());
        }
        let text: Text = text![
            "Register a revision with a network mode that the platform supports, or launch the workload on one that \
             supports this mode."
        ];
        revisions::failing(&RULE, &named, message, wrong, Remediation { text, commands: Vec::new() })
    });
    revisions::outcome(!revisions.is_empty(), gaps, failing)
}

/// "Task networking" in the ECS Developer Guide; Managed Instances refuse a definition without a mode.
fn support(revision: &Revision<'_, '_>, analyses: &Analyses<'_>) -> Support {
    use NetworkMode as M;
    match (revision.launch.kind, revision.mode()) {
        (_, Some(M::Other(_))) => Support::Unknown("the network mode is not known to this version"),
        (LaunchKind::Fargate, Some(M::Awsvpc)) => Support::Yes,
        (LaunchKind::Fargate, _) => Support::No("awsvpc"),
        (LaunchKind::ManagedInstances, Some(M::Awsvpc | M::Host)) => Support::Yes,
        (LaunchKind::ManagedInstances, Some(M::None)) => {
            Support::Unknown("whether Managed Instances take mode none is documented both ways")
        }
        (LaunchKind::ManagedInstances, _) => Support::No("awsvpc and host"),
        (LaunchKind::External, Some(M::Awsvpc)) => Support::No("bridge, host and none"),
        (LaunchKind::Ec2 | LaunchKind::External, None | Some(M::Awsvpc)) => Support::Yes,
        (LaunchKind::Ec2 | LaunchKind::External, Some(_)) => match revision.os(analyses) {
            Os::Linux => Support::Yes,
            Os::Windows if revision.launch.kind == LaunchKind::External => Support::No("the default mode"),
            Os::Windows => Support::No("awsvpc and the default mode"),
            Os::Unknown => {
                Support::Unknown("neither the definition nor an instance says whether it is Linux or Windows")
            }
        },
    }
}

fn platform(revision: &Revision<'_, '_>, analyses: &Analyses<'_>) -> &'static str {
    match (revision.launch.kind, revision.os(analyses)) {
        (LaunchKind::Fargate, _) => "Fargate",
        (LaunchKind::ManagedInstances, _) => "Managed Instances",
        (LaunchKind::External, Os::Windows) => "ECS Anywhere on Windows",
        (LaunchKind::External, _) => "ECS Anywhere",
        (LaunchKind::Ec2, Os::Windows) => "Windows on EC2",
        (LaunchKind::Ec2, _) => "EC2",
    }
}
