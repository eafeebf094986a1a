//! A private hosted zone that covers a needed name and does not have it.

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::path::Fault;
use crate::finding::{Cause, Remediation, Severity};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::shell;
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "private-zone-mismatch",
    group: Group::Egress,
    severity: Severity::High,
    summary: "a private hosted zone that covers a needed name but has no record for it",
    page: include_str!("private_zone_mismatch.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/hosted-zone-private-considerations.html",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&["private-hosted-zone", "zone-not-asked"]),
        |_| true,
        |miss| matches!(miss.failure.fault, Fault::Unresolved(_)),
    );
    view.outcome(|view| {
        let zone = view.misses.iter().find_map(|miss| match miss.failure.fault {
            Fault::Unresolved(zone) => Some(zone),
            _ => None,
        });
        let text = text![
            "Add a record for the name (or a wildcard) to the zone, give the service an endpoint with private DNS, whose \
             own zone is more specific, or take the zone off the VPC."
        ];
        let command = zone.map(|zone| {
            let mut command = shell::Command::new("aws route53 list-resource-record-sets");
            command.option("hosted-zone-id", &zone.id);
            command.to_string()
        });
        let remediation = Remediation { text, commands: command.into_iter().collect() };
        let mut failing = view.failing(view.details(), remediation);
        failing.cause = zone.map(|zone| Cause { kind: "route53:hosted-zone", resource: zone.id.clone() });
        failing
    })
}
