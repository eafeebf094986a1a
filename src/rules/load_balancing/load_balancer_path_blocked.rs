//! A load balancer that security groups or network ACLs keep from the traffic port of its targets.

use super::flows::{self, View};
use crate::analysis::Analyses;
use crate::finding::Severity;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "load-balancer-path-blocked",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "a load balancer that does not get through to the port of its targets",
    page: include_str!("load_balancer_path_blocked.md"),
    needs: flows::DATASETS,
    controls: &[],
    references: flows::REFERENCES,
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let mine = |flow: &_| flows::is_fixed(flow) && flows::is_on_traffic_port(flow);
    let Some(view) = View::of(workload, analyses, mine) else { return Outcome::NotApplicable };
    if !view.refused.is_empty() {
        return Outcome::Fails(Box::new(view.failing(&RULE, &view.refused)));
    }
    match (view.gaps.is_empty(), view.flows.is_empty()) {
        (false, _) => Outcome::Unknown(view.gaps),
        (true, true) => Outcome::NotApplicable,
        (true, false) => Outcome::Holds,
    }
}
