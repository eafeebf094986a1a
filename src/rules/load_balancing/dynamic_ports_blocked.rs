//! Dynamic host ports that the load balancer does not get through to.

use super::flows::{self, View};
use crate::analysis::Analyses;
use crate::analysis::ingress::{Flow, PortKind};
use crate::finding::Severity;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "dynamic-ports-blocked",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "dynamic host ports that the load balancer does not get through to",
    page: include_str!("dynamic_ports_blocked.md"),
    needs: flows::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_PortMapping.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-register-targets.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let mine = |flow: &Flow<'s>| flow.port_kind != PortKind::Fixed;
    let Some(view) = View::of(workload, analyses, mine) else { return Outcome::NotApplicable };
    if view.flows.is_empty() {
        return if view.gaps.is_empty() { Outcome::NotApplicable } else { Outcome::Unknown(view.gaps) };
    }
    let of = |kind| view.refused.iter().copied().filter(move |flow| flow.port_kind == kind);
    let bound: Vec<&Flow<'s>> = of(PortKind::Bound).collect();
    if !bound.is_empty() {
        return Outcome::Fails(Box::new(view.failing(&RULE, &bound)));
    }
    let ranges: Vec<&Flow<'s>> = of(PortKind::Range).collect();
    if ranges.is_empty() {
        return if view.gaps.is_empty() { Outcome::Holds } else { Outcome::Unknown(view.gaps) };
    }
    // An agent can be told of another range; only ports in use show which.
    if let Some(gap) = analyses.topology.gap_in_cluster(Dataset::Tasks, workload.cluster_arn) {
        return Outcome::Unknown(view.gaps.into_iter().chain([gap]).collect());
    }
    let any_bound = view.flows.iter().any(|flow| flow.port_kind == PortKind::Bound);
    let shut: Vec<&Flow<'s>> = ranges.iter().copied().filter(|flow| flow.leg.is_shut).collect();
    let mut failing = view.failing(&RULE, if shut.is_empty() || any_bound { &ranges } else { &shut });
    if any_bound || shut.is_empty() {
        failing.severity = Severity::Low;
        let reason = match any_bound {
            true => "the ports in use today get through; the next ones may not",
            false => "only a part of the range is refused",
        };
        failing.severity_reason = Some(reason.to_owned());
    }
    Outcome::Fails(Box::new(failing))
}
