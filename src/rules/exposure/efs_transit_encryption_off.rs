//! EFS over the network in clear text.

use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::rules::definitions::{self, Setting};
use crate::rules::revisions;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::ecs::TaskDefinition;
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "efs-transit-encryption-off",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "an EFS volume is mounted without encryption in transit",
    page: include_str!("efs_transit_encryption_off.md"),
    needs: revisions::NEEDS,
    controls: &["ECS.18"],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "transit-encryption-off",
        on_fargate: true,
        headline: "mount EFS file systems without encryption in transit",
        fix: text![
            "Register a revision whose efsVolumeConfiguration has transitEncryption ENABLED; access points and IAM authorization ask for it anyway."
        ],
        query: "taskDefinition.volumes[?efsVolumeConfiguration]",
    };
    definitions::judge(workload, analyses, setting, unencrypted)
}

fn unencrypted(definition: &TaskDefinition) -> Vec<Text> {
    let volumes = definition.volumes.iter().filter_map(|volume| Some((volume, volume.efs.as_ref()?)));
    let unencrypted = volumes.filter(|(_, efs)| !efs.transit_encryption);
    unencrypted.map(|(volume, efs)| text!["volume ", &volume.name, " (", &efs.file_system_id, ")"]).collect()
}
