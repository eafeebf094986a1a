//! Image layers that come through a NAT gateway although S3's gateway endpoint costs nothing.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::needs::Purpose;
use crate::analysis::path::Reach;
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::enums::VpcEndpointType;
use crate::snapshot::vpc::{RouteTable, Vpc};
use crate::text;
use crate::text::{Span, Text};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "s3-gateway-absent",
    group: Group::Egress,
    severity: Severity::Low,
    summary: "image layers that come through a NAT gateway for want of a free endpoint",
    page: include_str!("s3_gateway_absent.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/privatelink/vpc-endpoints-s3.html",
        "https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let region = analyses.topology.target.region.as_str();
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&["s3-interface-endpoint"]),
        |need| need.service() == Some("s3") && need.region() == Some(region) && need.is_for(Purpose::Image),
        |_| false,
    );
    if view.cells.is_empty() {
        return Outcome::NotApplicable;
    }
    let mut paying: Vec<(&RouteTable, &Vpc)> = Vec::new();
    for cell in view.cells.iter().filter(|cell| cell.by_internet && matches!(cell.reach, Reach::Holds(_))) {
        let (Some(origin), Some(table), Some(vpc)) = (&cell.origin, cell.route_table, cell.vpc) else { continue };
        // An interface endpoint for S3 takes the layers already, for its own price.
        let by_interface = analyses.topology.known_endpoints_in(&vpc.id).iter().any(|endpoint| {
            endpoint.endpoint_type == VpcEndpointType::Interface
                && endpoint.service_name.ends_with(".s3")
                && endpoint.private_dns_enabled
        });
        let through_nat = !analyses.internet_path(origin.subnet_id, origin.public_address).nat_gateways.is_empty();
        if through_nat && !by_interface && !paying.iter().any(|(known, _)| known.id == table.id) {
            paying.push((table, vpc));
        }
    }
    match (paying.is_empty(), view.gaps.is_empty()) {
        (false, _) => Outcome::Fails(Box::new(Failing { gaps: view.gaps, ..failing(analyses, &paying) })),
        (true, true) => Outcome::Holds,
        (true, false) => Outcome::Unknown(view.gaps),
    }
}

fn failing(analyses: &Analyses<'_>, paying: &[(&RouteTable, &Vpc)]) -> Failing {
    let topology = analyses.topology;
    let tables: BTreeSet<&str> = paying.iter().map(|(table, _)| table.id.as_str()).collect();
    let mut message = text!["Every image layer comes through a NAT gateway, which charges by the byte: "];
    message.append(Text::list(paying.iter().map(|(table, _)| Span::from(&table.id)), 3));
    message.push(if paying.len() == 1 { " has" } else { " have" });
    message.push(" no route to an S3 gateway endpoint, which would be free");
    let region = topology.target.region.as_str();
    let commands = paying.iter().map(|(table, vpc)| {
        let gateway = topology.known_endpoints_in(&vpc.id).iter().find(|endpoint| {
            endpoint.endpoint_type == VpcEndpointType::Gateway && endpoint.service_name.ends_with(".s3")
        });
        let mut command = match gateway {
            Some(endpoint) => {
                let mut command = shell::Command::new("aws ec2 modify-vpc-endpoint");
                command.option("region", region);
                command.option("vpc-endpoint-id", endpoint.id.as_str());
                command
            }
            None => {
                let mut command = shell::Command::new("aws ec2 create-vpc-endpoint");
                command.option("region", region);
                command.option("vpc-id", vpc.id.as_str());
                command.option("vpc-endpoint-type", "Gateway");
                let name = crate::analysis::names::service_name(&topology.target.partition, region, "s3");
                command.option("service-name", &name);
                command
            }
        };
        command.option(if gateway.is_some() { "add-route-table-ids" } else { "route-table-ids" }, table.id.as_str());
        command.to_string()
    });
    let text = text!["Create the S3 gateway endpoint, or add the route table to the one that is there."];
    let related =
        tables.iter().map(|table| Related { kind: "ec2:route-table", id: (*table).to_owned(), role: "route-table" });
    let cause = match paying {
        [(table, _)] => Some(Cause { kind: "ec2:route-table", resource: table.id.as_str().to_owned() }),
        _ => None,
    };
    Failing {
        related: related.collect(),
        cause,
        ..Failing::new(&RULE, message, Remediation { text, commands: commands.collect() })
    }
}
