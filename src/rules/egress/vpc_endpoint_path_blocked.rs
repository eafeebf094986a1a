//! An endpoint that the name leads to and that refuses, or is refused, the connection.

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::path::Fault;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Family;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "vpc-endpoint-path-blocked",
    group: Group::Egress,
    severity: Severity::High,
    summary: "an endpoint that the tasks' HTTPS does not get through to",
    page: include_str!("vpc_endpoint_path_blocked.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
        "https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&[
            "unseen-reference",
            "unseen-groups",
            "security-group-absent",
            "endpoint-groups",
            "part-of-the-addresses",
            "middlebox",
            "prefix-list",
            "network-acl-absent",
        ]),
        |_| true,
        |miss| matches!(miss.failure.fault, Fault::EndpointRefused(_)) && !miss.is_exec_only(),
    );
    view.outcome(|view| {
        let mut why = view.details();
        if view.misses.iter().any(|miss| view.has_internet(miss.origin)) {
            why.push(" (there is a way to the internet, but the private name leads to the endpoint)");
        }
        let text = text![
            "Let TCP 443 through from the ",
            view.callers(),
            " to the endpoints, in every group and network ACL that is named."
        ];
        let mut failing = view.failing(why, Remediation { text, commands: view.repairs() });
        failing.cause = view
            .cause_of("ec2:security-group", &[Family::Group])
            .or_else(|| view.cause_of("ec2:network-acl", &[Family::Nacl]));
        failing
    })
}
