//! Containers without a log configuration.

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
    id: "log-driver-missing",
    group: Group::Exposure,
    severity: Severity::Medium,
    summary: "a container has no log configuration",
    page: include_str!("log_driver_missing.md"),
    needs: revisions::NEEDS,
    controls: &["ECS.9"],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LogConfiguration.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "no-log-configuration",
        on_fargate: true,
        headline: "have containers whose output ECS sends nowhere",
        fix: text!["Add a logConfiguration, awslogs with a log group of its own for instance."],
        query: "taskDefinition.containerDefinitions[?!logConfiguration].name",
    };
    definitions::judge(workload, analyses, setting, silent)
}

fn silent(definition: &TaskDefinition) -> Vec<Text> {
    let containers = definition.containers.iter().filter(|container| container.log_configuration.is_none());
    containers.map(|container| text!["container ", &container.name, " has no logConfiguration"]).collect()
}
