//! Containers with all rights on their instance.

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
    id: "privileged-container",
    group: Group::Exposure,
    severity: Severity::High,
    summary: "a container runs privileged",
    page: include_str!("privileged_container.md"),
    needs: revisions::NEEDS,
    controls: &["ECS.4"],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "privileged",
        on_fargate: false,
        headline: "run with all rights of root on their instance",
        fix: text![
            "Take privileged away, and name the capabilities that are needed in linuxParameters.capabilities.add, or the devices in linuxParameters.devices."
        ],
        query: "taskDefinition.containerDefinitions[?privileged].name",
    };
    definitions::judge(workload, analyses, setting, privileged)
}

fn privileged(definition: &TaskDefinition) -> Vec<Text> {
    let containers = definition.containers.iter().filter(|container| container.privileged);
    containers.map(|container| text!["container ", &container.name, " is privileged"]).collect()
}
