//! An internet-facing load balancer in a subnet that no internet gateway leads to.

use std::collections::BTreeMap;

use super::attachments;
use crate::analysis::Analyses;
use crate::analysis::internet;
use crate::finding::Cause;
use crate::finding::{Remediation, Severity};
use crate::reach::route;
use crate::reach::space::AddressSet;
use crate::reach::verdict::Family;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::elb::LoadBalancer;
use crate::snapshot::enums::RouteState;
use crate::snapshot::ids::SubnetId;
use crate::snapshot::vpc::{Route, RouteTarget};
use crate::text;
use crate::topology::Lookup;
use crate::topology::workload::Workload;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "load-balancer-subnet-private",
    group: Group::LoadBalancing,
    severity: Severity::High,
    summary: "an internet-facing load balancer in a subnet without an internet gateway",
    page: include_str!("load_balancer_subnet_private.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::TargetGroups,
        Dataset::LoadBalancers,
        Dataset::Subnets,
        Dataset::RouteTables,
        Dataset::PrefixLists,
        Dataset::BlockPublicAccess,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html",
        "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/network-load-balancers.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let found = attachments::of(workload, analyses);
    let mut gaps = found.gaps.clone();
    let balancers: BTreeMap<&str, &LoadBalancer> = found
        .all
        .iter()
        .flat_map(|attachment| &attachment.load_balancers)
        .filter(|balancer| balancer.scheme == "internet-facing")
        // Its clients come by IPv6, which this rule does not follow.
        .filter(|balancer| balancer.ip_address_type != "dualstack-without-public-ipv4")
        .map(|balancer| (balancer.arn.as_str(), *balancer))
        .collect();
    let mut wrong = Vec::new();
    for balancer in balancers.values() {
        for zone in &balancer.availability_zones {
            match way(analyses, &zone.subnet_id) {
                Ok(None) => {}
                Ok(Some(leads)) => {
                    let mut detail =
                        text!["load balancer ", &balancer.name, " is internet-facing, but ", &zone.subnet_id, " "];
                    detail.append(leads);
                    let id = zone.subnet_id.as_str();
                    wrong.push(attachments::wrong(Family::Route, "subnet-private", id, None, detail));
                }
                Err(gap) => gaps.push(gap),
            }
        }
    }
    let failing = (!wrong.is_empty()).then(|| {
        let lead = text!["Clients of ", &workload.short_name, " time out in some zones: "];
        let text = text![
            "Give the subnets a default route to an internet gateway, or put the load balancer into public subnets of the \
             same zones."
        ];
        let cause = match balancers.keys().collect::<Vec<_>>().as_slice() {
            [arn] => Some(Cause { kind: "elasticloadbalancing:loadbalancer", resource: (**arn).to_owned() }),
            _ => None,
        };
        Failing {
            related: attachments::related(&found.all),
            cause,
            blockers: wrong.clone(),
            ..Failing::new(&RULE, attachments::sentence(lead, &wrong), Remediation { text, commands: Vec::new() })
        }
    });
    attachments::outcome(!balancers.is_empty(), gaps, failing)
}

/// Where the subnet leads instead of to an internet gateway; nothing when it leads to one.
fn way(analyses: &Analyses<'_>, id: &SubnetId) -> Result<Option<text::Text>, Gap> {
    let topology = analyses.topology;
    let subnet = crate::analysis::ends::subnet(topology, id)?;
    let table = match topology.route_table_of(subnet) {
        Lookup::Found(table) => table,
        Lookup::Absent => {
            let reason = text!["no route table of ", id, " is visible"];
            return Err(Gap::Undecidable { kind: "no-route-table", reason });
        }
        Lookup::Unread(gap) => return Err(gap),
    };
    let split = route::split(table, &AddressSet::internet(), |list| topology.prefix_list_entries(list).ok());
    if let Some(route) = split.unresolved.first() {
        let reason = text!["what a route of ", &table.id, " to ", internet::describe(route), " covers can't be read"];
        return Err(Gap::Undecidable { kind: "opaque-route", reason });
    }
    let parts = || split.parts.iter().filter(|part| part.route.is_none_or(|r| !route::is_gateway_endpoint(r)));
    let Some(bulk) = parts().max_by_key(|part| part.destinations.ipv4_len()) else { return Ok(None) };
    let to_gateway =
        |route: &Route| matches!(route.target, RouteTarget::InternetGateway(_)) && route.state != RouteState::Blackhole;
    if !bulk.route.is_some_and(to_gateway) && parts().any(|part| part.route.is_some_and(to_gateway)) {
        let reason =
            text![&table.id, " leads a part of the internet to an internet gateway: where clients are can't be seen"];
        return Err(Gap::Undecidable { kind: "part-of-the-internet", reason });
    }
    match bulk.route.map(|route| (route, &route.target)) {
        None => Ok(Some(text!["has no default route (", &table.id, ")"])),
        Some((route, _)) if route.state == RouteState::Blackhole => {
            Ok(Some(text!["leads to ", internet::describe(route), ", which is gone (", &table.id, ")"]))
        }
        Some((_, RouteTarget::InternetGateway(_))) => match topology.block_public_access() {
            Lookup::Found(options) if options.internet_gateway_block_mode != "off" => {
                // An exclusion for egress only does not let clients in.
                let exclusion =
                    options.exclusions.get(id.as_str()).or_else(|| options.exclusions.get(subnet.vpc_id.as_str()));
                if exclusion.is_some_and(|mode| mode == "allow-bidirectional") {
                    return Ok(None);
                }
                let mode = options.internet_gateway_block_mode.clone();
                let reason = text!["VPC block public access is in mode ", mode, " and does not exclude ", id];
                Err(Gap::Undecidable { kind: "block-public-access", reason })
            }
            Lookup::Found(_) | Lookup::Absent => Ok(None),
            Lookup::Unread(gap) => Err(gap),
        },
        Some((_, RouteTarget::NatGateway(nat))) => {
            Ok(Some(text!["leads to the NAT gateway ", nat, " (", &table.id, ")"]))
        }
        Some((route, _)) => {
            let reason = text![id, " leads to ", internet::describe(route), ", which can't be seen through"];
            Err(Gap::Undecidable { kind: "opaque-route", reason })
        }
    }
}
