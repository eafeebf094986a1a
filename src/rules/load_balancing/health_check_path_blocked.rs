//! Health checks to a port of their own that do not get through.

use super::flows::{self, View};
use crate::analysis::Analyses;
use crate::analysis::ingress::{self, Flow, FlowPurpose};
use crate::finding::Severity;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "health-check-path-blocked",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "health checks that do not get through to their own port",
    page: include_str!("health_check_path_blocked.md"),
    needs: flows::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/target-group-health-checks.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let mine = |flow: &Flow<'s>| flow.purpose == FlowPurpose::Health && !flows::is_on_traffic_port(flow);
    let Some(view) = View::of(workload, analyses, mine) else { return Outcome::NotApplicable };
    // A port that nothing listens on is the cause, not the group that keeps the check from it.
    let is_pointless = |flow: &Flow<'s>| {
        let mut definitions = workload.variants.iter().filter_map(|variant| variant.task_definition.clone().found());
        definitions.any(|d| ingress::checks_an_unmapped_port(d, flow.entry, flow.target_group))
    };
    let all = &analyses.ingress(workload).flows;
    let refused: Vec<&Flow<'s>> = view
        .refused
        .iter()
        .copied()
        .filter(|flow| !is_pointless(flow) && !all.iter().any(|other| shares_every_blocker(flow, other)))
        .collect();
    if !refused.is_empty() {
        return Outcome::Fails(Box::new(view.failing(&RULE, &refused)));
    }
    match (view.gaps.is_empty(), view.flows.is_empty()) {
        (false, _) => Outcome::Unknown(view.gaps),
        (true, true) => Outcome::NotApplicable,
        (true, false) => Outcome::Holds,
    }
}

/// One cause, one finding: what refuses the traffic port too is the other rule's.
fn shares_every_blocker(flow: &Flow<'_>, other: &Flow<'_>) -> bool {
    let same_pair = other.from == flow.from && other.to.subnet_id == flow.to.subnet_id;
    let same = |blocker: &crate::reach::verdict::Blocker| {
        other.leg.blockers.iter().any(|o| o.kind == blocker.kind && o.resource == blocker.resource)
    };
    other.purpose == FlowPurpose::Traffic && other.is_refused() && same_pair && flow.leg.blockers.iter().all(same)
}
