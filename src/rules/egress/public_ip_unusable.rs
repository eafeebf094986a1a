//! A public address in a subnet that no internet gateway leads out of.

use std::collections::BTreeSet;

use crate::analysis::{Analyses, internet};
use crate::finding::{Related, Remediation, Severity};
use crate::reach::route;
use crate::reach::space::AddressSet;
use crate::reach::verdict::Gap;
use crate::rules::{Check, Failing, Group, Outcome, Rule};
use crate::snapshot::coverage::Dataset;
use crate::snapshot::enums::RouteState;
use crate::snapshot::ids::SubnetId;
use crate::snapshot::vpc::RouteTarget;
use crate::text;
use crate::text::Text;
use crate::topology::launch::LaunchKind;
use crate::topology::workload::{Role, Workload};
use crate::topology::{Lookup, Topology};

pub(in crate::rules) static RULE: Rule = Rule {
    id: "public-ip-unusable",
    group: Group::Egress,
    severity: Severity::Low,
    summary: "assignPublicIp in a subnet without a route to an internet gateway",
    page: include_str!("public_ip_unusable.md"),
    needs: &[
        Dataset::Clusters,
        Dataset::Services,
        Dataset::CapacityProviders,
        Dataset::Subnets,
        Dataset::RouteTables,
        Dataset::PrefixLists,
    ],
    controls: &[],
    references: &[
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-task-networking.html",
        "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
    ],
    check: Check::Workload(check),
};

fn check<'s>(workload: &Workload<'s>, analyses: &Analyses<'s>) -> Outcome {
    let (mut concerned, mut unusable, mut gaps) = (false, BTreeSet::new(), Vec::new());
    for variant in workload.variants.iter().filter(|variant| variant.role != Role::Active) {
        let fargate = variant.launches.known.iter().any(|launch| launch.kind == LaunchKind::Fargate);
        let Some(network) = variant.network.filter(|network| fargate && network.assign_public_ip) else { continue };
        concerned = true;
        for subnet in &network.subnets {
            match leads_to_internet_gateway(analyses.topology, subnet) {
                Ok(true) => {}
                Ok(false) => {
                    unusable.insert(subnet);
                }
                Err(gap) => gaps.push(gap),
            }
        }
    }
    match (concerned, unusable.is_empty(), gaps.is_empty()) {
        (false, _, _) => Outcome::NotApplicable,
        (true, false, _) => Outcome::Fails(Box::new(failing(&unusable, gaps))),
        (true, true, true) => Outcome::Holds,
        (true, true, false) => Outcome::Unknown(gaps),
    }
}

/// Whether some public address is routed to an internet gateway: a gateway that serves a part serves the address there.
fn leads_to_internet_gateway(topology: &Topology<'_>, id: &SubnetId) -> Result<bool, Gap> {
    let subnet = match topology.subnet(id) {
        Lookup::Found(subnet) => subnet,
        Lookup::Absent => return Err(gone("subnet ", id)),
        Lookup::Unread(gap) => return Err(gap),
    };
    let table = match topology.route_table_of(subnet) {
        Lookup::Found(table) => table,
        Lookup::Absent => return Err(gone("the route table of ", id)),
        Lookup::Unread(gap) => return Err(gap),
    };
    let split = route::split(table, &AddressSet::internet(), |list| topology.prefix_list_entries(list).ok());
    let is_gateway = |target: &RouteTarget| matches!(target, RouteTarget::InternetGateway(_));
    let routes = split.parts.iter().filter_map(|part| part.route).chain(split.unresolved.iter().copied());
    let active: Vec<_> = routes.filter(|route| route.state == RouteState::Active).collect();
    if active.iter().any(|route| is_gateway(&route.target)) {
        return Ok(true);
    }
    // A firewall between the subnet and the gateway leaves the address in use.
    let through = active.iter().find(|route| {
        !matches!(route.target, RouteTarget::NatGateway(_) | RouteTarget::Local) && !route::is_gateway_endpoint(route)
    });
    match through {
        Some(route) => {
            let reason = text![id, " leads to ", internet::describe(route), ", which can't be seen through"];
            Err(Gap::Undecidable { kind: "opaque-route", reason })
        }
        None => Ok(false),
    }
}

fn gone(words: &'static str, id: &SubnetId) -> Gap {
    Gap::Undecidable { kind: "subnet-absent", reason: text![words, id, " is not visible"] }
}

fn failing(subnets: &BTreeSet<&SubnetId>, gaps: Vec<Gap>) -> Failing {
    let mut message = text!["Tasks get a public address in "];
    message.append(Text::list(subnets.iter().copied(), 3));
    message.push(
        ", where no route leads to an internet gateway: nobody can reach them by it, they do not send from it, and it costs \
         money",
    );
    let text =
        text!["Set assignPublicIp to DISABLED, or place the tasks in subnets with a route to an internet gateway."];
    let related =
        subnets.iter().map(|subnet| Related { kind: "ec2:subnet", id: subnet.as_str().to_owned(), role: "origin" });
    Failing {
        related: related.collect(),
        gaps,
        ..Failing::new(&RULE, message, Remediation { text, commands: Vec::new() })
    }
}
