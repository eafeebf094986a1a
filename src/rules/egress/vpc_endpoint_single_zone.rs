//! An endpoint with no interface in a zone that its callers run in.

use std::collections::{BTreeMap, BTreeSet};

use super::view::{self, Gaps, View};
use crate::analysis::Analyses;
use crate::analysis::path::Reach;
use crate::finding::{Related, Remediation, Severity};
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::enums::VpcEndpointType;
use crate::snapshot::vpc::VpcEndpoint;
use crate::text;
use crate::text::{Span, Text};
use crate::topology::Topology;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "vpc-endpoint-single-zone",
    group: Group::Egress,
    severity: Severity::Low,
    summary: "an endpoint without an interface in a zone that its callers run in",
    page: include_str!("vpc_endpoint_single_zone.md"),
    needs: view::DATASETS,
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/vpc-endpoints.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let view = View::of(&RULE, workload, analyses, Gaps::Of(&[]), |_| true, |_| false);
    let mut uses: BTreeMap<&str, (&VpcEndpoint, BTreeSet<&str>)> = BTreeMap::new();
    for cell in &view.cells {
        let (Reach::Holds(Some(endpoint)), Some(origin)) = (&cell.reach, &cell.origin) else { continue };
        if endpoint.endpoint_type != VpcEndpointType::Interface {
            continue;
        }
        if let Some(subnet) = analyses.topology.subnet(origin.subnet_id).found() {
            uses.entry(endpoint.id.as_str())
                .or_insert_with(|| (endpoint, BTreeSet::new()))
                .1
                .insert(&subnet.availability_zone);
        }
    }
    if uses.is_empty() {
        return if view.gaps.is_empty() { Outcome::NotApplicable } else { Outcome::Unknown(view.gaps) };
    }
    let lacking: Vec<(&VpcEndpoint, BTreeSet<&str>)> = uses
        .into_values()
        .filter_map(|(endpoint, zones)| {
            let served = zones_of(analyses.topology, endpoint)?;
            let missing: BTreeSet<&str> = zones.into_iter().filter(|zone| !served.contains(zone)).collect();
            (!missing.is_empty()).then_some((endpoint, missing))
        })
        .collect();
    match (lacking.is_empty(), view.gaps.is_empty()) {
        (false, _) => Outcome::Fails(Box::new(Failing { gaps: view.gaps, ..failing(&lacking) })),
        (true, true) => Outcome::Holds,
        (true, false) => Outcome::Unknown(view.gaps),
    }
}

/// The zones of its subnets, if all of them are known.
fn zones_of<'s>(topology: &Topology<'s>, endpoint: &VpcEndpoint) -> Option<BTreeSet<&'s str>> {
    let zone = |id| topology.subnet(id).found().map(|subnet| subnet.availability_zone.as_str());
    endpoint.subnet_ids.iter().map(zone).collect()
}

fn failing(lacking: &[(&VpcEndpoint, BTreeSet<&str>)]) -> Failing {
    let zones: BTreeSet<&str> = lacking.iter().flat_map(|(_, zones)| zones.iter().copied()).collect();
    let mut message = text!["Tasks run in "];
    message.append(Text::list(zones.iter().map(|zone| (*zone).to_owned()), 4));
    message.push(", where ");
    message.append(Text::list(lacking.iter().map(|(endpoint, _)| Span::from(&endpoint.id)), 4));
    message.push(if lacking.len() == 1 { " has" } else { " have" });
    message.push(" no interface: they depend on another zone, whose loss stops them too");
    let text = text!["Add a subnet of each of these zones to the endpoints."];
    let related = lacking.iter().map(|(endpoint, _)| Related {
        kind: "ec2:vpc-endpoint",
        id: endpoint.id.as_str().to_owned(),
        role: "endpoint",
    });
    Failing {
        related: related.collect(),
        facts: [("zones", serde_json::json!(zones))].into(),
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    }
}
