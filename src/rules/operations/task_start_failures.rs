//! Tasks that stopped before they ran, for a reason that no other finding explains.

use super::failures::{self, Share, Wording};
use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "task-start-failures",
    group: Group::Operations,
    severity: Severity::Medium,
    summary: "tasks that fail to start for a reason that no other finding explains",
    page: include_str!("task_start_failures.md"),
    needs: &[Dataset::Clusters, Dataset::Services, Dataset::Tasks],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/failed-to-start-error.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/resource-initialization-error.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let wording =
        Wording { rule: &RULE, share: Share::Starts, kind: "task-failed-to-start", headline: "fail to start" };
    failures::judge(workload, analyses, &wording)
}
