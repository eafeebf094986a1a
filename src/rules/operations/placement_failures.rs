//! Tasks that ECS finds no place for, for a reason that no other finding explains.

use super::failures::{self, Share, Wording};
use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "placement-failures",
    group: Group::Operations,
    severity: Severity::Medium,
    summary: "tasks that find no place for a reason that no other finding explains",
    page: include_str!("placement_failures.md"),
    needs: &[Dataset::Clusters, Dataset::Services, Dataset::Tasks],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-event-messages-list.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let wording = Wording { rule: &RULE, share: Share::Placements, kind: "no-placement", headline: "find no place" };
    failures::judge(workload, analyses, &wording)
}
