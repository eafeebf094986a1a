//! A way out that is there, and a security group or network ACL that does not let the traffic take it.

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::path::Fault;
use crate::finding::{Remediation, Severity};
use crate::reach::verdict::Family;
use crate::rules::{Check, Group, Outcome, Rule};
use crate::text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "egress-blocked",
    group: Group::Egress,
    severity: Severity::High,
    summary: "a security group or network ACL that refuses what a workload needs",
    page: include_str!("egress_blocked.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-network-acls.html",
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html",
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
            "part-of-the-addresses",
            "prefix-list",
            "network-acl-absent",
        ]),
        |_| true,
        |miss| matches!(miss.failure.fault, Fault::Refused) && !miss.is_exec_only(),
    );
    view.outcome(|view| {
        let text = text![
            "Let TCP 443 out from the ",
            view.callers(),
            ", and its answers back in, in every group and network ACL that is named."
        ];
        let mut failing = view.failing(view.details(), Remediation { text, commands: view.repairs() });
        failing.cause = view
            .cause_of("ec2:security-group", &[Family::Group])
            .or_else(|| view.cause_of("ec2:network-acl", &[Family::Nacl]));
        failing
    })
}
