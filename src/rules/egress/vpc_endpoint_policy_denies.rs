//! An endpoint whose policy denies what a workload asks of it.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::path::Fault;
use crate::finding::{Cause, Remediation, Severity};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::shell;
use crate::text;
use crate::text::{Text, format_words};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "vpc-endpoint-policy-denies",
    group: Group::Egress,
    severity: Severity::High,
    summary: "an endpoint whose policy denies the calls of a workload",
    page: include_str!("vpc_endpoint_policy_denies.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-access.html",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&["endpoint-policy"]),
        |_| true,
        |miss| matches!(miss.failure.fault, Fault::Policy(_)) && !miss.is_exec_only(),
    );
    view.outcome(|view| {
        let endpoints: BTreeSet<&str> =
            view.misses.iter().filter_map(|miss| miss.failure.fault.endpoint()).map(|e| e.id.as_str()).collect();
        let calls: BTreeSet<&str> =
            view.misses.iter().flat_map(|miss| &miss.need.calls).map(|call| call.action).collect();
        let mut text = text!["Allow "];
        text.append(Text::list(calls.iter().map(|call| format_words((*call).to_owned())), 6));
        text.push(" in the policy of ");
        text.append(Text::list(endpoints.iter().map(|id| (*id).to_owned()), 4));
        text.push(", or go back to the default policy, which allows everything that the callers' own policies allow.");
        let commands = endpoints.iter().map(|endpoint| {
            // A reset would take away what else the policy guards.
            let mut command = shell::Command::new("aws ec2 describe-vpc-endpoints");
            command.option("region", &analyses.topology.target.region);
            command.option("vpc-endpoint-ids", endpoint);
            command.option("query", "VpcEndpoints[].PolicyDocument");
            command.option("output", "text");
            command.to_string()
        });
        let remediation = Remediation { text, commands: commands.collect() };
        let mut failing = view.failing(view.details(), remediation);
        if let (Some(id), 1) = (endpoints.first(), endpoints.len()) {
            failing.cause = Some(Cause { kind: "ec2:vpc-endpoint", resource: (*id).to_owned() });
        }
        failing
    })
}
