//! Tasks whose NAT gateway stands in another zone.

use std::collections::BTreeSet;

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::internet::Way;
use crate::finding::{Related, Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::ids::{NatGatewayId, SubnetId};
use crate::text;
use crate::text::{Span, Text};
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "nat-cross-zone",
    group: Group::Egress,
    severity: Severity::Low,
    summary: "tasks whose NAT gateway is in another zone",
    page: include_str!("nat_cross_zone.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html",
    ],
    check: Check::Workload(check),
};

struct Crossing<'s> {
    subnet: &'s SubnetId,
    zone: &'s str,
    nat: NatGatewayId,
    nat_zone: &'s str,
}

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let topology = analyses.topology;
    let view = View::of(&RULE, workload, analyses, Gaps::Of(&[]), |_| true, |_| false);
    let (mut behind_nat, mut crossings) = (false, Vec::new());
    let mut seen = BTreeSet::new();
    for origin in view.cells.iter().filter_map(|cell| cell.origin.as_ref()) {
        let path = analyses.internet_path(origin.subnet_id, origin.public_address);
        if path.way != Way::Yes || !seen.insert(origin.subnet_id) {
            continue;
        }
        behind_nat |= !path.nat_gateways.is_empty();
        let Some(own) = topology.subnet(origin.subnet_id).found() else { continue };
        for (nat, nat_subnet) in &path.nat_gateways {
            let Some(other) = topology.subnet(nat_subnet).found() else { continue };
            if other.availability_zone != own.availability_zone {
                let (zone, nat_zone) = (own.availability_zone.as_str(), other.availability_zone.as_str());
                crossings.push(Crossing { subnet: origin.subnet_id, zone, nat: nat.clone(), nat_zone });
            }
        }
    }
    match (behind_nat, crossings.is_empty(), view.gaps.is_empty()) {
        (_, false, _) => Outcome::Fails(Box::new(Failing { gaps: view.gaps, ..failing(&crossings) })),
        (_, true, false) => Outcome::Unknown(view.gaps),
        (true, true, true) => Outcome::Holds,
        (false, true, true) => Outcome::NotApplicable,
    }
}

fn failing(crossings: &[Crossing<'_>]) -> Failing {
    let first = &crossings[0];
    let mut message = text!["Tasks in "];
    message.append(Text::list(crossings.iter().map(|crossing| Span::from(crossing.subnet)), 3));
    message.append(text![
        " (",
        first.zone.to_owned(),
        ") leave through ",
        &first.nat,
        " in ",
        first.nat_zone.to_owned(),
        ": the loss of that zone cuts them off, and the traffic between the zones is charged"
    ]);
    let text = text!["Give each zone a NAT gateway of its own, or use a regional one."];
    let ids: BTreeSet<(&'static str, &str, &'static str)> = crossings
        .iter()
        .flat_map(|crossing| {
            [
                ("ec2:subnet", crossing.subnet.as_str(), "origin"),
                ("ec2:natgateway", crossing.nat.as_str(), "nat-gateway"),
            ]
        })
        .collect();
    let related = ids.into_iter().map(|(kind, id, role)| Related { kind, id: id.to_owned(), role });
    Failing { related: related.collect(), ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() }) }
}
