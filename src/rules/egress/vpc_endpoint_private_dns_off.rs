//! An endpoint whose private name nobody resolves, and no other way.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::endpoint::Why;
use crate::analysis::path::Fault;
use crate::finding::{Cause, Remediation, Severity};
use crate::rules::{Check, Group, Outcome, Rule};
use crate::shell;
use crate::snapshot::vpc::VpcEndpoint;
use crate::text;
use crate::text::Text;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "vpc-endpoint-private-dns-off",
    group: Group::Egress,
    severity: Severity::High,
    summary: "an endpoint whose private DNS is off, and no other way to the service",
    page: include_str!("vpc_endpoint_private_dns_off.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html",
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
        Gaps::Of(&["vpc-dns-attributes", "private-hosted-zone", "private-hosted-zone-record"]),
        |_| true,
        |miss| {
            let dns = |why| matches!(why, Why::PrivateDnsOff | Why::VpcDnsOff);
            matches!(&miss.failure.fault, Fault::Endpoint(fault) if dns(fault.why)) && !miss.is_exec_only()
        },
    );
    view.outcome(|view| {
        let faults: Vec<(&VpcEndpoint, Why)> = view
            .misses
            .iter()
            .filter_map(|miss| match &miss.failure.fault {
                Fault::Endpoint(fault) => Some((fault.endpoint, fault.why)),
                _ => None,
            })
            .collect();
        let region = &analyses.topology.target.region;
        let mut commands = BTreeSet::new();
        for (endpoint, why) in &faults {
            let dns = analyses.topology.vpc_dns(&endpoint.vpc_id).found();
            let off = |attribute: &str| match (dns, attribute) {
                (Some(dns), "enable-dns-support") => !dns.enable_dns_support,
                (Some(dns), _) => !dns.enable_dns_hostnames,
                (None, _) => false,
            };
            for attribute in ["enable-dns-support", "enable-dns-hostnames"] {
                if off(attribute) {
                    let mut command = shell::Command::new("aws ec2 modify-vpc-attribute");
                    command.option("region", region);
                    command.option("vpc-id", endpoint.vpc_id.as_str());
                    command.raw(&format!("--{attribute} '{{\"Value\":true}}'"));
                    commands.insert((0, command.to_string()));
                }
            }
            if *why == Why::PrivateDnsOff {
                let mut command = shell::Command::new("aws ec2 modify-vpc-endpoint");
                command.option("region", region);
                command.option("vpc-endpoint-id", endpoint.id.as_str());
                command.raw("--private-dns-enabled");
                if endpoint.private_dns_only_for_inbound_resolver {
                    command.raw("--dns-options PrivateDnsOnlyForInboundResolverEndpoint=false");
                }
                commands.insert((1, command.to_string()));
            }
        }
        let ids: BTreeSet<&str> = faults.iter().map(|(endpoint, _)| endpoint.id.as_str()).collect();
        let mut text = text!["Let the VPC resolve the private names of "];
        text.append(Text::list(ids.iter().map(|id| (*id).to_owned()), 6));
        text.push(": private DNS of the endpoint and both DNS attributes of the VPC have to be on.");
        let remediation = Remediation { text, commands: commands.into_iter().map(|(_, command)| command).collect() };
        let mut failing = view.failing(view.details(), remediation);
        let vpc = faults.iter().all(|(_, why)| *why == Why::VpcDnsOff).then(|| faults.first()).flatten();
        failing.cause = match (vpc, ids.len()) {
            (Some((endpoint, _)), _) => Some(Cause { kind: "ec2:vpc", resource: endpoint.vpc_id.as_str().to_owned() }),
            (None, 1) => ids.first().map(|id| Cause { kind: "ec2:vpc-endpoint", resource: (*id).to_owned() }),
            (None, _) => None,
        };
        failing
    })
}
