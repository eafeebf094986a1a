//! Services in bridge mode that could have an interface of their own.

use crate::analysis::Analyses;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Gap;
use crate::rules::revisions::{self, Os};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::enums::NetworkMode;
use crate::text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "bridge-mode-in-use",
    group: Group::NetworkMode,
    severity: Severity::Info,
    summary: "a service in bridge mode that could take awsvpc",
    page: include_str!("bridge_mode_in_use.md"),
    needs: revisions::NEEDS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    if workload.service.is_none() {
        return Outcome::NotApplicable;
    }
    let (revisions, mut gaps) = revisions::of(workload);
    let on_ec2: Vec<_> = revisions.iter().filter(|revision| revision.launch.kind == LaunchKind::Ec2).collect();
    let mut bridged: Vec<_> = on_ec2
        .iter()
        .copied()
        .filter(|revision| matches!(revision.mode(), None | Some(NetworkMode::Bridge)))
        // Links exist in bridge mode only.
        .filter(|revision| revision.definition.containers.iter().all(|container| container.links.is_empty()))
        .collect();
    // Without a mode, Linux means bridge and Windows its own default.
    bridged.retain(|revision| match (revision.mode(), revision.os(analyses)) {
        (Some(_), _) | (None, Os::Linux) => true,
        (None, Os::Windows) => false,
        (None, Os::Unknown) => {
            let reason = text!["neither the definition nor an instance says whether it is Linux or Windows"];
            gaps.push(Gap::Undecidable { kind: "platform", reason });
            gaps.extend(analyses.topology.gap_in_cluster(Dataset::ContainerInstances, workload.cluster_arn));
            false
        }
    });
    let failing = (!bridged.is_empty()).then(|| {
        let message = text![
            "Tasks of ",
            &workload.short_name,
            " run in bridge mode: they have no security group and no flow log of their own, and every port of theirs is a \
             port of the instance"
        ];
        let wrong = bridged
            .iter()
            .map(|revision| {
                let detail = text![revision.definition.arn.name().to_owned(), " is in bridge mode and has no links"];
                revisions::wrong("bridge-mode", revision, None, detail)
            })
            .collect();
        let text = text![
            "Consider awsvpc mode; it needs an ENI slot for each task (trunking raises their number), target groups of type \
             ip, and subnets and security groups in the service."
        ];
        revisions::failing(&RULE, &bridged, message, wrong, Remediation { text, commands: Vec::new() })
    });
    revisions::outcome(!on_ec2.is_empty(), gaps, failing)
}
