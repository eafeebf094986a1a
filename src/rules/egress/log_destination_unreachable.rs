//! Logs that go to another Region, from where there is no internet.

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::egress::{self, Kind};
use crate::analysis::path::Fault;
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "log-destination-unreachable",
    group: Group::Egress,
    severity: Severity::High,
    summary: "logs that go to another Region from where there is no internet",
    page: include_str!("log_destination_unreachable.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
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
        |need| egress::kind(need, region) == Kind::RemoteLog,
        |miss| matches!(miss.failure.fault, Fault::Missing),
    );
    view.outcome(|view| {
        let text = text![
            "Log to ",
            region,
            ", where an endpoint can serve it, or give the subnets a default route to a NAT gateway."
        ];
        let mut failing = view.failing(view.no_way_out(), Remediation { text, commands: Vec::new() });
        failing.cause = view.route_table_cause();
        failing
    })
}
