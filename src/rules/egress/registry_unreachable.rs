//! An image of a registry that no endpoint here serves, from where there is no internet.

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::egress::{self, Kind};
use crate::analysis::needs::PULL_THROUGH;
use crate::analysis::path::Fault;
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "registry-unreachable",
    group: Group::Egress,
    severity: Severity::High,
    summary: "an image of a registry that only the internet leads to, without internet",
    page: include_str!("registry_unreachable.md"),
    needs: view::path_datasets![PullThroughCacheRules, CachedImages],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_cannot_pull_image.html",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let region = &analyses.topology.target.region;
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::All,
        |need| egress::kind(need, region) == Kind::Registry,
        |miss| matches!(miss.failure.fault, Fault::Missing),
    );
    view.outcome(|view| {
        let text = text![
            "Give the subnets a default route to a NAT gateway, or mirror the images to Amazon ECR in ",
            region,
            " (a pull-through cache rule does it for public registries) and name them there."
        ];
        let mut failing = view.failing(view.no_way_out(), Remediation { text, commands: Vec::new() });
        let is_cache = |miss: &view::Miss<'_, '_>| miss.need.causes.iter().all(|cause| cause.field == PULL_THROUGH);
        if view.misses.iter().all(is_cache) {
            failing.severity = Severity::Medium;
            failing.severity_reason = Some("only the first pull of the image fails".to_owned());
        }
        failing.cause = view.route_table_cause();
        failing
    })
}
