//! A way out that is there and leads nowhere.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::internet::{self, Way};
use crate::analysis::path::Fault;
use crate::finding::{Cause, Related, Remediation, Severity};
use crate::reach::verdict::Hop;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::shell;
use crate::text;
use crate::text::{Span, Text};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "nat-path-broken",
    group: Group::Egress,
    severity: Severity::High,
    summary: "a default route to a gateway that is gone, failed or has no way out itself",
    page: include_str!("nat_path_broken.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(
        &RULE,
        workload,
        analyses,
        Gaps::Of(&["nat-gateway", "nat-gateway-state", "internet-gateway", "route-state", "no-route-table"]),
        |_| true,
        |miss| matches!(miss.failure.fault, Fault::WayOut(_)),
    );
    if view.misses.is_empty()
        && let Some(mut failing) = unused(&view)
    {
        failing.gaps = view.gaps;
        return Outcome::Fails(Box::new(failing));
    }
    view.outcome(|view| {
        let faults: BTreeSet<&internet::Fault> = view
            .misses
            .iter()
            .filter_map(|miss| match &miss.failure.fault {
                Fault::WayOut(faults) => Some(faults),
                _ => None,
            })
            .flatten()
            .collect();
        let mut commands = repairs(&analyses.topology.target.region, &faults);
        commands.extend(view.repairs());
        let mut failing = view.failing(view.details(), Remediation { text: advice(&faults), commands });
        failing.cause = faults.first().map(|fault| cause(fault));
        failing
    })
}

/// Broken ways out of subnets whose needs of today are all met without them.
fn unused(view: &View<'_, '_>) -> Option<Failing> {
    let (mut faults, mut hops, mut subnets) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for origin in view.cells.iter().filter_map(|cell| cell.origin.as_ref()) {
        let path = view.analyses.internet_path(origin.subnet_id, origin.public_address);
        let Way::No(found) = &path.way else { continue };
        let broken: Vec<_> = found.iter().filter(|fault| is_broken(fault)).cloned().collect();
        if !broken.is_empty() {
            faults.extend(broken);
            let failed = path.hops.iter().filter(|hop| hop.verdict == "fails");
            hops.extend(failed.map(|hop| (**hop).clone()));
            subnets.insert(origin.subnet_id);
        }
    }
    if faults.is_empty() {
        return None;
    }
    let details: Vec<&Text> = hops.iter().map(|hop: &Hop| &hop.detail).collect();
    let mut message = text!["The way out of "];
    message.append(Text::list(subnets.iter().copied().map(Span::from), 3));
    message.push(" is broken, though endpoints serve all that is known to be needed: ");
    message.append(Text::joined(details));
    let faults: BTreeSet<&internet::Fault> = faults.iter().collect();
    let related =
        subnets.iter().map(|subnet| Related { kind: "ec2:subnet", id: subnet.as_str().to_owned(), role: "origin" });
    let commands = repairs(&view.analyses.topology.target.region, &faults);
    let mut failing = Failing::new(&RULE, message, Remediation { text: advice(&faults), commands });
    failing.severity = Severity::Medium;
    failing.severity_reason = Some("no need that is known takes this way".to_owned());
    failing.related = related.collect();
    failing.cause = faults.first().map(|fault| cause(fault));
    Some(failing)
}

fn is_broken(fault: &internet::Fault) -> bool {
    match fault {
        internet::Fault::Blackhole(_)
        | internet::Fault::GatewayDetached(_)
        | internet::Fault::NatState(_)
        | internet::Fault::NatSubnet(_) => true,
        internet::Fault::NoRoute(_) | internet::Fault::NoPublicAddress(_) | internet::Fault::PublicAccessBlocked => {
            false
        }
    }
}

fn cause(fault: &internet::Fault) -> Cause {
    let (kind, resource) = match fault {
        internet::Fault::NoRoute(table) | internet::Fault::Blackhole(table) => ("ec2:route-table", table.as_str()),
        internet::Fault::NoPublicAddress(gateway) | internet::Fault::GatewayDetached(gateway) => {
            ("ec2:internet-gateway", gateway.as_str())
        }
        internet::Fault::NatState(nat) | internet::Fault::NatSubnet(nat) => ("ec2:natgateway", nat.as_str()),
        internet::Fault::PublicAccessBlocked => ("ec2:vpc-block-public-access-options", ""),
    };
    Cause { kind, resource: resource.to_owned() }
}

fn advice(faults: &BTreeSet<&internet::Fault>) -> Text {
    let mut text = Text::default();
    for fault in faults {
        if !text.is_empty() {
            text.push(" ");
        }
        text.append(match fault {
            internet::Fault::Blackhole(table) => {
                text!["Point the default route of ", table, " at a NAT gateway that exists."]
            }
            internet::Fault::NatState(nat) => {
                text!["Create a NAT gateway in place of ", nat, " and point the default route at it."]
            }
            internet::Fault::NatSubnet(nat) => {
                text!["Give the subnet of ", nat, " a default route to an attached internet gateway."]
            }
            internet::Fault::GatewayDetached(gateway) => text!["Attach ", gateway, " to the VPC."],
            internet::Fault::PublicAccessBlocked => {
                text!["Exclude the VPC or subnet from block public access, or turn it off."]
            }
            internet::Fault::NoPublicAddress(gateway) => {
                text!["Give the interfaces behind ", gateway, " a public address, or route them to a NAT gateway."]
            }
            internet::Fault::NoRoute(table) => text!["Give ", table, " a default route."],
        });
    }
    text
}

fn repairs(region: &str, faults: &BTreeSet<&internet::Fault>) -> Vec<String> {
    let commands = faults.iter().filter_map(|fault| match fault {
        internet::Fault::Blackhole(table) => {
            let mut command = shell::Command::new("aws ec2 replace-route");
            command.option("region", region);
            command.option("route-table-id", table.as_str());
            command.option("destination-cidr-block", "0.0.0.0/0");
            command.raw("--nat-gateway-id \"$NAT_GATEWAY\"");
            Some(command.to_string())
        }
        internet::Fault::NatState(nat) => {
            let mut command = shell::Command::new("aws ec2 describe-nat-gateways");
            command.option("region", region);
            command.option("nat-gateway-ids", nat.as_str());
            command.option("query", "NatGateways[].[State,FailureCode,FailureMessage,SubnetId]");
            Some(command.to_string())
        }
        _ => None,
    });
    commands.collect()
}
