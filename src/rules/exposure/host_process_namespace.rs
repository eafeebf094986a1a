//! Tasks that see the processes of their instance.

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
    id: "host-process-namespace",
    group: Group::Exposure,
    severity: Severity::High,
    summary: "tasks share the process namespace of their instance",
    page: include_str!("host_process_namespace.md"),
    needs: revisions::NEEDS,
    controls: &["ECS.3"],
    references: &["https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskDefinition.html"],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let setting = Setting {
        rule: &RULE,
        kind: "host-process-namespace",
        on_fargate: false,
        headline: "see and signal every process of their instance",
        fix: text!["Take pidMode away, or use task, which shares one namespace among the containers of a task."],
        query: "taskDefinition.pidMode",
    };
    definitions::judge(workload, analyses, setting, shared)
}

fn shared(definition: &TaskDefinition) -> Vec<Text> {
    let host = definition.pid_mode.as_deref() == Some("host");
    host.then(|| text!["pidMode is host"]).into_iter().collect()
}
