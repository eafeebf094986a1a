//! Containers that may change the files of their image.

use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::reach::verdict::Gap;
use crate::rules::definitions::{self, Setting, Shown};
use crate::rules::revisions::{self, Os};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::ecs::TaskDefinition;
use crate::text;
use crate::topology::workload::{Variant, Workload};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "writable-root-filesystem",
    group: Group::Exposure,
    severity: Severity::Low,
    summary: "a container may write to its root file system",
    page: include_str!("writable_root_filesystem.md"),
    needs: revisions::NEEDS,
    controls: &["ECS.5"],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let exec = workload.execute_command_enabled();
    let fix = match exec {
        true => text![
            "ECS Exec is on and its agent writes to the root file system: turn Exec off first, then set \
             readonlyRootFilesystem and mount a volume for every path that the application writes to."
        ],
        false => {
            text!["Set readonlyRootFilesystem, and mount a volume for every path that the application writes to."]
        }
    };
    let setting = Setting {
        rule: &RULE,
        kind: "writable",
        on_fargate: true,
        headline: "may change the files of their image",
        fix,
        query: "taskDefinition.containerDefinitions[?!readonlyRootFilesystem].name",
    };
    let show = |variant: &Variant<'s>, definition: &'s TaskDefinition| {
        let mut shown = Shown::default();
        let writable: Vec<_> = definition.containers.iter().filter(|c| !c.readonly_root_filesystem).collect();
        if writable.is_empty() {
            return shown;
        }
        match revisions::os_of(analyses, workload, variant, definition) {
            // Windows containers don't take the setting.
            Os::Windows => {}
            Os::Linux => shown.wrong.extend(writable.iter().map(|c| text!["container ", &c.name])),
            Os::Unknown => {
                let reason = text!["neither the revision nor the instances say the operating system"];
                shown.gaps.push(Gap::Undecidable { kind: "operating-system", reason });
            }
        }
        shown
    };
    definitions::judge_where(workload, analyses, setting, show)
}
