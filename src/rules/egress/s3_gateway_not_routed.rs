//! An S3 gateway endpoint that is not on the route table of the subnet that needs it.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::endpoint::Why;
use crate::analysis::path::Fault;
use crate::finding::{Remediation, Severity};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::shell;
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "s3-gateway-not-routed",
    group: Group::Egress,
    severity: Severity::High,
    summary: "an S3 gateway endpoint that the subnet's route table does not lead to",
    page: include_str!("s3_gateway_not_routed.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&["no-route-table"]),
        |need| need.service() == Some("s3"),
        |miss| {
            matches!(&miss.failure.fault, Fault::Endpoint(fault) if fault.why == Why::NotRouted) && !miss.is_exec_only()
        },
    );
    view.outcome(|view| {
        let pairs: BTreeSet<(&str, &str)> = view
            .misses
            .iter()
            .filter_map(|miss| Some((miss.failure.fault.endpoint()?.id.as_str(), miss.cell.route_table?.id.as_str())))
            .collect();
        let tables: BTreeSet<&str> = pairs.iter().map(|(_, table)| *table).collect();
        let mut text = text!["Add the gateway endpoint to "];
        text.append(Text::list(tables.iter().map(|table| (*table).to_owned()), 4));
        text.push("; it costs nothing.");
        let commands = pairs.iter().map(|(endpoint, table)| {
            let mut command = shell::Command::new("aws ec2 modify-vpc-endpoint");
            command.option("region", &analyses.topology.target.region);
            command.option("vpc-endpoint-id", endpoint);
            command.option("add-route-table-ids", table);
            command.to_string()
        });
        let remediation = Remediation { text, commands: commands.collect() };
        let mut failing = view.failing(view.details(), remediation);
        failing.cause = view.route_table_cause();
        failing
    })
}
